/* Free space on a path: limits, templates, paths that can not be looked at. */
#include "support/check_case.h"
#include "unit/assert.h"

static const struct {
    const char *yaml;
    enum check_status status;
    const char *part, *why;
} rows[] = {
    {"{type: disk, min_free: 1B}",                                    CHECK_PASS,    "free on '/'",  "engine root by default"  },
    {"{type: disk, path: /tmp, min_free: 1B}",                        CHECK_PASS,    "'/tmp'",       "another path"            },
    {"{type: disk, path: tmp, min_free: 1B}",                         CHECK_PASS,    "'/tmp'",       "relative to the plan"    },
    {"{type: disk, path: \"/${env:SHIP_TEST_DIR}\", min_free: 1B}",   CHECK_PASS,    "'/tmp'",
     "path is a template"                                                                                                      },
    {"{type: disk, min_free: 900000TB}",                              CHECK_FAIL,    "want 900 PB",  "more than there is"      },
    {"{type: disk, min_free: 1B, min_free_inodes: 9000000000000000}", CHECK_FAIL,    "inodes",
     "inodes count, too"                                                                                                       },
    {"{type: disk, path: /no/such/place}",                            CHECK_UNKNOWN, "No such file", "path is not there"       },
    {"{type: disk, path: \"/${digest}\"}",                            CHECK_UNKNOWN, "digest",       "variable without a value"},
};

static void test_disk_rows(void **state)
{
    struct check_case c;

    (void)state;
    check_case_init(&c);
    (void)setenv("SHIP_TEST_DIR", "tmp", 1);
    for (size_t i = 0; i < ROWS(rows); i++)
        check_case_expect(&c, rows[i].yaml, rows[i].status, rows[i].part, rows[i].why);
    check_case_done(&c);
}

static void test_disk_without_engine_root_is_unknown(void **state)
{
    struct check_case c;

    (void)state;
    check_case_init(&c);
    c.env.engine_root = NULL;
    check_case_expect(&c, "{type: disk}", CHECK_UNKNOWN, "data root", "engine did not say");
    check_case_done(&c);
}

static void test_disk_default_is_one_gigabyte(void **state)
{
    struct check_case c;

    (void)state;
    check_case_init(&c);
    check_case_load(&c, "{type: disk}");
    /* Only the decoding: how much is free here is not known. */
    assert_int_equal(c.problems.n, 0);
    check_case_decode(&c, "{type: disk, min_free: 12}");
    assert_contains(check_case_problem(&c), "min_free");
    check_case_done(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_disk_rows),
        cmocka_unit_test(test_disk_without_engine_root_is_unknown),
        cmocka_unit_test(test_disk_default_is_one_gigabyte),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
