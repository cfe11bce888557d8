/*
 * Options as rows of a table: parsing, --help, shell completion and the test
 * of the man pages read the same rows.
 *
 * Accepted: --name=value, --name value, -nvalue, -n value, bundled flags (-qv),
 * "--" ends options. Long names are never abbreviated; an unknown one is
 * answered with the nearest known one. An optional value (OPT_OPTIONAL) is
 * given as --name=value only. The last occurrence wins.
 */
#ifndef SHIPCTL_CMD_OPT_H
#define SHIPCTL_CMD_OPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shipctl/error.h"

enum opt_kind {
    OPT_FLAG,     /* bool: set to true */
    OPT_TEXT,     /* const char *: points into argv, not empty */
    OPT_NUMBER,   /* int64_t, min..max */
    OPT_DURATION, /* int64_t milliseconds, min..max */
    OPT_SINCE,    /* int64_t epoch ms: a duration before now, or a date or time */
    OPT_CHOICE,   /* int: index into values */
};

/* What a value is, for completion. */
enum opt_complete { OPT_COMPLETE_NONE, OPT_COMPLETE_FILE, OPT_COMPLETE_DIR };

struct opt {
    const char *name;
    enum opt_kind kind;
    char short_name; /* 0 = none */
    enum opt_complete complete;
    size_t offset;
    const char *metavar; /* "DUR"; NULL for flags */
    const char *help;
    const char *const *values; /* OPT_CHOICE: NULL-terminated */
    int64_t min, max;          /* OPT_NUMBER, OPT_DURATION */
    const char *optional;      /* the value may be left out: this one is taken; NULL = required */
};

struct opt_table {
    const struct opt *rows;
    size_t n;
};

/*
 * A walk over argv. Tables are searched in order, so that a subcommand may give a short name
 * (history -n) a meaning of its own.
 */
struct opt_walk {
    char **argv; /* borrowed */
    int argc, next;
    const struct opt_table *tables;
    size_t n_tables;
    void *target;   /* the struct the offsets are of */
    int64_t now_ms; /* for OPT_SINCE */
    bool is_ended;  /* "--" was seen */
};

/*
 * Apply options up to the next word that is none.
 * 1 with *ret_word; 0 at the end; -1 SHIP_USAGE (unknown option, missing or wrong value).
 */
int opt_next(struct opt_walk *w, const char **ret_word, struct ship_error *err);

/* Fail with "unknown WHAT 'word': did you mean 'x'?"; the hint names `help` ("shipctl --help"). */
int opt_unknown(const char *what, const char *word, const char *const *known, size_t n,
                struct ship_error *err);

/* A word from the command line, safe and short enough to be quoted in a message. */
const char *opt_quote(const char *word, char out[128]);

#endif
