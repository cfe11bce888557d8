/*
 * exec hooks: a command inside the running container of a compose service.
 */
#include "hook/kinds.h"

static const struct hook_target *find_target(const struct hook_call *call)
{
    const struct hook_env *env = call->env;
    const char *service = call->hook->service;

    for (size_t i = 0; i < env->n_targets; i++) {
        const struct hook_target *t = &env->targets[i];

        if (t->container_id && (service ? str_eq(t->service, service) : t->deployed))
            return t;
    }
    return NULL;
}

int hook_run_exec(struct hook_call *call, struct ship_error *err)
{
    const struct hook_target *target = find_target(call);
    struct runtime *rt = call->env->runtime;
    AUTO(strv_done) struct strv envp = {0};
    AUTO(exec_result_done) struct exec_result result = {0};
    struct exec_request req = {.argv = (const char *const *)call->argv.v, .is_shown = true};

    if (!target)
        return ship_fail(err, SHIP_HOOK, "no running container of service '%s'",
                         call->hook->service ? call->hook->service : "(deployed)");
    hook_variables(call, &envp);
    req.envp = (const char *const *)envp.v;
    if (rt->ops->exec(rt, target->container_id, &req, &result, call->deadline_ms, err) < 0) {
        if (err->code == SHIP_NOT_FOUND)
            err->code = SHIP_HOOK;
        return -1;
    }
    call->result.exit_code = result.timed_out ? -1 : result.exit_code;
    call->result.timed_out = result.timed_out;
    call->output = result.out;
    result.out = (struct buf){0};
    return 0;
}
