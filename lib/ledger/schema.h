/* The tables, their versions, and the words queries share with partial indices. */
#ifndef SHIP_LEDGER_SCHEMA_H
#define SHIP_LEDGER_SCHEMA_H

#include <stddef.h>

#include "shipctl/error.h"

#include "ledger/db.h"

#define LEDGER_APPLICATION_ID 0x53484950 /* "SHIP" */

/*
 * Conditions of the partial indices. SQLite uses such an index only for a query that repeats its
 * condition, so both sides come from here. Part of migration 1: never edit, add a migration.
 */
#define SQL_IS_OPEN                                                                                \
    "state IN ('preparing','prepared','switching','verifying','committed','rolling_back',"         \
    "'needs_operator')"
#define SQL_IS_FAILED "outcome NOT IN ('succeeded','noop')"
#define SQL_IS_TARGET "outcome = 'succeeded' AND pruned = 0"

struct migration {
    int version;            /* user_version after it */
    const char *const *sql; /* NULL-terminated; run in one transaction with the new user_version */
};

/* THE table of migrations; versions 1, 2, ... */
extern const struct migration schema_migrations[];
extern const size_t schema_migration_count;

/*
 * Bring the file to the last of n migrations (writers). A file that already holds an older schema
 * is copied to <path>.v<N> first. SHIP_UNREACHABLE for a newer schema and for a file of somebody
 * else.
 */
SHIP_CHECKED int schema_migrate(struct ledger *l, const struct migration *steps, size_t n,
                                struct ship_error *err);
/* Check that this program can read the file; changes nothing. SHIP_NOT_FOUND when it is empty. */
SHIP_CHECKED int schema_check(struct ledger *l, const struct migration *steps, size_t n,
                              struct ship_error *err);

#endif
