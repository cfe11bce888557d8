/*
 * Recovery: finish or undo what an operation that died left behind.
 *
 * Runs at the start of every mutating command, in `shipctl recover`, and in
 * the guardian: it observes the engine, then decides. The rule: roll back,
 * unless the new version serves already and proves itself; never start a
 * version that was not proven before.
 */
#ifndef SHIP_DEPLOY_RECOVER_H
#define SHIP_DEPLOY_RECOVER_H

#include "deploy/operation.h"

/*
 * Under op's lock: handle every open operation of the app and environment. Emits what happened.
 * SHIP_ROLLBACK_FAILED when one can not be brought to an end.
 */
SHIP_CHECKED int recover_open(struct operation *op, struct ship_error *err);
/* `shipctl recover`: the whole command; returns the exit status, fills op->res. */
int recover_run(struct operation *op);
/* The same for the guardian, which holds the lock already. */
int recover_run_locked(struct operation *op);

#endif
