/* What a matrix of cases came to: shown, and kept in a Markdown file by the run itself. */
#ifndef TESTS_SUPPORT_RESULTS_H
#define TESTS_SUPPORT_RESULTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/* Replace the section "## NAME" of a Markdown file, or append it; body ends with a line break. */
void results_section(const char *path, const char *name, const char *body);

/* Print the section; SHIPCTL_TEST_RESULTS=FILE: put it into that file too. */
void results_show(const char *name, const char *body);

/* ---- a table of exit statuses ---- */

/* What one case came to. */
struct status_case {
    size_t kind;
    int status;    /* exit status; a signal that killed: its negative number */
    bool ends_new; /* the new version serves */
};
struct status_group {
    const char *name;
    int from, to;
};
struct status_table {
    const char *what; /* the kinds are of */
    size_t n_kinds;
    const char *(*kind_name)(size_t kind);
    const struct status_group *groups;
    size_t n_groups;
};
/* A row for each kind that occurs. */
void results_table(struct buf *to, const struct status_table *t, const struct status_case *cases,
                   size_t n);

#endif
