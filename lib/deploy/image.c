/*
 * Images of targets: see image.h.
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

struct progress {
    struct operation *op;
    const char *service;
};

static void show_progress(void *ctx, const struct pull_progress *p)
{
    const struct progress *pr = ctx;
    struct ship_event e = {.kind = SHIP_EVENT_STEP_PROGRESS,
                           .unit = SHIP_UNIT_BYTES,
                           .step = operation_step(pr->op),
                           .service = pr->service,
                           .done = p->done_bytes,
                           .total = p->total_bytes,
                           .text = p->status ? p->status : ""};
    ship_emit(pr->op->s->opt.events, &e);
}

static int pull(struct operation *op, const char *service, const char *ref, const char *platform,
                struct ship_error *err)
{
    struct runtime *rt = op->s->runtime;
    struct progress progress = {op, service};
    int64_t end =
        clock_earlier(op->deadline_ms, clock_deadline(rt->clock, op->s->plan->timeouts.pull_ms));
    return rt->ops->pull(rt, ref, platform, show_progress, &progress, RUNTIME_PULL_IDLE_MS, end,
                         err);
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

int image_make_local(struct operation *op, struct target *t, struct ship_error *err)
{
    if (!t->is_local) {
        AUTO_FREE char *ref = digest_ref(t);
        AUTO(image_done) struct image img = {0};
        if (pull(op, t->service, ref, t->platform, err) < 0)
            return -1;
        int rc = look_local(op, ref, &img, err);
        if (rc < 0)
            return -1;
        if (rc > 0)
            return ship_fail(err, SHIP_NOT_FOUND,
                             "the engine reported success but has no image '%s'", ref);
        take_local(t, &img);
    }
    return keep_tag(op, t, err);
}

int image_ensure(struct operation *op, const char *ref, const char *platform, struct image *ret,
                 struct ship_error *err)
{
    int rc = look_local(op, ref, ret, err);
    if (rc <= 0)
        return rc;
    if (pull(op, NULL, ref, platform, err) < 0)
        return ship_error_wrap(err, "image '%s'", ref);
    rc = look_local(op, ref, ret, err);
    return rc > 0 ? ship_fail(err, SHIP_NOT_FOUND, "image '%s' is not there after the pull", ref)
                  : rc;
}
