/*
 * Variables: an ordered set of name -> value with hashed look-up.
 *
 * Used for the project environment, env files and de-duplication. A value may
 * be NULL (known, but unset).
 */
#ifndef SHIP_COMPOSE_VARS_H
#define SHIP_COMPOSE_VARS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct var {
    char *name;
    char *value; /* NULL = known but unset */
};

struct vars {
    struct var *v; /* in order of first setting */
    size_t n, cap;
    size_t *slots; /* index + 1 into v; 0 = free; power of two */
    size_t n_slots;
};

void vars_done(struct vars *vs);
/* Index of a name, or -1. */
long vars_index(const struct vars *vs, const char *name);
const char *vars_get(const struct vars *vs, const char *name); /* NULL when unknown or unset */
/* Set; an existing value is replaced in place. Strings are copied; value may be NULL. */
void vars_set(struct vars *vs, const char *name, const char *value);
/* Set only when the name is unknown. */
void vars_set_default(struct vars *vs, const char *name, const char *value);
/* From "K=V"; an entry without '=' is skipped. */
void vars_set_pair(struct vars *vs, const char *pair);
/* Everything of src that dst does not know yet. */
void vars_add_defaults(struct vars *dst, const struct vars *src);

#endif
