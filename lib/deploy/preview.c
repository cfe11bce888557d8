/*
 * Step "preview" of a dry run: what would be done, in order, and what would
 * differ. Reads only. Values of variables never leave the library: names and
 * the kind of change. What can go wrong: the compose model can not be mapped
 * (10), the engine does not answer (11); a new image that is not local yet
 * hides which of its variables the file repeats.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "base/alloc.h"
#include "deploy/pin.h"
#include "deploy/spec.h"
#include "deploy/steps.h"

#define DETAIL_MAX 256

static bool is_rollback(const struct operation *op)
{
    return op->rollback_to != 0;
}

static int64_t read_deadline(const struct operation *op)
{
    return clock_deadline(op->s->runtime->clock, RUNTIME_READ_MS);
}

/* ---- actions ---- */

/* Takes object and detail. NOLINTNEXTLINE(readability-non-const-parameter) */
static void act(struct operation *op, const char *verb, char *object, char *detail)
{
    struct ship_preview *p = op->res->preview;
    p->actions = xreallocarray(p->actions, p->n_actions + 1, sizeof *p->actions);
    p->actions[p->n_actions++] =
        (struct ship_preview_action){.verb = xstrdup(verb), .object = object, .detail = detail};
}

static bool is_replaced(const struct operation *op, const struct target *t)
{
    if (is_rollback(op))
        return op->res->preview->has_changes;
    return op->force || !t->unchanged;
}

static void act_pulls(struct operation *op)
{
    for (size_t i = 0; i < op->n_targets; i++)
        if (!op->targets[i].is_local)
            act(op, "pull", xasprintf("image %s", op->targets[i].image),
                xstrdup_or_null(op->targets[i].digest));
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

typedef int (*inspect_fn)(struct runtime *, const char *, struct json **, int64_t,
                          struct ship_error *);

static int act_resource(struct operation *op, inspect_fn inspect, const char *what,
                        const struct compose_resource *r, struct ship_error *err)
{
    AUTO_PTR(json_free) struct json *doc = NULL;
    if (inspect(op->s->runtime, r->real_name, &doc, read_deadline(op), err) < 0)
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

/* ---- services that are not deployed: created or started when they do not run ---- */

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

static void act_service(struct operation *op, const struct compose_service *svc)
{
    for (int number = 1; number <= (int)svc->replicas; number++) {
        const struct container_row *c = operation_container(op, svc->name, number);
        if (!c) {
            AUTO_FREE char *name = compose_container_name(op->s->compose, svc->name, number);
            act(op, "create", xasprintf("container %s", name), xstrdup_or_null(svc->image));
            act(op, "start", xasprintf("container %s", name), NULL);
        } else if (c->state == CONTAINER_CREATED || c->state == CONTAINER_DEAD) {
            act(op, "start", xasprintf("container %s", c->name), NULL);
        } else if (c->state == CONTAINER_EXITED) {
            act(op, "start", xasprintf("container %s", c->name),
                xstrdup("unless it has ended well"));
        }
    }
}

static void act_services(struct operation *op, bool before_switch)
{
    AUTO(strv_done) struct strv needed = {0};
    for (size_t i = 0; i < op->n_targets; i++)
        mark_needed(op, op->targets[i].service, &needed);
    for (size_t i = 0; i < compose_services(op->s->compose); i++) {
        const struct compose_service *svc = compose_service_at(op->s->compose, i);
        if (!operation_target(op, svc->name) && strv_has(&needed, svc->name) == before_switch)
            act_service(op, svc);
    }
}

/* ---- the switch ---- */

static int replicas_of(const struct operation *op, const char *service)
{
    const struct compose_service *svc = compose_service_find(op->s->compose, service);
    return svc ? (int)svc->replicas : 1;
}

static void act_replica(struct operation *op, const struct target *t, int number, const char *verb)
{
    const struct container_row *old = operation_container(op, t->service, number);
    bool creates = str_eq(verb, "create"), starts = str_eq(verb, "start");
    if (!old && !creates && !starts)
        return;
    AUTO_FREE char *name =
        old ? xstrdup(old->name) : compose_container_name(op->s->compose, t->service, number);
    char *detail = creates                  ? xstrdup(t->image)
                   : starts                 ? xstrdup_or_null(t->version)
                   : str_eq(verb, "rename") ? xstrdup("parked until the new version is proven")
                   : str_eq(verb, "remove") ? xstrdup("the parked one")
                                            : xstrdup_or_null(t->old_version);
    act(op, verb, xasprintf("container %s", name), detail);
}

static void act_replicas(struct operation *op, const char *const *verbs, size_t n)
{
    for (size_t i = 0; i < op->n_targets; i++) {
        const struct target *t = &op->targets[i];
        for (int number = 1; is_replaced(op, t) && number <= replicas_of(op, t->service); number++)
            for (size_t k = 0; k < n; k++)
                act_replica(op, t, number, verbs[k]);
    }
}

static void act_checks(struct operation *op, const char *phase, const struct plan_checks *checks)
{
    for (size_t i = 0; i < checks->n; i++)
        act(op, "check", xasprintf("%s %s", phase, checks->items[i].id),
            xasprintf("%s, at most %lld tries", checks->items[i].type,
                      (long long)checks->items[i].retries));
}

static void act_proof(struct operation *op)
{
    const struct plan *p = op->s->plan;
    if (p->checks.health.n)
        act_checks(op, "health", &p->checks.health);
    else
        act(op, "check", xstrdup("health"), xstrdup("the container's own health check"));
    act_services(op, false);
    if (!is_rollback(op))
        act_checks(op, "post", &p->checks.post);
}

static int act_after(struct operation *op, struct ship_error *err)
{
    static const char *const verbs[] = {"remove"};
    const struct plan *p = op->s->plan;
    AUTO(strv_done) struct strv pins = {0};
    if (!op->pin_refused && pin_list(op, &pins, err) < 0)
        return -1;
    for (size_t i = 0; i < pins.n; i++)
        act(op, "write", xstrdup(pins.v[i]), xstrdup_or_null(op->res->to.version));
    act_replicas(op, verbs, ARRAY_LEN(verbs));
    if (is_rollback(op))
        return 0;
    act_hooks(op, "post_deploy", &p->hooks.post_deploy);
    if (p->prune.after_deploy)
        act(op, "prune", xstrdup("images"),
            xasprintf("beyond the last %lld versions", (long long)p->prune.keep));
    return 0;
}

static int list_actions(struct operation *op, struct ship_error *err)
{
    static const char *const create[] = {"create"}, *const swap[] = {"stop", "rename", "start"};
    const struct plan *p = op->s->plan;
    act_pulls(op);
    if (!is_rollback(op))
        act_hooks(op, "pre_deploy", &p->hooks.pre_deploy);
    if (act_resources(op, err) < 0)
        return -1;
    act_services(op, true);
    if (!is_rollback(op)) {
        act_hooks(op, "backup", &p->hooks.backup);
        act_hooks(op, "migrate", &p->hooks.migrate);
    }
    act_replicas(op, create, ARRAY_LEN(create));
    act_replicas(op, swap, ARRAY_LEN(swap));
    act_proof(op);
    return act_after(op, err);
}

/* ---- images ---- */

static void list_images(struct operation *op)
{
    struct ship_preview *p = op->res->preview;
    bool all_local = true;
    p->images = xcalloc(op->n_targets + 1, sizeof *p->images);
    for (size_t i = 0; i < op->n_targets; i++) {
        const struct target *t = &op->targets[i];
        all_local = all_local && t->is_local;
        p->images[p->n_images++] =
            (struct ship_preview_image){.service = xstrdup(t->service),
                                        .image = xstrdup(t->image),
                                        .old_digest = xstrdup_or_null(t->old_digest),
                                        .new_digest = xstrdup_or_null(t->digest),
                                        .is_local = t->is_local};
    }
    /* The registry tells a manifest's size, not what its layers need on disk. */
    p->disk_need_bytes = all_local ? 0 : -1;
}

static void look_at_disk(struct operation *op)
{
    struct ship_preview *p = op->res->preview;
    struct statvfs fs;
    p->disk_free_bytes = -1;
    p->disk_path = xstrdup_or_null(op->engine.root_dir);
    if (p->disk_path && statvfs(p->disk_path, &fs) == 0)
        p->disk_free_bytes = (int64_t)(fs.f_bavail * fs.f_frsize);
}

/* ---- environment ---- */

struct env_diff {
    struct operation *op;
    const char *service;
    const struct json *old_body, *new_body;
    const struct json *old_image, *new_image; /* inspect answers; NULL = not known */
};

/* Does the body say of this variable only what the image says anyway? */
static bool is_inherited(const struct json *body, const struct json *image, const char *name)
{
    size_t len = strlen(name);
    const struct json *own = json_get(body, "Env"), *theirs = json_path(image, "Config.Env");
    for (const struct json *e = json_first(own); e; e = json_next(e)) {
        const char *text = json_value_str(e);
        if (!text || strncmp(text, name, len) != 0 || text[len] != '=')
            continue;
        for (const struct json *i = json_first(theirs); i; i = json_next(i))
            if (str_eq(json_value_str(i), text))
                return true;
        return false;
    }
    return false;
}

static void add_env(void *ctx, const char *name, char change)
{
    const struct env_diff *d = ctx;
    bool old_inherited = is_inherited(d->old_body, d->old_image, name);
    bool new_inherited = is_inherited(d->new_body, d->new_image, name);
    if ((change == '-' && old_inherited) || (change == '+' && new_inherited) ||
        (change == '~' && old_inherited && new_inherited))
        return;
    struct ship_preview *p = d->op->res->preview;
    p->env = xreallocarray(p->env, p->n_env + 1, sizeof *p->env);
    p->env[p->n_env++] = (struct ship_preview_env){
        .service = xstrdup(d->service), .name = xstrdup(name), .change = change};
}

static int new_body_of(struct operation *op, const struct target *t, const struct image *image,
                       struct json **ret, struct ship_error *err)
{
    if (t->spec_json) {
        AUTO_PTR(json_free)
        struct json *spec =
            json_parse(t->spec_json, strlen(t->spec_json), "recorded specification", err);
        const struct json *body = json_get(json_first(json_get(spec, "replicas")), "body");
        *ret = json_copy(body);
        return spec ? 0 : -1;
    }
    AUTO_FREE char *name = compose_container_name(op->s->compose, t->service, 1);
    struct compose_create create = {.api_minor = op->engine.api_minor,
                                    .number = 1,
                                    .final_name = name,
                                    .image_id = t->image_id ? t->image_id : "",
                                    .family = op->family,
                                    .image_inspect = image->doc,
                                    .peers = op->peers,
                                    .n_peers = op->n_peers};
    *ret = compose_create_body(op->s->compose, t->service, &create, err);
    return *ret ? 0 : -1;
}

/* Images may be gone or not here yet: then nothing counts as inherited. */
static void look_at_image(struct operation *op, const char *id, struct image *ret)
{
    struct ship_error ignored = {0};
    struct runtime *rt = op->s->runtime;
    if (id && rt->ops->image_inspect(rt, id, ret, read_deadline(op), &ignored) < 0)
        *ret = (struct image){0};
}

static int diff_env(struct operation *op, const struct target *t, struct ship_error *err)
{
    AUTO(container_done) struct container old = {0};
    AUTO(image_done) struct image old_image = {0};
    AUTO(image_done) struct image new_image = {0};
    AUTO_PTR(json_free) struct json *body = NULL;
    struct runtime *rt = op->s->runtime;
    const struct container_row *row = operation_container(op, t->service, 0);
    if (row && rt->ops->inspect(rt, row->id, &old, read_deadline(op), err) < 0)
        return -1;
    look_at_image(op, row ? row->image_id : NULL, &old_image);
    look_at_image(op, t->image_id, &new_image);
    if (new_body_of(op, t, &new_image, &body, err) < 0)
        return ship_error_wrap(err, "service '%s'", t->service);
    struct env_diff d = {.op = op,
                         .service = t->service,
                         .old_body = json_get(old.doc, "Config"),
                         .new_body = body,
                         .old_image = old_image.doc,
                         .new_image = new_image.doc};
    spec_env_diff(d.old_body, d.new_body, add_env, &d);
    return 0;
}

/* ---- the step ---- */

/* The same question step_resolve_rollback asks: is that deployment what serves now? */
static bool rollback_changes(const struct operation *op)
{
    const struct ledger_deployment *now = &op->previous;
    if (op->rollback_to != now->id && !(now->target_id && op->rollback_to == now->target_id))
        return true;
    for (size_t i = 0; i < op->n_targets; i++) {
        const struct container_row *c = operation_container(op, op->targets[i].service, 0);
        if (!c || c->state != CONTAINER_RUNNING || !str_eq(c->image_id, op->targets[i].image_id))
            return true;
    }
    return false;
}

static bool find_changes(const struct operation *op)
{
    if (is_rollback(op))
        return rollback_changes(op);
    for (size_t i = 0; i < op->n_targets; i++)
        if (op->force || !op->targets[i].unchanged)
            return true;
    return false;
}

STEP_APPLY(step_preview)
{
    struct ship_preview *p = op->res->preview = xcalloc(1, sizeof *p);
    p->has_changes = find_changes(op);
    look_at_disk(op);
    list_images(op);
    if (!p->has_changes) {
        (void)snprintf(note, STEP_NOTE_MAX, "nothing to change");
        return STEP_OK;
    }
    for (size_t i = 0; i < op->n_targets; i++)
        if (is_replaced(op, &op->targets[i]) && diff_env(op, &op->targets[i], err) < 0)
            return -1;
    if (list_actions(op, err) < 0)
        return -1;
    (void)snprintf(note, STEP_NOTE_MAX, "%zu actions", p->n_actions);
    return STEP_OK;
}
