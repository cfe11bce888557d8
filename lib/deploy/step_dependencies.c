/*
 * Steps "dependencies" and "dependents": what does not exist yet is created,
 * in dependency order, with Compose's conditions; what runs is never touched.
 *
 * Dependencies (services a deployed one needs, transitively), networks and
 * volumes come before the switch; every other service (a proxy in front of the
 * app) after the new version is healthy, or with the app itself where nothing
 * serves yet (step "switch"). What can go wrong: an external network or volume
 * is missing, a dependency does not become healthy within the time of the
 * operation.
 */
#include <stdlib.h>

#include "base/alloc.h"
#include "deploy/depend.h"
#include "deploy/follow.h"
#include "deploy/names.h"
#include "deploy/services.h"
#include "deploy/steps.h"
#include "strategy/mutation_batch.h"

/* ---- networks and volumes ---- */

typedef int (*inspect_fn)(struct runtime *, const char *, struct json **, int64_t,
                          struct ship_error *);

static int exists(struct operation *op, inspect_fn inspect, const char *name, bool *ret,
                  struct ship_error *err)
{
    AUTO_PTR(json_free) struct json *doc = NULL;
    struct runtime *rt = op->s->runtime;
    if (inspect(rt, name, &doc, clock_deadline(rt->clock, RUNTIME_READ_MS), err) < 0)
        return -1;
    *ret = doc != NULL;
    return 0;
}

static int missing_external(const char *what, const struct compose_resource *r,
                            struct ship_error *err)
{
    ship_fail(err, SHIP_PRECHECK, "external %s '%s' does not exist", what, r->real_name);
    return ship_error_hint(err, "create it with: docker %s create %.150s", what, r->real_name);
}

/* -1, 0 there already, 1 to be made. */
static int is_missing(struct operation *op, const char *what, inspect_fn inspect,
                      const struct compose_resource *r, struct ship_error *err)
{
    bool there = false;
    if (exists(op, inspect, r->real_name, &there, err) < 0)
        return ship_error_wrap(err, "%s '%s'", what, r->real_name);
    if (there)
        return 0;
    return r->external ? missing_external(what, r, err) : 1;
}

static int ensure_networks(struct operation *op, size_t *made, struct ship_error *err)
{
    const struct compose_project *p = op->s->compose;
    AUTO(mutation_batch_done) struct mutation_batch batch = {0};
    AUTO_PTR(json_free) struct json *bodies = json_array();
    for (size_t i = 0; i < compose_networks(p); i++) {
        const struct compose_resource *r = compose_network_at(p, i);
        int rc = is_missing(op, "network", op->s->runtime->ops->network_inspect, r, err);
        if (rc < 0)
            return -1;
        if (rc == 0)
            continue;
        struct json *body = compose_network_body(p, r->key, op->engine.api_minor);
        json_append(bodies, body);
        mutation_batch_network(&batch, r->real_name, body);
    }
    *made += batch.n;
    return mutation_batch_run(&op->mutate, &batch, err);
}

static int ensure_volumes(struct operation *op, size_t *made, struct ship_error *err)
{
    const struct compose_project *p = op->s->compose;
    AUTO(mutation_batch_done) struct mutation_batch batch = {0};
    AUTO_PTR(json_free) struct json *bodies = json_array();
    for (size_t i = 0; i < compose_volumes(p); i++) {
        const struct compose_resource *r = compose_volume_at(p, i);
        int rc = is_missing(op, "volume", op->s->runtime->ops->volume_inspect, r, err);
        if (rc < 0)
            return -1;
        if (rc == 0)
            continue;
        struct json *body = compose_volume_body(p, r->key);
        json_append(bodies, body);
        mutation_batch_volume(&batch, r->real_name, body);
    }
    *made += batch.n;
    return mutation_batch_run(&op->mutate, &batch, err);
}

/* ---- the steps ---- */

/* What `docker compose up` left half-finished gets its final name, for good. */
static int repair_names(struct operation *op, size_t *made, struct ship_error *err)
{
    size_t before = *made;
    for (size_t i = 0; i < op->containers.n; i++) {
        const struct container_row *c = &op->containers.rows[i];
        if (!operation_is_stranded(op, c))
            continue;
        ++*made;
        if (mutate_repair_name(&op->mutate, container_row_label(c, "com.docker.compose.service"),
                               c->id, c->name, name_behind_temporary(c->name), err) < 0)
            return ship_error_wrap(err, "cannot repair the name of '%s'", c->name);
    }
    return *made > before ? services_observe(op, err) : 0;
}

STEP_APPLY(step_dependencies)
{
    size_t made = 0;
    if (repair_names(op, &made, err) < 0 || ensure_networks(op, &made, err) < 0 ||
        ensure_volumes(op, &made, err) < 0 ||
        services_ensure(op, DEPEND_NEEDED, NULL, &made, err) < 0 ||
        (made && services_observe(op, err) < 0))
        return -1;
    for (size_t i = 0; i < op->n_targets; i++)
        if (depend_wait(op, compose_service_find(op->s->compose, op->targets[i].service), err) < 0)
            return -1;
    (void)snprintf(note, STEP_NOTE_MAX, "%zu created or started", made);
    return made ? STEP_OK : STEP_NOTHING;
}

/* The new containers have the live names now: links and namespaces must find them. */
STEP_APPLY(step_restarts)
{
    size_t restarted = 0;
    if (services_observe(op, err) < 0 || follow_restart(op, &restarted, err) < 0)
        return -1;
    (void)snprintf(note, STEP_NOTE_MAX, "%zu restarted", restarted);
    return restarted ? STEP_OK : STEP_NOTHING;
}

STEP_APPLY(step_dependents)
{
    size_t made = 0, restarted = 0;
    if (services_observe(op, err) < 0 || follow_restart(op, &restarted, err) < 0 ||
        services_ensure(op, DEPEND_WAITING | DEPEND_BESIDE, NULL, &made, err) < 0)
        return -1;
    (void)snprintf(note, STEP_NOTE_MAX, "%zu created or started, %zu restarted", made, restarted);
    return made || restarted ? STEP_OK : STEP_NOTHING;
}
