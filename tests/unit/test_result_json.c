/* The `--json` object: exactly the contract, valid whatever a container wrote. */
#include <stdio.h>
#include <stdlib.h>

#include "shipctl/shipctl.h"

#include "base/json.h"
#include "base/str.h"
#include "unit/assert.h"

static struct json *parse(const struct ship_result *r)
{
    struct ship_error err = {0};
    AUTO_FREE char *text = ship_result_json(r);
    struct json *j = json_parse(text, strlen(text), "result", &err);

    assert_not_null_ok(j, &err);
    return j;
}

static struct ship_result sample(void)
{
    struct ship_result r = {.deployment = 7,
                            .app = xstrdup("shop"),
                            .environment = xstrdup("production"),
                            .action = xstrdup("deploy"),
                            .outcome = SHIP_OUTCOME_ROLLED_BACK,
                            .exit_code = 20,
                            .started_at_ms = 1767323045000,
                            .finished_at_ms = 1767323047500,
                            .duration_ms = 2500,
                            .downtime_ms = 900,
                            .actor = xstrdup("wei"),
                            .rollback = xstrdup("v1 is serving again"),
                            .evidence = xstrdup("container 'shop-app-1': exited")};

    r.from.version = xstrdup("v1");
    r.to.version = xstrdup("v2");
    r.to.digest = xstrdup("sha256:aa");
    r.steps = xcalloc(1, sizeof *r.steps);
    r.steps[r.n_steps++] = (struct ship_result_step){
        .name = xstrdup("health"), .status = SHIP_STEP_FAILED, .duration_ms = 2000};
    r.checks = xcalloc(1, sizeof *r.checks);
    r.checks[r.n_checks++] = (struct ship_result_check){.id = xstrdup("web"),
                                                        .type = xstrdup("http"),
                                                        .phase = xstrdup("health"),
                                                        .required = true,
                                                        .status = xstrdup("fail"),
                                                        .tries = 10,
                                                        .message = xstrdup("HTTP 502")};
    r.warnings = xcalloc(1, sizeof *r.warnings);
    r.warnings[r.n_warnings++] = xstrdup("unsigned");
    ship_fail(&r.error, SHIP_UNPROVEN, "health check 'web' failed");
    ship_error_hint(&r.error, "shipctl history 7");
    (void)snprintf(r.audit_head, sizeof r.audit_head, "0123456789ab");
    return r;
}

static const char *const members[] = {
    "schema",      "deployment", "app",      "environment", "action",      "outcome",
    "exit_code",   "from",       "to",       "started_at",  "finished_at", "duration_ms",
    "downtime_ms", "actor",      "reason",   "steps",       "checks",      "warnings",
    "error",       "rollback",   "evidence", "audit_head"};

static void test_result_json_has_the_members_of_the_contract_in_order(void **state)
{
    (void)state;
    struct ship_result r = sample();
    AUTO_PTR(json_free) struct json *j = parse(&r);
    const struct json *m = json_first(j);

    for (size_t i = 0; i < ROWS(members); i++, m = json_next(m))
        row_check(m && str_eq(json_key(m), members[i]), members[i]);
    assert_null(m);
    assert_int_equal(json_i64(j, "schema", 0), 1);
    assert_string_equal(json_str(j, "outcome"), "rolled_back");
    assert_string_equal(json_str(j, "started_at"), "2026-01-02T03:04:05Z");
    assert_string_equal(json_str(j, "to.digest"), "sha256:aa");
    assert_true(json_is_null(json_path(j, "from.digest")));
    assert_true(json_is_null(json_get(j, "reason")));
    ship_result_done(&r);
}

static const struct {
    const char *why, *list;
    const char *keys[7];
} parts[] = {
    {"a step",  "steps",  {"name", "status", "duration_ms"}                       },
    {"a check", "checks", {"id", "type", "required", "status", "tries", "message"}},
};

static void test_result_json_steps_and_checks_have_exactly_their_keys(void **state)
{
    (void)state;
    struct ship_result r = sample();
    AUTO_PTR(json_free) struct json *j = parse(&r);

    for (size_t i = 0; i < ROWS(parts); i++) {
        const struct json *m = json_first(json_first(json_get(j, parts[i].list)));

        for (size_t k = 0; parts[i].keys[k]; k++, m = json_next(m))
            row_check(m && str_eq(json_key(m), parts[i].keys[k]), parts[i].why);
        row_check(m == NULL, parts[i].why);
    }
    ship_result_done(&r);
}

static void test_result_json_error_carries_code_name_message_hint(void **state)
{
    (void)state;
    struct ship_result r = sample();
    AUTO_PTR(json_free) struct json *j = parse(&r);

    assert_int_equal(json_i64(j, "error.code", 0), 20);
    assert_string_equal(json_str(j, "error.name"), "SHIP_UNPROVEN");
    assert_string_equal(json_str(j, "error.message"), "health check 'web' failed");
    assert_string_equal(json_str(j, "error.hint"), "shipctl history 7");
    ship_result_done(&r);
}

static void test_result_json_of_nothing_is_valid_and_null(void **state)
{
    (void)state;
    struct ship_result r = {.downtime_ms = -1};
    AUTO_PTR(json_free) struct json *j = parse(&r);
    static const char *const nulls[] = {"deployment", "app",      "started_at", "downtime_ms",
                                        "error",      "rollback", "evidence",   "audit_head"};

    for (size_t i = 0; i < ROWS(nulls); i++)
        row_check(json_get(j, nulls[i]) && json_is_null(json_get(j, nulls[i])), nulls[i]);
    assert_string_equal(json_str(j, "outcome"), "noop");
    assert_null(json_get(j, "preview"));
    ship_result_done(&r);
}

static const struct {
    const char *why, *raw, *expected;
} foreign[] = {
    {"terminal sequences", "a\033[31mred\033[0m",      "ared"                    },
    {"a bell",             "ding\a",                   "ding"                    },
    {"not UTF-8",          "x\xff",                    "x\\xFF"                  },
    {"lines stay",         "one\n\ttwo",               "one\n\ttwo"              },
    {"other scripts stay", "\xe5\x8f\x91\xe5\xb8\x83", "\xe5\x8f\x91\xe5\xb8\x83"},
};

static void test_result_json_makes_foreign_text_safe(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(foreign); i++) {
        struct ship_result r = {.evidence = xstrdup(foreign[i].raw)};
        AUTO_PTR(json_free) struct json *j = parse(&r);

        row_check(str_eq(json_str(j, "evidence"), foreign[i].expected), foreign[i].why);
        ship_result_done(&r);
    }
}

static void test_result_json_dry_run_has_preview(void **state)
{
    (void)state;
    struct ship_result r = sample();
    struct ship_preview *p = r.preview = xcalloc(1, sizeof *p);

    p->has_changes = true;
    p->disk_free_bytes = 5;
    p->disk_need_bytes = -1;
    p->disk_path = xstrdup("/var/lib/docker");
    p->actions = xcalloc(1, sizeof *p->actions);
    p->actions[p->n_actions++] = (struct ship_preview_action){
        .verb = xstrdup("stop"), .object = xstrdup("container shop-app-1")};
    p->env = xcalloc(1, sizeof *p->env);
    p->env[p->n_env++] = (struct ship_preview_env){
        .service = xstrdup("app"), .name = xstrdup("DB_PASSWORD"), .change = '~'};
    AUTO_PTR(json_free) struct json *j = parse(&r);
    assert_true(json_bool(j, "preview.has_changes", false));
    assert_string_equal(json_str(json_first(json_path(j, "preview.actions")), "verb"), "stop");
    assert_string_equal(json_str(json_first(json_path(j, "preview.environment")), "change"),
                        "changed");
    assert_true(json_is_null(json_path(j, "preview.disk.need_bytes")));
    ship_result_done(&r);
}

static void test_ship_outcome_text_names_every_outcome(void **state)
{
    (void)state;
    assert_string_equal(ship_outcome_text(SHIP_OUTCOME_NOOP), "noop");
    assert_string_equal(ship_outcome_text(SHIP_OUTCOME_PAUSED), "paused");
}

static void test_ship_result_done_twice_is_fine(void **state)
{
    (void)state;
    struct ship_result r = sample();

    ship_result_done(&r);
    ship_result_done(&r);
    assert_null(r.app);
}

static void test_ship_libraries_names_what_is_linked(void **state)
{
    (void)state;
    assert_string_equal(ship_version(), SHIPCTL_VERSION);
    assert_contains(ship_libraries(), "libcurl ");
    assert_contains(ship_libraries(), "sqlite 3.");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_result_json_has_the_members_of_the_contract_in_order),
        cmocka_unit_test(test_result_json_steps_and_checks_have_exactly_their_keys),
        cmocka_unit_test(test_result_json_error_carries_code_name_message_hint),
        cmocka_unit_test(test_result_json_of_nothing_is_valid_and_null),
        cmocka_unit_test(test_result_json_makes_foreign_text_safe),
        cmocka_unit_test(test_result_json_dry_run_has_preview),
        cmocka_unit_test(test_ship_outcome_text_names_every_outcome),
        cmocka_unit_test(test_ship_result_done_twice_is_fine),
        cmocka_unit_test(test_ship_libraries_names_what_is_linked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
