/* Strings, suggestions, time stamps, sanitising, cells, vectors. */
#include <stdlib.h>

#include "base/auto.h"
#include "base/str.h"
#include "unit/assert.h"

static void test_eq_starts_ends_accept_null(void **state)
{
    (void)state;
    assert_true(str_eq(NULL, NULL));
    assert_false(str_eq(NULL, ""));
    assert_true(str_eq("a", "a"));
    assert_true(str_starts("abc", "ab"));
    assert_false(str_starts("a", "ab"));
    assert_false(str_starts(NULL, ""));
    assert_true(str_ends("abc", "bc"));
    assert_true(str_ends("abc", ""));
    assert_false(str_ends("c", "bc"));
    assert_false(str_ends(NULL, ""));
    assert_true(str_empty(NULL));
    assert_true(str_empty(""));
    assert_false(str_empty(" "));
}

static void test_closest_suggests_near_words_only(void **state)
{
    static const char *const words[] = {"deploy", "rollback", "status", "history", "env"};
    static const struct {
        const char *word;
        const char *expected;
        const char *why;
    } rows[] = {
        {"deploi",                                                                         "deploy",   "one replaced"           },
        {"dploy",                                                                          "deploy",   "one missing"            },
        {"statuss",                                                                        "status",   "one too many"           },
        {"rolback",                                                                        "rollback", "one missing of a double"},
        {"env",                                                                            "env",      "exact"                  },
        {"en",                                                                             "env",      "short word, distance 1" },
        {"xyz",                                                                            NULL,       "distance 3 of length 3" },
        {"completely",                                                                     NULL,       "nothing near"           },
        {"",                                                                               NULL,       "empty"                  },
        {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", NULL,
         "longer than any word"                                                                                                 },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++)
        row_check(str_eq(str_closest(rows[i].word, words, ROWS(words)), rows[i].expected),
                  rows[i].why);
    assert_null(str_closest("deploy", NULL, 0));
}

static void test_time_parses_rfc_3339(void **state)
{
    static const struct {
        const char *text;
        int rc;
        int64_t ms;
        const char *why;
    } rows[] = {
        {"1970-01-01T00:00:00Z",                0,  0,                      "epoch"                 },
        {"2026-11-21T01:20:54Z",                0,  INT64_C(1795224054000), "plain"                 },
        {"2026-11-21t01:20:54z",                0,  INT64_C(1795224054000), "lower case"            },
        {"2026-11-21T02:20:54.123456789+01:00", 0,  INT64_C(1795224054123), "offset, ns"            },
        {"2026-11-20T20:50:54-04:30",           0,  INT64_C(1795224054000), "negative offset"       },
        {"2024-02-29T00:00:00Z",                0,  INT64_C(1709164800000), "leap day"              },
        {"1969-12-31T23:59:59.5Z",              0,  -500,                   "before the epoch"      },
        {"0001-01-01T00:00:00Z",                0,  0,                      "docker's zero time"    },
        {"2023-02-29T00:00:00Z",                -1, 0,                      "no leap day"           },
        {"2026-13-01T00:00:00Z",                -1, 0,                      "month 13"              },
        {"2026-00-01T00:00:00Z",                -1, 0,                      "month 0"               },
        {"2026-01-32T00:00:00Z",                -1, 0,                      "day 32"                },
        {"2026-01-01T24:00:00Z",                -1, 0,                      "hour 24"               },
        {"2026-01-01T00:60:00Z",                -1, 0,                      "minute 60"             },
        {"2026-01-01T00:00:61Z",                -1, 0,                      "second 61"             },
        {"2026-01-01T00:00:00",                 -1, 0,                      "no zone"               },
        {"2026-01-01T00:00:00.Z",               -1, 0,                      "empty fraction"        },
        {"2026-01-01T00:00:00.1234567890Z",     -1, 0,                      "ten digits of fraction"},
        {"2026-01-01T00:00:00+0100",            -1, 0,                      "offset without colon"  },
        {"2026-01-01T00:00:00Zx",               -1, 0,                      "trailing text"         },
        {"2026-01-01",                          -1, 0,                      "date only"             },
        {"26-01-01T00:00:00Z",                  -1, 0,                      "two-digit year"        },
        {"",                                    -1, 0,                      "empty"                 },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        int64_t ms = -77;

        row_check(str_to_time_ms(rows[i].text, &ms) == rows[i].rc, rows[i].why);
        row_check(ms == (rows[i].rc == 0 ? rows[i].ms : -77), rows[i].why);
    }
}

static void test_format_time_shows_utc_and_clamps(void **state)
{
    char out[STR_TIME_MAX];

    (void)state;
    assert_string_equal(str_format_time(INT64_C(1795224054999), out), "2026-11-21T01:20:54Z");
    assert_string_equal(str_format_time(0, out), "1970-01-01T00:00:00Z");
    assert_string_equal(str_format_time(-1, out), "1969-12-31T23:59:59Z");
    assert_string_equal(str_format_time(INT64_MAX, out), "9999-12-31T23:59:59Z");
    assert_string_equal(str_format_time(INT64_MIN, out), "0000-01-01T00:00:00Z");
}

static void test_sanitize_lets_nothing_control_the_terminal(void **state)
{
    static const struct {
        const char *text;
        const char *expected;
        const char *why;
    } rows[] = {
        {"plain \xC3\xA9 \xE4\xB8\xAD \xF0\x9F\x9A\x80",
         "plain \xC3\xA9 \xE4\xB8\xAD \xF0\x9F\x9A\x80",                         "UTF-8 passes"                             },
        {"a\tb\nc",                                      "a\tb\nc",              "tab and newline pass"                     },
        {"a\rb\bc\x01"
         "d\x7F",                               "abcd",                 "C0 and DEL are dropped"                   },
        {"\x1B[31mred\x1B[0m",                           "red",                  "colours"                                  },
        {"\x1B[2J\x1B[1;1Hx",                            "x",                    "clear screen"                             },
        {"\x1B]0;title\x07x",                            "x",                    "window title, BEL"                        },
        {"\x1B]8;;http://e\x1B\\x",                      "x",                    "hyperlink, ST"                            },
        {"\x1BPq#0\x1B\\x",                              "x",                    "device control string"                    },
        {"\x1B(Bx\x1B"
         "7y",                                  "xy",                   "charset and save cursor"                  },
        {"\x1B]0;no end",                                "0;no end",             "unfinished string cannot swallow the rest"},
        {"\x1B]0;a\nb\x07",                              "0;a\nb",               "a string does not cross lines"            },
        {"\x1B[12",                                      "12",                   "unfinished sequence"                      },
        {"x\x1B",                                        "x",                    "ESC at the end"                           },
        {"\xC2\x9B"
         "31mx",                                "x",                    "C1 CSI in UTF-8"                          },
        {"\xC2\x85x",                                    "x",                    "C1 NEL"                                   },
 /* NOLINTNEXTLINE(misc-misleading-bidirectional): that is the test */
        {"a\xE2\x80\xAE"
         "b\xE2\x81\xA6"
         "c\xE2\x80\x8F",                       "abc",                  "bidi controls"                            },
        {"\xFF\x9Bq",                                    "\\xFF\\x9Bq",          "invalid bytes"                            },
        {"\xC0\xAF",                                     "\\xC0\\xAF",           "overlong form"                            },
        {"\xED\xA0\x80",                                 "\\xED\\xA0\\x80",      "surrogate"                                },
        {"\xF4\x90\x80\x80",                             "\\xF4\\x90\\x80\\x80", "beyond the last code point"               },
        {"\xE4\xB8",                                     "\\xE4\\xB8",           "cut character"                            },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        AUTO(buf_done) struct buf out = BUF_INIT(1000);

        str_sanitize(&out, rows[i].text, strlen(rows[i].text));
        if (strcmp(out.p, rows[i].expected) != 0)
            fail_msg("row '%s': got '%s'", rows[i].why, out.p);
    }
}

static void test_sanitize_drops_nul_bytes_and_takes_nothing(void **state)
{
    AUTO(buf_done) struct buf out = BUF_INIT(100);

    (void)state;
    str_sanitize(&out, "a\0b", 3);
    str_sanitize(&out, NULL, 0);
    assert_string_equal(out.p, "ab");
}

static void test_cells_counts_what_the_terminal_shows(void **state)
{
    static const struct {
        const char *text;
        size_t cells;
        const char *why;
    } rows[] = {
        {"",                         0, "empty"              },
        {"abc",                      3, "ASCII"              },
        {"\xC3\xA9",                 1, "one cell, two bytes"},
        {"e\xCC\x81",                1, "combining accent"   },
        {"\xE4\xB8\xAD\xE6\x96\x87", 4, "Chinese"            },
        {"\xEA\xB0\x80",             2, "Hangul syllable"    },
        {"\xEF\xBC\xA1",             2, "full-width A"       },
        {"\xF0\x9F\x9A\x80",         2, "rocket"             },
        {"\xE2\x9C\x93",             1, "check mark"         },
        {"\xE2\x94\x80",             1, "box drawing"        },
        {"\xFF",                     1, "invalid byte"       },
        {"\xE2\x80\x8B",             0, "zero-width space"   },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++)
        row_check(str_cells(rows[i].text) == rows[i].cells, rows[i].why);
}

static void test_strv_is_always_null_terminated(void **state)
{
    AUTO(strv_done) struct strv sv = {0};

    (void)state;
    for (int i = 0; i < 100; i++) {
        strv_take(&sv, xasprintf("%d", i));
        assert_null(sv.v[sv.n]);
    }
    assert_int_equal(sv.n, 100);
    assert_string_equal(sv.v[99], "99");
    assert_true(strv_has(&sv, "42"));
    assert_false(strv_has(&sv, "100"));
}

static void test_strv_copy_replaces_the_target(void **state)
{
    AUTO(strv_done) struct strv a = {0};
    AUTO(strv_done) struct strv b = {0};

    (void)state;
    strv_add(&a, "one");
    strv_add(&b, "old");
    strv_add(&b, "older");
    strv_copy(&b, &a);
    assert_int_equal(b.n, 1);
    assert_string_equal(b.v[0], "one");
    assert_ptr_not_equal(b.v[0], a.v[0]);
    strv_copy(&b, &(struct strv){0});
    assert_int_equal(b.n, 0);
    assert_null(b.v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_eq_starts_ends_accept_null),
        cmocka_unit_test(test_closest_suggests_near_words_only),
        cmocka_unit_test(test_time_parses_rfc_3339),
        cmocka_unit_test(test_format_time_shows_utc_and_clamps),
        cmocka_unit_test(test_sanitize_lets_nothing_control_the_terminal),
        cmocka_unit_test(test_sanitize_drops_nul_bytes_and_takes_nothing),
        cmocka_unit_test(test_cells_counts_what_the_terminal_shows),
        cmocka_unit_test(test_strv_is_always_null_terminated),
        cmocka_unit_test(test_strv_copy_replaces_the_target),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
