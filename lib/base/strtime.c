/*
 * RFC 3339 time stamps. Calendar arithmetic is done here, so that neither TZ
 * nor the size of time_t matters.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/str.h"

/* 0000-01-01 and 9999-12-31T23:59:59.999: what four digits of year can show */
#define EPOCH_MS_MIN INT64_C(-62167219200000)
#define EPOCH_MS_MAX INT64_C(253402300799999)

/* Docker's "never": 0001-01-01T00:00:00Z */
#define ZERO_TIME_MS INT64_C(-62135596800000)

#define MS_PER_DAY INT64_C(86400000)

/* Days since 1970-01-01 of a Gregorian date (the civil-from-days algorithm, years from March). */
static int64_t days_from_date(int64_t y, int64_t m, int64_t d)
{
    int64_t year = m <= 2 ? y - 1 : y;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

    return era * 146097 + day_of_era - 719468;
}

const char *str_format_time(int64_t epoch_ms, char out[STR_TIME_MAX])
{
    int64_t ms = epoch_ms < EPOCH_MS_MIN   ? EPOCH_MS_MIN
                 : epoch_ms > EPOCH_MS_MAX ? EPOCH_MS_MAX
                                           : epoch_ms;
    time_t seconds = (time_t)((ms >= 0 ? ms : ms - 999) / 1000);
    struct tm tm = {0};

    (void)gmtime_r(&seconds, &tm); /* cannot fail for four-digit years */
    (void)snprintf(out, STR_TIME_MAX, "%04u-%02u-%02uT%02u:%02u:%02uZ",
                   (unsigned)(tm.tm_year + 1900) % 10000, (unsigned)(tm.tm_mon + 1) % 100,
                   (unsigned)tm.tm_mday % 100, (unsigned)tm.tm_hour % 100,
                   (unsigned)tm.tm_min % 100, (unsigned)tm.tm_sec % 100);
    return out;
}

/* Read exactly n digits at *s; -1 when they are not there. */
static int scan_fixed(const char **s, int n, int64_t *ret)
{
    int64_t value = 0;

    for (int i = 0; i < n; i++) {
        char c = (*s)[i];

        if (c < '0' || c > '9')
            return -1;
        value = value * 10 + (c - '0');
    }
    *s += n;
    *ret = value;
    return 0;
}

static int expect(const char **s, const char *any_of)
{
    if (**s == '\0' || strchr(any_of, **s) == NULL)
        return -1;
    (*s)++;
    return 0;
}

static bool is_date(int64_t y, int64_t m, int64_t d)
{
    static const int month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;

    return m >= 1 && m <= 12 && d >= 1 && d <= month_days[m - 1] + (m == 2 && leap ? 1 : 0);
}

static int scan_date(const char **s, int64_t *ret_days)
{
    int64_t y, m, d;

    if (scan_fixed(s, 4, &y) < 0 || expect(s, "-") < 0 || scan_fixed(s, 2, &m) < 0 ||
        expect(s, "-") < 0 || scan_fixed(s, 2, &d) < 0 || !is_date(y, m, d))
        return -1;
    *ret_days = days_from_date(y, m, d);
    return 0;
}

/* hh:mm:ss, a leap second counts as the next one */
static int scan_clock(const char **s, int64_t *ret_ms)
{
    int64_t h, m, sec;

    if (scan_fixed(s, 2, &h) < 0 || expect(s, ":") < 0 || scan_fixed(s, 2, &m) < 0 ||
        expect(s, ":") < 0 || scan_fixed(s, 2, &sec) < 0 || h > 23 || m > 59 || sec > 60)
        return -1;
    *ret_ms = ((h * 60 + m) * 60 + sec) * 1000;
    return 0;
}

/* Optional fraction of 1 to 9 digits, cut to milliseconds. */
static int scan_fraction(const char **s, int64_t *ret_ms)
{
    int64_t scale = 100;
    int64_t ms = 0;
    const char *first;

    *ret_ms = 0;
    if (**s != '.')
        return 0;
    first = ++*s;
    for (; **s >= '0' && **s <= '9'; (*s)++) {
        ms += (**s - '0') * scale;
        scale /= 10;
    }
    *ret_ms = ms;
    return *s - first >= 1 && *s - first <= 9 ? 0 : -1;
}

/* Z or +hh:mm or -hh:mm */
static int scan_offset(const char **s, int64_t *ret_ms)
{
    int64_t sign = **s == '-' ? -1 : 1;
    int64_t h, m;

    *ret_ms = 0;
    if (expect(s, "Zz") == 0)
        return 0;
    if (expect(s, "+-") < 0 || scan_fixed(s, 2, &h) < 0 || expect(s, ":") < 0 ||
        scan_fixed(s, 2, &m) < 0 || h > 23 || m > 59)
        return -1;
    *ret_ms = sign * (h * 60 + m) * 60000;
    return 0;
}

int str_to_time_ms(const char *s, int64_t *ret_epoch_ms)
{
    int64_t days, clock_ms, fraction_ms, offset_ms, ms;

    if (scan_date(&s, &days) < 0 || expect(&s, "Tt ") < 0 || scan_clock(&s, &clock_ms) < 0 ||
        scan_fraction(&s, &fraction_ms) < 0 || scan_offset(&s, &offset_ms) < 0 || *s != '\0')
        return -1;
    ms = days * MS_PER_DAY + clock_ms + fraction_ms - offset_ms;
    *ret_epoch_ms = ms == ZERO_TIME_MS ? 0 : ms;
    return 0;
}
