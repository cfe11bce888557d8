/* The step functions of the tables in steps.c, one file per concept (step_*.c). */
#ifndef SHIP_DEPLOY_STEPS_H
#define SHIP_DEPLOY_STEPS_H

#include "deploy/operation.h"

#define STEP_APPLY(name)                                                                           \
    int name(struct operation *op, __attribute__((unused)) char note[STEP_NOTE_MAX],               \
             struct ship_error *err)

STEP_APPLY(step_resolve);          /* version -> services, digests, images; no-op found here */
STEP_APPLY(step_resolve_rollback); /* recorded deployment -> services, specs, images */
STEP_APPLY(step_prechecks);
STEP_APPLY(step_preview);
STEP_APPLY(step_pull);
STEP_APPLY(step_pre_deploy);
STEP_APPLY(step_dependencies);
STEP_APPLY(step_backup);
STEP_APPLY(step_migrate);
STEP_APPLY(step_create);
STEP_APPLY(step_create_rollback);
STEP_APPLY(step_switch);
STEP_APPLY(step_wait_running);
STEP_APPLY(step_health);
STEP_APPLY(step_dependents);
STEP_APPLY(step_restarts);
STEP_APPLY(step_post_checks);
STEP_APPLY(step_stable);
STEP_APPLY(step_commit);
STEP_APPLY(step_pin);
STEP_APPLY(step_clean_up);
STEP_APPLY(step_post_deploy);
STEP_APPLY(step_prune);

#endif
