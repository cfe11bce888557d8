/* Every project below examples/ is a valid plan with valid Compose files, in each environment. */
#include <glob.h>
#include <stdlib.h>

#include "assert.h"
#include "base/auto.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/str.h"
#include "check/check.h"
#include "compose/compose.h"
#include "plan/plan.h"

#define EXAMPLES TESTS_DIR "/../examples"

static const char *const no_environment[] = {"HOME=/nonexistent", NULL};

static void prepare_checks(const struct plan *p, struct yaml_problems *problems)
{
    AUTO(checks_done) struct checks pre = {0};
    AUTO(checks_done) struct checks health = {0};
    AUTO(checks_done) struct checks post = {0};

    checks_prepare(&p->checks.pre, CHECK_PRE, problems, &pre);
    checks_prepare(&p->checks.health, CHECK_HEALTH, problems, &health);
    checks_prepare(&p->checks.post, CHECK_POST, problems, &post);
}

static struct plan *load_plan(const char *path, const char *environment)
{
    struct ship_error err = {0};
    AUTO(yaml_problems_done) struct yaml_problems problems = {0};
    AUTO(buf_done) struct buf text = BUF_INIT(PLAN_BYTES_MAX);

    assert_ok(file_read(path, &text, &err), &err);
    struct plan *p = plan_parse(path, text.p, text.len, environment, &problems, &err);
    if (p)
        prepare_checks(p, &problems);
    if (!p || problems.n > 0)
        fail_msg("%s: %s", path, p ? problems.list[0].text : err.msg);
    return p;
}

static void check_compose(const struct plan *p, const char *dir)
{
    struct ship_error err = {0};
    AUTO(yaml_problems_done) struct yaml_problems problems = {0};
    struct compose_options options = {.dir = dir,
                                      .files = &p->compose,
                                      .project_name = p->project,
                                      .profiles = &p->profiles,
                                      .environ = no_environment};
    AUTO_PTR(compose_free) struct compose_project *c = compose_load(&options, &problems, &err);

    if (!c || problems.n > 0)
        fail_msg("%s: %s", dir, c ? problems.list[0].text : err.msg);
}

static void check_environments(const char *path)
{
    AUTO_FREE char *dir = file_dirname(path);
    AUTO_PTR(plan_free) struct plan *p = load_plan(path, NULL);
    const struct yaml_node *all = yaml_get(yaml_root(p->yaml, 0), "environments");

    check_compose(p, dir);
    for (size_t i = 0; all && i < all->n; i++) {
        AUTO_PTR(plan_free) struct plan *other = load_plan(path, all->items[i]->key);
        check_compose(other, dir);
    }
}

static void test_examples_projects_load_without_a_warning(void **state)
{
    glob_t found;

    (void)state;
    assert_int_equal(glob(EXAMPLES "/*/shipctl.yaml", 0, NULL, &found), 0);
    assert_in_range(found.gl_pathc, 3, 100);
    for (size_t i = 0; i < found.gl_pathc; i++)
        check_environments(found.gl_pathv[i]);
    globfree(&found);
}

static void test_examples_workflow_is_yaml_with_jobs(void **state)
{
    struct ship_error err = {0};
    AUTO(yaml_problems_done) struct yaml_problems problems = {0};
    AUTO(buf_done) struct buf text = BUF_INIT(PLAN_BYTES_MAX);

    (void)state;
    assert_ok(file_read(EXAMPLES "/github-actions/deploy.yml", &text, &err), &err);
    AUTO_PTR(yaml_free)
    struct yaml_file *f = yaml_parse_report("deploy.yml", text.p, text.len, &problems, &err);
    assert_not_null_ok(f, &err);
    assert_int_equal(problems.n, 0);
    const struct yaml_node *jobs = yaml_get(yaml_root(f, 0), "jobs");
    assert_non_null(jobs);
    for (size_t i = 0; i < jobs->n; i++)
        row_check(yaml_get(jobs->items[i], "steps") != NULL, jobs->items[i]->key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_examples_projects_load_without_a_warning),
        cmocka_unit_test(test_examples_workflow_is_yaml_with_jobs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
