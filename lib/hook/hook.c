/*
 * Running a hook: expansion, deadline, the kind's part, then the output made
 * safe and handed to the events.
 */
#include "hook/hook.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/childenv.h"
#include "base/proc.h"
#include "hook/kinds.h"

/* Sanitising turns an invalid byte into four. */
#define OUTPUT_MAX (4 * (PROC_HEAD_MAX + PROC_TAIL_MAX) + 1024)

static void call_done(struct hook_call *call)
{
    strv_done(&call->argv);
    buf_done(&call->output);
    free(call->result.output);
}

void hook_variables(const struct hook_call *call, struct strv *out)
{
    childenv_variables(out, call->env->vars, call->env->n_vars);
    childenv_add(out, "SHIPCTL_HOOK", call->env->name);
}

static int expand_argv(struct hook_call *call, struct ship_error *err)
{
    const struct strv *texts = &call->hook->command;

    if (texts->n == 0)
        return ship_fail(err, SHIP_HOOK, "no command");
    for (size_t i = 0; i < texts->n; i++) {
        char *text = tmpl_expand(texts->v[i], call->env->vars, call->env->n_vars,
                                 call->env->runtime->redact, err);

        if (!text) {
            err->code = SHIP_HOOK;
            return -1;
        }
        strv_take(&call->argv, text);
    }
    return 0;
}

static int run_kind(struct hook_call *call, struct ship_error *err)
{
    switch (call->hook->kind) {
    case PLAN_HOOK_COMMAND:
        return hook_run_command(call, err);
    case PLAN_HOOK_EXEC:
        return hook_run_exec(call, err);
    case PLAN_HOOK_RUN_IMAGE:
        return hook_run_image(call, err);
    }
    return ship_fail(err, SHIP_INTERNAL, "unknown kind of hook %d", (int)call->hook->kind);
}

static void emit_output(const struct hook_env *env, const char *text)
{
    AUTO_FREE char *origin = xasprintf("hook %s", env->name);
    struct ship_event event = {
        .kind = SHIP_EVENT_OUTPUT, .level = SHIP_LEVEL_INFO, .origin = origin, .text = text};

    if (*text)
        ship_emit(env->events, &event);
}

static char *safe_output(const struct buf *raw)
{
    AUTO(buf_done) struct buf out = BUF_INIT(OUTPUT_MAX);

    if (raw->len > 0)
        str_sanitize(&out, raw->p, raw->len);
    return xstrndup(out.p, out.len);
}

int hook_run(const struct plan_hook *hook, const struct hook_env *env, struct hook_result *ret,
             struct ship_error *err)
{
    int64_t started_ms = clock_now_ms(env->clock);
    int64_t timeout_ms = hook->timeout_ms > 0 ? hook->timeout_ms : env->timeout_ms;
    AUTO(call_done)
    struct hook_call call = {
        .hook = hook,
        .env = env,
        .deadline_ms = clock_earlier(clock_deadline(env->clock, timeout_ms), env->deadline_ms),
    };

    if (expand_argv(&call, err) < 0 || run_kind(&call, err) < 0)
        return ship_error_wrap(err, "hook '%s'", env->name);
    call.result.output = safe_output(&call.output);
    redact_own(env->runtime->redact, &call.result.output);
    call.result.duration_ms = clock_now_ms(env->clock) - started_ms;
    call.result.limit_ms = call.deadline_ms - started_ms;
    emit_output(env, call.result.output);
    *ret = call.result;
    call.result.output = NULL;
    return 0;
}

void hook_result_done(struct hook_result *r)
{
    free(r->output);
    *r = (struct hook_result){0};
}

bool hook_ok(const struct hook_result *r)
{
    return r->exit_code == 0 && !r->timed_out && r->term_signal == 0;
}

const char *hook_result_text(const struct hook_result *r, char out[HOOK_TEXT_MAX])
{
    char duration[STR_DURATION_MAX];

    if (r->timed_out)
        (void)snprintf(out, HOOK_TEXT_MAX, "did not end within %s",
                       str_format_duration(r->limit_ms, duration));
    else if (r->term_signal)
        (void)snprintf(out, HOOK_TEXT_MAX, "was ended by signal %d", r->term_signal);
    else
        (void)snprintf(out, HOOK_TEXT_MAX, "ended with exit status %d", r->exit_code);
    return out;
}
