/* A command inside a container: verdict by exit status, unknown when it can not run. */
#include "support/check_case.h"
#include "unit/assert.h"

#define YAML "{type: exec, service: app, command: [probe, \"${version}\"]}"

static void test_exec_exit_status_rows(void **state)
{
    static const struct {
        int exit_code;
        const char *output;
        enum check_status status;
        const char *part, *why;
    } rows[] = {
        {0,   "fine",           CHECK_PASS,    "succeeded",               "status 0"                },
        {1,   "no table\n",     CHECK_FAIL,    "exit status 1: no table", "output is in the message"},
        {125, "",               CHECK_FAIL,    "exit status 125",         "125 is the program's own"},
        {126, "not executable", CHECK_UNKNOWN, "not executable",          "can not be executed"     },
        {127, "not found",      CHECK_UNKNOWN, "not found",               "not in the image"        },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct check_case c;

        check_case_init(&c);
        check_case_target(&c, "app", true);
        fake_exec(&c.fake, "probe", rows[i].exit_code, rows[i].output);
        check_case_expect(&c, YAML, rows[i].status, rows[i].part, rows[i].why);
        assert_true(fake_called(&c.fake, "exec app probe v2"));
        check_case_done(&c);
    }
}

static void test_exec_default_service_is_the_deployed_one(void **state)
{
    struct check_case c;

    (void)state;
    check_case_init(&c);
    check_case_target(&c, "db", false);
    check_case_target(&c, "web", true);
    fake_exec(&c.fake, "probe", 0, "");
    check_case_expect(&c, "{type: exec, command: [probe]}", CHECK_PASS, "web", "the deployed one");
    assert_true(fake_called(&c.fake, "exec web probe"));
    check_case_done(&c);
}

static void test_exec_out_of_time_fails(void **state)
{
    struct check_case c;

    (void)state;
    check_case_init(&c);
    check_case_target(&c, "app", true);
    fake_exec(&c.fake, "probe", 0, "");
    c.fake.execs[0].timed_out = true;
    check_case_expect(&c, YAML, CHECK_FAIL, "did not end in time", "a hanging probe");
    check_case_done(&c);
}

static void test_exec_without_container_or_engine_is_unknown(void **state)
{
    struct check_case c;

    (void)state;
    check_case_init(&c);
    check_case_expect(&c, YAML, CHECK_UNKNOWN, "no container of service 'app'", "none");
    check_case_target(&c, "app", true);
    fake_fail(&c.fake, "exec", SHIP_TIMEOUT, "engine is slow");
    check_case_expect(&c, YAML, CHECK_UNKNOWN, "engine is slow", "engine");
    check_case_done(&c);
}

static void test_exec_interrupted_ends_the_run(void **state)
{
    struct check_case c;

    (void)state;
    check_case_init(&c);
    check_case_target(&c, "app", true);
    fake_fail(&c.fake, "exec", SHIP_INTERRUPTED, "stopped by signal 15");
    check_case_load(&c, YAML);
    assert_int_equal(check_case_try_fails(&c), SHIP_INTERRUPTED);
    check_case_done(&c);
}

static void test_exec_without_command_is_a_problem(void **state)
{
    struct check_case c;

    (void)state;
    check_case_init(&c);
    check_case_decode(&c, "{type: exec, service: app}");
    assert_contains(check_case_problem(&c), "command");
    check_case_decode(&c, "{type: exec, command: []}");
    assert_int_equal(c.problems.n_errors, 1);
    check_case_done(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exec_exit_status_rows),
        cmocka_unit_test(test_exec_default_service_is_the_deployed_one),
        cmocka_unit_test(test_exec_out_of_time_fails),
        cmocka_unit_test(test_exec_without_container_or_engine_is_unknown),
        cmocka_unit_test(test_exec_interrupted_ends_the_run),
        cmocka_unit_test(test_exec_without_command_is_a_problem),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
