/*
 * ${...} variables of the plan: ${version} ${digest} ${old.version} ${app} ${environment}
 * ${env:NAME} ${file:/path}; `$$` is one dollar. Never expanded inside a shell string: the
 * results are argv members, URLs and paths.
 */
#ifndef SHIP_BASE_TMPL_H
#define SHIP_BASE_TMPL_H

#include "shipctl/error.h"

#include "base/redact.h"

struct tmpl_var {
    const char *name;  /* "version" */
    const char *value; /* NULL = known but has no value now: using it is an error */
};

/*
 * Expand text; heap string, caller frees. NULL with SHIP_INVALID: unknown variable (nearest one
 * suggested), no value, unset ${env:NAME}, unreadable or > 64 KiB ${file:}, unbalanced brace.
 * ${file:} content loses one trailing newline, and is a secret: redact gets it. vars: n entries.
 */
char *tmpl_expand(const char *text, const struct tmpl_var *vars, size_t n, struct redact *redact,
                  struct ship_error *err);

/* Grammar and variable names only (no values needed): for lint. */
SHIP_CHECKED int tmpl_check(const char *text, const char *const *names, size_t n,
                            struct ship_error *err);

#endif
