/* The runtime without an engine (see fake_runtime.h). */
#include "support/fake_runtime.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/auto.h"

#define FAKE_STARTED_AT "2026-01-02T03:04:00.123456789Z"

static struct fake_runtime *fake_of(struct runtime *rt)
{
    return (struct fake_runtime *)rt;
}

/* ---- what tests set and ask ---- */

struct fake_container *fake_add(struct fake_runtime *f, const char *name)
{
    struct fake_container *c = &f->containers[f->n_containers++];

    assert(f->n_containers <= FAKE_MAX);
    *c = (struct fake_container){.name = name, .state = CONTAINER_RUNNING};
    (void)snprintf(c->id, sizeof c->id, "id-%s", name);
    return c;
}

struct fake_container *fake_find(struct fake_runtime *f, const char *id_or_name)
{
    for (size_t i = 0; i < f->n_containers; i++) {
        struct fake_container *c = &f->containers[i];

        if (!c->removed && (str_eq(c->id, id_or_name) || str_eq(c->name, id_or_name)))
            return c;
    }
    return NULL;
}

void fake_exec(struct fake_runtime *f, const char *program, int exit_code, const char *output)
{
    assert(f->n_execs < FAKE_MAX);
    f->execs[f->n_execs++] =
        (struct fake_exec_answer){.program = program, .exit_code = exit_code, .output = output};
}

void fake_fail(struct fake_runtime *f, const char *op, enum ship_code code, const char *message)
{
    assert(f->n_failures < FAKE_MAX);
    f->failures[f->n_failures++] = (struct fake_failure){op, code, message};
}

size_t fake_calls(const struct fake_runtime *f, const char *start)
{
    size_t n = 0;

    for (size_t i = 0; i < f->calls.n; i++)
        n += str_starts(f->calls.v[i], start);
    return n;
}

bool fake_called(const struct fake_runtime *f, const char *start)
{
    return fake_calls(f, start) > 0;
}

/* ---- the ops ---- */

/* Write the call down; -1 when it is set to fail. */
static int note(struct runtime *rt, const char *op, const char *object, const char *rest,
                struct ship_error *err)
{
    struct fake_runtime *f = fake_of(rt);
    const struct fake_container *c = object ? fake_find(f, object) : NULL;

    strv_take(&f->calls, xasprintf("%s%s%s%s%s", op, object ? " " : "",
                                   c        ? c->name
                                   : object ? object
                                            : "",
                                   rest ? " " : "", rest ? rest : ""));
    for (size_t i = 0; i < f->n_failures; i++)
        if (str_eq(f->failures[i].op, op))
            return ship_fail(err, f->failures[i].code, "%s", f->failures[i].message);
    return 0;
}

static int need(struct runtime *rt, const char *id, struct fake_container **ret,
                struct ship_error *err)
{
    *ret = fake_find(fake_of(rt), id);
    return *ret ? 0 : ship_fail(err, SHIP_NOT_FOUND, "no such container '%s'", id);
}

static int fake_probe(struct runtime *rt, struct engine_info *ret, int64_t deadline_ms,
                      struct ship_error *err)
{
    (void)deadline_ms;
    if (note(rt, "probe", NULL, NULL, err) < 0)
        return -1;
    *ret = (struct engine_info){.api_minor = 41,
                                .version = "20.10.24",
                                .os = "linux",
                                .arch = "amd64",
                                .root_dir = xstrdup("/"),
                                .driver = xstrdup("overlay2"),
                                .id = xstrdup("FAKE"),
                                .cpus = 2};
    return 0;
}

static int fake_resolve(struct runtime *rt, const char *ref, struct remote_image *ret,
                        int64_t deadline_ms, struct ship_error *err)
{
    (void)deadline_ms;
    if (note(rt, "resolve", ref, NULL, err) < 0)
        return -1;
    *ret = (struct remote_image){.size_bytes = 1000};
    (void)snprintf(ret->digest, sizeof ret->digest, "%s", fake_of(rt)->digest);
    return 0;
}

static struct json *parse_or(const char *text, struct json *(*make)(void))
{
    struct ship_error err = {0};
    struct json *j = text ? json_parse(text, strlen(text), "fake", &err) : make();

    assert(j);
    return j;
}

static int fake_list(struct runtime *rt, const struct strv *labels, bool all,
                     struct container_list *ret, int64_t deadline_ms, struct ship_error *err)
{
    struct fake_runtime *f = fake_of(rt);

    (void)labels;
    (void)deadline_ms;
    if (note(rt, "list", NULL, NULL, err) < 0)
        return -1;
    *ret = (struct container_list){.rows = xcalloc(FAKE_MAX, sizeof *ret->rows)};
    for (size_t i = 0; i < f->n_containers; i++) {
        const struct fake_container *c = &f->containers[i];

        if (c->removed || (!all && c->state != CONTAINER_RUNNING))
            continue;
        ret->rows[ret->n++] = (struct container_row){
            .id = xstrdup(c->id),
            .name = xstrdup(c->name),
            .image = xstrdup("fake"),
            .image_id = xstrdup("sha256:fake"),
            .state = c->state,
            .status = xstrdup("Up"),
            .labels = parse_or(c->labels, json_object),
            .ports = parse_or(c->ports, json_array),
        };
    }
    return 0;
}

/* The parts of the engine's answer that helpers look up. */
static struct json *make_doc(const struct fake_container *c)
{
    struct json *doc = json_object(), *config = json_set_object(doc, "Config");
    struct json *env = json_set_array(config, "Env");
    struct json *settings = json_set_object(doc, "NetworkSettings");
    struct json *network = json_set_object(json_set_object(settings, "Networks"), "default");
    AUTO_FREE char *text = xstrdup(c->env ? c->env : "");
    char *rest = text, *line;

    while ((line = strsep(&rest, "\n")))
        if (*line)
            json_append_str(env, line);
    json_set(config, "Labels", parse_or(c->labels, json_object));
    if (c->test)
        json_set(json_set_object(config, "Healthcheck"), "Test", parse_or(c->test, json_array));
    json_set_str(network, "IPAddress", c->address ? c->address : "");
    return doc;
}

static int fake_inspect(struct runtime *rt, const char *id_or_name, struct container *ret,
                        int64_t deadline_ms, struct ship_error *err)
{
    struct fake_container *c;

    (void)deadline_ms;
    if (note(rt, "inspect", id_or_name, NULL, err) < 0 || need(rt, id_or_name, &c, err) < 0)
        return -1;
    *ret = (struct container){
        .id = xstrdup(c->id),
        .name = xstrdup(c->name),
        .image_id = xstrdup("sha256:fake"),
        .image = xstrdup("fake"),
        .state = c->state,
        .running = c->state == CONTAINER_RUNNING || c->state == CONTAINER_RESTARTING,
        .health = c->health,
        .health_output = xstrdup_or_null(c->health_output),
        .health_failing = c->health_failing,
        .exit_code = c->exit_code,
        .oom_killed = c->oom_killed,
        .state_error = xstrdup(c->state_error ? c->state_error : ""),
        .restart_count = c->restart_count,
        .started_at = xstrdup(c->started_at ? c->started_at : FAKE_STARTED_AT),
        .restart_policy = xstrdup("always"),
        .has_healthcheck = c->health != HEALTH_NONE,
        .doc = make_doc(c),
    };
    return 0;
}

static int fake_stats(struct runtime *rt, const char *id, struct container_stats *ret,
                      int64_t deadline_ms, struct ship_error *err)
{
    (void)deadline_ms;
    if (note(rt, "stats", id, NULL, err) < 0)
        return -1;
    *ret = (struct container_stats){.cpu_pct = 1, .memory_bytes = 1 << 20, .pids = 1};
    return 0;
}

static int send_log(struct fake_runtime *f, int is_stderr, const char *text, log_sink sink,
                    void *ctx)
{
    size_t len = text ? strlen(text) : 0;
    size_t chunk = f->log_chunk ? f->log_chunk : len;

    for (size_t at = 0; at < len; at += chunk)
        if (sink(ctx, is_stderr, text + at, len - at < chunk ? len - at : chunk) != 0)
            return 1;
    return 0;
}

/* NOLINTNEXTLINE(readability-function-size): the table's signature */
static int fake_logs(struct runtime *rt, const char *id, const struct log_request *req,
                     log_sink sink, void *ctx, int64_t deadline_ms, struct ship_error *err)
{
    struct fake_container *c;

    (void)deadline_ms;
    if (need(rt, id, &c, err) < 0)
        return -1;
    if (send_log(fake_of(rt), 0, c->log, sink, ctx) == 0)
        (void)send_log(fake_of(rt), 1, c->log_stderr, sink, ctx);
    return note(rt, "logs", id, req->since ? req->since : "-", err);
}

static int fake_image_inspect(struct runtime *rt, const char *ref, struct image *ret,
                              int64_t deadline_ms, struct ship_error *err)
{
    (void)deadline_ms;
    if (note(rt, "image_inspect", ref, NULL, err) < 0)
        return -1;
    *ret = (struct image){.id = xstrdup("sha256:fake"), .doc = json_object()};
    return 0;
}

static int fake_image_list(struct runtime *rt, struct image_list *ret, int64_t deadline_ms,
                           struct ship_error *err)
{
    (void)deadline_ms;
    if (note(rt, "image_list", NULL, NULL, err) < 0)
        return -1;
    *ret = (struct image_list){0};
    return 0;
}

static int fake_network_inspect(struct runtime *rt, const char *name, struct json **ret,
                                int64_t deadline_ms, struct ship_error *err)
{
    (void)deadline_ms;
    if (note(rt, "network_inspect", name, NULL, err) < 0)
        return -1;
    *ret = NULL;
    return 0;
}

static int fake_volume_inspect(struct runtime *rt, const char *name, struct json **ret,
                               int64_t deadline_ms, struct ship_error *err)
{
    (void)deadline_ms;
    if (note(rt, "volume_inspect", name, NULL, err) < 0)
        return -1;
    *ret = NULL;
    return 0;
}

static int fake_wait_event(struct runtime *rt, const char *const *ids, size_t n,
                           struct engine_event *ret, int64_t deadline_ms, struct ship_error *err)
{
    (void)ids;
    (void)n;
    (void)ret;
    if (note(rt, "wait_event", NULL, NULL, err) < 0)
        return -1;
    if (clock_wait(rt->clock, clock_left_ms(rt->clock, deadline_ms), deadline_ms, err) < 0)
        return -1;
    return 1;
}

static int fake_wait_exit(struct runtime *rt, const char *id, int64_t *ret_exit_code,
                          int64_t deadline_ms, struct ship_error *err)
{
    struct fake_container *c;

    (void)deadline_ms;
    if (note(rt, "wait_exit", id, NULL, err) < 0 || need(rt, id, &c, err) < 0)
        return -1;
    c->state = CONTAINER_EXITED;
    *ret_exit_code = fake_of(rt)->wait_exit_code;
    return 0;
}

/* NOLINTNEXTLINE(readability-function-size): the table's signature */
static int fake_pull(struct runtime *rt, const char *ref, const char *platform, pull_sink sink,
                     void *ctx, int64_t idle_ms, int64_t deadline_ms, struct ship_error *err)
{
    struct pull_progress progress = {.done_bytes = 1000, .total_bytes = 1000, .status = "Done"};

    (void)platform;
    (void)idle_ms;
    (void)deadline_ms;
    if (note(rt, "pull", ref, NULL, err) < 0)
        return -1;
    if (sink)
        sink(ctx, &progress);
    return 0;
}

static int fake_image_tag(struct runtime *rt, const char *id, const char *repository,
                          const char *tag, int64_t deadline_ms, struct ship_error *err)
{
    AUTO_FREE char *rest = xasprintf("%s:%s", repository, tag);

    (void)deadline_ms;
    return note(rt, "image_tag", id, rest, err);
}

static int fake_image_remove(struct runtime *rt, const char *ref, int64_t deadline_ms,
                             struct ship_error *err)
{
    (void)deadline_ms;
    return note(rt, "image_remove", ref, NULL, err);
}

/* NOLINTNEXTLINE(readability-function-size): the table's signature */
static int fake_create(struct runtime *rt, const char *name, const char *platform,
                       const struct json *body, char **ret_id, struct strv *ret_warnings,
                       int64_t deadline_ms, struct ship_error *err)
{
    struct fake_runtime *f = fake_of(rt);
    struct fake_container *c;

    (void)platform;
    (void)ret_warnings;
    (void)deadline_ms;
    if (note(rt, "create", name, NULL, err) < 0)
        return -1;
    if (fake_find(f, name))
        return ship_fail(err, SHIP_CONFLICT, "name '%s' is in use", name);
    json_free(f->created);
    f->created = json_copy(body);
    strv_add(&f->names, name);
    c = fake_add(f, f->names.v[f->names.n - 1]);
    c->state = CONTAINER_CREATED;
    *ret_id = xstrdup(c->id);
    return 0;
}

static int set_state(struct runtime *rt, const char *op, const char *id, enum container_state state,
                     struct ship_error *err)
{
    struct fake_container *c;

    if (note(rt, op, id, NULL, err) < 0 || need(rt, id, &c, err) < 0)
        return -1;
    c->state = state;
    return 0;
}

static int fake_start(struct runtime *rt, const char *id, int64_t deadline_ms,
                      struct ship_error *err)
{
    (void)deadline_ms;
    return set_state(rt, "start", id, CONTAINER_RUNNING, err);
}

static int fake_stop(struct runtime *rt, const char *id, int64_t grace_s, int64_t deadline_ms,
                     struct ship_error *err)
{
    (void)grace_s;
    (void)deadline_ms;
    return set_state(rt, "stop", id, CONTAINER_EXITED, err);
}

static int fake_rename(struct runtime *rt, const char *id, const char *name, int64_t deadline_ms,
                       struct ship_error *err)
{
    (void)deadline_ms;
    return note(rt, "rename", id, name, err);
}

static int fake_set_restart(struct runtime *rt, const char *id, const char *policy,
                            int64_t max_retry, int64_t deadline_ms, struct ship_error *err)
{
    (void)max_retry;
    (void)deadline_ms;
    return note(rt, "set_restart", id, policy, err);
}

static int fake_remove(struct runtime *rt, const char *id, bool force, int64_t deadline_ms,
                       struct ship_error *err)
{
    struct fake_container *c = fake_find(fake_of(rt), id);

    (void)deadline_ms;
    if (note(rt, "remove", id, force ? "force" : NULL, err) < 0)
        return -1;
    if (c)
        c->removed = true;
    return 0;
}

static void copy_env(struct fake_runtime *f, const struct exec_request *req)
{
    strv_done(&f->envp);
    f->envp = (struct strv){0};
    for (size_t i = 0; req->envp && req->envp[i]; i++)
        strv_add(&f->envp, req->envp[i]);
}

/* Unless set otherwise a program is missing, as in an image without it. */
static int fake_exec_op(struct runtime *rt, const char *id, const struct exec_request *req,
                        struct exec_result *ret, int64_t deadline_ms, struct ship_error *err)
{
    struct fake_runtime *f = fake_of(rt);
    struct fake_exec_answer answer = {.exit_code = 127, .output = "executable file not found"};
    AUTO(buf_done) struct buf text = BUF_INIT(65536);
    struct fake_container *c;

    (void)deadline_ms;
    for (size_t i = 0; req->argv[i]; i++)
        (void)buf_addf(&text, "%s%s", i ? " " : "", req->argv[i]);
    if (note(rt, "exec", id, text.p, err) < 0 || need(rt, id, &c, err) < 0)
        return -1;
    copy_env(f, req);
    for (size_t i = 0; i < f->n_execs; i++)
        if (str_eq(f->execs[i].program, req->argv[0]))
            answer = f->execs[i];
    *ret = (struct exec_result){.exit_code = answer.exit_code, .timed_out = answer.timed_out};
    buf_init(&ret->out, 65536);
    (void)buf_adds(&ret->out, answer.output ? answer.output : "");
    return 0;
}

static int fake_network_create(struct runtime *rt, const struct json *body, int64_t deadline_ms,
                               struct ship_error *err)
{
    (void)deadline_ms;
    return note(rt, "network_create", json_str_or(body, "Name", "?"), NULL, err);
}

static int fake_network_connect(struct runtime *rt, const char *network, const struct json *body,
                                int64_t deadline_ms, struct ship_error *err)
{
    (void)deadline_ms;
    return note(rt, "network_connect", network, json_str_or(body, "Container", "?"), err);
}

static int fake_volume_create(struct runtime *rt, const struct json *body, int64_t deadline_ms,
                              struct ship_error *err)
{
    (void)deadline_ms;
    return note(rt, "volume_create", json_str_or(body, "Name", "?"), NULL, err);
}

/* NOLINTNEXTLINE(readability-function-size): the table's signature */
static int fake_put_archive(struct runtime *rt, const char *id, const char *path, const void *tar,
                            size_t len, int64_t deadline_ms, struct ship_error *err)
{
    (void)tar;
    (void)len;
    (void)deadline_ms;
    return note(rt, "put_archive", id, path, err);
}

static void fake_close(struct runtime *rt)
{
    (void)rt;
}

static const struct runtime_ops fake_ops = {
    .name = "fake",
    .probe = fake_probe,
    .resolve = fake_resolve,
    .list = fake_list,
    .inspect = fake_inspect,
    .stats = fake_stats,
    .logs = fake_logs,
    .image_inspect = fake_image_inspect,
    .image_list = fake_image_list,
    .network_inspect = fake_network_inspect,
    .volume_inspect = fake_volume_inspect,
    .wait_event = fake_wait_event,
    .wait_exit = fake_wait_exit,
    .pull = fake_pull,
    .image_tag = fake_image_tag,
    .image_remove = fake_image_remove,
    .create = fake_create,
    .start = fake_start,
    .stop = fake_stop,
    .rename = fake_rename,
    .set_restart = fake_set_restart,
    .remove = fake_remove,
    .exec = fake_exec_op,
    .network_create = fake_network_create,
    .network_connect = fake_network_connect,
    .volume_create = fake_volume_create,
    .put_archive = fake_put_archive,
    .close = fake_close,
};

void fake_runtime_init(struct fake_runtime *f, const struct clock *clock)
{
    *f = (struct fake_runtime){
        .rt = {.clock = clock},
        .ops = fake_ops,
        .digest = "sha256:0000000000000000000000000000000000000000000000000000000000000000",
    };
    f->rt.ops = &f->ops;
}

void fake_runtime_done(struct fake_runtime *f)
{
    strv_done(&f->calls);
    strv_done(&f->envp);
    strv_done(&f->names);
    json_free(f->created);
    *f = (struct fake_runtime){0};
}
