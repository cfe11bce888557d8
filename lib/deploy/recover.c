/*
 * Recovery: see recover.h. Table (last durable state, what is observed, action):
 *
 *   preparing, prepared       any                        remove candidates; abandoned
 *   switching, verifying      new runs, old does not     prove the new one: commit, else roll back
 *   switching, verifying      anything else              roll back
 *   rolling_back, needs_op.   any                        roll back again (idempotent)
 *   committed                 any                        pin, remove leftovers; cleaned
 *
 * What can go wrong: the old version can not be started or does not prove
 * itself: the row becomes needs_operator and every mutating command repeats
 * this until it works.
 */
#include "deploy/recover.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/image_ref.h"
#include "deploy/image.h"
#include "deploy/names.h"
#include "deploy/record.h"
#include "deploy/steps.h"
#include "deploy/target.h"
#include "deploy/verify.h"

#define RESUME_MIN_MS 10000

/* ---- what the dead operation was doing, from its journal ---- */

static struct replacement *find(struct operation *op, const char *service, const char *name)
{
    for (size_t i = 0; i < op->n_reps; i++)
        if (str_eq(op->reps[i].service, service) && str_eq(op->reps[i].name, name))
            return &op->reps[i];
    return NULL;
}

static struct replacement *find_or_add(struct operation *op, const char *service, const char *name)
{
    struct replacement *r = find(op, service, name);
    if (r)
        return r;
    op->reps = xreallocarray(op->reps, op->n_reps + 1, sizeof *op->reps);
    op->reps[op->n_reps] = (struct replacement){
        .service = xstrdup(service), .name = xstrdup(name), .candidate = xstrdup(name)};
    return &op->reps[op->n_reps++];
}

static void take_create(struct operation *op, const struct ledger_journal *row,
                        const struct json *args, const struct json *observed)
{
    const char *name = json_str(args, "name"), *id = json_str(observed, "id");
    if (!name || json_bool(args, "keep", false))
        return;
    AUTO_FREE char *final = name_final(name);
    struct replacement *r = find_or_add(op, row->service, final);
    free(r->new_id);
    /* Without an outcome the candidate is looked up by its name, which is unique to the operation.
     */
    r->new_id = xstrdup(id ? id : name);
}

static void take_rename(struct operation *op, const struct ledger_journal *row,
                        const struct json *args)
{
    const char *from = json_str(args, "from"), *to = json_str(args, "to");
    if (!from || !to || !name_is_ours(to) || name_is_ours(from))
        return; /* the candidate getting its final name */
    AUTO_FREE char *final = name_final(to);
    struct replacement *r = find_or_add(op, row->service, final);
    free(r->parked);
    free(r->old_name);
    r->parked = xstrdup(to);
    r->old_name = xstrdup(from);
}

static void take_stop(struct operation *op, const struct ledger_journal *row,
                      const struct json *args)
{
    for (size_t i = 0; i < op->n_reps; i++) {
        struct replacement *r = &op->reps[i];
        if (!str_eq(r->service, row->service) || r->old_id)
            continue;
        r->old_id = xstrdup_or_null(json_str(args, "id"));
        r->old_running = json_bool(args, "was_running", true);
        return;
    }
}

static int read_journal(struct operation *op, struct ship_error *err)
{
    AUTO(ledger_journals_done) struct ledger_journals js = {0};
    if (ledger_settle(op->s->ledger, err) < 0 ||
        ledger_journal_read(op->s->ledger, op->row.id, &js, err) < 0)
        return -1;
    for (size_t i = 0; i < js.n; i++) {
        const struct ledger_journal *row = &js.rows[i];
        const char *seen = row->observed_json ? row->observed_json : "{}";
        struct ship_error ignored = {0};
        AUTO_PTR(json_free)
        struct json *args = json_parse(row->args_json, strlen(row->args_json), "journal", &ignored);
        AUTO_PTR(json_free)
        struct json *observed = json_parse(seen, strlen(seen), "journal", &ignored);
        if (!row->service)
            continue;
        if (str_eq(row->kind, "create"))
            take_create(op, row, args, observed);
        else if (str_eq(row->kind, "dependent"))
            op->restarts = true;
        else if (str_eq(row->kind, "stop"))
            take_stop(op, row, args);
        else if (str_eq(row->kind, "rename"))
            take_rename(op, row, args);
    }
    return 0;
}

/* ---- observing ---- */

static bool is_running(struct operation *op, const char *id)
{
    AUTO(container_done) struct container c = {0};
    struct runtime *rt = op->s->runtime;
    struct ship_error ignored = {0};
    return id &&
           rt->ops->inspect(rt, id, &c, clock_deadline(rt->clock, RUNTIME_READ_MS), &ignored) ==
               0 &&
           c.state == CONTAINER_RUNNING;
}

/* Every replaced container is down and every new one runs: the switch was complete. */
static bool new_serves(struct operation *op)
{
    for (size_t i = 0; i < op->n_reps; i++)
        if (!is_running(op, op->reps[i].new_id) ||
            (op->reps[i].old_id && is_running(op, op->reps[i].old_id)))
            return false;
    return op->n_reps > 0;
}

/* ---- the actions ---- */

static void set_deadlines(struct operation *op, int64_t ms)
{
    op->deadline_ms = clock_deadline(&op->s->patient, ms < RESUME_MIN_MS ? RESUME_MIN_MS : ms);
    op->mutate.deadline_ms = op->deadline_ms;
    op->s->runtime->limit_ms = op->deadline_ms;
}

static int target_from_container(struct operation *op, const struct replacement *r,
                                 struct ship_error *err)
{
    AUTO(container_done) struct container c = {0};
    struct runtime *rt = op->s->runtime;
    struct image_ref ref;
    if (rt->ops->inspect(rt, r->new_id, &c, clock_deadline(rt->clock, RUNTIME_READ_MS), err) < 0 ||
        image_ref_parse(c.image, &ref, err) < 0)
        return -1;
    /* A follower keeps its image and is no part of the version. */
    if (operation_target(op, r->service) || !container_label(&c, LABEL_VERSION))
        return 0;
    op->targets = xreallocarray(op->targets, op->n_targets + 1, sizeof *op->targets);
    op->targets[op->n_targets++] =
        (struct target){.service = xstrdup(r->service),
                        .image = xstrdup(c.image),
                        .repository = xstrdup(ref.repository),
                        .version = xstrdup_or_null(container_label(&c, LABEL_VERSION)),
                        .digest = xstrdup_or_null(container_label(&c, LABEL_DIGEST)),
                        .image_id = xstrdup(c.image_id),
                        .unchanged = true}; /* its specification is read back from the engine */
    return 0;
}

/* The remaining proof, with what is left of the time a start may take; then the commit. */
static int resume(struct operation *op, struct ship_error *err)
{
    char note[STEP_NOTE_MAX] = "";
    set_deadlines(op, op->s->plan->timeouts.start_ms + op->s->plan->strategy.min_healthy_ms);
    if (session_need_compose(op->s, NULL, err) < 0)
        return -1;
    for (size_t i = 0; i < op->n_reps; i++)
        if (target_from_container(op, &op->reps[i], err) < 0)
            return -1;
    if (operation_observe(op, err) < 0 || verify_running(op, op->deadline_ms, err) < 0 ||
        verify_health(op, op->deadline_ms, note, err) < 0 || step_post_checks(op, note, err) < 0 ||
        verify_stable(op, op->s->plan->strategy.min_healthy_ms, err) < 0 ||
        operation_observe(op, err) < 0)
        return -1;
    free(op->res->to.digest); /* the row may not have known it yet; it knew the version */
    op->res->to.digest = xstrdup_or_null(op->targets[0].digest);
    return step_commit(op, note, err);
}

static int clean_up(struct operation *op, struct ship_error *err)
{
    char note[STEP_NOTE_MAX] = "";
    if (session_need_compose(op->s, NULL, err) < 0)
        return -1;
    AUTO(ledger_services_done) struct ledger_services services = {0};
    if (ledger_services_read(op->s->ledger, op->row.id, &services, err) < 0)
        return -1;
    for (size_t i = 0; i < services.n && op->n_targets < services.n; i++) {
        op->targets = xreallocarray(op->targets, op->n_targets + 1, sizeof *op->targets);
        op->targets[op->n_targets++] = (struct target){.service = xstrdup(services.rows[i].service),
                                                       .image = xstrdup(services.rows[i].image)};
    }
    if (step_pin(op, note, err) < 0 || step_clean_up(op, note, err) < 0)
        return -1;
    return 0;
}

/* "deploy 41 (v1.0.1) by ana died in step 'switch' 3 min ago"; heap. */
static char *describe(const struct operation *op)
{
    const struct ledger_deployment *d = &op->row;
    AUTO_FREE char *name = xasprintf("%s %lld (%s) by %s", d->action, (long long)d->id,
                                     d->to_version ? d->to_version : "?", d->actor);
    char age[STR_DURATION_MAX];
    str_format_duration(clock_epoch_ms(&op->s->clock) - d->started_at_ms, age);
    if (d->exit_code < 0)
        return xasprintf("%s died in step '%s' %s ago", name, d->last_step ? d->last_step : "?",
                         age);
    return xasprintf("%s, %s ago, left work behind", name, age);
}

static int close_as(struct operation *op, enum ledger_state state, enum ship_outcome outcome,
                    int exit_code, const char *how)
{
    AUTO_FREE char *what = describe(op);
    AUTO_FREE char *text = xasprintf("%s: %s", what, how);
    if (outcome != SHIP_OUTCOME_SUCCEEDED)
        ship_fail(&op->res->error, SHIP_INCOMPLETE, "%s", text);
    ship_emit_message(op->s->opt.events, SHIP_LEVEL_WARNING, "%s", text);
    free(op->res->rollback);
    op->res->rollback = xstrdup(text);
    struct ship_error message = op->res->error;
    record_end(op, state, outcome, exit_code);
    op->res->error = message;
    return 0;
}

static bool is_among_replaced(const struct operation *op, const char *service)
{
    for (size_t i = 0; i < op->n_reps; i++)
        if (str_eq(op->reps[i].service, service))
            return true;
    return false;
}

static bool is_ours(const struct operation *op, const struct container_row *c)
{
    return mutation_made(&op->mutate, container_row_label(c, LABEL_OPERATION),
                         container_row_label(c, LABEL_LEDGER));
}

static void take_running(struct operation *op, const char *service, const struct container_row *c)
{
    struct replacement *r = find(op, service, c->name);
    if (r && !r->old_id) {
        r->old_id = xstrdup(c->id);
        r->old_running = true;
    }
    if (r)
        return;
    op->kept = xreallocarray(op->kept, op->n_kept + 1, sizeof *op->kept);
    op->kept[op->n_kept++] = (struct replacement){
        .service = xstrdup(service), .name = xstrdup(c->name), .old_id = xstrdup(c->id)};
}

/*
 * What was not touched is not in the journal: an old container that was to be stopped next, and
 * replicas that stay when others are added. An engine that does not answer now fails the walk back.
 */
static void find_untouched(struct operation *op)
{
    struct ship_error ignored = {0};
    if (operation_observe(op, &ignored) < 0)
        return;
    for (size_t i = 0; i < op->containers.n; i++) {
        const struct container_row *c = &op->containers.rows[i];
        const char *service = container_row_label(c, "com.docker.compose.service");
        if (is_among_replaced(op, service) && c->state == CONTAINER_RUNNING && !is_ours(op, c) &&
            operation_is_live_of(op, c, service))
            take_running(op, service, c);
    }
}

/*
 * Candidates that the journal does not know: the ledger lost the row, or the engine was late. They
 * have never run; what can not be removed waits for the next deployment (step_clean_up).
 */
static void remove_unknown(struct operation *op)
{
    struct ship_error ignored = {0};
    if (operation_observe(op, &ignored) < 0)
        return;
    for (size_t i = 0; i < op->containers.n; i++) {
        const struct container_row *c = &op->containers.rows[i];
        const char *service = container_row_label(c, "com.docker.compose.service");
        if (service && is_ours(op, c) && name_is_ours(c->name) && c->state == CONTAINER_CREATED &&
            mutate_remove(&op->mutate, service, c->id, c->name, &ignored) < 0)
            return;
    }
}

static int roll_back(struct operation *op, struct ship_error *err)
{
    find_untouched(op);
    if (operation_walk_back(op, err) == 0) {
        remove_unknown(op);
        return operation_had_old(op)
                   ? close_as(op, LEDGER_ROLLED_BACK, SHIP_OUTCOME_ROLLED_BACK, 20,
                              "the old version is serving again, verified")
                   : close_as(op, LEDGER_FAILED, SHIP_OUTCOME_FAILED, 31,
                              "its containers were removed; no version served before");
    }
    struct ship_error why = *err;
    close_as(op, LEDGER_NEEDS_OPERATOR, SHIP_OUTCOME_FAILED, 30, why.msg);
    ship_fail(err, SHIP_ROLLBACK_FAILED, "operation %lld can not be brought to an end: %s",
              (long long)op->row.id, why.msg);
    return ship_error_hint(err, "fix the cause it names, then run: shipctl recover");
}

/*
 * Clean-up never blocks the next command, unless the engine is gone: what can not be removed is
 * tried again after the next deployment (step_clean_up).
 */
static int forgive(const struct operation *op, struct ship_error *err)
{
    if (err->code == SHIP_UNREACHABLE)
        return ship_error_wrap(err, "clean-up of operation %lld", (long long)op->row.id);
    ship_emit_message(op->s->opt.events, SHIP_LEVEL_WARNING,
                      "clean-up of operation %lld: %s; ignoring", (long long)op->row.id, err->msg);
    *err = (struct ship_error){0};
    return 0;
}

static int abandon(struct operation *op, struct ship_error *err)
{
    set_deadlines(op, op->s->plan->timeouts.rollback_ms);
    if (mutation_undo_all(&op->mutate, err) < 0 && forgive(op, err) < 0)
        return -1;
    remove_unknown(op);
    if (str_eq(op->row.outcome, "refused")) /* it ended by itself, but could not clean up */
        return close_as(op, LEDGER_REFUSED, SHIP_OUTCOME_REFUSED, op->row.exit_code,
                        "finished the clean-up");
    return close_as(op, LEDGER_ABANDONED, SHIP_OUTCOME_INTERRUPTED, 137, "nothing had changed");
}

static int finish_committed(struct operation *op, struct ship_error *err)
{
    set_deadlines(op, op->s->plan->timeouts.rollback_ms);
    op->committed = true;
    /* All of it can be repeated, but the row is closed: a version not written back would be lost.
     */
    op->mutate.journal_optional = true;
    if (clean_up(op, err) < 0 && forgive(op, err) < 0)
        return -1;
    return close_as(op, LEDGER_CLEANED, SHIP_OUTCOME_SUCCEEDED, 0,
                    "it was complete; finished the clean-up");
}

static int finish_switched(struct operation *op, struct ship_error *err)
{
    struct ship_error e = {0};
    if (read_journal(op, err) < 0)
        return -1;
    bool may_resume = op->row.state == LEDGER_SWITCHING || op->row.state == LEDGER_VERIFYING;
    if (may_resume && !op->restarts && new_serves(op) && resume(op, &e) == 0)
        return finish_committed(op, err);
    if (op->is_commit_unknown) {
        *err = e;
        return ship_error_wrap(err, "operation %lld", (long long)op->row.id);
    }
    return roll_back(op, err);
}

static const struct {
    enum ledger_state state;
    int (*handle)(struct operation *op, struct ship_error *err);
} handlers[] = {
    {LEDGER_PREPARING,      abandon         },
    {LEDGER_PREPARED,       abandon         },
    {LEDGER_SWITCHING,      finish_switched },
    {LEDGER_VERIFYING,      finish_switched },
    {LEDGER_ROLLING_BACK,   finish_switched },
    {LEDGER_NEEDS_OPERATOR, finish_switched },
    {LEDGER_COMMITTED,      finish_committed},
};

/* ---- one open operation ---- */

static const struct step step_recover = {"recover", STEP_READ, SHIP_ROLLBACK_FAILED, NULL};

static int recover_one(struct operation *op, struct ledger_deployment *row, struct ship_result *res,
                       struct ship_error *err)
{
    AUTO(operation_done) struct operation dead;
    struct runtime *rt = op->s->runtime;
    const struct clock *clock = rt->clock;
    int64_t limit_ms = rt->limit_ms;
    operation_init(&dead, op->s, res, row->action);
    dead.step = &step_recover;
    lock_describe(&op->lock, NULL, step_recover.name);
    dead.is_nested = true;
    dead.row = *row;
    dead.previous.id = row->from_id;
    res->deployment = row->id;
    res->app = xstrdup(row->app);
    res->environment = xstrdup(row->environment);
    res->from.version = xstrdup_or_null(row->from_version);
    res->to.version = xstrdup_or_null(row->to_version);
    res->started_at_ms = row->started_at_ms;
    dead.mutate = op->mutate;
    dead.mutate.written = (struct ledger_journals){0}; /* another's: nothing is remembered */
    dead.mutate.ledger = op->s->ledger;
    dead.mutate.operation = row->id;
    dead.wanted = row->to_version;
    rt->clock = &op->s->patient;
    if (row->state != LEDGER_PREPARING && row->state != LEDGER_PREPARED)
        session_in_flight(op->s, SHIP_UNGUARDED);
    rt->limit_ms = clock_deadline(rt->clock, op->s->plan->timeouts.rollback_ms);
    int rc = -1;
    if (rt->ops->probe(rt, &dead.engine, clock_deadline(rt->clock, RUNTIME_READ_MS), err) == 0)
        for (size_t i = 0; i < ARRAY_LEN(handlers); i++)
            if (handlers[i].state == row->state)
                rc = handlers[i].handle(&dead, err);
    rt->clock = clock;
    session_in_flight(op->s, SHIP_SETTLED);
    rt->limit_ms = limit_ms;
    dead.row = (struct ledger_deployment){0};
    return rc;
}

static int recover_next(struct operation *op, struct ship_result *res, struct ship_error *err)
{
    AUTO(ledger_deployment_done) struct ledger_deployment row = {0};
    const struct plan *p = op->s->plan;
    int rc = ledger_open_operation(op->s->ledger, p->app, p->environment, &row, err);
    if (rc == 0)
        rc = recover_one(op, &row, res, err);
    if (rc < 0 && err->code == SHIP_IO)
        err->code = SHIP_UNREACHABLE; /* the ledger; the command itself has not begun */
    return rc;
}

static int end_not_kept(const struct operation *op, int64_t id, struct ship_error *err)
{
    ship_fail(err, SHIP_UNREACHABLE,
              "operation %lld was recovered, but the ledger '%s' does not keep its end",
              (long long)id, ledger_path(op->s->ledger));
    return ship_error_hint(err, "free space on the disk of the state directory, or repair it, then "
                                "run: shipctl recover");
}

int recover_open(struct operation *op, struct ship_error *err)
{
    int64_t last = 0;
    for (;;) {
        AUTO(ship_result_done) struct ship_result res = {0};
        int rc = recover_next(op, &res, err);
        if (rc != 0)
            return rc < 0 ? -1 : 0;
        if (res.deployment == last)
            return end_not_kept(op, last, err);
        last = res.deployment;
    }
}

/* ---- the command ---- */

static int open_all(struct operation *op, struct ship_error *err)
{
    struct ship_session *s = op->s;
    if (session_need_plan(s, err) < 0)
        return -1;
    op->res->app = xstrdup(s->plan->app);
    op->res->environment = xstrdup(s->plan->environment);
    if ((op->lock.fd < 0 && record_lock(op, err) < 0) ||
        session_need_ledger(s, LEDGER_WRITE, err) < 0 || session_need_runtime(s, err) < 0)
        return -1;
    op->mutate = (struct mutation_env){.runtime = s->runtime,
                                       .ledger = s->ledger,
                                       .patient = &s->patient,
                                       .deadline_ms = CLOCK_NEVER,
                                       .journal_optional = true,
                                       .events = s->opt.events};
    return 0;
}

/* Created for an operation of this ledger and never started. We hold the lock: it has ended. */
static bool is_stray(const struct operation *op, const struct container_row *c)
{
    return name_is_ours(c->name) && c->state == CONTAINER_CREATED &&
           str_eq(container_row_label(c, LABEL_LEDGER), ledger_uuid(op->s->ledger));
}

static bool is_name_free(const struct operation *op, const char *name)
{
    for (size_t i = 0; i < op->containers.n; i++)
        if (str_eq(op->containers.rows[i].name, name))
            return false;
    return true;
}

static void settle_stray(struct operation *op, const struct container_row *c)
{
    struct runtime *rt = op->s->runtime;
    struct ship_error ignored = {0};
    int64_t end = clock_deadline(rt->clock, RUNTIME_CHANGE_MS);
    AUTO_FREE char *final = name_final(c->name);
    if (is_stray(op, c) && rt->ops->remove(rt, c->id, false, end, &ignored) == 0)
        ship_emit_message(op->s->opt.events, SHIP_LEVEL_INFO,
                          "removed container '%s', which an earlier operation left", c->name);
    if (name_is_ours(c->name) && c->state == CONTAINER_RUNNING && is_name_free(op, final) &&
        rt->ops->rename(rt, c->id, final, end, &ignored) == 0)
        ship_emit_message(op->s->opt.events, SHIP_LEVEL_INFO,
                          "gave container '%s', which runs, its name '%s' back", c->name, final);
}

/*
 * An engine may create or rename a container long after it was asked, when the operation has
 * cleaned up and ended. What can not be put right here is left to the next deployment.
 */
static void settle_strays(struct operation *op)
{
    struct ship_error ignored = {0};
    if (session_need_compose(op->s, NULL, &ignored) < 0 || operation_observe(op, &ignored) < 0)
        return;
    for (size_t i = 0; i < op->containers.n; i++)
        settle_stray(op, &op->containers.rows[i]);
}

int recover_run_locked(struct operation *op)
{
    struct ship_error err = {0};
    struct ship_result *r = op->res;
    r->started_at_ms = clock_epoch_ms(&op->s->clock);
    int rc = open_all(op, &err);
    struct ship_result dead = {0};
    if (rc == 0)
        rc = recover_next(op, &dead, &err);
    /* A record that failed and had happened all the same leaves more than one. */
    if (rc == 0)
        rc = recover_open(op, &err);
    if (rc >= 0)
        settle_strays(op);
    if (rc < 0) {
        r->error = err;
        ship_result_done(&dead);
        return record_end(op, LEDGER_REFUSED, SHIP_OUTCOME_FAILED, ship_code_exit_status(err.code));
    }
    if (rc == 1) /* nothing was open */
        return record_end(op, LEDGER_CLEANED, SHIP_OUTCOME_NOOP, 0);
    enum ship_outcome outcome = dead.outcome;
    r->deployment = dead.deployment;
    r->rollback = steal_ptr(&dead.rollback);
    r->from = dead.from;
    r->to = dead.to;
    dead.from = dead.to = (struct ship_version){0};
    ship_result_done(&dead);
    return record_end(op, LEDGER_CLEANED, outcome, 0);
}

int recover_run(struct operation *op)
{
    int status = recover_run_locked(op);
    lock_release(&op->lock);
    return status;
}
