/*
 * Parse options by table; see opt.h. Not getopt_long: it abbreviates long
 * names, prints its own messages and knows no suggestion.
 */
#include "opt.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shipctl/text.h"

#include "text.h"

#define QUOTE_CELLS 60
#define KNOWN_MAX   64

const char *opt_quote(const char *word, char out[128])
{
    struct text t = {0};
    char head[QUOTE_CELLS * 4 + 1]; /* a megabyte of argument is not worth sanitizing */

    (void)snprintf(head, sizeof head, "%s", word);
    text_add_clipped(&t, head, QUOTE_CELLS, "...");
    (void)snprintf(out, 128, "%s", text_str(&t));
    text_done(&t);
    return out;
}

int opt_unknown(const char *what, const char *word, const char *const *known, size_t n,
                struct ship_error *err)
{
    char quoted[128];
    const char *near = ship_text_closest(word, known, n);

    opt_quote(word, quoted);
    if (near != NULL)
        return ship_fail(err, SHIP_USAGE, "unknown %s '%s': did you mean '%s'?", what, quoted,
                         near);
    return ship_fail(err, SHIP_USAGE, "unknown %s '%s'", what, quoted);
}

/* How the user knows it: "--name". */
static int bad_value(const struct opt *o, const char *value, const char *expected,
                     struct ship_error *err)
{
    char quoted[128];

    return ship_fail(err, SHIP_USAGE, "--%s: '%s' is not %s", o->name, opt_quote(value, quoted),
                     expected);
}

static int out_of_range(const struct opt *o, const char *value, struct ship_error *err)
{
    char quoted[128];
    char least[SHIP_TEXT_MAX];
    char most[SHIP_TEXT_MAX];

    opt_quote(value, quoted);
    if (o->kind == OPT_DURATION)
        return ship_fail(err, SHIP_USAGE, "--%s: '%s' is not between %s and %s", o->name, quoted,
                         ship_text_duration(o->min, least), ship_text_duration(o->max, most));
    return ship_fail(err, SHIP_USAGE, "--%s: '%s' is not between %" PRId64 " and %" PRId64, o->name,
                     quoted, o->min, o->max);
}

static int set_text(const struct opt *o, const char *value, int64_t now_ms, void *slot,
                    struct ship_error *err)
{
    (void)now_ms;
    if (*value == '\0')
        return ship_fail(err, SHIP_USAGE, "--%s: the value is empty", o->name);
    *(const char **)slot = value;
    return 0;
}

static int set_number(const struct opt *o, const char *value, int64_t now_ms, void *slot,
                      struct ship_error *err)
{
    char *end;
    long long n;

    (void)now_ms;
    errno = 0;
    n = strtoll(value, &end, 10);
    if (end == value || *end != '\0' || value[strspn(value, "0123456789")] != '\0')
        return bad_value(o, value, "a number", err);
    if (errno != 0 || n < o->min || n > o->max)
        return out_of_range(o, value, err);
    *(int64_t *)slot = n;
    return 0;
}

static int set_duration(const struct opt *o, const char *value, int64_t now_ms, void *slot,
                        struct ship_error *err)
{
    int64_t ms;

    (void)now_ms;
    if (ship_text_parse_duration(value, &ms) < 0)
        return bad_value(o, value, "a duration such as 90s or 1m30s", err);
    if (ms < o->min || ms > o->max)
        return out_of_range(o, value, err);
    *(int64_t *)slot = ms;
    return 0;
}

static int set_since(const struct opt *o, const char *value, int64_t now_ms, void *slot,
                     struct ship_error *err)
{
    int64_t ms;

    if (ship_text_parse_duration(value, &ms) == 0 && ms < now_ms)
        *(int64_t *)slot = now_ms - ms;
    else if (ship_text_parse_time(value, &ms) == 0 && ms > 0)
        *(int64_t *)slot = ms;
    else
        return bad_value(o, value, "a duration such as 7d, or a date such as 2026-01-31", err);
    return 0;
}

static int set_choice(const struct opt *o, const char *value, int64_t now_ms, void *slot,
                      struct ship_error *err)
{
    struct text what = {0};
    size_t n = 0;

    (void)now_ms;
    for (; o->values[n] != NULL; n++) {
        if (strcmp(o->values[n], value) == 0) {
            *(int *)slot = (int)n;
            return 0;
        }
    }
    text_addf(&what, "value of --%s", o->name);
    (void)opt_unknown(text_str(&what), value, o->values, n, err);
    text_clear(&what);
    for (size_t i = 0; i < n; i++)
        text_addf(&what, "%s%s", i > 0 ? ", " : "", o->values[i]);
    (void)ship_error_hint(err, "one of: %s", text_str(&what));
    text_done(&what);
    return -1;
}

static int set_flag(const struct opt *o, const char *value, int64_t now_ms, void *slot,
                    struct ship_error *err)
{
    (void)o;
    (void)value;
    (void)now_ms;
    (void)err;
    *(bool *)slot = true;
    return 0;
}

static int set(const struct opt_walk *w, const struct opt *o, const char *value,
               struct ship_error *err)
{
    static int (*const setters[])(const struct opt *, const char *, int64_t, void *,
                                  struct ship_error *) = {
        [OPT_FLAG] = set_flag,         [OPT_TEXT] = set_text,   [OPT_NUMBER] = set_number,
        [OPT_DURATION] = set_duration, [OPT_SINCE] = set_since, [OPT_CHOICE] = set_choice,
    };

    return setters[o->kind](o, value, w->now_ms, (char *)w->target + o->offset, err);
}

static const struct opt *find_long(const struct opt_walk *w, const char *name, size_t len)
{
    for (size_t t = 0; t < w->n_tables; t++)
        for (size_t i = 0; i < w->tables[t].n; i++)
            if (strlen(w->tables[t].rows[i].name) == len &&
                strncmp(w->tables[t].rows[i].name, name, len) == 0)
                return &w->tables[t].rows[i];
    return NULL;
}

static const struct opt *find_short(const struct opt_walk *w, char c)
{
    for (size_t t = 0; t < w->n_tables; t++)
        for (size_t i = 0; i < w->tables[t].n; i++)
            if (w->tables[t].rows[i].short_name == c)
                return &w->tables[t].rows[i];
    return NULL;
}

/* Suggest among everything the walk knows; the dashes are part of the words. */
static int unknown_long(const struct opt_walk *w, const char *word, size_t len,
                        struct ship_error *err)
{
    char names[KNOWN_MAX][32];
    const char *known[KNOWN_MAX];
    size_t n = 0;
    struct text name = {0};

    for (size_t t = 0; t < w->n_tables; t++) {
        for (size_t i = 0; i < w->tables[t].n && n < KNOWN_MAX; i++) {
            (void)snprintf(names[n], sizeof names[n], "--%s", w->tables[t].rows[i].name);
            known[n] = names[n];
            n++;
        }
    }
    text_addn(&name, word, len);
    (void)opt_unknown("option", text_str(&name), known, n, err);
    text_done(&name);
    return -1;
}

static int missing_value(const struct opt *o, struct ship_error *err)
{
    return ship_fail(err, SHIP_USAGE, "--%s needs a value: --%s %s", o->name, o->name, o->metavar);
}

static int apply_long(struct opt_walk *w, const char *word, struct ship_error *err)
{
    const char *name = word + 2;
    size_t len = strcspn(name, "=");
    const char *value = name[len] == '=' ? name + len + 1 : NULL;
    const struct opt *o = find_long(w, name, len);

    if (o == NULL)
        return unknown_long(w, word, len + 2, err);
    if (o->kind == OPT_FLAG && value != NULL)
        return ship_fail(err, SHIP_USAGE, "--%s takes no value", o->name);
    if (o->kind == OPT_FLAG)
        return set(w, o, "", err);
    if (value == NULL && o->optional != NULL)
        value = o->optional;
    else if (value == NULL && w->next < w->argc)
        value = w->argv[w->next++];
    return value != NULL ? set(w, o, value, err) : missing_value(o, err);
}

static int apply_short(struct opt_walk *w, const char *word, struct ship_error *err)
{
    for (const char *c = word + 1; *c != '\0'; c++) {
        const struct opt *o = find_short(w, *c);
        char quoted[128];

        if (o == NULL)
            return ship_fail(err, SHIP_USAGE, "unknown option '-%c' in '%s'",
                             *c > ' ' && *c < 0x7F ? *c : '?', opt_quote(word, quoted));
        if (o->kind != OPT_FLAG) {
            if (c[1] != '\0')
                return set(w, o, c + 1, err);
            return w->next < w->argc ? set(w, o, w->argv[w->next++], err) : missing_value(o, err);
        }
        if (set(w, o, "", err) < 0)
            return -1;
    }
    return 0;
}

int opt_next(struct opt_walk *w, const char **ret_word, struct ship_error *err)
{
    while (w->next < w->argc) {
        const char *word = w->argv[w->next++];
        bool is_long = strncmp(word, "--", 2) == 0;

        if (w->is_ended || word[0] != '-' || word[1] == '\0') {
            *ret_word = word;
            return 1;
        }
        if (is_long && word[2] == '\0')
            w->is_ended = true;
        else if ((is_long ? apply_long(w, word, err) : apply_short(w, word, err)) < 0)
            return -1;
    }
    return 0;
}
