/* `.env` and env_file text -> variables, the way Compose reads them. */
#ifndef SHIP_COMPOSE_DOTENV_H
#define SHIP_COMPOSE_DOTENV_H

#include <stddef.h>

#include "compose/diag.h"
#include "compose/vars.h"

#define DOTENV_BYTES_MAX (1024u * 1024)
#define DOTENV_VARS_MAX  10000

struct dotenv_source {
    const char *name; /* for messages; outlives the diag */
    const char *text;
    size_t len;
    bool raw; /* format: raw: no quotes, no interpolation */
};

struct dotenv_lookup {
    /* Asked before the variables read so far: OS environment, project environment. */
    const char *(*lookup)(void *ctx, const char *name);
    /* A `${VAR}` without default was unset; may be NULL. */
    void (*unset)(void *ctx, const char *name);
    void *ctx;
};

/*
 * Parse into vars: a later entry wins, earlier contents of vars are visible to interpolation.
 * Errors go to diag with the line; parsing stops at the first one. Returns 0 or -1.
 */
int dotenv_parse(const struct dotenv_source *source, const struct dotenv_lookup *lookup,
                 struct vars *vars, struct diag *diag);

#endif
