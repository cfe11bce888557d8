/* Status on a real ledger and a runtime without an engine: verdicts, drift, deadlines. */
#include <stdlib.h>

#include "shipctl/status.h"

#include "base/json.h"
#include "support/project_fixture.h"
#include "unit/assert.h"

static struct ship_status look(struct project *p)
{
    struct ship_status st = {0};

    (void)ship_status(p->s, &st, &p->err);
    assert_int_equal(p->err.code, SHIP_OK);
    return st;
}

static const struct ship_drift *find_drift(const struct ship_status *st, const char *kind)
{
    for (size_t i = 0; i < st->n_drift; i++)
        if (strcmp(st->drift[i].kind, kind) == 0)
            return &st->drift[i];
    return NULL;
}

static struct project *deployed(void)
{
    struct project *p = project_new(PROJECT_PLAN, PROJECT_COMPOSE);

    project_deploy(p, &(struct project_version){.version = "v1"});
    return p;
}

static struct project *running(void)
{
    struct project *p = deployed();

    project_container(p, "app", "shop-app-1", "v1");
    project_container(p, "db", "shop-db-1", "14");
    return p;
}

/* ---- verdicts ---- */

static void test_status_without_ledger_is_never_deployed(void **state)
{
    (void)state;
    struct project *p = project_new(PROJECT_PLAN, PROJECT_COMPOSE);
    struct ship_status st = look(p);

    assert_int_equal(st.exit_code, 4);
    assert_int_equal(st.deployment, 0);
    assert_int_equal(st.n_services, 2);
    assert_string_equal(st.services[0].state, "missing");
    assert_null(find_drift(&st, "missing"));
    ship_status_done(&st);
    project_free(p);
}

static const struct {
    const char *why;
    enum container_state state;
    enum container_health health;
    int64_t started_ago_ms, restarts;
    int exit_code;
} verdicts[] = {
    {"runs, no health check",               CONTAINER_RUNNING,    HEALTH_NONE,      60000, 0, 0},
    {"healthy",                             CONTAINER_RUNNING,    HEALTH_HEALTHY,   60000, 0, 0},
    {"unhealthy",                           CONTAINER_RUNNING,    HEALTH_UNHEALTHY, 60000, 0, 3},
    {"restarting",                          CONTAINER_RESTARTING, HEALTH_NONE,      60000, 3, 3},
    {"exited",                              CONTAINER_EXITED,     HEALTH_NONE,      60000, 0, 3},
    {"paused",                              CONTAINER_PAUSED,     HEALTH_NONE,      60000, 0, 3},
    {"starting, proven by the deployment",  CONTAINER_RUNNING,    HEALTH_STARTING,  60000, 0, 0},
    {"starting again after the deployment", CONTAINER_RUNNING,    HEALTH_STARTING,  -5000, 0, 3},
    {"starting after a restart of its own", CONTAINER_RUNNING,    HEALTH_STARTING,  60000, 1, 3},
};

static void test_status_by_container_state_gives_exit_status(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(verdicts); i++) {
        struct project *p = deployed();
        struct project_container *c = project_container(p, "app", "shop-app-1", "v1");

        c->fake->state = verdicts[i].state;
        c->fake->health = verdicts[i].health;
        c->fake->restart_count = verdicts[i].restarts;
        c->started_at_ms = clock_epoch_ms(&p->clock.clock) - verdicts[i].started_ago_ms;
        struct ship_status st = look(p);
        row_check(st.exit_code == verdicts[i].exit_code, verdicts[i].why);
        row_check(st.healthy == (verdicts[i].exit_code == 0), verdicts[i].why);
        ship_status_done(&st);
        project_free(p);
    }
}

static void test_status_of_running_version_tells_all_of_it(void **state)
{
    (void)state;
    struct project *p = running();
    struct ship_status st = look(p);

    assert_int_equal(st.exit_code, 0);
    assert_string_equal(st.version, "v1");
    assert_string_equal(st.actor, "wei");
    assert_int_equal(st.n_services, 2);
    assert_int_equal(st.n_drift, 0);
    const struct ship_status_service *app = &st.services[0];
    assert_string_equal(app->service, "app");
    assert_string_equal(app->version, "v1");
    AUTO_FREE char *digest = project_digest("v1");
    assert_string_equal(app->digest, digest);
    assert_true(app->deployed);
    assert_false(st.services[1].deployed);
    assert_int_equal(app->memory_bytes, 1 << 20);
    assert_true(app->cpu_pct >= 0);
    assert_null(st.operation.action);
    ship_status_done(&st);
    project_free(p);
}

static void test_status_missing_replica_is_unhealthy(void **state)
{
    (void)state;
    struct project *p = deployed();
    struct ship_status st;

    project_write(p, "docker-compose.yml",
                  "name: shop\nservices:\n  app:\n    image: " PROJECT_REPOSITORY
                  ":v1\n    deploy: {replicas: 2}\n");
    project_container(p, "app", "shop-app-1", "v1");
    st = look(p);
    assert_int_equal(st.exit_code, 3);
    ship_status_done(&st);
    project_free(p);
}

/* ---- engine and files in trouble ---- */

static const struct {
    const char *why, *op;
    enum ship_code code;
} troubles[] = {
    {"socket missing",         "list",    SHIP_UNREACHABLE},
    {"engine hangs",           "list",    SHIP_TIMEOUT    },
    {"engine dies in between", "inspect", SHIP_UNREACHABLE},
};

static void test_status_without_engine_answers_from_the_ledger(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(troubles); i++) {
        struct project *p = running();

        fake_fail(&p->fake, troubles[i].op, troubles[i].code, "no answer");
        struct ship_status st = look(p);
        row_check(st.exit_code == 11, troubles[i].why);
        row_check(st.engine_error && strstr(st.engine_error, "no answer"), troubles[i].why);
        row_check(st.version && strcmp(st.version, "v1") == 0, troubles[i].why);
        row_check(st.n_services == 1 && strcmp(st.services[0].state, "unknown") == 0,
                  troubles[i].why);
        row_check(!st.healthy, troubles[i].why);
        ship_status_done(&st);
        project_free(p);
    }
}

static void test_status_statistics_fail_shows_unknown(void **state)
{
    (void)state;
    struct project *p = running();

    fake_fail(&p->fake, "stats", SHIP_TIMEOUT, "slow");
    struct ship_status st = look(p);
    assert_int_equal(st.exit_code, 0);
    assert_int_equal(st.services[0].memory_bytes, -1);
    assert_true(st.services[0].cpu_pct < 0);
    ship_status_done(&st);
    project_free(p);
}

static void test_status_broken_compose_file_is_drift(void **state)
{
    (void)state;
    struct project *p = running();

    project_write(p, "docker-compose.yml", "services: [\n");
    struct ship_status st = look(p);
    assert_int_equal(st.exit_code, 0);
    assert_non_null(find_drift(&st, "config"));
    ship_status_done(&st);
    project_free(p);
}

static void test_status_invalid_plan_fails(void **state)
{
    (void)state;
    struct project *p = project_new("version: 1\nimagee: x\n", PROJECT_COMPOSE);
    struct ship_status st;

    assert_int_equal(ship_status(p->s, &st, &p->err), 10);
    assert_int_equal(p->err.code, SHIP_INVALID);
    ship_status_done(&st);
    project_free(p);
}

/* ---- drift ---- */

static void other_version(struct project *p)
{
    struct project_container *c = project_container(p, "app", "shop-app-1", "v0");
    (void)c;
}
static void same_tag_other_image(struct project *p)
{
    struct project_container *c = project_container(p, "app", "shop-app-1", "v1");
    free(c->image_id);
    c->image_id = xstrdup("sha256:id-other");
}
static void file_moved_on(struct project *p)
{
    project_container(p, "app", "shop-app-1", "v1");
    project_write(p, ".env", "APP_VERSION=v2\n");
}
static void stopped(struct project *p)
{
    project_container(p, "app", "shop-app-1", "v1")->fake->state = CONTAINER_EXITED;
}
static void leftover(struct project *p)
{
    project_container(p, "app", "shop-app-1", "v1");
    project_container(p, "app", "shop-app-1.shipctl-parked-7", "v0")->fake->state =
        CONTAINER_EXITED;
}
static void orphan(struct project *p)
{
    project_container(p, "app", "shop-app-1", "v1");
    project_container(p, "old", "shop-old-1", "v0");
}
static void half_finished(struct project *p)
{
    project_container(p, "app", "0123456789ab_shop-app-1", "v1");
}
static void no_database(struct project *p)
{
    project_container(p, "app", "shop-app-1", "v1");
}
static void config_changed(struct project *p)
{
    struct project_container *c = project_container(p, "app", "shop-app-1", "v1");
    free(c->labels);
    c->labels = xstrdup("{\"com.docker.compose.service\":\"app\","
                        "\"com.docker.compose.config-hash\":\"0000\"}");
    c->fake->labels = c->labels;
}

static const struct {
    const char *why, *kind, *service, *text, *hint;
    void (*arrange)(struct project *p);
} drifts[] = {
    {"another version than recorded",           "version",       "app", "runs v0, the ledger says v1",
     "shipctl deploy v1",                                                                                                            other_version },
    {"tag moved under our feet",                "image",         "app", "another image",                  "shipctl deploy v1",
     same_tag_other_image                                                                                                                          },
    {"file asks for another version",           "version",       "app", "compose file reads v2, v1 runs",
     "shipctl deploy v1",                                                                                                            file_moved_on },
    {"container ended",                         "stopped",       "app", "exit code 0",                    "shipctl deploy v1",       stopped       },
    {"parked container left behind",            "extra",         "app", "left behind",                    "deployment",              leftover      },
    {"service nobody declares",                 "orphan",        "old", "no active service",              "docker rm",               orphan        },
    {"replacement that Compose did not rename", "half-finished", "app", "did not rename",
     "repairs it",                                                                                                                   half_finished },
    {"dependency without container",            "missing",       "db",  "no container",                   "docker compose up -d db",
     no_database                                                                                                                                   },
    {"compose file edited",                     "config",        "app", "has changed",                    "shipctl deploy v1",       config_changed},
};

static void test_status_drift_has_kind_text_and_next_command(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(drifts); i++) {
        struct project *p = deployed();

        drifts[i].arrange(p);
        struct ship_status st = look(p);
        const struct ship_drift *d = find_drift(&st, drifts[i].kind);
        row_check(d && strcmp(d->service, drifts[i].service) == 0, drifts[i].why);
        row_check(d && strstr(d->text, drifts[i].text) != NULL, drifts[i].why);
        row_check(d && d->hint && strstr(d->hint, drifts[i].hint) != NULL, drifts[i].why);
        ship_status_done(&st);
        project_free(p);
    }
}

/* `docker compose up` died before it gave the replacement its name: it serves all the same. */
static void test_status_of_a_lone_temporary_container_shows_it(void **state)
{
    (void)state;
    struct project *p = deployed();

    half_finished(p);
    struct ship_status st = look(p);
    assert_int_equal(st.exit_code, 0);
    assert_string_equal(st.services[0].container, "0123456789ab_shop-app-1");
    assert_string_equal(st.services[0].state, "running");
    assert_string_equal(st.services[0].version, "v1");
    assert_string_equal(find_drift(&st, "missing")->service, "db");
    ship_status_done(&st);
    project_free(p);
}

/* Next to the one that has the name it is only a leftover. */
static void test_status_of_a_second_temporary_container_shows_the_named_one(void **state)
{
    (void)state;
    struct project *p = running();

    half_finished(p);
    struct ship_status st = look(p);
    assert_int_equal(st.n_services, 2);
    assert_string_equal(st.services[0].container, "shop-app-1");
    assert_string_equal(find_drift(&st, "half-finished")->service, "app");
    ship_status_done(&st);
    project_free(p);
}

static void test_status_restart_policy_differs_is_drift(void **state)
{
    (void)state;
    struct project *p = project_new(PROJECT_PLAN, PROJECT_COMPOSE);

    project_deploy(p, &(struct project_version){
                          .version = "v1",
                          .spec = "{\"replicas\":[{\"number\":1,\"name\":\"shop-app-1\",\"body\":"
                                  "{\"HostConfig\":{\"RestartPolicy\":{\"Name\":\"always\"}}}}]}"});
    project_container(p, "app", "shop-app-1", "v1")->policy = "unless-stopped";
    struct ship_status st = look(p);
    const struct ship_drift *d = find_drift(&st, "restart-policy");
    assert_non_null(d);
    assert_string_equal(d->hint, "docker update --restart=always shop-app-1");
    ship_status_done(&st);
    project_free(p);
}

static void test_status_one_shot_that_ended_well_is_no_drift(void **state)
{
    (void)state;
    struct project *p = deployed();

    project_container(p, "app", "shop-app-1", "v1");
    struct project_container *db = project_container(p, "db", "shop-db-1", "14");
    db->fake->state = CONTAINER_EXITED;
    db->policy = "no";
    struct ship_status st = look(p);
    assert_null(find_drift(&st, "stopped"));
    db->fake->exit_code = 1;
    ship_status_done(&st);
    st = look(p);
    assert_non_null(find_drift(&st, "stopped"));
    ship_status_done(&st);
    project_free(p);
}

/* ---- operation, previous ---- */

static void test_status_open_row_without_lock_is_interrupted(void **state)
{
    (void)state;
    struct project *p = running();
    int64_t id = project_deploy(p, &(struct project_version){.version = "v2", .is_open = true});

    struct ship_status st = look(p);
    assert_string_equal(st.operation.action, "deploy");
    assert_string_equal(st.operation.version, "v2");
    assert_int_equal(st.operation.deployment, id);
    assert_int_equal(st.operation.pid, 0);
    ship_status_done(&st);
    project_free(p);
}

static void test_status_previous_is_newest_other_target(void **state)
{
    (void)state;
    struct project *p = project_new(PROJECT_PLAN, PROJECT_COMPOSE);

    int64_t first = project_deploy(p, &(struct project_version){.version = "v0"});
    project_deploy(p, &(struct project_version){.version = "v1"});
    project_deploy(p, &(struct project_version){.version = "v1"});
    project_fail(p, &(struct project_version){.version = "v9"});
    struct ship_status st = look(p);
    assert_string_equal(st.previous.version, "v0");
    assert_int_equal(st.previous.deployment, first);
    assert_false(st.previous.image_is_local);
    ship_status_done(&st);
    project_image(p, "v0", PROJECT_REPOSITORY ":v0", NULL);
    st = look(p);
    assert_true(st.previous.image_is_local);
    ship_status_done(&st);
    project_free(p);
}

static void test_status_previous_after_rollback_goes_further_back(void **state)
{
    (void)state;
    struct project *p = project_new(PROJECT_PLAN, PROJECT_COMPOSE);

    project_deploy(p, &(struct project_version){.version = "v1"});
    int64_t second = project_deploy(p, &(struct project_version){.version = "v2"});
    project_deploy(p, &(struct project_version){.version = "v3"});
    project_deploy(p, &(struct project_version){.version = "v2", .target_id = second});
    struct ship_status st = look(p);
    assert_string_equal(st.previous.version, "v1");
    ship_status_done(&st);
    project_free(p);
}

/* ---- waiting ---- */

static void test_status_wait_until_deadline_returns_last_look(void **state)
{
    (void)state;
    struct project *p = deployed();
    struct ship_status st;

    project_container(p, "app", "shop-app-1", "v1")->fake->health = HEALTH_UNHEALTHY;
    assert_int_equal(ship_status_wait(p->s, 5000, &st, &p->err), 3);
    assert_true(p->clock.slept_ms >= 5000 && p->clock.slept_ms < 7000);
    ship_status_done(&st);
    project_free(p);
}

static int becomes_healthy(struct runtime *rt, const char *const *ids, size_t n,
                           struct engine_event *ret, int64_t deadline_ms, struct ship_error *err)
{
    struct project *p = (struct project *)rt;

    (void)ret;
    (void)deadline_ms;
    (void)err;
    assert_int_equal(n, 1);
    assert_string_equal(ids[0], p->containers[0].fake->id);
    p->containers[0].fake->health = HEALTH_HEALTHY;
    return 0;
}

static void test_status_wait_wakes_on_event(void **state)
{
    (void)state;
    struct project *p = deployed();
    struct ship_status st;

    project_container(p, "app", "shop-app-1", "v1")->fake->health = HEALTH_UNHEALTHY;
    p->fake.ops.wait_event = becomes_healthy;
    assert_int_equal(ship_status_wait(p->s, 60000, &st, &p->err), 0);
    assert_int_equal(p->clock.slept_ms, 0);
    ship_status_done(&st);
    project_free(p);
}

static void test_status_wait_stop_signal_ends_it(void **state)
{
    (void)state;
    struct project *p = deployed();
    struct ship_status st;

    p->clock.stop_at_ms = p->clock.now_ms + 1500;
    assert_int_equal(ship_status_wait(p->s, 60000, &st, &p->err), 128 + SIGTERM);
    assert_int_equal(p->err.code, SHIP_INTERRUPTED);
    ship_status_done(&st);
    project_free(p);
}

/* ---- JSON ---- */

static void test_status_json_is_one_object_of_the_contract(void **state)
{
    (void)state;
    static const char *const members[] = {"app",       "environment", "version",  "digest",
                                          "healthy",   "deployed_at", "services", "drift",
                                          "operation", "previous",    "schema",   "exit_code"};
    struct project *p = running();
    struct ship_status st = look(p);
    AUTO_FREE char *text = ship_status_json(&st);
    AUTO_PTR(json_free) struct json *j = json_parse(text, strlen(text), "status", &p->err);
    assert_not_null_ok(j, &p->err);
    for (size_t i = 0; i < ROWS(members); i++)
        row_check(json_get(j, members[i]) != NULL, members[i]);
    assert_true(json_bool(j, "healthy", false));
    assert_int_equal(json_size(json_get(j, "services")), 2);
    assert_true(json_is_null(json_get(j, "operation")));
    ship_status_done(&st);
    project_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_status_without_ledger_is_never_deployed),
        cmocka_unit_test(test_status_by_container_state_gives_exit_status),
        cmocka_unit_test(test_status_of_running_version_tells_all_of_it),
        cmocka_unit_test(test_status_missing_replica_is_unhealthy),
        cmocka_unit_test(test_status_without_engine_answers_from_the_ledger),
        cmocka_unit_test(test_status_statistics_fail_shows_unknown),
        cmocka_unit_test(test_status_broken_compose_file_is_drift),
        cmocka_unit_test(test_status_invalid_plan_fails),
        cmocka_unit_test(test_status_drift_has_kind_text_and_next_command),
        cmocka_unit_test(test_status_of_a_lone_temporary_container_shows_it),
        cmocka_unit_test(test_status_of_a_second_temporary_container_shows_the_named_one),
        cmocka_unit_test(test_status_restart_policy_differs_is_drift),
        cmocka_unit_test(test_status_one_shot_that_ended_well_is_no_drift),
        cmocka_unit_test(test_status_open_row_without_lock_is_interrupted),
        cmocka_unit_test(test_status_previous_is_newest_other_target),
        cmocka_unit_test(test_status_previous_after_rollback_goes_further_back),
        cmocka_unit_test(test_status_wait_until_deadline_returns_last_look),
        cmocka_unit_test(test_status_wait_wakes_on_event),
        cmocka_unit_test(test_status_wait_stop_signal_ends_it),
        cmocka_unit_test(test_status_json_is_one_object_of_the_contract),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
