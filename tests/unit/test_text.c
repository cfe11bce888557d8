/* The public text helpers: that they reach the right internal ones. */
#include <stdlib.h>

#include "shipctl/text.h"

#include "base/auto.h"
#include "unit/assert.h"

static void test_text_formats(void **state)
{
    char out[SHIP_TEXT_MAX];

    (void)state;
    assert_string_equal(ship_text_duration(125000, out), "2 min 5 s");
    assert_string_equal(ship_text_bytes(18000000, out), "18 MB");
    assert_string_equal(ship_text_time(0, out), "1970-01-01T00:00:00Z");
    assert_int_equal(ship_text_cells("\xE4\xB8\xAD"), 2);
}

static void test_text_parse_time_takes_a_bare_date(void **state)
{
    int64_t ms = -1;

    (void)state;
    assert_int_equal(ship_text_parse_time("2026-11-21", &ms), 0);
    assert_int_equal(ms, INT64_C(1795219200000));
    assert_int_equal(ship_text_parse_time("2026-11-21T01:20:54Z", &ms), 0);
    assert_int_equal(ms, INT64_C(1795224054000));
    assert_int_equal(ship_text_parse_time("2026-11-2x", &ms), -1);
    assert_int_equal(ship_text_parse_time("2026-11-31", &ms), -1);
    assert_int_equal(ship_text_parse_time("yesterday!", &ms), -1);
    assert_int_equal(ship_text_parse_duration("2m", &ms), 0);
    assert_int_equal(ms, 120000);
}

static void test_text_sanitize_has_room_for_the_worst_case(void **state)
{
    AUTO_FREE char *bad = ship_text_sanitize("\xFF\xFE\xFD", 3);
    AUTO_FREE char *empty = ship_text_sanitize("", 0);

    (void)state;
    assert_string_equal(bad, "\\xFF\\xFE\\xFD");
    assert_string_equal(empty, "");
}

static void test_text_json_string_escapes(void **state)
{
    AUTO_FREE char *text = ship_text_json_string("a\"b\n\x01");
    AUTO_FREE char *null = ship_text_json_string(NULL);

    (void)state;
    assert_string_equal(text, "\"a\\\"b\\n\\u0001\"");
    assert_string_equal(null, "null");
}

static void test_text_closest_finds_a_command(void **state)
{
    static const char *const words[] = {"deploy", "status"};

    (void)state;
    assert_string_equal(ship_text_closest("statsu", words, 2), "status");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_formats),
        cmocka_unit_test(test_text_parse_time_takes_a_bare_date),
        cmocka_unit_test(test_text_sanitize_has_room_for_the_worst_case),
        cmocka_unit_test(test_text_json_string_escapes),
        cmocka_unit_test(test_text_closest_finds_a_command),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
