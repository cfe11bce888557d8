/*
 * Plain scalars: null, booleans, integers with prefixes and underscores,
 * floats, timestamps, else strings. Nothing here can fail; what does not fit
 * a type is a string.
 */
#include "compose/scalars.h"

#include <inttypes.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/str.h"

const char *scalar_type_name(enum scalar_type t)
{
    static const char *const names[] = {"null",   "boolean",   "integer",
                                        "number", "timestamp", "string"};
    return names[t];
}

int scalar_parse_bool(const char *text, bool *ret)
{
    static const struct {
        const char *word;
        bool value;
        int rc;
    } words[] = {
        {"true",  true,  0},
        {"false", false, 0},
        {"yes",   true,  1},
        {"y",     true,  1},
        {"on",    true,  1},
        {"no",    false, 1},
        {"n",     false, 1},
        {"off",   false, 1},
    };
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (strcasecmp(text, words[i].word) == 0) {
            *ret = words[i].value;
            return words[i].rc;
        }
    }
    return -1;
}

static bool one_of(const char *text, const char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(text, words[i]) == 0)
            return true;
    }
    return false;
}

/* Copy without underscores; false when there is nothing numeric about it or it is too long. */
static bool strip_underscores(const char *text, char *out, size_t size)
{
    size_t n = 0;

    for (; *text; text++) {
        if (*text == '_')
            continue;
        if (n + 1 >= size)
            return false;
        out[n++] = *text;
    }
    out[n] = '\0';
    return n > 0;
}

/* Base of an unsigned literal; moves *s behind the prefix. */
static int literal_base(const char **s)
{
    static const struct {
        const char *prefix;
        int base;
    } prefixes[] = {
        {"0x", 16},
        {"0X", 16},
        {"0b", 2 },
        {"0B", 2 },
        {"0o", 8 },
        {"0O", 8 }
    };

    for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
        if (str_starts(*s, prefixes[i].prefix)) {
            *s += 2;
            return prefixes[i].base;
        }
    }
    return **s == '0' && (*s)[1] ? 8 : 10;
}

static int digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : 99;
}

/* Integers up to 2^64-1 (and down to -2^63); false = not one. */
static bool resolve_int(const char *text, struct scalar *ret)
{
    bool negative = *text == '-';
    uint64_t value = 0;

    if (*text == '-' || *text == '+')
        text++;
    const char *digits = text;
    int base = literal_base(&digits);
    if (!*digits)
        return false;
    for (const char *d = digits; *d; d++) {
        int v = digit_value(*d);
        if (v >= base || __builtin_mul_overflow(value, (uint64_t)base, &value) ||
            __builtin_add_overflow(value, (uint64_t)v, &value))
            return false;
    }
    if (negative && value > UINT64_C(1) << 63)
        return false;
    ret->type = SCALAR_INT;
    ret->surprising = base == 8 && digits == text; /* 0123 reads as 83 */
    /* "-0" keeps its sign [compose-go] */
    (void)snprintf(ret->text, sizeof ret->text, "%s%" PRIu64, negative ? "-" : "", value);
    return true;
}

/* [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)? */
static bool looks_float(const char *s)
{
    size_t whole, part = 0;

    s += *s == '-' || *s == '+';
    whole = strspn(s, "0123456789");
    s += whole;
    if (*s == '.') {
        part = strspn(s + 1, "0123456789");
        s += 1 + part;
    }
    if (whole + part == 0)
        return false;
    if (*s == 'e' || *s == 'E') {
        s += 1 + (s[1] == '-' || s[1] == '+');
        size_t digits = strspn(s, "0123456789");
        if (!digits)
            return false;
        s += digits;
    }
    return !*s;
}

/* Shortest digits that read back as the same number, Compose's exponent rule. */
static void print_float(double v, char out[SCALAR_TEXT_MAX])
{
    char digits[40], plain[400];
    int precision = 0;

    do
        (void)snprintf(digits, sizeof digits, "%.*e", precision, v);
    while (strtod(digits, NULL) != v && ++precision < 17);
    const char *e = strchr(digits, 'e');
    int exponent = e ? (int)strtol(e + 1, NULL, 10) : 0;
    if (exponent < -4 || exponent >= 6)
        (void)snprintf(plain, sizeof plain, "%s", digits);
    else
        (void)snprintf(plain, sizeof plain, "%.*g",
                       (precision > exponent ? precision : exponent) + 1, v);
    (void)snprintf(out, SCALAR_TEXT_MAX, "%.63s", plain);
}

static bool resolve_float(const char *text, struct scalar *ret)
{
    static const char *const specials[] = {".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN"};
    const char *unsigned_text = text + (*text == '-' || *text == '+');

    if (one_of(unsigned_text, specials, ARRAY_LEN(specials))) {
        ret->type = SCALAR_FLOAT;
        ret->infinite = true;
        return true;
    }
    if (!looks_float(text))
        return false;
    double v = strtod(text, NULL); /* the process keeps LC_NUMERIC at "C" */
    ret->type = SCALAR_FLOAT;
    ret->infinite = !isfinite(v);
    ret->number = v;
    print_float(v, ret->text);
    ret->surprising = strcmp(ret->text, text) != 0;
    return true;
}

static bool two_digits(const char **s, int max, int *ret)
{
    char *end;

    if (**s < '0' || **s > '9')
        return false;
    long v = strtol(*s, &end, 10);
    if (end - *s > 2 || v > max)
        return false;
    *ret = (int)v;
    *s = end;
    return true;
}

struct stamp {
    int year, month, day, hour, minute, second;
    char fraction[12]; /* ".123" */
    char zone[8];      /* "" = UTC, else "+0200" */
};

static bool parse_zone(const char **s, struct stamp *t)
{
    int hours, minutes;

    if (**s == 'Z' || **s == '\0') {
        *s += **s == 'Z';
        return true;
    }
    char sign = **s;
    if (sign != '+' && sign != '-')
        return false;
    ++*s;
    if (!two_digits(s, 23, &hours) || **s != ':')
        return false;
    ++*s;
    if (!two_digits(s, 59, &minutes))
        return false;
    if (hours || minutes)
        (void)snprintf(t->zone, sizeof t->zone, "%c%02d%02d", sign, hours % 100, minutes % 100);
    return true;
}

static bool parse_clock(const char **s, struct stamp *t)
{
    if (!two_digits(s, 23, &t->hour) || *(*s)++ != ':' || !two_digits(s, 59, &t->minute) ||
        *(*s)++ != ':' || !two_digits(s, 59, &t->second))
        return false;
    if (**s != '.')
        return true;
    size_t n = strspn(*s + 1, "0123456789");
    if (n == 0 || n > 9)
        return false;
    (void)snprintf(t->fraction, sizeof t->fraction, "%.*s", (int)(n + 1), *s);
    while (t->fraction[n] == '0' || (n == 0 && t->fraction[0]))
        t->fraction[n--] = '\0';
    *s += 1 + strspn(*s + 1, "0123456789");
    return true;
}

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return days[month - 1] + (month == 2 && leap);
}

static bool parse_stamp(const char *s, struct stamp *t)
{
    if (strspn(s, "0123456789") != 4 || s[4] != '-')
        return false;
    t->year = (int)strtol(s, NULL, 10);
    s += 5;
    if (!two_digits(&s, 12, &t->month) || *s++ != '-' || !two_digits(&s, 31, &t->day))
        return false;
    if (t->month < 1 || t->day < 1 || t->day > days_in_month(t->year, t->month))
        return false;
    if (!*s)
        return true;
    char separator = *s++;
    if (!strchr("Tt ", separator) || !parse_clock(&s, t))
        return false;
    if (separator == ' ')
        return !*s;
    return *s && parse_zone(&s, t) && !*s;
}

static bool resolve_time(const char *text, struct scalar *ret)
{
    struct stamp t = {0};

    if (!parse_stamp(text, &t))
        return false;
    ret->type = SCALAR_TIME;
    ret->surprising = true;
    (void)snprintf(ret->text, sizeof ret->text, "%04d-%02d-%02d %02d:%02d:%02d%s %s %s",
                   t.year % 10000, t.month % 100, t.day % 100, t.hour % 100, t.minute % 100,
                   t.second % 100, t.fraction, t.zone[0] ? t.zone : "+0000",
                   t.zone[0] ? t.zone : "UTC");
    return true;
}

struct scalar scalar_of_text(const char *text)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL"};
    static const char *const trues[] = {"true", "True", "TRUE"};
    static const char *const falses[] = {"false", "False", "FALSE"};
    struct scalar s = {.type = SCALAR_STRING};
    char number[SCALAR_TEXT_MAX] = "";

    if (*text && !strchr("~nNtTfF+-.0123456789", *text))
        return s;
    if (one_of(text, nulls, ARRAY_LEN(nulls))) {
        s.type = SCALAR_NULL;
        return s;
    }
    bool yes = one_of(text, trues, ARRAY_LEN(trues));
    if (yes || one_of(text, falses, ARRAY_LEN(falses))) {
        s = (struct scalar){.type = SCALAR_BOOL, .boolean = yes};
        (void)snprintf(s.text, sizeof s.text, "%s", yes ? "true" : "false");
        return s;
    }
    if (!strchr("+-.0123456789", *text))
        return s;
    if (resolve_time(text, &s))
        return s;
    if (strip_underscores(text, number, sizeof number) &&
        (resolve_int(number, &s) || resolve_float(number, &s)))
        return s;
    return (struct scalar){.type = SCALAR_STRING};
}

struct scalar scalar_of(const struct yaml_node *n)
{
    if (n->style != YAML_PLAIN || (n->tag && strcmp(n->tag, "!!str") == 0))
        return (struct scalar){.type = SCALAR_STRING};
    return scalar_of_text(n->text);
}
