/*
 * Rows as structs: a table of columns drives insert, select, JSON and release.
 *
 * One struct table per kind of row; the column is called like the member, so
 * adding a fact is one line in the header, one in the schema and one here.
 */
#ifndef SHIP_LEDGER_ROW_H
#define SHIP_LEDGER_ROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shipctl/error.h"

#include "ledger/db.h"

enum col_kind {
    COL_TEXT,  /* char *, owned after a read, NULL = SQL NULL */
    COL_I64,   /* int64_t */
    COL_REF,   /* int64_t, 0 = SQL NULL */
    COL_INT,   /* int */
    COL_BOOL,  /* bool */
    COL_STATE, /* enum ledger_state, its text in the file */
};

enum col_flags {
    COL_LATE = 1,     /* ledger_update may set it */
    COL_VOLATILE = 2, /* changes after a row is closed: not part of the audit body */
};

struct col {
    const char *name; /* SQL: a column, or an expression for tables that are only read */
    size_t offset;
    enum col_kind kind;
    unsigned flags; /* enum col_flags */
};

struct table {
    const char *from;     /* what follows FROM or INSERT INTO */
    const char *conflict; /* key of an upsert, NULL = plain insert */
    const struct col *cols;
    size_t n;
    size_t size;    /* of one struct */
    bool is_member; /* has deployment_id, which is not in the struct */
};

extern const struct table table_deployments, table_services, table_steps, table_checks,
    table_evidence, table_journal, table_images;

/* Insert (or replace, see conflict) one row. deployment is ignored unless is_member. */
SHIP_CHECKED int row_insert(struct ledger *l, const struct table *t, int64_t deployment,
                            const void *row, struct ship_error *err);

/* Set the COL_LATE columns that row has (not NULL, not 0) in the row with this id. */
SHIP_CHECKED int row_update_late(struct ledger *l, const struct table *t, int64_t id,
                                 const void *row, struct ship_error *err);

struct row_list {
    void *rows; /* array of n structs; owned */
    size_t n;
};
/* tail: "WHERE ... ORDER BY ...". A half-way journal of a killed writer is undone once. */
SHIP_CHECKED int rows_select(struct ledger *l, const struct table *t, const char *tail,
                             struct vals v, struct row_list *ret, struct ship_error *err);
/* The first row of the answer into ret. 0 found, 1 none, -1 failed. */
SHIP_CHECKED int row_select(struct ledger *l, const struct table *t, const char *tail,
                            struct vals v, void *ret, struct ship_error *err);

void row_done(const struct table *t, void *row);
void rows_done(const struct table *t, void *rows, size_t n);

/* The row as one JSON object of its set, non-volatile columns; heap string. */
char *row_json(const struct table *t, const void *row);

static inline void *row_at(const struct col *c, void *row)
{
    return (char *)row + c->offset;
}

static inline const void *row_const_at(const struct col *c, const void *row)
{
    return (const char *)row + c->offset;
}

#endif
