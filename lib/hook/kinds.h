/*
 * The kinds of hooks, as hook.c calls them.
 */
#ifndef SHIP_HOOK_KINDS_H
#define SHIP_HOOK_KINDS_H

#include "base/buf.h"
#include "hook/hook.h"

/* One hook being run: argv is expanded, the deadline is set. */
struct hook_call {
    const struct plan_hook *hook;
    const struct hook_env *env;
    struct strv argv;
    int64_t deadline_ms;
    struct hook_result result; /* filled by the kind, but for output and duration */
    struct buf output;         /* raw; zeroed before */
};

/* 0 with result and output filled, or -1. */
int hook_run_command(struct hook_call *call, struct ship_error *err);
int hook_run_exec(struct hook_call *call, struct ship_error *err);
int hook_run_image(struct hook_call *call, struct ship_error *err);

/* Environment SHIPCTL_* of the hook, added to out. */
void hook_variables(const struct hook_call *call, struct strv *out);

#endif
