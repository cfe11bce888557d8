/*
 * Services beside the deployed ones: see services.h. What can go wrong: an image is gone, a
 * mutation fails, a dependency does not meet its condition in the time of the operation.
 */
#include "deploy/services.h"

#include "base/alloc.h"
#include "deploy/target.h"

bool services_runs(const struct container_row *c)
{
    return c->state == CONTAINER_RUNNING || c->state == CONTAINER_RESTARTING ||
           c->state == CONTAINER_PAUSED;
}

int services_observe(struct operation *op, struct ship_error *err)
{
    if (operation_observe(op, err) < 0)
        return -1;
    targets_set_peers(op);
    return 0;
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
    if (c && services_runs(c))
        return 0;
    if (c && ended_well(op, c->id, &done, err) < 0)
        return ship_error_wrap(err, "service '%s'", svc->name);
    if (!done)
        wave_add(wave, svc, number, c ? c->id : NULL);
    return 0;
}

/* Everything whose conditions are met goes into the wave; the rest to ret_left. */
static int choose(struct operation *op, const struct strv *pending, struct wave *wave,
                  struct strv *ret_left, struct ship_error *err)
{
    for (size_t i = 0; i < pending->n; i++) {
        const struct compose_service *svc = compose_service_find(op->s->compose, pending->v[i]);
        const struct container_row *c = operation_container(op, svc->name, 0);
        int rc = c && services_runs(c) ? 0 : depend_are_met(op, svc, pending, wave, err);
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

/* ret_made: how many containers. */
static int make_wave(struct operation *op, const struct strv *pending, struct wave *wave,
                     struct strv *ret_left, size_t *ret_made, struct ship_error *err)
{
    if (choose(op, pending, wave, ret_left, err) < 0)
        return -1;
    *ret_made = wave->n;
    return wave_make(op, wave, err);
}

int services_ensure(struct operation *op, unsigned groups, struct wave *with, size_t *made,
                    struct ship_error *err)
{
    AUTO(strv_done) struct strv pending = {0};
    depend_list(op, groups, &pending);
    for (bool is_first = true; pending.n || (is_first && with); is_first = false) {
        AUTO(strv_done) struct strv left = {0};
        AUTO(wave_done) struct wave own = {0};
        size_t n = 0;
        if (make_wave(op, &pending, is_first && with ? with : &own, &left, &n, err) < 0 ||
            (n && left.n && services_observe(op, err) < 0) ||
            (left.n == pending.n && left.n && depend_wait_change(op, &left, err) < 0))
            return -1;
        *made += n;
        struct strv done = pending;
        pending = left;
        left = done;
    }
    return 0;
}
