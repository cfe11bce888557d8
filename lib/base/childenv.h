/*
 * The environment of programs that the plan names: a fixed allow-list of ours
 * (PATH HOME LANG LC_* TZ USER) and SHIPCTL_* from the template variables, so
 * that no secret of the caller's shell leaks into a hook or a check.
 */
#ifndef SHIP_BASE_CHILDENV_H
#define SHIP_BASE_CHILDENV_H

#include "base/str.h"
#include "base/tmpl.h"

/* Add the allowed "K=V" members of our environment to out. */
void childenv_allowed(struct strv *out);

/*
 * Add each variable that has a value as SHIPCTL_<NAME>: "old.version" becomes
 * SHIPCTL_OLD_VERSION.
 */
void childenv_variables(struct strv *out, const struct tmpl_var *vars, size_t n);

/* Add "name=value". */
void childenv_add(struct strv *out, const char *name, const char *value);

#endif
