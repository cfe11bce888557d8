/* Checks inside an operation: see checks.h. */
#include "deploy/checks.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "deploy/verify.h"

#define OWN_TRIES       10
#define OWN_INTERVAL_MS 2000
#define OWN_TIMEOUT_MS  30000
#define NS_PER_MS       1000000

static const struct {
    unsigned phase;
    const char *name;
    enum ship_code failure;
} phases[] = {
    {CHECK_PRE,    "pre",    SHIP_PRECHECK},
    {CHECK_HEALTH, "health", SHIP_UNPROVEN},
    {CHECK_POST,   "post",   SHIP_UNPROVEN},
};

static size_t phase_index(unsigned phase)
{
    size_t i = 0;
    while (i < ARRAY_LEN(phases) - 1 && phases[i].phase != phase)
        i++;
    return i;
}

/* ---- targets ---- */

static void add_target(struct operation *op, const char *service, const char *id, bool deployed)
{
    op->check_targets =
        xreallocarray(op->check_targets, op->n_check_targets + 1, sizeof *op->check_targets);
    op->check_targets[op->n_check_targets++] =
        (struct check_target){.service = service, .container_id = id, .deployed = deployed};
}

static void add_replacements(struct operation *op, enum targets_of which)
{
    for (size_t i = 0; i < op->n_reps; i++) {
        const struct replacement *r = &op->reps[i];
        if (which == TARGETS_NEW && r->new_id)
            add_target(op, r->service, r->new_id, true);
        else if (which == TARGETS_OLD && r->old_id)
            add_target(op, r->service, r->old_id, true);
    }
    for (size_t i = 0; i < op->n_kept; i++)
        add_target(op, op->kept[i].service, op->kept[i].old_id, true);
}

static bool is_among(const struct replacement *reps, size_t n, const char *service)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq(reps[i].service, service))
            return true;
    return false;
}

static bool is_replaced(const struct operation *op, const char *service)
{
    return is_among(op->reps, op->n_reps, service) || is_among(op->kept, op->n_kept, service);
}

void checks_set_targets(struct operation *op, enum targets_of which)
{
    op->n_check_targets = 0;
    if (which != TARGETS_LIVE)
        add_replacements(op, which);
    for (size_t i = 0; op->s->compose && i < compose_services(op->s->compose); i++) {
        const char *service = compose_service_at(op->s->compose, i)->name;
        if (which != TARGETS_LIVE && is_replaced(op, service))
            continue;
        const struct container_row *c = operation_container(op, service, 0);
        if (c)
            add_target(op, service, c->id, operation_target(op, service) != NULL);
    }
}

struct check_env operation_check_env(struct operation *op)
{
    struct ship_session *s = op->s;
    const char *version = op->res->to.version, *digest = op->res->to.digest;
    const struct tmpl_var vars[] = {
        {"version",     version                                               },
        {"digest",      digest                                                },
        {"old.version", op->res->from.version ? op->res->from.version : "none"},
        {"app",         s->plan->app                                          },
        {"environment", s->plan->environment                                  },
    };
    memcpy(op->vars, vars, sizeof vars);
    return (struct check_env){.runtime = s->runtime,
                              .clock = s->runtime->clock,
                              .events = s->opt.events,
                              .targets = op->check_targets,
                              .n_targets = op->n_check_targets,
                              .vars = op->vars,
                              .n_vars = ARRAY_LEN(vars),
                              .dir = s->plan->dir,
                              .engine_root = op->engine.root_dir,
                              .images = (const char *const *)op->image_refs.v,
                              .n_images = op->image_refs.n};
}

/* ---- running ---- */

static void keep_outcome(struct operation *op, const struct check_outcome *o, const char *phase)
{
    struct ship_result *r = op->res;
    r->checks = xreallocarray(r->checks, r->n_checks + 1, sizeof *r->checks);
    r->checks[r->n_checks++] =
        (struct ship_result_check){.id = xstrdup(o->check->id),
                                   .type = xstrdup(o->check->type->name),
                                   .phase = xstrdup(phase),
                                   .required = o->check->required,
                                   .status = xstrdup(check_status_text(o->status)),
                                   .tries = o->tries,
                                   .duration_ms = o->duration_ms,
                                   .message = xstrdup(o->message)};
}

static int judge(struct operation *op, const struct check_outcome *o, size_t phase,
                 struct ship_error *err)
{
    if (o->status == CHECK_PASS)
        return 0;
    const char *what = o->status == CHECK_FAIL ? "failed" : "could not be evaluated";
    if (!o->check->required) {
        operation_warn(op, "%s check '%s' %s after %lld tries: %s; it is not required, ignoring",
                       phases[phase].name, o->check->id, what, (long long)o->tries, o->message);
        return 0;
    }
    return ship_fail(err, phases[phase].failure, "%s check '%s' %s (%lld/%lld tries): %s",
                     phases[phase].name, o->check->id, what, (long long)o->tries,
                     (long long)o->check->retries, o->message);
}

/* Only the proof of a new version gives up when its container dies. */
static bool watches_new(const struct operation *op, unsigned phase)
{
    return phase != CHECK_PRE && op->n_check_targets && op->n_reps && op->reps[0].new_id &&
           str_eq(op->check_targets[0].container_id, op->reps[0].new_id);
}

static int run_all(struct operation *op, const struct checks *cs, unsigned phase,
                   int64_t deadline_ms, struct ship_error *err)
{
    size_t index = phase_index(phase);
    struct check_env env = operation_check_env(op);
    for (size_t i = 0; i < cs->n; i++) {
        struct check_outcome o = {0};
        if (check_run(&cs->items[i], &env, operation_step(op), deadline_ms,
                      watches_new(op, phase) ? verify_gave_up : NULL, op, &o, err) < 0)
            return -1;
        keep_outcome(op, &o, phases[index].name);
        if (judge(op, &o, index, err) < 0)
            return -1;
    }
    return 0;
}

static int prepare(const struct plan_checks *plan, unsigned phase, struct checks *ret,
                   struct ship_error *err)
{
    struct yaml_problems problems = {0};
    checks_prepare(plan, phase, &problems, ret);
    int rc = yaml_problems_check(&problems, err);
    yaml_problems_done(&problems);
    return rc;
}

/* Built-in ones count, too. */
static size_t checks_done_in(const struct operation *op, unsigned phase)
{
    size_t n = 0;
    for (size_t i = 0; i < op->res->n_checks; i++)
        n += str_eq(op->res->checks[i].phase, phases[phase_index(phase)].name);
    return n;
}

int checks_run_plan(struct operation *op, const struct plan_checks *plan, unsigned phase,
                    int64_t deadline_ms, char note[STEP_NOTE_MAX], struct ship_error *err)
{
    AUTO(checks_done) struct checks cs = {0};
    if (prepare(plan, phase, &cs, err) < 0 || run_all(op, &cs, phase, deadline_ms, err) < 0)
        return -1;
    (void)snprintf(note, STEP_NOTE_MAX, "%zu done", checks_done_in(op, phase));
    return 0;
}

static int run_one(struct operation *op, struct plan_check *pc, const char *yaml, unsigned phase,
                   int64_t deadline_ms, struct ship_error *err)
{
    AUTO_PTR(yaml_free) struct yaml_file *f = yaml_parse("built-in check", yaml, strlen(yaml), err);
    if (!f)
        return -1;
    pc->node = yaml_root(f, 0);
    struct plan_checks one = {.items = pc, .n = 1};
    AUTO(checks_done) struct checks cs = {0};
    if (prepare(&one, phase, &cs, err) < 0)
        return -1;
    return run_all(op, &cs, phase, deadline_ms, err);
}

int checks_run_builtin(struct operation *op, const struct check_builtin *check, int64_t deadline_ms,
                       struct ship_error *err)
{
    struct plan_check pc = {.id = (char *)(uintptr_t)check->type,
                            .type = (char *)(uintptr_t)check->type,
                            .required = true,
                            .timeout_ms = OWN_TIMEOUT_MS,
                            .interval_ms = OWN_INTERVAL_MS,
                            .retries = check->retries};
    return run_one(op, &pc, check->yaml, check->phase, deadline_ms, err);
}

/* Compose lets probes fail during start_period: those tries come on top of ours. */
static int64_t own_tries(const struct container *c)
{
    int64_t start_ms = json_i64(c->doc, "Config.Healthcheck.StartPeriod", 0) / NS_PER_MS;
    return OWN_TRIES + start_ms / OWN_INTERVAL_MS;
}

static int run_own_of(struct operation *op, const struct check_target *t, size_t *n,
                      int64_t deadline_ms, struct ship_error *err)
{
    AUTO(container_done) struct container c = {0};
    struct runtime *rt = op->s->runtime;
    if (rt->ops->inspect(rt, t->container_id, &c, clock_deadline(rt->clock, RUNTIME_READ_MS), err) <
        0)
        return -1;
    if (!c.has_healthcheck)
        return 0;
    ++*n;
    AUTO_FREE char *yaml = xasprintf("{service: %s}", t->service);
    struct check_builtin check = {"healthcheck", yaml, CHECK_HEALTH, own_tries(&c)};
    return checks_run_builtin(op, &check, deadline_ms, err);
}

int checks_run_own(struct operation *op, int64_t deadline_ms, char note[STEP_NOTE_MAX],
                   struct ship_error *err)
{
    size_t n = 0;
    for (size_t i = 0; i < op->n_check_targets; i++)
        if (op->check_targets[i].deployed &&
            run_own_of(op, &op->check_targets[i], &n, deadline_ms, err) < 0)
            return -1;
    if (n == 0)
        operation_warn(op, "no health check in the plan and none in the containers: "
                           "'healthy' means running without a restart");
    (void)snprintf(note, STEP_NOTE_MAX, n ? "%zu own health check passed" : "no health check", n);
    return 0;
}
