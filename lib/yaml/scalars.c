/*
 * Scalar kinds of the field tables (see scalars.h).
 *
 * Each decoder writes its slot only when the text is good; else it adds one
 * problem that quotes the text and says what would be right. Numbers, true and
 * false must not be quoted: `retries: "3"` is text, as in YAML itself.
 */
#include "yaml/scalars.h"

#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "base/auto.h"
#include "base/buf.h"
#include "base/str.h"

#define SHOWN_MAX 80 /* bytes of a refused value in its message */

static void refuse(const struct field_value *v, const char *what)
{
    int shown = v->node->len > SHOWN_MAX ? SHOWN_MAX : (int)v->node->len;
    yaml_problem_add(v->problems, YAML_ERROR, &v->node->mark, "%s '%.*s%s' %s", v->label, shown,
                     v->node->text, v->node->len > SHOWN_MAX ? "..." : "", what);
}

/* Refuse with "must be from LOW to HIGH" / "must be at least LOW". */
static void refuse_range(const struct field_value *v, const char *low, const char *high)
{
    AUTO_FREE char *what = v->row->max != 0 ? xasprintf("must be from %s to %s", low, high)
                                            : xasprintf("must be at least %s", low);
    refuse(v, what);
}

static bool is_inside(const struct field *row, int64_t n)
{
    return n >= row->min && (row->max == 0 || n <= row->max);
}

static bool has_range(const struct field *row)
{
    return row->min != 0 || row->max != 0;
}

static void refuse_number_range(const struct field_value *v)
{
    AUTO_FREE char *low = xasprintf("%" PRId64, v->row->min);
    AUTO_FREE char *high = xasprintf("%" PRId64, v->row->max);
    refuse_range(v, low, high);
}

static void decode_string(const struct field_value *v, void *slot)
{
    const struct field *row = v->row;
    if (has_range(row) && !is_inside(row, (int64_t)v->node->len)) {
        AUTO_FREE char *what =
            v->node->len == 0 ? xstrdup("must not be empty")
            : row->max == 0   ? xasprintf("must be at least %" PRId64 " characters long", row->min)
                              : xasprintf("must be %" PRId64 " to %" PRId64 " characters long",
                                          row->min, row->max);
        refuse(v, what);
        return;
    }
    *(char **)slot = xstrdup(v->node->text);
}

bool fields_is_name(const char *s)
{
    size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-");
    return n >= 1 && n <= 63 && s[n] == '\0' && s[0] != '-';
}

static void decode_name(const struct field_value *v, void *slot)
{
    if (fields_is_name(v->node->text))
        *(char **)slot = xstrdup(v->node->text);
    else
        refuse(v, "must be 1 to 63 lower-case letters, digits and dashes, no dash first");
}

static void decode_bool(const struct field_value *v, void *slot)
{
    static const char *const words[] = {"false", "False", "FALSE", "true", "True", "TRUE"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (!str_eq(v->node->text, words[i]))
            continue;
        if (v->node->style == YAML_PLAIN)
            *(bool *)slot = i >= 3;
        else
            refuse(v, "must be true or false without quotes");
        return;
    }
    refuse(v, "must be true or false");
}

static void decode_int(const struct field_value *v, void *slot)
{
    int64_t n;
    if (str_to_i64(v->node->text, &n))
        refuse(v, "must be a whole number");
    else if (v->node->style != YAML_PLAIN)
        refuse(v, "must be a number without quotes");
    else if (has_range(v->row) && !is_inside(v->row, n))
        refuse_number_range(v);
    else
        *(int64_t *)slot = n;
}

static void decode_double(const struct field_value *v, void *slot)
{
    double d;
    if (str_to_double(v->node->text, &d))
        refuse(v, "must be a number");
    else if (v->node->style != YAML_PLAIN)
        refuse(v, "must be a number without quotes");
    else if (has_range(v->row) &&
             (d < (double)v->row->min || (v->row->max != 0 && d > (double)v->row->max)))
        refuse_number_range(v);
    else
        *(double *)slot = d;
}

/* "timeout '90' needs a unit, such as 90s"; or what the value must look like. */
static void refuse_unit(const struct field_value *v, const char *unit, const char *shape)
{
    double d;
    if (str_to_double(v->node->text, &d) || d < 0 || v->node->len > 20) {
        refuse(v, shape);
        return;
    }
    AUTO_FREE char *what = xasprintf("needs a unit, such as %s%s", v->node->text, unit);
    refuse(v, what);
}

static void decode_ms(const struct field_value *v, void *slot)
{
    int64_t ms;
    if (str_to_duration_ms(v->node->text, &ms)) {
        refuse_unit(v, "s", "must be a duration, such as 30s or 1m30s");
        return;
    }
    if (has_range(v->row) && !is_inside(v->row, ms)) {
        char low[STR_DURATION_MAX], high[STR_DURATION_MAX];
        refuse_range(v, str_format_duration(v->row->min, low),
                     str_format_duration(v->row->max, high));
        return;
    }
    *(int64_t *)slot = ms;
}

static void decode_bytes(const struct field_value *v, void *slot)
{
    uint64_t n;
    if (str_to_size_bytes(v->node->text, &n)) {
        refuse_unit(v, "MB", "must be a size, such as 500MB or 1GiB");
        return;
    }
    int64_t size = n > INT64_MAX ? INT64_MAX : (int64_t)n;
    if (has_range(v->row) && !is_inside(v->row, size)) {
        char low[STR_BYTES_MAX], high[STR_BYTES_MAX];
        refuse_range(v, str_format_bytes((uint64_t)v->row->min, low),
                     str_format_bytes((uint64_t)v->row->max, high));
        return;
    }
    *(uint64_t *)slot = n;
}

static size_t count_words(const char *const *words)
{
    size_t n = 0;
    while (words[n])
        n++;
    return n;
}

static void decode_enum(const struct field_value *v, void *slot)
{
    const char *const *words = v->row->words;
    size_t n = count_words(words);
    for (size_t i = 0; i < n; i++) {
        if (str_eq(words[i], v->node->text)) {
            *(int *)slot = (int)i;
            return;
        }
    }
    AUTO(buf_done) struct buf what = BUF_INIT(512);
    buf_adds(&what, "must be ");
    for (size_t i = 0; i < n; i++)
        buf_addf(&what, "%s%s", i == 0 ? "" : i + 1 == n ? " or " : ", ", words[i]);
    refuse(v, what.p);
}

bool scalar_check_count(const struct field_value *v, size_t n, const char *unit)
{
    const struct field *row = v->row;
    if (!has_range(row) || is_inside(row, (int64_t)n))
        return true;
    bool is_low = (int64_t)n < row->min;
    yaml_problem_add(v->problems, YAML_ERROR, &v->node->mark,
                     "%s needs at %s %" PRId64 " %s, it has %zu", v->label,
                     is_low ? "least" : "most", is_low ? row->min : row->max, unit, n);
    return false;
}

void scalar_decode(const struct field_value *v, void *slot)
{
    static void (*const decoders[])(const struct field_value *, void *) = {
        [FIELD_STRING] = decode_string, [FIELD_NAME] = decode_name,     [FIELD_BOOL] = decode_bool,
        [FIELD_INT] = decode_int,       [FIELD_DOUBLE] = decode_double, [FIELD_MS] = decode_ms,
        [FIELD_BYTES] = decode_bytes,   [FIELD_ENUM] = decode_enum,
    };
    decoders[v->row->kind](v, slot);
}
