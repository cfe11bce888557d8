/*
 * Two commands at the same time on one project: exactly one of them runs, the other is refused at
 * once with status 13 and says who holds the lock, and what serves is what the winner promised.
 *
 * Each pair is two processes on an engine of its own. 50 pairs; SHIPCTL_TEST_FULL=1: 1000. Then one
 * that comes too late, for each call at which the holder may be; and a holder that is a guardian.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shipctl/prune.h"

#include "base/clock.h"
#include "deploy/actor.h"
#include "deploy/lock.h"
#include "support/cases.h"
#include "support/deploy_fixture.h"
#include "support/program.h"
#include "support/results.h"
#include "unit/assert.h"

#define PAIRS         50
#define PAIRS_FULL    1000
#define WORKERS       6
#define TEXT_MAX      1024
#define PAIR_S        120
#define HOLD_MS       600  /* the winner's first question to the engine takes this long */
#define LOSER_MS      1000 /* the contract; only a full run has the machine for itself */
#define LOSER_SLOW_MS 10000
#define CALLS_MAX     64 /* more than the holder makes */
#define POLL_MS       5
#define GUARDIAN_MS   60000

/* ---- commands ---- */

static int deploy(struct deploy_fixture *f)
{
    return deploy_fixture_deploy(f, "v3");
}

static int rollback(struct deploy_fixture *f)
{
    return deploy_fixture_rollback(f, &(struct ship_rollback_request){.version = "v1"});
}

static int prune(struct deploy_fixture *f)
{
    struct ship_session *s = ship_session_new(&f->options);
    struct ship_prune_report report = {0};
    struct ship_prune_request request = {.keep = 3};
    struct ship_error err = {0};
    int rc = ship_prune(s, &request, &report, &err);

    f->res.error = err;
    ship_prune_done(&report);
    ship_session_free(s);
    return rc == 0 ? 0 : ship_code_exit_status(err.code);
}

static const struct command {
    const char *name, *what; /* as others are told */
    const char *serves;      /* afterwards, when it wins */
    int (*run)(struct deploy_fixture *f);
} commands[] = {
    {"deploy",   "deploy v3",   "v3", deploy  },
    {"rollback", "rollback v1", "v1", rollback},
    {"prune",    "prune",       "v2", prune   },
};

/* ---- one pair ---- */

struct racer {
    size_t command;
    pid_t pid;
    int go, status;
    int64_t took_ms;
    char message[1024];
};

struct pair {
    struct racer racers[2];
    bool holds;
    char text[2600];
};

static struct pair *pairs; /* shared */

/* Forked while its parent has no threads; waits for the engine's address, then runs. */
static void start_racer(struct deploy_fixture *f, struct racer *r)
{
    int go[2];
    char host[200] = "";

    if (pipe2(go, O_CLOEXEC) != 0)
        abort();
    pid_t pid = fork(); /* *r is shared with the child: only this process writes its pid */
    if (pid != 0) {
        (void)close(go[0]);
        r->go = go[1];
        r->pid = pid;
        return;
    }
    (void)close(go[1]);
    if (read(go[0], host, sizeof host - 1) <= 0)
        _exit(99);
    deploy_fixture_join(f, host);
    int64_t begin = clock_now_ms(&clock_real);
    r->status = commands[r->command].run(f);
    r->took_ms = clock_now_ms(&clock_real) - begin;
    (void)snprintf(r->message, sizeof r->message, "%s", f->res.error.msg);
    _exit(0);
}

static void wait_racer(struct racer *r)
{
    if (waitpid(r->pid, NULL, 0) != r->pid)
        abort();
    (void)close(r->go);
}

/* ---- judging ---- */

static bool fails(struct pair *p, const char *what)
{
    const struct racer *a = &p->racers[0], *b = &p->racers[1];

    (void)snprintf(p->text, sizeof p->text, "%s: %s %d in %d ms '%s', %s %d in %d ms '%s'", what,
                   commands[a->command].name, a->status, (int)a->took_ms, a->message,
                   commands[b->command].name, b->status, (int)b->took_ms, b->message);
    return false;
}

static bool is_late(int64_t took_ms)
{
    return took_ms > (cases_are_all() ? LOSER_MS : LOSER_SLOW_MS);
}

/* The beginning of what a loser says of the holder: heap. */
static char *holder_is(struct deploy_fixture *f, const char *what, pid_t pid)
{
    struct ship_session *s = ship_session_new(&f->options);
    AUTO(actor_done) struct actor actor;

    actor_find(s, &actor);
    ship_session_free(s);
    return xasprintf("%s by %s (pid %d) is running since ", what, actor.name, (int)pid);
}

static bool judge(struct pair *p, struct deploy_fixture *f)
{
    const struct racer *a = &p->racers[0], *b = &p->racers[1];
    const struct racer *winner = a->status == 0 ? a : b, *loser = a->status == 0 ? b : a;
    const struct command *won = &commands[winner->command];
    AUTO_FREE char *holder = holder_is(f, won->what, winner->pid);
    AUTO_FREE char *current = deploy_fixture_current(f);

    if (winner->status != 0 || loser->status != 13)
        return fails(p, "not one winner and one loser");
    if (is_late(loser->took_ms))
        return fails(p, "the loser waited");
    if (!str_starts(loser->message, holder) || !strstr(loser->message, ", in step '"))
        return fails(p, "the loser does not say who holds the lock");
    if (!str_eq(current, won->serves) || *deploy_fixture_open(f))
        return fails(p, "what serves is not what the winner promised");
    return deploy_fixture_is_unlocked(f) || fails(p, "the lock is held");
}

static void deployed(struct deploy_fixture *f, const char *version)
{
    if (deploy_fixture_deploy(f, version) == 0)
        return;
    print_message("deploy %s: %s\n", version, f->res.error.msg);
    abort();
}

static void run_pair(struct pair *p)
{
    struct fake_rule hold = {.path = "/_ping", .nth = 1, .fault = FAKE_DELAY, .n = HOLD_MS};
    struct fake_rule hold_list = {
        .path = "/images/json", .nth = 1, .fault = FAKE_DELAY, .n = HOLD_MS};

    (void)alarm(PAIR_S);
    struct deploy_fixture *f = deploy_fixture_files(FIX_PLAN, FIX_COMPOSE);
    for (int i = 0; i < 2; i++)
        start_racer(f, &p->racers[i]);
    deploy_fixture_start(f);
    deployed(f, "v1");
    deployed(f, "v2");
    fake_engine_script(f->engine, &hold);
    fake_engine_script(f->engine, &hold_list);
    const char *host = fake_engine_host(f->engine);
    for (int i = 0; i < 2; i++)
        if (write(p->racers[i].go, host, strlen(host)) <= 0)
            abort();
    for (int i = 0; i < 2; i++)
        wait_racer(&p->racers[i]);
    p->holds = judge(p, f);
    deploy_fixture_free(f);
}

/* ---- one that comes too late ---- */

/* In which step is who makes this call? The first row that fits decides. */
static const struct {
    const char *call; /* its beginning; a * stands for the rest of a path element */
    const char *step;
    bool is_required; /* a deployment makes it */
} steps[] = {
    {"POST /images/create",       "pull",     true },
    {"POST /containers/create",   "create",   true },
    {"POST /containers/*/stop",   "switch",   true },
    {"POST /containers/*/start",  "switch",   true },
    {"POST /containers/*/update", "switch",   false},
    {"DELETE /containers/*",      "clean-up", true },
};

struct late {
    bool is_reached, holds;
    int status;
    int64_t took_ms;
    char call[100], message[1024];
    const char *why;
};

static struct late *laggards; /* shared */

static bool fits(const char *call, const char *pattern)
{
    for (; *pattern; pattern++) {
        if (*pattern == '*')
            call += strcspn(call, "/");
        else if (*call++ != *pattern)
            return false;
    }
    return true;
}

static const char *step_of(const char *call)
{
    for (size_t i = 0; i < ROWS(steps); i++)
        if (fits(call, steps[i].call))
            return steps[i].step;
    return NULL;
}

/* false: the holder ended without making so many calls. */
static bool wait_for_call(struct deploy_fixture *f, const struct racer *holder, size_t n)
{
    while (fake_engine_calls(f->engine) < n) {
        if (waitpid(holder->pid, NULL, WNOHANG) == holder->pid)
            return false;
        clock_real.sleep_ms(&clock_real, POLL_MS);
    }
    return true;
}

static const char *judge_late(const struct late *l, struct deploy_fixture *f, pid_t holder)
{
    const char *step = step_of(l->call);
    AUTO_FREE char *who = holder_is(f, commands[0].what, holder);
    AUTO_FREE char *where = xasprintf(", in step '%s'", step ? step : "");

    if (l->status != 13)
        return "it was not refused";
    if (is_late(l->took_ms))
        return "it waited";
    if (!str_starts(l->message, who) || (step && !strstr(l->message, where)) ||
        strstr(l->message, "step ''"))
        return "it does not say who holds the lock, and in which step that one is";
    return NULL;
}

/* The holder gets no answer to its nth call, and keeps the lock until it is killed. */
static void run_late(size_t n)
{
    struct late *l = &laggards[n];
    struct fake_rule stall = {.nth = (int)n + 1, .fault = FAKE_STALL};
    struct racer holder = {.command = 0};
    const struct command *loser = &commands[n % ROWS(commands)];

    (void)alarm(PAIR_S);
    struct deploy_fixture *f = deploy_fixture_files(FIX_PLAN, FIX_COMPOSE);
    start_racer(f, &holder);
    deploy_fixture_start(f);
    deployed(f, "v1");
    deployed(f, "v2");
    size_t before = fake_engine_calls(f->engine);
    fake_engine_script(f->engine, &stall);
    const char *host = fake_engine_host(f->engine);
    if (write(holder.go, host, strlen(host)) <= 0)
        abort();
    l->is_reached = wait_for_call(f, &holder, before + n + 1);
    if (!l->is_reached)
        return;
    const struct fake_call *call = fake_engine_call(f->engine, before + n);
    (void)snprintf(l->call, sizeof l->call, "%s %s", call->method, call->path);
    int64_t begin = clock_now_ms(&clock_real);
    l->status = loser->run(f);
    l->took_ms = clock_now_ms(&clock_real) - begin;
    (void)snprintf(l->message, sizeof l->message, "%s", f->res.error.msg);
    l->why = judge_late(l, f, holder.pid);
    l->holds = l->why == NULL;
    (void)kill(holder.pid, SIGKILL);
    wait_racer(&holder);
    deploy_fixture_free(f);
}

/* ---- processes ---- */

static void run_one_pair(size_t i)
{
    run_pair(&pairs[i]);
}

static void start_child(void (*run)(size_t i), size_t i)
{
    (void)fflush(NULL);
    pid_t pid = fork();
    if (pid < 0)
        abort();
    if (pid > 0)
        return;
    run(i);
    _exit(0);
}

static void run_all(void (*run)(size_t i), size_t n)
{
    size_t started = 0, running = 0;
    int how = 0;

    while (started < n || running) {
        if (started < n && running < WORKERS) {
            start_child(run, started++);
            running++;
        } else if (waitpid(-1, &how, 0) > 0) {
            running--;
            if (how != 0)
                print_message("one ended with wait status %d\n", how);
        } else if (errno != EINTR) {
            return;
        }
    }
}

/* ---- tests ---- */

static void test_two_commands_at_once_exactly_one_wins(void **state)
{
    AUTO(buf_done) struct buf text = BUF_INIT(TEXT_MAX);
    size_t n = cases_are_all() ? PAIRS_FULL : PAIRS, bad = 0, wins[ROWS(commands)] = {0};
    int64_t slowest_ms = 0;

    (void)state;
    for (size_t i = 0; i < n; i++) {
        pairs[i].racers[0].command = i % ROWS(commands);
        pairs[i].racers[1].command = i / ROWS(commands) % ROWS(commands);
    }
    run_all(run_one_pair, n);
    for (size_t i = 0; i < n; i++) {
        const struct racer *r = pairs[i].racers;
        const struct racer *loser = &r[r[0].status == 0 ? 1 : 0];
        wins[r[r[0].status == 0 ? 0 : 1].command]++;
        slowest_ms = loser->took_ms > slowest_ms ? loser->took_ms : slowest_ms;
        if (!pairs[i].holds)
            print_message("pair %zu: %s\n", i, pairs[i].text[0] ? pairs[i].text : "it died");
        bad += !pairs[i].holds;
    }
    (void)buf_addf(
        &text, "%zu pairs, not one winner and one loser with exit status 13: %zu. Won by", n, bad);
    for (size_t c = 0; c < ROWS(commands); c++)
        (void)buf_addf(&text, " %s %zu", commands[c].name, wins[c]);
    (void)buf_addf(&text, ". The slowest loser was told after %d ms.\n", (int)slowest_ms);
    results_show("Races", text.p);
    assert_int_equal(bad, 0);
}

static void test_a_late_command_is_told_the_step_of_the_holder(void **state)
{
    size_t bad = 0, reached = 0;

    (void)state;
    run_all(run_late, CALLS_MAX);
    for (size_t i = 0; i < CALLS_MAX; i++) {
        const struct late *l = &laggards[i];
        reached += l->is_reached;
        if (!l->is_reached || l->holds)
            continue;
        bad++;
        print_message("%s: %s: %d in %d ms '%s'\n", l->call, l->why ? l->why : "it died", l->status,
                      (int)l->took_ms, l->message);
    }
    assert_int_equal(bad, 0);
    assert_in_range(reached, 1, CALLS_MAX - 1);
    for (size_t row = 0; row < ROWS(steps); row++) {
        bool is_seen = !steps[row].is_required;
        for (size_t i = 0; i < CALLS_MAX; i++)
            is_seen = is_seen || fits(laggards[i].call, steps[row].call);
        if (!is_seen)
            fail_msg("no holder was in '%s'", steps[row].call);
    }
}

/* The one that died is not named: nobody could look for it. */
static void test_a_guardian_that_recovers_is_named_as_the_holder(void **state)
{
    struct deploy_fixture *f = deploy_fixture_new(FIX_PLAN, FIX_COMPOSE);
    struct fake_rule stall = {
        .method = "POST", .path = "/containers/", .nth = 3, .onward = true, .fault = FAKE_STALL};
    struct program p = {
        .args = {"deploy", "v2"}
    };
    int64_t end = clock_deadline(&clock_real, GUARDIAN_MS);
    struct lock_text text = {0};

    (void)state;
    assert_int_equal(deploy_fixture_deploy(f, "v1"), 0);
    size_t before = fake_engine_count(f->engine, "POST", "/containers/");
    fake_engine_script(f->engine, &stall);
    program_start(&p, f);
    while (fake_engine_count(f->engine, "POST", "/containers/") < before + 3)
        clock_real.sleep_ms(&clock_real, POLL_MS);
    assert_int_equal(kill(p.pid, SIGKILL), 0);
    assert_int_equal(program_wait(&p), -SIGKILL);
    const struct lock_scope scope = {f->state, "shop", "production"};
    while ((lock_peek(&scope, &text) == 0 || !str_eq(text.step, "recover")) &&
           clock_left_ms(&clock_real, end) > 0)
        clock_real.sleep_ms(&clock_real, POLL_MS);
    assert_int_not_equal(text.pid, p.pid);
    AUTO_FREE char *who = holder_is(f, "deploy v2", (pid_t)text.pid);
    assert_int_equal(deploy_fixture_deploy(f, "v3"), 13);
    assert_true(str_starts(f->res.error.msg, who));
    assert_contains(f->res.error.msg, ", in step 'recover'");
    fake_engine_unscript(f->engine);
    end = clock_deadline(&clock_real, GUARDIAN_MS);
    while (!deploy_fixture_is_unlocked(f) && clock_left_ms(&clock_real, end) > 0)
        clock_real.sleep_ms(&clock_real, POLL_MS);
    assert_true(deploy_fixture_is_unlocked(f));
    program_done(&p);
    deploy_fixture_free(f);
}

static void *shared(size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (p == MAP_FAILED)
        abort();
    return p;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_commands_at_once_exactly_one_wins),
        cmocka_unit_test(test_a_late_command_is_told_the_step_of_the_holder),
        cmocka_unit_test(test_a_guardian_that_recovers_is_named_as_the_holder),
    };

    pairs = shared(PAIRS_FULL * sizeof *pairs);
    laggards = shared(CALLS_MAX * sizeof *laggards);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
