/*
 * The deploy core through its public entrances, on a scripted engine: what serves afterwards, what
 * is left on the host, what the ledger says, and the exit status that promises it.
 */
#include <stdlib.h>
#include <unistd.h>

#include "support/deploy_assert.h"
#include "support/listener.h"

#define OLD_SERVES "shop-app-1 running always " FIX_APP ":v1\n"
#define NEW_SERVES "shop-app-1 running always " FIX_APP ":v2\n"

/* ---- set-up ---- */

static int setup(void **state)
{
    *state = deploy_fixture_new(FIX_PLAN, FIX_COMPOSE);
    return 0;
}

static int teardown(void **state)
{
    deploy_fixture_free(*state);
    return 0;
}

static void assert_file(const struct deploy_fixture *f, const char *name, const char *want)
{
    AUTO_FREE char *text = deploy_fixture_read(f, name);

    assert_string_equal(text ? text : "(none)", want);
}

/* An image with this tag behaves as told. */
static void add_image(struct deploy_fixture *f, struct fake_image image)
{
    image.repository = image.repository ? image.repository : FIX_APP;
    (void)fake_engine_image(f->engine, &image);
}

/* ---- the way it should go ---- */

static void test_deploy_first_creates_and_records(void **state)
{
    struct deploy_fixture *f = *state;

    deployed(f);
    assert_host(f, OLD_SERVES);
    assert_ledger(f, "v1");
    assert_int_equal(f->res.outcome, SHIP_OUTCOME_SUCCEEDED);
    assert_int_equal(f->res.deployment, 1);
    assert_null(f->res.from.version);
    assert_int_equal(f->res.downtime_ms, -1);
    assert_file(f, ".env", "(none)"); /* v1 is the default of the compose file */
}

static void test_deploy_replaces_and_removes_the_old_container(void **state)
{
    struct deploy_fixture *f = *state;

    deployed(f);
    AUTO_FREE char *old = text_at(f, "shop-app-1", "Id");
    assert_status(f, deploy_fixture_deploy(f, "v2"), 0);
    assert_host(f, NEW_SERVES);
    assert_ledger(f, "v2");
    AUTO_FREE char *new = text_at(f, "shop-app-1", "Id");
    assert_string_not_equal(old, new);
    assert_string_equal(f->res.from.version, "v1");
    assert_string_equal(f->res.to.version, "v2");
    assert_true(f->res.downtime_ms >= 0);
    assert_file(f, ".env", "APP_VERSION=v2\n");
}

static void test_deploy_creates_before_it_stops(void **state)
{
    struct deploy_fixture *f = *state;
    size_t created = 0, stopped = 0;

    deployed(f);
    assert_status(f, deploy_fixture_deploy(f, "v2"), 0);
    for (size_t i = f->calls; i < fake_engine_calls(f->engine); i++) {
        const struct fake_call *c = fake_engine_call(f->engine, i);
        if (str_starts(c->path, "/containers/create"))
            created = i;
        else if (strstr(c->path, "/stop"))
            stopped = i;
    }
    assert_true(created > 0 && created < stopped);
}

static void test_deploy_of_what_runs_changes_nothing(void **state)
{
    struct deploy_fixture *f = *state;

    deployed(f);
    assert_status(f, deploy_fixture_deploy(f, "v1"), 0);
    assert_int_equal(f->res.outcome, SHIP_OUTCOME_NOOP);
    assert_int_equal(deploy_fixture_changes(f), 0);
    assert_int_equal(f->res.deployment, 1);
    assert_host(f, OLD_SERVES);
}

static void test_deploy_forced_replaces_what_runs(void **state)
{
    struct deploy_fixture *f = *state;
    struct ship_deploy_request request = {.version = "v1", .force = true};

    deployed(f);
    AUTO_FREE char *old = text_at(f, "shop-app-1", "Id");
    assert_status(f, deploy_fixture_request(f, &request), 0);
    AUTO_FREE char *new = text_at(f, "shop-app-1", "Id");
    assert_string_not_equal(old, new);
    assert_host(f, OLD_SERVES);
}

static void test_deploy_by_digest_pins_the_digest(void **state)
{
    struct deploy_fixture *f = *state;
    struct fake_image v9 = {.repository = FIX_APP, .tag = "v9", .health = "healthy"};
    const char *digest = fake_engine_image(f->engine, &v9);
    AUTO_FREE char *want = xasprintf("shop-app-1 running always " FIX_APP "@%s\n", digest);

    deploy_fixture_write(f, "docker-compose.yml",
                         "name: shop\nservices:\n  app:\n    image: " FIX_APP
                         ":v1 # keep\n    restart: always\n");
    deployed(f);
    assert_status(f, deploy_fixture_deploy(f, digest), 0);
    assert_host(f, want);
    AUTO_FREE char *compose = deploy_fixture_read(f, "docker-compose.yml");
    AUTO_FREE char *line = xasprintf("    image: " FIX_APP "@%s # keep\n", digest);
    assert_contains(compose, line);
}

static void test_deploy_pins_a_literal_in_place(void **state)
{
    struct deploy_fixture *f = *state;
    static const char before[] = "name: shop\nservices:\n  app:\n    image: '" FIX_APP
                                 ":v1'   # the app\n    restart: always\n",
                      after[] = "name: shop\nservices:\n  app:\n    image: '" FIX_APP
                                ":v2'   # the app\n    restart: always\n";

    deploy_fixture_write(f, "docker-compose.yml", before);
    deployed(f);
    assert_file(f, "docker-compose.yml", before);
    assert_status(f, deploy_fixture_deploy(f, "v2"), 0);
    assert_file(f, "docker-compose.yml", after);
    assert_status(f, deploy_fixture_deploy(f, "v2"), 0);
    assert_int_equal(f->res.outcome, SHIP_OUTCOME_NOOP);
}

static void test_deploy_keeps_other_lines_of_the_env_file(void **state)
{
    struct deploy_fixture *f = *state;

    deploy_fixture_write(f, ".env", "# mine\nA=1\nAPP_VERSION=v1\nB='2'\n");
    deployed(f);
    assert_status(f, deploy_fixture_deploy(f, "v2"), 0);
    assert_file(f, ".env", "# mine\nA=1\nAPP_VERSION=v2\nB='2'\n");
}

static void test_deploy_result_as_json_has_the_fields_of_the_contract(void **state)
{
    static const char *const fields[] = {
        "schema", "deployment",  "app",        "environment", "action", "outcome", "exit_code",
        "from",   "to",          "started_at", "finished_at", "actor",  "reason",  "duration_ms",
        "steps",  "downtime_ms", "checks",     "warnings",    "error",  "rollback"};
    struct deploy_fixture *f = *state;
    struct ship_error err = {0};

    deployed(f);
    f->options.reason = "because";
    assert_status(f, deploy_fixture_deploy(f, "v2"), 0);
    AUTO_FREE char *text = ship_result_json(&f->res);
    AUTO_PTR(json_free) struct json *o = json_parse(text, strlen(text), "result", &err);
    for (size_t i = 0; i < ROWS(fields); i++)
        row_check(json_get(o, fields[i]) != NULL, fields[i]);
    assert_string_equal(json_str(o, "outcome"), "succeeded");
    assert_string_equal(json_str(o, "reason"), "because");
    assert_string_equal(json_str_or(o, "from.version", ""), "v1");
    assert_string_equal(json_str_or(o, "to.version", ""), "v2");
    assert_int_equal(json_i64(o, "deployment", 0), 2);
    const struct json *check = json_first(json_get(o, "checks"));
    while (check && !str_eq(json_str(check, "id"), "up"))
        check = json_next(check);
    assert_string_equal(json_str_or(check, "status", ""), "pass");
}

/* ---- the way back ---- */

static void test_deploy_of_a_broken_version_restores_the_old_one_exactly(void **state)
{
    static const struct {
        struct fake_image image;
        const char *says, *why;
    } rows[] = {
        {{.tag = "bad", .health = "unhealthy", .log = "no database\n"},         "3/3",         "never healthy"},
        {{.tag = "bad", .exits_after_ms = 1, .exit_code = 3},                   "code 3",      "exits at once"},
        {{.tag = "bad", .exits_after_ms = 1, .exit_code = 137, .is_oom = true}, "memory",      "oom"          },
        {{.tag = "bad", .start_error = "exec format error"},                    "exec format", "cannot start" },
    };
    /* What ends after a millisecond must not be proven before that. */
    static const char plan[] =
        "version: 1\napp: shop\nimage: " FIX_APP "\n"
        "strategy: {min_healthy: 50ms}\n"
        "prune: {after_deploy: false}\n"
        "checks:\n"
        "  health: [{id: up, type: container, retries: 3, interval: 20ms}]\n";
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct deploy_fixture *f = deploy_fixture_new(plan, FIX_COMPOSE);
        deployed(f);
        AUTO_FREE char *old = text_at(f, "shop-app-1", "Id");
        add_image(f, rows[i].image);
        assert_status(f, deploy_fixture_deploy(f, "bad"), 20);
        AUTO_FREE char *now = text_at(f, "shop-app-1", "Id");
        row_check(str_eq(old, now), rows[i].why);
        row_check(strstr(f->res.error.msg, rows[i].says) != NULL, rows[i].why);
        row_check(f->res.outcome == SHIP_OUTCOME_ROLLED_BACK, rows[i].why);
        row_check(f->res.evidence || rows[i].image.start_error, rows[i].why);
        assert_host(f, OLD_SERVES);
        assert_ledger(f, "v1");
        assert_file(f, ".env", "(none)");
        deploy_fixture_free(f);
    }
}

static void test_deploy_that_fails_keeps_log_and_reason(void **state)
{
    struct deploy_fixture *f = *state;

    deployed(f);
    add_image(f, (struct fake_image){.tag = "bad", .health = "unhealthy", .log = "no database\n"});
    assert_status(f, deploy_fixture_deploy(f, "bad"), 20);
    assert_contains(f->res.evidence, "no database");
    assert_contains(f->res.rollback, "v1 is serving again");
}

static void test_deploy_first_that_fails_leaves_nothing(void **state)
{
    struct deploy_fixture *f = *state;

    add_image(f, (struct fake_image){.tag = "bad", .health = "unhealthy"});
    assert_status(f, deploy_fixture_deploy(f, "bad"), 31);
    assert_host(f, "");
    assert_ledger(f, "");
    assert_int_equal(f->res.outcome, SHIP_OUTCOME_FAILED);
    assert_status(f, deploy_fixture_deploy(f, "v1"), 0);
}

static void test_deploy_with_rollback_off_leaves_the_new_one(void **state)
{
    struct deploy_fixture *f = *state;

    deploy_fixture_write(f, "shipctl.yaml", FIX_PLAN "rollback: {auto: false}\n");
    deployed(f);
    add_image(f, (struct fake_image){.tag = "bad", .health = "unhealthy"});
    assert_status(f, deploy_fixture_deploy(f, "bad"), 31);
    assert_contains(f->res.rollback, "rollback.auto is off");
    AUTO_FREE char *image = text_at(f, "shop-app-1", "Config.Image");
    assert_string_equal(image, FIX_APP ":bad");
    assert_ledger(f, "v1");
    /* and the way back by hand works */
    assert_status(f, deploy_fixture_rollback(f, &(struct ship_rollback_request){0}), 0);
    assert_host(f, OLD_SERVES);
}

#define MIGRATE(reversible)                                                                        \
    FIX_PLAN "hooks: {migrate: [{run_image: new, command: [migrate], reversible: " reversible      \
             "}]}\n"

static void test_deploy_after_a_migration_goes_back_only_if_it_is_reversible(void **state)
{
    static const struct {
        const char *plan;
        int status;
        const char *why;
    } rows[] = {
        {MIGRATE("true"),  20, "reversible"    },
        {MIGRATE("false"), 31, "not reversible"},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct deploy_fixture *f = deploy_fixture_new(FIX_PLAN, FIX_COMPOSE);
        deployed(f);
        deploy_fixture_write(f, "shipctl.yaml", rows[i].plan);
        /* ends by itself, so that the one-off container does */
        add_image(f,
                  (struct fake_image){.tag = "bad", .health = "unhealthy", .exits_after_ms = 300});
        assert_status(f, deploy_fixture_deploy(f, "bad"), rows[i].status);
        assert_ledger(f, "v1");
        if (rows[i].status == 20)
            assert_host(f, OLD_SERVES);
        else
            assert_contains(f->res.rollback, "migration");
        deploy_fixture_free(f);
    }
}

static void test_deploy_whose_rollback_fails_is_recovered_later(void **state)
{
    struct deploy_fixture *f = *state;

    deployed(f);
    add_image(f, (struct fake_image){.tag = "bad", .health = "unhealthy"});
    fake_engine_break_start(f->engine, FIX_APP, "v1", "no space left on device");
    assert_status(f, deploy_fixture_deploy(f, "bad"), 30);
    assert_contains(f->res.error.msg, "no space left");
    assert_string_equal(deploy_fixture_open(f), "needs_operator");
    assert_status(f, deploy_fixture_deploy(f, "v2"), 30);
    assert_status(f, deploy_fixture_recover(f), 30);
    fake_engine_break_start(f->engine, FIX_APP, "v1", NULL);
    assert_status(f, deploy_fixture_recover(f), 0);
    assert_host(f, OLD_SERVES);
    assert_ledger(f, "v1");
}

/* The disk is full in the middle of the switch: what serves is more important than its record. */
static void test_deploy_whose_ledger_fails_in_the_switch_still_goes_back(void **state)
{
    struct deploy_fixture *f = *state;

    deployed(f);
    deploy_fixture_sql(f, "CREATE TRIGGER full_1 BEFORE INSERT ON journal WHEN NEW.kind = 'rename'"
                          " BEGIN SELECT RAISE(ABORT, 'disk full'); END");
    deploy_fixture_sql(f, "CREATE TRIGGER full_2 BEFORE UPDATE ON journal WHEN NEW.outcome ="
                          " 'undone' BEGIN SELECT RAISE(ABORT, 'disk full'); END");
    deploy_fixture_sql(f, "CREATE TRIGGER full_3 BEFORE UPDATE ON deployments WHEN NEW.state IN"
                          " ('rolling_back', 'rolled_back')"
                          " BEGIN SELECT RAISE(ABORT, 'disk full'); END");
    assert_status(f, deploy_fixture_deploy(f, "v2"), 20);
    assert_host(f, OLD_SERVES);
    assert_true(f->res.n_warnings > 0);
    assert_contains(f->res.warnings[0], "disk full");
    for (int i = 1; i <= 3; i++) {
        AUTO_FREE char *sql = xasprintf("DROP TRIGGER full_%d", i);
        deploy_fixture_sql(f, sql);
    }
    assert_string_equal(deploy_fixture_open(f), "switching");
    assert_status(f, deploy_fixture_recover(f), 0);
    assert_host(f, OLD_SERVES);
    assert_ledger(f, "v1");
}

/* Its first record of the switch fails: the status tells whether something serves again. */
static void test_deploy_whose_ledger_fails_before_the_switch_tells_what_serves(void **state)
{
    static const struct {
        const char *serves; /* before */
        int status;
        const char *why;
    } rows[] = {
        {"",         31, "a first deployment has no version that serves again"},
        {OLD_SERVES, 20, "the old container was never stopped"                }
    };
    struct deploy_fixture *f = *state;

    assert_status(f, deploy_fixture_deploy(f, "none"), 16); /* now there is a ledger */
    for (size_t i = 0; i < ROWS(rows); i++) {
        deploy_fixture_sql(f, "CREATE TRIGGER full BEFORE UPDATE ON deployments WHEN NEW.state ="
                              " 'switching' BEGIN SELECT RAISE(ABORT, 'disk full'); END");
        assert_status(f, deploy_fixture_deploy(f, "v2"), rows[i].status);
        assert_host(f, rows[i].serves);
        deploy_fixture_sql(f, "DROP TRIGGER full");
        assert_status(f, deploy_fixture_deploy(f, "v1"), 0);
        assert_ledger(f, "v1");
    }
}

/* A row that was reported as not written, and was: more than one can be open. */
static void test_recover_closes_every_open_operation(void **state)
{
    struct deploy_fixture *f = *state;

    deployed(f);
    for (int i = 0; i < 2; i++)
        assert_status(f, deploy_fixture_deploy(f, "none"), 16);
    deploy_fixture_sql(f, "UPDATE deployments SET state = 'preparing', outcome = NULL,"
                          " exit_code = -1, finished_at_ms = 0 WHERE to_version = 'none'");
    assert_string_equal(deploy_fixture_open(f), "preparing");
    assert_status(f, deploy_fixture_recover(f), 0);
    assert_ledger(f, "v1");
}

/* A clean-up that fails is done by the next command, and never stands in its way. */
static void test_deploy_whose_cleanup_fails_succeeds_and_is_tidied_later(void **state)
{
    struct deploy_fixture *f = *state;
    struct fake_rule stuck = {
        .method = "DELETE", .path = "/containers/", .fault = FAKE_ANSWER, .status = 500};

    deployed(f);
    fake_engine_script(f->engine, &stuck);
    assert_status(f, deploy_fixture_deploy(f, "v2"), 0);
    assert_contains(f->res.warnings[0], "the next command tries again");
    assert_string_equal(deploy_fixture_open(f), "committed");
    assert_status(f, deploy_fixture_deploy(f, "v2"), 0);
    assert_ledger(f, "v2");
    assert_status(f, deploy_fixture_deploy(f, "v3"), 0);
    assert_string_equal(deploy_fixture_open(f), "committed");
    fake_engine_unscript(f->engine);
    assert_status(f, deploy_fixture_recover(f), 0);
    assert_host(f, "shop-app-1 running always " FIX_APP ":v3\n");
    assert_ledger(f, "v3");
}

/* What is owed after the commit shares one limit: the prune has no time of its own. */
static void test_deploy_whose_cleanup_hangs_ends_after_the_time_of_a_rollback(void **state)
{
    static const struct fake_rule silent[] = {
        {.method = "DELETE", .path = "/containers/", .fault = FAKE_STALL},
        {.method = "GET",    .path = "/images/json", .fault = FAKE_STALL},
    };
    struct deploy_fixture *f = deploy_fixture_new("version: 1\napp: shop\nimage: " FIX_APP
                                                  "\nstrategy: {min_healthy: 0s}\n"
                                                  "timeouts: {rollback: 2s}\n",
                                                  FIX_COMPOSE);

    (void)state;
    deployed(f);
    fake_engine_script(f->engine, &silent[0]);
    fake_engine_script(f->engine, &silent[1]);
    assert_status(f, deploy_fixture_deploy(f, "v2"), 0);
    assert_contains(f->res.warnings[0], "the time of the operation is over");
    assert_true(f->res.finished_at_ms - f->res.started_at_ms < 3500);
    deploy_fixture_free(f);
}

/* ---- refused before anything changes ---- */

static void test_deploy_refused_changes_nothing(void **state)
{
    static const struct {
        const char *plan, *version;
        struct fake_rule rule;
        int status;
        const char *why;
    } rows[] = {
        {FIX_PLAN,                                                                           "nope",      {.nth = -1},                                                         16, "no such tag"  },
        {FIX_PLAN,                                                                           "not a tag", {.nth = -1},                                                         2,  "not a version"},
        {"version: 1\napp: shop\n",                                                          "v2",        {.nth = -1},                                                         10, "no image"     },
        {FIX_PLAN "checks: {pre: []}\n",                                                     "v2",        {.nth = -1},                                                         10, "key twice"    },
        {FIX_PLAN,                                                                           "v2",        {.path = "/_ping", .fault = FAKE_CLOSE_BEFORE},                      11, "no engine"    },
        {FIX_PLAN,
         "v2",                                                                                            {.path = "/images/create", .fault = FAKE_ANSWER, .status = 500},
         16,                                                                                                                                                                       "pull fails"   },
        {FIX_PLAN,
         "v2",                                                                                            {.path = "/containers/create", .fault = FAKE_ANSWER, .status = 500},
         15,                                                                                                                                                                       "create fails" },
        {FIX_PLAN_QUICK "checks: {pre: [{id: no, type: command, command: [/bin/false]}]}\n",
         "v2",                                                                                            {.nth = -1},
         15,                                                                                                                                                                       "pre-check"    },
        {FIX_PLAN "hooks: {pre_deploy: [{command: [/bin/false]}]}\n",
         "v2",                                                                                            {.nth = -1},
         17,                                                                                                                                                                       "hook"         },
        {FIX_PLAN "hooks: {backup: [{exec: {service: app, command: [dump]}}]}\n",
         "v2",                                                                                            {.path = "/exec/", .fault = FAKE_ANSWER, .status = 500},
         17,                                                                                                                                                                       "backup"       },
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct deploy_fixture *f = deploy_fixture_new(FIX_PLAN, FIX_COMPOSE);
        deployed(f);
        deploy_fixture_write(f, "shipctl.yaml", rows[i].plan);
        if (rows[i].rule.nth == 0)
            fake_engine_script(f->engine, &rows[i].rule);
        int status = deploy_fixture_deploy(f, rows[i].version);
        if (status != rows[i].status)
            fail_msg("row '%s': status %d: %s", rows[i].why, status, f->res.error.msg);
        row_check(f->res.outcome == SHIP_OUTCOME_REFUSED, rows[i].why);
        /* a plan with mistakes is answered by the list of them */
        row_check(status == 10 || f->res.error.hint[0] != '\0', rows[i].why);
        assert_host(f, OLD_SERVES);
        assert_ledger(f, "v1");
        deploy_fixture_free(f);
    }
}

static void test_deploy_with_a_port_that_is_taken_is_refused(void **state)
{
    struct deploy_fixture *f = *state;
    int port, fd = listener_open(1, &port);
    AUTO_FREE char *compose = xasprintf(FIX_COMPOSE "    ports: [\"%d:8080\"]\n", port);
    AUTO_FREE char *name = xasprintf("port %d/tcp", port);

    deploy_fixture_write(f, "docker-compose.yml", compose);
    assert_status(f, deploy_fixture_deploy(f, "v1"), 15);
    assert_contains(f->res.error.msg, name);
    assert_host(f, "");
    close(fd);
    assert_status(f, deploy_fixture_deploy(f, "v1"), 0);
}

static void test_deploy_tells_what_of_the_file_has_no_effect(void **state)
{
    struct deploy_fixture *f = *state;

    deploy_fixture_write(f, "docker-compose.yml",
                         "version: '3'\n" FIX_COMPOSE
                         "    healthcheck: {test: x, start_period: 1s, start_interval: 1s}\n"
                         "    annotations: {a: b}\n");
    deployed(f);
    assert_contains(f->messages.text.p, "docker-compose.yml:4:3: service 'app': "
                                        "healthcheck.start_interval has no effect");
    assert_contains(f->messages.text.p, "annotations has no effect: it needs engine API 1.43");
    assert_contains(f->messages.text.p, "docker-compose.yml:1:1: 'version' has no effect");
    assert_status(f, deploy_fixture_deploy(f, "v1"), 0);
    assert_contains(f->messages.text.p, "'version' has no effect");
}

static void test_deploy_dry_run_changes_nothing(void **state)
{
    struct deploy_fixture *f = *state;
    struct ship_deploy_request request = {.version = "v2", .dry_run = true, .exit_code = true};

    assert_status(f, deploy_fixture_request(f, &request), 100);
    assert_int_equal(deploy_fixture_changes(f), 0);
    AUTO_FREE char *ledger = xasprintf("%s/ledger.db", f->state);
    assert_int_equal(access(ledger, F_OK), -1);
    deployed(f);
    deploy_fixture_write(f, "docker-compose.yml", FIX_COMPOSE "    environment: [A=secret]\n");
    assert_status(f, deploy_fixture_request(f, &request), 100);
    assert_int_equal(deploy_fixture_changes(f), 0);
    assert_host(f, OLD_SERVES);
    assert_ledger(f, "v1");
    assert_true(f->res.preview && f->res.preview->has_changes);
    assert_int_equal(f->res.preview->n_env, 1);
    AUTO_FREE char *json = ship_result_json(&f->res);
    assert_null(strstr(json, "secret"));
}

/* ---- rollback ---- */

static void test_rollback_restores_the_recorded_container(void **state)
{
    struct deploy_fixture *f = *state;

    deploy_fixture_write(f, "docker-compose.yml", FIX_COMPOSE "    environment: [MODE=one]\n");
    deployed(f);
    deploy_fixture_write(f, "docker-compose.yml", FIX_COMPOSE "    environment: [MODE=two]\n");
    assert_status(f, deploy_fixture_deploy(f, "v2"), 0);
    assert_status(f, deploy_fixture_rollback(f, &(struct ship_rollback_request){0}), 0);
    assert_host(f, OLD_SERVES);
    assert_ledger(f, "v1");
    assert_file(f, ".env", "APP_VERSION=v1\n");
    AUTO_FREE char *doc = fake_engine_inspect(f->engine, "shop-app-1");
    assert_contains(doc, "MODE=one");
    assert_string_equal(f->res.action, "rollback");
    assert_string_equal(f->res.to.version, "v1");
}

static void test_rollback_works_without_registry(void **state)
{
    struct deploy_fixture *f = *state;
    struct fake_rule no_registry[] = {
        {.path = "/distribution",  .fault = FAKE_ANSWER, .status = 500, .body = "{}"},
        {.path = "/images/create", .fault = FAKE_ANSWER, .status = 500, .body = "{}"},
    };

    deployed(f);
    assert_status(f, deploy_fixture_deploy(f, "v2"), 0);
    for (size_t i = 0; i < ROWS(no_registry); i++)
        fake_engine_script(f->engine, &no_registry[i]);
    assert_status(f, deploy_fixture_rollback(f, &(struct ship_rollback_request){0}), 0);
    assert_host(f, OLD_SERVES);
}

static void test_rollback_without_target_is_refused(void **state)
{
    static const struct {
        struct ship_rollback_request request;
        const char *why;
    } rows[] = {
        {{0},               "nothing earlier"},
        {{.version = "v9"}, "never deployed" },
        {{.to = 77},        "no such number" },
    };
    struct deploy_fixture *f = *state;

    deployed(f);
    for (size_t i = 0; i < ROWS(rows); i++) {
        row_check(deploy_fixture_rollback(f, &rows[i].request) == 16, rows[i].why);
        row_check(deploy_fixture_changes(f) == 0, rows[i].why);
    }
    assert_host(f, OLD_SERVES);
    assert_ledger(f, "v1");
}

static void test_rollback_to_a_broken_version_ends_on_the_one_before(void **state)
{
    struct deploy_fixture *f = *state;

    deployed(f);
    assert_status(f, deploy_fixture_deploy(f, "v2"), 0);
    fake_engine_break_start(f->engine, FIX_APP, "v1", "exec format error");
    assert_status(f, deploy_fixture_rollback(f, &(struct ship_rollback_request){0}), 20);
    assert_host(f, NEW_SERVES);
    assert_ledger(f, "v2");
}

/* ---- several services ---- */

#define TWO_PLAN                                                                                   \
    "version: 1\napp: shop\nservices:\n"                                                           \
    "  app: {image: " FIX_APP "}\n"                                                                \
    "  worker: {image: " FIX_WORKER "}\n"                                                          \
    "strategy: {min_healthy: 0s}\nprune: {after_deploy: false}\n"                                  \
    "checks:\n"                                                                                    \
    "  health: [{id: up, type: container, retries: 2, interval: 20ms}]\n"
#define TWO_COMPOSE                                                                                \
    FIX_COMPOSE "  worker:\n    image: " FIX_WORKER                                                \
                ":${APP_VERSION:-v1}\n    restart: unless-stopped\n    depends_on: [app]\n"
#define TWO_OLD OLD_SERVES "shop-worker-1 running unless-stopped " FIX_WORKER ":v1\n"
#define TWO_NEW NEW_SERVES "shop-worker-1 running unless-stopped " FIX_WORKER ":v2\n"

static void test_deploy_of_two_services_is_one_transaction(void **state)
{
    struct deploy_fixture *f = deploy_fixture_new(TWO_PLAN, TWO_COMPOSE);

    (void)state;
    deployed(f);
    assert_host(f, TWO_OLD);
    assert_status(f, deploy_fixture_deploy(f, "v2"), 0);
    assert_host(f, TWO_NEW);
    fake_engine_break_start(f->engine, FIX_WORKER, "v3", "exec format error");
    assert_status(f, deploy_fixture_deploy(f, "v3"), 20);
    assert_host(f, TWO_NEW);
    assert_ledger(f, "v2");
    assert_status(f, deploy_fixture_rollback(f, &(struct ship_rollback_request){0}), 0);
    assert_host(f, TWO_OLD);
    deploy_fixture_free(f);
}

static void test_deploy_starts_what_is_missing_and_leaves_what_runs(void **state)
{
    struct deploy_fixture *f = deploy_fixture_new(
        FIX_PLAN, FIX_COMPOSE "    depends_on: [db]\n"
                              "  db: {image: \"" FIX_WORKER ":v1\", volumes: [\"data:/data\"]}\n"
                              "volumes: {data: {}}\n");

    (void)state;
    deployed(f);
    assert_host(f, OLD_SERVES "shop-db-1 running - " FIX_WORKER ":v1\n");
    AUTO_FREE char *db = text_at(f, "shop-db-1", "State.StartedAt");
    assert_int_equal(fake_engine_count(f->engine, "POST", "/volumes/create"), 1);
    assert_status(f, deploy_fixture_deploy(f, "v2"), 0);
    AUTO_FREE char *still = text_at(f, "shop-db-1", "State.StartedAt");
    assert_string_equal(db, still);
    /* and a failing one takes back only what it brought */
    fake_engine_break_start(f->engine, FIX_APP, "v3", "exec format error");
    assert_status(f, deploy_fixture_deploy(f, "v3"), 20);
    assert_host(f, NEW_SERVES "shop-db-1 running - " FIX_WORKER ":v1\n");
    deploy_fixture_free(f);
}

/* ---- containers of others ---- */

/* What Compose leaves: its labels, not ours. Everything is as after a deployment, but the ledger
 * knows nothing. */
static void test_deploy_adopts_what_compose_started(void **state)
{
    struct deploy_fixture *f = *state;

    deployed(f);
    AUTO_FREE char *ledger = xasprintf("%s/ledger.db", f->state);
    assert_int_equal(unlink(ledger), 0);
    assert_status(f, deploy_fixture_deploy(f, "v2"), 0);
    assert_host(f, NEW_SERVES);
    assert_ledger(f, "v2");
    assert_status(f, deploy_fixture_rollback(f, &(struct ship_rollback_request){0}), 0);
    assert_host(f, OLD_SERVES);
}

static void test_deploy_of_what_compose_runs_records_it(void **state)
{
    struct deploy_fixture *f = *state;

    deployed(f);
    AUTO_FREE char *ledger = xasprintf("%s/ledger.db", f->state);
    assert_int_equal(unlink(ledger), 0);
    assert_status(f, deploy_fixture_deploy(f, "v1"), 0);
    assert_int_equal(f->res.outcome, SHIP_OUTCOME_NOOP);
    assert_int_equal(deploy_fixture_changes(f), 0);
    assert_ledger(f, "v1");
}

/* A candidate of an operation that no ledger knows any more: its number is not used again. */
static void test_deploy_after_a_lost_ledger_does_not_meet_old_candidates(void **state)
{
    struct deploy_fixture *f = *state;

    deployed(f);
    assert_status(f, deploy_fixture_deploy(f, "v2"), 0);
    struct fake_rule gone = {
        .path = "/containers/", .method = "DELETE", .fault = FAKE_ANSWER, .status = 500};
    add_image(f, (struct fake_image){.tag = "bad", .health = "unhealthy"});
    fake_engine_script(f->engine, &gone);
    assert_status(f, deploy_fixture_deploy(f, "bad"), 20); /* leaves its candidate */
    assert_host(f, NEW_SERVES "shop-app-1.shipctl-candidate-3 exited always " FIX_APP ":bad\n");
    fake_engine_unscript(f->engine);
    AUTO_FREE char *ledger = xasprintf("%s/ledger.db", f->state);
    assert_int_equal(unlink(ledger), 0);
    assert_status(f, deploy_fixture_deploy(f, "v3"), 0);
    assert_int_equal(f->res.deployment, 4);
    assert_host(f, "shop-app-1 running always " FIX_APP ":v3\n");
    assert_ledger(f, "v3");
}

/* The same without anything that runs: there is nothing to adopt a number from. */
static void test_deploy_after_a_lost_ledger_and_a_crash_meets_its_own_leftovers(void **state)
{
    static const char *const lost[] = {".shipctl-candidate-1", ".shipctl-parked-1"};

    (void)state;
    for (size_t i = 0; i < ROWS(lost); i++) {
        struct deploy_fixture *f = deploy_fixture_new(FIX_PLAN, FIX_COMPOSE);
        AUTO_FREE char *name = xasprintf("shop-app-1%s", lost[i]);
        deployed(f);
        fake_engine_rename(f->engine, "shop-app-1", name);
        fake_engine_halt(f->engine, name);
        AUTO_FREE char *ledger = xasprintf("%s/ledger.db", f->state);
        assert_int_equal(unlink(ledger), 0);
        assert_status(f, deploy_fixture_deploy(f, "v2"), 0);
        assert_host(f, NEW_SERVES);
        deploy_fixture_free(f);
    }
}

/* ---- hooks ---- */

static void test_deploy_runs_hooks_in_order_with_both_versions(void **state)
{
    struct deploy_fixture *f = *state;

    deployed(f);
    deploy_fixture_write(
        f, "shipctl.yaml",
        FIX_PLAN "hooks:\n"
                 "  pre_deploy: [{command: [sh, -c, 'echo pre $0 $1 >>hooks', \"${version}\", "
                 "\"${old.version}\"]}]\n"
                 "  post_deploy: [{command: [sh, -c, 'echo post >>hooks']}]\n"
                 "  on_failure: [{command: [sh, -c, 'echo failed >>hooks']}]\n");
    f->environ.v[3][0] = 'X'; /* PATH of the fixture leads nowhere */
    assert_status(f, deploy_fixture_deploy(f, "v2"), 0);
    assert_file(f, "hooks", "pre v2 v1\npost\n");
    fake_engine_break_start(f->engine, FIX_APP, "v3", "exec format error");
    assert_status(f, deploy_fixture_deploy(f, "v3"), 20);
    assert_file(f, "hooks", "pre v2 v1\npost\npre v3 v2\nfailed\n");
}

static void test_deploy_with_failing_post_hook_succeeds_with_a_warning(void **state)
{
    struct deploy_fixture *f = *state;
    struct ship_deploy_request strict = {.version = "v3", .strict = true};

    deploy_fixture_write(f, "shipctl.yaml",
                         FIX_PLAN "hooks: {post_deploy: [{command: [/bin/false]}]}\n");
    deployed(f);
    assert_int_equal(f->res.n_warnings, 1);
    assert_contains(f->res.warnings[0], "post_deploy");
    assert_status(f, deploy_fixture_request(f, &strict), 40);
    assert_ledger(f, "v3");
}

#define deploy_test(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        deploy_test(test_deploy_first_creates_and_records),
        deploy_test(test_deploy_replaces_and_removes_the_old_container),
        deploy_test(test_deploy_creates_before_it_stops),
        deploy_test(test_deploy_of_what_runs_changes_nothing),
        deploy_test(test_deploy_forced_replaces_what_runs),
        deploy_test(test_deploy_by_digest_pins_the_digest),
        deploy_test(test_deploy_pins_a_literal_in_place),
        deploy_test(test_deploy_keeps_other_lines_of_the_env_file),
        deploy_test(test_deploy_result_as_json_has_the_fields_of_the_contract),
        cmocka_unit_test(test_deploy_of_a_broken_version_restores_the_old_one_exactly),
        deploy_test(test_deploy_that_fails_keeps_log_and_reason),
        deploy_test(test_deploy_first_that_fails_leaves_nothing),
        deploy_test(test_deploy_with_rollback_off_leaves_the_new_one),
        cmocka_unit_test(test_deploy_after_a_migration_goes_back_only_if_it_is_reversible),
        deploy_test(test_deploy_whose_rollback_fails_is_recovered_later),
        deploy_test(test_deploy_whose_ledger_fails_in_the_switch_still_goes_back),
        deploy_test(test_deploy_whose_ledger_fails_before_the_switch_tells_what_serves),
        deploy_test(test_recover_closes_every_open_operation),
        deploy_test(test_deploy_whose_cleanup_fails_succeeds_and_is_tidied_later),
        cmocka_unit_test(test_deploy_whose_cleanup_hangs_ends_after_the_time_of_a_rollback),
        cmocka_unit_test(test_deploy_refused_changes_nothing),
        deploy_test(test_deploy_with_a_port_that_is_taken_is_refused),
        deploy_test(test_deploy_tells_what_of_the_file_has_no_effect),
        deploy_test(test_deploy_dry_run_changes_nothing),
        deploy_test(test_rollback_restores_the_recorded_container),
        deploy_test(test_rollback_works_without_registry),
        deploy_test(test_rollback_without_target_is_refused),
        deploy_test(test_rollback_to_a_broken_version_ends_on_the_one_before),
        cmocka_unit_test(test_deploy_of_two_services_is_one_transaction),
        cmocka_unit_test(test_deploy_starts_what_is_missing_and_leaves_what_runs),
        deploy_test(test_deploy_adopts_what_compose_started),
        deploy_test(test_deploy_of_what_compose_runs_records_it),
        deploy_test(test_deploy_after_a_lost_ledger_does_not_meet_old_candidates),
        cmocka_unit_test(test_deploy_after_a_lost_ledger_and_a_crash_meets_its_own_leftovers),
        deploy_test(test_deploy_runs_hooks_in_order_with_both_versions),
        deploy_test(test_deploy_with_failing_post_hook_succeeds_with_a_warning),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
