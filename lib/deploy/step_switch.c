/*
 * Steps "create", "switch", "wait-running", "health", "post-checks", "stable":
 * from the candidate to the proof. Creating is slow and harmless and comes
 * first; the outage lasts from the stop of the old container to the first
 * passing health check of the new one.
 */
#include "deploy/checks.h"
#include "deploy/depend.h"
#include "deploy/follow.h"
#include "deploy/record.h"
#include "deploy/services.h"
#include "deploy/spec.h"
#include "deploy/steps.h"
#include "deploy/target.h"
#include "deploy/verify.h"

typedef int (*specify_fn)(struct operation *op, const struct target *t, struct ship_error *err);

/* One after the other: a service may name the container of the one before by its id. */
static int create_target(struct operation *op, const struct target *t, specify_fn specify,
                         struct ship_error *err)
{
    size_t first = op->n_reps;
    bool follows = follow_is_follower(op, t->service);
    if (specify(op, t, err) < 0)
        return -1;
    for (size_t i = first; i < op->n_reps; i++) {
        op->reps[i].follows = follows;
        if (recreate_prepare(&op->mutate, &op->reps[i], err) < 0)
            return -1;
    }
    follow_point_peers(op);
    return 0;
}

static int create_all(struct operation *op, specify_fn specify, char note[STEP_NOTE_MAX],
                      struct ship_error *err)
{
    /* The pull may have taken minutes: look again at what is to be replaced. */
    if (operation_observe(op, err) < 0)
        return -1;
    targets_set_peers(op);
    for (size_t i = 0; i < op->n_targets; i++) {
        const struct target *t = &op->targets[i];
        if ((!t->unchanged || op->force) && create_target(op, t, specify, err) < 0)
            return -1;
    }
    if (follow_create(op, err) < 0)
        return -1;
    (void)snprintf(note, STEP_NOTE_MAX, "%zu container%s", op->n_reps, op->n_reps == 1 ? "" : "s");
    return STEP_OK;
}

STEP_APPLY(step_create)
{
    return create_all(op, spec_from_compose, note, err);
}

STEP_APPLY(step_create_rollback)
{
    return create_all(op, spec_from_record, note, err);
}

static int stop_between(struct operation *op, struct ship_error *err)
{
    int sig = clock_stop_signal(&op->s->clock);
    return sig ? ship_fail(err, SHIP_INTERRUPTED, "stopped by signal %d during the switch", sig)
               : 0;
}

static int pause_before(struct operation *op, size_t i, struct ship_error *err)
{
    int64_t delay = op->s->plan->strategy.delay_ms;
    if (i == 0 || delay == 0 || str_eq(op->reps[i].service, op->reps[i - 1].service))
        return 0;
    return clock_wait(&op->s->clock, delay, op->deadline_ms, err);
}

/* What follows is parked already. */
static int swap_all(struct operation *op, bool follows, struct ship_error *err)
{
    for (size_t i = 0; i < op->n_reps; i++) {
        struct replacement *r = &op->reps[i];
        if (r->follows != follows)
            continue;
        if (pause_before(op, i, err) < 0 || stop_between(op, err) < 0 ||
            depend_wait_replaced(op, i, err) < 0)
            return -1;
        if ((follows ? recreate_promote : recreate_swap)(&op->mutate, r, err) < 0)
            return -1;
    }
    return 0;
}

static int replace_all(struct operation *op, struct ship_error *err)
{
    if (follow_note_restarts(op, err) < 0 || follow_park(op, err) < 0 ||
        swap_all(op, false, err) < 0)
        return -1;
    return swap_all(op, true, err);
}

/* All at once, with every service that does not wait for the new version. */
static int start_first(struct operation *op, struct ship_error *err)
{
    AUTO(wave_done) struct wave wave = {0};
    size_t made = 0;
    for (size_t i = 0; i < op->n_reps; i++) {
        const struct replacement *r = &op->reps[i];
        wave_add_new(&wave, compose_service_find(op->s->compose, r->service), r);
    }
    return services_ensure(op, op->rollback ? 0 : DEPEND_BESIDE, &wave, &made, err);
}

STEP_APPLY(step_switch)
{
    if ((depend_starts_all(op) ? start_first : replace_all)(op, err) < 0)
        return -1;
    (void)snprintf(note, STEP_NOTE_MAX, "%s started", op->res->to.version);
    return STEP_OK;
}

STEP_APPLY(step_wait_running)
{
    return verify_running(op, clock_deadline(&op->s->clock, op->s->plan->timeouts.start_ms), err);
}

STEP_APPLY(step_health)
{
    if (verify_health(op, op->deadline_ms, note, err) < 0)
        return -1;
    record_downtime(op);
    return STEP_OK;
}

STEP_APPLY(step_post_checks)
{
    if (op->s->plan->checks.post.n == 0)
        return STEP_NOTHING;
    checks_set_targets(op, TARGETS_NEW);
    return checks_run_plan(op, &op->s->plan->checks.post, CHECK_POST, op->deadline_ms, note, err);
}

/* The window counts from the start of the containers; the bake time from now. */
STEP_APPLY(step_stable)
{
    int64_t window = op->s->plan->strategy.min_healthy_ms;
    int64_t bake = op->s->plan->strategy.bake_time_ms;
    if (verify_stable(op, window, err) < 0 || (bake && verify_watch(op, bake, err) < 0))
        return -1;
    char text[STR_DURATION_MAX];
    (void)snprintf(note, STEP_NOTE_MAX, "no restart for %s",
                   str_format_duration(window + bake, text));
    return STEP_OK;
}
