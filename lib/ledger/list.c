/*
 * Lists over many deployments: history, rollback targets, images in use.
 *
 * Each filter is one condition; the partial indices of the schema match them,
 * so that the newest few of a million rows are found without a scan.
 */
#include <assert.h>
#include <stdlib.h>

#include "base/buf.h"
#include "ledger/row.h"
#include "ledger/schema.h"

#define CONDITIONS_MAX 8

struct filter {
    struct buf sql; /* "WHERE a = ? AND ..." */
    struct val v[CONDITIONS_MAX];
    size_t n;
};

/* Add a condition; v NULL when it binds nothing. */
static void add(struct filter *f, const char *condition, const struct val *v)
{
    buf_addf(&f->sql, "%s%s", f->sql.len ? " AND " : "WHERE ", condition);
    if (!v)
        return;
    assert(f->n < CONDITIONS_MAX);
    f->v[f->n++] = *v;
}

static void add_text(struct filter *f, const char *condition, const char *text)
{
    if (text)
        add(f, condition, &(struct val)VAL_T(text));
}

static void add_number(struct filter *f, const char *condition, int64_t number)
{
    if (number > 0)
        add(f, condition, &(struct val)VAL_I(number));
}

static void build(struct filter *f, const struct ledger_query *q)
{
    add_text(f, "app = ?", q->app);
    add_text(f, "environment = ?", q->environment);
    add_text(f, "to_version = ?", q->version);
    add_number(f, "started_at_ms >= ?", q->since_ms);
    add_number(f, "id < ?", q->before_id);
    if (q->failed_only)
        add(f, SQL_IS_FAILED, NULL);
    if (q->targets_only)
        add(f, SQL_IS_TARGET, NULL);
    buf_adds(&f->sql, " ORDER BY id DESC LIMIT ?");
    assert(f->n < CONDITIONS_MAX);
    f->v[f->n++] = (struct val)VAL_I(q->limit);
}

int ledger_list(struct ledger *l, const struct ledger_query *q, struct ledger_deployments *ret,
                struct ship_error *err)
{
    struct filter f = {.sql = BUF_INIT(LEDGER_SQL_MAX)};
    struct row_list list = {0};
    int failed;

    assert(q->limit >= 1);
    build(&f, q);
    failed = rows_select(l, &table_deployments, f.sql.p, (struct vals){f.v, f.n}, &list, err);
    buf_done(&f.sql);
    if (failed)
        return -1;
    ret->rows = list.rows;
    ret->n = list.n;
    return 0;
}

void ledger_deployments_done(struct ledger_deployments *ds)
{
    rows_done(&table_deployments, ds->rows, ds->n);
    *ds = (struct ledger_deployments){0};
}

int ledger_images_read(struct ledger *l, struct ledger_images *ret, struct ship_error *err)
{
    struct row_list list = {0};

    if (rows_select(l, &table_images, "WHERE d.pruned = 0 ORDER BY d.id DESC, s.rowid", NO_VALS,
                    &list, err))
        return -1;
    ret->rows = list.rows;
    ret->n = list.n;
    return 0;
}

void ledger_images_done(struct ledger_images *is)
{
    rows_done(&table_images, is->rows, is->n);
    *is = (struct ledger_images){0};
}
