/*
 * The kinds of mutations: how to send one, how to see whether it happened, how to take it back.
 *
 * Inputs are the args object (also what the journal stores; it never holds container bodies or
 * secrets) and a payload that only the first run has. For the runner (mutation.c) only.
 */
#ifndef SHIP_STRATEGY_MUTATION_KIND_H
#define SHIP_STRATEGY_MUTATION_KIND_H

#include "strategy/mutation.h"

struct mutation_payload {
    const struct json *body;
    const struct buf *tar;
    const struct compose_pin *pin;
};

struct mutation_kind {
    const char *name;
    /* Send the request. observed: object to fill with what undo needs (ids). */
    int (*apply)(struct mutation_env *env, const struct json *args,
                 const struct mutation_payload *payload, struct json *observed,
                 struct ship_error *err);
    /* 1 the effect is there, 0 not, -1 could not look. NULL: can not be observed, treat as not
     * done. */
    int (*is_done)(struct mutation_env *env, const struct json *args, struct json *observed,
                   struct ship_error *err);
    int64_t settle_ms; /* how long an accepted request may take to show */
    /* NULL: nothing to take back. */
    int (*undo)(struct mutation_env *env, const struct json *args, const struct json *observed,
                struct ship_error *err);
};

/* NULL: no such kind. */
const struct mutation_kind *mutation_kind_find(const char *name);

/* ms from now, but not beyond the end of the operation. */
static inline int64_t mutation_deadline(const struct mutation_env *env, int64_t ms)
{
    return clock_earlier(clock_deadline(env->patient, ms), env->deadline_ms);
}

#endif
