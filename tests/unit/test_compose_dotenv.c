/* The .env grammar. */
#include "compose/dotenv.h"
#include "unit/assert.h"

static const char *lookup(void *ctx, const char *name)
{
    (void)ctx;
    return strcmp(name, "HOST") == 0 ? "hv" : NULL;
}

struct outcome {
    struct vars vars;
    struct yaml_problems problems;
    struct diag diag;
    int rc;
};

static struct outcome parse(const char *text, size_t len, bool raw)
{
    struct outcome o = {0};
    struct dotenv_source source = {.name = ".env", .text = text, .len = len, .raw = raw};
    struct dotenv_lookup look = {.lookup = lookup};

    o.diag.problems = &o.problems;
    o.rc = dotenv_parse(&source, &look, &o.vars, &o.diag);
    diag_flush(&o.diag);
    return o;
}

static void outcome_done(struct outcome *o)
{
    vars_done(&o->vars);
    yaml_problems_done(&o->problems);
}

static void test_dotenv_parse_lines_give_their_value(void **state)
{
    (void)state;
    static const struct {
        const char *text, *key, *expected; /* NULL: not there */
        const char *why;
    } rows[] = {
        {"A=1",                    "A",         "1",           "plain"                         },
        {"\xef\xbb\xbf"
         "A=1",           "A",         "1",           "byte order mark"               },
        {"A=1\r\nB=2\r\n",         "A",         "1",           "carriage returns are blanks"   },
        {"  A = x y  \n",          "A",         "x y",         "blanks around"                 },
        {"export A=1",             "A",         "1",           "export"                        },
        {"exported=1",             "exported",  "1",           "a name that starts like export"},
        {"A: v",                   "A",         "v",           "colon"                         },
        {"# c\n\n  # d\nA=1",      "A",         "1",           "comments and empty lines"      },
        {"A=x # c",                "A",         "x",           "comment behind a value"        },
        {"A=x#c",                  "A",         "x#c",         "a hash inside a word is text"  },
        {"A=#c",                   "A",         "",            "only a comment"                },
        {"A=",                     "A",         "",            "empty"                         },
        {"A=a\\nb",                "A",         "a\\nb",       "no escapes unquoted"           },
        {"A=\"a\\nb\\t\\\"\\\\\"", "A",         "a\nb\t\"\\",  "escapes in double quotes"      },
        {"A=\"\\0101\\q\"",        "A",         "A\\q",        "octal, unknown escape"         },
        {"A=\"x\ny\"",             "A",         "x\ny",        "double quotes span lines"      },
        {"A='x\ny'",               "A",         "x\ny",        "single quotes span lines"      },
        {"A='$HOST it\\'s'",       "A",         "$HOST it's",  "single quotes are literal"     },
        {"A=\"\\$HOST $$HOST\"",   "A",         "$HOST $HOST", "escaped dollars"               },
        {"A=${HOST}",              "A",         "hv",          "look-up"                       },
        {"A=1\nB=${A}2",           "B",         "12",          "earlier keys are visible"      },
        {"A=${U:-d}",              "A",         "d",           "default"                       },
        {"A=1\nA=2",               "A",         "2",           "the last one wins"             },
        {"HOST",                   "HOST",      "hv",          "inherit, no newline at the end"},
        {"HOST\nA=1",              "HOST",      "hv",          "inherit"                       },
        {"NOPE\nA=1",              "NOPE",      NULL,          "inherit something unset"       },
        {"1A.b-c[0]=x",            "1A.b-c[0]", "x",           "unusual names"                 },
        {"A=\"x\" # c\nB=1",       "B",         "1",           "comment behind a closing quote"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct outcome o = parse(rows[i].text, strlen(rows[i].text), false);
        const char *got = vars_get(&o.vars, rows[i].key);
        row_check(o.rc == 0, rows[i].why);
        row_check(o.problems.n == 0, rows[i].why);
        if (!str_eq(got, rows[i].expected))
            fail_msg("row '%s': got '%s'", rows[i].why, got ? got : "(none)");
        outcome_done(&o);
    }
}

static void test_dotenv_parse_faults_name_line_and_class(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum compose_class class_wanted;
        const char *where, *why;
    } rows[] = {
        {"A=1\nB=\"x\nC=1", COMPOSE_CLASS_dotenv_unterminated_quote, ".env:2:3", "double quote"  },
        {"A='x",            COMPOSE_CLASS_dotenv_unterminated_quote, ".env:1:3", "single quote"  },
        {"\nA B=1",         COMPOSE_CLASS_dotenv_space_in_key,       ".env:2:3", "blank in name" },
        {"A!=1",            COMPOSE_CLASS_dotenv_syntax,             ".env:1:2", "bad character" },
        {"=1",              COMPOSE_CLASS_dotenv_syntax,             ".env:1:1", "no name"       },
        {"A=${",            COMPOSE_CLASS_bad_interpolation,         ".env:1:3", "bad expression"},
        {"A=${U:?no}",      COMPOSE_CLASS_required_variable,         ".env:1:3", "required"      },
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct outcome o = parse(rows[i].text, strlen(rows[i].text), false);
        row_check(o.rc == -1 && o.problems.n_errors == 1, rows[i].why);
        row_check(o.diag.first == rows[i].class_wanted, rows[i].why);
        if (!str_eq(o.problems.list[0].where, rows[i].where))
            fail_msg("row '%s': at %s", rows[i].why, o.problems.list[0].where);
        outcome_done(&o);
    }
}

static void test_dotenv_parse_nul_byte_is_refused(void **state)
{
    (void)state;
    struct outcome o = parse("A=1\0B=2", 7, false);

    assert_int_equal(o.rc, -1);
    assert_int_equal(o.diag.first, COMPOSE_CLASS_dotenv_syntax);
    outcome_done(&o);
}

static void test_dotenv_parse_text_behind_a_quote_is_a_warning(void **state)
{
    (void)state;
    struct outcome o = parse("U='a'b\nV=1", 10, false);

    assert_int_equal(o.rc, 0);
    assert_string_equal(vars_get(&o.vars, "U"), "a");
    assert_string_equal(vars_get(&o.vars, "V"), "1");
    assert_int_equal(o.problems.n_warnings, 1);
    assert_string_equal(o.problems.list[0].where, ".env:1:6");
    outcome_done(&o);
}

static void test_dotenv_parse_raw_format_takes_values_verbatim(void **state)
{
    (void)state;
    static const char text[] = "A=\"x\" # y ${Z}\r\nHOST\n# c\nB=";
    struct outcome o = parse(text, sizeof text - 1, true);

    assert_int_equal(o.rc, 0);
    assert_string_equal(vars_get(&o.vars, "A"), "\"x\" # y ${Z}");
    assert_string_equal(vars_get(&o.vars, "HOST"), "hv");
    assert_string_equal(vars_get(&o.vars, "B"), "");
    outcome_done(&o);
}

static void test_dotenv_parse_too_many_variables_are_refused(void **state)
{
    (void)state;
    AUTO(buf_done) struct buf text = BUF_INIT(DOTENV_BYTES_MAX);

    for (int i = 0; i <= DOTENV_VARS_MAX; i++)
        buf_addf(&text, "K%d=\n", i);
    struct outcome o = parse(text.p, text.len, false);
    assert_int_equal(o.rc, -1);
    assert_int_equal(o.diag.first, COMPOSE_CLASS_too_large);
    assert_int_equal(o.vars.n, DOTENV_VARS_MAX);
    outcome_done(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dotenv_parse_lines_give_their_value),
        cmocka_unit_test(test_dotenv_parse_faults_name_line_and_class),
        cmocka_unit_test(test_dotenv_parse_nul_byte_is_refused),
        cmocka_unit_test(test_dotenv_parse_text_behind_a_quote_is_a_warning),
        cmocka_unit_test(test_dotenv_parse_raw_format_takes_values_verbatim),
        cmocka_unit_test(test_dotenv_parse_too_many_variables_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
