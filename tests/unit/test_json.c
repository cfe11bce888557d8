/* JSON: strict parsing, getters, building, printing. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/str.h"
#include "unit/assert.h"

static struct json *parse(const char *text)
{
    struct ship_error err = {0};
    struct json *j = json_parse(text, strlen(text), "test", &err);

    assert_not_null_ok(j, &err);
    return j;
}

static void test_parse_refuses_what_is_not_json(void **state)
{
    static const struct {
        const char *text;
        const char *why;
    } rows[] = {
        {"",                  "empty"                     },
        {"  ",                "blank"                     },
        {"{",                 "unfinished object"         },
        {"{\"a\"",            "no colon"                  },
        {"{\"a\":}",          "no value"                  },
        {"{\"a\":1,}",        "trailing comma"            },
        {"[1,]",              "trailing comma in an array"},
        {"[1 2]",             "no comma"                  },
        {"[1}",               "wrong bracket"             },
        {"{a:1}",             "name without quotes"       },
        {"{'a':1}",           "single quotes"             },
        {"{1:1}",             "name is a number"          },
        {"{}{}",              "two values"                },
        {"1 x",               "trailing text"             },
        {"nul",               "unfinished word"           },
        {"nulL",              "unknown word"              },
        {"True",              "upper case"                },
        {"01",                "leading zero"              },
        {"+1",                "plus sign"                 },
        {"1.",                "empty fraction"            },
        {".5",                "no integer part"           },
        {"1e",                "empty exponent"            },
        {"-",                 "sign alone"                },
        {"0x10",              "hex"                       },
        {"1e999",             "out of range"              },
        {"NaN",               "not a number"              },
        {"\"a",               "unfinished string"         },
        {"\"\\x\"",           "unknown escape"            },
        {"\"\\u00g0\"",       "bad hex digit"             },
        {"\"a\\u0000b\"",     "NUL escape"                },
        {"{\"a\\u0000b\":1}", "NUL escape in a name"      },
        {"\"\\ud800\"",       "lone surrogate"            },
        {"\"a\nb\"",          "raw newline"               },
        {"[1] // note",       "comment"                   },
        {"\xEF\xBB\xBF{}",    "byte order mark"           },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct ship_error err = {0};

        row_check(json_parse(rows[i].text, strlen(rows[i].text), "test", &err) == NULL,
                  rows[i].why);
        row_check(err.code == SHIP_INVALID, rows[i].why);
        row_check(str_starts(err.msg, "test: "), rows[i].why);
    }
}

static void test_parse_refuses_a_raw_nul(void **state)
{
    struct ship_error err = {0};

    (void)state;
    assert_null_fails(json_parse("\"a\0b\"", 5, "test", &err), &err, SHIP_INVALID);
    assert_null_fails(json_parse("{}\0", 3, "test", &err), &err, SHIP_INVALID);
}

static void test_parse_stops_at_64_levels(void **state)
{
    char text[131];
    struct ship_error err = {0};
    AUTO_PTR(json_free) struct json *deepest = NULL;

    (void)state;
    memset(text, '[', 65);
    memset(text + 65, ']', 65);
    deepest = json_parse(text + 1, 128, "test", &err);
    assert_not_null_ok(deepest, &err);
    assert_null_fails(json_parse(text, 130, "test", &err), &err, SHIP_INVALID);
    assert_contains(err.msg, "64");
}

static void test_parse_does_not_need_a_terminator(void **state)
{
    char text[] = {'[', '1', ']'};
    struct ship_error err = {0};
    AUTO_PTR(json_free) struct json *j = json_parse(text, sizeof text, "test", &err);

    (void)state;
    assert_not_null_ok(j, &err);
    assert_int_equal(json_size(j), 1);
}

static void test_parse_keeps_the_first_of_equal_names(void **state)
{
    AUTO_PTR(json_free)
    struct json *j = parse("{\"a\":1,\"b\":{\"x\":1,\"x\":2},\"a\":2,\"A\":3,\"a\":4}");
    AUTO_FREE char *text = json_print(j);

    (void)state;
    assert_string_equal(text, "{\"a\":1,\"b\":{\"x\":1},\"A\":3}");
}

static void test_get_compares_names_exactly(void **state)
{
    AUTO_PTR(json_free) struct json *j = parse("{\"id\":1,\"Id\":2,\"Id2\":3}");

    (void)state;
    assert_int_equal(json_i64(j, "Id", 0), 2);
    assert_int_equal(json_i64(j, "id", 0), 1);
    assert_null(json_get(j, "ID"));
    assert_null(json_get(NULL, "id"));
}

static void test_path_walks_objects(void **state)
{
    AUTO_PTR(json_free)
    struct json *j =
        parse("{\"State\":{\"Health\":{\"Status\":\"healthy\"},\"n\":null},\"a\":[1]}");

    (void)state;
    assert_string_equal(json_str(j, "State.Health.Status"), "healthy");
    assert_null(json_str(j, "State.Health"));
    assert_null(json_path(j, "State.Health.Status.more"));
    assert_null(json_path(j, "State..Health"));
    assert_null(json_path(j, ""));
    assert_null(json_path(j, "a.0"));
    assert_true(json_is_null(json_path(j, "State.n")));
    assert_true(json_is_null(json_path(j, "State.none")));
    assert_string_equal(json_str_or(j, "none.such", "x"), "x");
}

static void test_pointer_follows_rfc_6901(void **state)
{
    AUTO_PTR(json_free)
    struct json *j =
        parse("{\"foo\":[\"bar\",\"baz\"],\"\":0,\"a/b\":1,\"m~n\":8,\"x\":{\"y\":[[5]]}}");
    static const struct {
        const char *pointer;
        const char *text; /* NULL: absent */
    } rows[] = {
        {"/foo/0",   "\"bar\""},
        {"/foo/1",   "\"baz\""},
        {"/",        "0"      },
        {"/a~1b",    "1"      },
        {"/m~0n",    "8"      },
        {"/x/y/0/0", "5"      },
        {"/foo/2",   NULL     },
        {"/foo/00",  NULL     },
        {"/foo/-",   NULL     },
        {"/none",    NULL     },
        {"foo",      NULL     },
        {"/m~2n",    NULL     },
        {"/foo/",    NULL     },
        {"/foo/0/x", NULL     },
    };

    (void)state;
    assert_ptr_equal(json_pointer(j, ""), j);
    for (size_t i = 0; i < ROWS(rows); i++) {
        const struct json *found = json_pointer(j, rows[i].pointer);
        AUTO_FREE char *text = found != NULL ? json_print(found) : NULL;

        row_check(str_eq(text, rows[i].text), rows[i].pointer);
    }
}

static void test_typed_getters_fall_back_on_other_types(void **state)
{
    AUTO_PTR(json_free)
    struct json *j =
        parse("{\"s\":\"x\",\"n\":7,\"f\":1.5,\"t\":true,\"z\":null,\"big\":1e30,\"e\":1e3}");

    (void)state;
    assert_int_equal(json_i64(j, "n", -1), 7);
    assert_int_equal(json_i64(j, "e", -1), 1000);
    assert_int_equal(json_i64(j, "s", -1), -1);
    assert_int_equal(json_i64(j, "f", -1), -1);
    assert_int_equal(json_i64(j, "big", -1), -1);
    assert_int_equal(json_i64(j, "none", -1), -1);
    assert_true(fabs(json_double(j, "f", 0) - 1.5) < 1e-9);
    assert_true(fabs(json_double(j, "s", 9) - 9) < 1e-9);
    assert_true(json_bool(j, "t", false));
    assert_true(json_bool(j, "n", true));
    assert_null(json_str(j, "n"));
    assert_true(isnan(json_value_double(json_get(j, "s"))));
    assert_true(isnan(json_value_double(NULL)));
    assert_false(json_value_bool(json_get(j, "n")));
    assert_null(json_value_str(NULL));
    assert_null(json_key(NULL));
    assert_int_equal(json_size(NULL), 0);
    assert_null(json_first(NULL));
}

static void test_integers_survive_reading_and_writing(void **state)
{
    static const struct {
        const char *text;
        int64_t value;
    } rows[] = {
        {"2147483648",        INT64_C(2147483648)       },
        {"999999999999999",   INT64_C(999999999999999)  },
        {"1000000000000001",  INT64_C(1000000000000001) },
        {"9007199254740991",  INT64_C(9007199254740991) },
        {"-9007199254740991", -INT64_C(9007199254740991)},
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        AUTO_PTR(json_free) struct json *parsed = NULL;
        AUTO_PTR(json_free) struct json *built = json_object();
        AUTO_FREE char *document = xasprintf("{\"n\":%s}", rows[i].text);
        AUTO_FREE char *again = NULL;

        parsed = parse(document);
        row_check(json_i64(parsed, "n", 0) == rows[i].value, rows[i].text);
        again = json_print(parsed);
        assert_string_equal(again, document);
        json_set_i64(built, "n", rows[i].value);
        row_check(json_equal(parsed, built), rows[i].text);
    }
}

static void test_integers_of_64_bits_are_written_exactly(void **state)
{
    AUTO_PTR(json_free) struct json *j = json_array();
    AUTO_FREE char *text = NULL;

    (void)state;
    json_append(j, json_integer(INT64_MAX));
    json_append(j, json_integer(INT64_MIN));
    json_append(j, json_number(1e15));
    text = json_print(j);
    assert_string_equal(text, "[9223372036854775807,-9223372036854775808,1000000000000000]");
    assert_true(json_is_number(json_first(j)));
    assert_false(json_is_string(json_first(j)));
}

static void test_prefix_takes_one_value_of_a_stream(void **state)
{
    const char *text = " {\"a\":[1,\"}\"]}\n{\"b\":2}";
    struct ship_error err = {0};
    size_t used = 99;
    AUTO_PTR(json_free) struct json *first = json_parse_prefix(text, strlen(text), &used, &err);
    AUTO_PTR(json_free) struct json *second = NULL;

    (void)state;
    assert_not_null_ok(first, &err);
    assert_int_equal(used, 14);
    second = json_parse_prefix(text + used, strlen(text) - used, &used, &err);
    assert_not_null_ok(second, &err);
    assert_int_equal(json_i64(second, "b", 0), 2);
    assert_int_equal(used, 8);
}

static void test_prefix_waits_at_every_cut_of_a_value(void **state)
{
    const char *text = "{\"a\": [true, null, -1.5e+3, \"x\\u00e9\\n\"], \"b\": {\"c\": false}}";
    struct ship_error err = {0};

    (void)state;
    for (size_t len = 0; len < strlen(text); len++) {
        size_t used = 99;

        if (json_parse_prefix(text, len, &used, &err) != NULL || used != 0 || err.code != SHIP_OK)
            fail_msg("%zu bytes: used %zu, '%s'", len, used, err.msg);
    }
}

static void test_prefix_waits_for_the_end_of_a_number(void **state)
{
    struct ship_error err = {0};
    size_t used = 99;
    AUTO_PTR(json_free) struct json *j = NULL;

    (void)state;
    assert_null(json_parse_prefix("12", 2, &used, &err));
    assert_int_equal(used, 0);
    j = json_parse_prefix("12\n", 3, &used, &err);
    assert_not_null_ok(j, &err);
    assert_int_equal(used, 2);
}

static void test_prefix_reports_a_fault_and_moves_on(void **state)
{
    struct ship_error err = {0};
    size_t used = 0;

    (void)state;
    assert_null_fails(json_parse_prefix("x", 1, &used, &err), &err, SHIP_INVALID);
    assert_true(used > 0);
    assert_null_fails(json_parse_prefix("{\"a\":?}", 7, &used, &err), &err, SHIP_INVALID);
    assert_true(used > 0);
}

static void test_build_set_replaces_in_place(void **state)
{
    AUTO_PTR(json_free) struct json *j = json_object();
    AUTO_FREE char *text = NULL;

    (void)state;
    json_set_str(j, "a", "1");
    json_set_bool(j, "b", true);
    json_set_str(j, "a", NULL);
    json_append_str(json_set_array(j, "c"), "x");
    json_set_i64(json_append_object(json_edit(j, "c")), "y", -3);
    json_set_object(j, "d");
    json_set(j, "e", json_number(0.1));
    json_set_str(j, "gone", "x");
    json_remove(j, "gone");
    json_remove(j, "never there");
    text = json_print(j);
    assert_string_equal(text,
                        "{\"a\":null,\"b\":true,\"c\":[\"x\",{\"y\":-3}],\"d\":{},\"e\":0.1}");
    assert_null(json_edit(j, "gone"));
}

static void test_detach_gives_the_member_away(void **state)
{
    AUTO_PTR(json_free) struct json *j = parse("{\"a\":{\"x\":1},\"b\":2}");
    AUTO_PTR(json_free) struct json *a = json_detach(j, "a");

    (void)state;
    assert_int_equal(json_i64(a, "x", 0), 1);
    assert_int_equal(json_size(j), 1);
    assert_null(json_detach(j, "a"));
}

static void test_copy_is_deep(void **state)
{
    AUTO_PTR(json_free) struct json *j = parse("{\"a\":{\"x\":1}}");
    AUTO_PTR(json_free) struct json *copy = json_copy(j);

    (void)state;
    json_set_i64(json_edit(copy, "a"), "x", 2);
    assert_int_equal(json_i64(j, "a.x", 0), 1);
    assert_null(json_copy(NULL));
}

static void test_equal_ignores_order_of_members_only(void **state)
{
    static const struct {
        const char *a, *b;
        bool equal;
    } rows[] = {
        {"{\"a\":1,\"b\":[1,2]}", "{\"b\":[1,2],\"a\":1.0}", true },
        {"[1,2]",                 "[2,1]",                   false},
        {"[1]",                   "[1,1]",                   false},
        {"{\"a\":1}",             "{\"a\":1,\"b\":2}",       false},
        {"{\"a\":1}",             "{\"A\":1}",               false},
        {"1",                     "\"1\"",                   false},
        {"true",                  "false",                   false},
        {"null",                  "false",                   false},
        {"null",                  "null",                    true },
        {"0.1",                   "0.10000000000000001",     true },
        {"{}",                    "[]",                      false},
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        AUTO_PTR(json_free) struct json *a = parse(rows[i].a);
        AUTO_PTR(json_free) struct json *b = parse(rows[i].b);

        row_check(json_equal(a, b) == rows[i].equal, rows[i].a);
        row_check(json_equal(b, a) == rows[i].equal, rows[i].a);
    }
}

static void test_print_pretty_is_stable(void **state)
{
    AUTO_PTR(json_free)
    struct json *j = parse("{\"a\":[1,{\"b\":\"\\\"\\n\"}],\"empty\":{},\"none\":[]}");
    AUTO_FREE char *text = json_print_pretty(j);

    (void)state;
    assert_string_equal(text,
                        "{\n  \"a\": [\n    1,\n    {\n      \"b\": \"\\\"\\n\"\n    }\n  ],\n"
                        "  \"empty\": {},\n  \"none\": []\n}");
}

static void test_parse_with_many_equal_names_stays_fast(void **state)
{
    AUTO(buf_done) struct buf text = BUF_INIT(4u << 20);
    struct ship_error err = {0};
    AUTO_PTR(json_free) struct json *j = NULL;

    (void)state;
    (void)buf_addc(&text, '{');
    for (int i = 0; i < 50000; i++)
        (void)buf_addf(&text, "\"k%d\":%d,", i % 100, i);
    (void)buf_adds(&text, "\"end\":1}");
    j = json_parse(text.p, text.len, "test", &err);
    assert_not_null_ok(j, &err);
    assert_int_equal(json_size(j), 101);
    assert_int_equal(json_i64(j, "k7", -1), 7);
}

/* "[0,0,...]" with n zeros: n + 1 values. Heap. */
static char *zeros(size_t n)
{
    struct buf text = BUF_INIT(1u << 20);

    (void)buf_addc(&text, '[');
    for (size_t i = 0; i < n; i++)
        (void)buf_adds(&text, i ? ",0" : "0");
    (void)buf_addc(&text, ']');
    return buf_steal(&text);
}

static void test_parse_of_too_many_values_names_the_limit(void **state)
{
    AUTO_FREE char *most = zeros(99999), *more = zeros(100000);
    struct ship_error err = {0};
    struct json *j = json_parse(most, strlen(most), "test", &err);

    (void)state;
    assert_not_null_ok(j, &err);
    json_free(j);
    assert_null_fails(json_parse(more, strlen(more), "test", &err), &err, SHIP_INVALID);
    assert_contains(err.msg, "more than 100000 values");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse_refuses_what_is_not_json),
        cmocka_unit_test(test_parse_of_too_many_values_names_the_limit),
        cmocka_unit_test(test_parse_refuses_a_raw_nul),
        cmocka_unit_test(test_parse_stops_at_64_levels),
        cmocka_unit_test(test_parse_does_not_need_a_terminator),
        cmocka_unit_test(test_parse_keeps_the_first_of_equal_names),
        cmocka_unit_test(test_get_compares_names_exactly),
        cmocka_unit_test(test_path_walks_objects),
        cmocka_unit_test(test_pointer_follows_rfc_6901),
        cmocka_unit_test(test_typed_getters_fall_back_on_other_types),
        cmocka_unit_test(test_integers_survive_reading_and_writing),
        cmocka_unit_test(test_integers_of_64_bits_are_written_exactly),
        cmocka_unit_test(test_prefix_takes_one_value_of_a_stream),
        cmocka_unit_test(test_prefix_waits_at_every_cut_of_a_value),
        cmocka_unit_test(test_prefix_waits_for_the_end_of_a_number),
        cmocka_unit_test(test_prefix_reports_a_fault_and_moves_on),
        cmocka_unit_test(test_build_set_replaces_in_place),
        cmocka_unit_test(test_detach_gives_the_member_away),
        cmocka_unit_test(test_copy_is_deep),
        cmocka_unit_test(test_equal_ignores_order_of_members_only),
        cmocka_unit_test(test_print_pretty_is_stable),
        cmocka_unit_test(test_parse_with_many_equal_names_stays_fast),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
