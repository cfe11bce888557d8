/*
 * Steps "dependencies" and "dependents": what does not exist yet is created,
 * in dependency order, with Compose's conditions; what runs is never touched.
 *
 * Dependencies (services a deployed one needs, transitively), networks and
 * volumes come before the switch; every other service (a proxy in front of the
 * app) after the new version is healthy. What can go wrong: an external
 * network or volume is missing, an image can not be pulled, a dependency does
 * not become healthy within the time of the operation.
 */
#include <stdlib.h>

#include "base/alloc.h"
#include "deploy/depend.h"
#include "deploy/follow.h"
#include "deploy/image.h"
#include "deploy/names.h"
#include "deploy/spec.h"
#include "deploy/steps.h"
#include "deploy/target.h"
#include "deploy/wave.h"
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

/* ---- which containers ---- */

static bool runs(const struct container_row *c)
{
    return c->state == CONTAINER_RUNNING || c->state == CONTAINER_RESTARTING ||
           c->state == CONTAINER_PAUSED;
}

/* A one-shot service that ended well is done: nobody needs it to run again. */
static int ended_well(struct operation *op, const char *id, bool *ret, struct ship_error *err)
{
    AUTO(container_done) struct container c = {0};
    struct runtime *rt = op->s->runtime;
    if (rt->ops->inspect(rt, id, &c, clock_deadline(rt->clock, RUNTIME_READ_MS), err) < 0)
        return -1;
    *ret = c.state == CONTAINER_EXITED && c.exit_code == 0;
    return 0;
}

static int add_replica(struct operation *op, const struct compose_service *svc, int number,
                       struct wave *wave, struct ship_error *err)
{
    const struct container_row *c = operation_container(op, svc->name, number);
    bool done = false;
    if (c && runs(c))
        return 0;
    if (c && ended_well(op, c->id, &done, err) < 0)
        return ship_error_wrap(err, "service '%s'", svc->name);
    if (!done)
        wave_add(wave, svc, number, c ? c->id : NULL);
    return 0;
}

/* ---- all of them ---- */

/* Everything whose conditions are met goes into the wave; the rest to ret_left. */
static int choose(struct operation *op, const struct strv *pending, struct wave *wave,
                  struct strv *ret_left, struct ship_error *err)
{
    for (size_t i = 0; i < pending->n; i++) {
        const struct compose_service *svc = compose_service_find(op->s->compose, pending->v[i]);
        const struct container_row *c = operation_container(op, svc->name, 0);
        int rc = c && runs(c) ? 0 : depend_are_met(op, svc, pending, err);
        if (rc < 0)
            return -1;
        if (rc > 0)
            strv_add(ret_left, svc->name);
        for (int number = 1; rc == 0 && number <= (int)svc->replicas; number++)
            if (add_replica(op, svc, number, wave, err) < 0)
                return -1;
    }
    return 0;
}

static int ensure_level(struct operation *op, const struct strv *pending, struct strv *ret_left,
                        size_t *made, struct ship_error *err)
{
    AUTO(wave_done) struct wave wave = {0};
    if (choose(op, pending, &wave, ret_left, err) < 0)
        return -1;
    *made += wave.n;
    return wave_make(op, &wave, err);
}

static int observe_made(struct operation *op, struct ship_error *err)
{
    if (operation_observe(op, err) < 0)
        return -1;
    targets_set_peers(op);
    return 0;
}

/* Level by level: everything that may start is started before anything is waited for. */
static int ensure_services(struct operation *op, bool before_switch, size_t *made,
                           struct ship_error *err)
{
    AUTO(strv_done) struct strv pending = {0};
    depend_list(op, before_switch, &pending);
    while (pending.n) {
        AUTO(strv_done) struct strv left = {0};
        size_t before = *made;
        if (ensure_level(op, &pending, &left, made, err) < 0 ||
            (*made > before && observe_made(op, err) < 0))
            return -1;
        if (left.n == pending.n && depend_wait_change(op, &left, err) < 0)
            return -1;
        struct strv done = pending;
        pending = left;
        left = done;
    }
    return 0;
}

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
    return *made > before ? observe_made(op, err) : 0;
}

STEP_APPLY(step_dependencies)
{
    size_t made = 0;
    if (repair_names(op, &made, err) < 0 || ensure_networks(op, &made, err) < 0 ||
        ensure_volumes(op, &made, err) < 0 || ensure_services(op, true, &made, err) < 0)
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
    if (observe_made(op, err) < 0 || follow_restart(op, &restarted, err) < 0)
        return -1;
    (void)snprintf(note, STEP_NOTE_MAX, "%zu restarted", restarted);
    return restarted ? STEP_OK : STEP_NOTHING;
}

STEP_APPLY(step_dependents)
{
    size_t made = 0, restarted = 0;
    if (observe_made(op, err) < 0 || follow_restart(op, &restarted, err) < 0 ||
        ensure_services(op, false, &made, err) < 0)
        return -1;
    (void)snprintf(note, STEP_NOTE_MAX, "%zu created or started, %zu restarted", made, restarted);
    return made || restarted ? STEP_OK : STEP_NOTHING;
}
