/* Images that can be had, can not, or can not be asked for. */
#include "support/check_case.h"
#include "unit/assert.h"

static void test_registry_error_code_rows(void **state)
{
    static const struct {
        enum ship_code code;
        enum check_status status;
        const char *why;
    } rows[] = {
        {SHIP_NOT_FOUND,   CHECK_FAIL,    "no such tag"                             },
        {SHIP_ENGINE,      CHECK_FAIL,    "the registry said no, through the engine"},
        {SHIP_DENIED,      CHECK_FAIL,    "not permitted"                           },
        {SHIP_TIMEOUT,     CHECK_UNKNOWN, "nobody answered"                         },
        {SHIP_UNREACHABLE, CHECK_UNKNOWN, "no engine"                               },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct check_case c;

        check_case_init(&c);
        fake_fail(&c.fake, "resolve", rows[i].code, "manifest of 'x' unknown");
        check_case_expect(&c, "{type: registry, image: x}", rows[i].status, "manifest of 'x'",
                          rows[i].why);
        check_case_done(&c);
    }
}

static void test_registry_default_is_every_image(void **state)
{
    static const char *const images[] = {"r.example/a:v2", "r.example/b:v2"};
    struct check_case c;

    (void)state;
    check_case_init(&c);
    check_case_expect(&c, "{type: registry}", CHECK_UNKNOWN, "no image", "nothing to look for");
    c.env.images = images;
    c.env.n_images = 2;
    check_case_expect(&c, "{type: registry}", CHECK_PASS, "sha256:", "both resolve");
    assert_true(fake_called(&c.fake, "resolve r.example/a:v2"));
    assert_true(fake_called(&c.fake, "resolve r.example/b:v2"));
    check_case_done(&c);
}

static void test_registry_image_is_a_template(void **state)
{
    struct check_case c;

    (void)state;
    check_case_init(&c);
    check_case_expect(&c, "{type: registry, image: \"r.example/${app}:${version}\"}", CHECK_PASS,
                      "r.example/shop:v2", "expanded");
    assert_int_equal(fake_calls(&c.fake, "resolve"), 1);
    check_case_expect(&c, "{type: registry, image: \"r@${digest}\"}", CHECK_UNKNOWN, "digest",
                      "no value");
    check_case_done(&c);
}

static void test_registry_stops_on_signal(void **state)
{
    struct check_case c;

    (void)state;
    check_case_init(&c);
    fake_fail(&c.fake, "resolve", SHIP_INTERRUPTED, "stopped by signal 2");
    check_case_load(&c, "{type: registry, image: x}");
    assert_int_equal(check_case_try_fails(&c), SHIP_INTERRUPTED);
    check_case_done(&c);
}

static void test_registry_is_a_pre_check_only(void **state)
{
    struct check_case c;

    (void)state;
    check_case_init(&c);
    c.phase = CHECK_HEALTH;
    check_case_decode(&c, "{type: registry}");
    assert_contains(check_case_problem(&c), "can not be in checks.health");
    check_case_done(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_registry_error_code_rows),
        cmocka_unit_test(test_registry_default_is_every_image),
        cmocka_unit_test(test_registry_image_is_a_template),
        cmocka_unit_test(test_registry_stops_on_signal),
        cmocka_unit_test(test_registry_is_a_pre_check_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
