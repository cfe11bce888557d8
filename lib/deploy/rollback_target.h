/*
 * What `rollback` without a version goes back to: one rule for the command and
 * for `status`.
 *
 * The newest deployment recorded as succeeded and kept that is earlier than
 * what serves and differs from it. After a rollback: earlier than the
 * deployment it went back to, so that pressing the button again goes further
 * back, never forward to the version that failed. When the version of the
 * newest success does not serve (a failed deployment was left in place), that
 * success itself.
 */
#ifndef SHIP_DEPLOY_ROLLBACK_TARGET_H
#define SHIP_DEPLOY_ROLLBACK_TARGET_H

#include "deploy/operation.h"

/* current_serves: the containers are those of `current`. 0 found, 1 none. */
SHIP_CHECKED int rollback_target_find(struct ledger *l, const struct ledger_deployment *current,
                                      bool current_serves, struct ledger_deployment *ret,
                                      struct ship_error *err);
/* Is the deployment to go back to (op->rollback_to, op->targets) what serves now, everywhere? */
bool rollback_target_is_current(const struct operation *op);
/* Do the app's live containers belong to this deployment's version? None at all: true. */
bool rollback_target_serves(const struct container_list *containers,
                            const struct ledger_deployment *current);

#endif
