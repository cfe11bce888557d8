/*
 * The actions of a dry run: see preview.h.
 *
 * First the replacements are planned with the rules of the steps that make them; then every step of
 * the table says what it would do. What can go wrong: the engine does not answer, the compose model
 * can not be mapped, a recorded specification does not parse.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "deploy/depend.h"
#include "deploy/follow.h"
#include "deploy/image.h"
#include "deploy/names.h"
#include "deploy/pin.h"
#include "deploy/preview.h"
#include "deploy/target.h"

#define DETAIL_MAX 256

static bool is_rollback(const struct operation *op)
{
    return op->rollback_to != 0;
}

/* ---- what would be replaced ---- */

/* Takes name. */
static struct replacement plan_one(const struct operation *op, const char *service, int number,
                                   char *name)
{
    const struct container_row *old = operation_container(op, service, number);
    return (struct replacement){.service = xstrdup(service),
                                .number = number,
                                .name = name,
                                .old_id = old ? xstrdup(old->id) : NULL,
                                .old_name = old ? xstrdup(old->name) : NULL};
}

static void append(struct replacement **list, size_t *n, struct replacement r)
{
    *list = xreallocarray(*list, *n + 1, sizeof **list);
    (*list)[(*n)++] = r;
}

static int plan_deploy(struct operation *op, const struct target *t, bool follows,
                       struct ship_error *err)
{
    const struct compose_service *svc = compose_service_find(op->s->compose, t->service);
    for (int number = 1; number <= (int)svc->replicas; number++) {
        bool stays = false;
        if (!op->force && target_is_current(op, t, number, &stays, err) < 0)
            return -1;
        char *name = compose_container_name(op->s->compose, t->service, number);
        struct replacement r = plan_one(op, t->service, number, name);
        r.follows = follows;
        if (stays)
            append(&op->kept, &op->n_kept, r);
        else
            append(&op->reps, &op->n_reps, r);
    }
    return 0;
}

static int plan_rollback(struct operation *op, const struct target *t, bool follows,
                         struct ship_error *err)
{
    AUTO_PTR(json_free)
    struct json *spec =
        json_parse(t->spec_json, strlen(t->spec_json), "recorded specification", err);
    if (!spec)
        return -1;
    for (const struct json *o = json_first(json_get(spec, "replicas")); o; o = json_next(o)) {
        struct replacement r = plan_one(op, t->service, (int)json_i64(o, "number", 1),
                                        xstrdup(json_str_or(o, "name", t->service)));
        r.follows = follows;
        append(&op->reps, &op->n_reps, r);
    }
    return 0;
}

static void plan_follower(struct operation *op, const struct compose_service *svc)
{
    for (int number = 1; number <= (int)svc->replicas; number++) {
        if (!operation_container(op, svc->name, number))
            continue;
        char *name = compose_container_name(op->s->compose, svc->name, number);
        struct replacement r = plan_one(op, svc->name, number, name);
        r.follows = true;
        append(&op->reps, &op->n_reps, r);
    }
}

static int plan_replacements(struct operation *op, struct ship_error *err)
{
    for (size_t i = 0; i < op->n_targets; i++) {
        const struct target *t = &op->targets[i];
        bool follows = follow_is_follower(op, t->service);
        if (t->unchanged && !op->force)
            continue;
        if ((is_rollback(op) ? plan_rollback : plan_deploy)(op, t, follows, err) < 0)
            return -1;
    }
    for (size_t i = 0; i < compose_services(op->s->compose); i++) {
        const struct compose_service *svc = compose_service_at(op->s->compose, i);
        if (follow_goes_along(op, svc->name))
            plan_follower(op, svc);
    }
    return 0;
}

/* ---- one action ---- */

/* Takes object and detail. NOLINTNEXTLINE(readability-non-const-parameter) */
static void act(struct operation *op, const char *verb, char *object, char *detail)
{
    struct ship_preview *p = op->res->preview;
    p->actions = xreallocarray(p->actions, p->n_actions + 1, sizeof *p->actions);
    p->actions[p->n_actions++] =
        (struct ship_preview_action){.verb = xstrdup(verb), .object = object, .detail = detail};
}

/* Takes detail. NOLINTNEXTLINE(readability-non-const-parameter) */
static void act_container(struct operation *op, const char *verb, const char *name, char *detail)
{
    act(op, verb, xasprintf("container %s", name), detail);
}

static int act_pulls(struct operation *op, struct ship_error *err)
{
    AUTO(pulls_done) struct pulls services = {0};
    for (size_t i = 0; i < op->n_targets; i++)
        if (!op->targets[i].is_local)
            act(op, "pull", xasprintf("image %s", op->targets[i].image),
                xstrdup_or_null(op->targets[i].digest));
    if (image_order_services(op, &services, err) < 0)
        return -1;
    for (size_t i = 0; i < services.n; i++)
        act(op, "pull", xasprintf("image %s", services.list[i].ref), NULL);
    return 0;
}

static void act_hooks(struct operation *op, const char *kind, const struct plan_hooks *hooks)
{
    static const char *const where[] = {[PLAN_HOOK_COMMAND] = "on this machine",
                                        [PLAN_HOOK_EXEC] = "in the container of service",
                                        [PLAN_HOOK_RUN_IMAGE] = "in a container of the new image"};
    for (size_t i = 0; i < hooks->n; i++) {
        const struct plan_hook *h = &hooks->items[i];
        AUTO(buf_done) struct buf detail = BUF_INIT(DETAIL_MAX);
        buf_adds(&detail, where[h->kind]);
        if (h->service)
            buf_addf(&detail, " %s", h->service);
        buf_adds(&detail, ":");
        for (size_t k = 0; k < h->command.n; k++)
            buf_addf(&detail, " %s", h->command.v[k]); /* ${...} unexpanded: no secret in it */
        act(op, "run", xasprintf("hook %s[%zu]", kind, i), buf_steal(&detail));
    }
}

/* ---- dependencies ---- */

static void act_repairs(struct operation *op)
{
    for (size_t i = 0; i < op->containers.n; i++) {
        const struct container_row *c = &op->containers.rows[i];
        if (operation_is_stranded(op, c))
            act_container(op, "rename", c->name,
                          xasprintf("to %s: docker compose died before it did",
                                    name_behind_temporary(c->name)));
    }
}

typedef int (*inspect_fn)(struct runtime *, const char *, struct json **, int64_t,
                          struct ship_error *);

static int act_resource(struct operation *op, inspect_fn inspect, const char *what,
                        const struct compose_resource *r, struct ship_error *err)
{
    AUTO_PTR(json_free) struct json *doc = NULL;
    struct runtime *rt = op->s->runtime;
    if (inspect(rt, r->real_name, &doc, clock_deadline(rt->clock, RUNTIME_READ_MS), err) < 0)
        return -1;
    if (!doc)
        act(op, "create", xasprintf("%s %s", what, r->real_name),
            r->external ? xstrdup("external and missing: the deployment would stop here") : NULL);
    return 0;
}

static int act_resources(struct operation *op, struct ship_error *err)
{
    const struct compose_project *p = op->s->compose;
    const struct runtime_ops *ops = op->s->runtime->ops;
    for (size_t i = 0; i < compose_networks(p); i++)
        if (act_resource(op, ops->network_inspect, "network", compose_network_at(p, i), err) < 0)
            return -1;
    for (size_t i = 0; i < compose_volumes(p); i++)
        if (act_resource(op, ops->volume_inspect, "volume", compose_volume_at(p, i), err) < 0)
            return -1;
    return 0;
}

static void act_service(struct operation *op, const struct compose_service *svc)
{
    for (int number = 1; number <= (int)svc->replicas; number++) {
        const struct container_row *c = operation_container(op, svc->name, number);
        if (!c) {
            AUTO_FREE char *name = compose_container_name(op->s->compose, svc->name, number);
            act_container(op, "create", name, xstrdup(compose_service_image(svc)));
            act_container(op, "start", name, NULL);
        } else if (c->state == CONTAINER_CREATED || c->state == CONTAINER_DEAD) {
            act_container(op, "start", c->name, NULL);
        } else if (c->state == CONTAINER_EXITED) {
            act_container(op, "start", c->name, xstrdup("unless it has ended well"));
        }
    }
}

static void act_services(struct operation *op, unsigned groups)
{
    AUTO(strv_done) struct strv services = {0};
    depend_list(op, groups, &services);
    for (size_t i = 0; i < services.n; i++)
        act_service(op, compose_service_find(op->s->compose, services.v[i]));
}

/* ---- the switch ---- */

static char *create_detail(const struct operation *op, const struct replacement *r)
{
    const struct target *t = operation_target(op, r->service);
    if (t && (op->force || !t->unchanged))
        return xstrdup(t->image);
    const struct compose_service *svc = compose_service_find(op->s->compose, r->service);
    AUTO(buf_done) struct buf detail = BUF_INIT(DETAIL_MAX);
    buf_adds(&detail, "from the image it runs, for it names by id the container of");
    for (size_t i = 0; i < svc->n_shares; i++)
        buf_addf(&detail, "%s %s", i ? "," : "", svc->shares[i]);
    return buf_steal(&detail);
}

static int act_park(struct operation *op, struct replacement *r, struct ship_error *err)
{
    (void)err;
    const struct target *t = operation_target(op, r->service);
    if (!r->old_id)
        return 0;
    act_container(op, "stop", r->old_name, t ? xstrdup_or_null(t->old_version) : NULL);
    act_container(op, "rename", r->old_name, xstrdup("parked until the new version is proven"));
    return 0;
}

static void act_start(struct operation *op, const struct replacement *r)
{
    const struct target *t = operation_target(op, r->service);
    act_container(op, "start", r->name, t ? xstrdup_or_null(t->version) : NULL);
}

/* See step "switch". */
static bool starts_beside(const struct operation *op)
{
    return !is_rollback(op) && depend_starts_all(op);
}

static int act_switch(struct operation *op, struct ship_error *err)
{
    if (follow_last_first(op, act_park, err) < 0)
        return -1;
    for (size_t i = 0; i < op->n_reps; i++) {
        if (op->reps[i].follows)
            continue;
        if (act_park(op, &op->reps[i], err) < 0)
            return -1;
        act_start(op, &op->reps[i]);
    }
    for (size_t i = 0; i < op->n_reps; i++)
        if (op->reps[i].follows)
            act_start(op, &op->reps[i]);
    if (starts_beside(op))
        act_services(op, DEPEND_BESIDE);
    return 0;
}

/* ---- the proof and what comes after ---- */

static void act_checks(struct operation *op, const char *phase, const struct plan_checks *checks)
{
    for (size_t i = 0; i < checks->n; i++)
        act(op, "check", xasprintf("%s %s", phase, checks->items[i].id),
            xasprintf("%s, at most %lld tries", checks->items[i].type,
                      (long long)checks->items[i].retries));
}

static void act_restarts(struct operation *op)
{
    for (size_t i = 0; i < compose_services(op->s->compose); i++) {
        const struct compose_service *svc = compose_service_at(op->s->compose, i);
        if (!follow_is_restarted(op, svc))
            continue;
        for (int number = 1; number <= (int)svc->replicas; number++) {
            const struct container_row *c = operation_container(op, svc->name, number);
            if (c && c->state == CONTAINER_RUNNING)
                act_container(op, "restart", c->name,
                              xstrdup("its dependency says `restart: true`"));
        }
    }
}

static void act_proof(struct operation *op)
{
    const struct plan *p = op->s->plan;
    if (p->checks.health.n)
        act_checks(op, "health", &p->checks.health);
    else
        act(op, "check", xstrdup("health"), xstrdup("the container's own health check"));
    act_restarts(op);
    if (is_rollback(op))
        return;
    act_services(op, starts_beside(op) ? DEPEND_WAITING : DEPEND_WAITING | DEPEND_BESIDE);
    act_checks(op, "post", &p->checks.post);
}

static void act_clean_up(struct operation *op)
{
    for (size_t i = 0; i < op->n_reps; i++)
        if (op->reps[i].old_id)
            act_container(op, "remove", op->reps[i].old_name, xstrdup("the parked one"));
    for (size_t i = 0; i < op->containers.n; i++) {
        const struct container_row *c = &op->containers.rows[i];
        const struct compose_service *svc = operation_deployed(op, c);
        if (svc && operation_is_surplus(op, c, operation_replicas(op, svc)))
            act_container(
                op, "remove", c->name,
                xasprintf("above the count of %lld", (long long)operation_replicas(op, svc)));
    }
}

static int act_after(struct operation *op, struct ship_error *err)
{
    const struct plan *p = op->s->plan;
    AUTO(strv_done) struct strv pins = {0};
    if (!op->pin_refused && pin_list(op, &pins, err) < 0)
        return -1;
    for (size_t i = 0; i < pins.n; i++)
        act(op, "write", xstrdup(pins.v[i]), xstrdup_or_null(op->res->to.version));
    act_clean_up(op);
    if (is_rollback(op))
        return 0;
    act_hooks(op, "post_deploy", &p->hooks.post_deploy);
    if (p->prune.after_deploy)
        act(op, "prune", xstrdup("images"),
            xasprintf("beyond the last %lld versions", (long long)p->prune.keep));
    return 0;
}

int preview_list_actions(struct operation *op, struct ship_error *err)
{
    const struct plan *p = op->s->plan;
    if (plan_replacements(op, err) < 0 || act_pulls(op, err) < 0)
        return -1;
    if (!is_rollback(op))
        act_hooks(op, "pre_deploy", &p->hooks.pre_deploy);
    act_repairs(op);
    if (act_resources(op, err) < 0)
        return -1;
    act_services(op, DEPEND_NEEDED);
    if (!is_rollback(op)) {
        act_hooks(op, "backup", &p->hooks.backup);
        act_hooks(op, "migrate", &p->hooks.migrate);
    }
    for (size_t i = 0; i < op->n_reps; i++)
        act_container(op, "create", op->reps[i].name, create_detail(op, &op->reps[i]));
    if (act_switch(op, err) < 0)
        return -1;
    act_proof(op);
    return act_after(op, err);
}
