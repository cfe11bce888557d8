/*
 * Exec (contract: exec.h).
 *
 * The output is framed (no terminal) and ends with the connection. Its head and its tail are kept,
 * so a command that prints without end costs no memory.
 */
#include "docker/exec.h"

#include <string.h>

#include "base/alloc.h"
#include "base/redact.h"
#include "docker/stream.h"

#define INSPECT_MS       10000 /* asking for the exit code, also when the time is up */
#define INSPECT_PAUSE_MS 20

/* Output so far: head full first, then the tail slides. */
struct output {
    struct buf head, tail;
    uint64_t dropped;
    struct redact_stream streams[2]; /* stdout, stderr: filtered before anything is cut */
    struct log_frames frames;
};

static void keep(void *ctx, const char *p, size_t len)
{
    struct output *o = ctx;
    size_t room = o->head.max - o->head.len;
    size_t n = len < room ? len : room;

    if (n > 0)
        (void)buf_add(&o->head, p, n);
    p += n;
    len -= n;
    if (len > EXEC_TAIL_MAX) {
        o->dropped += len - EXEC_TAIL_MAX;
        p += len - EXEC_TAIL_MAX;
        len = EXEC_TAIL_MAX;
    }
    if (len > 0)
        (void)buf_add(&o->tail, p, len);
    if (o->tail.len > EXEC_TAIL_MAX) {
        o->dropped += o->tail.len - EXEC_TAIL_MAX;
        buf_consume(&o->tail, o->tail.len - EXEC_TAIL_MAX);
    }
}

static int filter(void *ctx, int is_stderr, const char *p, size_t len)
{
    struct output *o = ctx;

    redact_stream_add(&o->streams[is_stderr ? 1 : 0], p, len);
    return 0;
}

static int feed(void *ctx, const char *p, size_t len)
{
    struct output *o = ctx;

    return log_frames_feed(&o->frames, p, len);
}

static void output_init(struct output *o, struct redact *redact)
{
    *o = (struct output){0};
    buf_init(&o->head, EXEC_HEAD_MAX);
    buf_init(&o->tail, 2 * EXEC_TAIL_MAX);
    for (size_t i = 0; i < ARRAY_LEN(o->streams); i++)
        redact_stream_init(&o->streams[i], redact, keep, o);
    log_frames_init(&o->frames, false, filter, o);
}

static void output_done(struct output *o)
{
    for (size_t i = 0; i < ARRAY_LEN(o->streams); i++)
        redact_stream_finish(&o->streams[i]);
    buf_done(&o->head);
    buf_done(&o->tail);
}

static void output_join(struct output *o, struct buf *ret)
{
    for (size_t i = 0; i < ARRAY_LEN(o->streams); i++)
        redact_stream_finish(&o->streams[i]);
    buf_init(ret, EXEC_HEAD_MAX + EXEC_TAIL_MAX + 64);
    (void)buf_add(ret, o->head.p, o->head.len);
    if (o->dropped > 0)
        (void)buf_addf(ret, "\n[... %llu bytes left out ...]\n", (unsigned long long)o->dropped);
    (void)buf_add(ret, o->tail.p, o->tail.len);
}

void exec_result_done(struct exec_result *r)
{
    buf_done(&r->out);
    *r = (struct exec_result){0};
}

static void append_all(struct json *array, const char *const *v)
{
    for (; v && *v; v++)
        json_append_str(array, *v);
}

static int create(struct docker_client *c, const char *id, const struct exec_spec *spec,
                  char **ret_exec, int64_t deadline_ms, struct ship_error *err)
{
    AUTO_FREE char *path = docker_path("/containers/", id, "/exec");
    AUTO_FREE char *action = xasprintf("run '%s' in container '%s'", spec->argv[0], id);
    AUTO_PTR(json_free) struct json *body = json_object();
    AUTO_PTR(json_free) struct json *doc = NULL;
    struct docker_call call = {
        .method = "POST", .path = path, .action = action, .json = body, .deadline_ms = deadline_ms};

    json_set_bool(body, "AttachStdout", true);
    json_set_bool(body, "AttachStderr", true);
    append_all(json_set_array(body, "Cmd"), spec->argv);
    if (spec->envp)
        append_all(json_set_array(body, "Env"), spec->envp);
    if (spec->user)
        json_set_str(body, "User", spec->user);
    if (docker_call_json(c, &call, &doc, err) != 0)
        return -1;
    const char *exec = json_str(doc, "Id");
    if (str_empty(exec))
        return ship_fail(err, SHIP_ENGINE, "cannot %s: the engine answered without an id", action);
    *ret_exec = xstrdup(exec);
    return 0;
}

static int start(struct docker_client *c, const char *exec, const char *action, struct output *o,
                 int64_t deadline_ms, struct ship_error *err)
{
    AUTO_FREE char *path = docker_path("/exec/", exec, "/start");
    AUTO_PTR(json_free) struct json *body = json_object();
    AUTO(docker_answer_done) struct docker_answer answer = {0};
    struct docker_call call = {.method = "POST",
                               .path = path,
                               .action = action,
                               .json = body,
                               .deadline_ms = deadline_ms,
                               .on_body = feed,
                               .ctx = o};

    json_set_bool(body, "Detach", false);
    json_set_bool(body, "Tty", false);
    if (docker_send(c, &call, &answer, err) != 0 || docker_check(&call, &answer, err) != 0)
        return -1;
    if (o->frames.bad)
        return ship_fail(err, SHIP_ENGINE, "cannot %s: the stream of the engine is damaged",
                         action);
    return 0;
}

static int inspect(struct docker_client *c, const char *exec, const char *action, struct json **ret,
                   struct ship_error *err)
{
    AUTO_FREE char *path = docker_path("/exec/", exec, "/json");
    struct docker_call call = {.method = "GET",
                               .path = path,
                               .action = action,
                               .deadline_ms = clock_deadline(docker_clock(c), INSPECT_MS)};

    return docker_call_json(c, &call, ret, err);
}

/* A process may close its output and go on: ask until it has ended or the deadline passed. */
static int exit_code(struct docker_client *c, const char *exec, const char *action,
                     int64_t deadline_ms, struct exec_result *r, struct ship_error *err)
{
    const struct clock *clock = docker_clock(c);

    for (;;) {
        AUTO_PTR(json_free) struct json *doc = NULL;
        if (inspect(c, exec, action, &doc, err) != 0)
            return -1;
        if (!json_bool(doc, "Running", false) && json_is_number(json_get(doc, "ExitCode"))) {
            r->exit_code = (int)json_i64(doc, "ExitCode", -1);
            return 0;
        }
        if (clock_now_ms(clock) >= deadline_ms) {
            r->timed_out = true;
            return 0;
        }
        clock->sleep_ms(clock, INSPECT_PAUSE_MS);
    }
}

int container_exec(struct docker_client *c, const char *id, const struct exec_spec *spec,
                   struct exec_result *ret, int64_t deadline_ms, struct ship_error *err)
{
    AUTO_FREE char *exec = NULL;
    AUTO_FREE char *action = xasprintf("run '%s' in container '%s'", spec->argv[0], id);
    AUTO(output_done) struct output out;
    struct exec_result r = {.exit_code = -1};

    output_init(&out, spec->redact);
    if (create(c, id, spec, &exec, deadline_ms, err) != 0)
        return -1;
    if (start(c, exec, action, &out, deadline_ms, err) != 0) {
        if (err->code != SHIP_TIMEOUT)
            return -1;
        *err = (struct ship_error){0};
        r.timed_out = true;
    } else if (exit_code(c, exec, action, deadline_ms, &r, err) != 0) {
        return -1;
    }
    output_join(&out, &r.out);
    *ret = r;
    return 0;
}
