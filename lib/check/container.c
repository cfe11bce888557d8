/*
 * container: a service's container runs, is healthy, has not restarted.
 *
 * service: default each deployed one. healthy: `auto` (must be healthy when
 * it has a health check), true (must have one), false (not looked at).
 * max_restarts: default 0 for a deployed service, no limit for others.
 * PASS: all hold. FAIL: any does not, or there is no such container; an
 * exited container is final. UNKNOWN: the engine does not answer.
 */
#include <stdio.h>
#include <string.h>

#include "check/support.h"
#include "check/types.h"

enum want_healthy { WANT_AUTO, WANT_TRUE, WANT_FALSE };
static const char *const healthy_words[] = {"auto", "true", "false", NULL};

#define RESTARTS_DEFAULT (-1)

struct container_config {
    char *service;
    int healthy; /* enum want_healthy */
    int64_t max_restarts;
    bool allow_oom;
};

static const struct field container_fields[] = {
    {.key = "service",
     .kind = FIELD_STRING,
     .offset = offsetof(struct container_config, service),
     .min = 1,
     .max = 255,
     .fallback = ""},
    {.key = "healthy",
     .kind = FIELD_ENUM,
     .offset = offsetof(struct container_config, healthy),
     .fallback = "auto",
     .words = healthy_words},
    {.key = "max_restarts",
     .kind = FIELD_INT,
     .offset = offsetof(struct container_config, max_restarts),
     .min = RESTARTS_DEFAULT,
     .max = 1000000,
     .fallback = "-1"},
    {.key = "allow_oom",
     .kind = FIELD_BOOL,
     .offset = offsetof(struct container_config, allow_oom),
     .fallback = "false"},
    {0                          },
};

static int judge_state(const char *service, const struct container *c, struct check_result *ret)
{
    bool dead = c->state == CONTAINER_EXITED || c->state == CONTAINER_DEAD;

    if (c->state == CONTAINER_RUNNING)
        return 1;
    ret->final = dead;
    if (dead)
        return check_say(
            ret, CHECK_FAIL, "container of service '%s' has %s with exit status %lld%s%s%s",
            service, container_state_text(c->state), (long long)c->exit_code,
            c->oom_killed ? ", out of memory" : "", str_empty(c->state_error) ? "" : ": ",
            str_empty(c->state_error) ? "" : c->state_error);
    return check_say(ret, CHECK_FAIL, "container of service '%s' is %s, not running", service,
                     container_state_text(c->state));
}

static int judge_restarts(const struct container_config *cfg, const struct check_target *target,
                          const struct container *c, struct check_result *ret)
{
    int64_t max = cfg->max_restarts;

    if (max == RESTARTS_DEFAULT)
        max = target->deployed ? 0 : INT64_MAX;
    if (c->restart_count > max)
        return check_say(ret, CHECK_FAIL,
                         "container of service '%s' has restarted %lld times, want at most %lld",
                         target->service, (long long)c->restart_count, (long long)max);
    if (c->oom_killed && !cfg->allow_oom)
        return check_say(ret, CHECK_FAIL,
                         "a process in the container of service '%s' was killed: out of memory",
                         target->service);
    return 1;
}

static int judge_health(const struct container_config *cfg, const char *service,
                        const struct container *c, struct check_result *ret)
{
    struct buf log = {.p = c->health_output,
                      .len = c->health_output ? strlen(c->health_output) : 0};
    char tail[256] = "";

    if (cfg->healthy == WANT_FALSE || c->health == HEALTH_HEALTHY)
        return 1;
    if (c->health == HEALTH_NONE && cfg->healthy == WANT_AUTO)
        return 1;
    if (c->health == HEALTH_NONE)
        return check_say(ret, CHECK_FAIL, "container of service '%s' has no health check", service);
    if (log.p)
        check_tail(&log, tail, sizeof tail);
    return check_say(ret, CHECK_FAIL,
                     "container of service '%s' is %s, not healthy (%lld failures)%s%s", service,
                     container_health_text(c->health), (long long)c->health_failing,
                     *tail ? ": " : "", tail);
}

static int judge_target(const struct check_env *env, const struct container_config *cfg,
                        const struct check_target *target, int64_t deadline_ms,
                        struct check_result *ret, struct ship_error *err)
{
    AUTO(container_done) struct container c = {0};
    struct runtime *rt = env->runtime;
    int rc;

    if (!target->container_id)
        return check_say(ret, CHECK_FAIL, "service '%s' has no container", target->service);
    if (rt->ops->inspect(rt, target->container_id, &c, deadline_ms, err) < 0)
        return err->code == SHIP_NOT_FOUND
                   ? check_say(ret, CHECK_FAIL, "container of service '%s' is gone",
                               target->service)
                   : check_unknown(ret, err);
    rc = judge_state(target->service, &c, ret);
    if (rc == 1)
        rc = judge_restarts(cfg, target, &c, ret);
    return rc == 1 ? judge_health(cfg, target->service, &c, ret) : rc;
}

static int container_run(const struct check_env *env, const void *config, int64_t deadline_ms,
                         struct check_result *ret, struct ship_error *err)
{
    const struct container_config *cfg = config;
    size_t seen = 0;

    for (size_t i = 0; i < env->n_targets; i++) {
        int rc;

        if (!check_target_wanted(&env->targets[i], cfg->service))
            continue;
        seen++;
        rc = judge_target(env, cfg, &env->targets[i], deadline_ms, ret, err);
        if (rc <= 0)
            return rc;
    }
    if (seen == 0)
        return check_say(ret, CHECK_FAIL, "no container of service '%s'",
                         cfg->service ? cfg->service : "(deployed)");
    return check_say(ret, CHECK_PASS, "%zu %s as wanted", seen,
                     seen == 1 ? "container runs" : "containers run");
}

const struct check_type check_container = {
    .name = "container",
    .phases = CHECK_PRE | CHECK_HEALTH | CHECK_POST,
    .summary = "A service's container runs, is healthy and has not restarted.",
    .fields = container_fields,
    .config_size = sizeof(struct container_config),
    .run = container_run,
};
