/*
 * Images: see image.h.
 *
 * A pull by tag accepts whatever the registry sends; a pull by digest is
 * verified by the engine. So the tag is resolved once and the digest pulled;
 * the tag is then set locally, which also protects the image from
 * `docker image prune` while it is a rollback target.
 */
#include "deploy/image.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/image_ref.h"
#include "deploy/depend.h"

static char *digest_ref(const struct target *t)
{
    return xasprintf("%s@%s", t->repository, t->digest);
}

/* 0 local, 1 not local, -1 error. */
static int look_local(struct operation *op, const char *ref, struct image *ret,
                      struct ship_error *err)
{
    struct runtime *rt = op->s->runtime;
    struct ship_error e = {0};
    if (rt->ops->image_inspect(rt, ref, ret, clock_deadline(rt->clock, RUNTIME_READ_MS), &e) == 0)
        return 0;
    if (e.code == SHIP_NOT_FOUND)
        return 1;
    *err = e;
    return -1;
}

/* "linux/arm64/v8" fits "linux/arm64", but not "linux/arm". Nothing known fits anything. */
static bool platform_fits(const struct remote_image *r, const char *os, const char *arch)
{
    AUTO_FREE char *want = xasprintf("%s/%s", os, arch);
    for (size_t i = 0; i < r->platforms.n; i++) {
        const char *has = r->platforms.v[i];
        if (!str_starts(has, want))
            continue;
        char after = has[strlen(want)];
        if (after == '\0' || after == '/')
            return true;
    }
    return r->platforms.n == 0;
}

static int check_platform(const struct operation *op, const struct target *t,
                          const struct remote_image *r, struct ship_error *err)
{
    if (t->platform || platform_fits(r, op->engine.os, op->engine.arch))
        return 0;
    ship_fail(err, SHIP_NOT_FOUND, "it is for %s, this engine runs %s/%s", r->platforms.v[0],
              op->engine.os, op->engine.arch);
    return ship_error_hint(err, "build and push the image for %s/%s", op->engine.os,
                           op->engine.arch);
}

static void take_local(struct target *t, const struct image *img)
{
    t->is_local = true;
    free(t->image_id);
    t->image_id = xstrdup(img->id);
    if (!t->digest)
        t->digest = xstrdup_or_null(image_digest_for(img, t->repository));
}

static int resolve_remote(struct operation *op, struct target *t, struct ship_error *err)
{
    struct runtime *rt = op->s->runtime;
    AUTO(remote_image_done) struct remote_image remote = {0};
    int64_t end = clock_earlier(op->deadline_ms, clock_deadline(rt->clock, RUNTIME_CHANGE_MS));
    if (rt->ops->resolve(rt, t->image, &remote, end, err) < 0 ||
        check_platform(op, t, &remote, err) < 0)
        return -1;
    free(t->digest);
    t->digest = xstrdup(remote.digest);
    AUTO_FREE char *ref = digest_ref(t);
    AUTO(image_done) struct image img = {0};
    int rc = look_local(op, ref, &img, err);
    if (rc == 0)
        take_local(t, &img);
    return rc < 0 ? -1 : 0;
}

int image_resolve_target(struct operation *op, struct target *t, struct ship_error *err)
{
    if (op->s->plan->pull == PLAN_PULL_ALWAYS)
        return resolve_remote(op, t, err);
    AUTO(image_done) struct image img = {0};
    int rc = look_local(op, t->image, &img, err);
    if (rc == 0)
        take_local(t, &img);
    if (rc <= 0)
        return rc;
    if (op->s->plan->pull == PLAN_PULL_MISSING)
        return resolve_remote(op, t, err);
    ship_fail(err, SHIP_NOT_FOUND, "it is not on this machine, and the plan says pull: never");
    return ship_error_hint(err, "load it with docker load, or set pull: missing in the plan");
}

/* ---- pull ---- */

void image_order_target(const struct target *t, struct pulls *pulls)
{
    AUTO_FREE char *ref = t->is_local ? NULL : digest_ref(t);
    if (ref)
        pulls_add(pulls, t->service, ref, t->platform);
}

static int keep_tag(struct operation *op, const struct target *t, struct ship_error *err)
{
    struct runtime *rt = op->s->runtime;
    struct image_ref ref;
    if (image_ref_parse(t->image, &ref, err) < 0)
        return -1;
    if (!ref.tag[0])
        return 0; /* deployed by digest: there is no tag to keep */
    AUTO(image_done) struct image now = {0};
    int rc = look_local(op, t->image, &now, err);
    if (rc < 0 || (rc == 0 && str_eq(now.id, t->image_id)))
        return rc < 0 ? -1 : 0;
    return rt->ops->image_tag(rt, t->image_id, t->repository, ref.tag,
                              clock_deadline(rt->clock, RUNTIME_CHANGE_MS), err);
}

static int take_pulled(struct operation *op, struct target *t, struct ship_error *err)
{
    AUTO_FREE char *ref = digest_ref(t);
    AUTO(image_done) struct image img = {0};
    int rc = look_local(op, ref, &img, err);
    if (rc < 0)
        return -1;
    if (rc > 0)
        return ship_fail(err, SHIP_NOT_FOUND, "the engine reported success but has no image '%s'",
                         ref);
    take_local(t, &img);
    return 0;
}

int image_take_target(struct operation *op, struct target *t, struct ship_error *err)
{
    if (!t->is_local && take_pulled(op, t, err) < 0)
        return -1;
    return keep_tag(op, t, err);
}

/* ---- of services that are not deployed ---- */

/* Why an image that is not local must not be pulled, or NULL. */
static const char *never_pulled(const struct operation *op, const struct compose_service *svc)
{
    if (!svc->image)
        return "no registry has it: Compose builds it, and the file names no image";
    if (str_eq(svc->pull_policy, "never"))
        return "the Compose file says pull_policy: never";
    if (str_eq(svc->pull_policy, "build"))
        return "the Compose file says pull_policy: build";
    return op->s->plan->pull == PLAN_PULL_NEVER ? "the plan says pull: never" : NULL;
}

static int not_there(const struct compose_service *svc, const char *why, struct ship_error *err)
{
    ship_fail(err, SHIP_NOT_FOUND, "image '%s' of service '%s' is not on this machine, and %s",
              compose_service_image(svc), svc->name, why);
    return svc->has_build
               ? ship_error_hint(err, "build it with: docker compose build %.150s", svc->name)
               : ship_error_hint(err, "load it with docker load, or let it be pulled");
}

static int order(struct operation *op, const struct compose_service *svc, struct pulls *pulls,
                 struct ship_error *err)
{
    AUTO(image_done) struct image img = {0};
    const char *never = never_pulled(op, svc);
    bool is_always = str_eq(svc->pull_policy, "always") && !never;
    int rc = is_always ? 1 : look_local(op, compose_service_image(svc), &img, err);
    if (rc <= 0)
        return rc;
    if (never)
        return not_there(svc, never, err);
    pulls_add(pulls, svc->name, svc->image, svc->platform);
    return 0;
}

static bool is_to_be_created(const struct operation *op, const struct compose_service *svc)
{
    for (int number = 1; number <= (int)svc->replicas; number++)
        if (!operation_container(op, svc->name, number))
            return true;
    return false;
}

/* Many services of one image are one question. */
static bool is_asked(const struct operation *op, const struct strv *earlier,
                     const struct compose_service *svc)
{
    for (size_t i = 0; i < earlier->n; i++) {
        const struct compose_service *other = compose_service_find(op->s->compose, earlier->v[i]);
        if (str_eq(compose_service_image(other), compose_service_image(svc)) &&
            str_eq(other->pull_policy, svc->pull_policy) && str_eq(other->platform, svc->platform))
            return true;
    }
    return false;
}

int image_order_services(struct operation *op, struct pulls *pulls, struct ship_error *err)
{
    AUTO(strv_done) struct strv services = {0};
    AUTO(strv_done) struct strv asked = {0};
    depend_list(op, op->rollback ? DEPEND_NEEDED : DEPEND_ALL, &services);
    for (size_t i = 0; i < services.n; i++) {
        const struct compose_service *svc = compose_service_find(op->s->compose, services.v[i]);
        if (!is_to_be_created(op, svc) || is_asked(op, &asked, svc))
            continue;
        strv_add(&asked, svc->name);
        if (order(op, svc, pulls, err) < 0)
            return -1;
    }
    return 0;
}

int image_look(struct operation *op, const struct compose_service *svc, struct image *ret,
               struct ship_error *err)
{
    const char *image = compose_service_image(svc);
    int rc = look_local(op, image, ret, err);
    return rc > 0
               ? ship_fail(err, SHIP_NOT_FOUND, "image '%s' is not on this machine any more", image)
               : rc;
}
