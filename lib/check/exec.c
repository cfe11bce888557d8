/*
 * exec: a command inside a running container ends with status 0.
 *
 * service: default the first deployed one. argv only, no shell.
 * PASS: exit status 0. FAIL: another status, or not done in time.
 * UNKNOWN: no such container, the engine refuses, or the program is not in
 * the image (exit 126 or 127).
 */
#include "check/support.h"
#include "check/types.h"

struct exec_config {
    char *service, *user;
    struct strv command;
};

static const struct field exec_fields[] = {
    {.key = "service",
     .kind = FIELD_STRING,
     .offset = offsetof(struct exec_config, service),
     .min = 1,
     .max = 255,
     .fallback = ""},
    {.key = "user",
     .kind = FIELD_STRING,
     .offset = offsetof(struct exec_config, user),
     .min = 1,
     .max = 255,
     .fallback = ""},
    {.key = "command",
     .kind = FIELD_STRV,
     .offset = offsetof(struct exec_config, command),
     .min = 1,
     .fallback = NULL},
    {0                       },
};

static int exec_judge(const struct check_target *target, const char *program,
                      const struct exec_result *result, struct check_result *ret)
{
    char tail[256];

    if (result->exit_code == 0)
        return check_say(ret, CHECK_PASS, "'%s' in container of service '%s' succeeded", program,
                         target->service);
    return check_say(
        ret, CHECK_FAIL, "'%s' in container of service '%s' ended with exit status %d: %s", program,
        target->service, result->exit_code, check_tail(&result->out, tail, sizeof tail));
}

static int exec_run(const struct check_env *env, const void *config, int64_t deadline_ms,
                    struct check_result *ret, struct ship_error *err)
{
    const struct exec_config *cfg = config;
    const struct check_target *target = check_target_find(env, cfg->service);
    AUTO(strv_done) struct strv argv = {0};
    AUTO(exec_result_done) struct exec_result result = {0};
    struct exec_request req = {.user = cfg->user, .is_shown = true};
    struct check_exec_call call = {target, &req, deadline_ms};
    int rc;

    if (!target)
        return check_say(ret, CHECK_UNKNOWN, "no container of service '%s'",
                         cfg->service ? cfg->service : "(deployed)");
    if (check_expand_all(env, &cfg->command, &argv, ret) == 0)
        return 0;
    req.argv = (const char *const *)argv.v;
    rc = check_exec_in(env, &call, &result, ret, err);
    return rc == 1 ? exec_judge(target, argv.v[0], &result, ret) : rc;
}

const struct check_type check_exec = {
    .name = "exec",
    .phases = CHECK_PRE | CHECK_HEALTH | CHECK_POST,
    .summary = "A command inside a service's container ends with exit status 0.",
    .fields = exec_fields,
    .config_size = sizeof(struct exec_config),
    .run = exec_run,
};
