/*
 * command hooks: a program on this host, in the plan's directory, confined.
 *
 * Environment: the fixed allow-list and SHIPCTL_*. stdin empty, own process
 * group, umask 077, no new privileges, no core dumps, 1024 descriptors.
 */
#include "base/childenv.h"
#include "base/proc.h"
#include "hook/kinds.h"

int hook_run_command(struct hook_call *call, struct ship_error *err)
{
    AUTO(strv_done) struct strv envp = {0};
    AUTO(proc_result_done) struct proc_result result = {0};
    struct proc_spec spec = {
        .argv = (const char *const *)call->argv.v,
        .dir = call->env->dir,
        .deadline_ms = call->deadline_ms,
        .clock = call->env->clock,
        .grace_ms = call->env->grace_ms,
        .ignore_stop = call->env->ignore_stop,
        .redact = call->env->runtime->redact,
        .confined = true,
    };

    childenv_allowed(&envp);
    hook_variables(call, &envp);
    spec.envp = (const char *const *)envp.v;
    if (proc_run(&spec, &result, err) < 0) {
        if (err->code == SHIP_NOT_FOUND)
            err->code = SHIP_HOOK;
        return -1;
    }
    call->result.exit_code = result.timed_out ? -1 : result.exit_code;
    call->result.term_signal = result.timed_out ? 0 : result.term_signal;
    call->result.timed_out = result.timed_out;
    call->output = result.out;
    result.out = (struct buf){0};
    return 0;
}
