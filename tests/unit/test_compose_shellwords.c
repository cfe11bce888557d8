/* Command strings -> words, compared with what Compose makes of them. */
#include "base/auto.h"
#include "compose/shellwords.h"
#include "unit/assert.h"

static void test_shellwords_split_gives_the_words_of_compose(void **state)
{
    (void)state;
    static const struct {
        const char *line, *words; /* words separated by | */
        bool dropped;
        const char *why;
    } rows[] = {
        {"a b",                "a|b",                false, "blanks separate"             },
        {"  a\t b\nc\r ",      "a|b|c",              false, "any blank, any number"       },
        {"",                   "",                   false, "nothing"                     },
        {"x '' y",             "x||y",               false, "empty argument"              },
        {"a\"b c\"d",          "ab cd",              false, "pieces join"                 },
        {"'a \\n b'",          "a \\n b",            false, "backslash in single quotes"  },
        {"\"a\\\"b\"",         "a\"b",               false, "escaped quote"               },
        {"a\\ b",              "a b",                false, "escaped blank"               },
        {"\\t\\n\\x",          "\t\nx",              false, "tab, newline, anything else" },
        {"echo a && b",        "echo|a",             true,  "operators end the command"   },
        {"echo a; b",          "echo|a",             true,  "so does a semicolon"         },
        {"echo a|b",           "echo|a",             true,  "without blanks too"          },
        {"echo a > f",         "echo|a",             true,  "redirection"                 },
        {"echo a 2>f",         "echo|a",             true,  "the number before > goes too"},
        {"echo 2a>f",          "echo",               true,  "any word that starts so"     },
        {"sh -c 'a && b'",     "sh|-c|a && b",       false, "quoted operators are text"   },
        {"echo $(date +%s) x", "echo|$(date +%s)|x", false, "substitution is one word"    },
        {"echo `a b` x",       "echo|`a b`|x",       false, "so are backticks"            },
        {"a #b",               "a|#b",               false, "no comments"                 },
        {"*.c $HOME",          "*.c|$HOME",          false, "no globs, no variables"      },
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        AUTO(strv_done) struct strv words = {0};
        AUTO(buf_done) struct buf joined = BUF_INIT(1024);
        struct ship_error err = {0};
        bool dropped = false;
        assert_ok(shellwords_split(rows[i].line, &words, &dropped, &err), &err);
        for (size_t k = 0; k < words.n; k++)
            buf_addf(&joined, "%s%s", k ? "|" : "", words.v[k]);
        if (strcmp(joined.p, rows[i].words) != 0)
            fail_msg("row '%s': got '%s'", rows[i].why, joined.p);
        row_check(dropped == rows[i].dropped, rows[i].why);
    }
}

static void test_shellwords_split_broken_lines_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *line, *part, *why;
    } rows[] = {
        {"echo 'a",  "single quote", "single quote"         },
        {"echo \"a", "double quote", "double quote"         },
        {"echo `a",  "backtick",     "backtick"             },
        {"echo $(a", "$(",           "substitution"         },
        {"echo a\\", "backslash",    "trailing backslash"   },
        {"echo (x)", "unquoted '('", "parenthesis"          },
        {"echo x)",  "unquoted ')'", "closing parenthesis"  },
        {"$(a (b))", "unquoted '('", "inside a substitution"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        AUTO(strv_done) struct strv words = {0};
        struct ship_error err = {0};
        bool dropped;
        assert_fails(shellwords_split(rows[i].line, &words, &dropped, &err), &err, SHIP_INVALID);
        row_check(strstr(err.msg, rows[i].part) != NULL, rows[i].why);
        row_check(err.hint[0] != '\0', rows[i].why);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shellwords_split_gives_the_words_of_compose),
        cmocka_unit_test(test_shellwords_split_broken_lines_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
