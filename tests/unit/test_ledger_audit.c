/* The audit chain: every edit of a row shows, and so does every missing row. */
#include <stdio.h>
#include <stdlib.h>

#include "base/str.h"
#include "ledger/db.h"
#include "support/ledger_fixture.h"
#include "unit/assert.h"

#define DROP_TRIGGERS                                                                              \
    "DROP TRIGGER audit_no_update; DROP TRIGGER audit_no_delete; DROP TRIGGER "                    \
    "deployments_no_delete;"

/* Three deployments: 8 rows; the last stays open. */
static int setup(void **state)
{
    struct fixture *f;

    if (fixture_setup(state))
        return -1;
    f = *state;
    (void)fixture_success(f->l, "v1");
    (void)fixture_failure(f->l, "v2");
    (void)fixture_success(f->l, "v3");
    return 0;
}

#define CHAIN_ROWS 8

static void test_verify_untouched_chain_passes(void **state)
{
    struct fixture *f = *state;
    char head[LEDGER_HEAD_SIZE];
    int64_t rows = 0;

    assert_ok(ledger_audit_head(f->l, head, &f->err), &f->err);
    assert_int_equal(strlen(head), 12);
    assert_ok(ledger_audit_verify(f->l, head, &rows, &f->err), &f->err);
    assert_int_equal(rows, CHAIN_ROWS);
    /* An older head stays found while the chain grows. */
    (void)fixture_success(f->l, "v4");
    assert_ok(ledger_mark_pruned(f->l, 1, &f->err), &f->err);
    assert_ok(ledger_audit_verify(f->l, head, &rows, &f->err), &f->err);
    assert_int_equal(rows, CHAIN_ROWS + 4);
    fixture_reopen(f, LEDGER_READ);
    assert_ok(ledger_audit_verify(f->l, head, &rows, &f->err), &f->err);
}

static void test_head_of_an_empty_chain_is_empty(void **state)
{
    struct fixture *f = *state;
    char head[LEDGER_HEAD_SIZE] = "x";
    int64_t rows = -1;

    assert_ok(ledger_audit_head(f->l, head, &f->err), &f->err);
    assert_string_equal(head, "");
    assert_ok(ledger_audit_verify(f->l, NULL, &rows, &f->err), &f->err);
    assert_int_equal(rows, 0);
    assert_fails(ledger_audit_verify(f->l, "0123456789ab", &rows, &f->err), &f->err,
                 SHIP_UNVERIFIED);
}

static void test_verify_malformed_head_is_a_usage_error(void **state)
{
    struct fixture *f = *state;
    static const char *const heads[] = {
        "",
        "abc",
        "0123456789a",
        "0123456789AB",
        "0123456789ag",
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0",
    };

    for (size_t i = 0; i < ROWS(heads); i++) {
        int64_t rows = 0;

        assert_fails(ledger_audit_verify(f->l, heads[i], &rows, &f->err), &f->err, SHIP_USAGE);
    }
}

static void test_triggers_refuse_changes(void **state)
{
    struct fixture *f = *state;
    static const char *const sql[] = {
        "UPDATE audit SET event = 'x'",
        "DELETE FROM audit",
        "DELETE FROM audit WHERE seq = 8",
        "DELETE FROM deployments WHERE id = 3",
        ("REPLACE INTO audit SELECT seq, 1, deployment_id, event, actor_json, body_json, prev_hash,"
         " hash FROM audit WHERE seq = 8"),
    };

    /* Triggers of REPLACE run only with this setting, which the ledger does not depend on. */
    for (size_t i = 0; i < ROWS(sql) - 1; i++) {
        sqlite3 *db = NULL;

        assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
        assert_int_not_equal(sqlite3_exec(db, sql[i], NULL, NULL, NULL), SQLITE_OK);
        sqlite3_close(db);
    }
    fixture_raw(f->path, sql[ROWS(sql) - 1]);
    int64_t rows = 0;
    assert_fails(ledger_audit_verify(f->l, NULL, &rows, &f->err), &f->err, SHIP_UNVERIFIED);
}

static const struct {
    const char *why, *sql, *message;
} tampers[] = {
    {"time",             "UPDATE audit SET at_ms = at_ms + 1 WHERE seq = 5",                    "row 5"       },
    {"deployment",       "UPDATE audit SET deployment_id = 1 WHERE seq = 5",                    "row 5"       },
    {"event",            "UPDATE audit SET event = 'end' WHERE seq = 4",                        "row 4"       },
    {"actor",            "UPDATE audit SET actor_json = '{}' WHERE seq = 2",                    "row 2"       },
    {"actor to null",    "UPDATE audit SET actor_json = NULL WHERE seq = 2",                    "row 2"       },
    {"actor to empty",   "UPDATE audit SET actor_json = '' WHERE seq = 2",                      "row 2"       },
    {"body",             "UPDATE audit SET body_json = body_json || ' ' WHERE seq = 1",         "row 1"       },
    {"previous hash",    "UPDATE audit SET prev_hash = hash WHERE seq = 3",                     "row 3"       },
    {"hash",             "UPDATE audit SET hash = prev_hash WHERE seq = 8",                     "row 8"       },
    {"upper-case hash",  "UPDATE audit SET hash = upper(hash) WHERE seq = 8",                   "row 8"       },
    {"first row gone",   "DELETE FROM audit WHERE seq = 1",                                     "row 1"       },
    {"row gone",         "DELETE FROM audit WHERE seq = 4",                                     "row 4"       },
    {"renumbered",       "UPDATE audit SET seq = 9 WHERE seq = 8",                              "row 8"       },
    {"gap closed",
     "DELETE FROM audit WHERE seq = 4; UPDATE audit SET seq = seq - 1"
     " WHERE seq > 4",                                                                          "row 4"       },
    {"rows swapped",
     "UPDATE audit SET seq = 100 WHERE seq = 3; UPDATE audit SET seq = 3"
     " WHERE seq = 4; UPDATE audit SET seq = 4 WHERE seq = 100",                                "row 3"       },
    {"forged last row",
     "INSERT INTO audit SELECT 9, at_ms, deployment_id, event, actor_json,"
     " body_json, hash, hash FROM audit WHERE seq = 8",                                         "row 9"       },
    {"all gone",         "DELETE FROM audit",                                                   "3"           },
    {"end cut off",      "DELETE FROM audit WHERE seq > 5",                                     "3"           },
    {"identity",         "UPDATE meta SET value = replace(value, '-', 'x') WHERE key = 'uuid'", "row 1"       },
    {"outcome edited",   "UPDATE deployments SET outcome = 'failed' WHERE id = 2",              "deployment 2"},
    {"version edited",   "UPDATE deployments SET to_version = 'v9' WHERE id = 1",               "deployment 1"},
    {"actor edited",     "UPDATE deployments SET actor = NULL WHERE id = 3",                    "deployment 3"},
    {"time edited",      "UPDATE deployments SET started_at_ms = 1 WHERE id = 3",               "deployment 3"},
    {"deployment gone",  "DELETE FROM deployments WHERE id = 2",                                "deployment 2"},
    {"deployment added",
     "INSERT INTO deployments (app, environment, action, state) VALUES"
     " ('shop', 'production', 'deploy', 'preparing')",                                          "4"           },
};

static void test_verify_any_edit_is_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(tampers); i++) {
        void *one = NULL;
        struct fixture *f;
        int64_t rows = 0;

        assert_int_equal(setup(&one), 0);
        f = one;
        fixture_raw(f->path, DROP_TRIGGERS);
        fixture_raw(f->path, tampers[i].sql);
        fixture_reopen(f, LEDGER_READ);
        row_check(ledger_audit_verify(f->l, NULL, &rows, &f->err) == -1, tampers[i].why);
        row_check(f->err.code == SHIP_UNVERIFIED, tampers[i].why);
        if (!strstr(f->err.msg, tampers[i].message))
            fail_msg("row '%s': %s", tampers[i].why, f->err.msg);
        assert_int_equal(fixture_teardown(&one), 0);
    }
}

static void test_verify_tells_null_from_empty(void **state)
{
    struct fixture *f = *state;
    struct ledger_deployment d = fixture_deployment("v4");
    int64_t rows = 0;

    d.actor_json = NULL;
    assert_ok(ledger_begin(f->l, &d, &f->err), &f->err);
    assert_ok(ledger_audit_verify(f->l, NULL, &rows, &f->err), &f->err);
    fixture_raw(f->path, DROP_TRIGGERS "UPDATE audit SET actor_json = '' WHERE seq = 9");
    assert_fails(ledger_audit_verify(f->l, NULL, &rows, &f->err), &f->err, SHIP_UNVERIFIED);
    assert_contains(f->err.msg, "row 9");
}

static void test_verify_truncation_after_an_end_needs_the_head(void **state)
{
    struct fixture *f = *state;
    char head[LEDGER_HEAD_SIZE];
    int64_t rows = 0;

    assert_ok(ledger_audit_head(f->l, head, &f->err), &f->err);
    fixture_raw(f->path, DROP_TRIGGERS "DELETE FROM audit WHERE seq = 8");
    /* The chain alone cannot know that one more row was there; the head does. */
    assert_ok(ledger_audit_verify(f->l, NULL, &rows, &f->err), &f->err);
    assert_fails(ledger_audit_verify(f->l, head, &rows, &f->err), &f->err, SHIP_UNVERIFIED);
    assert_contains(f->err.msg, head);
}

static void test_check_file_shows_dropped_trigger_and_orphans(void **state)
{
    struct fixture *f = *state;

    assert_ok(ledger_check_file(f->l, LEDGER_FULL, &f->err), &f->err);
    fixture_raw(f->path, "DROP TRIGGER audit_no_update");
    fixture_reopen(f, LEDGER_READ);
    assert_ok(ledger_check_file(f->l, LEDGER_QUICK, &f->err), &f->err);
    assert_fails(ledger_check_file(f->l, LEDGER_FULL, &f->err), &f->err, SHIP_UNREACHABLE);
    fixture_raw(f->path,
                "DROP TRIGGER deployments_no_delete; DELETE FROM deployments WHERE id = 2");
    assert_fails(ledger_check_file(f->l, LEDGER_FULL, &f->err), &f->err, SHIP_UNREACHABLE);
    assert_contains(f->err.msg, "refers");
}

/* The encoding is a promise to other programs: a fixed row has a fixed hash. */
static void test_hash_encoding_is_stable(void **state)
{
    struct fixture *f = *state;
    AUTO_FREE char *hash = NULL;
    char zero_uuid[] = "00000000-0000-4000-8000-000000000000";

    fixture_raw(f->path, "UPDATE meta SET value = '00000000-0000-4000-8000-000000000000'"
                         " WHERE key = 'uuid'");
    fixture_reopen(f, LEDGER_WRITE);
    assert_string_equal(ledger_uuid(f->l), zero_uuid);
    (void)fixture_begin(f->l, "v1");
    hash = fixture_raw_text(f->path, "SELECT hash FROM audit WHERE seq = 1");
    assert_string_equal(hash, "ccb17033affc2b1d87933ad284eeb21e7dd2cbb23942d58fd36a98fd6ce4231b");
}

#define TEST(name)  cmocka_unit_test_setup_teardown(name, setup, fixture_teardown)
#define EMPTY(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(test_verify_untouched_chain_passes),
        EMPTY(test_head_of_an_empty_chain_is_empty),
        TEST(test_verify_malformed_head_is_a_usage_error),
        TEST(test_triggers_refuse_changes),
        cmocka_unit_test(test_verify_any_edit_is_found),
        TEST(test_verify_tells_null_from_empty),
        TEST(test_verify_truncation_after_an_end_needs_the_head),
        TEST(test_check_file_shows_dropped_trigger_and_orphans),
        EMPTY(test_hash_encoding_is_stable),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
