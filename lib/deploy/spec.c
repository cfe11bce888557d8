/*
 * Specifications of containers: see spec.h.
 *
 * What can go wrong: the compose model can not be mapped (position in the
 * message), a recorded specification does not parse (a damaged ledger).
 */
#include "deploy/spec.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/encode.h"
#include "deploy/names.h"
#include "deploy/spec_share.h"
#include "deploy/target.h"

#define SECRETS_MAX  (8u * 1024 * 1024)
#define SHORT_ID_LEN 12

/* ---- labels ---- */

void spec_label(struct operation *op, const struct target *t, struct json *body)
{
    struct json *labels = json_edit(body, "Labels");
    if (!labels)
        labels = json_set_object(body, "Labels");
    AUTO_FREE char *number = xasprintf("%lld", (long long)op->row.id);
    json_set_str(labels, LABEL_OPERATION, number);
    if (!t)
        return;
    json_set_str(labels, LABEL_APP, op->s->plan->app);
    json_set_str(labels, LABEL_ENVIRONMENT, op->s->plan->environment);
    json_set_str(labels, LABEL_LEDGER, ledger_uuid(op->s->ledger));
    json_set_str(labels, LABEL_VERSION, t->version);
    if (t->digest)
        json_set_str(labels, LABEL_DIGEST, t->digest);
}

/* ---- the container being replaced ---- */

static int fill_old(struct operation *op, struct replacement *r, struct container *ret,
                    struct ship_error *err)
{
    const struct container_row *row = operation_container(op, r->service, r->number);
    struct runtime *rt = op->s->runtime;
    if (!row)
        return 0;
    if (rt->ops->inspect(rt, row->id, ret, clock_deadline(rt->clock, RUNTIME_READ_MS), err) < 0)
        return -1;
    r->old_id = xstrdup(ret->id);
    r->old_name = xstrdup(ret->name);
    r->old_started_at = xstrdup_or_null(ret->started_at);
    r->old_policy = xstrdup(str_empty(ret->restart_policy) ? "no" : ret->restart_policy);
    r->old_policy_max = ret->restart_max;
    r->old_running = ret->running;
    r->old_image_id = xstrdup_or_null(ret->image_id);
    return 0;
}

static struct replacement *add_replacement(struct operation *op, const char *service, int number,
                                           const char *name)
{
    op->reps = xreallocarray(op->reps, op->n_reps + 1, sizeof *op->reps);
    struct replacement *r = &op->reps[op->n_reps++];
    *r = (struct replacement){.service = xstrdup(service), .number = number, .name = xstrdup(name)};
    buf_init(&r->secrets, SECRETS_MAX);
    return r;
}

static void set_names(struct operation *op, struct replacement *r)
{
    r->candidate = r->old_id ? name_candidate(r->name, op->row.id) : xstrdup(r->name);
    r->parked = r->old_id ? name_parked(r->name, op->row.id) : NULL;
}

/* ---- from the compose model ---- */

static struct compose_create create_request(struct operation *op, const struct target *t,
                                            const struct replacement *r,
                                            const struct container *old, const struct image *image)
{
    return (struct compose_create){.api_minor = op->engine.api_minor,
                                   .number = r->number,
                                   .final_name = r->name,
                                   .image_id = t->image_id,
                                   .replaces = r->old_id ? r->name : NULL,
                                   .family = op->family,
                                   .old_inspect = old->doc,
                                   .image_inspect = image->doc,
                                   .peers = op->peers,
                                   .n_peers = op->n_peers};
}

static int build_replica(struct operation *op, const struct target *t, int number,
                         const struct image *image, struct ship_error *err)
{
    const struct compose_service *svc = compose_service_find(op->s->compose, t->service);
    AUTO_FREE char *name = compose_container_name(op->s->compose, t->service, number);
    struct replacement *r = add_replacement(op, t->service, number, name);
    AUTO(container_done) struct container old = {0};
    if (fill_old(op, r, &old, err) < 0)
        return -1;
    set_names(op, r);
    r->platform = xstrdup_or_null(svc->platform);
    r->grace_ms = svc->stop_grace_ms;
    struct compose_create create = create_request(op, t, r, &old, image);
    r->body = compose_create_body(op->s->compose, t->service, &create, err);
    if (!r->body)
        return -1;
    spec_label(op, t->version ? t : NULL, r->body);
    r->connects = compose_connect_bodies(op->s->compose, t->service, &create, err);
    if (!r->connects)
        return -1;
    return compose_secrets_tar(op->s->compose, t->service, &r->secrets, err);
}

/* A replica that runs as the file says stays; its specification is recorded with the others. */
static int keep_current(struct operation *op, const struct target *t, int number,
                        struct ship_error *err)
{
    bool is_current = false;
    if (!op->force && target_is_current(op, t, number, &is_current, err) < 0)
        return -1;
    if (!is_current)
        return 0;
    op->kept = xreallocarray(op->kept, op->n_kept + 1, sizeof *op->kept);
    op->kept[op->n_kept++] = op->reps[--op->n_reps];
    return 0;
}

int spec_from_compose(struct operation *op, const struct target *t, struct ship_error *err)
{
    const struct compose_service *svc = compose_service_find(op->s->compose, t->service);
    struct runtime *rt = op->s->runtime;
    AUTO(image_done) struct image image = {0};
    if (rt->ops->image_inspect(rt, t->image_id, &image, clock_deadline(rt->clock, RUNTIME_READ_MS),
                               err) < 0)
        return -1;
    for (int number = 1; number <= (int)svc->replicas; number++)
        if (build_replica(op, t, number, &image, err) < 0 || keep_current(op, t, number, err) < 0)
            return ship_error_wrap(err, "service '%s'", t->service);
    return 0;
}

/* Its own tag, unless that names another image by now. */
static int keep_image(struct operation *op, struct replacement *r, const char *image_id,
                      struct ship_error *err)
{
    AUTO(image_done) struct image tagged = {0};
    struct ship_error e = {0};
    struct runtime *rt = op->s->runtime;
    int64_t end = clock_deadline(rt->clock, RUNTIME_READ_MS);
    if (rt->ops->image_inspect(rt, json_str_or(r->body, "Image", ""), &tagged, end, &e) < 0 &&
        e.code != SHIP_NOT_FOUND)
        return ship_fail(err, e.code, "%s", e.msg);
    if (!str_eq(tagged.id, image_id))
        json_set_str(r->body, "Image", image_id);
    return 0;
}

static int build_same(struct operation *op, const struct target *t, int number,
                      struct ship_error *err)
{
    AUTO(image_done) struct image image = {0};
    struct runtime *rt = op->s->runtime;
    int64_t end = clock_deadline(rt->clock, RUNTIME_READ_MS);
    if (rt->ops->image_inspect(rt, t->image_id, &image, end, err) < 0 ||
        build_replica(op, t, number, &image, err) < 0)
        return -1;
    return keep_image(op, &op->reps[op->n_reps - 1], t->image_id, err);
}

int spec_from_same_image(struct operation *op, const char *service, struct ship_error *err)
{
    const struct compose_service *svc = compose_service_find(op->s->compose, service);
    const struct target *known = operation_target(op, service);
    for (int number = 1; number <= (int)svc->replicas; number++) {
        const struct container_row *row = operation_container(op, service, number);
        struct target t = known ? *known : (struct target){.service = ledger_lend(service)};
        if (!row)
            continue;
        AUTO_FREE char *image_id = xstrdup(row->image_id);
        t.image_id = image_id;
        if (build_same(op, &t, number, err) < 0)
            return ship_error_wrap(err, "service '%s'", service);
    }
    return 0;
}

/* ---- text ---- */

static void print_replica(struct json *list, const struct replacement *r)
{
    struct json *o = json_append_object(list);
    json_set_i64(o, "number", r->number);
    json_set_str(o, "name", r->name);
    json_set_str(o, "platform", r->platform);
    json_set(o, "body", json_copy(r->body));
    json_set(o, "connects", json_copy(r->connects));
    if (r->secrets.len) {
        AUTO_FREE char *text = base64_encode(r->secrets.p, r->secrets.len);
        json_set_str(o, "secrets", text);
    }
}

static void print_replicas(struct json *spec, const char *service, const struct replacement *reps,
                           size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!str_eq(reps[i].service, service))
            continue;
        json_set_i64(spec, "grace_ms", reps[i].grace_ms);
        print_replica(json_edit(spec, "replicas"), &reps[i]);
    }
}

char *spec_print(const struct operation *op, const char *service)
{
    AUTO_PTR(json_free) struct json *spec = json_object();
    json_set_array(spec, "replicas");
    print_replicas(spec, service, op->kept, op->n_kept);
    print_replicas(spec, service, op->reps, op->n_reps);
    return json_print(spec);
}

/* ---- from the ledger ---- */

static bool has_target(const struct json *body, const char *target)
{
    const struct json *host = json_get(body, "HostConfig");
    for (const struct json *m = json_first(json_get(host, "Mounts")); m; m = json_next(m))
        if (str_eq(json_str(m, "Target"), target))
            return true;
    size_t len = strlen(target);
    for (const struct json *b = json_first(json_get(host, "Binds")); b; b = json_next(b)) {
        const char *colon = json_value_str(b) ? strchr(json_value_str(b), ':') : NULL;
        if (colon && strncmp(colon + 1, target, len) == 0 &&
            (colon[1 + len] == ':' || colon[1 + len] == '\0'))
            return true;
    }
    return json_get(json_get(host, "Tmpfs"), target) != NULL;
}

static void add_volume(struct json *mounts, const struct json *mount)
{
    struct json *m = json_append_object(mounts);
    json_set_str(m, "Type", "volume");
    json_set_str(m, "Source", json_str(mount, "Name"));
    json_set_str(m, "Target", json_str(mount, "Destination"));
    if (!json_bool(mount, "RW", true))
        json_set_bool(m, "ReadOnly", true);
}

/* A volume without a name in the specification: the one the engine named for it. */
static void name_volume(struct json *entry, const struct json *old_mounts)
{
    if (!str_eq(json_str(entry, "Type"), "volume") || !str_empty(json_str(entry, "Source")))
        return;
    for (const struct json *m = json_first(old_mounts); m; m = json_next(m))
        if (str_eq(json_str(m, "Destination"), json_str(entry, "Target")) &&
            str_eq(json_str(m, "Type"), "volume"))
            json_set_str(entry, "Source", json_str(m, "Name"));
}

static struct json *named_mounts(const struct json *body, const struct json *old_mounts)
{
    struct json *mounts = json_array();
    const struct json *given = json_get(json_get(body, "HostConfig"), "Mounts");
    for (const struct json *m = json_first(given); m; m = json_next(m)) {
        struct json *entry = json_append_object(mounts);
        for (const struct json *f = json_first(m); f; f = json_next(f))
            json_set(entry, json_key(f), json_copy(f));
        name_volume(entry, old_mounts);
    }
    return mounts;
}

static void inherit_mounts(struct json *body, const struct json *image_volumes,
                           const struct json *old_mounts)
{
    struct json *mounts = named_mounts(body, old_mounts);
    for (const struct json *m = json_first(old_mounts); m; m = json_next(m)) {
        const char *target = json_str_or(m, "Destination", "");
        bool declared =
            json_get(image_volumes, target) || json_get(json_get(body, "Volumes"), target);
        if (declared && str_eq(json_str(m, "Type"), "volume") && !str_empty(json_str(m, "Name")) &&
            !has_target(body, target))
            add_volume(mounts, m);
    }
    struct json *host = json_edit(body, "HostConfig");
    if (json_size(mounts) == 0)
        json_free(mounts);
    else
        json_set(host ? host : json_set_object(body, "HostConfig"), "Mounts", mounts);
}

/*
 * Anonymous volumes got their names from the engine after the specification was recorded: the data
 * stays with the service, whatever version runs.
 */
static int inherit_volumes(struct operation *op, const struct target *t,
                           const struct container *old, struct json *body, struct ship_error *err)
{
    AUTO(image_done) struct image image = {0};
    struct ship_error e = {0};
    struct runtime *rt = op->s->runtime;
    int64_t end = clock_deadline(rt->clock, RUNTIME_READ_MS);
    if (!old->doc)
        return 0;
    if (rt->ops->image_inspect(rt, t->image_id, &image, end, &e) < 0 && e.code != SHIP_NOT_FOUND)
        return ship_fail(err, e.code, "%s", e.msg);
    inherit_mounts(body, json_path(image.doc, "Config.Volumes"), json_get(old->doc, "Mounts"));
    return 0;
}

static int read_replica(struct operation *op, const struct target *t, const struct json *o,
                        int64_t grace_ms, struct ship_error *err)
{
    const char *name = json_str(o, "name"), *secrets = json_str(o, "secrets");
    if (!name || !json_is_object(json_get(o, "body")))
        return ship_fail(err, SHIP_NOT_FOUND,
                         "the recorded specification of service '%s' is incomplete", t->service);
    struct replacement *r = add_replacement(op, t->service, (int)json_i64(o, "number", 1), name);
    AUTO(container_done) struct container old = {0};
    if (fill_old(op, r, &old, err) < 0)
        return -1;
    set_names(op, r);
    r->platform = xstrdup_or_null(json_str(o, "platform"));
    r->grace_ms = grace_ms;
    r->body = json_copy(json_get(o, "body"));
    redact_add_json(op->s->redact, json_get(r->body, "Env"));
    r->connects =
        json_is_array(json_get(o, "connects")) ? json_copy(json_get(o, "connects")) : json_array();
    if (secrets && base64_decode(secrets, strlen(secrets), &r->secrets) < 0)
        return ship_fail(err, SHIP_NOT_FOUND, "the recorded secrets of service '%s' are damaged",
                         t->service);
    json_set_str(r->body, "Image", t->image);
    spec_label(op, t, r->body);
    spec_share_renew(op, t->service, r->body);
    return inherit_volumes(op, t, &old, r->body, err);
}

int spec_from_record(struct operation *op, const struct target *t, struct ship_error *err)
{
    AUTO_PTR(json_free)
    struct json *spec =
        json_parse(t->spec_json, strlen(t->spec_json), "recorded specification", err);
    if (!spec)
        return -1;
    for (const struct json *o = json_first(json_get(spec, "replicas")); o; o = json_next(o))
        if (read_replica(op, t, o, json_i64(spec, "grace_ms", 10000), err) < 0)
            return -1;
    return 0;
}

/* ---- from the engine ---- */

/* The engine adds the short id to the aliases (API < 1.45) and its own addresses: not part of the
 * spec. */
static struct json *endpoint_spec(const struct json *endpoint, const char *id)
{
    struct json *o = json_object();
    struct json *aliases = json_set_array(o, "Aliases");
    for (const struct json *a = json_first(json_get(endpoint, "Aliases")); a; a = json_next(a))
        if (json_value_str(a) && strncmp(json_value_str(a), id, SHORT_ID_LEN) != 0)
            json_append_str(aliases, json_value_str(a));
    static const char *const kept[] = {"IPAMConfig", "Links", "DriverOpts"};
    for (size_t i = 0; i < ARRAY_LEN(kept); i++)
        if (!json_is_null(json_get(endpoint, kept[i])))
            json_set(o, kept[i], json_copy(json_get(endpoint, kept[i])));
    return o;
}

static struct json *body_from_inspect(const struct container *c, struct json *connects)
{
    struct json *body = json_copy(json_get(c->doc, "Config"));
    json_set(body, "HostConfig", json_copy(json_get(c->doc, "HostConfig")));
    /* A default host name is the old short id: leave it to the engine again. */
    if (strncmp(json_str_or(body, "Hostname", ""), c->id, SHORT_ID_LEN) == 0)
        json_remove(body, "Hostname");
    const char *mode = json_str_or(c->doc, "HostConfig.NetworkMode", "");
    struct json *endpoints =
        json_set_object(json_set_object(body, "NetworkingConfig"), "EndpointsConfig");
    const struct json *nets = json_path(c->doc, "NetworkSettings.Networks");
    for (const struct json *n = json_first(nets); n; n = json_next(n)) {
        struct json *e = endpoint_spec(n, c->id);
        if (str_eq(json_key(n), mode)) {
            json_set(endpoints, json_key(n), e);
            continue;
        }
        struct json *connect = json_append_object(connects);
        json_set_str(connect, "Network", json_key(n));
        json_set(json_set_object(connect, "Body"), "EndpointConfig", e);
    }
    return body;
}

/* Under the name that the file gives it: somebody may have renamed it since. */
static int read_running(struct operation *op, const char *service, const struct container_row *row,
                        struct json *list, struct ship_error *err)
{
    struct runtime *rt = op->s->runtime;
    AUTO(container_done) struct container c = {0};
    if (rt->ops->inspect(rt, row->id, &c, clock_deadline(rt->clock, RUNTIME_READ_MS), err) < 0)
        return -1;
    const char *number = container_label(&c, "com.docker.compose.container-number");
    int64_t n = 1;
    if (number && str_to_i64(number, &n) < 0)
        n = 1;
    struct json *o = json_append_object(list), *connects = json_array();
    json_set_i64(o, "number", n);
    AUTO_FREE char *name = compose_container_name(op->s->compose, service, (int)n);
    json_set_str(o, "name", name);
    json_set(o, "body", body_from_inspect(&c, connects));
    json_set(o, "connects", connects);
    return 0;
}

int spec_from_running(struct operation *op, const char *service, char **ret, struct ship_error *err)
{
    const struct compose_service *svc = compose_service_find(op->s->compose, service);
    AUTO_PTR(json_free) struct json *spec = json_object();
    json_set_i64(spec, "grace_ms", svc ? svc->stop_grace_ms : 10000);
    struct json *list = json_set_array(spec, "replicas");
    for (int number = 1; number <= (svc ? (int)svc->replicas : 1); number++) {
        const struct container_row *row = operation_container(op, service, number);
        if (row && read_running(op, service, row, list, err) < 0)
            return -1;
    }
    *ret = json_print(spec);
    return 0;
}

/* ---- differences ---- */

static const char *env_value(const struct json *env, const char *name, size_t len)
{
    for (const struct json *e = json_first(env); e; e = json_next(e)) {
        const char *text = json_value_str(e);
        if (text && strncmp(text, name, len) == 0 && (text[len] == '=' || text[len] == '\0'))
            return text + len;
    }
    return NULL;
}

void spec_env_diff(const struct json *old_body, const struct json *new_body,
                   void (*each)(void *ctx, const char *name, char change), void *ctx)
{
    const struct json *old_env = json_get(old_body, "Env"), *new_env = json_get(new_body, "Env");
    for (int pass = 0; pass < 2; pass++) {
        const struct json *from = pass == 0 ? new_env : old_env,
                          *other = pass == 0 ? old_env : new_env;
        for (const struct json *e = json_first(from); e; e = json_next(e)) {
            const char *text = json_value_str(e);
            size_t len = text ? strcspn(text, "=") : 0;
            const char *there = text ? env_value(other, text, len) : NULL;
            AUTO_FREE char *name = text ? xstrndup(text, len) : NULL;
            if (name && !there)
                each(ctx, name, pass == 0 ? '+' : '-');
            else if (name && pass == 0 && !str_eq(there, text + len))
                each(ctx, name, '~');
        }
    }
}
