/*
 * The runner: a deployment is a table of steps with a way back.
 *
 * Order of a run: begin (plan, lock, recovery, ledger) -> each step of the
 * table -> end. A failure before STEP_SWITCH leaves the serving version
 * untouched; between STEP_SWITCH and STEP_COMMIT it walks the journal back and
 * proves the old version; after STEP_COMMIT it only warns. The row in the
 * ledger appears before the first change, so a no-op leaves no trace and a
 * crash always does.
 *
 * What can go wrong in the walk back: the engine is gone (retried until the
 * rollback deadline), the old version does not come up or does not prove
 * itself: exit 30, state needs_operator, `shipctl recover` continues.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "deploy/evidence.h"
#include "deploy/guardian.h"
#include "deploy/operation.h"
#include "deploy/record.h"
#include "deploy/recover.h"
#include "deploy/verify.h"

#define UNDO_RETRY_MS     500
#define UNDO_TRIES        3
#define EVIDENCE_LATER_MS 1500 /* than the end of the operation's time */

static const struct step *current_step(const struct operation *op)
{
    return op->step;
}

const char *operation_step(const struct operation *op)
{
    return current_step(op) ? current_step(op)->name : "";
}

/* ---- events ---- */

static void emit_step(struct operation *op, enum ship_event_kind kind,
                      const struct ship_result_step *rs)
{
    struct ship_event e = {.kind = kind,
                           .step = rs->name,
                           .status = rs->status,
                           .duration_ms = rs->duration_ms,
                           .text = rs->message ? rs->message : ""};
    ship_emit(op->s->opt.events, &e);
}

static struct ship_result_step *step_begin(struct operation *op, const struct step *step)
{
    struct ship_result *r = op->res;
    r->steps = xreallocarray(r->steps, r->n_steps + 1, sizeof *r->steps);
    struct ship_result_step *rs = &r->steps[r->n_steps++];
    *rs = (struct ship_result_step){.name = xstrdup(step->name),
                                    .status = SHIP_STEP_RUNNING,
                                    .started_at_ms = clock_epoch_ms(&op->s->clock)};
    op->step = step;
    lock_describe(&op->lock, r->to.version, step->name);
    emit_step(op, SHIP_EVENT_STEP_BEGIN, rs);
    return rs;
}

static void step_end(struct operation *op, struct ship_result_step *rs,
                     enum ship_step_status status, const char *message)
{
    rs->status = status;
    rs->duration_ms = clock_epoch_ms(&op->s->clock) - rs->started_at_ms;
    rs->message = str_empty(message) ? NULL : xstrdup(message);
    emit_step(op, SHIP_EVENT_STEP_END, rs);
}

static void emit_begin(const struct operation *op)
{
    const char *app = op->s->plan->app, *version = op->wanted ? op->wanted : "";
    AUTO_FREE char *title = xasprintf("%s %s%s%s", op->action, app, version[0] ? " " : "", version);
    struct ship_event e = {.kind = SHIP_EVENT_OPERATION_BEGIN, .text = title};
    ship_emit(op->s->opt.events, &e);
}

/* ---- one step ---- */

/*
 * Mechanisms (engine, timeout, i/o) count as the step's own failure; the rest keeps its meaning.
 * While nothing but questions was asked, no answer means "not reachable".
 */
static void classify(const struct operation *op, const struct step *step, struct ship_error *err)
{
    bool only_asked = !op->switched && !(step->flags & STEP_CHANGE);
    if (err->code == SHIP_TIMEOUT && only_asked)
        return;
    switch ((int)err->code) {
    case SHIP_ENGINE:
    case SHIP_TIMEOUT:
    case SHIP_IO:
    case SHIP_CONFLICT:
    case SHIP_NOT_FOUND:
    case SHIP_DENIED:
        err->code = step->failure;
        break;
    default:
        break;
    }
}

/* The row appears before the first change and says `switching` before the old version is touched.
 */
static int enter_state(struct operation *op, const struct step *step, struct ship_error *err)
{
    if (op->committed || op->dry_run ||
        !(op->switched || (step->flags & (STEP_CHANGE | STEP_SWITCH))))
        return 0;
    if (record_begin(op, err) < 0)
        return -1;
    if (op->switched)
        return record_state_soon(op, LEDGER_VERIFYING, err);
    if (!(step->flags & STEP_SWITCH))
        return 0;
    guardian_start(op);
    if (record_state_soon(op, LEDGER_SWITCHING, err) < 0) {
        err->code = SHIP_UNREACHABLE; /* no failure of the switch: it has not begun */
        return -1;
    }
    op->switched = true;
    session_in_flight(op->s, op->guardian_fd >= 0 ? SHIP_GUARDED : SHIP_UNGUARDED);
    return 0;
}

static bool is_wanted(const struct operation *op, const struct step *step)
{
    return op->dry_run ? (step->flags & (STEP_PREVIEW | STEP_DRY)) != 0 : !(step->flags & STEP_DRY);
}

static int stop_asked(const struct operation *op, struct ship_error *err)
{
    int sig = clock_stop_signal(&op->s->clock);
    if (sig == 0)
        return 0;
    return ship_fail(err, SHIP_INTERRUPTED, "stopped by signal %d (%s)", sig, strsignal(sig));
}

/* After the commit hooks have time limits of their own, the rest has as long as a rollback. */
static void limit_step(struct operation *op, const struct step *step)
{
    struct ship_session *s = op->s;
    int64_t *limit_ms = &s->runtime->limit_ms;
    if (!op->committed)
        return;
    if (step->failure == SHIP_HOOK && s->plan->hooks.post_deploy.n > 0)
        *limit_ms = 0;
    else if (*limit_ms == 0 || *limit_ms == op->deadline_ms)
        op->mutate.deadline_ms = *limit_ms =
            clock_deadline(&s->patient, s->plan->timeouts.rollback_ms);
}

static int run_step(struct operation *op, const struct step *step, struct ship_error *err)
{
    struct ship_result_step *rs = step_begin(op, step);
    char note[STEP_NOTE_MAX] = "";
    int rc = op->committed ? 0 : stop_asked(op, err);
    if (rc == 0)
        rc = enter_state(op, step, err);
    limit_step(op, step);
    if (rc == 0)
        rc = step->apply(op, note, err);
    session_emit_warnings(op->s); /* of files that the step read */
    if (rc < 0) {
        classify(op, step, err);
        step_end(op, rs, op->committed ? SHIP_STEP_WARNED : SHIP_STEP_FAILED, err->msg);
        return -1;
    }
    step_end(op, rs, rc == STEP_NOTHING ? SHIP_STEP_SKIPPED : SHIP_STEP_DONE, note);
    return rc;
}

/* 0 all done, STEP_FINISHED nothing to change, -1 failed. */
static int run_steps(struct operation *op, const struct step *steps, struct ship_error *err)
{
    for (const struct step *step = steps; step->name; step++) {
        if (!is_wanted(op, step))
            continue;
        int rc = run_step(op, step, err);
        if (rc == STEP_FINISHED)
            return rc;
        if (rc < 0 && !op->committed)
            return -1;
        if (rc < 0) {
            bool owed = (step->flags & STEP_OWED) != 0;
            op->is_owed = op->is_owed || owed;
            operation_warn(op, "%s: %s%s", step->name, err->msg,
                           owed ? "; the next command tries again" : "");
            *err = (struct ship_error){0};
        }
    }
    return 0;
}

/* ---- the way back ---- */

static const struct step step_rollback = {"rollback", STEP_READ, SHIP_ROLLBACK_FAILED, NULL};

/*
 * An engine that is away or busy for a moment is no reason to page someone: a port that is not free
 * yet, a container that is still being stopped. Away: until the deadline; anything else: a few
 * tries.
 */
static bool may_retry(struct operation *op, const struct ship_error *err, int *tries,
                      int64_t deadline_ms)
{
    struct ship_error ignored = {0};
    bool is_away = err->code == SHIP_UNREACHABLE || err->code == SHIP_TIMEOUT;
    bool is_final = err->code == SHIP_UNPROVEN || err->code == SHIP_NOT_FOUND;
    if (is_final || (!is_away && ++*tries >= UNDO_TRIES) ||
        clock_left_ms(&op->s->patient, deadline_ms) == 0)
        return false;
    return clock_wait(&op->s->patient, UNDO_RETRY_MS, deadline_ms, &ignored) == 0;
}

static int undo_until(struct operation *op, int64_t deadline_ms, struct ship_error *err)
{
    int tries = 0;
    do {
        *err = (struct ship_error){0};
        if (mutation_undo_all(&op->mutate, err) == 0)
            return 0;
    } while (may_retry(op, err, &tries, deadline_ms));
    return -1;
}

/* What was undone may be down again: a stop was still on its way in the engine. */
static void start_old_again(struct operation *op)
{
    struct runtime *rt = op->s->runtime;
    struct ship_error ignored = {0};
    for (size_t i = 0; i < op->n_reps; i++)
        if (op->reps[i].old_id && op->reps[i].old_running &&
            rt->ops->start(rt, op->reps[i].old_id, clock_deadline(rt->clock, RUNTIME_START_MS),
                           &ignored) < 0)
            continue; /* the next proof says so */
}

static int prove_until(struct operation *op, int64_t deadline_ms, struct ship_error *err)
{
    int tries = 0;
    for (;;) {
        *err = (struct ship_error){0};
        if (verify_old(op, deadline_ms, err) == 0)
            return 0;
        if (!may_retry(op, err, &tries, deadline_ms))
            return -1;
        start_old_again(op);
    }
}

bool operation_had_old(const struct operation *op)
{
    for (size_t i = 0; i < op->n_reps; i++)
        if (op->reps[i].old_id && op->reps[i].old_running)
            return true;
    return op->n_kept > 0;
}

/* What is taken back has a time of its own, and no signal ends it. */
static void begin_undo(struct operation *op)
{
    struct ship_session *s = op->s;
    s->runtime->clock = &s->patient;
    op->mutate.journal_optional = true;
    op->mutate.deadline_ms = clock_deadline(&s->patient, s->plan->timeouts.rollback_ms);
    s->runtime->limit_ms = op->mutate.deadline_ms;
}

int operation_walk_back(struct operation *op, struct ship_error *err)
{
    begin_undo(op);
    if (record_state(op, LEDGER_ROLLING_BACK, err) < 0)
        operation_warn(op, "cannot record the rollback: %s; ignoring", err->msg);
    *err = (struct ship_error){0};
    if (undo_until(op, op->mutate.deadline_ms, err) < 0)
        return -1;
    return operation_had_old(op) ? prove_until(op, op->mutate.deadline_ms, err) : 0;
}

static int rollback_failed(struct operation *op, const struct ship_error *why,
                           const struct ship_error *err)
{
    struct ship_error *e = &op->res->error;
    ship_fail(e, SHIP_ROLLBACK_FAILED, "%s; and the rollback to %s failed: %s", why->msg,
              op->res->from.version ? op->res->from.version : "the old version", err->msg);
    ship_error_hint(e, "page someone, then run: shipctl recover");
    return record_end(op, LEDGER_NEEDS_OPERATOR, SHIP_OUTCOME_FAILED, 30);
}

/* The next command, unless the cause brought its own. */
static void hint_next(struct operation *op)
{
    struct ship_error *e = &op->res->error;
    if (e->hint[0])
        return;
    if (e->code == SHIP_INTERRUPTED)
        ship_error_hint(e, "to try again: shipctl %s%s%s", op->action, op->wanted ? " " : "",
                        op->wanted ? op->wanted : "");
    else
        ship_error_hint(e, "see what happened: shipctl history %lld", (long long)op->row.id);
}

static int rolled_back(struct operation *op, const struct ship_error *why, int64_t took_ms)
{
    op->res->error = *why;
    op->res->error.code = why->code == SHIP_INTERRUPTED ? SHIP_INTERRUPTED : SHIP_UNPROVEN;
    hint_next(op);
    if (!operation_had_old(op)) {
        op->res->rollback =
            xstrdup("there was no running version to go back to; the new containers were removed");
        return record_end(op, LEDGER_FAILED, SHIP_OUTCOME_FAILED, 31);
    }
    char took[STR_DURATION_MAX];
    op->res->rollback = xasprintf("%s is serving again, verified in %s",
                                  op->res->from.version ? op->res->from.version : "the old version",
                                  str_format_duration(took_ms, took));
    return record_end(op, LEDGER_ROLLED_BACK, SHIP_OUTCOME_ROLLED_BACK, 20);
}

/* Why the plan forbids to go back, or NULL. */
static const char *rollback_refused(const struct operation *op)
{
    if (!op->s->plan->rollback.automatic)
        return "rollback.auto is off in the plan";
    if (op->migrated && op->s->plan->rollback.if_migrated == PLAN_MIGRATED_REFUSE)
        return "a migration that is not reversible has run";
    return NULL;
}

static int not_rolled_back(struct operation *op, const struct ship_error *why, const char *reason)
{
    op->res->error = *why;
    op->res->error.code = SHIP_NOT_ROLLED_BACK;
    op->res->rollback = xasprintf("not attempted: %s", reason);
    ship_error_hint(&op->res->error,
                    "fix forward with shipctl deploy, or go back with: shipctl rollback");
    return record_end(op, LEDGER_FAILED, SHIP_OUTCOME_FAILED, 31);
}

/*
 * The new version has proven itself and serves, and recovery agrees with that whether the ledger
 * will turn out to have the commit or not. With the old version it would not.
 */
static int commit_unknown(struct operation *op, const struct ship_error *why)
{
    op->res->error = *why;
    op->res->error.code = SHIP_INCOMPLETE;
    op->res->rollback = xasprintf("not attempted: %s serves and has proven itself, but whether "
                                  "that is recorded cannot be read",
                                  op->res->to.version ? op->res->to.version : "the new version");
    ship_error_hint(&op->res->error,
                    "repair the disk of the state directory, then run: shipctl recover");
    return record_end(op, op->row.state, SHIP_OUTCOME_INTERRUPTED, 32);
}

/* Hardly later than the operation's end: the old version waits. */
static void collect_evidence(struct operation *op)
{
    const struct clock *clock = &op->s->patient;
    int64_t now = clock_now_ms(clock);
    int64_t end = op->deadline_ms > now ? op->deadline_ms : now;
    op->s->runtime->limit_ms = end + EVIDENCE_LATER_MS;
    evidence_collect(op);
}

static int fail_after_switch(struct operation *op, const struct ship_error *why)
{
    if (op->is_commit_unknown)
        return commit_unknown(op, why);
    collect_evidence(op);
    const char *refused = rollback_refused(op);
    if (refused)
        return not_rolled_back(op, why, refused);
    ship_emit_message(op->s->opt.events, SHIP_LEVEL_ERROR, "%s", why->msg);
    (void)step_begin(op, &step_rollback);
    int64_t begin = clock_now_ms(&op->s->patient);
    struct ship_error err = {0};
    int rc = operation_walk_back(op, &err);
    int64_t took = clock_now_ms(&op->s->patient) - begin;
    record_downtime(op);
    /* the walk back may have moved the array: find our step only now */
    struct ship_result_step *rs = &op->res->steps[op->res->n_steps - 1];
    if (rc < 0) {
        step_end(op, rs, SHIP_STEP_FAILED, err.msg);
        return rollback_failed(op, why, &err);
    }
    step_end(op, rs, SHIP_STEP_DONE, op->res->from.version);
    return rolled_back(op, why, took);
}

/* Nothing that serves was touched; candidates and one-off containers go. */
static int fail_before_switch(struct operation *op, const struct ship_error *why)
{
    op->res->error = *why;
    bool by_signal = why->code == SHIP_INTERRUPTED;
    if (by_signal)
        hint_next(op);
    enum ledger_state end = by_signal ? LEDGER_CANCELLED : LEDGER_REFUSED;
    int status =
        by_signal ? 128 + clock_stop_signal(&op->s->clock) : ship_code_exit_status(why->code);
    if (op->row.id) {
        struct ship_error err = {0};
        begin_undo(op);
        if (undo_until(op, clock_now_ms(&op->s->patient), &err) < 0) {
            operation_warn(op, "cannot clean up: %s; the next command tries again", err.msg);
            end = op->row.state; /* stays open for it */
        }
    } else if (op->step && op->s->ledger && !by_signal && !op->rollback) {
        struct ship_error err = {0};
        if (record_begin(op, &err) < 0)
            operation_warn(op, "cannot record the failure: %s; ignoring", err.msg);
    }
    return record_end(op, end, by_signal ? SHIP_OUTCOME_INTERRUPTED : SHIP_OUTCOME_REFUSED, status);
}

/* ---- begin and end ---- */

static int begin(struct operation *op, struct ship_error *err)
{
    struct ship_session *s = op->s;
    if (session_need_plan(s, err) < 0)
        return -1;
    op->res->app = xstrdup(s->plan->app);
    op->res->environment = xstrdup(s->plan->environment);
    emit_begin(op);
    if (op->dry_run) {
        if (session_need_ledger(s, LEDGER_READ, err) < 0)
            return -1;
    } else if (record_lock(op, err) < 0 || session_need_ledger(s, LEDGER_WRITE, err) < 0) {
        return -1;
    }
    if (session_need_runtime(s, err) < 0)
        return -1;
    operation_equip(op);
    if (!op->dry_run && recover_open(op, err) < 0)
        return -1;
    return record_previous(op, err);
}

static void run_failure_hooks(struct operation *op)
{
    char note[STEP_NOTE_MAX];
    struct ship_error err = {0};
    op->s->runtime->clock = &op->s->patient;
    op->s->runtime->limit_ms = 0; /* each hook has its own */
    if (operation_run_hooks(op, &op->s->plan->hooks.on_failure, "on_failure", note, &err) < 0)
        operation_warn(op, "on_failure hook: %s; ignoring", err.msg);
}

static int finish(struct operation *op, int rc, const struct ship_error *why)
{
    if (rc == STEP_FINISHED || op->dry_run)
        return record_end(op, LEDGER_CLEANED, SHIP_OUTCOME_NOOP, 0);
    if (rc == 0)
        return record_end(op, op->is_owed ? LEDGER_COMMITTED : LEDGER_CLEANED,
                          SHIP_OUTCOME_SUCCEEDED, op->strict && op->res->n_warnings > 0 ? 40 : 0);
    int status = op->switched ? fail_after_switch(op, why) : fail_before_switch(op, why);
    if (op->row.id && op->s->plan->hooks.on_failure.n)
        run_failure_hooks(op);
    return status;
}

int operation_run(struct operation *op, const struct step *steps)
{
    struct ship_error err = {0};
    op->res->started_at_ms = clock_epoch_ms(&op->s->clock);
    int rc = begin(op, &err);
    if (rc == 0)
        rc = run_steps(op, steps, &err);
    if (rc < 0 && op->dry_run) {
        op->res->error = err;
        record_end(op, LEDGER_REFUSED, SHIP_OUTCOME_REFUSED, ship_code_exit_status(err.code));
    } else {
        finish(op, rc, &err);
    }
    guardian_stop(op);
    session_in_flight(op->s, SHIP_SETTLED);
    lock_release(&op->lock);
    return op->res->exit_code;
}
