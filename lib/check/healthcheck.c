/*
 * healthcheck: the container's own health check, run now.
 *
 * The engine runs it for the first time only after its interval (30 s by
 * default) and forgets it at each start; a deployment can not wait for that.
 * So the same command is run in the container at once, and again at our
 * interval. service: default the first deployed one.
 * PASS: the engine says healthy, or the command ends with status 0.
 * FAIL: another status, or not done in time. A failure counts as "not yet
 * listening" for the runner: in the first two seconds it is tried again at once.
 * UNKNOWN: no such container, no health check in it, or the program is missing.
 */
#include <string.h>

#include "check/support.h"
#include "check/types.h"

struct healthcheck_config {
    char *service;
};

static const struct field healthcheck_fields[] = {
    {.key = "service",
     .kind = FIELD_STRING,
     .offset = offsetof(struct healthcheck_config, service),
     .min = 1,
     .max = 255,
     .fallback = ""},
    {0},
};

/*
 * Source: GET /containers/{id}/json, Config.Healthcheck.Test: ["CMD", argv...], or
 * ["CMD-SHELL", text] for Config.Shell (default /bin/sh -c). false: none, or ["NONE"].
 */
static bool test_command(const struct container *c, struct strv *argv)
{
    const struct json *word = json_first(json_path(c->doc, "Config.Healthcheck.Test"));
    const char *head = json_value_str(word);
    bool shell = str_eq(head, "CMD-SHELL");

    if (!shell && !str_eq(head, "CMD"))
        return false;
    if (shell) {
        const struct json *first = json_first(json_path(c->doc, "Config.Shell"));
        for (const struct json *s = first; s; s = json_next(s))
            strv_add(argv, json_value_str(s));
        if (!first) {
            strv_add(argv, "/bin/sh");
            strv_add(argv, "-c");
        }
    }
    for (word = json_next(word); word; word = json_next(word))
        if (json_value_str(word))
            strv_add(argv, json_value_str(word));
    return argv->n > 0;
}

static int judge(const struct check_target *target, const struct exec_result *result,
                 struct check_result *ret)
{
    char tail[256];

    if (result->exit_code == 0)
        return check_say(ret, CHECK_PASS, "health check of service '%s' passed", target->service);
    ret->refused = true;
    return check_say(ret, CHECK_FAIL, "health check of service '%s' ended with exit status %d: %s",
                     target->service, result->exit_code,
                     check_tail(&result->out, tail, sizeof tail));
}

static int healthcheck_run(const struct check_env *env, const void *config, int64_t deadline_ms,
                           struct check_result *ret, struct ship_error *err)
{
    const struct healthcheck_config *cfg = config;
    const struct check_target *target = check_target_find(env, cfg->service);
    AUTO(container_done) struct container c = {0};
    AUTO(strv_done) struct strv argv = {0};
    AUTO(exec_result_done) struct exec_result result = {0};
    struct exec_request req = {.is_shown = true};
    struct check_exec_call call = {target, &req, deadline_ms};
    struct ship_error e = {0};

    if (!target)
        return check_say(ret, CHECK_UNKNOWN, "no container of service '%s'",
                         cfg->service ? cfg->service : "(deployed)");
    if (env->runtime->ops->inspect(env->runtime, target->container_id, &c, deadline_ms, &e) < 0)
        return check_unknown(ret, &e);
    if (c.health == HEALTH_HEALTHY)
        return check_say(ret, CHECK_PASS, "the engine says service '%s' is healthy",
                         target->service);
    if (!test_command(&c, &argv))
        return check_say(ret, CHECK_UNKNOWN, "service '%s' has no health check", target->service);
    req.argv = (const char *const *)argv.v;
    int rc = check_exec_in(env, &call, &result, ret, err);
    return rc == 1 ? judge(target, &result, ret) : rc;
}

const struct check_type check_healthcheck = {
    .name = "healthcheck",
    .phases = CHECK_HEALTH | CHECK_POST,
    .summary = "The container's own health check, run at once instead of after its interval.",
    .fields = healthcheck_fields,
    .config_size = sizeof(struct healthcheck_config),
    .run = healthcheck_run,
};
