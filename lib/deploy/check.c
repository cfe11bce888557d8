/*
 * `shipctl check`: lint, then the checks of one phase against what runs now.
 *
 * Takes no lock and writes nothing. Unlike in a deployment every check of the
 * phase runs, also after one that failed, so that one call tells everything.
 * What can go wrong: plan or compose files invalid (10), engine not reachable
 * (11), a required check failed (15 before, 3 after a deployment).
 */
#include "shipctl/check.h"

#include "base/alloc.h"
#include "deploy/checks.h"
#include "deploy/hide.h"
#include "deploy/lint.h"
#include "deploy/observe.h"
#include "deploy/pin.h"
#include "deploy/record.h"
#include "deploy/target.h"

#define PROBE_TAG "shipctl-check" /* a version no file has: can it be written back? */

/* ---- lint ---- */

static int add_target(struct operation *op, const char *service, struct ship_error *err)
{
    const struct compose_service *svc = compose_service_find(op->s->compose, service);
    struct compose_version v;
    if (compose_service_version(op->s->compose, service, &v, err) < 0)
        return -1;
    op->targets = xreallocarray(op->targets, op->n_targets + 1, sizeof *op->targets);
    op->targets[op->n_targets++] =
        (struct target){.service = xstrdup(service),
                        .image = xasprintf("%s:%s", v.repository, PROBE_TAG),
                        .repository = xstrdup(v.repository),
                        .platform = xstrdup_or_null(svc->platform)};
    strv_add(&op->image_refs, svc->image);
    return 0;
}

static int lint(struct operation *op, struct ship_error *err)
{
    struct ship_session *s = op->s;
    AUTO(strv_done) struct strv services = {0};
    if (session_need_plan(s, err) < 0)
        return -1;
    op->res->app = xstrdup(s->plan->app);
    op->res->environment = xstrdup(s->plan->environment);
    if (session_need_compose(s, NULL, err) < 0 || lint_plan(s, err) < 0 ||
        targets_list(s, &services, err) < 0)
        return -1;
    for (size_t i = 0; i < services.n; i++)
        if (add_target(op, services.v[i], err) < 0)
            return -1;
    return pin_check(op, err);
}

/* ---- what runs now ---- */

static int look(struct operation *op, struct ship_error *err)
{
    struct ship_session *s = op->s;
    struct ship_result *r = op->res;
    if (session_need_ledger(s, LEDGER_READ, err) < 0 || session_need_runtime(s, err) < 0)
        return -1;
    op->deadline_ms = clock_deadline(&s->clock, s->plan->timeouts.total_ms);
    s->runtime->limit_ms = op->deadline_ms;
    if (record_previous(op, err) < 0 || observe_engine(op, err) < 0 ||
        targets_observe_old(op, err) < 0)
        return -1;
    /* Checks that name ${version} mean what runs. */
    r->to.version = xstrdup_or_null(r->from.version);
    r->to.digest = xstrdup_or_null(r->from.digest);
    checks_set_targets(op, TARGETS_LIVE);
    return 0;
}

/* ---- checks ---- */

static const struct {
    const char *name;
    unsigned phase;
    enum ship_code failure;
} phases[] = {
    [SHIP_CHECK_LINT] = {"lint",        0,            SHIP_INVALID  },
    [SHIP_CHECK_PRE] = {"pre-checks",  CHECK_PRE,    SHIP_PRECHECK },
    [SHIP_CHECK_HEALTH] = {"health",      CHECK_HEALTH, SHIP_UNHEALTHY},
    [SHIP_CHECK_POST] = {"post-checks", CHECK_POST,   SHIP_UNHEALTHY},
};

static const struct plan_checks *checks_of(const struct plan *p, enum ship_check_phase phase)
{
    return phase == SHIP_CHECK_PRE      ? &p->checks.pre
           : phase == SHIP_CHECK_HEALTH ? &p->checks.health
                                        : &p->checks.post;
}

/* A verdict is kept and the next check runs; anything else ends the command. */
static int keep_first(const struct ship_error *e, struct ship_error *first, struct ship_error *err)
{
    if (e->code != SHIP_PRECHECK && e->code != SHIP_UNPROVEN) {
        *err = *e;
        return -1;
    }
    if (first->code == SHIP_OK)
        *first = *e;
    return 0;
}

static int run_each(struct operation *op, enum ship_check_phase phase, struct ship_error *first,
                    struct ship_error *err)
{
    const struct plan_checks *all = checks_of(op->s->plan, phase);
    for (size_t i = 0; i < all->n; i++) {
        const struct plan_checks one = {.items = &all->items[i], .n = 1};
        char note[STEP_NOTE_MAX] = "";
        struct ship_error e = {0};
        if (checks_run_plan(op, &one, phases[phase].phase, op->deadline_ms, note, &e) < 0 &&
            keep_first(&e, first, err) < 0)
            return -1;
    }
    return 0;
}

static int run_built_in(struct operation *op, enum ship_check_phase phase, struct ship_error *first,
                        struct ship_error *err)
{
    char note[STEP_NOTE_MAX] = "";
    struct ship_error e = {0};
    int rc = 0;
    if (phase == SHIP_CHECK_PRE)
        rc = checks_run_own_pre(op, &e);
    else if (phase == SHIP_CHECK_HEALTH && op->s->plan->checks.health.n == 0)
        rc = checks_run_own(op, op->deadline_ms, note, &e);
    return rc < 0 ? keep_first(&e, first, err) : 0;
}

/* Health and post checks need something to look at. */
static int need_running(struct operation *op, struct ship_error *err)
{
    for (size_t i = 0; i < op->n_targets; i++) {
        const struct container_row *c = operation_container(op, op->targets[i].service, 0);
        if (c && c->state == CONTAINER_RUNNING)
            continue;
        ship_fail(err, SHIP_UNHEALTHY, "service '%s' does not run", op->targets[i].service);
        return ship_error_hint(err, "see what there is: shipctl status");
    }
    return 0;
}

static int run_phase(struct operation *op, enum ship_check_phase phase, struct ship_error *err)
{
    struct ship_error first = {0};
    if (look(op, err) < 0 || (phase != SHIP_CHECK_PRE && need_running(op, err) < 0) ||
        run_built_in(op, phase, &first, err) < 0 || run_each(op, phase, &first, err) < 0)
        return -1;
    if (first.code == SHIP_OK)
        return 0;
    *err = first;
    err->code = phases[phase].failure;
    return -1;
}

/* ---- steps and the end ---- */

static int run_step(struct operation *op, enum ship_check_phase phase, struct ship_error *err)
{
    const struct step step = {.name = phases[phase].name};
    struct ship_result *r = op->res;
    struct ship_event e = {.kind = SHIP_EVENT_STEP_BEGIN, .step = step.name, .text = ""};
    int64_t begin = clock_epoch_ms(&op->s->clock);
    ship_emit(op->s->opt.events, &e);
    op->step = &step;
    int rc = phase == SHIP_CHECK_LINT ? lint(op, err) : run_phase(op, phase, err);
    op->step = NULL;
    r->steps = xreallocarray(r->steps, r->n_steps + 1, sizeof *r->steps);
    struct ship_result_step *rs = &r->steps[r->n_steps++];
    *rs = (struct ship_result_step){.name = xstrdup(step.name),
                                    .status = rc < 0 ? SHIP_STEP_FAILED : SHIP_STEP_DONE,
                                    .started_at_ms = begin,
                                    .duration_ms = clock_epoch_ms(&op->s->clock) - begin,
                                    .message = rc < 0 ? xstrdup(err->msg) : NULL};
    struct ship_event end = {.kind = SHIP_EVENT_STEP_END,
                             .step = step.name,
                             .status = rs->status,
                             .duration_ms = rs->duration_ms,
                             .text = rs->message ? rs->message : ""};
    ship_emit(op->s->opt.events, &end);
    return rc;
}

static int end(struct operation *op, int rc, const struct ship_error *err)
{
    struct ship_result *r = op->res;
    int sig = clock_stop_signal(&op->s->clock);
    bool stopped = rc < 0 && err->code == SHIP_INTERRUPTED && sig;
    if (rc < 0)
        r->error = *err;
    r->outcome = rc == 0   ? SHIP_OUTCOME_SUCCEEDED
                 : stopped ? SHIP_OUTCOME_INTERRUPTED
                           : SHIP_OUTCOME_FAILED;
    r->exit_code = rc == 0 ? 0 : stopped ? 128 + sig : ship_code_exit_status(err->code);
    r->finished_at_ms = clock_epoch_ms(&op->s->clock);
    r->duration_ms = r->finished_at_ms - r->started_at_ms;
    struct ship_event e = {.kind = SHIP_EVENT_OPERATION_END,
                           .level = rc < 0 ? SHIP_LEVEL_ERROR : SHIP_LEVEL_INFO,
                           .status = rc < 0 ? SHIP_STEP_FAILED : SHIP_STEP_DONE,
                           .duration_ms = r->duration_ms,
                           .text = rc < 0 ? err->msg : "all checks passed"};
    ship_emit(op->s->opt.events, &e);
    return r->exit_code;
}

int ship_check(struct ship_session *s, enum ship_check_phase phase, struct ship_result *ret)
{
    AUTO(operation_done) struct operation op;
    struct ship_error err = {0};
    operation_init(&op, s, ret, "check");
    ret->started_at_ms = clock_epoch_ms(&s->clock);
    int rc = run_step(&op, SHIP_CHECK_LINT, &err);
    if (rc == 0 && phase != SHIP_CHECK_LINT)
        rc = run_step(&op, phase, &err);
    int status = end(&op, rc, &err);
    hide_in_result(s->redact, ret);
    return status;
}
