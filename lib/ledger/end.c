/*
 * How a deployment ends: the commit point, closing, and rebuilding a lost row.
 */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "ledger/audit.h"
#include "ledger/row.h"
#include "ledger/write.h"

/* ---- the commit point ---- */

struct commit {
    int64_t id, finished_at_ms, downtime_ms;
};

static int move_current(struct ledger *l, const struct ledger_deployment *d, const struct commit *c,
                        struct ship_error *err)
{
    if (db_run(l,
               "UPDATE deployments SET is_current = 0"
               " WHERE app = ?1 AND environment = ?2 AND is_current = 1",
               VALS(VAL_T(d->app), VAL_T(d->environment)), NULL, err))
        return -1;
    return db_run(l,
                  "UPDATE deployments SET state = 'committed', outcome = 'succeeded',"
                  " exit_code = 0, is_current = 1, finished_at_ms = ?2, downtime_ms = ?3"
                  " WHERE id = ?1",
                  VALS(VAL_I(c->id), VAL_I(c->finished_at_ms), VAL_I(c->downtime_ms)), NULL, err);
}

static int commit(struct ledger *l, void *arg, struct ship_error *err)
{
    const struct commit *c = arg;
    AUTO(ledger_deployment_done) struct ledger_deployment d = {0};

    if (write_load(l, c->id, &d, err) || write_require_open(&d, err))
        return -1;
    if (write_was_committed(&d))
        return ship_fail(err, SHIP_CONFLICT, "deployment %lld is committed already",
                         (long long)c->id);
    if (move_current(l, &d, c, err))
        return -1;
    return write_audit(l, "commit", c->finished_at_ms, c->id, err);
}

int ledger_commit(struct ledger *l, int64_t id, int64_t finished_at_ms, int64_t downtime_ms,
                  struct ship_error *err)
{
    struct commit c = {id, finished_at_ms, downtime_ms};

    return db_tx(l, commit, &c, err);
}

/* ---- closing ---- */

struct closing {
    int64_t id;
    const struct ledger_end *end;
};

static int check_outcome(const struct ledger_deployment *d, const struct ledger_end *e,
                         struct ship_error *err)
{
    if (!e->outcome || str_eq(e->outcome, "succeeded") == write_was_committed(d))
        return 0;
    return ship_fail(err, SHIP_CONFLICT, "deployment %lld was %scommitted: it cannot end as '%s'",
                     (long long)d->id, write_was_committed(d) ? "" : "not ", e->outcome);
}

static int store_end(struct ledger *l, int64_t id, const struct ledger_end *e,
                     struct ship_error *err)
{
    return db_run(l,
                  "UPDATE deployments SET state = ?2, outcome = coalesce(?3, outcome),"
                  " exit_code = ?4, error = coalesce(?5, error),"
                  " warnings_json = coalesce(?6, warnings_json),"
                  " finished_at_ms = CASE WHEN ?7 > 0 THEN ?7 ELSE finished_at_ms END,"
                  " downtime_ms = CASE WHEN ?8 >= 0 THEN ?8 ELSE downtime_ms END WHERE id = ?1",
                  VALS(VAL_I(id), VAL_T(ledger_state_text(e->state)), VAL_T(e->outcome),
                       VAL_I(e->exit_code), VAL_T(e->error), VAL_T(e->warnings_json),
                       VAL_I(e->finished_at_ms), VAL_I(e->downtime_ms)),
                  NULL, err);
}

static int close_row(struct ledger *l, void *arg, struct ship_error *err)
{
    const struct closing *c = arg;
    const char *event = ledger_state_is_open(c->end->state) ? "attention" : "end";
    AUTO(ledger_deployment_done) struct ledger_deployment d = {0};

    if (write_load(l, c->id, &d, err) || write_check_move(&d, c->end->state, err) ||
        check_outcome(&d, c->end, err) || store_end(l, c->id, c->end, err))
        return -1;
    return write_audit(l, event, c->end->finished_at_ms, c->id, err);
}

int ledger_end(struct ledger *l, int64_t id, const struct ledger_end *end, struct ship_error *err)
{
    struct closing c = {id, end};

    return db_tx(l, close_row, &c, err);
}

/* ---- retention ---- */

static int prune(struct ledger *l, void *arg, struct ship_error *err)
{
    const int64_t *id = arg;
    AUTO(ledger_deployment_done) struct ledger_deployment d = {0};

    if (write_load(l, *id, &d, err))
        return -1;
    if (ledger_state_is_open(d.state) || d.is_current)
        return ship_fail(err, SHIP_CONFLICT, "deployment %lld is %s", (long long)*id,
                         d.is_current ? "the current one" : "not closed");
    if (d.pruned)
        return 0;
    if (db_run(l, "UPDATE deployments SET pruned = 1 WHERE id = ?1", VALS(VAL_I(*id)), NULL, err) ||
        db_run(l, "UPDATE services SET spec_json = NULL WHERE deployment_id = ?1", VALS(VAL_I(*id)),
               NULL, err) ||
        db_run(l,
               "UPDATE journal SET args_json = NULL, observed_json = NULL"
               " WHERE deployment_id = ?1",
               VALS(VAL_I(*id)), NULL, err))
        return -1;
    return audit_append(l, "prune", clock_epoch_ms(&clock_real), &d, err);
}

int ledger_mark_pruned(struct ledger *l, int64_t id, struct ship_error *err)
{
    return db_tx(l, prune, &id, err);
}

/* ---- a lost ledger ---- */

struct rebuilt {
    struct ledger_deployment d; /* strings borrowed */
    int64_t wanted_id;
    const struct ledger_service *services;
    size_t n;
};

static int reconstruct(struct ledger *l, void *arg, struct ship_error *err)
{
    struct rebuilt *r = arg;

    r->d.id = r->wanted_id;
    if (row_insert(l, &table_deployments, 0, &r->d, err))
        return -1;
    r->d.id = sqlite3_last_insert_rowid(l->db);
    for (size_t i = 0; i < r->n; i++)
        if (row_insert(l, &table_services, r->d.id, &r->services[i], err))
            return -1;
    return audit_append(l, "reconstruct", clock_epoch_ms(&clock_real), &r->d, err);
}

/* Text constants for members that are char * because a read owns them. */
static char default_action[] = "deploy";
static char default_signature[] = "unsigned";
static char succeeded[] = "succeeded";
static char reason[] = LEDGER_RECONSTRUCTED;

int ledger_reconstruct(struct ledger *l, struct ledger_deployment *d,
                       const struct ledger_service *services, size_t n, struct ship_error *err)
{
    struct rebuilt r = {.d = *d, .wanted_id = d->id, .services = services, .n = n};

    r.d.action = d->action ? d->action : default_action;
    r.d.signature = d->signature ? d->signature : default_signature;
    r.d.state = LEDGER_CLEANED;
    r.d.outcome = succeeded;
    r.d.reason = reason;
    r.d.exit_code = 0;
    r.d.downtime_ms = -1;
    r.d.from_id = 0;
    r.d.target_id = 0;
    r.d.is_current = true;
    r.d.pruned = false;
    if (db_tx(l, reconstruct, &r, err))
        return ship_error_wrap(err, "reconstruct '%s' in '%s'", d->app, d->environment);
    d->id = r.d.id;
    return 0;
}
