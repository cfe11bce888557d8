/*
 * Step "pre-checks": engine, disk and published ports before anything changes,
 * then the plan's own. The disk check is built in unless the plan has one.
 */
#include <stdlib.h>

#include "base/alloc.h"
#include "deploy/checks.h"
#include "deploy/ports.h"
#include "deploy/steps.h"

#define DISK_YAML "{min_free: 1GB}"

static bool plan_has(const struct plan_checks *checks, const char *type)
{
    for (size_t i = 0; i < checks->n; i++)
        if (str_eq(checks->items[i].type, type))
            return true;
    return false;
}

static int disk(struct operation *op, struct ship_error *err)
{
    if (plan_has(&op->s->plan->checks.pre, "disk"))
        return 0;
    if (access(op->engine.root_dir ? op->engine.root_dir : "", F_OK) != 0) {
        operation_warn(
            op,
            "the engine's data root '%s' is not visible from here: free disk space is not checked",
            op->engine.root_dir ? op->engine.root_dir : "");
        return 0;
    }
    struct check_builtin check = {"disk", DISK_YAML, CHECK_PRE, 1};
    return checks_run_builtin(op, &check, op->deadline_ms, err);
}

int checks_run_own_pre(struct operation *op, struct ship_error *err)
{
    return disk(op, err) < 0 || ports_check(op, err) < 0 ? -1 : 0;
}

STEP_APPLY(step_prechecks)
{
    checks_set_targets(op, TARGETS_LIVE);
    if (checks_run_own_pre(op, err) < 0)
        return -1;
    return checks_run_plan(op, &op->s->plan->checks.pre, CHECK_PRE, op->deadline_ms, note, err);
}
