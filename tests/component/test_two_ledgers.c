/*
 * Two state directories on one engine, or one that was lost: the second ledger says that what runs
 * is another's, takes it over, and undoes nothing of it.
 */
#include <stdlib.h>
#include <sys/stat.h>

#include "base/file.h"
#include "support/deploy_fixture.h"
#include "unit/assert.h"

#define RUNS(tag) "shop-app-1 running always " FIX_APP ":" tag "\n"
#define FOREIGN   "belongs to another ledger"

static int setup(void **state)
{
    *state = deploy_fixture_new(FIX_PLAN, FIX_COMPOSE);
    return 0;
}

static int teardown(void **state)
{
    deploy_fixture_free(*state);
    return 0;
}

/* From now on commands use the state directory of that name. */
static void use_state(struct deploy_fixture *f, const char *name)
{
    AUTO_FREE char *host = xstrdup(fake_engine_host(f->engine));
    char *path = file_path_join(f->dir, name);

    (void)mkdir(path, 0700);
    free(f->state);
    f->state = path;
    deploy_fixture_join(f, host);
}

static void assert_engine(const struct deploy_fixture *f, const char *want)
{
    AUTO_FREE char *summary = fake_engine_summary(f->engine);

    assert_string_equal(summary, want);
}

static void assert_current(const struct deploy_fixture *f, const char *want)
{
    AUTO_FREE char *current = deploy_fixture_current(f);

    assert_string_equal(current, want);
}

static void test_second_ledger_says_so_and_takes_over(void **state)
{
    struct deploy_fixture *f = *state;

    assert_int_equal(deploy_fixture_deploy(f, "v1"), 0);
    assert_null(strstr(f->messages.text.p, FOREIGN));
    use_state(f, "second");
    assert_int_equal(deploy_fixture_deploy(f, "v2"), 0);
    assert_contains(f->messages.text.p, "container 'shop-app-1' " FOREIGN);
    assert_contains(f->messages.text.p, "SHIPCTL_STATE_DIR");
    assert_string_equal(f->res.from.version, "v1");
    assert_engine(f, RUNS("v2"));
    /* Its own containers are no surprise, and it can go back to what it took over. */
    assert_int_equal(deploy_fixture_rollback(f, &(struct ship_rollback_request){0}), 0);
    assert_null(strstr(f->messages.text.p, FOREIGN));
    assert_engine(f, RUNS("v1"));
}

static void test_first_ledger_again_says_so_and_ends_in_order(void **state)
{
    struct deploy_fixture *f = *state;

    assert_int_equal(deploy_fixture_deploy(f, "v1"), 0);
    use_state(f, "second");
    assert_int_equal(deploy_fixture_deploy(f, "v2"), 0);
    use_state(f, "state");
    assert_int_equal(deploy_fixture_deploy(f, "v3"), 0);
    assert_contains(f->messages.text.p, FOREIGN);
    assert_engine(f, RUNS("v3"));
    assert_current(f, "v3");
    use_state(f, "second");
    assert_current(f, "v2");
    assert_int_equal(deploy_fixture_recover(f), 0);
    assert_engine(f, RUNS("v3"));
}

static void test_failed_deployment_restores_the_container_of_another_ledger(void **state)
{
    struct deploy_fixture *f = *state;
    struct fake_image sick = {.repository = FIX_APP, .tag = "sick", .health = "unhealthy"};

    (void)fake_engine_image(f->engine, &sick);
    assert_int_equal(deploy_fixture_deploy(f, "v1"), 0);
    use_state(f, "second");
    assert_int_equal(deploy_fixture_deploy(f, "sick"), 20);
    assert_engine(f, RUNS("v1"));
    use_state(f, "state");
    assert_int_equal(deploy_fixture_recover(f), 0);
    assert_engine(f, RUNS("v1"));
    assert_current(f, "v1");
}

/* The numbers of both go on from the same: an open operation must not take what has its number. */
static void test_recovery_leaves_a_container_of_the_same_number_of_another_ledger(void **state)
{
    struct deploy_fixture *f = *state;

    assert_int_equal(deploy_fixture_deploy(f, "v1"), 0);
    use_state(f, "second");
    assert_int_equal(deploy_fixture_deploy(f, "v2"), 0);
    use_state(f, "state");
    /* Operation 2 of the first ledger died when it had created nothing yet. */
    deploy_fixture_sql(f, "INSERT INTO deployments (app, environment, project, action, state, "
                          "exit_code, from_version, to_version, from_id, actor, last_step, "
                          "started_at_ms, finished_at_ms, downtime_ms, is_current, pruned) "
                          "VALUES ('shop', 'production', 'shop', 'deploy', 'switching', -1, 'v1', "
                          "'v3', 1, 'wei', 'switch', 1, 0, -1, 0, 0);"
                          "INSERT INTO journal (deployment_id, seq, kind, service, args_json, "
                          "intent_at_ms, done_at_ms) VALUES (2, 1, 'create', 'app', "
                          "'{\"name\":\"shop-app-1\"}', 1, 0)");
    (void)deploy_fixture_recover(f);
    assert_engine(f, RUNS("v2"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(test_second_ledger_says_so_and_takes_over),
        TEST(test_first_ledger_again_says_so_and_ends_in_order),
        TEST(test_failed_deployment_restores_the_container_of_another_ledger),
        TEST(test_recovery_leaves_a_container_of_the_same_number_of_another_ledger),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
