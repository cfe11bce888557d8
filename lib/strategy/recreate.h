/*
 * Recreate: replace one container by its successor, stop first.
 *
 * prepare (slow, harmless): create the candidate and connect its networks.
 * swap (the outage): policy -> stop old -> rename old -> rename new -> start new.
 * finish (after the commit point): remove the parked old container.
 * The way back is mutation_undo_all(): it needs nothing from here.
 *
 * Why in this order: a rename before the stop would take the running
 * container's DNS record away at once; `unless-stopped` keeps a parked
 * container down after a daemon restart, yet brings it back if power fails
 * before the stop.
 */
#ifndef SHIP_STRATEGY_RECREATE_H
#define SHIP_STRATEGY_RECREATE_H

#include "strategy/mutation.h"

struct replacement {
    char *service;
    int number;            /* container number, >= 1 */
    char *name;            /* final container name */
    char *candidate;       /* name until the swap; equals name when nothing is replaced */
    char *parked;          /* name of the old container after the swap: made of name, too */
    char *platform;        /* NULL = the engine's */
    struct json *body;     /* create body */
    struct json *connects; /* networks beyond the first for old engines */
    struct buf secrets;    /* tar, may be empty */
    int64_t grace_ms;      /* of the old container */
    /* the container being replaced; old_id NULL = none */
    char *old_name; /* differs from name when the file gave the service another container_name */
    char *old_id, *old_started_at, *old_policy, *old_image_id;
    int64_t old_policy_max;
    bool old_running;
    bool follows; /* names another replaced container by id: parked before it, started after it */
    /* the successor */
    char *new_id;
    char *new_started_at; /* StartedAt when it was first seen running; NULL before */
    int64_t stopped_at_ms, serving_at_ms; /* clock; 0 = not yet: downtime is the difference */
};
void replacement_done(struct replacement *r);

SHIP_CHECKED int recreate_prepare(struct mutation_env *env, struct replacement *r,
                                  struct ship_error *err);
/* The halves of a swap, for one that follows another; without an old container parking is nothing.
 */
SHIP_CHECKED int recreate_park(struct mutation_env *env, struct replacement *r,
                               struct ship_error *err);
SHIP_CHECKED int recreate_promote(struct mutation_env *env, struct replacement *r,
                                  struct ship_error *err);
/* clock: for stopped_at_ms. */
SHIP_CHECKED int recreate_swap(struct mutation_env *env, struct replacement *r,
                               struct ship_error *err);
SHIP_CHECKED int recreate_finish(struct mutation_env *env, struct replacement *r,
                                 struct ship_error *err);

#endif
