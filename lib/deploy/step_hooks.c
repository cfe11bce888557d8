/*
 * Hook steps: pre-deploy, backup, migrate (before the switch), post-deploy
 * (after the commit). A `run_image` hook gets a one-off container made from the
 * new image and the new environment, labelled like `docker compose run`.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "deploy/checks.h"
#include "deploy/spec.h"
#include "deploy/steps.h"

static const struct target *hook_service(const struct operation *op, const struct plan_hook *hook)
{
    return hook->service   ? operation_target(op, hook->service)
           : op->n_targets ? &op->targets[0]
                           : NULL;
}

static void take_networks(struct hook_container *ret, const struct json *connects)
{
    ret->networks = xcalloc(json_size(connects) + 1, sizeof *ret->networks);
    for (const struct json *c = json_first(connects); c; c = json_next(c))
        ret->networks[ret->n_networks++] = (struct hook_network){
            .name = xstrdup(json_str_or(c, "Network", "")), .body = json_copy(json_get(c, "Body"))};
}

/* hook_env.build: the one-off container of a run_image hook. */
static int build_one_off(void *ctx, const struct plan_hook *hook, struct hook_container *ret,
                         struct ship_error *err)
{
    struct operation *op = ctx;
    const struct target *t = hook_service(op, hook);
    if (!t)
        return ship_fail(err, SHIP_HOOK, "service '%s' of the hook is not deployed by this plan",
                         hook->service);
    AUTO_FREE char *slug = xasprintf("%lld%llx", (long long)op->row.id,
                                     (unsigned long long)clock_now_ms(&op->s->clock));
    AUTO_FREE char *name =
        xasprintf("%s-%s-run-%s", compose_name(op->s->compose), t->service, slug);
    struct compose_create create = {.api_minor = op->engine.api_minor,
                                    .number = 1,
                                    .final_name = name,
                                    .image_id = t->image_id,
                                    .family = op->family,
                                    .peers = op->peers,
                                    .n_peers = op->n_peers,
                                    .one_off_slug = slug};
    AUTO_PTR(json_free)
    struct json *body = compose_create_body(op->s->compose, t->service, &create, err);
    AUTO_PTR(json_free)
    struct json *connects =
        body ? compose_connect_bodies(op->s->compose, t->service, &create, err) : NULL;
    if (!connects)
        return -1;
    spec_label(op, NULL, body);
    take_networks(ret, connects);
    ret->body = steal_ptr(&body);
    ret->name = steal_ptr(&name);
    ret->platform = xstrdup_or_null(t->platform);
    return 0;
}

static void fill_targets(const struct operation *op, struct hook_target *list)
{
    for (size_t i = 0; i < op->n_check_targets; i++)
        list[i] = (struct hook_target){.service = op->check_targets[i].service,
                                       .container_id = op->check_targets[i].container_id,
                                       .deployed = op->check_targets[i].deployed};
}

static int judge(struct operation *op, const char *name, const struct hook_result *r,
                 struct ship_error *err)
{
    if (hook_ok(r))
        return 0;
    char how[HOOK_TEXT_MAX];
    struct ship_error ignored = {0};
    if (op->row.id && r->output && r->output[0] &&
        ledger_put_evidence(op->s->ledger, op->row.id, "hook", name, r->output, &ignored) < 0)
        operation_warn(op, "cannot keep the output of hook '%s': %s", name, ignored.msg);
    return ship_fail(err, SHIP_HOOK, "hook '%s' %s", name, hook_result_text(r, how));
}

static int run_one(struct operation *op, const struct plan_hook *hook, const char *name,
                   struct ship_error *err)
{
    struct check_env vars = operation_check_env(op);
    struct hook_target *targets = xcalloc(op->n_check_targets + 1, sizeof *targets);
    fill_targets(op, targets);
    struct hook_env env = {.runtime = op->s->runtime,
                           .clock = op->s->runtime->clock,
                           .events = op->s->opt.events,
                           .name = name,
                           .dir = op->s->plan->dir,
                           .vars = vars.vars,
                           .n_vars = vars.n_vars,
                           .targets = targets,
                           .n_targets = op->n_check_targets,
                           .timeout_ms = op->s->plan->timeouts.hook_ms,
                           .deadline_ms =
                               op->committed || op->switched ? CLOCK_NEVER : op->deadline_ms,
                           .ignore_stop = op->s->runtime->clock == &op->s->patient,
                           .build = build_one_off,
                           .ctx = op};
    struct hook_result r = {0};
    int rc = hook_run(hook, &env, &r, err);
    if (rc == 0)
        rc = judge(op, name, &r, err);
    hook_result_done(&r);
    free(targets);
    return rc;
}

int operation_run_hooks(struct operation *op, const struct plan_hooks *hooks, const char *kind,
                        char note[STEP_NOTE_MAX], struct ship_error *err)
{
    if (hooks->n == 0)
        return STEP_NOTHING;
    checks_set_targets(op, op->switched ? TARGETS_NEW : TARGETS_LIVE);
    for (size_t i = 0; i < hooks->n; i++) {
        AUTO_FREE char *name = xasprintf("%s[%zu]", kind, i);
        if (run_one(op, &hooks->items[i], name, err) < 0)
            return -1;
    }
    (void)snprintf(note, STEP_NOTE_MAX, "%zu hook%s", hooks->n, hooks->n == 1 ? "" : "s");
    return STEP_OK;
}

STEP_APPLY(step_pre_deploy)
{
    return operation_run_hooks(op, &op->s->plan->hooks.pre_deploy, "pre_deploy", note, err);
}

STEP_APPLY(step_backup)
{
    return operation_run_hooks(op, &op->s->plan->hooks.backup, "backup", note, err);
}

/* A failed migration leaves the schema in an unknown state: what it did before it failed counts,
 * too. */
STEP_APPLY(step_migrate)
{
    const struct plan_hooks *hooks = &op->s->plan->hooks.migrate;
    for (size_t i = 0; i < hooks->n; i++)
        op->migrated = op->migrated || !hooks->items[i].reversible;
    return operation_run_hooks(op, hooks, "migrate", note, err);
}

STEP_APPLY(step_post_deploy)
{
    return operation_run_hooks(op, &op->s->plan->hooks.post_deploy, "post_deploy", note, err);
}
