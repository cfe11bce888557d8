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
#include "deploy/image.h"
#include "deploy/spec.h"
#include "deploy/steps.h"
#include "deploy/target.h"

#define CONDITION_POLL_MS 1000

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

static int ensure_network(struct operation *op, const struct compose_resource *r, size_t *made,
                          struct ship_error *err)
{
    bool there;
    if (exists(op, op->s->runtime->ops->network_inspect, r->real_name, &there, err) < 0 || there)
        return there ? 0 : -1;
    if (r->external)
        return missing_external("network", r, err);
    AUTO_PTR(json_free)
    struct json *body = compose_network_body(op->s->compose, r->key, op->engine.api_minor);
    ++*made;
    return mutate_network(&op->mutate, r->real_name, body, err);
}

static int ensure_volume(struct operation *op, const struct compose_resource *r, size_t *made,
                         struct ship_error *err)
{
    bool there;
    if (exists(op, op->s->runtime->ops->volume_inspect, r->real_name, &there, err) < 0 || there)
        return there ? 0 : -1;
    if (r->external)
        return missing_external("volume", r, err);
    AUTO_PTR(json_free) struct json *body = compose_volume_body(op->s->compose, r->key);
    ++*made;
    return mutate_volume(&op->mutate, r->real_name, body, err);
}

static int ensure_resources(struct operation *op, size_t *made, struct ship_error *err)
{
    const struct compose_project *p = op->s->compose;
    for (size_t i = 0; i < compose_networks(p); i++)
        if (ensure_network(op, compose_network_at(p, i), made, err) < 0)
            return ship_error_wrap(err, "network '%s'", compose_network_at(p, i)->real_name);
    for (size_t i = 0; i < compose_volumes(p); i++)
        if (ensure_volume(op, compose_volume_at(p, i), made, err) < 0)
            return ship_error_wrap(err, "volume '%s'", compose_volume_at(p, i)->real_name);
    return 0;
}

/* ---- conditions ---- */

/* 0 met, 1 not yet, -1 can not be met. */
static int condition_state(const struct container *c, const struct compose_dependency *d,
                           struct ship_error *err)
{
    bool ended = c->state == CONTAINER_EXITED || c->state == CONTAINER_DEAD;
    if (d->condition == COMPOSE_COMPLETED) {
        if (ended && c->exit_code != 0)
            return ship_fail(err, SHIP_PRECHECK, "'%s' ended with exit code %lld", c->name,
                             (long long)c->exit_code);
        return ended ? 0 : 1;
    }
    if (ended)
        return ship_fail(err, SHIP_PRECHECK, "'%s' exited with code %lld", c->name,
                         (long long)c->exit_code);
    if (d->condition == COMPOSE_STARTED)
        return c->running ? 0 : 1;
    if (!c->has_healthcheck)
        return ship_fail(err, SHIP_PRECHECK,
                         "'%s' has no health check, so it can not become healthy", c->name);
    if (c->health == HEALTH_UNHEALTHY)
        return ship_fail(err, SHIP_PRECHECK, "'%s' is unhealthy: %.200s", c->name,
                         c->health_output ? c->health_output : "");
    return c->health == HEALTH_HEALTHY ? 0 : 1;
}

static int wait_condition(struct operation *op, const char *id, const struct compose_dependency *d,
                          struct ship_error *err)
{
    struct runtime *rt = op->s->runtime;
    for (;;) {
        AUTO(container_done) struct container c = {0};
        if (rt->ops->inspect(rt, id, &c, clock_deadline(rt->clock, RUNTIME_READ_MS), err) < 0)
            return -1;
        int rc = condition_state(&c, d, err);
        if (rc <= 0)
            return rc;
        if (clock_left_ms(rt->clock, op->deadline_ms) == 0)
            return ship_fail(err, SHIP_PRECHECK,
                             "'%s' is still '%s' at the end of the operation's time (%lld s)",
                             c.name, container_health_text(c.health),
                             (long long)(op->s->plan->timeouts.total_ms / 1000));
        struct engine_event e;
        int64_t slice =
            clock_earlier(op->deadline_ms, clock_deadline(rt->clock, CONDITION_POLL_MS));
        if (rt->ops->wait_event(rt, &id, 1, &e, slice, err) < 0)
            return -1;
    }
}

static int wait_dependencies(struct operation *op, const struct compose_service *svc,
                             struct ship_error *err)
{
    for (size_t i = 0; i < svc->n_depends_on; i++) {
        const struct compose_dependency *d = &svc->depends_on[i];
        const struct container_row *c = operation_container(op, d->service, 0);
        struct ship_error e = {0};
        if (!c || operation_target(op, d->service) || wait_condition(op, c->id, d, &e) == 0)
            continue;
        if (e.code != SHIP_INTERRUPTED && !d->required) {
            operation_warn(op, "optional dependency '%s' of '%s': %s; ignoring", d->service,
                           svc->name, e.msg);
            continue;
        }
        *err = e;
        return ship_error_wrap(err, "service '%s' waits for '%s'", svc->name, d->service);
    }
    return 0;
}

/* ---- one missing container ---- */

static int create_missing(struct operation *op, const struct compose_service *svc, int number,
                          char **ret_id, struct ship_error *err)
{
    AUTO(image_done) struct image image = {0};
    if (!svc->image)
        return ship_fail(err, SHIP_INVALID, "it has no image");
    if (image_ensure(op, svc->image, svc->platform, &image, err) < 0)
        return -1;
    AUTO_FREE char *name = compose_container_name(op->s->compose, svc->name, number);
    struct compose_create create = {.api_minor = op->engine.api_minor,
                                    .number = number,
                                    .final_name = name,
                                    .image_id = image.id,
                                    .family = op->family,
                                    .image_inspect = image.doc,
                                    .peers = op->peers,
                                    .n_peers = op->n_peers};
    AUTO_PTR(json_free)
    struct json *body = compose_create_body(op->s->compose, svc->name, &create, err);
    AUTO_PTR(json_free)
    struct json *connects =
        body ? compose_connect_bodies(op->s->compose, svc->name, &create, err) : NULL;
    if (!connects)
        return -1;
    spec_label(op, NULL, body);
    struct mutation_create m = {
        .service = svc->name, .name = name, .platform = svc->platform, .body = body, .keep = true};
    if (mutate_create(&op->mutate, &m, ret_id, err) < 0)
        return -1;
    for (const struct json *c = json_first(connects); c; c = json_next(c))
        if (mutate_connect(&op->mutate, svc->name, *ret_id, c, err) < 0)
            return -1;
    return 0;
}

static int start_with_secrets(struct operation *op, const struct compose_service *svc,
                              const char *id, struct ship_error *err)
{
    AUTO(buf_done) struct buf tar = BUF_INIT(8u * 1024 * 1024);
    if (compose_secrets_tar(op->s->compose, svc->name, &tar, err) < 0 ||
        mutate_secrets(&op->mutate, svc->name, id, &tar, err) < 0)
        return -1;
    return mutate_start(&op->mutate, svc->name, id, true, err);
}

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

static int ensure_replica(struct operation *op, const struct compose_service *svc, int number,
                          size_t *made, struct ship_error *err)
{
    const struct container_row *c = operation_container(op, svc->name, number);
    AUTO_FREE char *id = NULL;
    if (c && runs(c))
        return 0;
    bool done = false;
    if (c && ended_well(op, c->id, &done, err) < 0)
        return -1;
    if (done)
        return 0;
    if (c)
        id = xstrdup(c->id);
    else if (create_missing(op, svc, number, &id, err) < 0)
        return -1;
    ++*made;
    return start_with_secrets(op, svc, id, err);
}

static int ensure_service(struct operation *op, const struct compose_service *svc, size_t *made,
                          struct ship_error *err)
{
    size_t before = *made;
    for (int number = 1; number <= (int)svc->replicas; number++)
        if (ensure_replica(op, svc, number, made, err) < 0)
            return ship_error_wrap(err, "service '%s'", svc->name);
    if (*made == before)
        return 0;
    if (operation_observe(op, err) < 0)
        return -1;
    targets_set_peers(op);
    return 0;
}

/* ---- which services ---- */

static void mark_needed(const struct operation *op, const char *service, struct strv *needed)
{
    const struct compose_service *svc = compose_service_find(op->s->compose, service);
    for (size_t i = 0; svc && i < svc->n_depends_on; i++) {
        const char *name = svc->depends_on[i].service;
        if (strv_has(needed, name))
            continue;
        strv_add(needed, name);
        mark_needed(op, name, needed);
    }
}

static int ensure_services(struct operation *op, bool before_switch, size_t *made,
                           struct ship_error *err)
{
    AUTO(strv_done) struct strv needed = {0};
    for (size_t i = 0; i < op->n_targets; i++)
        mark_needed(op, op->targets[i].service, &needed);
    for (size_t i = 0; i < compose_services(op->s->compose); i++) {
        const struct compose_service *svc = compose_service_at(op->s->compose, i);
        if (operation_target(op, svc->name) || strv_has(&needed, svc->name) != before_switch)
            continue;
        const struct container_row *c = operation_container(op, svc->name, 0);
        if (!(c && runs(c)) && wait_dependencies(op, svc, err) < 0)
            return -1;
        if (ensure_service(op, svc, made, err) < 0)
            return -1;
    }
    return 0;
}

STEP_APPLY(step_dependencies)
{
    size_t made = 0;
    if (ensure_resources(op, &made, err) < 0 || ensure_services(op, true, &made, err) < 0)
        return -1;
    for (size_t i = 0; i < op->n_targets; i++)
        if (wait_dependencies(op, compose_service_find(op->s->compose, op->targets[i].service),
                              err) < 0)
            return -1;
    snprintf(note, STEP_NOTE_MAX, "%zu created or started", made);
    return made ? STEP_OK : STEP_NOTHING;
}

STEP_APPLY(step_dependents)
{
    size_t made = 0;
    /* The new containers have the live names now: links and namespaces must find them. */
    if (operation_observe(op, err) < 0)
        return -1;
    targets_set_peers(op);
    if (ensure_services(op, false, &made, err) < 0)
        return -1;
    snprintf(note, STEP_NOTE_MAX, "%zu created or started", made);
    return made ? STEP_OK : STEP_NOTHING;
}
