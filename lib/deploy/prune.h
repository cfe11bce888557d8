/*
 * Prune inside the library: one job for `shipctl prune` and the step after a
 * deployment.
 */
#ifndef SHIP_DEPLOY_PRUNE_H
#define SHIP_DEPLOY_PRUNE_H

#include "shipctl/prune.h"

#include "deploy/session.h"

struct prune_job {
    struct ship_session *s; /* plan, ledger (unless dry_run) and runtime are open */
    int64_t keep;           /* 0 = the plan's */
    bool dry_run;
};
/* Under the operation lock unless dry_run. Fills everything of ret but app and environment. */
SHIP_CHECKED int prune_run(const struct prune_job *job, struct ship_prune_report *ret,
                           struct ship_error *err);

#endif
