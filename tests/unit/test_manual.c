/*
 * The manual against the tables: every example of shipctl.yaml(5) is a plan,
 * every key of the tables has an entry, and the table of shipctl-compose(7) is
 * the one the loader reads.
 */
#include <stdio.h>

#include "assert.h"
#include "base/auto.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/str.h"
#include "plan/plan.h"
#include "support/compose_table.h"

#define PAGE_MAX  ((size_t)1024 * 1024)
#define PLAN_HEAD "version: 1\napp: shop\nimage: registry.example.com/shop\n"

static char *read_page(const char *name)
{
    struct ship_error err = {0};
    struct buf page = BUF_INIT(PAGE_MAX);
    AUTO_FREE char *path = xasprintf("%s/../%s", TESTS_DIR, name);

    assert_ok(file_read(path, &page, &err), &err);
    return buf_steal(&page);
}

/* The text between two marks at or after *at, which moves behind it; heap, or NULL. */
static char *cut(const char **at, const char *begin, const char *end)
{
    const char *from = strstr(*at, begin), *to;

    if (!from)
        return NULL;
    from += strlen(begin);
    to = strstr(from, end);
    if (!to)
        fail_msg("'%s' has no end", begin);
    *at = to;
    return xstrndup(from, (size_t)(to - from));
}

/* An example that does not begin a plan is a part of one. */
static void check_example(const char *text)
{
    struct ship_error err = {0};
    AUTO(yaml_problems_done) struct yaml_problems problems = {0};
    AUTO_FREE char *whole = xasprintf("%s%s", str_starts(text, "version:") ? "" : PLAN_HEAD, text);
    AUTO_PTR(plan_free)
    struct plan *p = plan_parse("example", whole, strlen(whole), NULL, &problems, &err);

    if (!p || problems.n > 0)
        fail_msg("%s\nin:\n%s", p ? problems.list[0].text : err.msg, whole);
}

static void test_shipctl_yaml_examples_are_plans(void **state)
{
    AUTO_FREE char *page = read_page("man/shipctl.yaml.5");
    const char *at = page;
    size_t n = 0;

    (void)state;
    for (;; n++) {
        AUTO_FREE char *example = cut(&at, ".Bd -literal -offset indent\n", ".Ed\n");
        if (!example)
            break;
        check_example(example);
    }
    assert_in_range(n, 15, 100);
}

static void test_shipctl_compose_table_is_the_one_of_the_loader(void **state)
{
    AUTO_FREE char *page = read_page("man/shipctl-compose.7");
    const char *at = page;
    AUTO_FREE char *shown = cut(&at, ".\\\" table begins\n", ".\\\" table ends\n");
    AUTO_FREE char *wanted = compose_table_format();

    (void)state;
    assert_non_null(shown);
    if (!str_eq(shown, wanted))
        fail_msg("replace the table of man/shipctl-compose.7 by the output of compose_table");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shipctl_yaml_examples_are_plans),
        cmocka_unit_test(test_shipctl_compose_table_is_the_one_of_the_loader),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
