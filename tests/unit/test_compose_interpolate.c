/* Variable expressions: every operator, nesting, what stays literal, what is refused. */
#include "base/auto.h"
#include "compose/interpolate.h"
#include "compose/vars.h"
#include "unit/assert.h"

static const char *lookup(void *ctx, const char *name)
{
    return vars_get(ctx, name);
}

static size_t unset_calls;

static void count_unset(void *ctx, const char *name)
{
    (void)ctx;
    (void)name;
    unset_calls++;
}

static enum interpolate_fault run(const char *text, struct buf *out, char *message, size_t size)
{
    AUTO(vars_done) struct vars vars = {0};

    vars_set(&vars, "S", "set");
    vars_set(&vars, "E", "");
    vars_set(&vars, "D", "$S ${S}");
    struct interpolation in = {.lookup = lookup, .unset = count_unset, .ctx = &vars};
    unset_calls = 0;
    return interpolate(text, &in, out, message, size);
}

static void test_interpolate_valid_expressions_give_their_value(void **state)
{
    (void)state;
    static const struct {
        const char *text, *expected;
        size_t unset;
        const char *why;
    } rows[] = {
        {"plain",                     "plain",                   0, "nothing to do"                     },
        {"$S",                        "set",                     0, "bare name"                         },
        {"${S}",                      "set",                     0, "braces"                            },
        {"$S.txt",                    "set.txt",                 0, "name ends at a dot"                },
        {"a$U-b",                     "a-b",                     1, "unset is empty, with a warning"    },
        {"${U}",                      "",                        1, "unset in braces"                   },
        {"${U-d}",                    "d",                       0, "default when unset"                },
        {"${E-d}",                    "",                        0, "empty is set"                      },
        {"${E:-d}",                   "d",                       0, "empty counts as unset"             },
        {"${S:-d}",                   "set",                     0, "value wins over default"           },
        {"${U+a}",                    "",                        0, "alternative needs a value"         },
        {"${E+a}",                    "a",                       0, "empty is a value"                  },
        {"${E:+a}",                   "",                        0, "empty is no value"                 },
        {"${S:+a}",                   "a",                       0, "alternative"                       },
        {"${S:?m}",                   "set",                     0, "required and there"                },
        {"${E?m}",                    "",                        0, "required, empty is fine"           },
        {"$$S",                       "$S",                      0, "escaped dollar"                    },
        {"$${S}",                     "${S}",                    0, "escaped expression"                },
        {"$$$S",                      "$set",                    0, "escape, then a name"               },
        {"a$",                        "a$",                      0, "trailing dollar"                   },
        {"$1 $! $-",                  "$1 $! $-",                0, "no name behind"                    },
        {"${U:-${S}}",                "set",                     0, "nested"                            },
        {"${A:-${B:-${C:-deep}}}",    "deep",                    0, "nested three times"                },
        {"${U:-$$}",                  "$",                       0, "escape in a default"               },
        {"${U:-{json}}",              "{json}",                  0, "braces nest"                       },
        {"${U:-a}}",                  "a}",                      0, "the first closing brace ends it"   },
        {"${U:-http://h:80/p?q=1+2}", "http://h:80/p?q=1+2",     0, "operators inside a default"        },
        {"${S:-${X}}",                "set",                     0, "an unused default is not looked at"},
        {"$D",                        "$S ${S}",                 0, "values are not interpolated"       },
        {"\xc3\xa4${S}\xe2\x82\xac",  "\xc3\xa4set\xe2\x82\xac", 0, "UTF-8 passes"                      },
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        AUTO(buf_done) struct buf out = BUF_INIT(1024);
        char message[256] = "";
        enum interpolate_fault fault = run(rows[i].text, &out, message, sizeof message);
        row_check(fault == INTERPOLATE_OK, rows[i].why);
        if (strcmp(out.p, rows[i].expected) != 0)
            fail_msg("row '%s': got '%s'", rows[i].why, out.p);
        row_check(unset_calls == rows[i].unset, rows[i].why);
    }
}

static void test_interpolate_invalid_expressions_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum interpolate_fault fault;
        const char *part, *why;
    } rows[] = {
        {"${",            INTERPOLATE_BAD,      "$$",         "never closed"               },
        {"${}",           INTERPOLATE_BAD,      "${}",        "no name"                    },
        {"${A B}",        INTERPOLATE_BAD,      "${A B}",     "blank in the name"          },
        {"${1}",          INTERPOLATE_BAD,      "${1}",       "name starts with a digit"   },
        {"${V/x/y}",      INTERPOLATE_BAD,      "${V/x/y}",   "shell substitution"         },
        {"${V:}",         INTERPOLATE_BAD,      "${V:}",      "half an operator"           },
        {"${V:=x}",       INTERPOLATE_BAD,      "${V:=x}",    "assignment is not supported"},
        {"${U:-a\nb}",    INTERPOLATE_BAD,      "expression", "newline inside"             },
        {"${U:-${}}",     INTERPOLATE_BAD,      "${}",        "fault inside a default"     },
        {"${U:?need U}",  INTERPOLATE_REQUIRED, "need U",     "required and unset"         },
        {"${E:?need E}",  INTERPOLATE_REQUIRED, "need E",     "required and empty"         },
        {"${U?}",         INTERPOLATE_REQUIRED, "'U'",        "required without a message" },
        {"${U:?${S} it}", INTERPOLATE_REQUIRED, "set it",     "the message is interpolated"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        AUTO(buf_done) struct buf out = BUF_INIT(1024);
        char message[256] = "";
        row_check(run(rows[i].text, &out, message, sizeof message) == rows[i].fault, rows[i].why);
        row_check(strstr(message, rows[i].part) != NULL, rows[i].why);
    }
}

static void test_interpolate_deep_nesting_ends_at_the_limit(void **state)
{
    (void)state;
    AUTO(buf_done) struct buf text = BUF_INIT(4096);
    AUTO(buf_done) struct buf out = BUF_INIT(1024);
    char message[256] = "";

    for (int i = 0; i < INTERPOLATE_DEPTH_MAX + 5; i++)
        buf_adds(&text, "${U:-");
    for (int i = 0; i < INTERPOLATE_DEPTH_MAX + 5; i++)
        buf_adds(&text, "}");
    assert_int_equal(run(text.p, &out, message, sizeof message), INTERPOLATE_BAD);
    assert_contains(message, "32 levels");
}

static void test_interpolate_result_over_the_limit_is_refused(void **state)
{
    (void)state;
    AUTO(buf_done) struct buf out = BUF_INIT(8);
    char message[256] = "";

    assert_int_equal(run("$S$S$S", &out, message, sizeof message), INTERPOLATE_TOO_LARGE);
    assert_contains(message, "8 bytes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_interpolate_valid_expressions_give_their_value),
        cmocka_unit_test(test_interpolate_invalid_expressions_are_refused),
        cmocka_unit_test(test_interpolate_deep_nesting_ends_at_the_limit),
        cmocka_unit_test(test_interpolate_result_over_the_limit_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
