/* Rows, states and ends of operations: see record.h. */
#include "deploy/record.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "deploy/hide.h"

int record_lock(struct operation *op, struct ship_error *err)
{
    const struct plan *p = op->s->plan;
    struct lock_text text = {0};
    (void)snprintf(text.actor, sizeof text.actor, "%s", op->actor.name);
    (void)snprintf(text.action, sizeof text.action, "%s", op->action);
    (void)snprintf(text.version, sizeof text.version, "%s", op->wanted ? op->wanted : "");
    (void)snprintf(text.step, sizeof text.step, "begin");
    const struct lock_scope scope = {op->s->state_dir, p->app, p->environment};
    return lock_take(&op->lock, &scope, &text, op->s->opt.lock_wait_ms, &op->s->clock, err);
}

int record_previous(struct operation *op, struct ship_error *err)
{
    struct ship_session *s = op->s;
    if (!s->ledger)
        return 0;
    int rc = ledger_current(s->ledger, s->plan->app, s->plan->environment, &op->previous, err);
    if (rc < 0 && err->code == SHIP_IO)
        err->code = SHIP_UNREACHABLE; /* nothing has begun */
    if (rc < 0)
        return -1;
    if (rc == 0) {
        op->res->from.version = xstrdup_or_null(op->previous.to_version);
        op->res->from.digest = xstrdup_or_null(op->previous.to_digest);
    }
    return 0;
}

int record_begin(struct operation *op, struct ship_error *err)
{
    if (op->row.id)
        return 0;
    struct ship_session *s = op->s;
    struct ledger_deployment *d = &op->row;
    redact_own(s->redact, &op->res->reason);
    *d = (struct ledger_deployment){
        .app = s->plan->app,
        .environment = s->plan->environment,
        .project = s->compose ? ledger_lend(compose_name(s->compose)) : NULL,
        .action = ledger_lend(op->action),
        .state = LEDGER_PREPARING,
        .exit_code = -1,
        .from_version = op->res->from.version,
        .from_digest = op->res->from.digest,
        .to_version = op->res->to.version,
        .to_digest = op->res->to.digest,
        .from_id = op->previous.id,
        .target_id = op->rollback_to,
        .actor = op->actor.name,
        .actor_json = op->actor.json,
        .host = op->actor.host,
        .reason = op->res->reason,
        .strategy = ledger_lend("recreate"),
        .plan_hash = s->plan->hash,
        .compose_hash = s->compose ? ledger_lend(compose_hash(s->compose)) : NULL,
        .git_sha = op->actor.git_sha,
        .ci_run = op->actor.ci_run,
        .last_step = ledger_lend(operation_step(op)),
        .signature = ledger_lend("unsigned"),
        .started_at_ms = op->res->started_at_ms,
        .downtime_ms = -1,
    };
    if (ledger_begin(s->ledger, d, err) < 0) {
        if (err->code == SHIP_IO)
            err->code = SHIP_UNREACHABLE; /* no failure of the step: it has not begun */
        return ship_error_wrap(err, "ledger");
    }
    op->res->deployment = d->id;
    op->mutate.operation = d->id;
    op->mutate.ledger = s->ledger;
    return 0;
}

typedef int set_state_fn(struct ledger *l, int64_t id, enum ledger_state state,
                         const char *last_step, struct ship_error *err);

static int set_state(struct operation *op, set_state_fn *set, enum ledger_state state,
                     struct ship_error *err)
{
    if (op->row.state == state)
        return 0;
    if (set(op->s->ledger, op->row.id, state, operation_step(op), err) < 0)
        return ship_error_wrap(err, "ledger");
    op->row.state = state;
    return 0;
}

int record_state(struct operation *op, enum ledger_state state, struct ship_error *err)
{
    return set_state(op, ledger_set_state, state, err);
}

int record_state_soon(struct operation *op, enum ledger_state state, struct ship_error *err)
{
    return set_state(op, ledger_set_state_soon, state, err);
}

void record_downtime(struct operation *op)
{
    int64_t longest = op->res->downtime_ms;
    for (size_t i = 0; i < op->n_reps; i++) {
        const struct replacement *r = &op->reps[i];
        if (!r->old_id || !r->old_running || r->stopped_at_ms == 0)
            continue;
        int64_t end = r->serving_at_ms ? r->serving_at_ms : clock_now_ms(&op->s->patient);
        if (end - r->stopped_at_ms > longest)
            longest = end - r->stopped_at_ms;
    }
    op->res->downtime_ms = longest;
}

static int put_details(struct operation *op, struct ship_error *err)
{
    const struct ship_result *r = op->res;
    for (size_t i = 0; i < r->n_steps; i++) {
        const struct ship_result_step *s = &r->steps[i];
        struct ledger_step row = {.seq = (int)i + 1,
                                  .name = s->name,
                                  .status = ledger_lend(ship_step_status_text(s->status)),
                                  .message = s->message,
                                  .started_at_ms = s->started_at_ms,
                                  .duration_ms = s->duration_ms};
        if (ledger_put_step(op->s->ledger, op->row.id, &row, err) < 0)
            return -1;
    }
    for (size_t i = 0; i < r->n_checks; i++) {
        const struct ship_result_check *c = &r->checks[i];
        struct ledger_check row = {.phase = c->phase,
                                   .check_id = c->id,
                                   .type = c->type,
                                   .status = c->status,
                                   .message = c->message,
                                   .required = c->required,
                                   .tries = c->tries,
                                   .duration_ms = c->duration_ms};
        if (ledger_put_check(op->s->ledger, op->row.id, &row, err) < 0)
            return -1;
    }
    return 0;
}

static char *warnings_text(const struct ship_result *r)
{
    AUTO_PTR(json_free) struct json *list = json_array();
    for (size_t i = 0; i < r->n_warnings; i++)
        json_append_str(list, r->warnings[i]);
    return json_print(list);
}

struct closing {
    struct operation *op;
    const struct ledger_end *end;
};

static int write_closing(void *ctx, struct ship_error *err)
{
    const struct closing *c = ctx;
    if (put_details(c->op, err) < 0)
        return -1;
    return ledger_end(c->op->s->ledger, c->op->row.id, c->end, err);
}

/* What went wrong and what came of it, or NULL; recovery says both in one. Heap. */
static char *error_text(const struct ship_result *r)
{
    if (r->error.code == SHIP_OK)
        return NULL;
    if (!r->rollback || strstr(r->error.msg, r->rollback))
        return xstrdup(r->error.msg);
    return xasprintf("%s; %s", r->error.msg, r->rollback);
}

/* Steps, checks and the closing row in one transaction. */
static int close_row(struct operation *op, enum ledger_state state, struct ship_error *err)
{
    struct ship_result *r = op->res;
    AUTO_FREE char *warnings = warnings_text(r);
    AUTO_FREE char *message = error_text(r);
    struct ledger_end end = {.state = state,
                             .outcome = ship_outcome_text(r->outcome),
                             .exit_code = r->exit_code,
                             .error = message,
                             .warnings_json = warnings,
                             .finished_at_ms = r->finished_at_ms,
                             .downtime_ms = r->downtime_ms};
    struct closing closing = {op, &end};
    if (ledger_batch(op->s->ledger, write_closing, &closing, err) < 0)
        return -1;
    op->row.state = state;
    return 0;
}

/* One sentence for people; heap. */
static char *final_sentence(const struct operation *op)
{
    const struct ship_result *r = op->res;
    char took[STR_DURATION_MAX];
    str_format_duration(r->duration_ms, took);
    const char *version = r->to.version ? r->to.version : "";
    if (r->error.code != SHIP_OK && r->outcome != SHIP_OUTCOME_ROLLED_BACK)
        return xstrdup(r->error.msg);
    if (r->outcome == SHIP_OUTCOME_ROLLED_BACK)
        return xasprintf("%s %s; %s", version,
                         r->error.code == SHIP_INTERRUPTED ? "was interrupted" : "failed",
                         r->rollback ? r->rollback : "rolled back");
    if (r->outcome == SHIP_OUTCOME_NOOP && op->dry_run)
        return xasprintf("dry run of %s: nothing was changed", version);
    if (r->outcome == SHIP_OUTCOME_NOOP)
        return xasprintf("%s%snothing to do", version, version[0] ? " already serves: " : "");
    return xasprintf("%s serves, proven in %s", version, took);
}

static void emit_end(const struct operation *op)
{
    AUTO_FREE char *text = final_sentence(op);
    bool fine = op->res->exit_code == 0 || op->res->exit_code == 40 || op->res->exit_code == 100;
    struct ship_event e = {.kind = SHIP_EVENT_OPERATION_END,
                           .level = fine ? SHIP_LEVEL_INFO : SHIP_LEVEL_ERROR,
                           .status = fine ? SHIP_STEP_DONE : SHIP_STEP_FAILED,
                           .duration_ms = op->res->duration_ms,
                           .text = text};
    ship_emit(op->s->opt.events, &e);
}

/* Every failure names a next command; who knew a better one has named it. */
static void add_hint(struct operation *op)
{
    struct ship_error *e = &op->res->error;
    if (e->code == SHIP_OK || !str_empty(e->hint))
        return;
    if (op->switched && op->row.id)
        ship_error_hint(e, "see the evidence with: shipctl history %" PRId64, op->row.id);
    else
        ship_error_hint(e, OPERATION_HINT);
}

int record_end(struct operation *op, enum ledger_state state, enum ship_outcome outcome,
               int exit_code)
{
    struct ship_result *r = op->res;
    struct ship_error err = {0};
    add_hint(op);
    hide_in_result(op->s->redact, r);
    r->outcome = outcome;
    r->exit_code = exit_code;
    r->finished_at_ms = clock_epoch_ms(&op->s->clock);
    r->duration_ms = r->finished_at_ms - r->started_at_ms;
    if (op->row.id && close_row(op, state, &err) < 0)
        operation_warn(op, "cannot record the end in the ledger: %s; ignoring", err.msg);
    if (op->row.id && ledger_audit_head(op->s->ledger, r->audit_head, &err) < 0)
        r->audit_head[0] = '\0';
    if (!op->is_nested)
        emit_end(op);
    return exit_code;
}
