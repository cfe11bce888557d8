/* The environment of programs the plan names: what is let through and what is added. */
#include <unistd.h>

#include "base/childenv.h"
#include "unit/assert.h"

static bool has_name(const struct strv *sv, const char *name)
{
    size_t len = strlen(name);

    for (size_t i = 0; i < sv->n; i++)
        if (strncmp(sv->v[i], name, len) == 0 && sv->v[i][len] == '=')
            return true;
    return false;
}

static void test_childenv_allowed_rows(void **state)
{
    static const struct {
        const char *name;
        bool allowed;
    } rows[] = {
        {"PATH",       true },
        {"HOME",       true },
        {"LANG",       true },
        {"TZ",         true },
        {"USER",       true },
        {"LC_ALL",     true },
        {"LC_TIME",    true },
        {"PATHS",      false},
        {"LCX",        false},
        {"LD_PRELOAD", false},
        {"PASSWORD",   false},
        {"SHIPCTL_X",  false},
    };
    struct strv out = {0}, ours = {0};
    char **saved = environ;

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++)
        strv_take(&ours, xasprintf("%s=x", rows[i].name));
    environ = ours.v;
    childenv_allowed(&out);
    environ = saved;
    for (size_t i = 0; i < ROWS(rows); i++)
        row_check(has_name(&out, rows[i].name) == rows[i].allowed, rows[i].name);
    strv_done(&out);
    strv_done(&ours);
}

static void test_childenv_variables_without_value_are_left_out(void **state)
{
    static const struct tmpl_var vars[] = {
        {"version",     "v2"  },
        {"old.version", NULL  },
        {"app",         "a\nb"},
        {"digest",      ""    },
    };
    struct strv out = {0};

    (void)state;
    childenv_variables(&out, vars, ROWS(vars));
    assert_int_equal(out.n, 3);
    assert_true(strv_has(&out, "SHIPCTL_VERSION=v2"));
    assert_true(strv_has(&out, "SHIPCTL_APP=a\nb"));
    assert_true(strv_has(&out, "SHIPCTL_DIGEST="));
    strv_done(&out);
}

static void test_childenv_variable_names_are_upper_case_with_underscores(void **state)
{
    static const struct tmpl_var vars[] = {
        {"old.version", "v1"},
        {"x-9\xc3\xa9", "y" }
    };
    struct strv out = {0};

    (void)state;
    childenv_variables(&out, vars, ROWS(vars));
    assert_string_equal(out.v[0], "SHIPCTL_OLD_VERSION=v1");
    assert_string_equal(out.v[1], "SHIPCTL_X_9__=y");
    strv_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_childenv_allowed_rows),
        cmocka_unit_test(test_childenv_variables_without_value_are_left_out),
        cmocka_unit_test(test_childenv_variable_names_are_upper_case_with_underscores),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
