/*
 * Numbers, durations and sizes: text to value and value to text.
 *
 * Input is untrusted: every digit is checked against overflow, nothing depends
 * on the locale, and the whole string must match. Fractions are kept exact up to
 * six digits, which is finer than any unit we have needs.
 */
#include <assert.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"

#define FRACTION_DIGITS_MAX 6

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Read digits at *s into *ret and step over them; -1 when there is none or they do not fit. */
static int scan_digits(const char **s, uint64_t *ret)
{
    uint64_t value = 0;
    const char *p = *s;

    if (!is_digit(*p))
        return -1;
    for (; is_digit(*p); p++) {
        if (__builtin_mul_overflow(value, 10u, &value) ||
            __builtin_add_overflow(value, (uint64_t)(*p - '0'), &value))
            return -1;
    }
    *s = p;
    *ret = value;
    return 0;
}

int str_to_u64(const char *s, uint64_t *ret)
{
    uint64_t value;

    if (scan_digits(&s, &value) < 0 || *s != '\0')
        return -1;
    *ret = value;
    return 0;
}

int str_to_i64(const char *s, int64_t *ret)
{
    bool negative = *s == '-';
    uint64_t limit = (uint64_t)INT64_MAX + (negative ? 1 : 0);
    uint64_t value;

    if (str_to_u64(negative ? s + 1 : s, &value) < 0 || value > limit)
        return -1;
    *ret = negative ? (int64_t)(0 - value) : (int64_t)value;
    return 0;
}

static const char *skip_digits(const char *s)
{
    while (is_digit(*s))
        s++;
    return s;
}

/* [-+]digits[.digits][e[-+]digits]: strtod alone would take hex, "inf", "nan" and blanks. */
static bool is_decimal(const char *s)
{
    const char *digits = *s == '-' || *s == '+' ? s + 1 : s;
    const char *end = skip_digits(digits);

    if (end == digits)
        return false;
    if (*end == '.') {
        digits = end + 1;
        end = skip_digits(digits);
        if (end == digits)
            return false;
    }
    if (*end == 'e' || *end == 'E') {
        digits = end[1] == '-' || end[1] == '+' ? end + 2 : end + 1;
        end = skip_digits(digits);
        if (end == digits)
            return false;
    }
    return *end == '\0';
}

int str_to_double(const char *s, double *ret)
{
    locale_t c_locale;
    double value;

    if (!is_decimal(s))
        return -1;
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (c_locale == (locale_t)0)
        return -1;
    value = strtod_l(s, NULL, c_locale);
    freelocale(c_locale);
    if (!isfinite(value))
        return -1;
    *ret = value;
    return 0;
}

/* whole + fraction / scale; scale is a power of ten */
struct decimal {
    uint64_t whole;
    uint64_t fraction;
    uint64_t scale;
};

static int scan_decimal(const char **s, struct decimal *ret)
{
    const char *p = *s;
    struct decimal d = {.scale = 1};

    if (scan_digits(&p, &d.whole) < 0)
        return -1;
    if (*p == '.') {
        const char *first = ++p;

        if (scan_digits(&p, &d.fraction) < 0 || p - first > FRACTION_DIGITS_MAX)
            return -1;
        for (; first < p; first++)
            d.scale *= 10;
    }
    *s = p;
    *ret = d;
    return 0;
}

/* d x factor, rounded to the nearest; a value above 0 must not become 0. */
static int multiply_decimal(const struct decimal *d, uint64_t factor, uint64_t *ret)
{
    uint64_t value;

    /* fraction < 10^6 and factor <= 10^12: cannot overflow before the addition */
    if (__builtin_mul_overflow(d->whole, factor, &value) ||
        __builtin_add_overflow(value, (d->fraction * factor + d->scale / 2) / d->scale, &value))
        return -1;
    if (value == 0 && (d->whole != 0 || d->fraction != 0))
        return -1;
    *ret = value;
    return 0;
}

struct unit {
    const char *name;
    uint64_t factor;
};

/* Find the unit at *s and step over it. Longer names come first: "ms" before "m". */
static const struct unit *scan_unit(const struct unit *units, size_t n, const char **s)
{
    for (size_t i = 0; i < n; i++) {
        if (str_starts(*s, units[i].name)) {
            *s += strlen(units[i].name);
            return &units[i];
        }
    }
    return NULL;
}

int str_to_duration_ms(const char *s, int64_t *ret_ms)
{
    static const struct unit units[] = {
        {"ms", 1                      },
        {"s",  1000                   },
        {"m",  60u * 1000             },
        {"h",  3600u * 1000           },
        {"d",  86400u * 1000          },
        {"w",  UINT64_C(604800) * 1000},
    };
    uint64_t total = 0;

    if (strcmp(s, "0") == 0) {
        *ret_ms = 0;
        return 0;
    }
    do {
        struct decimal d;
        const struct unit *unit;
        uint64_t part;

        if (scan_decimal(&s, &d) < 0)
            return -1;
        unit = scan_unit(units, ARRAY_LEN(units), &s);
        if (unit == NULL || multiply_decimal(&d, unit->factor, &part) < 0 ||
            __builtin_add_overflow(total, part, &total))
            return -1;
    } while (*s != '\0');
    if (total > INT64_MAX)
        return -1;
    *ret_ms = (int64_t)total;
    return 0;
}

int str_to_size_bytes(const char *s, uint64_t *ret_bytes)
{
    static const struct unit units[] = {
        {"KB",  1000                               },
        {"MB",  1000000                            },
        {"GB",  1000000000                         },
        {"TB",  UINT64_C(1000000000000)            },
        {"KiB", 1024                               },
        {"MiB", 1024u * 1024                       },
        {"GiB", 1024u * 1024 * 1024                },
        {"TiB", UINT64_C(1024) * 1024 * 1024 * 1024},
        {"B",   1                                  },
    };
    struct decimal d;
    const struct unit *unit;
    uint64_t bytes;

    if (scan_decimal(&s, &d) < 0)
        return -1;
    unit = scan_unit(units, ARRAY_LEN(units), &s);
    if (unit == NULL || *s != '\0' || multiply_decimal(&d, unit->factor, &bytes) < 0)
        return -1;
    *ret_bytes = bytes;
    return 0;
}

/* "2 min 5 s"; the smaller part is left out when it is 0. */
static void format_two(char *out, int64_t big, const char *big_unit, int small,
                       const char *small_unit)
{
    int n = snprintf(out, STR_DURATION_MAX, "%lld %s", (long long)big, big_unit);

    if (small > 0)
        n = snprintf(out, STR_DURATION_MAX, "%lld %s %d %s", (long long)big, big_unit, small,
                     small_unit);
    assert(n > 0 && n < STR_DURATION_MAX);
    (void)n;
}

const char *str_format_duration(int64_t ms, char out[STR_DURATION_MAX])
{
    int64_t s = ms / 1000;

    if (ms < 1000)
        format_two(out, ms > 0 ? ms : 0, "ms", 0, "");
    else if (s < 60)
        /* cut, not rounded: "60.0 s" must not appear */
        (void)snprintf(out, STR_DURATION_MAX, "%d.%d s", (int)s, (int)(ms % 1000 / 100));
    else if (s < 3600)
        format_two(out, s / 60, "min", (int)(s % 60), "s");
    else if (s < 86400)
        format_two(out, s / 3600, "h", (int)(s % 3600 / 60), "min");
    else
        format_two(out, s / 86400, "d", (int)(s % 86400 / 3600), "h");
    return out;
}

const char *str_format_bytes(uint64_t bytes, char out[STR_BYTES_MAX])
{
    static const char *const units[] = {"B", "KB", "MB", "GB", "TB", "PB", "EB"};
    uint64_t divisor = 1;
    size_t i = 0;
    uint64_t tenths;

    while (i + 1 < ARRAY_LEN(units) && bytes / divisor >= 1000) {
        divisor *= 1000;
        i++;
    }
    if (i == 0) {
        (void)snprintf(out, STR_BYTES_MAX, "%u B", (unsigned)bytes);
        return out;
    }
    /* Rounded to the digit shown: one decimal below 10, none above. */
    tenths = bytes / divisor * 10 + (bytes % divisor * 10 + divisor / 2) / divisor;
    if (tenths >= 100)
        tenths = (bytes / divisor + (bytes % divisor >= divisor / 2 ? 1 : 0)) * 10;
    if (tenths >= 10000 && i + 1 < ARRAY_LEN(units)) {
        tenths = 10;
        i++;
    }
    if (tenths < 100)
        (void)snprintf(out, STR_BYTES_MAX, "%u.%u %s", (unsigned)tenths / 10, (unsigned)tenths % 10,
                       units[i]);
    else
        (void)snprintf(out, STR_BYTES_MAX, "%u %s", (unsigned)tenths / 10, units[i]);
    return out;
}
