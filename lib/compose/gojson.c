/*
 * Encoder behind gojson.h: escapes, number forms, member order, omission rules.
 *
 * Go specifics: map keys sorted by bytes; `<`, `>`, `&`, U+2028 and U+2029 escaped; invalid
 * UTF-8 becomes the text \ufffd; floats are 32 bit in their shortest round-trip form.
 */
#include "compose/gojson.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "compose/map.h"

#define FLOAT_DIGITS_MAX  9
#define EXACT_INTEGER_MAX 9007199254740992.0 /* 2^53 */
#define FLOAT_EXP_MIN     (-6)
#define FLOAT_EXP_MAX     21

/* Length of the valid UTF-8 sequence at s (n bytes left); 0 when invalid. */
static size_t utf8_len(const unsigned char *s, size_t n)
{
    static const struct {
        unsigned char mask, lead, len;
        unsigned min;
    } forms[] = {
        {0x80, 0x00, 1, 0      },
        {0xe0, 0xc0, 2, 0x80   },
        {0xf0, 0xe0, 3, 0x800  },
        {0xf8, 0xf0, 4, 0x10000},
    };

    for (size_t f = 0; f < ARRAY_LEN(forms); f++) {
        if ((s[0] & forms[f].mask) != forms[f].lead || n < forms[f].len)
            continue;
        unsigned c = s[0] & (unsigned char)~forms[f].mask;
        for (size_t i = 1; i < forms[f].len; i++) {
            if ((s[i] & 0xc0) != 0x80)
                return 0;
            c = c << 6 | (s[i] & 0x3f);
        }
        bool bad = c < forms[f].min || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff);
        return bad ? 0 : forms[f].len;
    }
    return 0;
}

static void add_ascii(struct buf *out, unsigned char c)
{
    static const char special[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
    const char *at = c ? strchr(special, c) : NULL;

    if (at)
        buf_addf(out, "\\%c", letters[at - special]);
    else if (c < 0x20 || c == '<' || c == '>' || c == '&')
        buf_addf(out, "\\u%04x", c);
    else
        buf_addc(out, (char)c);
}

static void add_string(struct buf *out, const char *text)
{
    size_t left = strlen(text);

    buf_addc(out, '"');
    while (left > 0) {
        const unsigned char *s = (const unsigned char *)text;
        size_t len = utf8_len(s, left);
        if (len == 1)
            add_ascii(out, s[0]);
        else if (len == 0)
            buf_adds(out, "\\ufffd");
        else if (len == 3 && s[0] == 0xe2 && s[1] == 0x80 && (s[2] == 0xa8 || s[2] == 0xa9))
            buf_addf(out, "\\u20%02x", s[2] - 0x80u);
        else
            buf_add(out, text, len);
        text += len ? len : 1;
        left -= len ? len : 1;
    }
    buf_addc(out, '"');
}

/* Digits "d[d...]" and decimal exponent of the shortest text that reads back as f. */
static int shortest(float f, char digits[FLOAT_DIGITS_MAX + 1])
{
    char text[32] = "";

    for (int p = 0; p < FLOAT_DIGITS_MAX; p++) {
        (void)snprintf(text, sizeof text, "%.*e", p, (double)f);
        if (p == FLOAT_DIGITS_MAX - 1 || strtof(text, NULL) == f)
            break;
    }
    size_t n = 0;
    const char *e = strchr(text, 'e');
    assert(e);
    for (const char *c = text; c < e; c++)
        if (*c >= '0' && *c <= '9')
            digits[n++] = *c;
    digits[n] = '\0';
    return (int)strtol(e + 1, NULL, 10);
}

static void add_float(struct buf *out, double value)
{
    char digits[FLOAT_DIGITS_MAX + 1] = "";
    int exp = shortest((float)(value < 0 ? -value : value), digits);
    int n = (int)strlen(digits);

    if (value < 0)
        buf_addc(out, '-');
    if (exp < FLOAT_EXP_MIN || exp >= FLOAT_EXP_MAX) {
        buf_addc(out, digits[0]);
        if (n > 1)
            buf_addf(out, ".%s", digits + 1);
        buf_addf(out, exp < 0 ? "e-%d" : "e+%d", abs(exp));
        return;
    }
    for (int i = exp < 0 ? exp : 0; i <= exp || i < n; i++) {
        if (i == exp + 1)
            buf_addc(out, '.');
        const char *digit = i >= 0 && i < n ? &digits[i] : "0";
        buf_addc(out, *digit);
    }
}

static void add_number(struct buf *out, double value)
{
    bool fits = value > -EXACT_INTEGER_MAX && value < EXACT_INTEGER_MAX;

    if (fits && value == (double)(long long)value)
        buf_addf(out, "%lld", (long long)value);
    else
        add_float(out, value);
}

static void add_value(struct buf *out, const struct json *j);

static void add_object(struct buf *out, const struct json *obj)
{
    AUTO_FREE const struct json **sorted = model_sorted(obj);

    buf_addc(out, '{');
    for (size_t i = 0; i < json_size(obj); i++) {
        if (i)
            buf_addc(out, ',');
        add_string(out, json_key(sorted[i]));
        buf_addc(out, ':');
        add_value(out, sorted[i]);
    }
    buf_addc(out, '}');
}

static void add_array(struct buf *out, const struct json *list)
{
    buf_addc(out, '[');
    for (const struct json *c = json_first(list); c; c = json_next(c)) {
        if (c != json_first(list))
            buf_addc(out, ',');
        add_value(out, c);
    }
    buf_addc(out, ']');
}

static void add_value(struct buf *out, const struct json *j)
{
    if (json_is_null(j))
        buf_adds(out, "null");
    else if (json_is_string(j))
        add_string(out, json_value_str(j));
    else if (json_is_number(j))
        add_number(out, json_value_double(j));
    else if (json_is_bool(j))
        buf_adds(out, json_value_bool(j) ? "true" : "false");
    else if (json_is_array(j))
        add_array(out, j);
    else
        add_object(out, j);
}

/* What `omitempty` leaves out. */
static bool is_empty(const struct json *j)
{
    if (json_is_null(j))
        return true;
    if (json_is_string(j))
        return json_value_str(j)[0] == '\0';
    if (json_is_number(j))
        return json_value_double(j) == 0;
    if (json_is_bool(j))
        return !json_value_bool(j);
    return json_size(j) == 0;
}

static bool is_zero_duration(const struct json *j)
{
    int64_t ns = 0;

    return json_is_string(j) && compose_duration_ns(json_value_str(j), &ns) == 0 && ns == 0;
}

static bool omitted(const struct go_member *m, const struct json *value)
{
    switch (m->kind) {
    case GO_ALWAYS:
    case GO_INLINE:
        return false;
    case GO_POINTER:
    case GO_OCTAL:
    case GO_STRUCT:
        return json_is_null(value);
    case GO_BYTES:
        return is_empty(value) || str_eq(json_value_str(value), "0");
    case GO_DURATION:
        return is_empty(value) || is_zero_duration(value);
    case GO_NOT_TRUE:
        return json_is_null(value) || json_value_bool(value);
    case GO_VALUE:
    case GO_LIST:
    case GO_MAP:
    case GO_LABELS:
        break;
    }
    return is_empty(value);
}

static void add_list(struct buf *out, const struct json *list, const struct go_member *table,
                     enum compose_family family)
{
    buf_addc(out, '[');
    for (const struct json *c = json_first(list); c; c = json_next(c)) {
        if (c != json_first(list))
            buf_addc(out, ',');
        gojson_struct(out, c, table, family);
    }
    buf_addc(out, ']');
}

/* Values that are not objects (null, a plain ulimit) print as they are. */
static void add_map(struct buf *out, const struct json *map, const struct go_member *table,
                    enum compose_family family)
{
    AUTO_FREE const struct json **sorted = model_sorted(map);

    buf_addc(out, '{');
    for (size_t i = 0; i < json_size(map); i++) {
        if (i)
            buf_addc(out, ',');
        add_string(out, json_key(sorted[i]));
        buf_addc(out, ':');
        if (json_is_object(sorted[i]))
            gojson_struct(out, sorted[i], table, family);
        else
            add_value(out, sorted[i]);
    }
    buf_addc(out, '}');
}

static void add_member(struct buf *out, const struct go_member *m, const struct json *value,
                       enum compose_family family)
{
    switch (m->kind) {
    case GO_STRUCT:
    case GO_INLINE:
        gojson_struct(out, value, m->sub, family);
        return;
    case GO_LIST:
        add_list(out, value, m->sub, family);
        return;
    case GO_MAP:
        add_map(out, value, m->sub, family);
        return;
    case GO_OCTAL:
        if (!json_is_string(value))
            break;
        buf_addf(out, "%ld", strtol(json_value_str(value), NULL, 8));
        return;
    case GO_VALUE:
    case GO_POINTER:
    case GO_ALWAYS:
    case GO_BYTES:
    case GO_DURATION:
    case GO_LABELS:
    case GO_NOT_TRUE:
        break;
    }
    add_value(out, value);
}

/* Labels Compose itself adds never count. */
static struct json *without_compose_labels(const struct json *labels)
{
    struct json *copy = json_copy(labels);

    for (const struct json *c = json_first(labels); c; c = json_next(c))
        if (str_starts(json_key(c), COMPOSE_LABEL))
            json_remove(copy, json_key(c));
    return copy;
}

void gojson_struct(struct buf *out, const struct json *obj, const struct go_member *table,
                   enum compose_family family)
{
    bool first = true;

    buf_addc(out, '{');
    for (const struct go_member *m = table; m->name; m++) {
        const struct json *value = json_get(obj, m->name);
        AUTO_PTR(json_free) struct json *copy = NULL;
        if (m->families && !(m->families & GO_FAMILY(family)))
            continue;
        if (m->kind == GO_LABELS) {
            copy = without_compose_labels(value);
            value = copy;
        }
        if (omitted(m, value))
            continue;
        buf_addf(out, "%s\"%s\":", first ? "" : ",", m->name);
        add_member(out, m, value, family);
        first = false;
    }
    buf_addc(out, '}');
}
