/*
 * Changes that are sent side by side, or one after another where they say so.
 *
 * The intents of all of them are one transaction of the journal, and so are the outcomes: ledger
 * and events are the caller's alone. Between the two a crew sends the requests. After a failure or
 * a stop signal nothing more is handed out, what was sent is waited for.
 *
 * Order: {0}, the add functions, mutation_batch_run, mutation_batch_id,
 * mutation_batch_done. What is added is borrowed until the run.
 */
#ifndef SHIP_STRATEGY_MUTATION_BATCH_H
#define SHIP_STRATEGY_MUTATION_BATCH_H

#include "strategy/mutation.h"

struct mutation_change;

/*
 * Starts on their way at a time. Each sets up a network namespace, which the kernel does one after
 * the other (RTNL); who waits for it there spins. 50 starts on two processors, engine 20.10: 8 at
 * a time 10 s with 13 s of processor time, 24 at a time 20 to 60 s with 30 to 120 s.
 */
#define MUTATION_STARTS_MAX 8

struct mutation_batch {
    struct mutation_change *changes; /* owned */
    size_t n;
    bool has_starts;
};

/* An index is for mutation_batch_id and mutation_batch_after. */
size_t mutation_batch_create(struct mutation_batch *b, const struct mutation_create *m);
void mutation_batch_connect(struct mutation_batch *b, const char *service, const char *id,
                            const struct json *connect);
void mutation_batch_secrets(struct mutation_batch *b, const char *service, const char *id,
                            const struct buf *tar);
size_t mutation_batch_start(struct mutation_batch *b, const char *service, const char *id,
                            bool keep);
void mutation_batch_network(struct mutation_batch *b, const char *name, const struct json *body);
void mutation_batch_volume(struct mutation_batch *b, const char *name, const struct json *body);
/* The change at index is sent when the one at earlier is done. */
void mutation_batch_after(struct mutation_batch *b, size_t index, size_t earlier);

/*
 * All of them, or -1 with the first failure in the order they were added, "service 'x': ..." or
 * "network 'x': ..."; SHIP_INTERRUPTED when a stop signal kept some from being sent.
 */
SHIP_CHECKED int mutation_batch_run(struct mutation_env *env, struct mutation_batch *b,
                                    struct ship_error *err);
/* Id of a container that was created; borrowed. */
const char *mutation_batch_id(const struct mutation_batch *b, size_t index);
void mutation_batch_done(struct mutation_batch *b);

#endif
