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

/*
 * A transaction whose last sync failed is reported as failed, but has happened: what the file says
 * counts. Going back then would leave a ledger that names a version which does not serve. 1 it has,
 * 0 it has not, -1 nobody can tell.
 */
static int is_committed(const struct operation *op)
{
    AUTO(ledger_deployment_done) struct ledger_deployment d = {0};
    struct ship_error e = {0};
    AUTO_PTR(ledger_close) struct ledger *l = ledger_open(op->s->state_dir, LEDGER_READ, &e);
    if (!l || ledger_find(l, NULL, NULL, op->row.id, &d, &e) < 0)
        return -1;
    return d.state == LEDGER_COMMITTED;
}

STEP_APPLY(step_commit)
{
    if (ledger_batch(op->s->ledger, commit, op, err) < 0) {
        int seen = is_committed(op);
        op->is_commit_unknown = seen < 0;
        if (seen <= 0)
            return -1;
        operation_warn(op, "the commit is in the ledger, but perhaps not on the disk yet: %s",
                       err->msg);
        *err = (struct ship_error){0};
    }
    op->committed = true;
    op->row.state = LEDGER_COMMITTED;
    /* From here on a stop signal must not leave work behind. */
    op->s->runtime->clock = &op->s->patient;
    return STEP_OK;
}

STEP_APPLY(step_pin)
{
    if (op->pin_refused)
        return STEP_NOTHING; /* warned about before anything changed */
    return pin_all(op, err);
}

/* A replacement that `docker compose up` created and never started, before this operation began. */
static bool is_abandoned(const struct operation *op, const struct container_row *c)
{
    return name_behind_temporary(c->name) && c->state == CONTAINER_CREATED &&
           c->created_at_ms < op->res->started_at_ms && !operation_is_stranded(op, c);
}

static bool is_leftover(const struct operation *op, const struct container_row *c,
                        const char *service)
{
    if (!compose_service_find(op->s->compose, service))
        return false;
    if (is_abandoned(op, c))
        return true;
    const struct compose_service *svc = compose_service_find(op->s->compose, service);
    /* Another plan may deploy other services of this project at this moment. */
    bool touched = operation_target(op, service) != NULL;
    for (size_t i = 0; i < svc->n_shares; i++)
        touched = touched || operation_target(op, svc->shares[i]);
    return touched && name_is_ours(c->name);
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
        if (!service || !is_leftover(op, c, service))
            continue;
        if (mutate_remove(&op->mutate, service, c->id, c->name, err) < 0)
            return -1;
    }
    return 0;
}

/* Replicas above the new count, as `docker compose up` would. */
static int remove_surplus(struct operation *op, size_t *n, struct ship_error *err)
{
    for (size_t i = 0; i < op->containers.n; i++) {
        const struct container_row *c = &op->containers.rows[i];
        const struct compose_service *svc = operation_deployed(op, c);
        if (!svc || !operation_is_surplus(op, c, operation_replicas(op, svc)))
            continue;
        ++*n;
        if (mutate_stop(&op->mutate, svc->name, c->id, svc->stop_grace_ms, true, err) < 0 ||
            mutate_remove(&op->mutate, svc->name, c->id, c->name, err) < 0)
            return ship_error_wrap(err, "surplus replica '%s'", c->name);
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
    size_t surplus = 0;
    if (remove_leftovers(op, err) < 0 || remove_surplus(op, &surplus, err) < 0)
        return -1;
    (void)snprintf(note, STEP_NOTE_MAX, "%zu parked container%s removed", n, n == 1 ? "" : "s");
    if (surplus)
        (void)snprintf(note, STEP_NOTE_MAX, "%zu parked, %zu surplus removed", n, surplus);
    return n || surplus ? STEP_OK : STEP_NOTHING;
}
