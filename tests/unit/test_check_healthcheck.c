/* The container's own health check, run now: command forms, verdicts, what can not be run. */
#include "support/check_case.h"
#include "unit/assert.h"

#define YAML "{type: healthcheck, service: app}"

static void test_healthcheck_command_rows(void **state)
{
    static const struct {
        const char *test, *call;
        int exit_code;
        enum check_status status;
        const char *part, *why;
    } rows[] = {
        {"[\"CMD\",\"/app\",\"probe\"]", "exec app /app probe",        0,   CHECK_PASS,    "passed",
         "argv as it is"                                                                                                     },
        {"[\"CMD-SHELL\",\"a && b\"]",   "exec app /bin/sh -c a && b", 0,   CHECK_PASS,    "passed",
         "through the shell"                                                                                                 },
        {"[\"CMD\",\"/app\",\"probe\"]", "exec app /app probe",        1,   CHECK_FAIL,    "exit status 1",
         "unhealthy"                                                                                                         },
        {"[\"CMD\",\"/app\",\"probe\"]", "exec app /app probe",        127, CHECK_UNKNOWN, "out",
         "no such program"                                                                                                   },
        {"[\"NONE\"]",                   NULL,                         0,   CHECK_UNKNOWN, "no health check", "disabled"     },
        {"[\"CMD\"]",                    NULL,                         0,   CHECK_UNKNOWN, "no health check", "empty command"},
        {NULL,                           NULL,                         0,   CHECK_UNKNOWN, "no health check", "none declared"},
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct check_case c;

        check_case_init(&c);
        check_case_target(&c, "app", true)->test = rows[i].test;
        fake_exec(&c.fake, "/app", rows[i].exit_code, "out");
        fake_exec(&c.fake, "/bin/sh", rows[i].exit_code, "out");
        check_case_expect(&c, YAML, rows[i].status, rows[i].part, rows[i].why);
        assert_int_equal(fake_calls(&c.fake, "exec"), rows[i].call ? 1 : 0);
        if (rows[i].call)
            assert_true(fake_called(&c.fake, rows[i].call));
        check_case_done(&c);
    }
}

static void test_healthcheck_failure_may_be_tried_again_at_once(void **state)
{
    struct check_case c;

    (void)state;
    check_case_init(&c);
    check_case_target(&c, "app", true)->test = "[\"CMD\",\"/app\"]";
    fake_exec(&c.fake, "/app", 1, "starting");
    check_case_load(&c, YAML);
    assert_true(check_case_try(&c).refused);
    check_case_done(&c);
}

static void test_healthcheck_healthy_by_the_engine_runs_nothing(void **state)
{
    struct check_case c;

    (void)state;
    check_case_init(&c);
    check_case_target(&c, "app", true)->health = HEALTH_HEALTHY;
    check_case_expect(&c, YAML, CHECK_PASS, "healthy", "the engine has proven it");
    assert_int_equal(fake_calls(&c.fake, "exec"), 0);
    check_case_done(&c);
}

static void test_healthcheck_without_container_or_engine_is_unknown(void **state)
{
    struct check_case c;

    (void)state;
    check_case_init(&c);
    check_case_expect(&c, YAML, CHECK_UNKNOWN, "no container of service 'app'", "none");
    check_case_target(&c, "app", true);
    fake_fail(&c.fake, "inspect", SHIP_TIMEOUT, "engine is slow");
    check_case_expect(&c, YAML, CHECK_UNKNOWN, "engine is slow", "engine");
    check_case_done(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_healthcheck_command_rows),
        cmocka_unit_test(test_healthcheck_failure_may_be_tried_again_at_once),
        cmocka_unit_test(test_healthcheck_healthy_by_the_engine_runs_nothing),
        cmocka_unit_test(test_healthcheck_without_container_or_engine_is_unknown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
