/* Every project below examples/ is a valid plan with valid Compose files, in each environment. */
#include <glob.h>
#include <stdlib.h>

#include "assert.h"
#include "base/auto.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/str.h"
#include "compose/compose.h"
#include "plan/plan.h"

#define EXAMPLES TESTS_DIR "/../examples"

static const char *const no_environment[] = {"HOME=/nonexistent", NULL};

static struct plan *load_plan(const char *path, const char *environment)
{
    struct ship_error err = {0};
    AUTO(yaml_problems_done) struct yaml_problems problems = {0};
    AUTO(buf_done) struct buf text = BUF_INIT(PLAN_BYTES_MAX);

    assert_ok(file_read(path, &text, &err), &err);
    struct plan *p = plan_parse(path, text.p, text.len, environment, &problems, &err);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_examples_projects_load_without_a_warning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
