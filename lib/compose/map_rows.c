/*
 * The row engine of the mapping, and numbers of the model.
 *
 * The loader has validated the model; a malformed number here is still an error that
 * names the key, never a silent zero.
 */
#include "compose/map.h"

#define EXACT_INTEGER_MAX 9007199254740992.0 /* 2^53 */

int map_integer(const struct json *value, const char *what, int64_t *ret, struct ship_error *err)
{
    const char *text = json_value_str(value);

    if (text) {
        if (str_to_i64(text, ret) != 0)
            return ship_fail(err, SHIP_INVALID, "%s: '%s' is not a number", what, text);
        return 0;
    }
    double v = json_value_double(value);
    /* NaN, which stands for "no number", fails both comparisons */
    if (!(v >= -EXACT_INTEGER_MAX && v <= EXACT_INTEGER_MAX))
        return ship_fail(err, SHIP_INVALID, "%s: not a number", what);
    *ret = (int64_t)v;
    return 0;
}

int map_duration(const struct json *value, const char *what, int64_t *ret, struct ship_error *err)
{
    const char *text = json_value_str(value);

    if (!text || compose_duration_ns(text, ret) != 0)
        return ship_fail(err, SHIP_INVALID, "%s: '%s' is not a duration", what, text ? text : "");
    return 0;
}

static int map_row(const struct map_row *row, const struct json *value, struct json *to,
                   struct ship_error *err)
{
    int64_t number = 0;

    switch (row->kind) {
    case MAP_STR:
        if (!str_empty(json_value_str(value)))
            json_set_str(to, row->member, json_value_str(value));
        return 0;
    case MAP_BOOL:
        if (json_value_bool(value))
            json_set_bool(to, row->member, true);
        return 0;
    case MAP_STRINGS:
    case MAP_PAIRS:
        if (json_size(value) > 0)
            json_set(to, row->member, json_copy(value));
        return 0;
    case MAP_INT:
    case MAP_BYTES:
        break;
    }
    if (map_integer(value, row->key, &number, err) != 0)
        return -1;
    if (number != 0)
        json_set_i64(to, row->member, number);
    return 0;
}

int map_rows(const struct map_row *rows, size_t n, const struct json *from, struct json *to,
             struct ship_error *err)
{
    for (size_t i = 0; i < n; i++) {
        const struct json *value = json_get(from, rows[i].key);
        if (!json_is_null(value) && map_row(&rows[i], value, to, err) != 0)
            return -1;
    }
    return 0;
}
