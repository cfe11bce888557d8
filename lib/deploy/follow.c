/* Followers and restarted dependents: see follow.h. What can go wrong: any mutation; the caller
 * walks back. */
#include "deploy/follow.h"

#include <string.h>

#include "base/alloc.h"
#include "deploy/spec.h"
#include "deploy/verify.h"

/* ---- who ---- */

/* The next replacement of a service after `from`; NULL: the first one. */
static const struct replacement *next_of(const struct operation *op, const char *service,
                                         const struct replacement *from)
{
    for (size_t i = from ? (size_t)(from - op->reps) + 1 : 0; i < op->n_reps; i++)
        if (str_eq(op->reps[i].service, service))
            return &op->reps[i];
    return NULL;
}

static bool has_lower(const struct replacement *list, size_t n, const struct replacement *r)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq(list[i].service, r->service) && list[i].number < r->number)
            return true;
    return false;
}

/* The one of its service that others name by id. */
static bool is_first(const struct operation *op, const struct replacement *r)
{
    return !has_lower(op->reps, op->n_reps, r) && !has_lower(op->kept, op->n_kept, r);
}

bool follow_is_follower(const struct operation *op, const char *service)
{
    const struct compose_service *svc = compose_service_find(op->s->compose, service);
    for (size_t i = 0; svc && i < svc->n_shares; i++) {
        const struct replacement *r = next_of(op, svc->shares[i], NULL);
        if (r && is_first(op, r))
            return true;
    }
    return false;
}

static bool has_replaced(const struct operation *op, const char *service)
{
    const struct replacement *r = NULL;
    while ((r = next_of(op, service, r)))
        if (r->old_id)
            return true;
    return false;
}

bool follow_is_restarted(const struct operation *op, const struct compose_service *svc)
{
    if (next_of(op, svc->name, NULL))
        return false;
    for (size_t i = 0; i < svc->n_depends_on; i++)
        if (svc->depends_on[i].restart && has_replaced(op, svc->depends_on[i].service))
            return true;
    return false;
}

/* ---- followers ---- */

static struct compose_peer *peer_of(struct operation *op, const char *service)
{
    for (size_t i = 0; i < op->n_peers; i++)
        if (str_eq(op->peers[i].service, service))
            return &op->peers[i];
    return NULL;
}

void follow_point_peers(struct operation *op)
{
    for (size_t i = 0; i < op->n_reps; i++) {
        const struct replacement *r = &op->reps[i];
        struct compose_peer *peer = peer_of(op, r->service);
        const struct compose_peer now = {r->service, r->new_id, r->name, r->old_id != NULL};
        if (!r->new_id)
            continue;
        if (peer && (str_eq(peer->container_id, r->old_id) || (!r->old_id && is_first(op, r))))
            *peer = now;
        else if (!peer && op->n_peers < compose_services(op->s->compose))
            op->peers[op->n_peers++] = now;
    }
}

/* A one-shot service that did its work is not run again. */
static bool has_ended_well(const struct container_row *c)
{
    return c->state == CONTAINER_EXITED && c->status && str_starts(c->status, "Exited (0)");
}

bool follow_goes_along(const struct operation *op, const char *service)
{
    const struct container_row *c = operation_container(op, service, 0);
    return c && !has_ended_well(c) && !next_of(op, service, NULL) &&
           follow_is_follower(op, service);
}

static int create_follower(struct operation *op, const char *service, struct ship_error *err)
{
    size_t first = op->n_reps;
    if (spec_from_same_image(op, service, err) < 0)
        return -1;
    for (size_t i = first; i < op->n_reps; i++) {
        op->reps[i].follows = true;
        if (recreate_prepare(&op->mutate, &op->reps[i], err) < 0)
            return -1;
    }
    follow_point_peers(op);
    return 0;
}

int follow_create(struct operation *op, struct ship_error *err)
{
    for (size_t i = 0; i < compose_services(op->s->compose); i++) {
        const char *service = compose_service_at(op->s->compose, i)->name;
        if (follow_goes_along(op, service) && create_follower(op, service, err) < 0)
            return -1;
    }
    return 0;
}

int follow_last_first(struct operation *op, follow_each each, struct ship_error *err)
{
    size_t end = op->n_reps;
    while (end > 0) {
        size_t first = end - 1;
        while (first > 0 && str_eq(op->reps[first - 1].service, op->reps[end - 1].service))
            first--;
        /* Replicas of a service in their order: recovery reads them back in that order. */
        for (size_t i = first; i < end; i++)
            if (op->reps[i].follows && each(op, &op->reps[i], err) < 0)
                return -1;
        end = first;
    }
    return 0;
}

static int park(struct operation *op, struct replacement *r, struct ship_error *err)
{
    return recreate_park(&op->mutate, r, err);
}

int follow_park(struct operation *op, struct ship_error *err)
{
    return follow_last_first(op, park, err);
}

/* ---- dependents with restart: true ---- */

typedef int (*each_fn)(struct operation *op, const struct compose_service *svc,
                       const struct container *c, struct ship_error *err);

static int each_container(struct operation *op, const struct compose_service *svc, each_fn each,
                          size_t *n, struct ship_error *err)
{
    struct runtime *rt = op->s->runtime;
    for (int number = 1; number <= (int)svc->replicas; number++) {
        const struct container_row *row = operation_container(op, svc->name, number);
        AUTO(container_done) struct container c = {0};
        if (!row)
            continue;
        if (rt->ops->inspect(rt, row->id, &c, clock_deadline(rt->clock, RUNTIME_READ_MS), err) < 0)
            return -1;
        if (!c.running)
            continue;
        ++*n;
        if (each(op, svc, &c, err) < 0)
            return ship_error_wrap(err, "dependent service '%s'", svc->name);
    }
    return 0;
}

static int each_restarted(struct operation *op, each_fn each, size_t *n, struct ship_error *err)
{
    *n = 0;
    for (size_t i = 0; i < compose_services(op->s->compose); i++) {
        const struct compose_service *svc = compose_service_at(op->s->compose, i);
        if (follow_is_restarted(op, svc) && each_container(op, svc, each, n, err) < 0)
            return -1;
    }
    return 0;
}

static int note(struct operation *op, const struct compose_service *svc, const struct container *c,
                struct ship_error *err)
{
    return mutate_dependent(&op->mutate, svc->name, c->id, c->started_at, svc->stop_grace_ms, err);
}

static int restart(struct operation *op, const struct compose_service *svc,
                   const struct container *c, struct ship_error *err)
{
    AUTO(container_done) struct container now = {0};
    struct runtime *rt = op->s->runtime;
    if (mutate_stop(&op->mutate, svc->name, c->id, svc->stop_grace_ms, true, err) < 0 ||
        mutate_start(&op->mutate, svc->name, c->id, true, err) < 0 ||
        rt->ops->inspect(rt, c->id, &now, clock_deadline(rt->clock, RUNTIME_READ_MS), err) < 0)
        return -1;
    if (now.running)
        return 0;
    return ship_fail(err, SHIP_UNPROVEN,
                     "container '%s' ended with exit code %lld after its restart", now.name,
                     (long long)now.exit_code);
}

int follow_note_restarts(struct operation *op, struct ship_error *err)
{
    size_t n;
    return each_restarted(op, note, &n, err);
}

int follow_restart(struct operation *op, size_t *ret_n, struct ship_error *err)
{
    return each_restarted(op, restart, ret_n, err);
}
