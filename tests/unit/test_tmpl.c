/* ${...} variables: expansion and lint. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/file.h"
#include "base/tmpl.h"
#include "unit/assert.h"

static const struct tmpl_var vars[] = {
    {"version",     "v1.0.1"    },
    {"old.version", NULL        },
    {"digest",      "sha256:ab" },
    {"dollar",      "${version}"},
};

static const char *const names[] = {"version", "old.version", "digest", "dollar"};

static void test_expand_fills_in(void **state)
{
    static const struct {
        const char *text, *expected, *why;
    } rows[] = {
        {"",                         "",                     "empty"                        },
        {"plain",                    "plain",                "no variable"                  },
        {"${version}",               "v1.0.1",               "alone"                        },
        {"a-${version}-${digest}-b", "a-v1.0.1-sha256:ab-b", "between text"                 },
        {"$$",                       "$",                    "escaped dollar"               },
        {"$${version}",              "${version}",           "escaped variable"             },
        {"$$$${version}",            "$${version}",          "two escapes"                  },
        {"$$$version",               "$$version",            "escape, then a lone dollar"   },
        {"cost 5$",                  "cost 5$",              "dollar at the end"            },
        {"$HOME",                    "$HOME",                "no brace: not ours"           },
        {"}{",                       "}{",                   "braces without dollar"        },
        {"${dollar}",                "${version}",           "values are not expanded again"},
        {"${env:TMPL_TEST}",         "from env",             "environment"                  },
        {"${env:TMPL_EMPTY}",        "",                     "set but empty"                },
    };

    (void)state;
    setenv("TMPL_TEST", "from env", 1);
    setenv("TMPL_EMPTY", "", 1);
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct ship_error err = {0};
        AUTO_FREE char *out = tmpl_expand(rows[i].text, vars, ROWS(vars), NULL, &err);

        assert_not_null_ok(out, &err);
        row_check(strcmp(out, rows[i].expected) == 0, rows[i].why);
    }
}

static const struct {
    const char *text, *part;
} faults[] = {
    {"${nope}",              "'${nope}'"           },
    {"${",                   "complete"            },
    {"${version",            "complete"            },
    {"${}",                  "complete"            },
    {"a${version${digest}}", "complete"            },
    {"${env:}",              "environment variable"},
    {"${env:1X}",            "environment variable"},
    {"${env:A-B}",           "environment variable"},
    {"${file:relative}",     "absolute"            },
    {"${file:}",             "absolute"            },
    {"${Version}",           "unknown"             },
    {"${ version}",          "unknown"             },
};

static void test_expand_and_check_refuse_the_same_grammar(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(faults); i++) {
        struct ship_error err = {0};

        row_check(tmpl_expand(faults[i].text, vars, ROWS(vars), NULL, &err) == NULL,
                  faults[i].text);
        row_check(strstr(err.msg, faults[i].part) != NULL, faults[i].text);
        err = (struct ship_error){0};
        assert_fails(tmpl_check(faults[i].text, names, ROWS(names), &err), &err, SHIP_INVALID);
        row_check(strstr(err.msg, faults[i].part) != NULL, faults[i].text);
    }
}

static void test_expand_suggests_the_nearest_variable(void **state)
{
    struct ship_error err = {0};

    (void)state;
    assert_null_fails(tmpl_expand("${verison}", vars, ROWS(vars), NULL, &err), &err, SHIP_INVALID);
    assert_string_equal(err.hint, "did you mean '${version}'?");
}

static void test_expand_needs_values_where_check_needs_names(void **state)
{
    struct ship_error err = {0};
    const char *text = "${old.version} ${env:TMPL_UNSET} ${file:/no/such/file}";

    (void)state;
    unsetenv("TMPL_UNSET");
    assert_ok(tmpl_check(text, names, ROWS(names), &err), &err);
    assert_null_fails(tmpl_expand("${old.version}", vars, ROWS(vars), NULL, &err), &err,
                      SHIP_INVALID);
    assert_contains(err.msg, "no value");
    assert_null_fails(tmpl_expand("${env:TMPL_UNSET}", vars, ROWS(vars), NULL, &err), &err,
                      SHIP_INVALID);
    assert_contains(err.msg, "'TMPL_UNSET'");
    assert_null_fails(tmpl_expand("${file:/no/such/file}", NULL, 0, NULL, &err), &err,
                      SHIP_INVALID);
    assert_contains(err.msg, "/no/such/file");
}

/* Expand ${file:} of a new file with this content. */
static char *expand_file(const char *data, size_t len, struct redact *redact,
                         struct ship_error *err)
{
    char path[] = "/tmp/shipctl-test-XXXXXX";
    int fd = mkstemp(path);
    AUTO_FREE char *text = xasprintf("<${file:%s}>", path);
    char *out;

    assert_true(fd >= 0);
    assert_int_equal(file_write_all(fd, data, len), 0);
    close(fd);
    out = tmpl_expand(text, NULL, 0, redact, err);
    unlink(path);
    return out;
}

static void test_expand_file_content_is_a_secret(void **state)
{
    struct ship_error err = {0};
    AUTO_PTR(redact_free) struct redact *r = redact_new(NULL, NULL);
    AUTO_FREE char *out = expand_file("hunter22\n", 9, r, &err);

    (void)state;
    redact_own(r, &out);
    assert_string_equal(out, "<***>");
}

static void test_expand_file_loses_one_newline(void **state)
{
    struct ship_error err = {0};
    AUTO_FREE char *out = expand_file("secret\n\n", 8, NULL, &err);

    (void)state;
    assert_not_null_ok(out, &err);
    assert_string_equal(out, "<secret\n>");
}

static void test_expand_file_refuses_nul_and_too_much(void **state)
{
    struct ship_error err = {0};
    AUTO_FREE char *big = xcalloc(1, 64 * 1024 + 1);

    (void)state;
    assert_null_fails(expand_file("a\0b", 3, NULL, &err), &err, SHIP_INVALID);
    assert_contains(err.msg, "NUL");
    memset(big, 'x', 64 * 1024 + 1);
    assert_null_fails(expand_file(big, 64 * 1024 + 1, NULL, &err), &err, SHIP_INVALID);
    assert_contains(err.msg, "65536");
}

static void test_expand_bounds_the_result(void **state)
{
    AUTO_FREE char *text = xmalloc(30001);
    AUTO_FREE char *value = xmalloc(1001);
    struct tmpl_var big = {"v", value};
    struct ship_error err = {0};

    (void)state;
    memset(value, 'x', 1000);
    value[1000] = '\0';
    for (size_t i = 0; i < 7500; i++)
        memcpy(text + 4 * i, "${v}", 4);
    text[30000] = '\0';
    assert_null_fails(tmpl_expand(text, &big, 1, NULL, &err), &err, SHIP_INVALID);
    assert_contains(err.msg, "larger than");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_expand_fills_in),
        cmocka_unit_test(test_expand_and_check_refuse_the_same_grammar),
        cmocka_unit_test(test_expand_suggests_the_nearest_variable),
        cmocka_unit_test(test_expand_needs_values_where_check_needs_names),
        cmocka_unit_test(test_expand_file_content_is_a_secret),
        cmocka_unit_test(test_expand_file_loses_one_newline),
        cmocka_unit_test(test_expand_file_refuses_nul_and_too_much),
        cmocka_unit_test(test_expand_bounds_the_result),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
