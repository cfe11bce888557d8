/*
 * The fault sweep: one deployment that needs N calls of the engine is run again and again, and each
 * time another call goes wrong, or the deploying process is killed at it. Whatever happens, what
 * serves afterwards is entirely the old version or entirely the new one, the exit status says
 * which, and at most one further command leaves nothing behind.
 *
 * Each case is a process of its own, with its own engine; many run at a time because most of them
 * only wait. By default a sample of the calls is taken; SHIPCTL_TEST_FULL=1 takes them all.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "support/cases.h"
#include "support/deploy_fixture.h"
#include "support/results.h"
#include "unit/assert.h"

#define OLD_SERVES  "shop-app-1 running always " FIX_APP ":v1\n"
#define NEW_SERVES  "shop-app-1 running always " FIX_APP ":v2\n"
#define CALLS_MAX   128
#define CASES_MAX   4096
#define WORKERS     16
#define TABLE_MAX   (64u * 1024)
#define CASE_S      150
#define SAMPLE      8 /* every eighth of the calls that only read */
#define GUARDIAN_MS 30000
#define GONE_MS     2500
/* An engine that is gone after the switch is waited for as long as the operation may take. */
#define PLAN FIX_PLAN "timeouts: {total: 60s, rollback: 6s}\n"

/* ---- what goes wrong ---- */

enum who { NOBODY, VICTIM, GUARDED_VICTIM };

struct kind {
    const char *name;
    struct fake_rule rule;
    enum who dies;
    int64_t gone_ms; /* the engine comes back after this long; 0 = after the command */
};

static const struct kind kinds[] = {
    {"http 500",
     {.fault = FAKE_ANSWER, .status = 500, .body = "{\"message\":\"scripted\"}"},
     NOBODY,                                                                                                     0      },
    {"closed before",       {.fault = FAKE_CLOSE_BEFORE},                                        NOBODY,         0      },
    {"first byte only",     {.fault = FAKE_CUT, .n = 1},                                         NOBODY,         0      },
    {"garbage",             {.fault = FAKE_RAW, .body = "\x16\x03garbage"},                      NOBODY,         0      },
    {"done, no answer",     {.fault = FAKE_CLOSE_AFTER},                                         NOBODY,         0      },
    {"gone for a while",    {.fault = FAKE_CLOSE_BEFORE, .onward = true},                        NOBODY,         GONE_MS},
    {"gone",                {.fault = FAKE_CLOSE_BEFORE, .onward = true},                        NOBODY,         0      },
    {"all refused",         {.fault = FAKE_ANSWER, .status = 500, .body = "{}", .onward = true}, NOBODY,         0      },
    {"Ctrl-C",              {.fault = FAKE_KILL, .status = SIGINT},                              VICTIM,         0      },
    {"killed at call",      {.fault = FAKE_KILL},                                                VICTIM,         0      },
    {"killed after answer", {.fault = FAKE_KILL_AFTER},                                          VICTIM,         0      },
    {"killed, guardian",    {.fault = FAKE_KILL},                                                GUARDED_VICTIM, 0      },
};

/* ---- what came of it ---- */

enum verdict { NOT_RUN, HOLDS, BROKEN };

/* What is swept: a deployment that succeeds, one that rolls back, one with more around it. */
struct story {
    const char *name, *version;
    int status;
    const char *compose;   /* NULL: FIX_COMPOSE */
    const char *then;      /* the compose file of the swept deployment; NULL: the same */
    const char *old, *new; /* what is on the engine before and after; NULL: one container */
    const char *old_line, *new_line; /* the line that tells which; NULL: OLD_, NEW_SERVES */
    const char *follower;            /* a container that must be in the network of the app's */
    bool only_deaths;                /* no faults, only a process that is killed */
    size_t n_calls;
    bool changes[CALLS_MAX];
    char paths[CALLS_MAX][80];
};

struct outcome {
    struct story *story;
    size_t kind, call;
    int verdict;
    int status;     /* of the command; -SIGKILL when it was killed */
    bool ends_new;  /* what serves in the end */
    char text[600]; /* what was broken */
};

struct shared {
    struct story good, bad;
    struct outcome cases[CASES_MAX];
};

static struct shared *shared;

static bool broken(struct outcome *o, const struct deploy_fixture *f, const char *what)
{
    AUTO_FREE char *summary = fake_engine_summary(f->engine);

    o->verdict = BROKEN;
    (void)snprintf(o->text, sizeof o->text, "%s; status %d; error: %.200s; on the engine:\n%s",
                   what, o->status, f->res.error.msg, summary);
    return false;
}

/* ---- judging ---- */

/* Which version serves and nothing else is there: 'o', 'n', or 0. */
static char serves(const struct story *s, const struct deploy_fixture *f)
{
    AUTO_FREE char *summary = fake_engine_summary(f->engine);

    if (str_eq(summary, s->old ? s->old : OLD_SERVES))
        return 'o';
    return str_eq(summary, s->new ? s->new : NEW_SERVES) ? 'n' : '\0';
}

static bool follows(const struct deploy_fixture *f, const char *follower)
{
    AUTO_FREE char *app = fake_engine_inspect(f->engine, "shop-app-1");
    AUTO_FREE char *side = follower ? fake_engine_inspect(f->engine, follower) : NULL;
    struct ship_error err = {0};

    if (!follower)
        return true;
    AUTO_PTR(json_free) struct json *doc = app ? json_parse(app, strlen(app), "app", &err) : NULL;
    AUTO_FREE char *want = xasprintf("\"container:%s\"", json_str_or(doc, "Id", "?"));
    return side && strstr(side, want);
}

/* Serving, whatever else lies around. */
static bool app_runs(const struct deploy_fixture *f, const char *line)
{
    AUTO_FREE char *summary = fake_engine_summary(f->engine);

    return strstr(summary, line) != NULL;
}

static const char *old_line(const struct story *s)
{
    return s->old_line ? s->old_line : OLD_SERVES;
}

static const char *new_line(const struct story *s)
{
    return s->new_line ? s->new_line : NEW_SERVES;
}

/* Does the exit status tell what serves right now? */
static bool judge_status(struct outcome *o, const struct deploy_fixture *f, const char *before)
{
    AUTO_FREE char *now = fake_engine_inspect(f->engine, "shop-app-1");
    bool untouched = now && str_eq(now, before);

    if (o->status == 0)
        return app_runs(f, new_line(o->story)) ||
               broken(o, f, "status 0, but the new one does not serve");
    if (o->status == 20)
        return app_runs(f, old_line(o->story)) ||
               broken(o, f, "status 20, but the old one does not serve");
    if ((o->status >= 10 && o->status < 20) || o->status == 128 + SIGINT)
        return untouched || broken(o, f, "refused, but the serving container was touched");
    return o->status == 30 || o->status == 32 || broken(o, f, "not a status of the contract");
}

/* After one more command everything is in order. */
static bool judge_end(struct outcome *o, struct deploy_fixture *f)
{
    char now = serves(o->story, f);
    AUTO_FREE char *current = deploy_fixture_current(f);
    AUTO_FREE char *env = deploy_fixture_read(f, ".env");

    o->ends_new = now == 'n';
    if (!now)
        return broken(o, f, "neither exactly the old nor exactly the new version");
    if (!follows(f, o->story->follower))
        return broken(o, f, "the follower is in the network of a container that is gone");
    if (!str_eq(current, now == 'n' ? o->story->version : "v1"))
        return broken(o, f, "the ledger names another version than serves");
    if (*deploy_fixture_open(f))
        return broken(o, f, "an operation is still open");
    if (!deploy_fixture_is_unlocked(f))
        return broken(o, f, "the lock is held");
    bool is_pinned = now == 'n' && !str_eq(o->story->version, "v1");
    if (!str_eq(env ? env : "", is_pinned ? "APP_VERSION=v2\n" : ""))
        return broken(o, f, "the pinned version is not the one that serves");
    bool is_told = o->status >= 0 && (o->status < 30 || o->status == 128 + SIGINT);
    if ((o->status == 0) != o->ends_new && is_told)
        return broken(o, f, "what serves changed after the command");
    o->verdict = HOLDS;
    return true;
}

/* ---- a case in its process ---- */

static struct deploy_fixture *begin_case(const struct story *s)
{
    (void)alarm(CASE_S);
    return deploy_fixture_files(PLAN, s->compose ? s->compose : FIX_COMPOSE);
}

static void deploy_old(const struct story *s, struct deploy_fixture *f)
{
    struct fake_image bad = {.repository = FIX_APP, .tag = "bad", .health = "unhealthy"};

    deploy_fixture_start(f);
    (void)fake_engine_image(f->engine, &bad);
    if (deploy_fixture_deploy(f, "v1") != 0)
        abort();
    if (s->then)
        deploy_fixture_write(f, "docker-compose.yml", s->then);
}

/* The engine comes back while the command still runs. */
static void *heal_later(void *arg)
{
    struct deploy_fixture *f = arg;

    clock_real.sleep_ms(&clock_real, GONE_MS);
    fake_engine_unscript(f->engine);
    return NULL;
}

static void run_fault(struct outcome *o)
{
    struct deploy_fixture *f = begin_case(o->story);
    struct fake_rule rule = kinds[o->kind].rule;

    deploy_old(o->story, f);
    AUTO_FREE char *before = fake_engine_inspect(f->engine, "shop-app-1");
    rule.nth = (int)o->call + 1;
    fake_engine_script(f->engine, &rule);
    bool is_back = kinds[o->kind].gone_ms == 0;
    pthread_t healer;
    if (!is_back && pthread_create(&healer, NULL, heal_later, f) != 0)
        abort();
    o->status = deploy_fixture_deploy(f, o->story->version);
    if (!is_back && pthread_join(healer, NULL) != 0)
        abort();
    fake_engine_unscript(f->engine);
    if (judge_status(o, f, before)) {
        (void)deploy_fixture_recover(f);
        (void)judge_end(o, f);
    }
    deploy_fixture_free(f);
}

static struct deploy_fixture *interrupted;

static void take_signal(int sig)
{
    interrupted->stop = sig;
}

/* The process that will be killed: forked while this one has no threads. */
static pid_t fork_victim(struct deploy_fixture *f, const struct outcome *o, int *ret_go)
{
    int go[2];
    char host[200] = "";

    if (pipe2(go, O_CLOEXEC) != 0)
        abort();
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
    interrupted = f;
    if (signal(SIGINT, take_signal) == SIG_ERR)
        _exit(99);
    f->options.no_guardian = kinds[o->kind].dies != GUARDED_VICTIM;
    _exit(deploy_fixture_deploy(f, o->story->version));
}

static bool wait_unlocked(const struct deploy_fixture *f)
{
    int64_t end = clock_deadline(&clock_real, GUARDIAN_MS);

    while (!deploy_fixture_is_unlocked(f)) {
        if (clock_left_ms(&clock_real, end) == 0)
            return false;
        clock_real.sleep_ms(&clock_real, 20);
    }
    return true;
}

/* The guardian leaves nothing to the next command but the clean-up of what never ran. */
static bool judge_guardian(struct outcome *o, struct deploy_fixture *f)
{
    if (!wait_unlocked(f))
        return broken(o, f, "the guardian holds the lock too long");
    const char *open = deploy_fixture_open(f);
    if (*open && !str_eq(open, "preparing"))
        return broken(o, f, open);
    return app_runs(f, old_line(o->story)) || app_runs(f, new_line(o->story)) ||
           broken(o, f, "the guardian left nothing that serves");
}

static void run_kill(struct outcome *o)
{
    struct deploy_fixture *f = begin_case(o->story);
    const struct kind *kind = &kinds[o->kind];
    struct fake_rule rule = kind->rule;
    int go, how;
    pid_t victim = fork_victim(f, o, &go);

    deploy_old(o->story, f);
    AUTO_FREE char *before = fake_engine_inspect(f->engine, "shop-app-1");
    rule.nth = (int)o->call + 1;
    rule.n = (size_t)victim;
    fake_engine_script(f->engine, &rule);
    if (write(go, f->environ.v[0] + strlen("DOCKER_HOST="), strlen(f->environ.v[0] + 12)) <= 0 ||
        waitpid(victim, &how, 0) != victim)
        abort();
    fake_engine_unscript(f->engine);
    o->status = WIFSIGNALED(how) ? -WTERMSIG(how) : WEXITSTATUS(how);
    if (o->status >= 0 && !judge_status(o, f, before)) {
        deploy_fixture_free(f);
        return;
    }
    if (kind->dies != GUARDED_VICTIM || judge_guardian(o, f)) {
        int status = deploy_fixture_recover(f);
        if (status != 0)
            (void)broken(o, f, "recovery failed");
        else
            (void)judge_end(o, f);
    }
    deploy_fixture_free(f);
}

/* Without any fault: how many calls are there, and which of them change something? */
static void run_plain(struct outcome *o)
{
    struct deploy_fixture *f = begin_case(o->story);
    struct story *s = o->story;

    deploy_old(o->story, f);
    o->status = deploy_fixture_deploy(f, s->version);
    for (size_t i = f->calls; i < fake_engine_calls(f->engine); i++) {
        const struct fake_call *c = fake_engine_call(f->engine, i);
        if (s->n_calls == CALLS_MAX)
            abort();
        s->changes[s->n_calls] = !str_eq(c->method, "GET") && !str_eq(c->method, "HEAD");
        (void)snprintf(s->paths[s->n_calls++], sizeof s->paths[0], "%s %s", c->method, c->path);
    }
    (void)judge_end(o, f);
    deploy_fixture_free(f);
}

/* ---- many cases ---- */

static void run_one(void *c)
{
    struct outcome *o = c;

    (o->call == CALLS_MAX ? run_plain : kinds[o->kind].dies != NOBODY ? run_kill : run_fault)(o);
}

static void run_cases(struct outcome *cases, size_t n)
{
    cases_run(cases, n, sizeof *cases, WORKERS, run_one);
}

/* By default: each fault at each changing call, but not those that take long at each. */
static bool is_wanted(const struct story *s, size_t kind, size_t call)
{
    const struct kind *k = &kinds[kind];
    if (s->only_deaths && k->dies == NOBODY)
        return false;
    bool is_slow = k->dies == GUARDED_VICTIM || k->rule.onward;
    bool is_slowest = k->rule.onward && k->rule.fault == FAKE_CLOSE_BEFORE && k->gone_ms == 0;

    if (cases_are_all())
        return true;
    if (is_slow)
        return !is_slowest && s->changes[call] && call % 3 == 0;
    return s->changes[call] || (call + kind) % SAMPLE == 0;
}

static size_t plan_cases(struct story *s)
{
    size_t n = 0;

    for (size_t call = 0; call < s->n_calls; call++)
        for (size_t kind = 0; kind < ROWS(kinds); kind++)
            if (is_wanted(s, kind, call) && n < CASES_MAX - 1)
                shared->cases[n++] = (struct outcome){.story = s, .kind = kind, .call = call};
    return n;
}

/* ---- the report ---- */

static const struct status_group groups[] = {
    {"0",      0,   0  },
    {"1x",     10,  19 },
    {"20",     20,  20 },
    {"30-32",  30,  32 },
    {"130",    130, 130},
    {"killed", -64, -1 },
};

static const char *kind_name(size_t kind)
{
    return kinds[kind].name;
}

static void show_table(const struct story *s, const struct outcome *cases, size_t n, size_t bad)
{
    static const struct status_table table = {"injected", ROWS(kinds), kind_name, groups,
                                              ROWS(groups)};
    AUTO(buf_done) struct buf b = BUF_INIT(TABLE_MAX);
    AUTO_FREE struct status_case *of = xcalloc(n, sizeof *of);
    AUTO_FREE char *name = xasprintf("Faults: %s", s->name);

    for (size_t i = 0; i < n; i++)
        of[i] = (struct status_case){cases[i].kind, cases[i].status, cases[i].ends_new};
    (void)buf_addf(&b, "%zu calls to the engine, %zu cases, broken: %zu.\n\n", s->n_calls, n, bad);
    results_table(&b, &table, of, n);
    results_show(name, b.p);
}

/* A death in the middle must end both ways, or the sweep has not met both. */
static bool ends_both_ways(const struct outcome *cases, size_t n)
{
    bool ways[2] = {false, false};

    for (size_t i = 0; i < n; i++)
        if (cases[i].status == -SIGKILL)
            ways[cases[i].ends_new] = true;
    return ways[0] && ways[1];
}

static size_t print_broken(const struct outcome *cases, size_t n)
{
    size_t bad = 0;

    for (size_t i = 0; i < n; i++) {
        if (cases[i].verdict == HOLDS)
            continue;
        bad++;
        print_message("BROKEN: %s at call %zu (%s): %s\n", kinds[cases[i].kind].name,
                      cases[i].call + 1, cases[i].story->paths[cases[i].call],
                      cases[i].verdict == NOT_RUN ? "the case died" : cases[i].text);
    }
    return bad;
}

static void sweep(struct story *s)
{
    struct outcome *plain = &shared->cases[CASES_MAX - 1];

    *plain = (struct outcome){.story = s, .call = CALLS_MAX};
    run_cases(plain, 1);
    if (plain->verdict != HOLDS)
        fail_msg("without any fault: %s", plain->text);
    assert_int_equal(plain->status, s->status);
    assert_true(s->n_calls > 20);
    size_t n = plan_cases(s);
    run_cases(shared->cases, n);
    size_t bad = print_broken(shared->cases, n);
    show_table(s, shared->cases, n, bad);
    assert_int_equal(bad, 0);
    if (s->status == 0)
        assert_true(ends_both_ways(shared->cases, n));
}

static void test_deploy_any_call_fails_or_process_dies_one_version_serves(void **state)
{
    (void)state;
    shared->good = (struct story){.name = "a deployment", .version = "v2", .status = 0};
    sweep(&shared->good);
}

static void test_rollback_any_call_fails_or_process_dies_the_old_version_serves(void **state)
{
    (void)state;
    shared->bad = (struct story){.name = "a rolled back one", .version = "bad", .status = 20};
    sweep(&shared->bad);
}

#define SIDE_SERVES "shop-side-1 running always " FIX_WORKER ":v1\n"
#define WEB         "web running always " FIX_APP ":v2\n"
#define REPLICA(n)  "shop-app-" #n " running always " FIX_APP ":v1\n"

static void test_deploy_process_dies_followers_go_with_the_version_that_serves(void **state)
{
    (void)state;
    shared->good = (struct story){.name = "with a follower",
                                  .version = "v2",
                                  .compose = FIX_COMPOSE "  side:\n    image: " FIX_WORKER
                                                         ":v1\n    restart: always\n"
                                                         "    network_mode: service:app\n",
                                  .old = OLD_SERVES SIDE_SERVES,
                                  .new = NEW_SERVES SIDE_SERVES,
                                  .follower = "shop-side-1",
                                  .only_deaths = true};
    sweep(&shared->good);
}

static void test_deploy_process_dies_a_changed_name_goes_with_its_version(void **state)
{
    (void)state;
    shared->good = (struct story){.name = "another container_name",
                                  .version = "v2",
                                  .compose = FIX_COMPOSE,
                                  .then = FIX_COMPOSE "    container_name: web\n",
                                  .new = WEB,
                                  .new_line = WEB,
                                  .only_deaths = true};
    sweep(&shared->good);
}

static void test_deploy_process_dies_added_replicas_are_all_there_or_none(void **state)
{
    (void)state;
    shared->good = (struct story){.name = "a replica more",
                                  .version = "v1",
                                  .compose = FIX_COMPOSE "    deploy: {replicas: 2}\n",
                                  .then = FIX_COMPOSE "    deploy: {replicas: 3}\n",
                                  .old = REPLICA(1) REPLICA(2),
                                  .new = REPLICA(1) REPLICA(2) REPLICA(3),
                                  .old_line = REPLICA(2),
                                  .new_line = REPLICA(3),
                                  .only_deaths = true};
    sweep(&shared->good);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_deploy_any_call_fails_or_process_dies_one_version_serves),
        cmocka_unit_test(test_rollback_any_call_fails_or_process_dies_the_old_version_serves),
        cmocka_unit_test(test_deploy_process_dies_followers_go_with_the_version_that_serves),
        cmocka_unit_test(test_deploy_process_dies_a_changed_name_goes_with_its_version),
        cmocka_unit_test(test_deploy_process_dies_added_replicas_are_all_there_or_none),
    };

    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
