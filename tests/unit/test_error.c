/* Error values: text, wrapping, cutting and the code table. */
#include <errno.h>
#include <stdlib.h>

#include "unit/assert.h"

static void test_fail_writes_code_place_and_text(void **state)
{
    struct ship_error err = {0};

    (void)state;
    assert_int_equal(ship_fail(&err, SHIP_TIMEOUT, "container '%s' not up after %d s", "app", 30),
                     -1);
    assert_int_equal(err.code, SHIP_TIMEOUT);
    assert_int_equal(err.sys_errno, 0);
    assert_string_equal(err.msg, "container 'app' not up after 30 s");
    assert_contains(err.where, "test_error.c:");
}

static void test_fail_clears_an_older_hint(void **state)
{
    struct ship_error err = {0};

    (void)state;
    ship_fail(&err, SHIP_IO, "first");
    assert_int_equal(ship_error_hint(&err, "try '%s'", "df -h"), -1);
    assert_string_equal(err.hint, "try 'df -h'");
    ship_fail(&err, SHIP_IO, "second");
    assert_string_equal(err.hint, "");
}

static void test_fail_errno_appends_the_system_text(void **state)
{
    struct ship_error err = {0};

    (void)state;
    errno = ENOSPC;
    ship_fail_errno(&err, SHIP_IO, "cannot write '%s'", "x");
    assert_int_equal(err.sys_errno, ENOSPC);
    assert_string_equal(err.msg, "cannot write 'x': No space left on device");
}

static void test_wrap_prepends_context(void **state)
{
    struct ship_error err = {0};

    (void)state;
    ship_fail(&err, SHIP_INVALID, "bad port");
    assert_int_equal(ship_error_wrap(&err, "service '%s'", "web"), -1);
    assert_int_equal(ship_error_wrap(&err, "plan"), -1);
    assert_string_equal(err.msg, "plan: service 'web': bad port");
    assert_int_equal(err.code, SHIP_INVALID);
}

static void test_fail_with_its_own_message_as_argument_is_safe(void **state)
{
    struct ship_error err = {0};

    (void)state;
    ship_fail(&err, SHIP_IO, "inner");
    ship_fail(&err, SHIP_INVALID, "outer: %s", err.msg);
    assert_string_equal(err.msg, "outer: inner");
}

static void test_fail_cuts_before_a_split_character(void **state)
{
    struct ship_error err = {0};
    char text[1100];

    (void)state;
    memset(text, 'a', sizeof text);
    text[sizeof text - 1] = '\0';
    memcpy(text + 1022, "\xC3\xA9", 2); /* its second byte would be the last one kept */
    ship_fail(&err, SHIP_IO, "%s", text);
    assert_int_equal(strlen(err.msg), 1022);
    assert_int_equal(err.msg[1021], 'a');
}

static void test_wrap_of_a_full_message_keeps_the_context(void **state)
{
    struct ship_error err = {0};
    char text[1024];

    (void)state;
    memset(text, 'b', sizeof text);
    text[sizeof text - 1] = '\0';
    ship_fail(&err, SHIP_IO, "%s", text);
    ship_error_wrap(&err, "context");
    assert_int_equal(strlen(err.msg), sizeof err.msg - 1);
    assert_memory_equal(err.msg, "context: bbb", 12);
}

static void test_codes_have_the_exit_status_of_the_contract(void **state)
{
    static const struct {
        enum ship_code code;
        int status;
        const char *name;
    } rows[] = {
        {SHIP_OK,              0,   "SHIP_OK"             },
        {SHIP_INTERNAL,        1,   "SHIP_INTERNAL"       },
        {SHIP_USAGE,           2,   "SHIP_USAGE"          },
        {SHIP_UNHEALTHY,       3,   "SHIP_UNHEALTHY"      },
        {SHIP_NEVER_DEPLOYED,  4,   "SHIP_NEVER_DEPLOYED" },
        {SHIP_INVALID,         10,  "SHIP_INVALID"        },
        {SHIP_UNREACHABLE,     11,  "SHIP_UNREACHABLE"    },
        {SHIP_DENIED,          12,  "SHIP_DENIED"         },
        {SHIP_LOCKED,          13,  "SHIP_LOCKED"         },
        {SHIP_UNVERIFIED,      14,  "SHIP_UNVERIFIED"     },
        {SHIP_PRECHECK,        15,  "SHIP_PRECHECK"       },
        {SHIP_NOT_FOUND,       16,  "SHIP_NOT_FOUND"      },
        {SHIP_HOOK,            17,  "SHIP_HOOK"           },
        {SHIP_UNPROVEN,        20,  "SHIP_UNPROVEN"       },
        {SHIP_ROLLBACK_FAILED, 30,  "SHIP_ROLLBACK_FAILED"},
        {SHIP_NOT_ROLLED_BACK, 31,  "SHIP_NOT_ROLLED_BACK"},
        {SHIP_INCOMPLETE,      32,  "SHIP_INCOMPLETE"     },
        {SHIP_PAUSED,          33,  "SHIP_PAUSED"         },
        {SHIP_INTERRUPTED,     130, "SHIP_INTERRUPTED"    },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        row_check(ship_code_exit_status(rows[i].code) == rows[i].status, rows[i].name);
        row_check(strcmp(ship_code_name(rows[i].code), rows[i].name) == 0, rows[i].name);
    }
    for (size_t i = 0; i < SHIP_CODE_COUNT; i++)
        assert_true(strlen(ship_code_text((enum ship_code)i)) > 0);
}

static void test_codes_out_of_range_count_as_internal(void **state)
{
    (void)state;
    assert_string_equal(ship_code_name(SHIP_CODE_COUNT), "SHIP_INTERNAL");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fail_writes_code_place_and_text),
        cmocka_unit_test(test_fail_clears_an_older_hint),
        cmocka_unit_test(test_fail_errno_appends_the_system_text),
        cmocka_unit_test(test_wrap_prepends_context),
        cmocka_unit_test(test_fail_with_its_own_message_as_argument_is_safe),
        cmocka_unit_test(test_fail_cuts_before_a_split_character),
        cmocka_unit_test(test_wrap_of_a_full_message_keeps_the_context),
        cmocka_unit_test(test_codes_have_the_exit_status_of_the_contract),
        cmocka_unit_test(test_codes_out_of_range_count_as_internal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
