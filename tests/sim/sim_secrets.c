/* The secret and where it must not be: see sim_secrets.h. */
#include "sim/sim_secrets.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/auto.h"
#include "sim/sim.h"

void secrets_look(const char *where, const char *text)
{
    /* The middle of the second is the same whatever stands before the secret. */
    static const char *const forms[] = {SIM_SECRET, "zaW0tY2FuYXJ5LTVmMm"};

    for (size_t i = 0; text && i < ARRAY_LEN(forms); i++)
        if (strstr(text, forms[i]))
            sim_break("I11: a secret is in %s: %.200s", where, text);
    if (text && strstr(text, SIM_SECRET_NAME "=***"))
        sim.total.hidden++;
}

void secrets_look_and_free(const char *where, char *text)
{
    secrets_look(where, text);
    free(text);
}

static void look_at_table(sqlite3 *db, const char *table)
{
    AUTO_FREE char *sql = xasprintf("SELECT * FROM %s", table);
    sqlite3_stmt *q = NULL;

    if (sqlite3_prepare_v2(db, sql, -1, &q, NULL) != SQLITE_OK)
        sim_break("I11: table %s can not be read: %s", table, sqlite3_errmsg(db));
    while (q && sqlite3_step(q) == SQLITE_ROW)
        for (int i = 0; i < sqlite3_column_count(q); i++)
            if (strcmp(sqlite3_column_name(q, i), "spec_json") != 0)
                secrets_look(table, (const char *)sqlite3_column_text(q, i));
    (void)sqlite3_finalize(q);
}

void secrets_look_at_ledger(sqlite3 *db)
{
    static const char *const tables[] = {"meta",   "deployments", "services", "steps",
                                         "checks", "evidence",    "journal",  "audit"};

    for (size_t i = 0; i < ARRAY_LEN(tables); i++)
        look_at_table(db, tables[i]);
}
