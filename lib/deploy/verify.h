/*
 * Proof that a version serves: running, not restarting, healthy, for long
 * enough. Used for the new version, for the old one after a rollback, and by
 * recovery.
 */
#ifndef SHIP_DEPLOY_VERIFY_H
#define SHIP_DEPLOY_VERIFY_H

#include "deploy/operation.h"

/* Every new container runs; fills new_started_at. SHIP_UNPROVEN says what became of it. */
SHIP_CHECKED int verify_running(struct operation *op, int64_t deadline_ms, struct ship_error *err);
/* Health checks of the plan, else each container's own health check, run now. */
SHIP_CHECKED int verify_health(struct operation *op, int64_t deadline_ms, char note[STEP_NOTE_MAX],
                               struct ship_error *err);
/* Same StartedAt and RestartCount for min_ms since the start. */
SHIP_CHECKED int verify_stable(struct operation *op, int64_t min_ms, struct ship_error *err);
/* The same for ms from now on. */
SHIP_CHECKED int verify_watch(struct operation *op, int64_t ms, struct ship_error *err);
/* The old containers run and are healthy again. SHIP_ROLLBACK_FAILED otherwise. */
SHIP_CHECKED int verify_old(struct operation *op, int64_t deadline_ms, struct ship_error *err);

/* ctx = struct operation: a new container has ended or restarted, so trying on is useless. */
bool verify_gave_up(void *ctx, char reason[512]);

#endif
