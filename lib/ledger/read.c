/*
 * Reading: one deployment, its members, and releasing what was read.
 */
#include "base/alloc.h"
#include "ledger/row.h"
#include "ledger/schema.h"

/* ---- one deployment ---- */

int ledger_find(struct ledger *l, const char *app, const char *environment, int64_t id,
                struct ledger_deployment *ret, struct ship_error *err)
{
    int got = row_select(l, &table_deployments,
                         "WHERE id = ?1 AND app = coalesce(?2, app)"
                         " AND environment = coalesce(?3, environment)",
                         VALS(VAL_I(id), VAL_T(app), VAL_T(environment)), ret, err);

    if (got == 1) {
        ship_fail(err, SHIP_NOT_FOUND, "no deployment %lld%s%s%s", (long long)id,
                  app ? " of '" : "", app ? app : "", app ? "'" : "");
        return ship_error_hint(err, "run 'shipctl history' for the numbers there are");
    }
    return got;
}

int ledger_current(struct ledger *l, const char *app, const char *environment,
                   struct ledger_deployment *ret, struct ship_error *err)
{
    return row_select(l, &table_deployments,
                      "WHERE app = ?1 AND environment = ?2 AND is_current = 1",
                      VALS(VAL_T(app), VAL_T(environment)), ret, err);
}

int ledger_open_operation(struct ledger *l, const char *app, const char *environment,
                          struct ledger_deployment *ret, struct ship_error *err)
{
    return row_select(l, &table_deployments,
                      "WHERE app = ?1 AND environment = ?2 AND " SQL_IS_OPEN " ORDER BY id LIMIT 1",
                      VALS(VAL_T(app), VAL_T(environment)), ret, err);
}

void ledger_deployment_done(struct ledger_deployment *d)
{
    row_done(&table_deployments, d);
}

/* ---- members of a deployment: read function and release function per kind ---- */

static int read_members(struct ledger *l, const struct table *t, const char *tail, int64_t id,
                        struct row_list *ret, struct ship_error *err)
{
    return rows_select(l, t, tail, VALS(VAL_I(id)), ret, err);
}

#define MEMBERS(read, done, type, table, order)                                                    \
    int read(struct ledger *l, int64_t id, struct type *ret, struct ship_error *err)               \
    {                                                                                              \
        struct row_list list = {0};                                                                \
                                                                                                   \
        if (read_members(l, (table), "WHERE deployment_id = ?1 ORDER BY " order, id, &list, err))  \
            return -1;                                                                             \
        ret->rows = list.rows;                                                                     \
        ret->n = list.n;                                                                           \
        return 0;                                                                                  \
    }                                                                                              \
    void done(struct type *list)                                                                   \
    {                                                                                              \
        rows_done((table), list->rows, list->n);                                                   \
        *list = (struct type){0};                                                                  \
    }

MEMBERS(ledger_services_read, ledger_services_done, ledger_services, &table_services, "rowid")
MEMBERS(ledger_steps_read, ledger_steps_done, ledger_steps, &table_steps, "seq")
MEMBERS(ledger_checks_read, ledger_checks_done, ledger_checks, &table_checks, "id")
MEMBERS(ledger_evidence_read, ledger_evidence_done, ledger_evidences, &table_evidence, "id")
MEMBERS(ledger_journal_read, ledger_journals_done, ledger_journals, &table_journal, "seq")

void ledger_service_done(struct ledger_service *s)
{
    row_done(&table_services, s);
}
