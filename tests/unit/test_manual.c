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
#include "check/check.h"
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

static void prepare_checks(const struct plan *p, struct yaml_problems *problems)
{
    AUTO(checks_done) struct checks pre = {0};
    AUTO(checks_done) struct checks health = {0};
    AUTO(checks_done) struct checks post = {0};

    checks_prepare(&p->checks.pre, CHECK_PRE, problems, &pre);
    checks_prepare(&p->checks.health, CHECK_HEALTH, problems, &health);
    checks_prepare(&p->checks.post, CHECK_POST, problems, &post);
}

/* An example that does not begin a plan is a part of one. */
static void check_example(const char *text)
{
    struct ship_error err = {0};
    AUTO(yaml_problems_done) struct yaml_problems problems = {0};
    AUTO_FREE char *whole = xasprintf("%s%s", str_starts(text, "version:") ? "" : PLAN_HEAD, text);
    AUTO_PTR(plan_free)
    struct plan *p = plan_parse("example", whole, strlen(whole), NULL, &problems, &err);

    if (p)
        prepare_checks(p, &problems);
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

/* The entry may share its line with others. */
static bool has_entry(const char *text, const char *key)
{
    AUTO_FREE char *first = xasprintf(".It Cm %s", key);
    AUTO_FREE char *later = xasprintf(" , %s", key);
    size_t n = strlen(first);

    for (const char *at = text; (at = strstr(at, ".It Cm ")); at++) {
        AUTO_FREE char *line = xstrndup(at, strcspn(at, "\n"));
        if (strncmp(line, first, n) == 0 && (line[n] == '\0' || line[n] == ' '))
            return true;
        if (strstr(line, later))
            return true;
    }
    return false;
}

static void test_shipctl_yaml_describes_each_check_type_and_key(void **state)
{
    AUTO_FREE char *page = read_page("man/shipctl.yaml.5");

    (void)state;
    for (const struct check_type *const *t = check_types; *t; t++) {
        const char *at = page;
        AUTO_FREE char *heading = xasprintf(".Ss %s\n", (*t)->name);
        AUTO_FREE char *section = cut(&at, heading, "\n.S");
        row_check(section != NULL, (*t)->name);
        for (const struct field *f = (*t)->fields; f->key; f++)
            if (!has_entry(section, f->key))
                fail_msg("key '%s' of check '%s' has no entry", f->key, (*t)->name);
    }
}

/* The plan's tables are private to their files, so their rows are read as text. */
static void check_source_keys(const char *page, const char *file, const char *begin,
                              const char *end)
{
    AUTO_FREE char *source = read_page(file);
    const char *at = source;
    size_t n = 0;

    for (;; n++) {
        AUTO_FREE char *key = cut(&at, begin, end);
        if (!key)
            break;
        if (strspn(key, "abcdefghijklmnopqrstuvwxyz_") == strlen(key) && !has_entry(page, key))
            fail_msg("key '%s' of %s has no entry", key, file);
    }
    row_check(n > 1, file);
}

static void test_shipctl_yaml_describes_each_key_of_the_plan(void **state)
{
    static const struct {
        const char *file, *begin, *end;
    } rows[] = {
        {"lib/plan/schema.c", ".key = \"",  "\""},
        {"lib/plan/schema.c", "SECTION(\"", "\""},
        {"lib/plan/schema.c", "TIMEOUT(",   "," },
        {"lib/plan/hooks.c",  ".key = \"",  "\""},
        {"lib/plan/hooks.c",  "HOOK_LIST(", ")" },
        {"lib/plan/checks.c", ".key = \"",  "\""},
    };
    AUTO_FREE char *page = read_page("man/shipctl.yaml.5");

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++)
        check_source_keys(page, rows[i].file, rows[i].begin, rows[i].end);
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
        cmocka_unit_test(test_shipctl_yaml_describes_each_check_type_and_key),
        cmocka_unit_test(test_shipctl_yaml_describes_each_key_of_the_plan),
        cmocka_unit_test(test_shipctl_compose_table_is_the_one_of_the_loader),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
