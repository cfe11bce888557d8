/* A program on this host: verdict, environment, directory, time. */
#include "support/check_case.h"
#include "unit/assert.h"

static void test_command_rows(void **state)
{
    static const struct {
        const char *yaml;
        enum check_status status;
        const char *part, *why;
    } rows[] = {
        {"{type: command, command: [\"true\"]}",                          CHECK_PASS,    "succeeded",       "status 0"                },
        {"{type: command, command: [sh, -c, \"echo no table; exit 3\"]}", CHECK_FAIL,
         "exit status 3: no table",                                                                         "output is in the message"},
        {"{type: command, command: [sh, -c, \"echo oops >&2; exit 1\"]}", CHECK_FAIL,    "oops",
         "stderr as well"                                                                                                             },
        {"{type: command, command: [sh, -c, \"kill -9 $$$$\"]}",          CHECK_FAIL,    "signal 9",
         "ended by a signal"                                                                                                          },
        {"{type: command, command: [no-such-program]}",                   CHECK_UNKNOWN, "no-such-program",
         "not there"                                                                                                                  },
        {"{type: command, command: [sh, -c, no-such-program]}",           CHECK_UNKNOWN, "127",
         "a script that lacks a tool says nothing about the app"                                                                      },
        {"{type: command, command: [\"/\"]}",                             CHECK_UNKNOWN, "'/'",             "not a program"           },
        {"{type: command, command: [sh, -c, pwd]}",                       CHECK_PASS,    ": /tmp",
         "in the plan's directory"                                                                                                    },
        {"{type: command, command: [echo, \"${version} of ${app}\"]}",    CHECK_PASS,    "v2 of shop",
         "argv is expanded"                                                                                                           },
        {"{type: command, command: [echo, \"${digest}\"]}",               CHECK_UNKNOWN, "digest",          "no value"                },
        {"{type: command, command: [sh, -c, \"read x; echo got=$$x\"]}",  CHECK_PASS,
         "got=",                                                                                            "stdin is empty"          },
    };
    struct check_case c;

    (void)state;
    check_case_init(&c);
    c.env.clock = &clock_real;
    c.env.dir = "/tmp";
    for (size_t i = 0; i < ROWS(rows); i++)
        check_case_expect(&c, rows[i].yaml, rows[i].status, rows[i].part, rows[i].why);
    check_case_done(&c);
}

static void test_command_environment_is_the_allow_list(void **state)
{
    struct check_case c;
    struct check_result r;

    (void)state;
    (void)setenv("SHIP_TEST_SECRET", "hunter2", 1);
    check_case_init(&c);
    c.env.clock = &clock_real;
    check_case_load(&c, "{type: command, command: [sh, -c, \"env | sort | tr '\\\\n' ' '\"], "
                        "env: {MODE: \"${environment}\"}}");
    r = check_case_try(&c);
    assert_int_equal(r.status, CHECK_PASS);
    assert_contains(r.message, "MODE=production");
    assert_contains(r.message, "SHIPCTL_APP=shop");
    assert_contains(r.message, "SHIPCTL_CHECK=command");
    assert_contains(r.message, "SHIPCTL_ENVIRONMENT=production");
    assert_contains(r.message, "SHIPCTL_OLD_VERSION=v1");
    assert_contains(r.message, "SHIPCTL_VERSION=v2");
    assert_null(strstr(r.message, "hunter2"));
    assert_null(strstr(r.message, "SHIPCTL_DIGEST"));
    check_case_done(&c);
}

static void test_command_out_of_time_fails(void **state)
{
    struct check_case c;

    (void)state;
    check_case_init(&c);
    c.env.clock = &clock_real;
    c.timeout_ms = 100;
    check_case_expect(&c, "{type: command, command: [sleep, \"60\"]}", CHECK_FAIL,
                      "did not end in time", "hangs");
    check_case_done(&c);
}

static void test_command_stop_signal_ends_it(void **state)
{
    struct check_case c;

    (void)state;
    check_case_init(&c);
    check_case_load(&c, "{type: command, command: [sleep, \"60\"]}");
    c.clock.stop_value = SIGTERM;
    assert_int_equal(check_case_try_fails(&c), SHIP_INTERRUPTED);
    check_case_done(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_command_rows),
        cmocka_unit_test(test_command_environment_is_the_allow_list),
        cmocka_unit_test(test_command_out_of_time_fails),
        cmocka_unit_test(test_command_stop_signal_ends_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
