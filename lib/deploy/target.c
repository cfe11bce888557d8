/*
 * Targets of a deployment: see target.h.
 *
 * The version enters the compose model in one of two ways, the same two `pin`
 * writes back later: the variable that is the whole tag (the files are loaded
 * again with it, so every other use of the variable follows), or the literal
 * image text. What can go wrong: a service whose tag mixes text and variables.
 */
#include "deploy/target.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/image_ref.h"

static int list_from_plan(struct ship_session *s, struct strv *ret, struct ship_error *err)
{
    for (size_t i = 0; i < s->plan->n_services; i++) {
        const struct plan_service *ps = &s->plan->services[i];
        const char *want = ps->image ? ps->image : s->plan->image;
        struct compose_version v;
        if (!compose_service_find(s->compose, ps->name)) {
            ship_fail(err, SHIP_INVALID,
                      "the plan deploys service '%s', but no active compose service has that name",
                      ps->name);
            return ship_error_hint(err, "see the names: docker compose config --services");
        }
        if (compose_service_version(s->compose, ps->name, &v, err) < 0)
            return -1;
        if (want && !image_repository_same(want, v.repository))
            return ship_fail(err, SHIP_INVALID,
                             "service '%s' runs image '%s', but the plan says '%s'", ps->name,
                             v.repository, want);
        strv_add(ret, ps->name);
    }
    return 0;
}

int targets_list(struct ship_session *s, struct strv *ret_services, struct ship_error *err)
{
    if (s->plan->n_services)
        return list_from_plan(s, ret_services, err);
    for (size_t i = 0; i < compose_services(s->compose); i++) {
        const struct compose_service *svc = compose_service_at(s->compose, i);
        struct compose_version v;
        struct ship_error ignored = {0};
        if (svc->image && compose_service_version(s->compose, svc->name, &v, &ignored) == 0 &&
            image_repository_same(s->plan->image, v.repository))
            strv_add(ret_services, svc->name);
    }
    if (ret_services->n)
        return 0;
    ship_fail(err, SHIP_INVALID, "no active compose service uses the image '%s' of the plan",
              s->plan->image);
    return ship_error_hint(err, "set `image` in '%s' to the repository of your app, without a tag",
                           s->plan->path);
}

static int check_version_word(const char *version, struct ship_error *err)
{
    if (image_tag_valid(version) || image_digest_valid(version))
        return 0;
    ship_fail(err, SHIP_USAGE, "'%s' is neither a tag nor a digest", version);
    return ship_error_hint(err, "a tag looks like v1.0.1, a digest like sha256:<64 hex digits>");
}

/* Where the version goes: an override of the variable, or (later) the literal text. */
static int place_version(struct operation *op, const char *service, struct strv *literals,
                         struct ship_error *err)
{
    struct compose_version v;
    if (compose_service_version(op->s->compose, service, &v, err) < 0)
        return -1;
    bool digest = image_digest_valid(op->wanted);
    if (v.kind == COMPOSE_VERSION_VARIABLE && !digest) {
        strv_take(&op->overrides, xasprintf("%s=%s", v.variable, op->wanted));
        return 0;
    }
    if (v.kind == COMPOSE_VERSION_COMPLEX) {
        const struct compose_service *svc = compose_service_find(op->s->compose, service);
        ship_fail(err, SHIP_INVALID,
                  "the image '%s' of service '%s' mixes text and variables in its tag",
                  svc && svc->image_raw ? svc->image_raw : "", service);
        return ship_error_hint(err, "write the tag as one variable: image: %.100s:${VERSION}",
                               v.repository);
    }
    strv_add(literals, service);
    strv_take(literals, xasprintf("%s%s%s", v.repository, digest ? "@" : ":", op->wanted));
    return 0;
}

static int load_with_version(struct operation *op, const struct strv *services,
                             struct ship_error *err)
{
    AUTO(strv_done) struct strv literals = {0};
    for (size_t i = 0; i < services->n; i++)
        if (place_version(op, services->v[i], &literals, err) < 0)
            return -1;
    if (op->overrides.n && session_need_compose(op->s, &op->overrides, err) < 0)
        return -1;
    for (size_t i = 0; i + 1 < literals.n; i += 2)
        if (compose_set_image(op->s->compose, literals.v[i], literals.v[i + 1], err) < 0)
            return -1;
    return 0;
}

static int add_target(struct operation *op, const char *service, struct ship_error *err)
{
    const struct compose_service *svc = compose_service_find(op->s->compose, service);
    struct compose_version v;
    if (compose_service_version(op->s->compose, service, &v, err) < 0)
        return -1;
    op->targets = xreallocarray(op->targets, op->n_targets + 1, sizeof *op->targets);
    op->targets[op->n_targets++] = (struct target){.service = xstrdup(service),
                                                   .image = xstrdup(svc->image),
                                                   .repository = xstrdup(v.repository),
                                                   .version = xstrdup(op->wanted),
                                                   .digest = v.digest[0] ? xstrdup(v.digest) : NULL,
                                                   .platform = xstrdup_or_null(svc->platform)};
    return 0;
}

/* Dependency order: the model's, whatever order the plan names them in. */
static int add_targets(struct operation *op, const struct strv *services, struct ship_error *err)
{
    for (size_t i = 0; i < compose_services(op->s->compose); i++) {
        const char *name = compose_service_at(op->s->compose, i)->name;
        if (strv_has(services, name) && add_target(op, name, err) < 0)
            return -1;
    }
    return 0;
}

int targets_from_plan(struct operation *op, struct ship_error *err)
{
    AUTO(strv_done) struct strv services = {0};
    if (check_version_word(op->wanted, err) < 0 || session_need_compose(op->s, NULL, err) < 0 ||
        targets_list(op->s, &services, err) < 0 || load_with_version(op, &services, err) < 0)
        return -1;
    op->res->to.version = xstrdup(op->wanted);
    return add_targets(op, &services, err);
}

/* ---- what runs now ---- */

static char *tag_of(const char *image)
{
    struct image_ref ref;
    struct ship_error ignored = {0};
    if (image_ref_parse(image, &ref, &ignored) < 0 || (!ref.tag[0] && !ref.digest[0]))
        return NULL;
    return xstrdup(ref.tag[0] ? ref.tag : ref.digest);
}

int targets_observe_old(struct operation *op, struct ship_error *err)
{
    struct runtime *rt = op->s->runtime;
    for (size_t i = 0; i < op->n_targets; i++) {
        struct target *t = &op->targets[i];
        const struct container_row *c = operation_container(op, t->service, 0);
        if (!c)
            continue;
        AUTO(image_done) struct image img = {0};
        struct ship_error e = {0};
        const char *label = container_row_label(c, LABEL_VERSION);
        t->old_version = label ? xstrdup(label) : tag_of(c->image);
        int64_t end = clock_deadline(rt->clock, RUNTIME_READ_MS);
        if (rt->ops->image_inspect(rt, c->image_id, &img, end, &e) == 0)
            t->old_digest = xstrdup_or_null(image_digest_for(&img, t->repository));
        else if (e.code != SHIP_NOT_FOUND)
            return ship_fail(err, e.code, "%s", e.msg);
        if (!op->res->from.version) {
            op->res->from.version = xstrdup_or_null(t->old_version);
            op->res->from.digest = xstrdup_or_null(t->old_digest);
        }
    }
    return 0;
}

void targets_set_peers(struct operation *op)
{
    size_t n = compose_services(op->s->compose);
    free(op->peers);
    op->peers = xcalloc(n + 1, sizeof *op->peers);
    op->n_peers = 0;
    for (size_t i = 0; i < n; i++) {
        const char *service = compose_service_at(op->s->compose, i)->name;
        const struct container_row *c = operation_container(op, service, 0);
        if (c)
            op->peers[op->n_peers++] = (struct compose_peer){service, c->id, c->name, false};
    }
}

int target_is_current(struct operation *op, const struct target *t, int number, bool *ret,
                      struct ship_error *err)
{
    const struct container_row *c = operation_container(op, t->service, number);
    const struct compose_hash_with with = {op->family, op->peers, op->n_peers};
    char hash[SHA256_HEX_SIZE];
    if (compose_config_hash(op->s->compose, t->service, &with, hash, err) < 0)
        return -1;
    *ret = c && c->state == CONTAINER_RUNNING && str_eq(c->image_id, t->image_id) &&
           str_eq(container_row_label(c, "com.docker.compose.config-hash"), hash);
    return 0;
}

int target_is_unchanged(struct operation *op, const struct target *t, bool *ret,
                        struct ship_error *err)
{
    const struct compose_service *svc = compose_service_find(op->s->compose, t->service);
    bool unchanged = true;
    for (int number = 1; unchanged && number <= (int)svc->replicas; number++)
        if (target_is_current(op, t, number, &unchanged, err) < 0)
            return -1;
    *ret = unchanged;
    return 0;
}

/* A half-finished name to repair, or a replica too many. */
static bool is_untidy(const struct operation *op, const struct container_row *c)
{
    const struct compose_service *svc = operation_deployed(op, c);
    return operation_is_stranded(op, c) || (svc && operation_is_surplus(op, c, svc->replicas));
}

bool targets_are_settled(const struct operation *op)
{
    for (size_t i = 0; i < op->n_targets; i++)
        if (op->force || !op->targets[i].unchanged)
            return false;
    /* Somebody else brought it up: it is to be proven and recorded, though nothing is replaced. */
    if (op->previous.id && !str_eq(op->previous.to_version, op->wanted))
        return false;
    for (size_t i = 0; i < op->containers.n; i++)
        if (is_untidy(op, &op->containers.rows[i]))
            return false;
    return true;
}
