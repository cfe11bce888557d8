/* Writing: what is stored comes back, and the state machine's rules hold. */
#include <stdio.h>
#include <stdlib.h>

#include "base/str.h"
#include "ledger/db.h"
#include "ledger/row.h"
#include "ledger/state.h"
#include "support/ledger_fixture.h"
#include "unit/assert.h"

static struct ledger_deployment find(struct fixture *f, int64_t id)
{
    struct ledger_deployment d = {0};

    assert_ok(ledger_find(f->l, NULL, NULL, id, &d, &f->err), &f->err);
    return d;
}

static void assert_state(struct fixture *f, int64_t id, enum ledger_state state)
{
    AUTO(ledger_deployment_done) struct ledger_deployment d = find(f, id);

    assert_int_equal(d.state, state);
}

/* ---- begin, update ---- */

static void test_begin_all_members_come_back(void **state)
{
    struct fixture *f = *state;
    struct ledger_deployment in = fixture_deployment("v1");

    assert_ok(ledger_begin(f->l, &in, &f->err), &f->err);
    assert_int_equal(in.id, 1);
    fixture_reopen(f, LEDGER_READ);
    AUTO(ledger_deployment_done) struct ledger_deployment out = find(f, 1);
    in.exit_code = -1;
    in.downtime_ms = -1;
    AUTO_FREE char *a = row_json(&table_deployments, &in);
    AUTO_FREE char *b = row_json(&table_deployments, &out);
    assert_string_equal(a, b);
    assert_null(out.outcome);
    assert_false(out.is_current || out.pruned);
}

static void test_begin_numbers_count_up(void **state)
{
    struct fixture *f = *state;

    for (int64_t i = 1; i <= 5; i++)
        assert_int_equal(fixture_begin(f->l, "v1"), i);
}

static void test_begin_ignores_members_that_others_set(void **state)
{
    struct fixture *f = *state;
    struct ledger_deployment in = fixture_deployment("v1");
    char outcome[] = "succeeded";

    in.id = 77;
    in.state = LEDGER_CLEANED;
    in.outcome = outcome;
    in.is_current = in.pruned = true;
    in.finished_at_ms = 5;
    assert_ok(ledger_begin(f->l, &in, &f->err), &f->err);
    assert_int_equal(in.id, 1);
    AUTO(ledger_deployment_done) struct ledger_deployment out = find(f, 1);
    assert_int_equal(out.state, LEDGER_PREPARING);
    assert_null(out.outcome);
    assert_int_equal(out.exit_code, -1);
    assert_int_equal(out.downtime_ms, -1);
    assert_int_equal(out.finished_at_ms, 0);
    assert_false(out.is_current || out.pruned);
}

static void test_begin_without_required_text_fails(void **state)
{
    struct fixture *f = *state;
    static const size_t required[] = {
        offsetof(struct ledger_deployment, app),
        offsetof(struct ledger_deployment, environment),
        offsetof(struct ledger_deployment, action),
    };

    for (size_t i = 0; i < ROWS(required); i++) {
        struct ledger_deployment d = fixture_deployment("v1");

        *(char **)((char *)&d + required[i]) = NULL;
        assert_fails(ledger_begin(f->l, &d, &f->err), &f->err, SHIP_INTERNAL);
        assert_int_equal(d.id, 0);
    }
}

static void test_begin_unknown_action_or_reference_fails(void **state)
{
    struct fixture *f = *state;
    struct ledger_deployment d = fixture_deployment("v1");
    char bad[] = "undeploy";

    d.action = bad;
    assert_fails(ledger_begin(f->l, &d, &f->err), &f->err, SHIP_INTERNAL);
    d = fixture_deployment("v1");
    d.target_id = 99;
    assert_fails(ledger_begin(f->l, &d, &f->err), &f->err, SHIP_NOT_FOUND);
}

static void test_begin_foreign_bytes_come_back_unchanged(void **state)
{
    struct fixture *f = *state;
    struct ledger_deployment in = fixture_deployment("v1'; DROP TABLE audit; --");
    char reason[] = "\xff\x1b[31m \xe4\xb8\xad \" ' \\ %s";

    in.reason = reason;
    assert_ok(ledger_begin(f->l, &in, &f->err), &f->err);
    AUTO(ledger_deployment_done) struct ledger_deployment out = find(f, in.id);
    assert_string_equal(out.reason, reason);
    assert_string_equal(out.to_version, "v1'; DROP TABLE audit; --");
}

static void test_update_sets_only_what_is_given(void **state)
{
    struct fixture *f = *state;
    int64_t id = fixture_begin(f->l, "v1");
    char digest[] = "sha256:new", app[] = "other";
    struct ledger_deployment late = {.id = id, .to_digest = digest, .app = app, .exit_code = 9};

    assert_ok(ledger_update(f->l, &late, &f->err), &f->err);
    AUTO(ledger_deployment_done) struct ledger_deployment d = find(f, id);
    assert_string_equal(d.to_digest, "sha256:new");
    assert_string_equal(d.from_digest, "sha256:aaaa");
    assert_string_equal(d.app, "shop");
    assert_int_equal(d.exit_code, -1);
    assert_int_equal(d.from_id, 0);
}

static void test_update_reference_is_stored(void **state)
{
    struct fixture *f = *state;
    int64_t first = fixture_success(f->l, "v1");
    int64_t id = fixture_begin(f->l, "v2");
    struct ledger_deployment late = {.id = id, .from_id = first};

    assert_ok(ledger_update(f->l, &late, &f->err), &f->err);
    AUTO(ledger_deployment_done) struct ledger_deployment d = find(f, id);
    assert_int_equal(d.from_id, first);
}

static void test_update_closed_or_missing_row_fails(void **state)
{
    struct fixture *f = *state;
    struct ledger_deployment late = {.id = fixture_failure(f->l, "v1")};

    assert_fails(ledger_update(f->l, &late, &f->err), &f->err, SHIP_CONFLICT);
    late.id = 99;
    assert_fails(ledger_update(f->l, &late, &f->err), &f->err, SHIP_NOT_FOUND);
    assert_contains(f->err.msg, "99");
}

/* ---- states ---- */

static void test_state_text_agrees_with_parse_and_schema(void **state)
{
    struct fixture *f = *state;

    for (int i = LEDGER_PREPARING; i <= LEDGER_FAILED; i++) {
        enum ledger_state s = (enum ledger_state)i, back = LEDGER_FAILED;
        AUTO_FREE char *sql =
            xasprintf("INSERT INTO deployments (app, environment, action, state, outcome)"
                      " VALUES ('s', 'x%d', 'deploy', '%s', 'failed')",
                      i, ledger_state_text(s));
        AUTO_FREE char *app = xasprintf("x%d", i);
        struct ledger_deployment d = {0};

        assert_int_equal(state_parse(ledger_state_text(s), &back), 0);
        assert_int_equal(back, s);
        fixture_raw(f->path, sql);
        /* The partial index and the header agree on what is open. */
        assert_int_equal(ledger_open_operation(f->l, "s", app, &d, &f->err),
                         ledger_state_is_open(s) ? 0 : 1);
        ledger_deployment_done(&d);
    }
    enum ledger_state none;
    assert_int_equal(state_parse("Preparing", &none), -1);
    assert_int_equal(state_parse(NULL, &none), -1);
}

static void test_set_state_moves_and_keeps_step(void **state)
{
    struct fixture *f = *state;
    int64_t id = fixture_begin(f->l, "v1");

    assert_ok(ledger_set_state(f->l, id, LEDGER_SWITCHING, "stop old", &f->err), &f->err);
    assert_ok(ledger_set_state(f->l, id, LEDGER_VERIFYING, NULL, &f->err), &f->err);
    AUTO(ledger_deployment_done) struct ledger_deployment d = find(f, id);
    assert_int_equal(d.state, LEDGER_VERIFYING);
    assert_string_equal(d.last_step, "stop old");
}

/* Rows: a history, then a move that is refused. */
static const struct {
    const char *why;
    int64_t (*make)(struct ledger *l, const char *version);
    enum ledger_state to;
} refused_moves[] = {
    {"closed rows are final",              fixture_failure, LEDGER_SWITCHING   },
    {"cleaned rows are final",             fixture_success, LEDGER_ROLLING_BACK},
    {"committing is ledger_commit",        fixture_begin,   LEDGER_COMMITTED   },
    {"closing is ledger_end",              fixture_begin,   LEDGER_CANCELLED   },
    {"a committed row never goes back",    fixture_commit,  LEDGER_ROLLING_BACK},
    {"a committed row is not verified",    fixture_commit,  LEDGER_VERIFYING   },
    {"a committed row closes through end", fixture_commit,  LEDGER_CLEANED     },
};

static void test_set_state_forbidden_move_conflicts(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < ROWS(refused_moves); i++) {
        int64_t id = refused_moves[i].make(f->l, "v1");
        AUTO(ledger_deployment_done) struct ledger_deployment before = find(f, id);

        row_check(ledger_set_state(f->l, id, refused_moves[i].to, NULL, &f->err) == -1,
                  refused_moves[i].why);
        row_check(f->err.code == SHIP_CONFLICT, refused_moves[i].why);
        assert_state(f, id, before.state);
    }
    assert_fails(ledger_set_state(f->l, 999, LEDGER_SWITCHING, NULL, &f->err), &f->err,
                 SHIP_NOT_FOUND);
}

/* ---- commit and end ---- */

static void test_commit_moves_current_in_one_step(void **state)
{
    struct fixture *f = *state;
    int64_t first = fixture_success(f->l, "v1");
    int64_t second = fixture_commit(f->l, "v2");
    AUTO(ledger_deployment_done) struct ledger_deployment a = find(f, first), b = find(f, second);

    assert_false(a.is_current);
    assert_true(b.is_current);
    assert_int_equal(b.state, LEDGER_COMMITTED);
    assert_string_equal(b.outcome, "succeeded");
    assert_int_equal(b.exit_code, 0);
    assert_int_equal(b.finished_at_ms, 2000);
    assert_int_equal(b.downtime_ms, 300);
    ledger_deployment_done(&a);
}

static void test_commit_leaves_other_environments_alone(void **state)
{
    struct fixture *f = *state;
    int64_t first = fixture_success(f->l, "v1");
    struct ledger_deployment d = fixture_deployment("v2");
    char staging[] = "staging";

    d.environment = staging;
    assert_ok(ledger_begin(f->l, &d, &f->err), &f->err);
    assert_ok(ledger_commit(f->l, d.id, 1, -1, &f->err), &f->err);
    AUTO(ledger_deployment_done) struct ledger_deployment a = find(f, first);
    assert_true(a.is_current);
}

static void test_commit_twice_or_closed_or_missing_fails(void **state)
{
    struct fixture *f = *state;

    assert_fails(ledger_commit(f->l, fixture_commit(f->l, "v1"), 1, 1, &f->err), &f->err,
                 SHIP_CONFLICT);
    assert_fails(ledger_commit(f->l, fixture_failure(f->l, "v1"), 1, 1, &f->err), &f->err,
                 SHIP_CONFLICT);
    assert_fails(ledger_commit(f->l, 99, 1, 1, &f->err), &f->err, SHIP_NOT_FOUND);
}

static void test_end_after_commit_cleans(void **state)
{
    struct fixture *f = *state;
    int64_t id = fixture_commit(f->l, "v1");
    struct ledger_end end = fixture_end(LEDGER_CLEANED, NULL, 40);

    end.finished_at_ms = 0;
    end.warnings_json = "[\"prune\"]";
    assert_ok(ledger_end(f->l, id, &end, &f->err), &f->err);
    AUTO(ledger_deployment_done) struct ledger_deployment d = find(f, id);
    assert_int_equal(d.state, LEDGER_CLEANED);
    assert_string_equal(d.outcome, "succeeded");
    assert_string_equal(d.warnings_json, "[\"prune\"]");
    assert_int_equal(d.exit_code, 40);
    assert_int_equal(d.finished_at_ms, 2000);
    assert_int_equal(d.downtime_ms, 300);
    assert_true(d.is_current);
}

static void test_end_failure_keeps_current(void **state)
{
    struct fixture *f = *state;
    int64_t good = fixture_success(f->l, "v1");
    int64_t bad = fixture_failure(f->l, "v2");
    AUTO(ledger_deployment_done) struct ledger_deployment cur = {0};
    AUTO(ledger_deployment_done) struct ledger_deployment d = find(f, bad);

    assert_int_equal(ledger_current(f->l, "shop", "production", &cur, &f->err), 0);
    assert_int_equal(cur.id, good);
    assert_string_equal(d.error, "never healthy");
    assert_int_equal(d.exit_code, 20);
}

static const struct {
    const char *why;
    int64_t (*make)(struct ledger *l, const char *version);
    enum ledger_state state;
    const char *outcome;
    enum ship_code code;
} refused_ends[] = {
    {"closed rows are final",          fixture_failure, LEDGER_FAILED,      "failed",      SHIP_CONFLICT},
    {"cleaned rows are final",         fixture_success, LEDGER_CLEANED,     "succeeded",   SHIP_CONFLICT},
    {"committed is never rolled back", fixture_commit,  LEDGER_ROLLED_BACK, "rolled_back",
     SHIP_CONFLICT                                                                                      },
    {"committed has succeeded",        fixture_commit,  LEDGER_CLEANED,     "failed",      SHIP_CONFLICT},
    {"success needs a commit",         fixture_begin,   LEDGER_CLEANED,     "succeeded",   SHIP_CONFLICT},
    {"a closed row has an outcome",    fixture_begin,   LEDGER_FAILED,      NULL,          SHIP_INTERNAL},
    {"outcome is one of the contract", fixture_begin,   LEDGER_FAILED,      "exploded",    SHIP_INTERNAL},
};

static void test_end_forbidden_fails(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < ROWS(refused_ends); i++) {
        struct ledger_end end = fixture_end(refused_ends[i].state, refused_ends[i].outcome, 1);

        row_check(ledger_end(f->l, refused_ends[i].make(f->l, "v1"), &end, &f->err) == -1,
                  refused_ends[i].why);
        row_check(f->err.code == refused_ends[i].code, refused_ends[i].why);
    }
}

static void test_end_needs_operator_stays_open(void **state)
{
    struct fixture *f = *state;
    int64_t id = fixture_begin(f->l, "v1");
    struct ledger_end end = fixture_end(LEDGER_NEEDS_OPERATOR, "failed", 30);

    assert_ok(ledger_end(f->l, id, &end, &f->err), &f->err);
    assert_ok(ledger_set_state(f->l, id, LEDGER_ROLLING_BACK, NULL, &f->err), &f->err);
    end = fixture_end(LEDGER_ROLLED_BACK, "rolled_back", 20);
    assert_ok(ledger_end(f->l, id, &end, &f->err), &f->err);
    AUTO(ledger_deployment_done) struct ledger_deployment d = find(f, id);
    assert_string_equal(d.outcome, "rolled_back");
}

static void test_end_noop_without_commit_is_cleaned(void **state)
{
    struct fixture *f = *state;
    int64_t id = fixture_begin(f->l, "v1");
    struct ledger_end end = fixture_end(LEDGER_CLEANED, "noop", 0);

    assert_ok(ledger_end(f->l, id, &end, &f->err), &f->err);
    assert_state(f, id, LEDGER_CLEANED);
}

/* ---- services, prune ---- */

static void test_put_service_replaces_and_keeps_order(void **state)
{
    struct fixture *f = *state;
    int64_t id = fixture_begin(f->l, "v1");
    struct ledger_service worker = fixture_service("worker", "{\"a\":1}");
    struct ledger_service app = fixture_service("app", "{\"b\":2}");
    AUTO(ledger_services_done) struct ledger_services list = {0};
    char version[] = "v1.1";

    assert_ok(ledger_put_service(f->l, id, &worker, &f->err), &f->err);
    assert_ok(ledger_put_service(f->l, id, &app, &f->err), &f->err);
    worker.version = version;
    assert_ok(ledger_put_service(f->l, id, &worker, &f->err), &f->err);
    assert_ok(ledger_services_read(f->l, id, &list, &f->err), &f->err);
    assert_int_equal(list.n, 2);
    assert_string_equal(list.rows[0].service, "worker");
    assert_string_equal(list.rows[0].version, "v1.1");
    assert_string_equal(list.rows[1].spec_json, "{\"b\":2}");
    assert_string_equal(list.rows[1].image_id, "sha256:cccc");
}

static void test_put_service_closed_or_missing_deployment_fails(void **state)
{
    struct fixture *f = *state;
    struct ledger_service s = fixture_service("app", "{}");

    assert_fails(ledger_put_service(f->l, fixture_failure(f->l, "v1"), &s, &f->err), &f->err,
                 SHIP_CONFLICT);
    assert_fails(ledger_put_service(f->l, 99, &s, &f->err), &f->err, SHIP_NOT_FOUND);
}

static void test_put_service_too_large_spec_fails(void **state)
{
    struct fixture *f = *state;
    int64_t id = fixture_begin(f->l, "v1");
    AUTO_FREE char *spec = xmalloc(LEDGER_VALUE_MAX + 2);
    struct ledger_service s = fixture_service("app", spec);

    memset(spec, 'x', LEDGER_VALUE_MAX + 1);
    spec[LEDGER_VALUE_MAX + 1] = '\0';
    assert_fails(ledger_put_service(f->l, id, &s, &f->err), &f->err, SHIP_INTERNAL);
}

static void test_mark_pruned_leaves_no_secret_in_the_file(void **state)
{
    struct fixture *f = *state;
    int64_t id = fixture_begin(f->l, "v1");
    AUTO_FREE char *spec = xmalloc(20001);
    struct ledger_service s = fixture_service("app", spec);
    char kind[] = "create", args[] = "{\"Env\":[\"canary-5f2c-args\"]}";
    struct ledger_journal j = {.kind = kind, .args_json = args};
    AUTO(ledger_services_done) struct ledger_services list = {0};

    /* Long enough for overflow pages, the secret at both ends. */
    memset(spec, 'x', 20000);
    memcpy(spec, "canary-5f2c", 11);
    memcpy(spec + 20000 - 11, "canary-5f2c", 11);
    spec[20000] = '\0';
    assert_ok(ledger_put_service(f->l, id, &s, &f->err), &f->err);
    assert_ok(ledger_intent(f->l, id, &j, &f->err), &f->err);
    assert_ok(ledger_commit(f->l, id, 1, 1, &f->err), &f->err);
    struct ledger_end end = fixture_end(LEDGER_CLEANED, "succeeded", 0);
    assert_ok(ledger_end(f->l, id, &end, &f->err), &f->err);
    (void)fixture_success(f->l, "v2");
    assert_true(fixture_file_has(f->path, "canary-5f2c"));
    assert_ok(ledger_mark_pruned(f->l, id, &f->err), &f->err);
    assert_false(fixture_file_has(f->path, "canary-5f2c"));
    fixture_reopen(f, LEDGER_WRITE); /* takes the journal with the old pages away */
    AUTO_FREE char *journal = xasprintf("%s-journal", f->path);
    assert_int_equal(access(journal, F_OK), -1);
    assert_ok(ledger_services_read(f->l, id, &list, &f->err), &f->err);
    assert_int_equal(list.n, 1);
    assert_null(list.rows[0].spec_json);
    assert_string_equal(list.rows[0].digest, "sha256:bbbb");
    AUTO(ledger_deployment_done) struct ledger_deployment d = find(f, id);
    assert_true(d.pruned);
}

static void test_mark_pruned_current_open_missing_fail_twice_is_fine(void **state)
{
    struct fixture *f = *state;
    int64_t old = fixture_success(f->l, "v1"), current = fixture_success(f->l, "v2");
    int64_t open = fixture_begin(f->l, "v3");

    assert_fails(ledger_mark_pruned(f->l, current, &f->err), &f->err, SHIP_CONFLICT);
    assert_contains(f->err.msg, "current");
    assert_fails(ledger_mark_pruned(f->l, open, &f->err), &f->err, SHIP_CONFLICT);
    assert_fails(ledger_mark_pruned(f->l, 99, &f->err), &f->err, SHIP_NOT_FOUND);
    assert_ok(ledger_mark_pruned(f->l, old, &f->err), &f->err);
    assert_ok(ledger_mark_pruned(f->l, old, &f->err), &f->err);
}

/* ---- reconstruct ---- */

static void test_reconstruct_makes_a_current_target(void **state)
{
    struct fixture *f = *state;
    struct ledger_deployment d = fixture_deployment("v7");
    struct ledger_service s[] = {fixture_service("app", "{}"), fixture_service("worker", "{}")};
    AUTO(ledger_services_done) struct ledger_services list = {0};

    d.id = 41;
    d.action = d.signature = NULL;
    assert_ok(ledger_reconstruct(f->l, &d, s, 2, &f->err), &f->err);
    assert_int_equal(d.id, 41);
    AUTO(ledger_deployment_done) struct ledger_deployment out = {0};
    assert_int_equal(ledger_current(f->l, "shop", "production", &out, &f->err), 0);
    assert_int_equal(out.id, 41);
    assert_int_equal(out.state, LEDGER_CLEANED);
    assert_string_equal(out.outcome, "succeeded");
    assert_string_equal(out.reason, LEDGER_RECONSTRUCTED);
    assert_string_equal(out.action, "deploy");
    assert_string_equal(out.signature, "unsigned");
    assert_ok(ledger_services_read(f->l, 41, &list, &f->err), &f->err);
    assert_int_equal(list.n, 2);
    /* Numbers go on after it, so the labels of old containers stay unique. */
    assert_int_equal(fixture_begin(f->l, "v8"), 42);
    int64_t rows = 0;
    assert_ok(ledger_audit_verify(f->l, NULL, &rows, &f->err), &f->err);
    assert_int_equal(rows, 2);
}

static void test_reconstruct_beside_a_current_or_taken_id_conflicts(void **state)
{
    struct fixture *f = *state;
    struct ledger_deployment d = fixture_deployment("v7");
    char staging[] = "staging";

    (void)fixture_success(f->l, "v1");
    assert_fails(ledger_reconstruct(f->l, &d, NULL, 0, &f->err), &f->err, SHIP_CONFLICT);
    d.environment = staging;
    d.id = 1;
    assert_fails(ledger_reconstruct(f->l, &d, NULL, 0, &f->err), &f->err, SHIP_CONFLICT);
    d.id = 0;
    assert_ok(ledger_reconstruct(f->l, &d, NULL, 0, &f->err), &f->err);
    assert_int_equal(d.id, 2);
}

/* ---- members ---- */

static void test_steps_replace_by_seq_and_come_back_in_order(void **state)
{
    struct fixture *f = *state;
    int64_t id = fixture_begin(f->l, "v1");
    char name[] = "pull", ok[] = "ok", running[] = "running", message[] = "12 MB";
    struct ledger_step second = {.seq = 2, .name = name, .status = running, .started_at_ms = 5};
    struct ledger_step first = {.seq = 1, .name = name, .status = ok, .duration_ms = 7};
    AUTO(ledger_steps_done) struct ledger_steps list = {0};

    assert_ok(ledger_put_step(f->l, id, &second, &f->err), &f->err);
    assert_ok(ledger_put_step(f->l, id, &first, &f->err), &f->err);
    second.status = ok;
    second.message = message;
    assert_ok(ledger_put_step(f->l, id, &second, &f->err), &f->err);
    assert_ok(ledger_steps_read(f->l, id, &list, &f->err), &f->err);
    assert_int_equal(list.n, 2);
    assert_int_equal(list.rows[0].seq, 1);
    assert_int_equal(list.rows[0].duration_ms, 7);
    assert_string_equal(list.rows[1].status, "ok");
    assert_string_equal(list.rows[1].message, "12 MB");
    assert_fails(ledger_put_step(f->l, 99, &first, &f->err), &f->err, SHIP_NOT_FOUND);
}

static void test_checks_keep_every_run(void **state)
{
    struct fixture *f = *state;
    int64_t id = fixture_begin(f->l, "v1");
    char phase[] = "health", check_id[] = "web", type[] = "http", fail[] = "fail", pass[] = "pass";
    struct ledger_check c = {.phase = phase,
                             .check_id = check_id,
                             .type = type,
                             .status = fail,
                             .required = true,
                             .tries = 10,
                             .duration_ms = 20000};
    AUTO(ledger_checks_done) struct ledger_checks list = {0};

    assert_ok(ledger_put_check(f->l, id, &c, &f->err), &f->err);
    c.status = pass;
    assert_ok(ledger_put_check(f->l, id, &c, &f->err), &f->err);
    assert_ok(ledger_checks_read(f->l, id, &list, &f->err), &f->err);
    assert_int_equal(list.n, 2);
    assert_string_equal(list.rows[0].status, "fail");
    assert_string_equal(list.rows[1].status, "pass");
    assert_true(list.rows[0].required);
    assert_int_equal(list.rows[0].tries, 10);
    c.status = phase;
    assert_fails(ledger_put_check(f->l, id, &c, &f->err), &f->err, SHIP_INTERNAL);
    assert_fails(ledger_put_check(f->l, 99, &(struct ledger_check){0}, &f->err), &f->err,
                 SHIP_INTERNAL);
}

static void test_evidence_keeps_the_end_of_a_long_text(void **state)
{
    struct fixture *f = *state;
    int64_t id = fixture_begin(f->l, "v1");
    size_t len = LEDGER_EVIDENCE_MAX + 100;
    AUTO_FREE char *text = xmalloc(len + 1);
    AUTO(ledger_evidence_done) struct ledger_evidences list = {0};

    /* Three-byte characters: the cut falls into one of them. */
    for (size_t i = 0; i < len; i++)
        text[i] = "\xe4\xb8\xad"[i % 3];
    memcpy(text + len - 3, "end", 4);
    assert_ok(ledger_put_evidence(f->l, id, "log", NULL, text, &f->err), &f->err);
    assert_ok(ledger_put_evidence(f->l, id, "health", "app", "", &f->err), &f->err);
    assert_ok(ledger_evidence_read(f->l, id, &list, &f->err), &f->err);
    assert_int_equal(list.n, 2);
    assert_true(strlen(list.rows[0].text) <= LEDGER_EVIDENCE_MAX);
    assert_true(strlen(list.rows[0].text) > LEDGER_EVIDENCE_MAX - 4);
    assert_true(((unsigned char)list.rows[0].text[0] & 0xC0) != 0x80);
    assert_true(str_ends(list.rows[0].text, "end"));
    assert_null(list.rows[0].service);
    assert_string_equal(list.rows[1].service, "app");
    assert_fails(ledger_put_evidence(f->l, id, "gossip", NULL, "", &f->err), &f->err,
                 SHIP_INTERNAL);
    assert_fails(ledger_put_evidence(f->l, 99, "log", NULL, "", &f->err), &f->err, SHIP_NOT_FOUND);
}

static void test_journal_intent_then_done_then_undone(void **state)
{
    struct fixture *f = *state;
    int64_t id = fixture_begin(f->l, "v1"), other = fixture_begin(f->l, "v2");
    char kind[] = "stop", service[] = "app", args[] = "{\"id\":\"x\"}";
    struct ledger_journal a = {.kind = kind,
                               .service = service,
                               .args_json = args,
                               .intent_at_ms = 5,
                               .outcome = kind,
                               .done_at_ms = 9};
    struct ledger_journal b = a, c = a;
    AUTO(ledger_journals_done) struct ledger_journals list = {0};

    assert_ok(ledger_intent(f->l, id, &a, &f->err), &f->err);
    assert_ok(ledger_intent(f->l, id, &b, &f->err), &f->err);
    assert_ok(ledger_intent(f->l, other, &c, &f->err), &f->err);
    assert_true(a.seq == 1 && b.seq == 2 && c.seq == 1);
    assert_ok(ledger_done(f->l, id, 1, "done", "{\"exit\":0}", 7, &f->err), &f->err);
    assert_ok(ledger_done(f->l, id, 1, "undone", NULL, 8, &f->err), &f->err);
    assert_ok(ledger_journal_read(f->l, id, &list, &f->err), &f->err);
    assert_int_equal(list.n, 2);
    assert_string_equal(list.rows[0].outcome, "undone");
    assert_string_equal(list.rows[0].observed_json, "{\"exit\":0}");
    assert_int_equal(list.rows[0].done_at_ms, 8);
    assert_null(list.rows[1].outcome);
    assert_int_equal(list.rows[1].done_at_ms, 0);
    assert_string_equal(list.rows[1].args_json, args);
}

/* What a process that starts now would find. */
static void expect_outcomes(const struct fixture *f, const char *expect, const char *why)
{
    AUTO_FREE char *seen = fixture_raw_text(
        f->path, "SELECT group_concat(coalesce(outcome, '-')) FROM (SELECT outcome FROM journal"
                 " ORDER BY seq)");

    row_check(strcmp(seen, expect) == 0, why);
}

static void test_done_soon_is_written_with_the_next_transaction(void **state)
{
    struct fixture *f = *state;
    int64_t id = fixture_begin(f->l, "v1");
    char kind[] = "stop";
    struct ledger_journal a = {.kind = kind}, b = a, c = a;

    assert_ok(ledger_intent(f->l, id, &a, &f->err), &f->err);
    assert_ok(ledger_done_soon(f->l, id, a.seq, "done", "{}", 7, &f->err), &f->err);
    expect_outcomes(f, "-", "nothing is written yet");
    assert_ok(ledger_intent(f->l, id, &b, &f->err), &f->err);
    expect_outcomes(f, "done,-", "the next intent takes it along");
    assert_ok(ledger_done_soon(f->l, id, b.seq, "done", "{}", 8, &f->err), &f->err);
    assert_fails(ledger_intent(f->l, 99, &c, &f->err), &f->err, SHIP_NOT_FOUND);
    expect_outcomes(f, "done,-", "a transaction that fails takes nothing along");
    assert_ok(ledger_settle(f->l, &f->err), &f->err);
    expect_outcomes(f, "done,done", "and it was not forgotten");
    assert_ok(ledger_intent(f->l, id, &c, &f->err), &f->err);
    assert_ok(ledger_done_soon(f->l, id, c.seq, "done", NULL, 9, &f->err), &f->err);
    fixture_reopen(f, LEDGER_WRITE);
    expect_outcomes(f, "done,done,done", "closing writes it");
}

static void test_set_state_soon_stands_in_the_file_with_the_next_intent(void **state)
{
    struct fixture *f = *state;
    int64_t id = fixture_begin(f->l, "v1");
    char kind[] = "stop";
    struct ledger_journal j = {.kind = kind};

    assert_ok(ledger_set_state_soon(f->l, id, LEDGER_SWITCHING, "switch", &f->err), &f->err);
    assert_state(f, id, LEDGER_PREPARING);
    assert_ok(ledger_intent(f->l, id, &j, &f->err), &f->err);
    AUTO(ledger_deployment_done) struct ledger_deployment d = find(f, id);
    assert_int_equal(d.state, LEDGER_SWITCHING);
    assert_string_equal(d.last_step, "switch");
    /* Beside an outcome that waits, too; a second change writes the first. */
    assert_ok(ledger_done_soon(f->l, id, j.seq, "done", "{}", 7, &f->err), &f->err);
    assert_ok(ledger_set_state_soon(f->l, id, LEDGER_VERIFYING, NULL, &f->err), &f->err);
    expect_outcomes(f, "-", "both wait");
    assert_ok(ledger_set_state_soon(f->l, id, LEDGER_ROLLING_BACK, NULL, &f->err), &f->err);
    expect_outcomes(f, "done", "written with the first change");
    assert_state(f, id, LEDGER_VERIFYING);
    fixture_reopen(f, LEDGER_WRITE);
    assert_state(f, id, LEDGER_ROLLING_BACK);
}

static void test_journal_bad_use_fails(void **state)
{
    struct fixture *f = *state;
    int64_t id = fixture_begin(f->l, "v1");
    char kind[] = "stop";
    struct ledger_journal j = {.kind = kind};

    assert_fails(ledger_intent(f->l, 99, &j, &f->err), &f->err, SHIP_NOT_FOUND);
    assert_fails(ledger_intent(f->l, fixture_failure(f->l, "v1"), &j, &f->err), &f->err,
                 SHIP_CONFLICT);
    assert_int_equal(j.seq, 0);
    assert_fails(ledger_done(f->l, id, 1, "done", NULL, 1, &f->err), &f->err, SHIP_NOT_FOUND);
    assert_ok(ledger_intent(f->l, id, &j, &f->err), &f->err);
    assert_fails(ledger_done(f->l, id, 1, "perhaps", NULL, 1, &f->err), &f->err, SHIP_INTERNAL);
}

static void test_write_through_a_reader_fails(void **state)
{
    struct fixture *f = *state;
    int64_t id = fixture_begin(f->l, "v1");

    fixture_reopen(f, LEDGER_READ);
    assert_fails(ledger_set_state(f->l, id, LEDGER_PREPARED, NULL, &f->err), &f->err,
                 SHIP_INTERNAL);
    assert_state(f, id, LEDGER_PREPARING);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(test_begin_all_members_come_back),
        TEST(test_begin_numbers_count_up),
        TEST(test_begin_ignores_members_that_others_set),
        TEST(test_begin_without_required_text_fails),
        TEST(test_begin_unknown_action_or_reference_fails),
        TEST(test_begin_foreign_bytes_come_back_unchanged),
        TEST(test_update_sets_only_what_is_given),
        TEST(test_update_reference_is_stored),
        TEST(test_update_closed_or_missing_row_fails),
        TEST(test_state_text_agrees_with_parse_and_schema),
        TEST(test_set_state_moves_and_keeps_step),
        TEST(test_set_state_forbidden_move_conflicts),
        TEST(test_commit_moves_current_in_one_step),
        TEST(test_commit_leaves_other_environments_alone),
        TEST(test_commit_twice_or_closed_or_missing_fails),
        TEST(test_end_after_commit_cleans),
        TEST(test_end_failure_keeps_current),
        TEST(test_end_forbidden_fails),
        TEST(test_end_needs_operator_stays_open),
        TEST(test_end_noop_without_commit_is_cleaned),
        TEST(test_put_service_replaces_and_keeps_order),
        TEST(test_put_service_closed_or_missing_deployment_fails),
        TEST(test_put_service_too_large_spec_fails),
        TEST(test_mark_pruned_leaves_no_secret_in_the_file),
        TEST(test_mark_pruned_current_open_missing_fail_twice_is_fine),
        TEST(test_reconstruct_makes_a_current_target),
        TEST(test_reconstruct_beside_a_current_or_taken_id_conflicts),
        TEST(test_steps_replace_by_seq_and_come_back_in_order),
        TEST(test_checks_keep_every_run),
        TEST(test_evidence_keeps_the_end_of_a_long_text),
        TEST(test_journal_intent_then_done_then_undone),
        TEST(test_done_soon_is_written_with_the_next_transaction),
        TEST(test_set_state_soon_stands_in_the_file_with_the_next_intent),
        TEST(test_journal_bad_use_fails),
        TEST(test_write_through_a_reader_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
