/*
 * Comparing and pretty-printing of JSON values, over the getters of json.h only.
 *
 * Recursion is as deep as the value: 64 levels when parsed, what the program
 * built otherwise.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/str.h"

/* Far above any answer we print; reached only by a bug, and then the text is cut. */
#define PRETTY_MAX (256u * 1024 * 1024)

static bool equal_objects(const struct json *a, const struct json *b)
{
    for (const struct json *c = json_first(a); c != NULL; c = json_next(c)) {
        const struct json *other = json_get(b, json_key(c));

        if (other == NULL || !json_equal(c, other))
            return false;
    }
    return json_size(a) == json_size(b);
}

static bool equal_arrays(const struct json *a, const struct json *b)
{
    const struct json *x = json_first(a);
    const struct json *y = json_first(b);

    while (x != NULL && y != NULL && json_equal(x, y)) {
        x = json_next(x);
        y = json_next(y);
    }
    return x == NULL && y == NULL;
}

/* Numbers as doubles, and as text where doubles are too short. */
static bool equal_numbers(const struct json *a, const struct json *b)
{
    AUTO_FREE char *x = NULL;
    AUTO_FREE char *y = NULL;

    if (json_value_double(a) < json_value_double(b) || json_value_double(a) > json_value_double(b))
        return false;
    if (json_value_double(a) < 0x1p53 && json_value_double(a) > -0x1p53)
        return true;
    x = json_print(a);
    y = json_print(b);
    return strcmp(x, y) == 0;
}

bool json_equal(const struct json *a, const struct json *b)
{
    if (json_is_null(a) || json_is_null(b))
        return json_is_null(a) && json_is_null(b);
    if (json_is_object(a) && json_is_object(b))
        return equal_objects(a, b);
    if (json_is_array(a) && json_is_array(b))
        return equal_arrays(a, b);
    if (json_is_string(a) && json_is_string(b))
        return strcmp(json_value_str(a), json_value_str(b)) == 0;
    if (json_is_number(a) && json_is_number(b))
        return equal_numbers(a, b);
    if (json_is_bool(a) && json_is_bool(b))
        return json_value_bool(a) == json_value_bool(b);
    return false;
}

static void new_line(struct buf *out, unsigned level)
{
    (void)buf_addc(out, '\n');
    for (unsigned i = 0; i < level; i++)
        (void)buf_adds(out, "  ");
}

static void add_scalar(struct buf *out, const struct json *j)
{
    AUTO_FREE char *text = json_print(j);

    (void)buf_adds(out, text);
}

static void add_key(struct buf *out, const char *key)
{
    AUTO_PTR(json_free) struct json *name = json_string(key);

    add_scalar(out, name);
    (void)buf_adds(out, ": ");
}

static void add_pretty(struct buf *out, const struct json *j, unsigned level)
{
    bool is_object = json_is_object(j);

    if (json_first(j) == NULL) {
        add_scalar(out, j);
        return;
    }
    (void)buf_addc(out, is_object ? '{' : '[');
    for (const struct json *c = json_first(j); c != NULL; c = json_next(c)) {
        new_line(out, level + 1);
        if (is_object)
            add_key(out, json_key(c));
        add_pretty(out, c, level + 1);
        if (json_next(c) != NULL)
            (void)buf_addc(out, ',');
    }
    new_line(out, level);
    (void)buf_addc(out, is_object ? '}' : ']');
}

char *json_print_pretty(const struct json *j)
{
    AUTO(buf_done) struct buf out = BUF_INIT(PRETTY_MAX);

    add_pretty(&out, j, 0);
    return buf_steal(&out);
}
