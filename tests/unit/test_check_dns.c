/* Names that resolve, do not, or to something else. */
#include "support/check_case.h"
#include "unit/assert.h"

static void test_dns_rows(void **state)
{
    static const struct {
        const char *yaml;
        enum check_status status;
        const char *part, *why;
    } rows[] = {
        {"{type: dns, name: 192.0.2.7}",                                 CHECK_PASS,    "192.0.2.7", "a literal address"              },
        {"{type: dns, name: 192.0.2.7, expect: 192.0.2.7}",              CHECK_PASS,    "",          "as expected"                    },
        {"{type: dns, name: 192.0.2.7, expect: [192.0.2.7, 192.0.2.8]}", CHECK_FAIL,
         "want 192.0.2.8",                                                                           "each expected one must be there"},
        {"{type: dns, name: \"::1\", expect: [\"0:0:0:0:0:0:0:1\"]}",    CHECK_PASS,    "::1",
         "spellings of one address are equal"                                                                                         },
        {"{type: dns, name: \"${env:SHIP_TEST_NAME}\"}",                 CHECK_PASS,    "127.",      "name is a template"             },
        {"{type: dns, name: \"${digest}\"}",                             CHECK_UNKNOWN, "digest",    "variable without value"         },
    };
    struct check_case c;

    (void)state;
    check_case_init(&c);
    (void)setenv("SHIP_TEST_NAME", "127.0.0.1", 1);
    for (size_t i = 0; i < ROWS(rows); i++)
        check_case_expect(&c, rows[i].yaml, rows[i].status, rows[i].part, rows[i].why);
    check_case_done(&c);
}

static void test_dns_name_of_hosts_file_is_looked_up(void **state)
{
    struct check_case c;

    (void)state;
    check_case_init(&c);
    check_case_expect(&c, "{type: dns, name: localhost}", CHECK_PASS, "'localhost' resolves to",
                      "through the resolver's thread");
    check_case_done(&c);
}

static void test_dns_unknown_name_never_passes(void **state)
{
    struct check_case c;
    struct check_result r;

    (void)state;
    check_case_init(&c);
    check_case_load(&c, "{type: dns, name: no-such-name.invalid}");
    r = check_case_try(&c);
    /* fail when a resolver says so, unknown on a machine without one */
    assert_int_not_equal(r.status, CHECK_PASS);
    assert_contains(r.message, "can not resolve 'no-such-name.invalid'");
    check_case_done(&c);
}

static void test_dns_late_answer_is_unknown_and_leaks_nothing(void **state)
{
    struct check_case c;

    (void)state;
    check_case_init(&c);
    c.timeout_ms = 0;
    for (int i = 0; i < 20; i++) {
        struct check_result r;

        check_case_load(&c, "{type: dns, name: localhost}");
        r = check_case_try(&c);
        /* The thread may have been faster than the look at it. */
        assert_int_not_equal(r.status, CHECK_FAIL);
        if (r.status == CHECK_UNKNOWN)
            assert_contains(r.message, "no answer in time");
    }
    check_case_done(&c);
}

static void test_dns_stop_signal_ends_it(void **state)
{
    struct check_case c;

    (void)state;
    check_case_init(&c);
    check_case_load(&c, "{type: dns, name: localhost}");
    c.clock.stop_value = SIGTERM;
    assert_int_equal(check_case_try_fails(&c), SHIP_INTERRUPTED);
    check_case_done(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dns_rows),
        cmocka_unit_test(test_dns_name_of_hosts_file_is_looked_up),
        cmocka_unit_test(test_dns_unknown_name_never_passes),
        cmocka_unit_test(test_dns_late_answer_is_unknown_and_leaks_nothing),
        cmocka_unit_test(test_dns_stop_signal_ends_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
