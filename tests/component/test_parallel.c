/*
 * Containers of one level are made side by side, on a scripted engine: their requests are on their
 * way together, one that fails takes the others back, and so does a death in the middle.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/deploy_assert.h"

#define SERVICE(n)                                                                                 \
    "  " n ":\n    image: " FIX_WORKER ":v1\n    restart: always\n    volumes: ['" n ":/data']\n"
#define NEEDED                                                                                     \
    "    depends_on: [a1, b1, c1, d1, e1, f1]\n" SERVICE("a1") SERVICE("b1") SERVICE("c1")         \
        SERVICE("d1") SERVICE("e1")                                                                \
            SERVICE("f1") "volumes: {a1: , b1: , c1: , d1: , e1: , f1: }\n"
#define WORKER(n) "shop-" n "-1 running always " FIX_WORKER ":v1\n"
#define ALL                                                                                        \
    WORKER("a1")                                                                                   \
    "shop-app-1 running always " FIX_APP ":v1\n" WORKER("b1") WORKER("c1") WORKER("d1")            \
        WORKER("e1") WORKER("f1")

static struct deploy_fixture *files(void)
{
    return deploy_fixture_files(FIX_PLAN, FIX_COMPOSE NEEDED);
}

/* Rows: calls of the engine that come in sixes, and how many must be there at the same time. */
static void test_deploy_sends_what_is_independent_together(void **state)
{
    static const struct fake_rule rows[] = {
        {.method = "POST", .path = "/volumes/create",    .fault = FAKE_GATHER, .n = 6},
        {.method = "POST", .path = "/containers/create", .fault = FAKE_GATHER, .n = 6},
    };
    struct deploy_fixture *f = files();

    (void)state;
    deploy_fixture_start(f);
    for (size_t i = 0; i < ROWS(rows); i++)
        fake_engine_script(f->engine, &rows[i]);
    deployed(f);
    assert_host(f, ALL);
    assert_ledger(f, "v1");
    deploy_fixture_free(f);
}

/* ---- a first deployment ---- */

/* Nth from 0 start of a container, its name; the engine's order. Heap. */
static char *nth_start(struct deploy_fixture *f, size_t nth)
{
    for (size_t i = 0; i < fake_engine_calls(f->engine); i++) {
        const struct fake_call *call = fake_engine_call(f->engine, i);
        const char *end = strstr(call->path, "/start");
        if (!str_eq(call->method, "POST") || !end || nth-- > 0)
            continue;
        AUTO_FREE char *id = xstrndup(call->path + strlen("/containers/"),
                                      (size_t)(end - call->path) - strlen("/containers/"));
        return text_at(f, id, "Name");
    }
    return xstrdup("");
}

/* In a chain of order alone nothing waits for anything but the start before it. */
static void test_deploy_starts_a_chain_in_order(void **state)
{
    struct deploy_fixture *f = deploy_fixture_files(
        FIX_PLAN, FIX_COMPOSE SERVICE("z1") "    depends_on: [y1]\n" SERVICE(
                      "y1") "    depends_on: [x1]\n" SERVICE("x1") "volumes: {x1: , y1: , z1: }\n");
    static const char *const order[] = {"/shop-x1-1", "/shop-y1-1", "/shop-z1-1"};
    size_t next = 0;

    (void)state;
    deploy_fixture_start(f);
    deployed(f);
    for (size_t i = 0; i < 4; i++) {
        AUTO_FREE char *name = nth_start(f, i);
        next += next < ROWS(order) && str_eq(name, order[next]);
    }
    assert_int_equal(next, ROWS(order));
    deploy_fixture_free(f);
}

/* The proxy beside the app starts with it; what waits for the app's health comes after the proof,
 * and a second deployment starts neither. */
static void test_first_deploy_starts_what_does_not_wait_with_the_app(void **state)
{
    static const char *const compose = FIX_COMPOSE SERVICE("late") "    depends_on: {app: "
                                                                   "{condition: service_healthy}}"
                                                                   "\n" SERVICE("beside");
    AUTO_FREE char *text = xasprintf("%svolumes: {late: , beside: }\n", compose);
    struct deploy_fixture *f = deploy_fixture_files(FIX_PLAN, text);
    struct fake_rule no_more = {.method = "POST",
                                .path = "/containers/create",
                                .nth = 3,
                                .fault = FAKE_ANSWER,
                                .status = 500,
                                .body = "{\"message\":\"scripted refusal\"}"};

    (void)state;
    deploy_fixture_start(f);
    fake_engine_script(f->engine, &no_more);
    assert_status(f, deploy_fixture_deploy(f, "v1"), 31);
    assert_contains(f->res.error.msg, "service 'late'");
    assert_host(f, WORKER("beside"));
    fake_engine_unscript(f->engine);
    deployed(f);
    assert_host(f, "shop-app-1 running always " FIX_APP ":v1\n" WORKER("beside") WORKER("late"));
    deploy_fixture_free(f);
}

/* ---- failures ---- */

/* Rows: a call of one of six that is refused. */
static void test_deploy_takes_back_what_was_made_beside_a_failure(void **state)
{
    static const struct {
        struct fake_rule rule;
        const char *message, *why;
    } rows[] = {
        {{.method = "POST", .path = "/containers/create", .nth = 3}, "service '", "create"},
        {{.method = "POST", .path = "/containers/", .nth = 9},       "service '", "start" },
        {{.method = "POST", .path = "/volumes/create", .nth = 3},    "volume '",  "volume"},
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct deploy_fixture *f = files();
        struct fake_rule rule = rows[i].rule;

        deploy_fixture_start(f);
        rule.fault = FAKE_ANSWER;
        rule.status = 500;
        rule.body = "{\"message\":\"scripted refusal\"}";
        fake_engine_script(f->engine, &rule);
        assert_status(f, deploy_fixture_deploy(f, "v1"), 15);
        assert_contains(f->res.error.msg, rows[i].message);
        assert_contains(f->res.error.msg, "scripted refusal");
        fake_engine_unscript(f->engine);
        assert_string_equal(deploy_fixture_open(f), "");
        deployed(f);
        assert_host(f, ALL);
        deploy_fixture_free(f);
    }
}

/* ---- death ---- */

/* Forked while its parent has no threads; deploys when it is told where the engine is. */
static pid_t fork_victim(struct deploy_fixture *f, const char *version, int *ret_go)
{
    int go[2];
    char host[200] = "";

    assert_int_equal(pipe2(go, O_CLOEXEC), 0);
    pid_t pid = fork();
    if (pid != 0) {
        (void)close(go[0]);
        *ret_go = go[1];
        return pid;
    }
    (void)close(go[1]);
    if (read(go[0], host, sizeof host - 1) <= 0)
        _exit(99);
    deploy_fixture_join(f, host);
    _exit(deploy_fixture_deploy(f, version));
}

/* It meets its death at a call. */
static void let_die(struct deploy_fixture *f, pid_t victim, int go, struct fake_rule rule)
{
    int how;

    rule.n = (size_t)victim;
    fake_engine_script(f->engine, &rule);
    const char *host = f->environ.v[0] + strlen("DOCKER_HOST=");
    assert_true(write(go, host, strlen(host)) > 0);
    (void)close(go);
    assert_int_equal(waitpid(victim, &how, 0), victim);
    assert_true(WIFSIGNALED(how));
    fake_engine_unscript(f->engine);
}

static void kill_at(const struct fake_rule *where)
{
    struct deploy_fixture *f = files();
    int go;
    pid_t victim = fork_victim(f, "v1", &go);

    deploy_fixture_start(f);
    let_die(f, victim, go, *where);
    assert_status(f, deploy_fixture_recover(f), 0);
    assert_string_equal(deploy_fixture_open(f), "");
    deployed(f);
    assert_host(f, ALL);
    assert_ledger(f, "v1");
    deploy_fixture_free(f);
}

static void test_recover_takes_back_a_batch_that_was_cut_off(void **state)
{
    static const struct fake_rule rows[] = {
        {.method = "POST", .path = "/volumes/create",    .nth = 4,  .fault = FAKE_KILL},
        {.method = "POST", .path = "/containers/create", .nth = 1,  .fault = FAKE_KILL},
        {.method = "POST", .path = "/containers/create", .nth = 4,  .fault = FAKE_KILL},
        {.method = "POST", .path = "/containers/",       .nth = 8,  .fault = FAKE_KILL},
        {.method = "POST", .path = "/containers/",       .nth = 11, .fault = FAKE_KILL},
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++)
        kill_at(&rows[i]);
}

/* Rows: what the disk kept of a deployment that died after it had created its container. */
static void test_recover_removes_candidates_that_the_ledger_does_not_know(void **state)
{
    static const char *const rows[] = {
        "DELETE FROM journal WHERE deployment_id = 2",
        "UPDATE deployments SET state = 'abandoned', outcome = 'interrupted' WHERE id = 2",
    };
    const struct fake_rule after_create = {
        .method = "POST", .path = "/containers/create", .nth = 1, .fault = FAKE_KILL_AFTER};

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct deploy_fixture *f = deploy_fixture_files(FIX_PLAN, FIX_COMPOSE);
        int go;
        pid_t victim = fork_victim(f, "v2", &go);
        deploy_fixture_start(f);
        deployed(f);
        let_die(f, victim, go, after_create);
        assert_host(f, "shop-app-1 running always " FIX_APP ":v1\n"
                       "shop-app-1.shipctl-candidate-2 created always " FIX_APP ":v2\n");
        deploy_fixture_sql(f, rows[i]);
        assert_status(f, deploy_fixture_recover(f), 0);
        assert_host(f, "shop-app-1 running always " FIX_APP ":v1\n");
        assert_ledger(f, "v1");
        deploy_fixture_free(f);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_deploy_sends_what_is_independent_together),
        cmocka_unit_test(test_deploy_starts_a_chain_in_order),
        cmocka_unit_test(test_first_deploy_starts_what_does_not_wait_with_the_app),
        cmocka_unit_test(test_deploy_takes_back_what_was_made_beside_a_failure),
        cmocka_unit_test(test_recover_takes_back_a_batch_that_was_cut_off),
        cmocka_unit_test(test_recover_removes_candidates_that_the_ledger_does_not_know),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
