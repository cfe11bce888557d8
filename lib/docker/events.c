/*
 * Event subscription (contract: events.h).
 *
 * Events of other containers than those asked for stay in a short queue: the caller may ask for
 * them next. Each event carries nanoseconds, by which a reopened stream goes on where the lost one
 * ended.
 */
#include "docker/events.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "docker/stream.h"

#define ACTION        "watch the engine's events"
#define ID_PREFIX_MIN 12
#define OPEN_MS       10000 /* to negotiate the API version when this is the first call */
#define TIME_GRAIN_NS 256   /* JSON numbers hold a time in nanoseconds no finer than this */

struct docker_events {
    struct docker_client *client;
    struct transfer *transfer;
    struct transfer_request request; /* lives as long as the stream */
    char *url;
    bool open;
    struct json_stream stream;
    struct buf refusal; /* body of an answer that is not 200 */
    struct engine_event queue[EVENTS_KEPT_MAX];
    size_t n;
    int64_t last_ns;   /* of the newest event seen */
    int64_t resume_ns; /* a reopened stream repeats events up to here */
};

int engine_event_decode(const struct json *object, struct engine_event *ret)
{
    const char *id = json_str(object, "Actor.ID");
    const char *action = json_str(object, "Action");
    int64_t ns = json_i64(object, "timeNano", 0);
    struct engine_event e = {0};

    if (str_empty(id))
        id = json_str(object, "id"); /* dropped in API 1.52, the only one in very old engines */
    if (str_empty(action))
        action = json_str(object, "status");
    if (str_empty(id) || str_empty(action) ||
        !str_eq(json_str_or(object, "Type", "container"), "container"))
        return -1;
    (void)snprintf(e.action, sizeof e.action, "%s", action);
    (void)snprintf(e.container_id, sizeof e.container_id, "%s", id);
    e.time_ms = ns > 0 ? ns / 1000000 : json_i64(object, "time", 0) * 1000;
    *ret = e;
    return 0;
}

static void drop(struct docker_events *e, size_t i)
{
    memmove(&e->queue[i], &e->queue[i + 1], (e->n - i - 1) * sizeof e->queue[0]);
    e->n--;
}

static int take_event(void *ctx, const struct json *object)
{
    struct docker_events *e = ctx;
    int64_t ns = json_i64(object, "timeNano", 0);
    struct engine_event event;

    if (engine_event_decode(object, &event) != 0 || (ns > 0 && ns <= e->resume_ns))
        return 0;
    if (e->n == EVENTS_KEPT_MAX)
        drop(e, 0);
    e->queue[e->n++] = event;
    if (ns > e->last_ns)
        e->last_ns = ns;
    transfer_yield(e->transfer);
    return 0;
}

static int on_body(void *ctx, const char *p, size_t len)
{
    struct docker_events *e = ctx;

    if (transfer_status(e->transfer) == 200)
        return json_stream_feed(&e->stream, p, len);
    (void)buf_add(&e->refusal, p, len);
    return 0;
}

struct docker_events *docker_events_new(struct docker_client *c)
{
    struct docker_events *e = xcalloc(1, sizeof *e);

    e->client = c;
    e->transfer = transfer_new(docker_clock(c));
    json_stream_init(&e->stream, take_event, e);
    buf_init(&e->refusal, DOCKER_ERROR_MAX);
    return e;
}

void docker_events_free(struct docker_events *e)
{
    if (e == NULL)
        return;
    transfer_free(e->transfer);
    json_stream_done(&e->stream);
    buf_done(&e->refusal);
    free(e->url);
    free(e);
}

/* ---- the stream ---- */

/* "seconds.nanoseconds" of what was seen last, or the last change this client made, or now. */
static void format_since(const struct docker_events *e, char *out, size_t size)
{
    int64_t change_ms = docker_last_change_ms(e->client);
    int64_t ms = change_ms > 0 ? change_ms : clock_epoch_ms(docker_clock(e->client));
    int64_t ns = e->last_ns > 0 ? e->last_ns - TIME_GRAIN_NS : ms * 1000000;

    (void)snprintf(out, size, "%lld.%09lld", (long long)(ns / 1000000000),
                   (long long)(ns % 1000000000));
}

static int open_stream(struct docker_events *e, struct ship_error *err)
{
    static const char filters[] =
        "{\"type\":[\"container\"],"
        "\"event\":[\"die\",\"oom\",\"stop\",\"start\",\"health_status\"]}";
    struct buf path = BUF_INIT(DOCKER_PATH_MAX);
    char since[48];

    if (docker_negotiate(e->client, clock_deadline(docker_clock(e->client), OPEN_MS), err) != 0)
        return -1;
    format_since(e, since, sizeof since);
    (void)buf_adds(&path, "/events");
    docker_query(&path, "since", since);
    docker_query(&path, "filters", filters);
    free(e->url);
    e->url = docker_url(e->client, path.p);
    buf_done(&path);
    json_stream_done(&e->stream);
    json_stream_init(&e->stream, take_event, e);
    buf_reset(&e->refusal);
    e->resume_ns = e->last_ns;
    e->request = (struct transfer_request){
        .method = "GET",
        .url = e->url,
        .unix_path = docker_socket(e->client),
        .deadline_ms = CLOCK_NEVER,
        .flags = TRANSFER_INTERRUPTIBLE,
        .on_body = on_body,
        .ctx = e,
    };
    transfer_begin(e->transfer, &e->request);
    e->open = true;
    return 0;
}

/* The stream ended, which it should not. */
static int fail_ended(struct docker_events *e, const struct transfer_result *r,
                      struct ship_error *err)
{
    if (r->fault == TRANSFER_OK && r->status != 200) {
        struct docker_answer answer = {.status = r->status, .body = e->refusal};
        struct docker_call call = {.action = ACTION};
        if (docker_check(&call, &answer, err) != 0)
            return -1;
    }
    if (e->stream.fault != JSON_STREAM_OK)
        return ship_fail(err, SHIP_ENGINE, "cannot " ACTION ": the stream is damaged");
    return docker_transfer_error(e->client, ACTION, r, err);
}

static bool is_asked(const struct engine_event *event, const char *const *ids, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strlen(ids[i]) >= ID_PREFIX_MIN && str_starts(event->container_id, ids[i]))
            return true;
    return false;
}

static bool pick(struct docker_events *e, const char *const *ids, size_t n,
                 struct engine_event *ret)
{
    for (size_t i = 0; i < e->n; i++)
        if (is_asked(&e->queue[i], ids, n)) {
            *ret = e->queue[i];
            drop(e, i);
            return true;
        }
    return false;
}

/* Work on the stream until something was queued or until_ms. -1 = it cannot be kept open. */
static int pump(struct docker_events *e, int64_t until_ms, bool *reopened, struct ship_error *err)
{
    struct transfer_result r;

    if (!e->open && open_stream(e, err) != 0)
        return -1;
    if (!transfer_step(e->transfer, until_ms, &r))
        return 0;
    e->open = false;
    if (r.fault == TRANSFER_STOPPED || *reopened || (r.status != 0 && r.status != 200))
        return fail_ended(e, &r, err);
    *reopened = true;
    return 0;
}

int docker_events_wait(struct docker_events *e, const char *const *ids, size_t n,
                       struct engine_event *ret, int64_t deadline_ms, struct ship_error *err)
{
    bool reopened = false;

    transfer_use_clock(e->transfer, docker_clock(e->client));
    while (!pick(e, ids, n, ret)) {
        size_t had = e->n;
        if (pump(e, deadline_ms, &reopened, err) != 0)
            return -1;
        if (e->n == had && clock_now_ms(docker_clock(e->client)) >= deadline_ms)
            return pick(e, ids, n, ret) ? 0 : 1;
    }
    return 0;
}
