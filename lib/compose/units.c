/*
 * Durations ("1m30s", "1.5h", "2d") and sizes ("512m", "1.5g", "-1") of Compose files.
 *
 * Input is the text of one scalar. What can go wrong: bad grammar or a value
 * that does not fit 64 bits; both answer -1 and the caller names the field.
 */
#include "compose/units.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/str.h"
#include "compose/model.h"

#define NS_US   INT64_C(1000)
#define NS_MS   (1000 * NS_US)
#define NS_S    (1000 * NS_MS)
#define NS_MIN  (60 * NS_S)
#define NS_HOUR (60 * NS_MIN)
#define NS_DAY  (24 * NS_HOUR)

struct unit {
    const char *name;
    int64_t factor;
};

/* longer names before their prefixes */
static const struct unit duration_units[] = {
    {"ns",        1         },
    {"us",        NS_US     },
    {"\xc2\xb5s", NS_US     }, /* micro sign */
    {"\xce\xbcs", NS_US     }, /* Greek mu */
    {"ms",        NS_MS     },
    {"s",         NS_S      },
    {"m",         NS_MIN    },
    {"h",         NS_HOUR   },
    {"d",         NS_DAY    },
    {"w",         7 * NS_DAY},
};

static const struct unit *duration_unit(const char *s)
{
    for (size_t i = 0; i < ARRAY_LEN(duration_units); i++) {
        if (str_starts(s, duration_units[i].name))
            return &duration_units[i];
    }
    return NULL;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* One `<number><unit>` at *s: adds its nanoseconds to *total and moves *s behind it. */
static int duration_part(const char **s, int64_t *total)
{
    const char *p = *s;
    int64_t whole = 0, part;
    double fraction = 0, place = 0.1;
    bool digits = false;

    for (; is_digit(*p); p++, digits = true) {
        if (__builtin_mul_overflow(whole, 10, &whole) ||
            __builtin_add_overflow(whole, *p - '0', &whole))
            return -1;
    }
    if (*p == '.') {
        for (p++; is_digit(*p); p++, place /= 10, digits = true)
            fraction += (*p - '0') * place;
    }
    const struct unit *unit = duration_unit(p);
    if (!digits || !unit || __builtin_mul_overflow(whole, unit->factor, &part))
        return -1;
    if (__builtin_add_overflow(part, (int64_t)llround(fraction * (double)unit->factor), &part))
        return -1;
    *s = p + strlen(unit->name);
    return __builtin_add_overflow(*total, part, total) ? -1 : 0;
}

int compose_duration_ns(const char *text, int64_t *ret)
{
    const char *s = text;
    bool negative = *s == '-';
    int64_t total = 0;

    if (*s == '-' || *s == '+')
        s++;
    if (str_eq(s, "0")) {
        *ret = 0;
        return 0;
    }
    if (!*s)
        return -1;
    while (*s) {
        if (duration_part(&s, &total) < 0)
            return -1;
    }
    *ret = negative ? -total : total;
    return 0;
}

/* Append "<value><unit>" where value = ns / factor with up to 9 decimals, none trailing. */
static void format_fraction(uint64_t ns, uint64_t factor, const char *unit, char *out, size_t size)
{
    char fraction[24] = "";
    uint64_t rest = ns % factor;

    if (rest) {
        int width = factor == (uint64_t)NS_S ? 9 : factor == (uint64_t)NS_MS ? 6 : 3;
        (void)snprintf(fraction, sizeof fraction, ".%0*" PRIu64, width, rest);
        for (size_t n = strlen(fraction); fraction[n - 1] == '0'; n--)
            fraction[n - 1] = '\0';
    }
    (void)snprintf(out, size, "%" PRIu64 "%s%s", ns / factor, fraction, unit);
}

const char *units_format_duration(int64_t ns, char out[UNITS_DURATION_MAX])
{
    uint64_t u = ns < 0 ? -(uint64_t)ns : (uint64_t)ns;
    size_t at = 0;

    if (ns < 0)
        out[at++] = '-';
    if (u == 0)
        (void)snprintf(out, UNITS_DURATION_MAX, "0s");
    else if (u < (uint64_t)NS_US)
        format_fraction(u, 1, "ns", out + at, UNITS_DURATION_MAX - at);
    else if (u < (uint64_t)NS_MS)
        format_fraction(u, (uint64_t)NS_US, "\xc2\xb5s", out + at, UNITS_DURATION_MAX - at);
    else if (u < (uint64_t)NS_S)
        format_fraction(u, (uint64_t)NS_MS, "ms", out + at, UNITS_DURATION_MAX - at);
    else {
        uint64_t hours = u / (uint64_t)NS_HOUR, minutes = u / (uint64_t)NS_MIN % 60;
        if (hours)
            at += (size_t)snprintf(out + at, UNITS_DURATION_MAX - at, "%" PRIu64 "h", hours);
        if (hours || minutes)
            at += (size_t)snprintf(out + at, UNITS_DURATION_MAX - at, "%" PRIu64 "m", minutes);
        format_fraction(u % (uint64_t)NS_MIN, (uint64_t)NS_S, "s", out + at,
                        UNITS_DURATION_MAX - at);
    }
    return out;
}

/* Power of 1024 of a suffix ("", "b", "k", "kb", "kib", ...), or -1. */
static int size_power(const char *suffix)
{
    static const char letters[] = "kmgtp";

    if (!*suffix || strcasecmp(suffix, "b") == 0)
        return 0;
    char lower = (char)(*suffix | 0x20);
    const char *at = strchr(letters, lower);
    if (!at || !*at)
        return -1;
    if (suffix[1] && strcasecmp(suffix + 1, "b") != 0 && strcasecmp(suffix + 1, "ib") != 0)
        return -1;
    return (int)(at - letters) + 1;
}

int compose_size_bytes(const char *text, int64_t *ret)
{
    if (str_to_i64(text, ret) == 0)
        return 0;
    size_t n = strspn(text, "0123456789.");
    char number[40];
    double value;
    if (n == 0 || n >= sizeof number)
        return -1;
    memcpy(number, text, n);
    number[n] = '\0';
    const char *suffix = text + n + (text[n] == ' ' ? 1 : 0);
    int power = size_power(suffix);
    if (power < 0 || !is_digit(number[0]) || str_to_double(number, &value) < 0)
        return -1;
    value = ldexp(value, 10 * power);
    if (value >= 9223372036854775808.0)
        return -1;
    *ret = (int64_t)value;
    return 0;
}
