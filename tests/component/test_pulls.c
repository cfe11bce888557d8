/*
 * Which images a deployment pulls, on a scripted engine: all that are needed side by side and
 * before anything is changed, each once, by the `pull_policy` of its service.
 */
#include <stdlib.h>

#include "support/deploy_assert.h"

#define IMAGE(n)      "registry.example.com/" n
#define SERVICE(n, i) "  " n ":\n    image: " IMAGE(i) ":v1\n    restart: always\n"
#define RUNS(n, i)    "shop-" n "-1 running always " IMAGE(i) ":v1\n"
#define APP_RUNS      "shop-app-1 running always " FIX_APP ":v1\n"

static void add_image(struct deploy_fixture *f, const char *repository, bool is_local)
{
    struct fake_image image = {.repository = repository, .tag = "v1", .is_local = is_local};

    (void)fake_engine_image(f->engine, &image);
}

static size_t pulls(struct deploy_fixture *f)
{
    return fake_engine_count(f->engine, "POST", "/images/create");
}

/* ---- side by side ---- */

#define THREE                                                                                      \
    "    depends_on: [one]\n" SERVICE("one", "a") SERVICE("two", "b") SERVICE("three", "c")        \
        SERVICE("four", "c")

static struct deploy_fixture *three_images(const char *plan)
{
    struct deploy_fixture *f = deploy_fixture_new(plan, FIX_COMPOSE THREE);

    add_image(f, IMAGE("a"), false);
    add_image(f, IMAGE("b"), false);
    add_image(f, IMAGE("c"), false);
    return f;
}

static void test_deploy_pulls_each_image_once_and_all_together(void **state)
{
    struct fake_rule together = {
        .method = "POST", .path = "/images/create", .fault = FAKE_GATHER, .n = 4};
    struct deploy_fixture *f = three_images(FIX_PLAN);

    (void)state;
    fake_engine_script(f->engine, &together);
    deployed(f);
    assert_int_equal(pulls(f), 4);
    assert_host(f, APP_RUNS RUNS("four", "c") RUNS("one", "a") RUNS("three", "c") RUNS("two", "b"));
    assert_contains(f->messages.text.p, "of 4 images");
    assert_ledger(f, "v1");
    assert_status(f, deploy_fixture_deploy(f, "v2"), 0);
    assert_int_equal(pulls(f), 5); /* what runs is not looked at */
    deploy_fixture_free(f);
}

static void test_deploy_whose_pull_fails_has_changed_nothing(void **state)
{
    struct deploy_fixture *f = three_images(FIX_PLAN);
    struct fake_rule refused = {.path = "/images/create",
                                .nth = 3,
                                .fault = FAKE_ANSWER,
                                .status = 500,
                                .body = "{\"message\":\"scripted refusal\"}"};

    (void)state;
    fake_engine_script(f->engine, &refused);
    assert_status(f, deploy_fixture_deploy(f, "v1"), 16);
    assert_contains(f->res.error.msg, "image 'registry.example.com/");
    assert_contains(f->res.error.msg, "' of service '");
    assert_contains(f->res.error.msg, "scripted refusal");
    assert_host(f, "");
    assert_ledger(f, "");
    fake_engine_unscript(f->engine);
    deployed(f);
    deploy_fixture_free(f);
}

/* ---- one image ---- */

/* Rows: service `one` of image a, beside the app. */
static void test_deploy_obeys_the_pull_policy(void **state)
{
    static const struct {
        const char *policy; /* line of the service */
        bool is_local;
        size_t pulls;               /* beside the app's */
        const char *message, *hint; /* NULL: it is deployed */
        const char *why;
    } rows[] = {
        {"",                                       false, 1, NULL, NULL,                       "not there: pulled"           },
        {"",                                       true,  0, NULL, NULL,                       "there: not asked for"        },
        {"    pull_policy: missing\n",             false, 1, NULL, NULL,                       "missing, not there"          },
        {"    pull_policy: always\n",              true,  1, NULL, NULL,                       "always, although it is there"},
        {"    pull_policy: never\n",               true,  0, NULL, NULL,                       "never, but it is there"      },
        {"    pull_policy: never\n",               false, 0,
         "image '" IMAGE("a") ":v1' of service 'one' is not on this machine, and the Compose file "
                              "says pull_policy: never",           "docker load",              "never, and it is not there"  },
        {"    build: .\n    pull_policy: build\n", false, 0,
         "the Compose file says pull_policy: build",               "docker compose build one",
         "to be built, which shipctl does not"                                                                               },
        {"    build: .\n    pull_policy: build\n", true,  0, NULL, NULL,                       "built before"                },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        AUTO_FREE char *compose = xasprintf(FIX_COMPOSE SERVICE("one", "a") "%s", rows[i].policy);
        struct deploy_fixture *f = deploy_fixture_new(FIX_PLAN, compose);
        add_image(f, IMAGE("a"), rows[i].is_local);
        int status = deploy_fixture_deploy(f, "v1");
        row_check(status == (rows[i].message ? 16 : 0), rows[i].why);
        row_check(pulls(f) == rows[i].pulls + !rows[i].message, rows[i].why);
        if (rows[i].message) {
            assert_contains(f->res.error.msg, rows[i].message);
            assert_contains(f->res.error.hint, rows[i].hint);
            assert_host(f, "");
        } else {
            assert_host(f, APP_RUNS RUNS("one", "a"));
        }
        deploy_fixture_free(f);
    }
}

/* Rows: service `one` has no image of its own. */
static void test_deploy_takes_what_compose_has_built(void **state)
{
    static const struct {
        const char *lines;
        bool is_local;
        const char *why;
    } rows[] = {
        {"    build: .\n",                          true,  "built before"                   },
        {"    build: .\n    pull_policy: always\n", true,  "always is not for what is built"},
        {"    build: .\n",                          false, "not built yet"                  },
        {"    build: .\n    pull_policy: always\n", false, "no registry is asked"           },
        {"    build: .\n    depends_on: [app]\n",   false, "not built, after the app"       },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        AUTO_FREE char *compose =
            xasprintf(FIX_COMPOSE "  one:\n    restart: always\n%s", rows[i].lines);
        struct deploy_fixture *f = deploy_fixture_new(FIX_PLAN, compose);
        struct fake_image built = {.repository = "shop-one", .tag = "latest", .is_local = true};
        if (rows[i].is_local)
            (void)fake_engine_image(f->engine, &built);
        int status = deploy_fixture_deploy(f, "v1");
        row_check(status == (rows[i].is_local ? 0 : 16), rows[i].why);
        row_check(pulls(f) == (size_t)rows[i].is_local, rows[i].why); /* the app's */
        if (!rows[i].is_local) {
            assert_contains(f->res.error.msg, "image 'shop-one' of service 'one' is not on this "
                                              "machine");
            assert_contains(f->res.error.hint, "docker compose build one");
        }
        assert_host(f, rows[i].is_local ? APP_RUNS "shop-one-1 running always shop-one\n" : "");
        deploy_fixture_free(f);
    }
}

static void test_deploy_of_a_plan_that_never_pulls_names_what_is_not_there(void **state)
{
    struct deploy_fixture *f =
        deploy_fixture_new(FIX_PLAN "pull: never\n", FIX_COMPOSE SERVICE("one", "a"));

    (void)state;
    add_image(f, FIX_APP, true);
    add_image(f, IMAGE("a"), false);
    assert_status(f, deploy_fixture_deploy(f, "v1"), 16);
    assert_contains(f->res.error.msg, "of service 'one' is not on this machine, and the plan says "
                                      "pull: never");
    assert_int_equal(pulls(f), 0);
    assert_host(f, "");
    deploy_fixture_free(f);
}

/* The registry is away: what is needed is there, or it is not, but what is not needed is not asked
 * for. */
static void test_rollback_pulls_only_what_the_app_needs(void **state)
{
    struct deploy_fixture *f = three_images(FIX_PLAN);

    (void)state;
    deployed(f);
    assert_status(f, deploy_fixture_deploy(f, "v2"), 0);
    fake_engine_vanish(f->engine, "shop-two-1");
    fake_engine_vanish(f->engine, "shop-one-1");
    size_t before = pulls(f);
    assert_status(f, deploy_fixture_rollback(f, &(struct ship_rollback_request){0}), 0);
    assert_int_equal(pulls(f), before);
    assert_host(f, APP_RUNS RUNS("four", "c") RUNS("one", "a") RUNS("three", "c"));
    deploy_fixture_free(f);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_deploy_pulls_each_image_once_and_all_together),
        cmocka_unit_test(test_deploy_whose_pull_fails_has_changed_nothing),
        cmocka_unit_test(test_deploy_obeys_the_pull_policy),
        cmocka_unit_test(test_deploy_takes_what_compose_has_built),
        cmocka_unit_test(test_deploy_of_a_plan_that_never_pulls_names_what_is_not_there),
        cmocka_unit_test(test_rollback_pulls_only_what_the_app_needs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
