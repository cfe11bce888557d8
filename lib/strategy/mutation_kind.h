/*
 * The kinds of mutations: how to send one, how to see whether it happened, how to take it back.
 *
 * Inputs are the args object (also what the journal stores; it never holds container bodies or
 * secrets) and a payload that only the first run has. For the runner (mutation*.c) only.
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

/* One change: what the journal is told, what the engine is sent, and what came of it. */
struct mutation_change {
    const char *kind, *service; /* borrowed; service may be NULL */
    struct json *args;          /* owned */
    struct mutation_payload payload;
    struct json *body;     /* owned; NULL or what payload.body points to */
    struct json *observed; /* owned */
    int64_t seq;           /* in the journal; 0 = the journal is lost */
    int seen;              /* 1 done, 0 not done, -1 unknown */
    size_t *after;         /* owned; indexes of what has to be done before, in its batch */
    size_t n_after;
    struct ship_error err; /* unless done */
};
void mutation_change_done(struct mutation_change *c);

/* ---- the changes that come in batches, too ---- */
struct mutation_change change_create(const struct mutation_create *m);
struct mutation_change change_connect(const char *service, const char *id,
                                      const struct json *connect);
struct mutation_change change_secrets(const char *service, const char *id, const struct buf *tar);
struct mutation_change change_start(const char *service, const char *id, bool keep);
/* kind: network or volume. */
struct mutation_change change_resource(const char *kind, const char *name, const struct json *body);

/* ---- the three parts of a run ---- */
/* Write the intent; sets seq. */
SHIP_CHECKED int mutation_intend(struct mutation_env *env, struct mutation_change *c,
                                 struct ship_error *err);
/* Send it and see; sets seen, observed and err. Touches env->runtime only. */
void mutation_send(struct mutation_env *env, struct mutation_change *c);
/* Record the outcome, now or with the next intent; -1 with c->err unless it is done. */
SHIP_CHECKED int mutation_conclude(struct mutation_env *env, const struct mutation_change *c,
                                   bool now, struct ship_error *err);

SHIP_CHECKED int mutation_record_outcome(struct mutation_env *env, int64_t seq, const char *kind,
                                         const char *outcome, const struct json *observed,
                                         struct ship_error *err);
/* The ledger failed: -1, or 0 with a warning where the journal is optional. */
int mutation_journal_failed(struct mutation_env *env, const char *kind, struct ship_error *err);

/* NULL: no such kind. */
const struct mutation_kind *mutation_kind_find(const char *name);

static inline bool mutation_is_stop(const struct mutation_kind *k)
{
    return str_eq(k->name, "stop");
}

/* How long a stop that the engine has received can take: then its grace period is over. */
static inline int64_t mutation_stop_takes_ms(const struct json *args)
{
    return json_i64(args, "grace_ms", 0) + 2000;
}

/* ms from now, but not beyond the end of the operation. */
static inline int64_t mutation_deadline(const struct mutation_env *env, int64_t ms)
{
    return clock_earlier(clock_deadline(env->patient, ms), env->deadline_ms);
}

#endif
