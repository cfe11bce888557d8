/*
 * What belongs to a deployment and only grows: the write-ahead journal of
 * engine mutations, the steps of its timeline, check results, evidence.
 */
#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "ledger/row.h"
#include "ledger/write.h"

/* A member row to insert. */
struct member {
    const struct table *table;
    int64_t deployment;
    const void *row;
};

static int put(struct ledger *l, void *arg, struct ship_error *err)
{
    const struct member *m = arg;

    return row_insert(l, m->table, m->deployment, m->row, err);
}

int ledger_put_step(struct ledger *l, int64_t id, const struct ledger_step *s,
                    struct ship_error *err)
{
    struct member m = {&table_steps, id, s};

    return db_tx(l, put, &m, err);
}

int ledger_put_check(struct ledger *l, int64_t id, const struct ledger_check *c,
                     struct ship_error *err)
{
    struct member m = {&table_checks, id, c};

    return db_tx(l, put, &m, err);
}

/* ---- evidence ---- */

/* The last bytes of text, not starting inside a UTF-8 character. */
static const char *last_part(const char *text)
{
    size_t len = strlen(text);

    if (len <= LEDGER_EVIDENCE_MAX)
        return text;
    text += len - LEDGER_EVIDENCE_MAX;
    while (((unsigned char)*text & 0xC0) == 0x80)
        text++;
    return text;
}

struct proof {
    int64_t id;
    const char *kind, *service, *text;
};

static int put_evidence(struct ledger *l, void *arg, struct ship_error *err)
{
    const struct proof *p = arg;

    return db_run(l,
                  "INSERT INTO evidence (deployment_id, kind, service, text) VALUES (?, ?, ?, ?)",
                  VALS(VAL_I(p->id), VAL_T(p->kind), VAL_T(p->service), VAL_T(last_part(p->text))),
                  NULL, err);
}

int ledger_put_evidence(struct ledger *l, int64_t id, const char *kind, const char *service,
                        const char *text, struct ship_error *err)
{
    struct proof p = {id, kind, service, text};

    return db_tx(l, put_evidence, &p, err);
}

/* ---- the journal ---- */

struct intent {
    int64_t id;
    struct ledger_journal row; /* strings borrowed */
};

static int intend(struct ledger *l, void *arg, struct ship_error *err)
{
    struct intent *in = arg;
    AUTO(ledger_deployment_done) struct ledger_deployment d = {0};
    int64_t last = 0;

    if (write_load(l, in->id, &d, err) || write_require_open(&d, err) ||
        db_number(l, "SELECT max(seq) FROM journal WHERE deployment_id = ?1", VALS(VAL_I(in->id)),
                  &last, err))
        return -1;
    in->row.seq = last + 1;
    return row_insert(l, &table_journal, in->id, &in->row, err);
}

int ledger_intent(struct ledger *l, int64_t id, struct ledger_journal *j, struct ship_error *err)
{
    struct intent in = {.id = id, .row = *j};

    in.row.observed_json = NULL;
    in.row.outcome = NULL;
    in.row.done_at_ms = 0;
    if (db_tx(l, intend, &in, err))
        return -1;
    j->seq = in.row.seq;
    return 0;
}

struct done {
    int64_t id, seq, at_ms;
    const char *outcome, *observed_json;
};

static int record_done(struct ledger *l, void *arg, struct ship_error *err)
{
    const struct done *d = arg;
    int changes = 0;

    if (db_run(l,
               "UPDATE journal SET outcome = ?3, observed_json = coalesce(?4, observed_json),"
               " done_at_ms = ?5 WHERE deployment_id = ?1 AND seq = ?2",
               VALS(VAL_I(d->id), VAL_I(d->seq), VAL_T(d->outcome), VAL_T(d->observed_json),
                    VAL_I(d->at_ms)),
               &changes, err))
        return -1;
    if (changes == 1)
        return 0;
    return ship_fail(err, SHIP_NOT_FOUND, "deployment %lld has no journal entry %lld",
                     (long long)d->id, (long long)d->seq);
}

/* NOLINTNEXTLINE(readability-function-size): the contract has seven parameters. */
int ledger_done(struct ledger *l, int64_t id, int64_t seq, const char *outcome,
                const char *observed_json, int64_t at_ms, struct ship_error *err)
{
    struct done d = {id, seq, at_ms, outcome, observed_json};

    return db_tx(l, record_done, &d, err);
}

/* ---- what waits for the next transaction ---- */

int journal_write_later(struct ledger *l, struct ship_error *err)
{
    struct done d = {l->later.id, l->later.seq, l->later.at_ms, l->later.outcome,
                     l->later.observed_json};

    if (l->later.outcome && record_done(l, &d, err))
        return -1;
    if (!l->later.move_id)
        return 0;
    struct ship_error e = {0};
    int rc = write_move(l, l->later.move_id, l->later.move_to, l->later.last_step, &e);
    /* A transaction whose last sync failed is reported as failed and has happened all the same:
     * the row may be further than what waits for it. */
    if (rc == 0 || e.code == SHIP_CONFLICT)
        return 0;
    *err = e;
    return rc;
}

void journal_drop_later(struct ledger *l)
{
    free(l->later.last_step);
    free(l->later.outcome);
    free(l->later.observed_json);
    l->later = (struct later){0};
}

static int nothing_else(struct ledger *l, void *arg, struct ship_error *err)
{
    (void)l, (void)arg, (void)err;
    return 0;
}

int ledger_settle(struct ledger *l, struct ship_error *err)
{
    return l->later.outcome || l->later.move_id ? db_tx(l, nothing_else, NULL, err) : 0;
}

/* NOLINTNEXTLINE(readability-function-size): the contract of ledger_done. */
int ledger_done_soon(struct ledger *l, int64_t id, int64_t seq, const char *outcome,
                     const char *observed_json, int64_t at_ms, struct ship_error *err)
{
    assert(!l->in_batch); /* it would have to wait for the next but one */
    if (l->later.outcome && ledger_settle(l, err))
        return -1;
    l->later.id = id;
    l->later.seq = seq;
    l->later.at_ms = at_ms;
    l->later.outcome = xstrdup(outcome);
    l->later.observed_json = xstrdup_or_null(observed_json);
    return 0;
}

int ledger_set_state_soon(struct ledger *l, int64_t id, enum ledger_state state,
                          const char *last_step, struct ship_error *err)
{
    assert(!l->in_batch);
    if (l->later.move_id && ledger_settle(l, err))
        return -1;
    l->later.move_id = id;
    l->later.move_to = state;
    l->later.last_step = xstrdup_or_null(last_step);
    return 0;
}
