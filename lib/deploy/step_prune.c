/* Step "prune": after the commit and under its lock; a failure only warns. */
#include "base/alloc.h"
#include "deploy/prune.h"
#include "deploy/steps.h"

STEP_APPLY(step_prune)
{
    if (!op->s->plan->prune.after_deploy)
        return STEP_NOTHING;
    AUTO(ship_prune_done) struct ship_prune_report report = {0};
    const struct prune_job job = {.s = op->s};
    int rc = prune_run(&job, &report, err);
    for (size_t i = 0; i < report.n_warnings; i++) {
        /* shown by prune_run already; the result and the ledger keep them, too */
        struct ship_result *r = op->res;
        r->warnings = xreallocarray(r->warnings, r->n_warnings + 1, sizeof *r->warnings);
        r->warnings[r->n_warnings++] = xstrdup(report.warnings[i]);
    }
    if (rc < 0)
        return -1;
    size_t n = 0;
    char bytes[STR_BYTES_MAX];
    for (size_t i = 0; i < report.n_images; i++)
        n += report.images[i].removed;
    if (n == 0)
        return STEP_NOTHING;
    (void)snprintf(note, STEP_NOTE_MAX, "%zu image%s, %s", n, n == 1 ? "" : "s",
                   str_format_bytes((uint64_t)report.freed_bytes, bytes));
    return STEP_OK;
}
