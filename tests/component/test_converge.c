/*
 * What Compose does around a replaced service, on a scripted engine: who is recreated with it, who
 * is restarted after it, which replicas are added and removed, and what goes back with it.
 */
#include "support/deploy_assert.h"

#define APP_OLD    "shop-app-1 running always " FIX_APP ":v1\n"
#define APP_NEW    "shop-app-1 running always " FIX_APP ":v2\n"
#define HELPER(n)  "shop-" n "-1 running always " FIX_WORKER ":v1\n"
#define SERVICE(n) "  " n ":\n    image: " FIX_WORKER ":v1\n    restart: always\n"

static void assert_text_at(struct deploy_fixture *f, const char *container, const char *path,
                           const char *want)
{
    AUTO_FREE char *text = text_at(f, container, path);

    assert_string_equal(text, want);
}

static char *id_of(struct deploy_fixture *f, const char *container)
{
    return text_at(f, container, "Id");
}

static void add_bad(struct deploy_fixture *f)
{
    struct fake_image bad = {.repository = FIX_APP, .tag = "bad", .health = "unhealthy"};

    (void)fake_engine_image(f->engine, &bad);
}

static int rollback(struct deploy_fixture *f)
{
    return deploy_fixture_rollback(f, &(struct ship_rollback_request){0});
}

/* ---- users of a namespace ---- */

struct follower {
    const char *attribute; /* of service `side` */
    const char *before;    /* the id of the app's container in its inspect document */
    const char *why;
};

static void assert_follows(struct deploy_fixture *f, const struct follower *row)
{
    AUTO_FREE char *app = id_of(f, "shop-app-1");
    AUTO_FREE char *want = xasprintf("%s%s\"", row->before, app);
    AUTO_FREE char *side = fake_engine_inspect(f->engine, "shop-side-1");

    row_check(side && strstr(side, want), row->why);
}

static void follow_through(struct deploy_fixture *f, const struct follower *row)
{
    deployed(f);
    assert_follows(f, row);
    AUTO_FREE char *first = id_of(f, "shop-side-1");
    assert_status(f, deploy_fixture_deploy(f, "v2"), 0);
    assert_host(f, APP_NEW HELPER("side"));
    assert_follows(f, row);
    AUTO_FREE char *second = id_of(f, "shop-side-1");
    row_check(!str_eq(first, second), row->why);
    assert_status(f, deploy_fixture_deploy(f, "bad"), 20);
    assert_host(f, APP_NEW HELPER("side"));
    AUTO_FREE char *third = id_of(f, "shop-side-1");
    row_check(str_eq(second, third), row->why);
    assert_status(f, rollback(f), 0);
    assert_host(f, APP_OLD HELPER("side"));
    assert_follows(f, row);
}

static void test_deploy_recreates_who_names_the_container_by_id(void **state)
{
    static const struct follower rows[] = {
        {"network_mode: service:app", "\"NetworkMode\":\"container:", "network"             },
        {"ipc: service:app",          "\"IpcMode\":\"container:",     "ipc"                 },
        {"pid: service:app",          "\"PidMode\":\"container:",     "pid"                 },
        {"volumes_from: [app]",       "\"VolumesFrom\":[\"",          "volumes"             },
        {"volumes_from: ['app:ro']",  "\"VolumesFrom\":[\"",          "volumes, with a mode"},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        AUTO_FREE char *compose =
            xasprintf(FIX_COMPOSE SERVICE("side") "    %s\n", rows[i].attribute);
        struct deploy_fixture *f = deploy_fixture_new(FIX_PLAN, compose);
        add_bad(f);
        follow_through(f, &rows[i]);
        deploy_fixture_free(f);
    }
}

/* tail follows side follows app. */
static void test_deploy_recreates_followers_of_followers(void **state)
{
    struct deploy_fixture *f = deploy_fixture_new(
        FIX_PLAN, FIX_COMPOSE SERVICE("side") "    network_mode: service:app\n" SERVICE(
                      "tail") "    pid: service:side\n");

    (void)state;
    add_bad(f);
    deployed(f);
    assert_status(f, deploy_fixture_deploy(f, "v2"), 0);
    assert_host(f, APP_NEW HELPER("side") HELPER("tail"));
    AUTO_FREE char *side = id_of(f, "shop-side-1");
    AUTO_FREE char *want = xasprintf("container:%s", side);
    assert_text_at(f, "shop-tail-1", "HostConfig.PidMode", want);
    assert_status(f, deploy_fixture_deploy(f, "bad"), 20);
    assert_host(f, APP_NEW HELPER("side") HELPER("tail"));
    assert_text_at(f, "shop-side-1", "Id", side);
    assert_text_at(f, "shop-tail-1", "HostConfig.PidMode", want);
    assert_status(f, rollback(f), 0);
    assert_host(f, APP_OLD HELPER("side") HELPER("tail"));
    deploy_fixture_free(f);
}

/* ---- restart: true ---- */

/* Who is started again by a deployment of v2. */
static void test_deploy_restarts_dependents_as_compose_does(void **state)
{
    static const struct {
        const char *services;
        const char *restarted, *left; /* a container each, or NULL */
        const char *why;
    } rows[] = {
        {SERVICE("one") "    depends_on: {app: {condition: service_started, restart: true}}\n",
         "shop-one-1",                                                                                             NULL,         "asked for"                                          },
        {SERVICE("one") "    depends_on: [app]\n",                                                   NULL,         "shop-one-1", "not asked for"                                      },
        {SERVICE("one") "    links: [app]\n",                                                        "shop-one-1", NULL,         "links imply it"                                     },
        {SERVICE("one") "    links: ['app:backend']\n",                                              "shop-one-1", NULL,         "link with an alias"                                 },
        {SERVICE("one") "    depends_on: {app: {condition: service_started, restart: "
                        "true}}\n" SERVICE("two") "    depends_on: {one: {condition: "
                                                  "service_started, restart: true}}\n",     "shop-one-1", "shop-two-1", "a restart restarts nobody: only a replaced one does"},
        {SERVICE("one") "    network_mode: service:app\n" SERVICE(
             "two") "    depends_on: {one: {condition: service_started, restart: true}}\n",
         "shop-two-1",                                                                                             NULL,         "of a service that is recreated with the app"        },
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        AUTO_FREE char *compose = xasprintf(FIX_COMPOSE "%s", rows[i].services);
        struct deploy_fixture *f = deploy_fixture_new(FIX_PLAN, compose);
        const char *watched = rows[i].restarted ? rows[i].restarted : rows[i].left;
        deployed(f);
        AUTO_FREE char *id = id_of(f, watched);
        AUTO_FREE char *before = text_at(f, watched, "State.StartedAt");
        AUTO_FREE char *left = rows[i].left ? text_at(f, rows[i].left, "State.StartedAt") : NULL;
        assert_status(f, deploy_fixture_deploy(f, "v2"), 0);
        AUTO_FREE char *after = text_at(f, watched, "State.StartedAt");
        assert_text_at(f, watched, "Id", id);
        row_check(str_eq(before, after) == !rows[i].restarted, rows[i].why);
        if (left)
            assert_text_at(f, rows[i].left, "State.StartedAt", left);
        deploy_fixture_free(f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_deploy_recreates_who_names_the_container_by_id),
        cmocka_unit_test(test_deploy_recreates_followers_of_followers),
        cmocka_unit_test(test_deploy_restarts_dependents_as_compose_does),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
