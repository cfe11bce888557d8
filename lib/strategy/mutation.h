/*
 * Every change of the engine goes through here: write-ahead, act, observe.
 *
 * A mutation is recorded as an intent (durable) before the request is sent and
 * as an outcome after it was observed. dockerd finishes a request although the
 * client is gone, so a lost reply is not a failure but an unknown outcome: we
 * look until the effect is there or its settling time is over. Each kind has
 * an idempotent undo that works from the journal row alone, so the rollback of
 * a running operation, recovery after a crash and the guardian are one code.
 */
#ifndef SHIP_STRATEGY_MUTATION_H
#define SHIP_STRATEGY_MUTATION_H

#include "base/buf.h"
#include "base/json.h"
#include "compose/compose.h"
#include "ledger/ledger.h"
#include "runtime/runtime.h"

struct mutation_env {
    struct runtime *runtime;
    struct ledger *ledger;
    const struct clock *patient; /* clock without stop flag: observing goes on after Ctrl-C */
    int64_t operation;           /* deployment number */
    int64_t deadline_ms;         /* of the whole operation; calls end earlier by their own limits */
    bool journal_optional;       /* walking back: a journal failure only warns */
    bool is_journal_lost;        /* it did, and nothing is recorded any more */
    const struct ship_events *events;
    /* What this process wrote: the way back when the disk does not give it back any more. */
    struct ledger_journals written;
};
void mutation_env_done(struct mutation_env *env); /* zeroed input is fine */

/* Label on every container an operation creates: its deployment number. */
#define LABEL_OPERATION "io.shipctl.op"
/* And the identity of the ledger that counts these numbers. */
#define LABEL_LEDGER "io.shipctl.ledger"
/* Values of the two labels, NULL = none: is it a container of this operation? */
bool mutation_made(const struct mutation_env *env, const char *operation, const char *ledger);

/* A service's container to create. ret_id: heap string. */
struct mutation_create {
    const char *service, *name, *platform;
    const struct json *body;
    bool keep; /* a dependency: undo leaves it when it has ever run */
};
SHIP_CHECKED int mutate_create(struct mutation_env *env, const struct mutation_create *m,
                               char **ret_id, struct ship_error *err);
SHIP_CHECKED int mutate_connect(struct mutation_env *env, const char *service, const char *id,
                                const struct json *connect, struct ship_error *err);
/* Files from environment secrets; nothing happens for an empty archive. */
SHIP_CHECKED int mutate_secrets(struct mutation_env *env, const char *service, const char *id,
                                const struct buf *tar, struct ship_error *err);
struct mutation_policy {
    const char *service, *id, *from, *to;
    int64_t from_max, to_max;
};
SHIP_CHECKED int mutate_policy(struct mutation_env *env, const struct mutation_policy *m,
                               struct ship_error *err);
/* grace_ms: how long the process gets after its stop signal. Undo starts it again if was_running.
 */
SHIP_CHECKED int mutate_stop(struct mutation_env *env, const char *service, const char *id,
                             int64_t grace_ms, bool was_running, struct ship_error *err);
SHIP_CHECKED int mutate_rename(struct mutation_env *env, const char *service, const char *id,
                               const char *from, const char *to, struct ship_error *err);
/* A rename that repairs: undo leaves the new name. */
SHIP_CHECKED int mutate_repair_name(struct mutation_env *env, const char *service, const char *id,
                                    const char *from, const char *to, struct ship_error *err);
/*
 * Note, before the switch, a container that is restarted after it. Changes nothing; undo restarts
 * the container when it is not in the run of started_at any more, so that it meets the old version.
 */
SHIP_CHECKED int mutate_dependent(struct mutation_env *env, const char *service, const char *id,
                                  const char *started_at, int64_t grace_ms, struct ship_error *err);
/* keep: a dependency; undo leaves it running. */
SHIP_CHECKED int mutate_start(struct mutation_env *env, const char *service, const char *id,
                              bool keep, struct ship_error *err);
/* No undo: only after the commit point, or for what never served. */
SHIP_CHECKED int mutate_remove(struct mutation_env *env, const char *service, const char *id,
                               const char *name, struct ship_error *err);
/* Write the version back; no undo: happens after the commit point and is repeated by recovery. */
SHIP_CHECKED int mutate_pin(struct mutation_env *env, const struct compose_pin *pin,
                            struct ship_error *err);

/*
 * Undo everything the journal of env->operation holds, newest first, each row once. Goes on after a
 * failure; -1 with the first one. Rows undone are marked, so a second call continues. A journal
 * that can not be read is replaced by what this process remembers of it, when the journal is
 * optional.
 */
SHIP_CHECKED int mutation_undo_all(struct mutation_env *env, struct ship_error *err);

#endif
