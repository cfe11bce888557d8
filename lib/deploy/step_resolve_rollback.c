/*
 * Step "resolve" of a rollback: choose the recorded deployment and make sure
 * its images can be had, before anything changes.
 *
 * Targets are deployments recorded as succeeded whose specification is still
 * kept; without a version rollback_target.h chooses. What can go wrong: no such target (16), image
 * gone locally and in the registry (16).
 */
#include <stdlib.h>

#include "base/alloc.h"
#include "deploy/image.h"
#include "deploy/lint.h"
#include "deploy/observe.h"
#include "deploy/pin.h"
#include "deploy/rollback_target.h"
#include "deploy/steps.h"
#include "deploy/target.h"

#define LISTED_MAX 5

static struct ledger_query target_query(const struct operation *op)
{
    return (struct ledger_query){.app = op->s->plan->app,
                                 .environment = op->s->plan->environment,
                                 .targets_only = true,
                                 .limit = LISTED_MAX};
}

static int no_target(struct operation *op, struct ship_error *err)
{
    AUTO(ledger_deployments_done) struct ledger_deployments ds = {0};
    struct ledger_query q = target_query(op);
    AUTO(buf_done) struct buf list = BUF_INIT(200);
    struct ship_error ignored = {0};
    if (ledger_list(op->s->ledger, &q, &ds, &ignored) == 0)
        for (size_t i = 0; i < ds.n; i++)
            buf_addf(&list, "%s%s (%lld)", i ? ", " : "", ds.rows[i].to_version,
                     (long long)ds.rows[i].id);
    if (op->wanted)
        ship_fail(err, SHIP_NOT_FOUND, "no deployment of '%s' is recorded as succeeded and kept",
                  op->wanted);
    else
        ship_fail(err, SHIP_NOT_FOUND, "there is no earlier version to go back to");
    return list.len ? ship_error_hint(err, "versions that can be restored: %s", list.p)
                    : ship_error_hint(err, "deploy a version first: shipctl deploy VERSION");
}

static bool is_target(const struct ledger_deployment *d)
{
    return str_eq(d->outcome, "succeeded") && !d->pruned;
}

static int find_by_id(struct operation *op, struct ledger_deployment *ret, struct ship_error *err)
{
    const struct plan *p = op->s->plan;
    if (ledger_find(op->s->ledger, p->app, p->environment, op->rollback_to, ret, err) < 0)
        return -1;
    if (is_target(ret))
        return 0;
    ship_fail(err, SHIP_NOT_FOUND, "deployment %lld (%s, %s) can not be restored: %s",
              (long long)ret->id, ret->to_version ? ret->to_version : "?",
              ret->outcome ? ret->outcome : "open",
              ret->pruned ? "its specification was pruned" : "it did not succeed");
    return ship_error_hint(err, "see what can be: shipctl history");
}

/* The newest target of a version. */
static int find_by_version(struct operation *op, struct ledger_deployment *ret,
                           struct ship_error *err)
{
    AUTO(ledger_deployments_done) struct ledger_deployments ds = {0};
    struct ledger_query q = target_query(op);
    q.version = op->wanted;
    q.limit = 1;
    if (ledger_list(op->s->ledger, &q, &ds, err) < 0)
        return -1;
    if (ds.n == 0)
        return no_target(op, err);
    *ret = ds.rows[0];
    ds.rows[0] = (struct ledger_deployment){0};
    return 0;
}

static int find_default(struct operation *op, struct ledger_deployment *ret, struct ship_error *err)
{
    if (!op->previous.id)
        return no_target(op, err);
    bool serves = rollback_target_serves(&op->containers, &op->previous);
    int rc = rollback_target_find(op->s->ledger, &op->previous, serves, ret, err);
    return rc > 0 ? no_target(op, err) : rc;
}

static int find_target(struct operation *op, struct ledger_deployment *ret, struct ship_error *err)
{
    if (op->rollback_to)
        return find_by_id(op, ret, err);
    return op->wanted ? find_by_version(op, ret, err) : find_default(op, ret, err);
}

static void take_service(struct operation *op, struct ledger_service *row)
{
    op->targets = xreallocarray(op->targets, op->n_targets + 1, sizeof *op->targets);
    op->targets[op->n_targets++] = (struct target){.service = steal_ptr(&row->service),
                                                   .image = steal_ptr(&row->image),
                                                   .repository = steal_ptr(&row->repository),
                                                   .version = steal_ptr(&row->version),
                                                   .digest = steal_ptr(&row->digest),
                                                   .image_id = steal_ptr(&row->image_id),
                                                   .platform = steal_ptr(&row->platform),
                                                   .spec_json = steal_ptr(&row->spec_json)};
}

static int read_targets(struct operation *op, struct ship_error *err)
{
    AUTO(ledger_services_done) struct ledger_services services = {0};
    if (ledger_services_read(op->s->ledger, op->rollback_to, &services, err) < 0)
        return -1;
    for (size_t i = 0; i < services.n; i++) {
        if (!services.rows[i].spec_json)
            return ship_fail(err, SHIP_NOT_FOUND,
                             "deployment %lld has no specification for service '%s'",
                             (long long)op->rollback_to, services.rows[i].service);
        take_service(op, &services.rows[i]);
    }
    return services.n ? 0
                      : ship_fail(err, SHIP_NOT_FOUND, "deployment %lld has no recorded services",
                                  (long long)op->rollback_to);
}

/* Local by its id: no registry is asked. Else the digest must be there for the pull. */
static int find_image(struct operation *op, struct target *t, struct ship_error *err)
{
    struct runtime *rt = op->s->runtime;
    AUTO(image_done) struct image img = {0};
    struct ship_error e = {0};
    if (rt->ops->image_inspect(rt, t->image_id, &img, clock_deadline(rt->clock, RUNTIME_READ_MS),
                               &e) == 0) {
        t->is_local = true;
        return 0;
    }
    if (e.code != SHIP_NOT_FOUND) {
        *err = e;
        return -1;
    }
    if (!t->digest)
        return ship_fail(err, SHIP_NOT_FOUND,
                         "its image is gone from this machine and was never in a registry");
    AUTO_FREE char *ref = xasprintf("%s@%s", t->repository, t->digest);
    AUTO(remote_image_done) struct remote_image remote = {0};
    int64_t end = clock_earlier(op->deadline_ms, clock_deadline(rt->clock, RUNTIME_CHANGE_MS));
    if (rt->ops->resolve(rt, ref, &remote, end, &e) == 0)
        return 0;
    return ship_fail(err, SHIP_NOT_FOUND,
                     "its image is gone from this machine, and the registry does not give it: %s",
                     e.msg);
}

/* A tag that stands in the file itself. */
static int place_literals(struct operation *op, struct ship_error *err)
{
    for (size_t i = 0; i < op->n_targets; i++) {
        struct compose_version v;
        struct ship_error ignored = {0};
        const struct target *t = &op->targets[i];
        if (compose_service_version(op->s->compose, t->service, &v, &ignored) == 0 &&
            v.kind == COMPOSE_VERSION_LITERAL &&
            compose_set_image(op->s->compose, t->service, t->image, err) < 0)
            return -1;
    }
    return 0;
}

/* The compose model as it was for that version: the same text, so pin and dependencies agree. */
static int load_compose(struct operation *op, struct ship_error *err)
{
    for (size_t i = 0; i < op->n_targets; i++) {
        struct compose_version v;
        struct ship_error ignored = {0};
        if (compose_service_version(op->s->compose, op->targets[i].service, &v, &ignored) == 0 &&
            v.kind == COMPOSE_VERSION_VARIABLE)
            strv_take(&op->overrides, xasprintf("%s=%s", v.variable, op->targets[i].version));
    }
    if (op->overrides.n && session_need_compose(op->s, &op->overrides, err) < 0)
        return -1;
    return place_literals(op, err);
}

static int choose(struct operation *op, struct ship_error *err)
{
    AUTO(ledger_deployment_done) struct ledger_deployment d = {0};
    if (!op->s->ledger)
        return no_target(op, err);
    if (find_target(op, &d, err) < 0)
        return -1;
    op->rollback_to = d.id;
    op->res->to.version = xstrdup_or_null(d.to_version);
    op->res->to.digest = xstrdup_or_null(d.to_digest);
    return read_targets(op, err);
}

STEP_APPLY(step_resolve_rollback)
{
    if (session_need_compose(op->s, NULL, err) < 0 || lint_plan(op->s, err) < 0 ||
        observe_engine(op, err) < 0 || choose(op, err) < 0 || load_compose(op, err) < 0 ||
        targets_observe_old(op, err) < 0)
        return -1;
    if (rollback_target_is_current(op)) {
        op->res->deployment = op->previous.id;
        (void)snprintf(note, STEP_NOTE_MAX, "%s serves already", op->res->to.version);
        return op->dry_run ? STEP_NOTHING : STEP_FINISHED;
    }
    if (pin_check(op, err) < 0)
        return -1;
    for (size_t i = 0; i < op->n_targets; i++)
        if (find_image(op, &op->targets[i], err) < 0)
            return ship_error_wrap(err, "image '%s' of service '%s'", op->targets[i].image,
                                   op->targets[i].service);
    (void)snprintf(note, STEP_NOTE_MAX, "%s of deployment %lld", op->res->to.version,
                   (long long)op->rollback_to);
    return STEP_OK;
}
