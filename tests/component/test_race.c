/*
 * Two commands at the same time on one project: exactly one of them runs, the other is refused at
 * once with status 13 and says who holds the lock, and what serves is what the winner promised.
 *
 * Each pair is two processes on an engine of its own. 50 pairs; SHIPCTL_TEST_FULL=1: 1000.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shipctl/prune.h"

#include "base/clock.h"
#include "support/deploy_fixture.h"
#include "unit/assert.h"

#define PAIRS         50
#define PAIRS_FULL    1000
#define WORKERS       6
#define PAIR_S        120
#define HOLD_MS       600  /* the winner's first question to the engine takes this long */
#define LOSER_MS      1000 /* the contract; only a full run has the machine for itself */
#define LOSER_SLOW_MS 10000

/* ---- commands ---- */

static int deploy(struct deploy_fixture *f)
{
    return deploy_fixture_deploy(f, "v3");
}

static int rollback(struct deploy_fixture *f)
{
    return deploy_fixture_rollback(f, &(struct ship_rollback_request){0});
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
    const char *name, *serves; /* afterwards, when it wins */
    int (*run)(struct deploy_fixture *f);
} commands[] = {
    {"deploy",   "v3", deploy  },
    {"rollback", "v1", rollback},
    {"prune",    "v2", prune   },
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

static bool is_full(void)
{
    const char *full = getenv("SHIPCTL_TEST_FULL");

    return str_eq(full, "1");
}

static bool judge(struct pair *p, const struct deploy_fixture *f)
{
    const struct racer *a = &p->racers[0], *b = &p->racers[1];
    const struct racer *winner = a->status == 0 ? a : b, *loser = a->status == 0 ? b : a;
    const char *version = str_eq(commands[winner->command].name, "deploy") ? " v3 " : " ";
    AUTO_FREE char *pid = xasprintf("(pid %d)", (int)winner->pid);
    AUTO_FREE char *what = xasprintf("%s%s", commands[winner->command].name, version);
    AUTO_FREE char *current = deploy_fixture_current(f);

    if (winner->status != 0 || loser->status != 13)
        return fails(p, "not one winner and one loser");
    if (loser->took_ms > (is_full() ? LOSER_MS : LOSER_SLOW_MS))
        return fails(p, "the loser waited");
    if (!strstr(loser->message, pid) || !str_starts(loser->message, what))
        return fails(p, "the loser does not say who holds the lock");
    if (!str_eq(current, commands[winner->command].serves) || *deploy_fixture_open(f))
        return fails(p, "what serves is not what the winner promised");
    return deploy_fixture_is_unlocked(f) || fails(p, "the lock is held");
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
    if (deploy_fixture_deploy(f, "v1") != 0 || deploy_fixture_deploy(f, "v2") != 0)
        abort();
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

/* ---- all pairs ---- */

static void start_pair(struct pair *p)
{
    (void)fflush(NULL);
    pid_t pid = fork();
    if (pid < 0)
        abort();
    if (pid > 0)
        return;
    run_pair(p);
    _exit(0);
}

static void run_pairs(size_t n)
{
    size_t started = 0, running = 0;
    int how = 0;

    while (started < n || running) {
        if (started < n && running < WORKERS) {
            start_pair(&pairs[started++]);
            running++;
        } else if (waitpid(-1, &how, 0) > 0) {
            running--;
            if (how != 0)
                print_message("a pair ended with wait status %d\n", how);
        } else if (errno != EINTR) {
            return;
        }
    }
}

static void test_two_commands_at_once_exactly_one_wins(void **state)
{
    size_t n = is_full() ? PAIRS_FULL : PAIRS, bad = 0, wins[ROWS(commands)] = {0};

    (void)state;
    for (size_t i = 0; i < n; i++) {
        pairs[i].racers[0].command = i % ROWS(commands);
        pairs[i].racers[1].command = i / ROWS(commands) % ROWS(commands);
    }
    run_pairs(n);
    for (size_t i = 0; i < n; i++) {
        const struct racer *r = pairs[i].racers;
        wins[r[r[0].status == 0 ? 0 : 1].command]++;
        if (!pairs[i].holds)
            print_message("pair %zu: %s\n", i, pairs[i].text[0] ? pairs[i].text : "it died");
        bad += !pairs[i].holds;
    }
    print_message("%zu pairs; won by", n);
    for (size_t c = 0; c < ROWS(commands); c++)
        print_message(" %s %zu", commands[c].name, wins[c]);
    print_message("\n");
    assert_int_equal(bad, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_commands_at_once_exactly_one_wins),
    };

    pairs = mmap(NULL, PAIRS_FULL * sizeof *pairs, PROT_READ | PROT_WRITE,
                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (pairs == MAP_FAILED)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
