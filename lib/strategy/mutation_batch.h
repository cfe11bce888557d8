/*
 * Changes that do not depend on each other, sent side by side.
 *
 * The intents of all of them are one transaction of the journal, and so are the outcomes: ledger
 * and events are the caller's alone. Between the two a crew of threads sends the requests, each
 * with a connection of its own; a runtime that has only one runs them in turn. After a failure or
 * a stop signal nothing more is handed out, what was sent is waited for.
 *
 * Order: {0}, the add functions, mutation_batch_run, mutation_batch_id,
 * mutation_batch_done. What is added is borrowed until the run.
 */
#ifndef SHIP_STRATEGY_MUTATION_BATCH_H
#define SHIP_STRATEGY_MUTATION_BATCH_H

#include "strategy/mutation.h"

#define MUTATION_CREW_MAX 24 /* requests on their way at a time */

struct mutation_change;

struct mutation_batch {
    struct mutation_change *changes; /* owned */
    size_t n;
};

/* Each returns the change's index, for mutation_batch_id. */
size_t mutation_batch_create(struct mutation_batch *b, const struct mutation_create *m);
void mutation_batch_connect(struct mutation_batch *b, const char *service, const char *id,
                            const struct json *connect);
void mutation_batch_secrets(struct mutation_batch *b, const char *service, const char *id,
                            const struct buf *tar);
void mutation_batch_start(struct mutation_batch *b, const char *service, const char *id, bool keep);
void mutation_batch_network(struct mutation_batch *b, const char *name, const struct json *body);
void mutation_batch_volume(struct mutation_batch *b, const char *name, const struct json *body);

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
