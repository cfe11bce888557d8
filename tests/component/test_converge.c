/*
 * What Compose does around a replaced service, on a scripted engine: who is recreated with it, who
 * is restarted after it, which replicas are added and removed, and what goes back with it.
 */
#include <stdlib.h>
#include <unistd.h>

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

/* The app names the present container of the service (NULL: nothing is asked). */
static void assert_names(struct deploy_fixture *f, const char *before, const char *service,
                         const char *why)
{
    AUTO_FREE char *name = xasprintf("shop-%s-1", service ? service : "app");
    AUTO_FREE char *id = id_of(f, name);
    AUTO_FREE char *want = xasprintf("%s%s\"", before, id);
    AUTO_FREE char *app = fake_engine_inspect(f->engine, "shop-app-1");

    row_check(!service || strstr(app, want), why);
}

static void assert_link(struct deploy_fixture *f)
{
    AUTO_FREE char *app = id_of(f, "shop-app-1");
    AUTO_FREE char *want = xasprintf("\"Links\":[\"%s:backend\"", app);
    AUTO_FREE char *side = fake_engine_inspect(f->engine, "shop-side-1");

    assert_contains(side, want);
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

#define LITERAL                                                                                    \
    "name: shop\nservices:\n  app:\n    image: " FIX_APP                                           \
    ":v1\n    restart: always\n    stop_grace_period: 1s\n"

/* The engine ties a link to a container when it is made; the name is the old one's at that time. */
static void test_deploy_recreates_who_is_linked_on_the_default_bridge(void **state)
{
    static const char *const modes[] = {"bridge", "default"};

    (void)state;
    for (size_t i = 0; i < ROWS(modes); i++) {
        AUTO_FREE char *compose =
            xasprintf(FIX_COMPOSE "    network_mode: %s\n" SERVICE(
                          "side") "    network_mode: %s\n    links: ['app:backend']\n",
                      modes[i], modes[i]);
        struct deploy_fixture *f = deploy_fixture_new(FIX_PLAN, compose);
        add_bad(f);
        deployed(f);
        assert_status(f, deploy_fixture_deploy(f, "v2"), 0);
        assert_host(f, APP_NEW HELPER("side"));
        assert_link(f);
        AUTO_FREE char *side = id_of(f, "shop-side-1");
        assert_status(f, deploy_fixture_deploy(f, "bad"), 20);
        assert_host(f, APP_NEW HELPER("side"));
        assert_text_at(f, "shop-side-1", "Id", side);
        assert_status(f, rollback(f), 0);
        assert_host(f, APP_OLD HELPER("side"));
        assert_link(f);
        deploy_fixture_free(f);
    }
}

/* The recorded version named a container that is gone by now, in its body and in its hash. */
static void test_rollback_of_a_follower_names_the_containers_of_today(void **state)
{
    static const struct {
        const char *compose, *attributes;
        const char *network, *ipc, *volumes; /* whose containers are named, or NULL */
        const char *why;
    } rows[] = {
        {FIX_COMPOSE, "network_mode: service:base",                                 "base", NULL,   NULL,   "network"                 },
        {FIX_COMPOSE, "ipc: service:base",                                          NULL,   "base", NULL,   "ipc"                     },
        {FIX_COMPOSE, "volumes_from: [base]",                                       NULL,   NULL,   "base", "volumes"                 },
        {FIX_COMPOSE, "volumes_from: ['base:ro']",                                  NULL,   NULL,   "base", "volumes, with a mode"    },
        {FIX_COMPOSE, "network_mode: service:base\n    ipc: service:lost",          "base", "lost", NULL,
         "two services"                                                                                                               },
        {FIX_COMPOSE, "network_mode: service:lost\n    volumes_from: [base, lost]", "lost", NULL,
         "base",                                                                                            "a list of two"           },
        {LITERAL,     "network_mode: service:base",                                 "base", NULL,   NULL,   "a tag in the file itself"},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        AUTO_FREE char *compose =
            xasprintf(FIX_COMPOSE "    %s\n" SERVICE("base") SERVICE("lost"), rows[i].attributes);
        struct deploy_fixture *f = deploy_fixture_new(FIX_PLAN, compose);
        deployed(f);
        fake_engine_vanish(f->engine, "shop-base-1");
        fake_engine_vanish(f->engine, "shop-lost-1");
        assert_status(f, deploy_fixture_deploy(f, "v2"), 0);
        assert_status(f, rollback(f), 0);
        assert_names(f, "\"NetworkMode\":\"container:", rows[i].network, rows[i].why);
        assert_names(f, "\"IpcMode\":\"container:", rows[i].ipc, rows[i].why);
        assert_names(f, "\"VolumesFrom\":[\"", rows[i].volumes, rows[i].why);
        assert_status(f, deploy_fixture_deploy(f, "v1"), 0);
        row_check(f->res.outcome == SHIP_OUTCOME_NOOP, rows[i].why);
        deploy_fixture_free(f);
    }
}

/* ---- dependencies ---- */

/* Rows: the app depends on `init`, which ends at once. */
static void test_deploy_after_a_one_shot_dependency(void **state)
{
    static const struct {
        const char *condition;
        int exit_code, status;
        const char *why;
    } rows[] = {
        {"service_completed_successfully", 0, 0,  "it did its work"                    },
        {"service_started",                0, 0,  "it was started, and did its work"   },
        {"service_completed_successfully", 3, 15, "it failed"                          },
        {"service_started",                3, 15, "nobody should build on what crashed"},
        {"service_healthy",                0, 15, "what has ended is not healthy"      },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        AUTO_FREE char *compose =
            xasprintf(FIX_COMPOSE "    depends_on: {init: {condition: %s}}\n  init:\n    image: "
                                  "registry.example.com/init:v1\n",
                      rows[i].condition);
        struct deploy_fixture *f = deploy_fixture_new(FIX_PLAN, compose);
        struct fake_image init = {.repository = "registry.example.com/init",
                                  .tag = "v1",
                                  .exits_after_ms = 1,
                                  .exit_code = rows[i].exit_code};
        struct fake_rule late = {
            .method = "GET", .path = "/containers/", .fault = FAKE_DELAY, .n = 20};
        (void)fake_engine_image(f->engine, &init);
        fake_engine_script(f->engine, &late); /* whoever looks at it finds that it has ended */
        int status = deploy_fixture_deploy(f, "v1");
        if (status == rows[i].status && status == 0) /* by then it has ended long ago */
            status = deploy_fixture_deploy(f, "v2");
        if (status != rows[i].status)
            fail_msg("%s: %d %s", rows[i].why, status, f->res.error.msg);
        deploy_fixture_free(f);
    }
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

/* ---- replicas ---- */

#define REPLICAS(n)     FIX_COMPOSE "    deploy: {replicas: " #n "}\n"
#define REPLICA(n, tag) "shop-app-" #n " running always " FIX_APP ":" tag "\n"

/* v1 with two replicas. */
static struct deploy_fixture *two_replicas(char *ids[2])
{
    struct deploy_fixture *f = deploy_fixture_new(FIX_PLAN, REPLICAS(2));

    add_bad(f);
    deployed(f);
    ids[0] = id_of(f, "shop-app-1");
    ids[1] = id_of(f, "shop-app-2");
    return f;
}

static void end_replicas(struct deploy_fixture *f, char *ids[2])
{
    deploy_fixture_free(f);
    free(ids[0]);
    free(ids[1]);
}

static void assert_kept(struct deploy_fixture *f, char *const ids[2])
{
    assert_text_at(f, "shop-app-1", "Id", ids[0]);
    assert_text_at(f, "shop-app-2", "Id", ids[1]);
}

static void test_deploy_with_more_replicas_of_the_same_version_only_adds(void **state)
{
    char *ids[2];
    struct deploy_fixture *f = two_replicas(ids);

    (void)state;
    deploy_fixture_write(f, "docker-compose.yml", REPLICAS(3));
    assert_status(f, deploy_fixture_deploy(f, "v1"), 0);
    assert_int_equal(f->res.outcome, SHIP_OUTCOME_SUCCEEDED);
    assert_host(f, REPLICA(1, "v1") REPLICA(2, "v1") REPLICA(3, "v1"));
    assert_kept(f, ids);
    assert_ledger(f, "v1");
    assert_status(f, deploy_fixture_deploy(f, "v1"), 0);
    assert_int_equal(f->res.outcome, SHIP_OUTCOME_NOOP);
    /* all three are recorded: a rollback to it brings them all back */
    assert_status(f, deploy_fixture_deploy(f, "v2"), 0);
    assert_host(f, REPLICA(1, "v2") REPLICA(2, "v2") REPLICA(3, "v2"));
    assert_status(f, rollback(f), 0);
    assert_host(f, REPLICA(1, "v1") REPLICA(2, "v1") REPLICA(3, "v1"));
    end_replicas(f, ids);
}

static void test_deploy_with_a_lost_replica_only_adds_that_one(void **state)
{
    char *ids[2];
    struct deploy_fixture *f = two_replicas(ids);

    (void)state;
    fake_engine_vanish(f->engine, "shop-app-1");
    assert_status(f, deploy_fixture_deploy(f, "v1"), 0);
    assert_host(f, REPLICA(1, "v1") REPLICA(2, "v1"));
    assert_text_at(f, "shop-app-2", "Id", ids[1]);
    end_replicas(f, ids);
}

static void test_deploy_whose_added_replica_fails_leaves_the_others(void **state)
{
    char *ids[2];
    struct deploy_fixture *f = two_replicas(ids);

    (void)state;
    deploy_fixture_write(f, "docker-compose.yml", REPLICAS(3));
    fake_engine_break_start(f->engine, FIX_APP, "v1", "no space left on device");
    assert_status(f, deploy_fixture_deploy(f, "v1"), 20);
    assert_host(f, REPLICA(1, "v1") REPLICA(2, "v1"));
    assert_kept(f, ids);
    assert_ledger(f, "v1");
    end_replicas(f, ids);
}

static void test_deploy_forced_with_more_replicas_replaces_all(void **state)
{
    struct ship_deploy_request request = {.version = "v1", .force = true};
    char *ids[2];
    struct deploy_fixture *f = two_replicas(ids);

    (void)state;
    deploy_fixture_write(f, "docker-compose.yml", REPLICAS(3));
    assert_status(f, deploy_fixture_request(f, &request), 0);
    assert_host(f, REPLICA(1, "v1") REPLICA(2, "v1") REPLICA(3, "v1"));
    AUTO_FREE char *first = id_of(f, "shop-app-1");
    assert_string_not_equal(first, ids[0]);
    end_replicas(f, ids);
}

static void test_deploy_with_fewer_replicas_removes_the_surplus_after_the_commit(void **state)
{
    char *ids[2];
    struct deploy_fixture *f = two_replicas(ids);

    (void)state;
    deploy_fixture_write(f, "docker-compose.yml", REPLICAS(1));
    assert_status(f, deploy_fixture_deploy(f, "bad"), 20);
    assert_kept(f, ids); /* nothing goes before something is proven */
    assert_status(f, deploy_fixture_deploy(f, "v1"), 0);
    assert_host(f, REPLICA(1, "v1"));
    assert_text_at(f, "shop-app-1", "Id", ids[0]);
    end_replicas(f, ids);
}

/* A replica is added: who names the first one by its id stays; who follows a new first one goes. */
static void test_deploy_that_adds_replicas_leaves_followers_of_the_first(void **state)
{
    static const char side[] = SERVICE("side") "    network_mode: service:app\n";
    AUTO_FREE char *two = xasprintf(REPLICAS(2) "%s", side);
    AUTO_FREE char *three = xasprintf(REPLICAS(3) "%s", side);
    struct deploy_fixture *f = deploy_fixture_new(FIX_PLAN, two);

    (void)state;
    deployed(f);
    AUTO_FREE char *before = id_of(f, "shop-side-1");
    deploy_fixture_write(f, "docker-compose.yml", three);
    assert_status(f, deploy_fixture_deploy(f, "v1"), 0);
    assert_text_at(f, "shop-side-1", "Id", before);
    fake_engine_vanish(f->engine, "shop-app-1");
    assert_status(f, deploy_fixture_deploy(f, "v1"), 0);
    AUTO_FREE char *app = id_of(f, "shop-app-1");
    AUTO_FREE char *want = xasprintf("container:%s", app);
    assert_text_at(f, "shop-side-1", "HostConfig.NetworkMode", want);
    deploy_fixture_free(f);
}

/* ---- names ---- */

#define NAMED        FIX_COMPOSE "    container_name: web\n"
#define WEB(version) "web running always " FIX_APP ":" version "\n"

/* The file gives the container another name: Compose recreates it under that one. */
static void test_deploy_with_another_container_name_renames_both_ways(void **state)
{
    struct deploy_fixture *f = deploy_fixture_new(FIX_PLAN, FIX_COMPOSE);

    (void)state;
    add_bad(f);
    deployed(f);
    AUTO_FREE char *old = id_of(f, "shop-app-1");
    deploy_fixture_write(f, "docker-compose.yml", NAMED);
    assert_status(f, deploy_fixture_deploy(f, "bad"), 20);
    assert_host(f, APP_OLD);
    assert_text_at(f, "shop-app-1", "Id", old);
    assert_status(f, deploy_fixture_deploy(f, "v2"), 0);
    assert_host(f, WEB("v2"));
    assert_status(f, rollback(f), 0);
    assert_host(f, APP_OLD);
    deploy_fixture_free(f);
}

/* Compose version 1 wrote underscores. */
static void test_deploy_of_what_compose_1_made_gives_it_the_name_of_today(void **state)
{
    struct deploy_fixture *f = deploy_fixture_new(FIX_PLAN, FIX_COMPOSE);

    (void)state;
    add_bad(f);
    deployed(f);
    fake_engine_rename(f->engine, "shop-app-1", "shop_app_1");
    assert_status(f, deploy_fixture_deploy(f, "bad"), 20);
    assert_host(f, "shop_app_1 running always " FIX_APP ":v1\n");
    assert_status(f, deploy_fixture_deploy(f, "v2"), 0);
    assert_host(f, APP_NEW);
    deploy_fixture_free(f);
}

/* Somebody renamed what runs, and it is what a rollback goes back to. */
static void test_rollback_to_a_renamed_container_uses_the_name_of_the_file(void **state)
{
    struct deploy_fixture *f = deploy_fixture_new(FIX_PLAN, FIX_COMPOSE);
    AUTO_FREE char *ledger = xasprintf("%s/ledger.db", f->state);

    (void)state;
    deployed(f);
    fake_engine_rename(f->engine, "shop-app-1", "other-shop-app-1");
    assert_int_equal(unlink(ledger), 0);
    assert_status(f, deploy_fixture_deploy(f, "v2"), 0);
    assert_host(f, APP_NEW);
    assert_status(f, rollback(f), 0);
    assert_host(f, APP_OLD);
    deploy_fixture_free(f);
}

/* The engine was late: it parked the container after the way back had given it its name. */
static void test_recover_gives_what_runs_its_name_back(void **state)
{
    struct deploy_fixture *f = deploy_fixture_new(FIX_PLAN, FIX_COMPOSE);

    (void)state;
    deployed(f);
    fake_engine_rename(f->engine, "shop-app-1", "shop-app-1.shipctl-parked-7");
    assert_status(f, deploy_fixture_recover(f), 0);
    assert_host(f, APP_OLD);
    assert_contains(f->messages.text.p, "its name 'shop-app-1' back");
    assert_status(f, deploy_fixture_recover(f), 0);
    assert_host(f, APP_OLD);
    deploy_fixture_free(f);
}

/* ---- the preview ---- */

/* Actions on containers, a line each; heap. */
static char *preview(struct deploy_fixture *f)
{
    const struct ship_preview *p = f->res.preview;
    AUTO(buf_done) struct buf text = BUF_INIT(64 * 1024);

    for (size_t i = 0; p && i < p->n_actions; i++)
        if (str_starts(p->actions[i].object, "container "))
            (void)buf_addf(&text, "%s %s\n", p->actions[i].verb,
                           p->actions[i].object + strlen("container "));
    return buf_steal(&text);
}

static void assert_preview(struct deploy_fixture *f, const char *version, const char *want)
{
    struct ship_deploy_request request = {.version = version, .dry_run = true, .exit_code = true};

    assert_status(f, deploy_fixture_request(f, &request), 100);
    assert_int_equal(deploy_fixture_changes(f), 0);
    AUTO_FREE char *have = preview(f);
    assert_string_equal(have, want);
}

static void test_preview_lists_followers_and_restarts_in_order(void **state)
{
    struct deploy_fixture *f = deploy_fixture_new(
        FIX_PLAN, FIX_COMPOSE SERVICE("side") "    network_mode: service:app\n" SERVICE(
                      "tail") "    pid: service:side\n" SERVICE("proxy") "    links: [app]\n");
    struct ship_rollback_request back = {.dry_run = true, .exit_code = true};
    static const char want[] = "create shop-app-1\n"
                               "create shop-side-1\n"
                               "create shop-tail-1\n"
                               "stop shop-tail-1\nrename shop-tail-1\n"
                               "stop shop-side-1\nrename shop-side-1\n"
                               "stop shop-app-1\nrename shop-app-1\n"
                               "start shop-app-1\nstart shop-side-1\nstart shop-tail-1\n"
                               "restart shop-proxy-1\n"
                               "remove shop-app-1\nremove shop-side-1\nremove shop-tail-1\n";

    (void)state;
    deployed(f);
    assert_preview(f, "v2", want);
    assert_status(f, deploy_fixture_deploy(f, "v2"), 0);
    assert_status(f, deploy_fixture_rollback(f, &back), 100);
    AUTO_FREE char *have = preview(f);
    assert_string_equal(have, want);
    deploy_fixture_free(f);
}

static void test_preview_lists_only_the_replicas_that_change(void **state)
{
    char *ids[2];
    struct deploy_fixture *f = two_replicas(ids);

    (void)state;
    deploy_fixture_write(f, "docker-compose.yml", REPLICAS(3));
    assert_preview(f, "v1", "create shop-app-3\nstart shop-app-3\n");
    deploy_fixture_write(f, "docker-compose.yml", REPLICAS(1));
    assert_preview(f, "v1", "remove shop-app-2\n");
    assert_preview(f, "v2",
                   "create shop-app-1\nstop shop-app-1\nrename shop-app-1\nstart shop-app-1\n"
                   "remove shop-app-1\nremove shop-app-2\n");
    end_replicas(f, ids);
}

static void test_preview_lists_the_repair_of_a_name(void **state)
{
    struct deploy_fixture *f = deploy_fixture_new(FIX_PLAN, FIX_COMPOSE);

    (void)state;
    deployed(f);
    fake_engine_rename(f->engine, "shop-app-1", "0123456789ab_shop-app-1");
    assert_preview(f, "v1", "rename 0123456789ab_shop-app-1\n");
    assert_status(f, deploy_fixture_deploy(f, "v1"), 0);
    assert_host(f, APP_OLD);
    deploy_fixture_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_deploy_recreates_who_names_the_container_by_id),
        cmocka_unit_test(test_deploy_recreates_followers_of_followers),
        cmocka_unit_test(test_deploy_after_a_one_shot_dependency),
        cmocka_unit_test(test_deploy_recreates_who_is_linked_on_the_default_bridge),
        cmocka_unit_test(test_rollback_of_a_follower_names_the_containers_of_today),
        cmocka_unit_test(test_deploy_restarts_dependents_as_compose_does),
        cmocka_unit_test(test_deploy_with_more_replicas_of_the_same_version_only_adds),
        cmocka_unit_test(test_deploy_with_a_lost_replica_only_adds_that_one),
        cmocka_unit_test(test_deploy_whose_added_replica_fails_leaves_the_others),
        cmocka_unit_test(test_deploy_forced_with_more_replicas_replaces_all),
        cmocka_unit_test(test_deploy_with_fewer_replicas_removes_the_surplus_after_the_commit),
        cmocka_unit_test(test_deploy_that_adds_replicas_leaves_followers_of_the_first),
        cmocka_unit_test(test_deploy_with_another_container_name_renames_both_ways),
        cmocka_unit_test(test_rollback_to_a_renamed_container_uses_the_name_of_the_file),
        cmocka_unit_test(test_recover_gives_what_runs_its_name_back),
        cmocka_unit_test(test_deploy_of_what_compose_1_made_gives_it_the_name_of_today),
        cmocka_unit_test(test_preview_lists_followers_and_restarts_in_order),
        cmocka_unit_test(test_preview_lists_only_the_replicas_that_change),
        cmocka_unit_test(test_preview_lists_the_repair_of_a_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
