/*
 * JSON values: cJSON behind a strict front.
 *
 * A struct json is a cJSON node; the type is never defined. Text is recognised
 * by json_scan first; what cJSON then builds is put into a normal form: of
 * members with the same name the first stays, and integers that cJSON would
 * print as 9.00719925474099e+15 are kept as raw digits.
 */
#include "base/json.h"

#include <assert.h>
#include <cjson/cJSON.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json_scan.h"
#include "base/str.h"

/* cJSON prints integers with 15 digits exactly; larger ones are kept as text. */
#define PLAIN_INTEGER_MAX 1e15

/* Integers at or above this fit no 64-bit type: they stay doubles. */
#define RAW_INTEGER_MAX 18446744073709551616.0

/* 2^63, the first double that does not fit an int64_t */
#define INT64_LIMIT 9223372036854775808.0

static cJSON *raw(const struct json *j)
{
    return (cJSON *)(uintptr_t)j;
}

static struct json *wrap(const cJSON *node)
{
    return (struct json *)(uintptr_t)node;
}

/*
 * cJSON's NULL for "no memory" cannot be told from a parse error, so it gets the allocator that
 * never returns NULL. A constructor, because no caller could be trusted to run it first.
 */
__attribute__((constructor)) static void use_our_allocator(void)
{
    cJSON_Hooks hooks = {.malloc_fn = xmalloc, .free_fn = free};

    cJSON_InitHooks(&hooks);
}

/* ---- normal form ---- */

struct member {
    cJSON *node;
    size_t index;
};

static int compare_members(const void *a, const void *b)
{
    const struct member *x = a;
    const struct member *y = b;
    int order = strcmp(x->node->string, y->node->string);

    if (order != 0)
        return order;
    return x->index < y->index ? -1 : 1;
}

/* Of members with equal names keep the first. Sorting keeps hostile input from costing n squared.
 */
static void drop_duplicates(cJSON *object)
{
    AUTO_FREE struct member *members = NULL;
    size_t n = 0;
    size_t cap = 0;

    for (cJSON *c = object->child; c != NULL; c = c->next) {
        ARRAY_GROW(members, n, cap);
        members[n] = (struct member){.node = c, .index = n};
        n++;
    }
    if (n < 2)
        return;
    qsort(members, n, sizeof *members, compare_members);
    for (size_t i = n - 1; i > 0; i--) {
        if (strcmp(members[i].node->string, members[i - 1].node->string) == 0)
            cJSON_Delete(cJSON_DetachItemViaPointer(object, members[i].node));
    }
}

static bool is_long_integer(double v)
{
    return fabs(v) >= PLAIN_INTEGER_MAX && fabs(v) < RAW_INTEGER_MAX && trunc(v) == v;
}

/* Turn a number node into its digits. */
static void make_raw(cJSON *node)
{
    node->valuestring = xasprintf("%.0f", node->valuedouble);
    node->type = cJSON_Raw;
}

/* Recursion is bounded by JSON_DEPTH_MAX. -1 when a number is out of range. */
static int normalise(cJSON *node)
{
    if (cJSON_IsNumber(node)) {
        if (!isfinite(node->valuedouble))
            return -1;
        if (is_long_integer(node->valuedouble))
            make_raw(node);
    }
    if (cJSON_IsObject(node))
        drop_duplicates(node);
    for (cJSON *c = node->child; c != NULL; c = c->next) {
        if (normalise(c) < 0)
            return -1;
    }
    return 0;
}

/* ---- life cycle ---- */

/* text[0..len) is one value that json_scan has accepted. NULL without message on failure. */
static cJSON *build(const char *text, size_t len)
{
    const char *end = NULL;
    /* cJSON notes where parsing failed in a variable of the process. */
    static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;

    (void)pthread_mutex_lock(&turn);
    cJSON *node = cJSON_ParseWithLengthOpts(text, len, &end, false);
    (void)pthread_mutex_unlock(&turn);

    if (node != NULL && normalise(node) == 0)
        return node;
    cJSON_Delete(node);
    return NULL;
}

struct json *json_parse(const char *text, size_t len, const char *what, struct ship_error *err)
{
    size_t used = 0;
    const char *fault = NULL;
    enum json_scan_result found = json_scan(text, len, &used, &fault);
    cJSON *node;

    if (found == JSON_SCAN_PARTIAL) {
        ship_fail(err, SHIP_INVALID, "%s: JSON ends too early (after %zu bytes)", what, len);
        return NULL;
    }
    if (found == JSON_SCAN_COMPLETE && json_scan_blank(text, len, used) != len) {
        used = json_scan_blank(text, len, used);
        fault = "more text after the value";
    }
    if (fault != NULL) {
        ship_fail(err, SHIP_INVALID, "%s: not valid JSON at byte %zu: %s", what, used + 1, fault);
        return NULL;
    }
    node = build(text, used);
    if (node == NULL)
        ship_fail(err, SHIP_INVALID, "%s: not valid JSON: bad surrogate or number out of range",
                  what);
    return wrap(node);
}

struct json *json_parse_prefix(const char *text, size_t len, size_t *ret_used,
                               struct ship_error *err)
{
    size_t used = 0;
    const char *fault = NULL;
    enum json_scan_result found = json_scan(text, len, &used, &fault);
    cJSON *node;

    /* A number at the end of the text may go on in the next piece. */
    if (found == JSON_SCAN_COMPLETE && used == len && len > 0 && text[len - 1] >= '0' &&
        text[len - 1] <= '9')
        found = JSON_SCAN_PARTIAL;
    if (found == JSON_SCAN_PARTIAL) {
        *ret_used = 0;
        return NULL;
    }
    node = found == JSON_SCAN_COMPLETE ? build(text, used) : NULL;
    *ret_used = node != NULL || used > 0 ? used : 1;
    if (node == NULL)
        ship_fail(err, SHIP_INVALID, "not valid JSON at byte %zu: %s", used + 1,
                  fault != NULL ? fault : "bad surrogate or number out of range");
    return wrap(node);
}

struct json *json_copy(const struct json *j)
{
    return j != NULL ? wrap(cJSON_Duplicate(raw(j), true)) : NULL;
}

void json_free(struct json *j)
{
    cJSON_Delete(raw(j));
}

/* ---- read ---- */

const struct json *json_get(const struct json *obj, const char *key)
{
    return cJSON_IsObject(raw(obj)) ? wrap(cJSON_GetObjectItemCaseSensitive(raw(obj), key)) : NULL;
}

/* Member whose name is key[0..len). */
static const struct json *get_part(const struct json *obj, const char *key, size_t len)
{
    if (!cJSON_IsObject(raw(obj)))
        return NULL;
    for (const cJSON *c = raw(obj)->child; c != NULL; c = c->next) {
        if (strncmp(c->string, key, len) == 0 && c->string[len] == '\0')
            return wrap(c);
    }
    return NULL;
}

const struct json *json_path(const struct json *obj, const char *dotted)
{
    while (obj != NULL) {
        size_t len = strcspn(dotted, ".");

        obj = get_part(obj, dotted, len);
        if (dotted[len] == '\0')
            break;
        dotted += len + 1;
    }
    return obj;
}

/* Decode one reference token at *pointer ("~1" is "/", "~0" is "~") and step over it. */
static int scan_token(const char **pointer, struct buf *token)
{
    const char *p = *pointer;

    for (; *p != '\0' && *p != '/'; p++) {
        char c = *p;

        if (c == '~') {
            c = *++p == '1' ? '/' : '~';
            if (*p != '0' && *p != '1')
                return -1;
        }
        (void)buf_addc(token, c);
    }
    *pointer = p;
    return 0;
}

static const struct json *get_element(const struct json *array, const char *index_text)
{
    const struct json *element = json_first(array);
    uint64_t index;

    if (str_to_u64(index_text, &index) < 0 || (index_text[0] == '0' && index_text[1] != '\0'))
        return NULL;
    for (; element != NULL && index > 0; index--)
        element = json_next(element);
    return element;
}

const struct json *json_pointer(const struct json *j, const char *pointer)
{
    while (j != NULL && *pointer != '\0') {
        AUTO(buf_done) struct buf token = BUF_INIT(strlen(pointer));

        if (*pointer++ != '/' || scan_token(&pointer, &token) < 0)
            return NULL;
        j = cJSON_IsArray(raw(j)) ? get_element(j, token.p) : json_get(j, token.p);
    }
    return j;
}

bool json_is_null(const struct json *j)
{
    return j == NULL || cJSON_IsNull(raw(j));
}

bool json_is_object(const struct json *j)
{
    return cJSON_IsObject(raw(j));
}

bool json_is_array(const struct json *j)
{
    return cJSON_IsArray(raw(j));
}

bool json_is_string(const struct json *j)
{
    return cJSON_IsString(raw(j));
}

bool json_is_number(const struct json *j)
{
    return cJSON_IsNumber(raw(j)) || cJSON_IsRaw(raw(j));
}

bool json_is_bool(const struct json *j)
{
    return cJSON_IsBool(raw(j));
}

const char *json_value_str(const struct json *j)
{
    return cJSON_GetStringValue(raw(j));
}

double json_value_double(const struct json *j)
{
    double v;

    if (cJSON_IsRaw(raw(j)))
        return str_to_double(raw(j)->valuestring, &v) == 0 ? v : (double)NAN;
    return cJSON_IsNumber(raw(j)) ? raw(j)->valuedouble : (double)NAN;
}

bool json_value_bool(const struct json *j)
{
    return cJSON_IsTrue(raw(j));
}

const char *json_str(const struct json *obj, const char *dotted)
{
    return json_value_str(json_path(obj, dotted));
}

const char *json_str_or(const struct json *obj, const char *dotted, const char *fallback)
{
    const char *s = json_str(obj, dotted);

    return s != NULL ? s : fallback;
}

int64_t json_i64(const struct json *obj, const char *dotted, int64_t fallback)
{
    const struct json *j = json_path(obj, dotted);
    double v = json_value_double(j);
    int64_t exact;

    if (cJSON_IsRaw(raw(j)) && str_to_i64(raw(j)->valuestring, &exact) == 0)
        return exact;
    if (!json_is_number(j) || v < -INT64_LIMIT || v >= INT64_LIMIT || trunc(v) != v)
        return fallback;
    return (int64_t)v;
}

double json_double(const struct json *obj, const char *dotted, double fallback)
{
    const struct json *j = json_path(obj, dotted);

    return json_is_number(j) ? json_value_double(j) : fallback;
}

bool json_bool(const struct json *obj, const char *dotted, bool fallback)
{
    const struct json *j = json_path(obj, dotted);

    return json_is_bool(j) ? json_value_bool(j) : fallback;
}

const char *json_key(const struct json *member)
{
    return member != NULL ? raw(member)->string : NULL;
}

size_t json_size(const struct json *j)
{
    size_t n = 0;

    for (const struct json *c = json_first(j); c != NULL; c = json_next(c))
        n++;
    return n;
}

const struct json *json_first(const struct json *j)
{
    return j != NULL ? wrap(raw(j)->child) : NULL;
}

const struct json *json_next(const struct json *member)
{
    return wrap(raw(member)->next);
}

/* ---- build ---- */

struct json *json_object(void)
{
    return wrap(cJSON_CreateObject());
}

struct json *json_array(void)
{
    return wrap(cJSON_CreateArray());
}

struct json *json_string(const char *s)
{
    return s != NULL ? wrap(cJSON_CreateString(s)) : json_null();
}

struct json *json_number(double v)
{
    cJSON *node = cJSON_CreateNumber(v);

    if (is_long_integer(v))
        make_raw(node);
    return wrap(node);
}

struct json *json_integer(int64_t v)
{
    char digits[32];

    if (v > -(int64_t)PLAIN_INTEGER_MAX && v < (int64_t)PLAIN_INTEGER_MAX)
        return wrap(cJSON_CreateNumber((double)v));
    (void)snprintf(digits, sizeof digits, "%lld", (long long)v);
    return wrap(cJSON_CreateRaw(digits));
}

struct json *json_boolean(bool v)
{
    return wrap(cJSON_CreateBool(v));
}

struct json *json_null(void)
{
    return wrap(cJSON_CreateNull());
}

void json_set(struct json *obj, const char *key, struct json *value)
{
    int ok;

    assert(cJSON_IsObject(raw(obj)) && value != NULL);
    if (json_get(obj, key) != NULL)
        ok = cJSON_ReplaceItemInObjectCaseSensitive(raw(obj), key, raw(value));
    else
        ok = cJSON_AddItemToObject(raw(obj), key, raw(value));
    assert(ok);
    (void)ok;
}

void json_set_str(struct json *obj, const char *key, const char *s)
{
    json_set(obj, key, json_string(s));
}

void json_set_i64(struct json *obj, const char *key, int64_t v)
{
    json_set(obj, key, json_integer(v));
}

void json_set_bool(struct json *obj, const char *key, bool v)
{
    json_set(obj, key, json_boolean(v));
}

struct json *json_set_object(struct json *obj, const char *key)
{
    struct json *value = json_object();

    json_set(obj, key, value);
    return value;
}

struct json *json_set_array(struct json *obj, const char *key)
{
    struct json *value = json_array();

    json_set(obj, key, value);
    return value;
}

void json_append(struct json *arr, struct json *value)
{
    int ok;

    assert(cJSON_IsArray(raw(arr)) && value != NULL);
    ok = cJSON_AddItemToArray(raw(arr), raw(value));
    assert(ok);
    (void)ok;
}

void json_append_str(struct json *arr, const char *s)
{
    json_append(arr, json_string(s));
}

struct json *json_append_object(struct json *arr)
{
    struct json *value = json_object();

    json_append(arr, value);
    return value;
}

void json_remove(struct json *obj, const char *key)
{
    json_free(json_detach(obj, key));
}

struct json *json_detach(struct json *obj, const char *key)
{
    cJSON *node = raw(json_get(obj, key));

    if (node == NULL)
        return NULL;
    cJSON_DetachItemViaPointer(raw(obj), node);
    return wrap(node);
}

struct json *json_edit(struct json *obj, const char *key)
{
    return wrap(raw(json_get(obj, key)));
}

char *json_print(const struct json *j)
{
    char *text = cJSON_PrintUnformatted(raw(j));

    assert(text != NULL);
    return text;
}
