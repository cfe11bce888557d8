/* History on a real ledger: lists, one deployment in full, differences, the chain. */
#include <stdlib.h>

#include "shipctl/history.h"

#include "base/json.h"
#include "support/project_fixture.h"
#include "unit/assert.h"

#define SPEC(env, memory)                                                                          \
    "{\"replicas\":[{\"number\":1,\"name\":\"shop-app-1\",\"body\":{\"Env\":[" env                 \
    "],\"HostConfig\":{\"Memory\":" memory                                                         \
    ",\"Binds\":[\"/srv/logs:/logs:rw\"],\"PortBindings\":{\"8080/tcp\":[{\"HostIp\":\"\","        \
    "\"HostPort\":\"8080\"}]}}}}]}"

static struct ship_history list(struct project *p, const struct ship_history_query *q)
{
    struct ship_history h;

    assert_int_equal(ship_history(p->s, q, &h, &p->err), 0);
    return h;
}

/* v1 and v2 succeeded, v3 rolled back, another app deployed v9. */
static struct project *filled(void)
{
    struct project *p = project_new(PROJECT_PLAN, NULL);

    project_deploy(
        p, &(struct project_version){.version = "v1", .spec = SPEC("\"A=1\",\"SECRET=old\"", "0")});
    project_deploy(p, &(struct project_version){.version = "v2",
                                                .spec = SPEC("\"SECRET=new\",\"B=2\"", "1024")});
    project_fail(p, &(struct project_version){.version = "v3"});
    project_deploy(p, &(struct project_version){.app = "other", .version = "v9"});
    return p;
}

static const struct {
    const char *why;
    struct ship_history_query query;
    const char *versions[5]; /* newest first */
} queries[] = {
    {"newest first, own app only", {.limit = 20},                        {"v3", "v2", "v1"}      },
    {"limit",                      {.limit = 1},                         {"v3"}                  },
    {"only failures",              {.limit = 20, .failed = true},        {"v3"}                  },
    {"one version",                {.limit = 20, .version = "v1"},       {"v1"}                  },
    {"version that never was",     {.limit = 20, .version = "v0"},       {NULL}                  },
    {"in the future",              {.limit = 20, .since_ms = INT64_MAX}, {NULL}                  },
    {"every app",                  {.limit = 20, .all_apps = true},      {"v9", "v3", "v2", "v1"}},
};

static void test_history_query_gives_rows(void **state)
{
    (void)state;
    struct project *p = filled();

    for (size_t i = 0; i < ROWS(queries); i++) {
        struct ship_history h = list(p, &queries[i].query);
        size_t n = 0;

        for (; queries[i].versions[n]; n++)
            row_check(n < h.n && str_eq(h.entries[n].result.to.version, queries[i].versions[n]),
                      queries[i].why);
        row_check(h.n == n, queries[i].why);
        ship_history_done(&h);
    }
    project_free(p);
}

static void test_history_rows_say_how_it_ended(void **state)
{
    (void)state;
    struct project *p = filled();
    struct ship_history h = list(p, &(struct ship_history_query){.limit = 20});

    assert_int_equal(h.entries[0].result.outcome, SHIP_OUTCOME_ROLLED_BACK);
    assert_int_equal(h.entries[0].result.exit_code, 20);
    assert_int_equal(h.entries[0].result.error.code, SHIP_UNPROVEN);
    assert_string_equal(h.entries[0].result.error.msg, "it did not answer");
    assert_int_equal(h.entries[0].result.downtime_ms, 900);
    assert_false(h.entries[0].is_target);
    assert_true(h.entries[1].is_current);
    assert_false(h.entries[1].is_target);
    assert_true(h.entries[2].is_target);
    ship_history_done(&h);
    project_free(p);
}

static void test_history_without_plan_means_every_app(void **state)
{
    (void)state;
    struct project *p = project_new(NULL, NULL);

    project_deploy(p, &(struct project_version){.version = "v1"});
    project_deploy(p, &(struct project_version){.app = "other", .version = "v9"});
    struct ship_history h = list(p, &(struct ship_history_query){.limit = 20});
    assert_int_equal(h.n, 2);
    ship_history_done(&h);
    project_free(p);
}

static void test_history_with_broken_plan_fails(void **state)
{
    (void)state;
    struct project *p = project_new("version: 1\n", NULL);
    struct ship_history h;
    struct ship_history_query q = {.limit = 1};

    assert_int_equal(ship_history(p->s, &q, &h, &p->err), 10);
    ship_history_done(&h);
    project_free(p);
}

static void test_history_opens_no_engine(void **state)
{
    (void)state;
    struct project *p = filled();
    struct ship_history h = list(p, &(struct ship_history_query){.limit = 20});

    assert_int_equal(p->fake.calls.n, 0);
    assert_null(p->s->compose);
    ship_history_done(&h);
    project_free(p);
}

static void test_history_open_deployment_has_not_ended(void **state)
{
    (void)state;
    struct project *p = project_new(PROJECT_PLAN, NULL);

    project_deploy(p, &(struct project_version){.version = "v1", .is_open = true});
    struct ship_history h = list(p, &(struct ship_history_query){.limit = 20});
    assert_int_equal(h.entries[0].result.exit_code, -1);
    assert_string_equal(h.entries[0].state, "preparing");
    AUTO_FREE char *text = ship_history_json(&h, false);
    AUTO_PTR(json_free) struct json *j = json_parse(text, strlen(text), "history", &p->err);
    assert_true(json_is_null(json_get(json_first(j), "outcome")));
    ship_history_done(&h);
    project_free(p);
}

/* ---- one in full ---- */

static void test_history_show_has_steps_checks_evidence(void **state)
{
    (void)state;
    struct project *p = project_new(PROJECT_PLAN, NULL);
    char name[] = "health", status[] = "failed", id[] = "web", type[] = "http", phase[] = "health",
         fail[] = "fail";
    struct ledger_step step = {.seq = 1, .name = name, .status = status, .duration_ms = 5};
    struct ledger_check check = {
        .phase = phase, .check_id = id, .type = type, .status = fail, .required = true, .tries = 3};
    int64_t n = project_deploy(p, &(struct project_version){.version = "v1", .is_open = true});

    assert_ok(ledger_put_step(p->l, n, &step, &p->err), &p->err);
    assert_ok(ledger_put_check(p->l, n, &check, &p->err), &p->err);
    assert_ok(ledger_put_evidence(p->l, n, "log", "app", "ERROR boom", &p->err), &p->err);
    assert_ok(ledger_put_evidence(p->l, n, "state", "app", "exited\n", &p->err), &p->err);
    struct ship_history h;
    assert_int_equal(ship_history_show(p->s, n, &h, &p->err), 0);
    const struct ship_history_entry *e = &h.entries[0];
    assert_int_equal(e->result.n_steps, 1);
    assert_int_equal(e->result.steps[0].status, SHIP_STEP_FAILED);
    assert_int_equal(e->result.n_checks, 1);
    assert_string_equal(e->result.checks[0].id, "web");
    assert_string_equal(e->result.evidence, "[log app]\nERROR boom\n[state app]\nexited\n");
    assert_int_equal(e->n_services, 1);
    assert_string_equal(e->services[0].version, "v1");
    ship_history_done(&h);
    project_free(p);
}

static bool has_line(const struct ship_history_entry *e, const char *line)
{
    for (size_t i = 0; i < e->n_spec_diff; i++)
        if (str_eq(e->spec_diff[i], line))
            return true;
    return false;
}

static const char *const diff_lines[] = {
    "~ app: image " PROJECT_REPOSITORY ":v1 -> " PROJECT_REPOSITORY ":v2",
    "+ app: environment B",
    "- app: environment A",
    "~ app: environment SECRET",
    "~ app: memory limit 0 -> 1024",
};

static void test_history_show_diff_names_changes_and_masks_values(void **state)
{
    (void)state;
    struct project *p = project_new(PROJECT_PLAN, NULL);
    struct ship_history h;
    const char *const specs[] = {SPEC("\"A=1\",\"SECRET=old\"", "0"),
                                 SPEC("\"SECRET=new\",\"B=2\"", "1024")};

    project_deploy(p, &(struct project_version){.version = "v1", .spec = specs[0]});
    int64_t n = project_deploy(
        p, &(struct project_version){.version = "v2", .spec = specs[1], .from_id = 1});
    assert_int_equal(ship_history_show(p->s, n, &h, &p->err), 0);
    const struct ship_history_entry *e = &h.entries[0];
    for (size_t i = 0; i < ROWS(diff_lines); i++)
        row_check(has_line(e, diff_lines[i]), diff_lines[i]);
    assert_int_equal(e->n_spec_diff, ROWS(diff_lines));
    AUTO_FREE char *text = ship_history_json(&h, true);
    assert_null(strstr(text, "old"));
    assert_null(strstr(text, "new\""));
    ship_history_done(&h);
    project_free(p);
}

static void test_history_show_unknown_number_exits_16(void **state)
{
    (void)state;
    struct project *p = filled();
    struct ship_history h;

    assert_int_equal(ship_history_show(p->s, 99, &h, &p->err), 16);
    assert_contains(p->err.hint, "shipctl history");
    ship_history_done(&h);
    project_free(p);
}

/* ---- JSON ---- */

static void test_history_json_list_leaves_steps_and_checks_out(void **state)
{
    (void)state;
    struct project *p = filled();
    struct ship_history h = list(p, &(struct ship_history_query){.limit = 20});
    AUTO_FREE char *text = ship_history_json(&h, false);
    AUTO_PTR(json_free) struct json *j = json_parse(text, strlen(text), "history", &p->err);

    assert_true(json_is_array(j));
    assert_int_equal(json_size(j), 3);
    assert_null(json_get(json_first(j), "steps"));
    assert_null(json_get(json_first(j), "checks"));
    assert_string_equal(json_str(json_first(j), "outcome"), "rolled_back");
    ship_history_done(&h);
    project_free(p);
}

static void test_history_json_full_is_one_object(void **state)
{
    (void)state;
    struct project *p = filled();
    struct ship_history h;

    assert_int_equal(ship_history_show(p->s, 1, &h, &p->err), 0);
    AUTO_FREE char *text = ship_history_json(&h, true);
    AUTO_PTR(json_free) struct json *j = json_parse(text, strlen(text), "history", &p->err);
    assert_true(json_is_object(j));
    assert_true(json_is_array(json_get(j, "steps")));
    assert_true(json_is_array(json_get(j, "checks")));
    assert_true(json_is_array(json_get(j, "spec_diff")));
    ship_history_done(&h);
    project_free(p);
}

/* ---- the chain ---- */

static void test_history_verify_counts_rows_and_finds_wrong_head(void **state)
{
    (void)state;
    struct project *p = filled();
    int64_t rows = 0;

    assert_int_equal(ship_history_verify(p->s, NULL, &rows, &p->err), 0);
    assert_true(rows > 0);
    assert_int_equal(ship_history_verify(p->s, "ffffffffffff", &rows, &p->err), 14);
    project_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_history_query_gives_rows),
        cmocka_unit_test(test_history_rows_say_how_it_ended),
        cmocka_unit_test(test_history_without_plan_means_every_app),
        cmocka_unit_test(test_history_with_broken_plan_fails),
        cmocka_unit_test(test_history_opens_no_engine),
        cmocka_unit_test(test_history_open_deployment_has_not_ended),
        cmocka_unit_test(test_history_show_has_steps_checks_evidence),
        cmocka_unit_test(test_history_show_diff_names_changes_and_masks_values),
        cmocka_unit_test(test_history_show_unknown_number_exits_16),
        cmocka_unit_test(test_history_json_list_leaves_steps_and_checks_out),
        cmocka_unit_test(test_history_json_full_is_one_object),
        cmocka_unit_test(test_history_verify_counts_rows_and_finds_wrong_head),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
