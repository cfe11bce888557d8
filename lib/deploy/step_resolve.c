/*
 * Step "resolve": the version asked for becomes digests and local images.
 *
 * From here on only the digest counts: what was resolved is what is pulled and
 * what runs. Also the place where "already runs" is found: same image id, same
 * configuration hash. What can go wrong: no such tag (16), registry or engine
 * not reachable (11), credentials refused (16), another architecture (16).
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "deploy/image.h"
#include "deploy/lint.h"
#include "deploy/observe.h"
#include "deploy/pin.h"
#include "deploy/steps.h"
#include "deploy/target.h"

static int resolve_targets(struct operation *op, struct ship_error *err)
{
    for (size_t i = 0; i < op->n_targets; i++) {
        struct target *t = &op->targets[i];
        if (image_resolve_target(op, t, err) < 0)
            return ship_error_wrap(err, "image '%s' of service '%s'", t->image, t->service);
        strv_add(&op->image_refs, t->image);
    }
    if (op->n_targets)
        op->res->to.digest = xstrdup_or_null(op->targets[0].digest);
    return 0;
}

static int find_unchanged(struct operation *op, bool *ret_all, struct ship_error *err)
{
    *ret_all = !op->force;
    for (size_t i = 0; i < op->n_targets; i++) {
        struct target *t = &op->targets[i];
        if (t->image_id && target_is_unchanged(op, t, &t->unchanged, err) < 0)
            return -1;
        *ret_all = *ret_all && t->unchanged;
    }
    return 0;
}

/* Nothing to replace; a version that Compose started still gets its row and its pin. */
static int finish_unchanged(struct operation *op, char note[STEP_NOTE_MAX], struct ship_error *err)
{
    (void)snprintf(note, STEP_NOTE_MAX, "%s already runs with this configuration",
                   op->res->to.version);
    if (op->dry_run)
        return STEP_NOTHING;
    if (!op->previous.id && adopt_running(op, op->wanted, err) < 0)
        return -1;
    if (!targets_are_settled(op))
        return STEP_OK;
    op->res->deployment = op->previous.id;
    if (pin_all(op, err) < 0) {
        operation_warn(op, "pin: %s", err->msg);
        *err = (struct ship_error){0};
    }
    return STEP_FINISHED;
}

STEP_APPLY(step_resolve)
{
    bool unchanged = false;
    if (session_need_compose(op->s, NULL, err) < 0 || lint_plan(op->s, err) < 0 ||
        targets_from_plan(op, err) < 0 || observe_engine(op, err) < 0 ||
        targets_observe_old(op, err) < 0 || pin_check(op, err) < 0 ||
        resolve_targets(op, err) < 0 || find_unchanged(op, &unchanged, err) < 0)
        return -1;
    if (unchanged)
        return finish_unchanged(op, note, err);
    if (!op->dry_run && !op->previous.id && adopt_running(op, NULL, err) < 0)
        return -1;
    const char *digest = op->res->to.digest;
    (void)snprintf(note, STEP_NOTE_MAX, "%s is %.19s", op->res->to.version,
                   digest ? digest : "a local image");
    return STEP_OK;
}
