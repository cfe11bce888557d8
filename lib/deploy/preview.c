/*
 * Step "preview" of a dry run: what would be done, in order, and what would
 * differ. Reads only. Values of variables never leave the library: names and
 * the kind of change. What can go wrong: the compose model can not be mapped
 * (10), the engine does not answer (11); a new image that is not local yet
 * hides which of its variables the file repeats.
 */
#include "deploy/preview.h"

#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "base/alloc.h"
#include "deploy/rollback_target.h"
#include "deploy/spec.h"
#include "deploy/steps.h"
#include "deploy/target.h"

static int64_t read_deadline(const struct operation *op)
{
    return clock_deadline(op->s->runtime->clock, RUNTIME_READ_MS);
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

STEP_APPLY(step_preview)
{
    struct ship_preview *p = op->res->preview = xcalloc(1, sizeof *p);
    p->has_changes = op->rollback_to ? !rollback_target_is_current(op) : !targets_are_settled(op);
    look_at_disk(op);
    list_images(op);
    if (!p->has_changes) {
        (void)snprintf(note, STEP_NOTE_MAX, "nothing to change");
        return STEP_OK;
    }
    for (size_t i = 0; i < op->n_targets; i++)
        if ((op->force || !op->targets[i].unchanged) && diff_env(op, &op->targets[i], err) < 0)
            return -1;
    if (preview_list_actions(op, err) < 0)
        return -1;
    (void)snprintf(note, STEP_NOTE_MAX, "%zu actions", p->n_actions);
    return STEP_OK;
}
