/*
 * Is the file sound? SQLite's own checks, and ours of the schema.
 *
 * The schema is compared with a fresh one, so that a trigger that was dropped
 * to edit the audit chain shows.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "ledger/db.h"
#include "ledger/schema.h"

static int damaged(struct ledger *l, const char *what, struct ship_error *err)
{
    ship_fail(err, SHIP_UNREACHABLE, "ledger '%s' is damaged: %s", l->path, what);
    return ship_error_hint(err, "copy the state directory aside, move ledger.db away and run "
                                "'shipctl recover': it rebuilds the ledger from container labels");
}

static int check_pages(struct ledger *l, enum ledger_depth depth, struct ship_error *err)
{
    AUTO_FREE char *answer = NULL;
    const char *sql = depth == LEDGER_FULL ? "PRAGMA integrity_check(1)" : "PRAGMA quick_check(1)";

    if (db_text(l, sql, NO_VALS, &answer, err))
        return -1;
    return str_eq(answer, "ok") ? 0 : damaged(l, answer ? answer : "no answer", err);
}

static int check_references(struct ledger *l, struct ship_error *err)
{
    AUTO_FREE char *table = NULL;

    if (db_text(l, "PRAGMA foreign_key_check", NO_VALS, &table, err))
        return -1;
    return table ? damaged(l, "a row refers to a deployment that is not there", err) : 0;
}

#define SQL_SCHEMA                                                                                 \
    "SELECT group_concat(sql, ';') FROM"                                                           \
    " (SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type, name)"

/* The same text of a fresh ledger; NULL when out of memory. */
static char *expected_schema(void)
{
    sqlite3_stmt *s = NULL;
    sqlite3 *db = NULL;
    char *text = NULL;
    bool ok = sqlite3_open(":memory:", &db) == SQLITE_OK;

    for (size_t i = 0; ok && i < schema_migration_count; i++)
        for (const char *const *sql = schema_migrations[i].sql; ok && *sql; sql++)
            ok = sqlite3_exec(db, *sql, NULL, NULL, NULL) == SQLITE_OK;
    if (ok && sqlite3_prepare_v2(db, SQL_SCHEMA, -1, &s, NULL) == SQLITE_OK &&
        sqlite3_step(s) == SQLITE_ROW)
        text = xstrdup_or_null((const char *)sqlite3_column_text(s, 0));
    (void)sqlite3_finalize(s);
    (void)sqlite3_close_v2(db);
    return text;
}

static int check_schema(struct ledger *l, struct ship_error *err)
{
    AUTO_FREE char *expected = NULL;
    AUTO_FREE char *text = NULL;
    int64_t version = 0;

    if (db_number(l, "PRAGMA user_version", NO_VALS, &version, err) ||
        db_text(l, SQL_SCHEMA, NO_VALS, &text, err))
        return -1;
    if (version != schema_migrations[schema_migration_count - 1].version)
        return 0; /* newer: we do not know what it should be */
    expected = expected_schema();
    return str_eq(text, expected) ? 0 : damaged(l, "tables or triggers were changed", err);
}

int ledger_check_file(struct ledger *l, enum ledger_depth depth, struct ship_error *err)
{
    if (db_ready(l, err) || check_pages(l, depth, err))
        return -1;
    if (depth == LEDGER_QUICK)
        return 0;
    if (check_references(l, err) || check_schema(l, err))
        return -1;
    return 0;
}
