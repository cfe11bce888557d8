/*
 * Observation and adoption: see observe.h.
 *
 * A running container that no ledger row knows (Compose started it, or the
 * ledger is new) is recorded with its specification read back from the engine,
 * so the first deployment already has something to go back to by hand.
 */
#include "deploy/observe.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/proc.h"
#include "deploy/spec.h"
#include "deploy/target.h"

#define COMPOSE_VERSION_MS 3000

static const char *compose_version_label(const struct operation *op)
{
    for (size_t i = 0; i < op->containers.n; i++) {
        const char *v = container_row_label(&op->containers.rows[i], "com.docker.compose.version");
        if (v)
            return v;
    }
    return NULL;
}

/*
 * No container says which Compose is used here: ask the one that is installed. A missing or slow
 * one is no error; then the newest rules are taken.
 */
static enum compose_family installed_family(const struct operation *op)
{
    static const char *const argv[] = {"docker", "compose", "version", "--short", NULL};
    struct ship_error ignored = {0};
    struct proc_spec spec = {.argv = argv,
                             .envp = op->s->opt.environ,
                             .deadline_ms = clock_deadline(&op->s->clock, COMPOSE_VERSION_MS),
                             .clock = &op->s->clock,
                             .separate_stderr = true,
                             .confined = true};
    AUTO(proc_result_done) struct proc_result r = {0};
    bool is_told = proc_run(&spec, &r, &ignored) == 0 && r.exit_code == 0;
    return compose_family_of(is_told ? r.out.p : NULL);
}

/*
 * Two state directories share no lock and no history. What runs is taken over all the same, as
 * after the loss of a ledger; but whoever did not mean that has to know.
 */
static void warn_of_other_ledger(struct operation *op)
{
    for (size_t i = 0; op->s->ledger && i < op->containers.n; i++) {
        const struct container_row *c = &op->containers.rows[i];
        const char *label = container_row_label(c, LABEL_LEDGER);
        if (!label || c->state != CONTAINER_RUNNING || str_eq(label, ledger_uuid(op->s->ledger)))
            continue;
        operation_warn(op,
                       "container '%s' belongs to another ledger (%.8s) than the one in '%s': its "
                       "history and its lock are not seen here; use one SHIPCTL_STATE_DIR",
                       c->name, label, op->s->state_dir);
        return;
    }
}

int observe_engine(struct operation *op, struct ship_error *err)
{
    struct runtime *rt = op->s->runtime;
    if (rt->ops->probe(rt, &op->engine, clock_deadline(rt->clock, RUNTIME_READ_MS), err) < 0 ||
        operation_observe(op, err) < 0)
        return -1;
    warn_of_other_ledger(op);
    compose_warn_old_engine(op->s->compose, op->engine.api_minor, &op->s->problems);
    const char *label = compose_version_label(op);
    op->family = label ? compose_family_of(label) : installed_family(op);
    targets_set_peers(op);
    return 0;
}

static int adopt_service(struct operation *op, const struct target *t, const char *version,
                         struct ledger_service *ret, bool *ret_running, struct ship_error *err)
{
    const struct container_row *row = operation_container(op, t->service, 0);
    *ret_running = row && row->state == CONTAINER_RUNNING;
    if (!*ret_running)
        return 0;
    AUTO_FREE char *spec = NULL;
    if (spec_from_running(op, t->service, &spec, err) < 0)
        return -1;
    *ret = (struct ledger_service){.service = xstrdup(t->service),
                                   .image = xstrdup(row->image),
                                   .repository = xstrdup(t->repository),
                                   .version = xstrdup_or_null(version ? version : t->old_version),
                                   .digest = xstrdup_or_null(t->old_digest),
                                   .image_id = xstrdup(row->image_id),
                                   .platform = xstrdup_or_null(t->platform),
                                   .spec_json = steal_ptr(&spec)};
    return 0;
}

/* A lost ledger: the numbers on the containers go on, so that no label means two operations. */
static int64_t newest_operation(const struct operation *op)
{
    int64_t newest = 0, n;
    for (size_t i = 0; i < op->containers.n; i++) {
        const char *label = container_row_label(&op->containers.rows[i], LABEL_OPERATION);
        if (label && str_to_i64(label, &n) == 0 && n > newest)
            newest = n;
    }
    return newest;
}

/* 0 = the next one: a deployment that was refused may have taken the number of the label. */
static int free_number(const struct operation *op, int64_t *ret, struct ship_error *err)
{
    AUTO(ledger_deployments_done) struct ledger_deployments newest = {0};
    const struct ledger_query any = {.limit = 1};
    if (ledger_list(op->s->ledger, &any, &newest, err) < 0)
        return -1;
    *ret = newest_operation(op);
    if (newest.n && newest.rows[0].id >= *ret)
        *ret = 0;
    return 0;
}

static int record_adopted(struct operation *op, const struct ledger_services *services,
                          struct ship_error *err)
{
    const struct plan *p = op->s->plan;
    int64_t number = 0;
    if (free_number(op, &number, err) < 0)
        return -1;
    struct ledger_deployment d = {.id = number,
                                  .app = p->app,
                                  .environment = p->environment,
                                  .project = ledger_lend(compose_name(op->s->compose)),
                                  .action = ledger_lend("deploy"),
                                  .to_version = services->rows[0].version,
                                  .to_digest = services->rows[0].digest,
                                  .actor = op->actor.name,
                                  .actor_json = op->actor.json,
                                  .host = op->actor.host,
                                  .strategy = ledger_lend("recreate"),
                                  .plan_hash = ledger_lend(p->hash),
                                  .compose_hash = ledger_lend(compose_hash(op->s->compose)),
                                  .signature = ledger_lend("unsigned"),
                                  .started_at_ms = op->res->started_at_ms,
                                  .finished_at_ms = op->res->started_at_ms};
    if (ledger_reconstruct(op->s->ledger, &d, services->rows, services->n, err) < 0)
        return -1;
    ledger_deployment_done(&op->previous);
    int rc = ledger_current(op->s->ledger, p->app, p->environment, &op->previous, err);
    return rc < 0 ? -1 : 0;
}

int adopt_running(struct operation *op, const char *version, struct ship_error *err)
{
    AUTO(ledger_services_done)
    struct ledger_services services = {.rows = xcalloc(op->n_targets + 1, sizeof *services.rows)};
    for (size_t i = 0; i < op->n_targets; i++) {
        bool running = false;
        if (adopt_service(op, &op->targets[i], version, &services.rows[services.n], &running, err) <
            0)
            return ship_error_wrap(err, "cannot record what runs now");
        if (!running)
            return 0;
        services.n++;
    }
    return services.n && services.rows[0].version ? record_adopted(op, &services, err) : 0;
}
