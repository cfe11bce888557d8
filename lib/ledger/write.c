/*
 * Writing deployments: begin, move between states, late facts, services.
 *
 * Each public function is one transaction. The rules of the state machine are
 * in check_move: a closed row is final, a committed one is only cleaned up.
 */
#include "ledger/write.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/str.h"
#include "ledger/audit.h"
#include "ledger/row.h"

int write_load(struct ledger *l, int64_t id, struct ledger_deployment *ret, struct ship_error *err)
{
    int got = row_select(l, &table_deployments, "WHERE id = ?1", VALS(VAL_I(id)), ret, err);

    if (got == 1)
        return ship_fail(err, SHIP_NOT_FOUND, "no deployment %lld", (long long)id);
    return got;
}

bool write_was_committed(const struct ledger_deployment *d)
{
    return str_eq(d->outcome, "succeeded");
}

int write_require_open(const struct ledger_deployment *d, struct ship_error *err)
{
    if (ledger_state_is_open(d->state))
        return 0;
    return ship_fail(err, SHIP_CONFLICT, "deployment %lld is closed: %s", (long long)d->id,
                     ledger_state_text(d->state));
}

int write_check_move(const struct ledger_deployment *d, enum ledger_state to,
                     struct ship_error *err)
{
    bool after_commit =
        to == LEDGER_COMMITTED || to == LEDGER_CLEANED || to == LEDGER_NEEDS_OPERATOR;

    if (write_require_open(d, err))
        return -1;
    if (write_was_committed(d) ? after_commit : to != LEDGER_COMMITTED)
        return 0;
    return ship_fail(err, SHIP_CONFLICT, "deployment %lld cannot go from %s to %s",
                     (long long)d->id, ledger_state_text(d->state), ledger_state_text(to));
}

int write_audit(struct ledger *l, const char *event, int64_t at_ms, int64_t id,
                struct ship_error *err)
{
    AUTO(ledger_deployment_done) struct ledger_deployment d = {0};

    if (write_load(l, id, &d, err))
        return -1;
    return audit_append(l, event, at_ms, &d, err);
}

/* ---- begin ---- */

static int begin(struct ledger *l, void *arg, struct ship_error *err)
{
    struct ledger_deployment *d = arg;

    d->id = 0;
    if (row_insert(l, &table_deployments, 0, d, err))
        return -1;
    d->id = sqlite3_last_insert_rowid(l->db);
    return audit_append(l, "begin", d->started_at_ms, d, err);
}

int ledger_begin(struct ledger *l, struct ledger_deployment *d, struct ship_error *err)
{
    struct ledger_deployment row = *d; /* borrows the strings */

    row.state = LEDGER_PREPARING;
    row.outcome = NULL;
    row.exit_code = -1;
    row.finished_at_ms = 0;
    row.downtime_ms = -1;
    row.is_current = false;
    row.pruned = false;
    if (db_tx(l, begin, &row, err))
        return ship_error_wrap(err, "begin");
    d->id = row.id;
    return 0;
}

/* ---- states ---- */

int write_move(struct ledger *l, int64_t id, enum ledger_state state, const char *last_step,
               struct ship_error *err)
{
    AUTO(ledger_deployment_done) struct ledger_deployment d = {0};

    if (write_load(l, id, &d, err))
        return -1;
    if (!ledger_state_is_open(state))
        return ship_fail(err, SHIP_CONFLICT, "deployment %lld: %s is for ledger_end", (long long)id,
                         ledger_state_text(state));
    if (write_check_move(&d, state, err))
        return -1;
    return db_run(l,
                  "UPDATE deployments SET state = ?2, last_step = coalesce(?3, last_step)"
                  " WHERE id = ?1",
                  VALS(VAL_I(id), VAL_T(ledger_state_text(state)), VAL_T(last_step)), NULL, err);
}

struct move {
    int64_t id;
    enum ledger_state state;
    const char *last_step;
};

static int move(struct ledger *l, void *arg, struct ship_error *err)
{
    const struct move *m = arg;

    return write_move(l, m->id, m->state, m->last_step, err);
}

int ledger_set_state(struct ledger *l, int64_t id, enum ledger_state state, const char *last_step,
                     struct ship_error *err)
{
    struct move m = {id, state, last_step};

    return db_tx(l, move, &m, err);
}

/* ---- facts ---- */

/* update's arg: the const travels inside a struct. */
struct facts {
    int64_t id;
    const struct ledger_deployment *d;
    const struct ledger_service *service;
};

static int update(struct ledger *l, void *arg, struct ship_error *err)
{
    const struct facts *f = arg;
    AUTO(ledger_deployment_done) struct ledger_deployment old = {0};

    if (write_load(l, f->id, &old, err) || write_require_open(&old, err))
        return -1;
    return row_update_late(l, &table_deployments, f->id, f->d, err);
}

int ledger_update(struct ledger *l, const struct ledger_deployment *d, struct ship_error *err)
{
    struct facts f = {.id = d->id, .d = d};

    return db_tx(l, update, &f, err);
}

static int put_service(struct ledger *l, void *arg, struct ship_error *err)
{
    const struct facts *f = arg;
    AUTO(ledger_deployment_done) struct ledger_deployment d = {0};

    if (write_load(l, f->id, &d, err) || write_require_open(&d, err))
        return -1;
    return row_insert(l, &table_services, f->id, f->service, err);
}

int ledger_put_service(struct ledger *l, int64_t id, const struct ledger_service *s,
                       struct ship_error *err)
{
    struct facts f = {.id = id, .service = s};

    return db_tx(l, put_service, &f, err);
}
