/*
 * Statements and transactions of the ledger.
 *
 * In: SQL constants of this folder and bound values. What can go wrong: the
 * file is locked (5 s patience), full (the ballast is dropped and the
 * transaction tried once more), unreadable (nothing after an I/O error is
 * believed: the connection is reopened and SQLite re-checks the file), or
 * damaged.
 */
#include "ledger/db.h"

#include <assert.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/str.h"
#include "ledger/space.h"

/*
 * Compiling SQL is a third of what a deployment computes, and it asks the same few questions again
 * and again: statements are kept, the connection itself is the list of them.
 */
static sqlite3_stmt *find_idle(struct ledger *l, const char *sql)
{
    for (sqlite3_stmt *s = NULL; (s = sqlite3_next_stmt(l->db, s));)
        if (!sqlite3_stmt_busy(s) && str_eq(sqlite3_sql(s), sql))
            return s;
    return NULL;
}

sqlite3_stmt *db_prepare(struct ledger *l, const char *sql, struct ship_error *err)
{
    sqlite3_stmt *s = find_idle(l, sql);

    if (s)
        return s;
    if (sqlite3_prepare_v2(l->db, sql, -1, &s, NULL) != SQLITE_OK) {
        db_fail(l, err);
        return NULL;
    }
    return s;
}

static int bind_one(sqlite3_stmt *s, int at, const struct val *v)
{
    if (!v->is_text)
        return sqlite3_bind_int64(s, at, v->i);
    if (!v->t)
        return sqlite3_bind_null(s, at);
    return sqlite3_bind_text(s, at, v->t, -1, SQLITE_TRANSIENT);
}

int db_bind(struct ledger *l, sqlite3_stmt *s, struct vals v, struct ship_error *err)
{
    for (size_t i = 0; i < v.n; i++)
        if (bind_one(s, (int)i + 1, &v.v[i]) != SQLITE_OK)
            return db_fail(l, err);
    return 0;
}

int db_step(struct ledger *l, sqlite3_stmt *s, struct ship_error *err)
{
    switch (sqlite3_step(s)) {
    case SQLITE_ROW:
        return 1;
    case SQLITE_DONE:
        return 0;
    default:
        return db_fail(l, err);
    }
}

int db_exec(struct ledger *l, const char *sql, struct ship_error *err)
{
    if (sqlite3_exec(l->db, sql, NULL, NULL, NULL) != SQLITE_OK)
        return db_fail(l, err);
    return 0;
}

int db_run(struct ledger *l, const char *sql, struct vals v, int *ret_changes,
           struct ship_error *err)
{
    AUTO(stmt_done) sqlite3_stmt *s = db_prepare(l, sql, err);
    int got = 1;

    if (!s || db_bind(l, s, v, err))
        return -1;
    while (got == 1)
        got = db_step(l, s, err);
    if (got == 0 && ret_changes)
        *ret_changes = sqlite3_changes(l->db);
    return got;
}

int db_number(struct ledger *l, const char *sql, struct vals v, int64_t *ret,
              struct ship_error *err)
{
    AUTO(stmt_done) sqlite3_stmt *s = db_prepare(l, sql, err);
    int got;

    if (!s || db_bind(l, s, v, err))
        return -1;
    got = db_step(l, s, err);
    if (got == 1 && sqlite3_column_type(s, 0) != SQLITE_NULL)
        *ret = sqlite3_column_int64(s, 0);
    return got < 0 ? -1 : 0;
}

int db_text(struct ledger *l, const char *sql, struct vals v, char **ret, struct ship_error *err)
{
    AUTO(stmt_done) sqlite3_stmt *s = db_prepare(l, sql, err);
    int got;

    if (!s || db_bind(l, s, v, err))
        return -1;
    got = db_step(l, s, err);
    if (got < 0)
        return -1;
    *ret = got ? xstrdup_or_null((const char *)sqlite3_column_text(s, 0)) : NULL;
    return 0;
}

int db_ready(struct ledger *l, struct ship_error *err)
{
    if (l->pid != getpid())
        return ship_fail(err, SHIP_INTERNAL, "ledger '%s' is used by process %d, opened by %d",
                         l->path, (int)getpid(), (int)l->pid);
    if (!l->is_stale)
        return 0;
    db_disconnect(l);
    if (db_connect(l, err))
        return -1;
    l->is_stale = false;
    return 0;
}

static int tx_body(struct ledger *l, db_tx_fn *fn, void *arg, struct ship_error *err)
{
    if (db_exec(l, "BEGIN IMMEDIATE", err))
        return -1;
    if (journal_write_later(l, err) == 0 && fn(l, arg, err) == 0 &&
        db_exec(l, "COMMIT", err) == 0) {
        journal_drop_later(l);
        return 0;
    }
    /* Some failures have rolled back already. The first error is the one to report. */
    if (!sqlite3_get_autocommit(l->db))
        (void)sqlite3_exec(l->db, "ROLLBACK", NULL, NULL, NULL);
    return -1;
}

static int tx_once(struct ledger *l, db_tx_fn *fn, void *arg, struct ship_error *err)
{
    l->is_full = false;
    if (db_ready(l, err))
        return -1;
    return tx_body(l, fn, arg, err);
}

int db_tx(struct ledger *l, db_tx_fn *fn, void *arg, struct ship_error *err)
{
    if (l->mode != LEDGER_WRITE)
        return ship_fail(err, SHIP_INTERNAL, "ledger '%s' is open for reading only", l->path);
    if (l->in_batch)
        return fn(l, arg, err);
    if (tx_once(l, fn, arg, err) == 0)
        return 0;
    if (!l->is_full || !space_drop_ballast(l))
        return -1;
    return tx_once(l, fn, arg, err);
}

struct batch {
    int (*fn)(void *ctx, struct ship_error *err);
    void *ctx;
};

static int batch_body(struct ledger *l, void *arg, struct ship_error *err)
{
    const struct batch *b = arg;

    l->in_batch = true;
    int rc = b->fn(b->ctx, err);
    l->in_batch = false;
    return rc;
}

int ledger_batch(struct ledger *l, int (*fn)(void *ctx, struct ship_error *err), void *ctx,
                 struct ship_error *err)
{
    struct batch b = {.fn = fn, .ctx = ctx};

    assert(!l->in_batch);
    return db_tx(l, batch_body, &b, err);
}
