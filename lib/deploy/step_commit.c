/*
 * Steps "commit", "pin", "clean-up": the point of no return and what follows.
 *
 * The commit is one ledger transaction: the new specifications, the state and
 * the move of "what serves". Everything after it is repeated by recovery until
 * it has happened once.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/encode.h"
#include "deploy/names.h"
#include "deploy/pin.h"
#include "deploy/spec.h"
#include "deploy/steps.h"

static int put_service(struct operation *op, const struct target *t, struct ship_error *err)
{
    AUTO_FREE char *spec = NULL;
    if (t->unchanged && !op->force) {
        if (spec_from_running(op, t->service, &spec, err) < 0)
            return -1;
    } else {
        spec = spec_print(op, t->service);
    }
    char sha[SHA256_HEX_SIZE];
    sha256_hex(spec, strlen(spec), sha);
    struct ledger_service row = {.service = t->service,
                                 .image = t->image,
                                 .repository = t->repository,
                                 .version = t->version,
                                 .digest = t->digest,
                                 .image_id = t->image_id,
                                 .platform = t->platform,
                                 .spec_json = spec,
                                 .spec_sha256 = sha};
    return ledger_put_service(op->s->ledger, op->row.id, &row, err);
}

static int commit(void *ctx, struct ship_error *err)
{
    struct operation *op = ctx;
    struct ledger_deployment late = {
        .id = op->row.id, .to_version = op->res->to.version, .to_digest = op->res->to.digest};
    if (ledger_update(op->s->ledger, &late, err) < 0)
        return -1;
    for (size_t i = 0; i < op->n_targets; i++)
        if (put_service(op, &op->targets[i], err) < 0)
            return -1;
    return ledger_commit(op->s->ledger, op->row.id, clock_epoch_ms(&op->s->clock),
                         op->res->downtime_ms, err);
}

STEP_APPLY(step_commit)
{
    (void)note;
    if (ledger_batch(op->s->ledger, commit, op, err) < 0)
        return -1;
    op->committed = true;
    op->row.state = LEDGER_COMMITTED;
    /* From here on a stop signal must not leave work behind. */
    op->s->runtime->clock = &op->s->patient;
    return STEP_OK;
}

STEP_APPLY(step_pin)
{
    (void)note;
    if (op->pin_refused)
        return STEP_NOTHING; /* warned about before anything changed */
    return pin_all(op, err);
}

/* Parked containers and candidates of earlier operations, which all have ended: we hold the lock.
 */
static int remove_leftovers(struct operation *op, struct ship_error *err)
{
    if (operation_observe(op, err) < 0)
        return -1;
    for (size_t i = 0; i < op->containers.n; i++) {
        const struct container_row *c = &op->containers.rows[i];
        const char *service = container_row_label(c, "com.docker.compose.service");
        if (!service || !name_is_ours(c->name) || !operation_target(op, service))
            continue;
        if (mutate_remove(&op->mutate, service, c->id, c->name, err) < 0)
            return -1;
    }
    return 0;
}

STEP_APPLY(step_clean_up)
{
    size_t n = 0;
    for (size_t i = 0; i < op->n_reps; i++) {
        n += op->reps[i].old_id != NULL;
        if (recreate_finish(&op->mutate, &op->reps[i], err) < 0)
            return -1;
    }
    snprintf(note, STEP_NOTE_MAX, "%zu parked container%s removed", n, n == 1 ? "" : "s");
    if (remove_leftovers(op, err) < 0)
        return -1;
    return n ? STEP_OK : STEP_NOTHING;
}
