/*
 * Conditions of depends_on: see depend.h. What can go wrong: a dependency ended, is unhealthy, or
 * is not there yet at the end of the operation's time.
 */
#include "deploy/depend.h"

#include "base/alloc.h"

#define CONDITION_POLL_MS 1000
#define AWAITED_MAX       64

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
    if (d->condition == COMPOSE_STARTED && ended && c->exit_code == 0)
        return 0; /* a one-shot service that did its work */
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

int depend_wait(struct operation *op, const struct compose_service *svc, struct ship_error *err)
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

/* Dependencies come first in the list of services: one pass finds all. */
static void mark_waiting(const struct operation *op, struct strv *waiting)
{
    for (size_t i = 0; i < compose_services(op->s->compose); i++) {
        const struct compose_service *svc = compose_service_at(op->s->compose, i);
        bool waits = false;
        for (size_t k = 0; k < svc->n_depends_on; k++)
            waits = waits || operation_target(op, svc->depends_on[k].service) ||
                    strv_has(waiting, svc->depends_on[k].service);
        if (waits)
            strv_add(waiting, svc->name);
    }
}

void depend_list(const struct operation *op, unsigned groups, struct strv *ret)
{
    AUTO(strv_done) struct strv needed = {0};
    AUTO(strv_done) struct strv waiting = {0};
    for (size_t i = 0; i < op->n_targets; i++)
        mark_needed(op, op->targets[i].service, &needed);
    mark_waiting(op, &waiting);
    for (size_t i = 0; i < compose_services(op->s->compose); i++) {
        const char *name = compose_service_at(op->s->compose, i)->name;
        enum depend_group group = strv_has(&needed, name)    ? DEPEND_NEEDED
                                  : strv_has(&waiting, name) ? DEPEND_WAITING
                                                             : DEPEND_BESIDE;
        if (!operation_target(op, name) && (groups & group))
            strv_add(ret, name);
    }
}

/* ---- level by level ---- */

static int judge(struct operation *op, const struct compose_service *svc,
                 const struct compose_dependency *d, struct ship_error *err)
{
    AUTO(container_done) struct container c = {0};
    struct runtime *rt = op->s->runtime;
    const struct container_row *row = operation_container(op, d->service, 0);
    struct ship_error e = {0};
    if (!row || operation_target(op, d->service))
        return 0;
    if (rt->ops->inspect(rt, row->id, &c, clock_deadline(rt->clock, RUNTIME_READ_MS), err) < 0)
        return -1;
    int rc = condition_state(&c, d, &e);
    if (rc >= 0)
        return rc;
    if (!d->required) {
        operation_warn(op, "optional dependency '%s' of '%s': %s; ignoring", d->service, svc->name,
                       e.msg);
        return 0;
    }
    *err = e;
    return ship_error_wrap(err, "service '%s' waits for '%s'", svc->name, d->service);
}

/* Nothing but the order of their starts: the container's body does not name the other's. */
static bool is_only_order(const struct compose_service *svc, const struct compose_dependency *d)
{
    for (size_t i = 0; i < svc->n_shares; i++)
        if (str_eq(svc->shares[i], d->service))
            return false;
    return d->condition == COMPOSE_STARTED && !svc->has_links;
}

int depend_are_met(struct operation *op, const struct compose_service *svc,
                   const struct strv *pending, const struct wave *wave, struct ship_error *err)
{
    for (size_t i = 0; i < svc->n_depends_on; i++) {
        const struct compose_dependency *d = &svc->depends_on[i];
        if (wave_has(wave, d->service) && is_only_order(svc, d))
            continue;
        int rc = strv_has(pending, d->service) ? 1 : judge(op, svc, d, err);
        if (rc != 0)
            return rc;
    }
    return 0;
}

static size_t awaited(struct operation *op, const struct strv *waiting, const char **ids,
                      size_t cap)
{
    size_t n = 0;
    for (size_t i = 0; i < waiting->n; i++) {
        const struct compose_service *svc = compose_service_find(op->s->compose, waiting->v[i]);
        for (size_t k = 0; k < svc->n_depends_on && n < cap; k++) {
            const struct container_row *c = operation_container(op, svc->depends_on[k].service, 0);
            if (c)
                ids[n++] = c->id;
        }
    }
    return n;
}

int depend_wait_change(struct operation *op, const struct strv *waiting, struct ship_error *err)
{
    const char *ids[AWAITED_MAX];
    struct runtime *rt = op->s->runtime;
    struct engine_event e;
    size_t n = awaited(op, waiting, ids, AWAITED_MAX);
    if (clock_left_ms(rt->clock, op->deadline_ms) == 0)
        return ship_fail(err, SHIP_PRECHECK,
                         "service '%s' still waits for its dependencies at the end of the "
                         "operation's time (%lld s)",
                         waiting->v[0], (long long)(op->s->plan->timeouts.total_ms / 1000));
    int64_t slice = clock_earlier(op->deadline_ms, clock_deadline(rt->clock, CONDITION_POLL_MS));
    return rt->ops->wait_event(rt, ids, n, &e, slice, err) < 0 ? -1 : 0;
}

/* ---- among replaced services ---- */

static const struct compose_dependency *dependency_on(const struct compose_service *svc,
                                                      const char *service)
{
    for (size_t i = 0; svc && i < svc->n_depends_on; i++)
        if (str_eq(svc->depends_on[i].service, service))
            return &svc->depends_on[i];
    return NULL;
}

static bool is_waited_for(const struct compose_dependency *d)
{
    return d && d->required && d->condition == COMPOSE_HEALTHY;
}

static bool waits_replaced(const struct operation *op, const char *service)
{
    const struct compose_service *svc = compose_service_find(op->s->compose, service);
    for (size_t i = 0; i < op->n_reps; i++)
        if (is_waited_for(dependency_on(svc, op->reps[i].service)))
            return true;
    return false;
}

bool depend_starts_all(const struct operation *op)
{
    for (size_t i = 0; i < op->n_reps; i++) {
        const struct replacement *r = &op->reps[i];
        if (r->old_id || r->follows || waits_replaced(op, r->service))
            return false;
    }
    return op->n_kept == 0 && op->s->plan->strategy.delay_ms == 0;
}

int depend_wait_replaced(struct operation *op, size_t rep, struct ship_error *err)
{
    const struct compose_service *svc = compose_service_find(op->s->compose, op->reps[rep].service);
    for (size_t i = 0; i < rep; i++) {
        const struct replacement *r = &op->reps[i];
        const struct compose_dependency *d = dependency_on(svc, r->service);
        if (is_waited_for(d) && wait_condition(op, r->new_id, d, err) < 0)
            return ship_error_wrap(err, "service '%s' waits for '%s'", svc->name, r->service);
    }
    return 0;
}
