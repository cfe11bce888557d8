/*
 * Binding, reading and releasing rows by their column table.
 *
 * In: a struct table and a struct it describes. What can go wrong while
 * reading: a word this program does not know (a newer or a damaged file).
 */
#include "ledger/row.h"

#include <limits.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/str.h"
#include "ledger/state.h"

/* The value of one column of row, as it is stored. */
static struct val col_value(const struct col *c, const void *row)
{
    const void *p = row_const_at(c, row);
    struct val v = {0};

    switch (c->kind) {
    case COL_TEXT:
        v = (struct val)VAL_T(*(char *const *)p);
        break;
    case COL_I64:
        v = (struct val)VAL_I(*(const int64_t *)p);
        break;
    case COL_REF:
        /* Text NULL is SQL NULL whatever the column type. */
        v = (struct val){.is_text = *(const int64_t *)p == 0, .i = *(const int64_t *)p};
        break;
    case COL_INT:
        v = (struct val)VAL_I(*(const int *)p);
        break;
    case COL_BOOL:
        v = (struct val)VAL_I(*(const bool *)p ? 1 : 0);
        break;
    case COL_STATE:
        v = (struct val)VAL_T(ledger_state_text(*(const enum ledger_state *)p));
        break;
    }
    return v;
}

static int clamp_int(int64_t v)
{
    return v > INT_MAX ? INT_MAX : v < INT_MIN ? INT_MIN : (int)v;
}

static int read_state(struct ledger *l, sqlite3_stmt *s, int at, enum ledger_state *ret,
                      struct ship_error *err)
{
    const char *text = (const char *)sqlite3_column_text(s, at);

    if (state_parse(text, ret) == 0)
        return 0;
    return ship_fail(err, SHIP_UNREACHABLE, "ledger '%s': unknown state '%s'", l->path,
                     text ? text : "");
}

static int read_col(struct ledger *l, sqlite3_stmt *s, int at, const struct col *c, void *row,
                    struct ship_error *err)
{
    void *p = row_at(c, row);

    switch (c->kind) {
    case COL_TEXT:
        *(char **)p = xstrdup_or_null((const char *)sqlite3_column_text(s, at));
        break;
    case COL_I64:
    case COL_REF:
        *(int64_t *)p = sqlite3_column_int64(s, at);
        break;
    case COL_INT:
        *(int *)p = clamp_int(sqlite3_column_int64(s, at));
        break;
    case COL_BOOL:
        *(bool *)p = sqlite3_column_int64(s, at) != 0;
        break;
    case COL_STATE:
        return read_state(l, s, at, p, err);
    }
    return 0;
}

/* row is zeroed first, and released again on failure. */
static int read_row(struct ledger *l, sqlite3_stmt *s, const struct table *t, void *row,
                    struct ship_error *err)
{
    memset(row, 0, t->size);
    for (size_t i = 0; i < t->n; i++)
        if (read_col(l, s, (int)i, &t->cols[i], row, err)) {
            row_done(t, row);
            return -1;
        }
    return 0;
}

void row_done(const struct table *t, void *row)
{
    for (size_t i = 0; i < t->n; i++)
        if (t->cols[i].kind == COL_TEXT)
            free(*(char **)row_at(&t->cols[i], row));
    memset(row, 0, t->size);
}

void rows_done(const struct table *t, void *rows, size_t n)
{
    for (size_t i = 0; i < n; i++)
        row_done(t, (char *)rows + i * t->size);
    free(rows);
}

/* Statements are put together for each row: plain appends, no formatting. */
static void add_words(struct buf *sql, const char *first, const char *second, const char *third)
{
    (void)buf_adds(sql, first);
    (void)buf_adds(sql, second);
    (void)buf_adds(sql, third);
}

static void insert_sql(const struct table *t, struct buf *sql)
{
    size_t n = t->n + (t->is_member ? 1 : 0);

    add_words(sql, "INSERT INTO ", t->from, t->is_member ? " (deployment_id" : " (");
    for (size_t i = 0; i < t->n; i++)
        add_words(sql, i || t->is_member ? ", " : "", t->cols[i].name, "");
    buf_adds(sql, ") VALUES (?");
    for (size_t i = 1; i < n; i++)
        buf_adds(sql, ", ?");
    buf_adds(sql, ")");
    if (!t->conflict)
        return;
    add_words(sql, " ON CONFLICT (", t->conflict, ") DO UPDATE SET ");
    for (size_t i = 0; i < t->n; i++) {
        add_words(sql, i ? ", " : "", t->cols[i].name, " = excluded.");
        buf_adds(sql, t->cols[i].name);
    }
}

int row_insert(struct ledger *l, const struct table *t, int64_t deployment, const void *row,
               struct ship_error *err)
{
    AUTO(buf_done) struct buf sql = BUF_INIT(LEDGER_SQL_MAX);
    struct val v[LEDGER_COLUMN_MAX];
    size_t n = 0;

    if (t->is_member)
        v[n++] = (struct val)VAL_I(deployment);
    for (size_t i = 0; i < t->n; i++)
        v[n++] = col_value(&t->cols[i], row);
    insert_sql(t, &sql);
    return db_run(l, sql.p, (struct vals){v, n}, NULL, err);
}

int row_update_late(struct ledger *l, const struct table *t, int64_t id, const void *row,
                    struct ship_error *err)
{
    AUTO(buf_done) struct buf sql = BUF_INIT(LEDGER_SQL_MAX);
    struct val v[LEDGER_COLUMN_MAX];
    size_t n = 0;

    buf_addf(&sql, "UPDATE %s SET ", t->from);
    v[n++] = (struct val)VAL_I(id);
    for (size_t i = 0; i < t->n; i++) {
        const struct col *c = &t->cols[i];

        if (!(c->flags & COL_LATE))
            continue;
        v[n] = col_value(c, row);
        buf_addf(&sql, "%s%s = coalesce(?%zu, %s)", n > 1 ? ", " : "", c->name, n + 1, c->name);
        n++;
    }
    buf_adds(&sql, " WHERE id = ?1");
    return db_run(l, sql.p, (struct vals){v, n}, NULL, err);
}

static sqlite3_stmt *prepare_select(struct ledger *l, const struct table *t, const char *tail,
                                    struct ship_error *err)
{
    AUTO(buf_done) struct buf sql = BUF_INIT(LEDGER_SQL_MAX);

    for (size_t i = 0; i < t->n; i++)
        add_words(&sql, i ? ", " : "SELECT ", t->cols[i].name, "");
    add_words(&sql, " FROM ", t->from, " ");
    (void)buf_adds(&sql, tail);
    return db_prepare(l, sql.p, err);
}

static int select_once(struct ledger *l, const struct table *t, sqlite3_stmt *s,
                       struct row_list *ret, struct ship_error *err)
{
    struct row_list list = {0};
    size_t cap = 0;
    int got;

    while ((got = db_step(l, s, err)) == 1) {
        if (list.n == cap) {
            cap = cap ? cap * 2 : 4;
            list.rows = xreallocarray(list.rows, cap, t->size);
        }
        if (read_row(l, s, t, (char *)list.rows + list.n * t->size, err)) {
            got = -1;
            break;
        }
        list.n++;
    }
    if (got < 0)
        rows_done(t, list.rows, list.n);
    else
        *ret = list;
    return got;
}

static int select_rows(struct ledger *l, const struct table *t, const char *tail, struct vals v,
                       struct row_list *ret, struct ship_error *err)
{
    AUTO(stmt_done) sqlite3_stmt *s = NULL;

    l->is_half_way = false;
    if (db_ready(l, err) || !(s = prepare_select(l, t, tail, err)) || db_bind(l, s, v, err))
        return -1;
    return select_once(l, t, s, ret, err);
}

int rows_select(struct ledger *l, const struct table *t, const char *tail, struct vals v,
                struct row_list *ret, struct ship_error *err)
{
    struct ship_error first = {0};

    if (select_rows(l, t, tail, v, ret, &first) == 0)
        return 0;
    if (l->is_half_way && db_undo_half_way(l) == 0)
        return select_rows(l, t, tail, v, ret, err);
    *err = first;
    return -1;
}

int row_select(struct ledger *l, const struct table *t, const char *tail, struct vals v, void *ret,
               struct ship_error *err)
{
    struct row_list list = {0};

    if (rows_select(l, t, tail, v, &list, err))
        return -1;
    if (list.n == 0)
        return 1;
    memcpy(ret, list.rows, t->size);
    for (size_t i = 1; i < list.n; i++)
        row_done(t, (char *)list.rows + i * t->size);
    free(list.rows);
    return 0;
}

char *row_json(const struct table *t, const void *row)
{
    AUTO_PTR(json_free) struct json *j = json_object();

    for (size_t i = 0; i < t->n; i++) {
        const struct col *c = &t->cols[i];
        struct val v = col_value(c, row);

        if (c->flags & COL_VOLATILE || (v.is_text && !v.t))
            continue;
        if (v.is_text)
            json_set_str(j, c->name, v.t);
        else
            json_set_i64(j, c->name, v.i);
    }
    return json_print(j);
}
