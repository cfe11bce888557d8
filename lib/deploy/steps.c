/* THE step tables: what a deployment and a rollback are, in order. */
#include "deploy/steps.h"

#define SWITCHING (STEP_CHANGE | STEP_SWITCH)
#define OWED      (STEP_AFTER | STEP_OWED)

/* clang-format off */
const struct step deploy_steps[] = {
    /* name          flags         a mechanism's failure  apply */
    {"resolve",      STEP_PREVIEW, SHIP_NOT_FOUND,        step_resolve},
    {"pre-checks",   STEP_PREVIEW, SHIP_PRECHECK,         step_prechecks},
    {"preview",      STEP_DRY,     SHIP_PRECHECK,         step_preview},
    {"pull",         STEP_CHANGE,  SHIP_NOT_FOUND,        step_pull},
    {"pre_deploy",   STEP_CHANGE,  SHIP_HOOK,             step_pre_deploy},
    {"dependencies", STEP_CHANGE,  SHIP_PRECHECK,         step_dependencies},
    {"backup",       STEP_CHANGE,  SHIP_HOOK,             step_backup},
    {"migrate",      STEP_CHANGE,  SHIP_HOOK,             step_migrate},
    {"create",       STEP_CHANGE,  SHIP_PRECHECK,         step_create},
    {"switch",       SWITCHING,    SHIP_UNPROVEN,         step_switch},
    {"wait-running", STEP_READ,    SHIP_UNPROVEN,         step_wait_running},
    {"health",       STEP_READ,    SHIP_UNPROVEN,         step_health},
    {"dependents",   STEP_CHANGE,  SHIP_UNPROVEN,         step_dependents},
    {"post-checks",  STEP_READ,    SHIP_UNPROVEN,         step_post_checks},
    {"stable",       STEP_READ,    SHIP_UNPROVEN,         step_stable},
    {"commit",       STEP_COMMIT,  SHIP_IO,               step_commit},
    {"pin",          OWED,         SHIP_IO,               step_pin},
    {"clean-up",     OWED,         SHIP_IO,               step_clean_up},
    {"post_deploy",  STEP_AFTER,   SHIP_HOOK,             step_post_deploy},
    {"prune",        STEP_AFTER,   SHIP_IO,               step_prune},
    {0},
};

/* A rollback restores recorded containers: no registry unless the image is gone, no hooks, no migration. */
const struct step rollback_steps[] = {
    {"resolve",      STEP_PREVIEW, SHIP_NOT_FOUND,        step_resolve_rollback},
    {"preview",      STEP_DRY,     SHIP_PRECHECK,         step_preview},
    {"pull",         STEP_CHANGE,  SHIP_NOT_FOUND,        step_pull},
    {"dependencies", STEP_CHANGE,  SHIP_PRECHECK,         step_dependencies},
    {"create",       STEP_CHANGE,  SHIP_PRECHECK,         step_create_rollback},
    {"switch",       SWITCHING,    SHIP_UNPROVEN,         step_switch},
    {"wait-running", STEP_READ,    SHIP_UNPROVEN,         step_wait_running},
    {"health",       STEP_READ,    SHIP_UNPROVEN,         step_health},
    {"dependents",   STEP_CHANGE,  SHIP_UNPROVEN,         step_restarts},
    {"stable",       STEP_READ,    SHIP_UNPROVEN,         step_stable},
    {"commit",       STEP_COMMIT,  SHIP_IO,               step_commit},
    {"pin",          OWED,         SHIP_IO,               step_pin},
    {"clean-up",     OWED,         SHIP_IO,               step_clean_up},
    {0},
};
/* clang-format on */
