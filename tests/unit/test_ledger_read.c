/* Reading: filters, order, and that the common questions use an index. */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/str.h"
#include "ledger/db.h"
#include "ledger/schema.h"
#include "support/ledger_fixture.h"
#include "unit/assert.h"

static struct ledger_query query(void)
{
    return (struct ledger_query){.app = "shop", .environment = "production", .limit = 100};
}

/* "3 2 1": the numbers of the answer. */
static char *list_ids(struct fixture *f, const struct ledger_query *q)
{
    AUTO(ledger_deployments_done) struct ledger_deployments list = {0};
    AUTO(buf_done) struct buf b = BUF_INIT(4096);

    assert_ok(ledger_list(f->l, q, &list, &f->err), &f->err);
    for (size_t i = 0; i < list.n; i++)
        buf_addf(&b, "%s%lld", i ? " " : "", (long long)list.rows[i].id);
    return buf_steal(&b);
}

static int64_t other_app(struct fixture *f, const char *app, const char *environment)
{
    struct ledger_deployment d = fixture_deployment("v1");

    d.app = xstrdup(app);
    d.environment = xstrdup(environment);
    assert_ok(ledger_begin(f->l, &d, &f->err), &f->err);
    assert_ok(ledger_commit(f->l, d.id, 1, 1, &f->err), &f->err);
    free(d.app);
    free(d.environment);
    return d.id;
}

static void test_find_matches_app_and_environment(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *why, *app, *environment;
        int64_t id;
        bool is_found;
    } rows[] = {
        {"any",               NULL,   NULL,         1,         true },
        {"both",              "shop", "production", 1,         true },
        {"other app",         "shup", "production", 1,         false},
        {"other environment", "shop", "staging",    1,         false},
        {"case matters",      "Shop", NULL,         1,         false},
        {"no such number",    NULL,   NULL,         2,         false},
        {"negative",          NULL,   NULL,         -1,        false},
        {"largest",           NULL,   NULL,         INT64_MAX, false},
    };

    (void)fixture_begin(f->l, "v1");
    for (size_t i = 0; i < ROWS(rows); i++) {
        AUTO(ledger_deployment_done) struct ledger_deployment d = {0};
        int rc = ledger_find(f->l, rows[i].app, rows[i].environment, rows[i].id, &d, &f->err);

        row_check((rc == 0) == rows[i].is_found, rows[i].why);
        row_check(rc == 0 || f->err.code == SHIP_NOT_FOUND, rows[i].why);
        row_check(rc == 0 || (!d.app && d.id == 0), "ret is untouched on failure");
    }
}

static void test_current_and_open_of_an_empty_ledger_say_none(void **state)
{
    struct fixture *f = *state;
    struct ledger_deployment d = {0};
    AUTO(ledger_services_done) struct ledger_services s = {0};
    AUTO(ledger_images_done) struct ledger_images images = {0};
    struct ledger_query q = query();
    AUTO_FREE char *ids = list_ids(f, &q);

    assert_int_equal(ledger_current(f->l, "shop", "production", &d, &f->err), 1);
    assert_int_equal(ledger_open_operation(f->l, "shop", "production", &d, &f->err), 1);
    assert_ok(ledger_services_read(f->l, 1, &s, &f->err), &f->err);
    assert_ok(ledger_images_read(f->l, &images, &f->err), &f->err);
    assert_true(s.n == 0 && images.n == 0);
    assert_string_equal(ids, "");
}

static void test_open_operation_is_the_oldest_of_its_environment(void **state)
{
    struct fixture *f = *state;
    AUTO(ledger_deployment_done) struct ledger_deployment d = {0};

    (void)other_app(f, "shop", "staging");
    (void)fixture_success(f->l, "v1");
    int64_t oldest = fixture_begin(f->l, "v2");
    (void)fixture_begin(f->l, "v3");
    assert_int_equal(ledger_open_operation(f->l, "shop", "production", &d, &f->err), 0);
    assert_int_equal(d.id, oldest);
}

static void test_list_filters(void **state)
{
    struct fixture *f = *state;

    (void)fixture_success(f->l, "v1");        /* 1 */
    (void)fixture_failure(f->l, "v2");        /* 2 */
    (void)fixture_success(f->l, "v3");        /* 3 */
    (void)other_app(f, "shop", "staging");    /* 4 */
    (void)other_app(f, "shup", "production"); /* 5 */
    int64_t noop = fixture_begin(f->l, "v3"); /* 6 */
    (void)fixture_begin(f->l, "v4");          /* 7, open */
    struct ledger_end end = fixture_end(LEDGER_CLEANED, "noop", 0);
    assert_ok(ledger_end(f->l, noop, &end, &f->err), &f->err);
    assert_ok(ledger_mark_pruned(f->l, 1, &f->err), &f->err);
    fixture_raw(f->path, "UPDATE deployments SET started_at_ms = id * 1000");

    static const struct {
        const char *why;
        struct ledger_query q;
        const char *ids;
    } rows[] = {
        {"all of one",                                  {.app = "shop", .environment = "production", .limit = 100}, "7 6 3 2 1"    },
        {"any app and environment",                     {.limit = 100},                                             "7 6 5 4 3 2 1"},
        {"any environment",                             {.app = "shop", .limit = 100},                              "7 6 4 3 2 1"  },
        {"limit",                                       {.app = "shop", .environment = "production", .limit = 2},   "7 6"          },
        {"page two",
         {.app = "shop", .environment = "production", .before_id = 6, .limit = 2},
         "3 2"                                                                                                                     },
        {"failed, not the noop and not the open one",   {.failed_only = true, .limit = 9},                          "2"            },
        {"targets: neither pruned nor failed nor noop",
         {.app = "shop", .environment = "production", .targets_only = true, .limit = 9},
         "3"                                                                                                                       },
        {"targets of all",                              {.targets_only = true, .limit = 9},                         "5 4 3"        },
        {"version",                                     {.version = "v3", .limit = 9},                              "6 3"          },
        {"version is exact",                            {.version = "v", .limit = 9},                               ""             },
        {"target version",                              {.version = "v3", .targets_only = true, .limit = 9},        "3"            },
        {"since",
         {.app = "shop", .environment = "production", .since_ms = 3000, .limit = 9},
         "7 6 3"                                                                                                                   },
        {"no such app",                                 {.app = "nothing", .limit = 9},                             ""             },
        {"text is no pattern",                          {.app = "%", .limit = 9},                                   ""             },
    };

    for (size_t i = 0; i < ROWS(rows); i++) {
        AUTO_FREE char *ids = list_ids(f, &rows[i].q);

        if (!str_eq(ids, rows[i].ids))
            fail_msg("row '%s': '%s', expected '%s'", rows[i].why, ids, rows[i].ids);
    }
}

static void test_images_are_those_of_kept_deployments(void **state)
{
    struct fixture *f = *state;
    struct ledger_service app = fixture_service("app", "{}"),
                          worker = fixture_service("worker", "{}");
    struct ledger_end end = fixture_end(LEDGER_CLEANED, "succeeded", 0);
    AUTO(ledger_images_done) struct ledger_images list = {0};

    worker.version = NULL;
    for (int i = 0; i < 3; i++) {
        int64_t id = fixture_begin(f->l, "v9");

        assert_ok(ledger_put_service(f->l, id, &app, &f->err), &f->err);
        assert_ok(ledger_put_service(f->l, id, &worker, &f->err), &f->err);
        if (i == 1)
            continue; /* stays open: neither current nor succeeded */
        assert_ok(ledger_commit(f->l, id, 77, 1, &f->err), &f->err);
        assert_ok(ledger_end(f->l, id, &end, &f->err), &f->err);
    }
    assert_ok(ledger_mark_pruned(f->l, 1, &f->err), &f->err);
    assert_ok(ledger_images_read(f->l, &list, &f->err), &f->err);
    assert_int_equal(list.n, 4);
    assert_int_equal(list.rows[0].deployment, 3);
    assert_true(list.rows[0].is_current && list.rows[0].succeeded);
    assert_string_equal(list.rows[0].service, "app");
    assert_string_equal(list.rows[0].version, "v1");
    assert_string_equal(list.rows[1].version, "v9");
    assert_string_equal(list.rows[0].environment, "production");
    assert_string_equal(list.rows[0].image_id, "sha256:cccc");
    assert_int_equal(list.rows[0].finished_at_ms, 3000);
    assert_int_equal(list.rows[2].deployment, 2);
    assert_false(list.rows[2].is_current || list.rows[2].succeeded);
}

/* ---- how the questions are answered ---- */

static char *query_plan(const char *path, const char *sql)
{
    AUTO_FREE char *explain = xasprintf("EXPLAIN QUERY PLAN %s", sql);
    AUTO(buf_done) struct buf b = BUF_INIT(8192);
    sqlite3_stmt *s = NULL;
    sqlite3 *db = NULL;

    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, explain, -1, &s, NULL), SQLITE_OK);
    while (sqlite3_step(s) == SQLITE_ROW)
        buf_addf(&b, "%s; ", (const char *)sqlite3_column_text(s, 3));
    sqlite3_finalize(s);
    sqlite3_close(db);
    return buf_steal(&b);
}

static void test_common_questions_use_an_index_and_never_sort(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *sql, *index;
    } rows[] = {
        {"SELECT * FROM deployments WHERE app = ? AND environment = ? ORDER BY id DESC LIMIT ?",
         "deployments_of"                                                                                                  },
        {"SELECT * FROM deployments WHERE app = ? AND environment = ? AND is_current = 1",
         "deployments_current"                                                                                             },
        {"SELECT * FROM deployments WHERE app = ? AND environment = ? AND " SQL_IS_OPEN
         " ORDER BY id LIMIT 1",                                                        "deployments_open"        },
        {"SELECT * FROM deployments WHERE app = ? AND environment = ? AND " SQL_IS_FAILED
         " ORDER BY id DESC LIMIT ?",                                                   "deployments_failed"      },
        {"SELECT * FROM deployments WHERE app = ? AND environment = ? AND " SQL_IS_TARGET
         " ORDER BY id DESC LIMIT ?",                                                   "deployments_target"      },
        {"SELECT * FROM deployments d CROSS JOIN services s ON s.deployment_id = d.id"
         " WHERE d.pruned = 0 ORDER BY d.id DESC",                                      "deployments_kept"        },
        {"SELECT * FROM deployments ORDER BY id DESC LIMIT ?",                                   "SCAN deployments; "      },
        {"SELECT * FROM checks WHERE deployment_id = ? ORDER BY id",                             "checks_of"               },
        {"SELECT * FROM evidence WHERE deployment_id = ? ORDER BY id",                           "evidence_of"             },
        {"SELECT * FROM steps WHERE deployment_id = ? ORDER BY seq",                             "PRIMARY KEY"             },
        {"SELECT * FROM journal WHERE deployment_id = ? ORDER BY seq",                           "sqlite_autoindex_journal"},
        {"SELECT max(seq) FROM audit",                                                           "SEARCH"                  },
    };

    for (size_t i = 0; i < ROWS(rows); i++) {
        AUTO_FREE char *plan = query_plan(f->path, rows[i].sql);

        if (!strstr(plan, rows[i].index) || strstr(plan, "TEMP B-TREE"))
            fail_msg("%s: %s", rows[i].sql, plan);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(test_find_matches_app_and_environment),
        TEST(test_current_and_open_of_an_empty_ledger_say_none),
        TEST(test_open_operation_is_the_oldest_of_its_environment),
        TEST(test_list_filters),
        TEST(test_images_are_those_of_kept_deployments),
        TEST(test_common_questions_use_an_index_and_never_sort),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
