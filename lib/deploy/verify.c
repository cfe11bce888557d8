/*
 * Proof that a version serves: see verify.h.
 *
 * "Running" is not one look: a crash loop reads Running = true between two
 * crashes, so StartedAt and RestartCount must stay what they were. Docker's own
 * health state comes only after its first interval; the container's health
 * check is therefore run here, at once, with our tries.
 */
#include "deploy/verify.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "deploy/checks.h"
#include "deploy/names.h"

#define RUNNING_POLL_MS 50
#define STABLE_SLICE_MS 1000
#define OLD_STABLE_MS   1000

static int inspect(struct operation *op, const char *id, struct container *ret,
                   struct ship_error *err)
{
    struct runtime *rt = op->s->runtime;
    return rt->ops->inspect(rt, id, ret, clock_deadline(rt->clock, RUNTIME_READ_MS), err);
}

/* Why this container does not count as running, or false when it does. */
static bool is_down(const struct container *c, const char *started_at, char reason[512])
{
    bool ended = c->state == CONTAINER_EXITED || c->state == CONTAINER_DEAD;
    bool again = c->state == CONTAINER_RESTARTING || c->restart_count > 0;
    if (c->oom_killed && (ended || again))
        (void)snprintf(
            reason, 512,
            "container '%s' ran out of memory (exit code %lld, OOM-killed, %lld restarts)", c->name,
            (long long)c->exit_code, (long long)c->restart_count);
    else if (again)
        (void)snprintf(reason, 512,
                       "container '%s' keeps restarting (exit code %lld, %lld restarts)", c->name,
                       (long long)c->exit_code, (long long)c->restart_count);
    else if (ended)
        (void)snprintf(reason, 512, "container '%s' exited with code %lld", c->name,
                       (long long)c->exit_code);
    else if (started_at && !str_eq(started_at, c->started_at))
        (void)snprintf(reason, 512, "container '%s' was started again while it was being checked",
                       c->name);
    else
        return false;
    return true;
}

/* 1 one is down, reason says why; 0 each new container was seen up; -1 not all could be seen. */
static int look_at_new(struct operation *op, char reason[512], struct ship_error *err)
{
    int rc = 0;
    for (size_t i = 0; i < op->n_reps; i++) {
        const struct replacement *r = &op->reps[i];
        AUTO(container_done) struct container c = {0};
        if (!r->new_id)
            continue;
        if (inspect(op, r->new_id, &c, err) < 0)
            rc = -1;
        else if (is_down(&c, r->new_started_at, reason))
            return 1;
    }
    return rc;
}

bool verify_gave_up(void *ctx, char reason[512])
{
    struct ship_error e = {0};
    /* Not seen: the engine may be restarting; the check's own deadline decides. */
    return look_at_new(ctx, reason, &e) == 1;
}

static int wait_one_running(struct operation *op, struct replacement *r, int64_t deadline_ms,
                            struct ship_error *err)
{
    char reason[512];
    for (;;) {
        AUTO(container_done) struct container c = {0};
        if (inspect(op, r->new_id, &c, err) < 0)
            return ship_error_wrap(err, "cannot look at container '%s'", r->name);
        if (is_down(&c, NULL, reason))
            return ship_fail(err, SHIP_UNPROVEN, "%s", reason);
        if (c.state == CONTAINER_RUNNING && c.started_at_ms > 0) {
            r->new_started_at = xstrdup(c.started_at);
            return 0;
        }
        if (clock_left_ms(&op->s->clock, deadline_ms) == 0)
            return ship_fail(
                err, SHIP_UNPROVEN, "container '%s' is '%s', not running, after %lld s", r->name,
                container_state_text(c.state), (long long)(op->s->plan->timeouts.start_ms / 1000));
        if (clock_wait(op->s->runtime->clock, RUNNING_POLL_MS, deadline_ms, err) < 0)
            return -1;
    }
}

int verify_running(struct operation *op, int64_t deadline_ms, struct ship_error *err)
{
    for (size_t i = 0; i < op->n_reps; i++)
        if (wait_one_running(op, &op->reps[i], deadline_ms, err) < 0)
            return -1;
    return 0;
}

/* ---- health ---- */

static void mark_serving(struct operation *op)
{
    for (size_t i = 0; i < op->n_reps; i++)
        if (op->reps[i].serving_at_ms == 0)
            op->reps[i].serving_at_ms = clock_now_ms(&op->s->clock);
}

int verify_health(struct operation *op, int64_t deadline_ms, char note[STEP_NOTE_MAX],
                  struct ship_error *err)
{
    checks_set_targets(op, TARGETS_NEW);
    int rc = op->s->plan->checks.health.n ? checks_run_plan(op, &op->s->plan->checks.health,
                                                            CHECK_HEALTH, deadline_ms, note, err)
                                          : checks_run_own(op, deadline_ms, note, err);
    if (rc == 0)
        mark_serving(op);
    return rc;
}

static int64_t youngest_start_ms(struct operation *op)
{
    int64_t youngest = 0;
    for (size_t i = 0; i < op->n_reps; i++) {
        int64_t at = 0;
        if (str_to_time_ms(op->reps[i].new_started_at ? op->reps[i].new_started_at : "", &at) ==
                0 &&
            at > youngest)
            youngest = at;
    }
    return youngest;
}

/* So that a face can show time passing. */
static void emit_waiting(struct operation *op, int64_t until_ms, int64_t window_ms)
{
    char left[STR_DURATION_MAX];
    AUTO_FREE char *text =
        xasprintf("%s to go", str_format_duration(clock_left_ms(&op->s->clock, until_ms), left));
    struct ship_event e = {
        .kind = SHIP_EVENT_STEP_PROGRESS, .step = operation_step(op), .text = text};
    if (window_ms > STABLE_SLICE_MS)
        ship_emit(op->s->opt.events, &e);
}

/* Sleep until the window is over or a container ends; the engine's events wake us at once. */
static int wait_events(struct operation *op, int64_t until_ms, struct ship_error *err)
{
    const char **ids = xcalloc(op->n_reps + 1, sizeof *ids);
    size_t n = 0;
    for (size_t i = 0; i < op->n_reps; i++)
        if (op->reps[i].new_id)
            ids[n++] = op->reps[i].new_id;
    struct engine_event e;
    struct runtime *rt = op->s->runtime;
    int64_t slice = clock_earlier(until_ms, clock_deadline(rt->clock, STABLE_SLICE_MS));
    int rc = rt->ops->wait_event(rt, ids, n, &e, slice, err);
    free(ids);
    return rc < 0 ? -1 : 0;
}

int verify_watch(struct operation *op, int64_t ms, struct ship_error *err)
{
    char reason[512];
    int64_t until = clock_deadline(&op->s->clock, ms);
    for (;;) {
        struct ship_error unseen = {0};
        /* The look that counts begins after the window: an answer may be seconds old. */
        bool is_over = clock_left_ms(&op->s->clock, until) == 0;
        int rc = look_at_new(op, reason, &unseen);
        if (rc == 1)
            return ship_fail(err, SHIP_UNPROVEN, "%s", reason);
        if (is_over && rc == 0)
            return 0;
        /* Nothing is proven by an engine that does not answer. */
        if (is_over && clock_left_ms(&op->s->clock, op->deadline_ms) == 0) {
            *err = unseen;
            return ship_error_wrap(err, "cannot see whether the new containers still run");
        }
        emit_waiting(op, until, ms);
        if (is_over ? clock_wait(&op->s->clock, RUNNING_POLL_MS, op->deadline_ms, err) < 0
                    : wait_events(op, until, err) < 0)
            return -1;
    }
}

int verify_stable(struct operation *op, int64_t min_ms, struct ship_error *err)
{
    int64_t left = youngest_start_ms(op) + min_ms - clock_epoch_ms(&op->s->clock);
    /* A wall clock that was set back must not make the window longer than it is. */
    return verify_watch(op, left < min_ms ? left : min_ms, err);
}

/* ---- the old version after a rollback ---- */

static int old_runs(struct operation *op, const struct replacement *r, struct ship_error *err)
{
    AUTO(container_done) struct container c = {0};
    const char *name = r->old_name ? r->old_name : r->name;
    if (inspect(op, r->old_id, &c, err) < 0)
        return ship_error_wrap(err, "old container '%s'", name);
    /* A journal that ends before the rename does not tell the name: none of ours will do. */
    bool is_named = r->old_name ? str_eq(c.name, r->old_name) : !name_is_ours(c.name);
    if (c.state == CONTAINER_RUNNING && is_named)
        return 0;
    return ship_fail(err, SHIP_ROLLBACK_FAILED, "old container '%s' is '%s' under the name '%s'",
                     name, container_state_text(c.state), c.name);
}

static int old_all_run(struct operation *op, struct ship_error *err)
{
    for (size_t i = 0; i < op->n_reps; i++)
        if (op->reps[i].old_id && op->reps[i].old_running && old_runs(op, &op->reps[i], err) < 0)
            return -1;
    return 0;
}

int verify_old(struct operation *op, int64_t deadline_ms, struct ship_error *err)
{
    char note[STEP_NOTE_MAX];
    if (old_all_run(op, err) < 0)
        return -1;
    checks_set_targets(op, TARGETS_OLD);
    int rc = op->s->plan->checks.health.n ? checks_run_plan(op, &op->s->plan->checks.health,
                                                            CHECK_HEALTH, deadline_ms, note, err)
                                          : checks_run_own(op, deadline_ms, note, err);
    if (rc < 0)
        return -1;
    mark_serving(op);
    if (clock_wait(&op->s->patient, OLD_STABLE_MS, deadline_ms, err) < 0)
        return -1;
    return old_all_run(op, err);
}
