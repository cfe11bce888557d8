/*
 * run_image hooks: a one-off container from the new image, before the switch.
 *
 * create, join networks, start, wait for its exit, read its log, remove. It
 * is removed whatever happened, with a deadline of its own, because a stop
 * signal or a passed deadline must not leave it behind.
 */
#include <stdlib.h>

#include "base/capture.h"
#include "base/proc.h"
#include "hook/kinds.h"

#define LOG_READ_MS 10000

void hook_container_done(struct hook_container *c)
{
    for (size_t i = 0; i < c->n_networks; i++) {
        free(c->networks[i].name);
        json_free(c->networks[i].body);
    }
    free(c->networks);
    free(c->name);
    free(c->platform);
    json_free(c->body);
    *c = (struct hook_container){0};
}

static int64_t change_deadline(const struct hook_call *call)
{
    return clock_earlier(clock_deadline(call->env->clock, RUNTIME_CHANGE_MS), call->deadline_ms);
}

/* The hook's command and SHIPCTL_* variables, on top of what the deployer has built. */
static void complete_body(const struct hook_call *call, struct json *body)
{
    AUTO(strv_done) struct strv vars = {0};
    struct json *cmd = json_set_array(body, "Cmd"), *env = json_edit(body, "Env");

    for (size_t i = 0; i < call->argv.n; i++)
        json_append_str(cmd, call->argv.v[i]);
    if (!json_is_array(env))
        env = json_set_array(body, "Env");
    hook_variables(call, &vars);
    for (size_t i = 0; i < vars.n; i++)
        json_append_str(env, vars.v[i]);
}

static int create(const struct hook_call *call, const struct hook_container *c, char **ret_id,
                  struct ship_error *err)
{
    struct runtime *rt = call->env->runtime;
    AUTO(strv_done) struct strv warnings = {0};

    return rt->ops->create(rt, c->name, c->platform, c->body, ret_id, &warnings,
                           change_deadline(call), err);
}

static int join_networks(const struct hook_call *call, const struct hook_container *c,
                         const char *id, struct ship_error *err)
{
    struct runtime *rt = call->env->runtime;

    for (size_t i = 0; i < c->n_networks; i++) {
        const struct hook_network *n = &c->networks[i];
        AUTO_PTR(json_free) struct json *body = n->body ? json_copy(n->body) : json_object();

        json_set_str(body, "Container", id);
        if (rt->ops->network_connect(rt, n->name, body, change_deadline(call), err) < 0)
            return -1;
    }
    return 0;
}

static int capture_log(void *ctx, int is_stderr, const char *p, size_t len)
{
    (void)is_stderr;
    capture_add(ctx, p, len);
    return 0;
}

/* A log that can not be read does not change how the hook ended. */
static void read_log(struct hook_call *call, const char *id)
{
    struct runtime *rt = call->env->runtime;
    struct log_request req = {.tail = -1};
    struct ship_error ignored = {0};
    AUTO(capture_done) struct capture out;

    capture_init(&out, PROC_HEAD_MAX, PROC_TAIL_MAX, rt->redact);
    (void)rt->ops->logs(rt, id, &req, capture_log, &out,
                        clock_deadline(call->env->clock, LOG_READ_MS), &ignored);
    capture_finish(&out, &call->output);
}

static int start_and_wait(struct hook_call *call, const char *id, struct ship_error *err)
{
    struct runtime *rt = call->env->runtime;
    int64_t exit_code = -1;

    if (rt->ops->start(rt, id, change_deadline(call), err) < 0)
        return -1;
    if (rt->ops->wait_exit(rt, id, &exit_code, call->deadline_ms, err) < 0) {
        if (err->code != SHIP_TIMEOUT)
            return -1;
        call->result.timed_out = true;
    }
    call->result.exit_code = (int)exit_code;
    return 0;
}

/* Failure is told as a warning: the container's labels let a later command find it. */
static void remove_container(const struct hook_call *call, const char *id_or_name)
{
    struct runtime *rt = call->env->runtime;
    struct ship_error err = {0};

    if (rt->ops->remove(rt, id_or_name, true, clock_deadline(call->env->clock, RUNTIME_CHANGE_MS),
                        &err) < 0)
        ship_emit_message(call->env->events, SHIP_LEVEL_WARNING,
                          "container '%s' of hook '%s' is left behind: %s; ignoring", id_or_name,
                          call->env->name, err.msg);
}

static int run_container(struct hook_call *call, const struct hook_container *c,
                         struct ship_error *err)
{
    AUTO_FREE char *id = NULL;
    int rc;

    call->env->runtime->unknown = false;
    if (create(call, c, &id, err) < 0) {
        /* It may exist although the answer was lost. The name is ours alone. */
        if (call->env->runtime->unknown)
            remove_container(call, c->name);
        return -1;
    }
    rc = join_networks(call, c, id, err);
    if (rc == 0)
        rc = start_and_wait(call, id, err);
    if (rc == 0)
        read_log(call, id);
    remove_container(call, id);
    return rc;
}

int hook_run_image(struct hook_call *call, struct ship_error *err)
{
    AUTO(hook_container_done) struct hook_container c = {0};

    if (!call->env->build)
        return ship_fail(err, SHIP_HOOK, "no image to run it in");
    if (call->env->build(call->env->ctx, call->hook, &c, err) < 0)
        return -1;
    complete_body(call, c.body);
    return run_container(call, &c, err);
}
