/*
 * command: a program on this host ends with status 0.
 *
 * argv only, no shell; working directory is the plan's; the environment is a
 * fixed allow-list, SHIPCTL_* (APP, VERSION, OLD_VERSION, ENVIRONMENT, ...),
 * SHIPCTL_CHECK=command, and `env`. stdin is empty. The end of its output is
 * the message.
 * PASS: exit status 0. FAIL: another status, a signal, not done in time.
 * UNKNOWN: the program can not be started, or reports 126 or 127.
 */
#include <stdio.h>

#include "base/childenv.h"
#include "base/proc.h"
#include "check/support.h"
#include "check/types.h"

struct command_config {
    struct strv command, env; /* env: k, v, k, v ... */
};

static const struct field command_fields[] = {
    {.key = "command",
     .kind = FIELD_STRV,
     .offset = offsetof(struct command_config, command),
     .min = 1,
     .fallback = NULL},
    {.key = "env",
     .kind = FIELD_MAP,
     .offset = offsetof(struct command_config, env),
     .fallback = ""},
    {0                                },
};

static int build_env(const struct check_env *env, const struct command_config *cfg,
                     struct strv *out, struct check_result *ret)
{
    AUTO(strv_done) struct strv own = {0};

    childenv_allowed(out);
    childenv_variables(out, env->vars, env->n_vars);
    childenv_add(out, "SHIPCTL_CHECK", "command");
    if (check_expand_all(env, &cfg->env, &own, ret) == 0)
        return 0;
    for (size_t i = 0; i + 1 < own.n; i += 2) {
        childenv_add(out, own.v[i], own.v[i + 1]);
        redact_add_named(check_redact(env), own.v[i], own.v[i + 1]);
    }
    return 1;
}

static int command_judge(const char *program, const struct proc_result *result,
                         struct check_result *ret)
{
    char tail[384];

    check_tail(&result->out, tail, sizeof tail);
    const char *colon = *tail ? ": " : "";
    if (result->timed_out)
        return check_say(ret, CHECK_FAIL, "'%s' did not end in time%s%s", program, colon, tail);
    if (result->term_signal)
        return check_say(ret, CHECK_FAIL, "'%s' was ended by signal %d%s%s", program,
                         result->term_signal, colon, tail);
    if (result->exit_code == 126 || result->exit_code == 127)
        return check_say(ret, CHECK_UNKNOWN, "'%s' could not run (exit status %d)%s%s", program,
                         result->exit_code, colon, tail);
    if (result->exit_code != 0)
        return check_say(ret, CHECK_FAIL, "'%s' ended with exit status %d%s%s", program,
                         result->exit_code, colon, tail);
    return check_say(ret, CHECK_PASS, "'%s' succeeded%s%s", program, colon, tail);
}

static int command_run(const struct check_env *env, const void *config, int64_t deadline_ms,
                       struct check_result *ret, struct ship_error *err)
{
    const struct command_config *cfg = config;
    AUTO(strv_done) struct strv argv = {0};
    AUTO(strv_done) struct strv envp = {0};
    AUTO(proc_result_done) struct proc_result result = {0};
    struct proc_spec spec = {.dir = env->dir,
                             .deadline_ms = deadline_ms,
                             .clock = env->clock,
                             .redact = check_redact(env)};

    if (check_expand_all(env, &cfg->command, &argv, ret) == 0 ||
        build_env(env, cfg, &envp, ret) == 0)
        return 0;
    spec.argv = (const char *const *)argv.v;
    spec.envp = (const char *const *)envp.v;
    if (proc_run(&spec, &result, err) < 0)
        return check_unknown(ret, err);
    return command_judge(argv.v[0], &result, ret);
}

const struct check_type check_command = {
    .name = "command",
    .phases = CHECK_PRE | CHECK_HEALTH | CHECK_POST,
    .summary = "A program on this host ends with exit status 0.",
    .fields = command_fields,
    .config_size = sizeof(struct command_config),
    .run = command_run,
};
