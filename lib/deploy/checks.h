/*
 * Checks inside an operation: which containers they look at, running a phase,
 * recording outcomes. The verdict of a required check becomes an error here.
 */
#ifndef SHIP_DEPLOY_CHECKS_H
#define SHIP_DEPLOY_CHECKS_H

#include "deploy/operation.h"

/* Whose containers checks look at for the deployed services. */
enum targets_of { TARGETS_LIVE, TARGETS_NEW, TARGETS_OLD };
void checks_set_targets(struct operation *op, enum targets_of which);

/*
 * Run one phase. -1: SHIP_UNPROVEN (health, post) or SHIP_PRECHECK (pre) names the required check
 * that failed or could not be evaluated; SHIP_INVALID for a bad plan; SHIP_INTERRUPTED. Optional
 * ones warn.
 */
SHIP_CHECKED int checks_run_plan(struct operation *op, const struct plan_checks *plan,
                                 unsigned phase, int64_t deadline_ms, char note[STEP_NOTE_MAX],
                                 struct ship_error *err);
/* Without checks in the plan: each target container's own health check. None at all: a warning. */
SHIP_CHECKED int checks_run_own(struct operation *op, int64_t deadline_ms, char note[STEP_NOTE_MAX],
                                struct ship_error *err);
/* A check that is not in the plan. */
struct check_builtin {
    const char *type;
    const char *yaml; /* its keys: "{min_free: 1GB}" */
    unsigned phase;
    int64_t retries;
};
SHIP_CHECKED int checks_run_builtin(struct operation *op, const struct check_builtin *check,
                                    int64_t deadline_ms, struct ship_error *err);
/* What every deployment asks for before it changes anything: disk space, published ports. */
SHIP_CHECKED int checks_run_own_pre(struct operation *op, struct ship_error *err);

#endif
