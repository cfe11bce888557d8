/*
 * The connection below the ledger: statements, transactions, errors.
 *
 * Shared by the files of this folder; the only header here that knows SQLite.
 * A statement is prepared, bound from an array of values and stepped; every
 * failure becomes a ship_error through db_fail. A write goes through db_tx,
 * which runs one function in one durable transaction and knows what to do
 * when the disk is full (drop the ballast, try once more) or failed (reopen).
 */
#ifndef SHIP_LEDGER_DB_H
#define SHIP_LEDGER_DB_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "shipctl/error.h"

#include "ledger/ledger.h"

#define LEDGER_BUSY_MS    5000
#define LEDGER_UUID_SIZE  37
#define LEDGER_FILE       "ledger.db"
#define LEDGER_BALLAST    "ledger.ballast"
#define LEDGER_VALUE_MAX  (8 * 1024 * 1024) /* one value or row; a spec is far below 1 MiB */
#define LEDGER_SQL_MAX    (64 * 1024)
#define LEDGER_COLUMN_MAX 64

/* An outcome and a change of state that the next transaction takes along. */
struct later {
    int64_t id, seq, at_ms;
    char *outcome, *observed_json; /* owned; outcome NULL = none waits */
    int64_t move_id;               /* 0 = none waits */
    enum ledger_state move_to;
    char *last_step; /* owned */
};

struct ledger {
    sqlite3 *db;
    struct later later;
    enum ledger_mode mode;
    char *dir;     /* state directory without symbolic links; owned */
    char *path;    /* dir/ledger.db; owned */
    char *ballast; /* dir/ledger.ballast; owned */
    char uuid[LEDGER_UUID_SIZE];
    int busy_ms;
    bool in_batch;    /* db_tx joins the transaction of ledger_batch */
    pid_t pid;        /* SQLite locks belong to a process: a forked child must open anew */
    bool is_stale;    /* an I/O error happened: reopen before believing anything */
    bool is_full;     /* the last failure was "no space" */
    bool is_half_way; /* the last failure was a hot journal that this read-only handle may not undo
                       */
};

/* One bound value: VAL_I(number), VAL_T(text or NULL). */
struct val {
    bool is_text;
    int64_t i;
    const char *t; /* borrowed */
};
#define VAL_I(x)                                                                                   \
    {                                                                                              \
        .is_text = false, .i = (x)                                                                 \
    }
#define VAL_T(x)                                                                                   \
    {                                                                                              \
        .is_text = true, .t = (x)                                                                  \
    }
/* The values of one statement, in the order of its parameters. */
struct vals {
    const struct val *v;
    size_t n;
};
#define VALS(...)                                                                                  \
    ((struct vals){(const struct val[]){__VA_ARGS__},                                              \
                   sizeof((const struct val[]){__VA_ARGS__}) / sizeof(struct val)})
#define NO_VALS ((struct vals){NULL, 0})

static inline void stmt_done(sqlite3_stmt **s)
{
    if (*s == NULL)
        return;
    /* Not finalised: db_prepare hands it out again, db_disconnect ends it. */
    (void)sqlite3_reset(*s);
    (void)sqlite3_clear_bindings(*s);
}

/* Open l->path with all settings; SHIP codes as ledger_open. Leaves l->db NULL on failure. */
SHIP_CHECKED int db_connect(struct ledger *l, struct ship_error *err);
void db_disconnect(struct ledger *l);
/* Reopen after an I/O error; refuse a handle that crossed a fork. */
SHIP_CHECKED int db_ready(struct ledger *l, struct ship_error *err);

/* Turn SQLite's last error into err. Always -1. Sets is_stale, is_full, is_half_way. */
int db_fail(struct ledger *l, struct ship_error *err);

sqlite3_stmt *db_prepare(struct ledger *l, const char *sql, struct ship_error *err);
SHIP_CHECKED int db_bind(struct ledger *l, sqlite3_stmt *s, struct vals v, struct ship_error *err);
/* 1 a row, 0 done, -1 failed. */
SHIP_CHECKED int db_step(struct ledger *l, sqlite3_stmt *s, struct ship_error *err);
/* Several statements without parameters or answers. */
SHIP_CHECKED int db_exec(struct ledger *l, const char *sql, struct ship_error *err);
/* One statement to its end; ret_changes (may be NULL) = rows it changed. */
SHIP_CHECKED int db_run(struct ledger *l, const char *sql, struct vals v, int *ret_changes,
                        struct ship_error *err);
/* The first column of the first row as a number; fallback when there is no row or it is NULL. */
SHIP_CHECKED int db_number(struct ledger *l, const char *sql, struct vals v, int64_t *ret,
                           struct ship_error *err);
/* The same as text; heap string, NULL when there is no row or it is NULL. */
SHIP_CHECKED int db_text(struct ledger *l, const char *sql, struct vals v, char **ret,
                         struct ship_error *err);

/* Runs inside the transaction; may run twice, so it writes results only to *arg. */
typedef int db_tx_fn(struct ledger *l, void *arg, struct ship_error *err);
SHIP_CHECKED int db_tx(struct ledger *l, db_tx_fn *fn, void *arg, struct ship_error *err);

/* Undo what a killed writer left, for a reader that may write the file. 0 undone, -1 may not. */
int db_undo_half_way(struct ledger *l);

/* journal.c: record what waits, inside a transaction. */
SHIP_CHECKED int journal_write_later(struct ledger *l, struct ship_error *err);
void journal_drop_later(struct ledger *l);

#endif
