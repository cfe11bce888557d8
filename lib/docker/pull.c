/*
 * Pulling an image (contract: image.h).
 *
 * The engine answers with a stream of JSON objects: progress per layer, and errors that come after
 * the status line was already 200. Success is decided by four things together: status 200,
 * complete stream, no error object, and the image being there afterwards.
 */
#include <string.h>

#include "base/alloc.h"
#include "docker/registry.h"
#include "docker/stream.h"

#define LAYERS_MAX     512 /* images have at most 127; more are not counted */
#define LAYER_ID_MAX   16  /* short ids have 12 digits */
#define INSPECT_MS     10000
#define ERROR_TEXT_MAX 4096

/* A layer counts twice: its bytes come over the network, then they are unpacked. */
struct layer {
    char id[LAYER_ID_MAX];
    uint64_t total, downloaded, extracted;
};

struct pull {
    const struct image_pull_spec *spec;
    struct json_stream stream;
    struct layer *layers;
    size_t n, cap;
    uint64_t shown; /* largest `done` reported: it must not go back */
    char *error;    /* text of the first error object */
};

static struct layer *layer_of(struct pull *p, const char *id)
{
    for (size_t i = 0; i < p->n; i++)
        if (str_eq(p->layers[i].id, id))
            return &p->layers[i];
    if (p->n == LAYERS_MAX || strlen(id) >= LAYER_ID_MAX)
        return NULL;
    ARRAY_GROW(p->layers, p->n, p->cap);
    p->layers[p->n] = (struct layer){0};
    memcpy(p->layers[p->n].id, id, strlen(id) + 1);
    return &p->layers[p->n++];
}

static uint64_t bytes_of(const struct json *object, const char *dotted)
{
    int64_t v = json_i64(object, dotted, 0);

    return v > 0 ? (uint64_t)v : 0;
}

/* Follow one layer. False when the object changes no figure. */
static bool count(struct layer *l, const char *status, uint64_t current, uint64_t total)
{
    if (total > l->total)
        l->total = total;
    if (str_eq(status, "Downloading") && current > l->downloaded)
        l->downloaded = current;
    else if (str_eq(status, "Extracting") && current > l->extracted)
        l->extracted = current;
    else if (str_eq(status, "Verifying Checksum") || str_eq(status, "Download complete"))
        l->downloaded = l->total;
    else if (str_eq(status, "Pull complete"))
        l->downloaded = l->extracted = l->total;
    else
        return false;
    return true;
}

static uint64_t at_most(uint64_t v, uint64_t limit)
{
    return v < limit ? v : limit;
}

static void report(struct pull *p, const char *status)
{
    uint64_t done = 0, total = 0;

    for (size_t i = 0; i < p->n; i++) {
        const struct layer *l = &p->layers[i];
        total += l->total;
        done += (at_most(l->downloaded, l->total) + at_most(l->extracted, l->total)) / 2;
    }
    if (done > p->shown)
        p->shown = done;
    p->spec->progress(p->spec->ctx, at_most(p->shown, total), total, status);
}

static int take_object(void *ctx, const struct json *object)
{
    struct pull *p = ctx;
    const char *error = json_str(object, "errorDetail.message");
    const char *status = json_str(object, "status");
    const char *id = json_str(object, "id");

    if (error == NULL)
        error = json_str(object, "error");
    if (error == NULL && json_is_object(json_get(object, "errorDetail")))
        error = "error without a text";
    if (error && p->error == NULL)
        p->error = xstrndup(error, strnlen(error, ERROR_TEXT_MAX));
    if (status == NULL || id == NULL || p->spec->progress == NULL)
        return 0;
    struct layer *l = layer_of(p, id);
    if (l && count(l, status, bytes_of(object, "progressDetail.current"),
                   bytes_of(object, "progressDetail.total")))
        report(p, status);
    return 0;
}

static int feed(void *ctx, const char *bytes, size_t len)
{
    struct pull *p = ctx;

    return json_stream_feed(&p->stream, bytes, len);
}

static void pull_done(struct pull *p)
{
    json_stream_done(&p->stream);
    free(p->layers);
    free(p->error);
}

/* Always with a tag or digest: without one the engine pulls every tag of the repository. */
static void build_path(const struct image_ref *ref, const char *platform, struct buf *path)
{
    (void)buf_adds(path, "/images/create");
    docker_query(path, "fromImage", ref->repository);
    docker_query(path, "tag", ref->digest[0] ? ref->digest : ref->tag[0] ? ref->tag : "latest");
    if (!str_empty(platform))
        docker_query(path, "platform", platform);
}

static int judge(const struct pull *p, const struct docker_call *call, const struct image_ref *ref,
                 const struct registry_auth *auth, const struct docker_answer *answer,
                 struct ship_error *err)
{
    if (answer->status != 200)
        return registry_fail(call->action, ref, auth, answer->status, answer->body.p, err);
    if (p->error)
        return registry_fail(call->action, ref, auth, 0, p->error, err);
    if (!json_stream_complete(&p->stream))
        return ship_fail(err, SHIP_ENGINE, "cannot %s: the stream of the engine is damaged",
                         call->action);
    return 0;
}

/* The last word: a stream without an error has been seen for an image that was not there. */
static int prove(struct docker_client *c, const struct image_ref *ref, struct ship_error *err)
{
    AUTO(image_done) struct image image = {0};
    AUTO_FREE char *name =
        ref->digest[0] ? xasprintf("%s@%s", ref->repository, ref->digest)
                       : xasprintf("%s:%s", ref->repository, ref->tag[0] ? ref->tag : "latest");

    if (image_inspect(c, name, &image, clock_deadline(docker_clock(c), INSPECT_MS), err) == 0)
        return 0;
    return ship_error_wrap(err, "pulled image '%s' without an error, yet it is not there", name);
}

int image_pull(struct docker_client *c, const struct image_pull_spec *spec, struct ship_error *err)
{
    struct image_ref ref;
    AUTO(docker_answer_done) struct docker_answer answer = {0};
    AUTO(pull_done) struct pull p = {.spec = spec};
    AUTO(buf_done) struct buf path = BUF_INIT(DOCKER_PATH_MAX);
    AUTO_FREE char *action = xasprintf("pull image '%s'", spec->ref);
    struct registry_auth auth;

    json_stream_init(&p.stream, take_object, &p);
    if (image_ref_parse(spec->ref, &ref, err) != 0 ||
        docker_auth_find(docker_client_auth(c), ref.registry, spec->deadline_ms, &auth, err) != 0)
        return -1;
    build_path(&ref, spec->platform, &path);
    struct docker_call call = {.method = "POST",
                               .path = path.p,
                               .action = action,
                               .registry_auth = auth.header,
                               .idle_ms = spec->idle_ms,
                               .deadline_ms = spec->deadline_ms,
                               .flags = DOCKER_INTERRUPTIBLE | DOCKER_REPEATABLE,
                               .on_body = feed,
                               .ctx = &p};
    if (docker_send(c, &call, &answer, err) != 0)
        return -1;
    redact_own(docker_redact(c), &p.error);
    if (judge(&p, &call, &ref, &auth, &answer, err) != 0)
        return -1;
    return prove(c, &ref, err);
}
