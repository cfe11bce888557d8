/*
 * Container logs (contract: logs.h).
 *
 * Whether the stream is framed depends on the container having a terminal; only engines since API
 * 1.42 say so in the content type, so the container is asked: one cheap call, right everywhere.
 */
#include "docker/logs.h"

#include <string.h>

#include "base/alloc.h"
#include "docker/container.h"

char *logs_since(const char *text)
{
    int64_t ms;
    double seconds;

    if (str_to_double(text, &seconds) == 0)
        return xstrdup(text);
    if (str_to_time_ms(text, &ms) != 0)
        return NULL;
    /* The fraction is copied as text: milliseconds would let the line before slip in. */
    const char *dot = strchr(text, '.');
    size_t digits = dot ? strspn(dot + 1, "0123456789") : 0;
    return xasprintf("%lld.%.*s", (long long)(ms / 1000), (int)(digits ? digits : 1),
                     digits ? dot + 1 : "0");
}

static int is_terminal(struct docker_client *c, const char *id, int64_t deadline_ms, bool *ret,
                       struct ship_error *err)
{
    AUTO(container_done) struct container found = {0};

    if (container_inspect(c, id, &found, deadline_ms, err) != 0)
        return -1;
    *ret = json_bool(found.doc, "Config.Tty", false);
    return 0;
}

static int add_query(struct buf *path, const struct logs_query *q, struct ship_error *err)
{
    (void)buf_adds(path, "?stdout=1&stderr=1");
    if (q->since) {
        AUTO_FREE char *since = logs_since(q->since);
        if (since == NULL)
            return ship_fail(err, SHIP_INVALID, "'%s' is no time for a log", q->since);
        docker_query(path, "since", since);
    }
    if (q->tail >= 0)
        (void)buf_addf(path, "&tail=%lld", (long long)q->tail);
    if (q->timestamps)
        (void)buf_adds(path, "&timestamps=1");
    if (q->follow)
        (void)buf_adds(path, "&follow=1");
    return 0;
}

static int feed(void *ctx, const char *p, size_t len)
{
    return log_frames_feed(ctx, p, len);
}

/* A deadline ends a followed log in an orderly way. */
static int judge(const struct log_frames *frames, const struct docker_call *call, bool complete,
                 struct ship_error *err)
{
    if (frames->bad || (complete && !log_frames_complete(frames)))
        return ship_fail(err, SHIP_ENGINE, "cannot %s: the stream of the engine is damaged",
                         call->action);
    return 0;
}

/* NOLINTNEXTLINE(readability-function-size): the signature of the runtime table */
int container_logs(struct docker_client *c, const char *id, const struct logs_query *query,
                   frame_sink sink, void *ctx, int64_t deadline_ms, struct ship_error *err)
{
    AUTO_FREE char *base = docker_path("/containers/", id, "/logs");
    AUTO_FREE char *action = xasprintf("read the log of container '%s'", id);
    AUTO(buf_done) struct buf path = BUF_INIT(DOCKER_PATH_MAX);
    AUTO(docker_answer_done) struct docker_answer answer = {0};
    struct log_frames frames;
    bool terminal = false;
    struct docker_call call = {.method = "GET",
                               .action = action,
                               .deadline_ms = deadline_ms,
                               .flags = DOCKER_INTERRUPTIBLE,
                               .on_body = feed,
                               .ctx = &frames};

    (void)buf_adds(&path, base);
    if (add_query(&path, query, err) != 0 || is_terminal(c, id, deadline_ms, &terminal, err) != 0)
        return -1;
    log_frames_init(&frames, terminal, sink, ctx);
    call.path = path.p;
    if (docker_send(c, &call, &answer, err) != 0) {
        if (err->code != SHIP_TIMEOUT || !query->follow)
            return -1;
        *err = (struct ship_error){0};
        return judge(&frames, &call, false, err);
    }
    if (docker_check(&call, &answer, err) != 0)
        return -1;
    return judge(&frames, &call, !answer.cut, err);
}
