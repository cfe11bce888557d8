/* Memory, CPU and disk of the host: parsing /proc, limits, missing limits. */
#include "check/resource.h"
#include "support/check_case.h"
#include "unit/assert.h"

static void test_resource_memory_percent_rows(void **state)
{
    static const struct {
        const char *text;
        int percent;
        const char *why;
    } rows[] = {
        {"MemTotal: 1000 kB\nMemFree: 10 kB\nMemAvailable: 250 kB\n", 75, "available, not free"            },
        {"MemTotal: 1000 kB\nMemAvailable: 1000 kB\n",                0,  "nothing in use"                 },
        {"MemTotal: 1000 kB\n",                                       -1, "old kernel without MemAvailable"},
        {"MemTotal: 0 kB\nMemAvailable: 0 kB\n",                      -1, "no division by zero"            },
        {"MemTotal: 10 kB\nMemAvailable: 11 kB\n",                    -1, "nonsense"                       },
        {"",                                                          -1, "empty"                          },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++)
        row_check((int)resource_memory_percent(rows[i].text) == rows[i].percent, rows[i].why);
}

static void test_resource_cpu_percent_between_samples(void **state)
{
    struct resource_cpu a, b;

    (void)state;
    assert_int_equal(resource_cpu_sample("cpu  100 0 100 800 0 0 0 0 0 0\ncpu0 1", &a), 0);
    assert_int_equal(resource_cpu_sample("cpu  150 0 125 900 25 0 0 0 0 0\n", &b), 0);
    /* 75 busy of 200; waiting for a disk is not busy */
    assert_int_equal((int)(resource_cpu_percent(&a, &b) * 10), 375);
    assert_true(resource_cpu_percent(&a, &a) < 0);
    assert_true(resource_cpu_percent(&b, &a) < 0);
    assert_int_equal(resource_cpu_sample("intr 1 2", &a), -1);
}

static void test_resource_run_rows(void **state)
{
    static const struct {
        const char *yaml;
        enum check_status status;
        const char *part, *why;
    } rows[] = {
        {"{type: resource, max_memory_percent: 100}",               CHECK_PASS,    "",         "memory is never full"},
        {"{type: resource, max_disk_percent: 100}",                 CHECK_PASS,    "",         "disk is never full"  },
        {"{type: resource, max_memory_percent: 1}",                 CHECK_FAIL,    "memory: ", "memory is in use"    },
        {"{type: resource, max_disk_percent: 100, path: /no/such}", CHECK_UNKNOWN, "/no/such",
         "path is not there"                                                                                         },
    };
    struct check_case c;

    (void)state;
    check_case_init(&c);
    for (size_t i = 0; i < ROWS(rows); i++)
        check_case_expect(&c, rows[i].yaml, rows[i].status, rows[i].part, rows[i].why);
    check_case_done(&c);
}

static void test_resource_cpu_is_measured_over_200_ms(void **state)
{
    struct check_case c;
    struct check_result r;

    (void)state;
    check_case_init(&c);
    check_case_load(&c, "{type: resource, max_cpu_percent: 100}");
    r = check_case_try(&c);
    /* On the fake clock no real time passes: measured or not, but never above 100 %. */
    assert_int_not_equal(r.status, CHECK_FAIL);
    assert_int_equal(c.clock.slept_ms, 200);
    c.env.clock = &clock_real;
    assert_int_equal(check_case_try(&c).status, CHECK_PASS);
    check_case_done(&c);
}

static void test_resource_cpu_stops_on_signal(void **state)
{
    struct check_case c;

    (void)state;
    check_case_init(&c);
    check_case_load(&c, "{type: resource, max_cpu_percent: 100}");
    c.clock.stop_value = SIGTERM;
    assert_int_equal(check_case_try_fails(&c), SHIP_INTERRUPTED);
    check_case_done(&c);
}

static void test_resource_without_limit_is_a_problem(void **state)
{
    struct check_case c;

    (void)state;
    check_case_init(&c);
    check_case_decode(&c, "{type: resource}");
    assert_contains(check_case_problem(&c), "max_memory_percent");
    check_case_decode(&c, "{type: resource, max_cpu_percent: 101}");
    assert_int_equal(c.problems.n_errors, 1);
    check_case_done(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_resource_memory_percent_rows),
        cmocka_unit_test(test_resource_cpu_percent_between_samples),
        cmocka_unit_test(test_resource_run_rows),
        cmocka_unit_test(test_resource_cpu_is_measured_over_200_ms),
        cmocka_unit_test(test_resource_cpu_stops_on_signal),
        cmocka_unit_test(test_resource_without_limit_is_a_problem),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
