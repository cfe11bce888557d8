/*
 * Signals at every step: the real program works on a scripted engine, and at one of its calls it
 * is asked to stop, or who reads its output goes away. Whatever happens, what serves afterwards is
 * entirely the old version or entirely the new one, the exit status says which, nothing is left
 * behind, and what it says names the signal and what to do next.
 *
 * Each case is a process of its own, with its own engine. By default a sample of the calls is
 * taken; SHIPCTL_TEST_FULL=1 takes them all.
 */
#include <errno.h>
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
#include "support/program.h"
#include "support/results.h"
#include "unit/assert.h"

#define PLAN        FIX_PLAN "timeouts: {rollback: 20s}\n"
#define SERVES(tag) "shop-app-1 running always " FIX_APP ":" tag "\n"
#define CALLS_MAX   128
#define CASES_MAX   8192
#define WORKERS     8
#define TABLE_MAX   (64u * 1024)
#define CASE_S      150
#define PROMPT_MS   10000 /* from the signal to the end, on a busy machine under sanitizers */
#define BLOCKED_MS  40000 /* the same when nobody reads */
#define GUARDIAN_MS 30000
#define AGAIN_MS    600 /* two signals closer than half a second are one */
#define KILL_MS     2500
#define POLL_MS     10

/* ---- what happens at the call ---- */

enum what {
    ONE_SIGNAL,
    READER_GONE,     /* of both outputs */
    TERMINAL_GONE,   /* with a SIGHUP, as the kernel sends it */
    CONNECTION_GONE, /* SIGHUP and EPIPE at once: ssh */
    NOBODY_READS,
    TWICE, /* the engine stalls from here on, and a second signal comes */
    LADDER /* the same, then SIGKILL; the engine is back when all is over */
};

enum how { PIPES, JSON, TERMINAL, NO_GUARDIAN };

struct kind {
    const char *name;
    enum what what;
    enum how how;
    int first, second;
    int every; /* in a sample: each of so many calls */
};

static const struct kind kinds[] = {
    {"SIGINT",                 ONE_SIGNAL,      PIPES,       SIGINT,  0,       3 },
    {"SIGTERM, --json",        ONE_SIGNAL,      JSON,        SIGTERM, 0,       7 },
    {"SIGHUP",                 ONE_SIGNAL,      PIPES,       SIGHUP,  0,       9 },
    {"SIGINT on a terminal",   ONE_SIGNAL,      TERMINAL,    SIGINT,  0,       7 },
    {"reader gone",            READER_GONE,     PIPES,       SIGPIPE, 0,       7 },
    {"terminal gone",          TERMINAL_GONE,   TERMINAL,    SIGHUP,  0,       9 },
    {"connection gone",        CONNECTION_GONE, PIPES,       SIGHUP,  0,       9 },
    {"nobody reads",           NOBODY_READS,    PIPES,       SIGTERM, 0,       1 },
    {"SIGINT, SIGINT",         TWICE,           PIPES,       SIGINT,  SIGINT,  11},
    {"the same, no guardian",  TWICE,           NO_GUARDIAN, SIGINT,  SIGINT,  11},
    {"SIGINT twice, terminal", TWICE,           TERMINAL,    SIGINT,  SIGINT,  13},
    {"INT, TERM, KILL",        LADDER,          JSON,        SIGINT,  SIGTERM, 13},
};

/* ---- what runs ---- */

struct story {
    const char *name;
    const char *args[4];
    const char *old, *new; /* version before, and after a success */
    int status;            /* without any signal */
    bool is_prune;
    size_t n_calls;
    char paths[CALLS_MAX][80];
};

enum verdict { NOT_RUN, HOLDS, BROKEN };

struct outcome {
    size_t story, kind, call;
    int verdict, status;
    int64_t took_ms;
    bool ends_new;
    char text[3000]; /* what was broken */
};

struct shared {
    struct story stories[4];
    struct outcome cases[CASES_MAX];
};

static struct shared *shared;

static const struct story all_stories[] = {
    {"deploy",            {"deploy", "v2"},               "v1", "v2", 0,  false, 0, {""}},
    {"deploy, unhealthy", {"deploy", "bad"},              "v1", NULL, 20, false, 0, {""}},
    {"rollback",          {"rollback", "-y"},             "v2", "v1", 0,  false, 0, {""}},
    {"prune",             {"prune", "-y", "--keep", "1"}, "v2", "v2", 0,  true,  0, {""}},
};

/* ---- one case ---- */

struct scene {
    struct outcome *o;
    const struct story *story;
    const struct kind *kind;
    struct deploy_fixture *f;
    struct program p;
};

/* For the handler of SIGUSR1, by which the engine tells of the call. */
static struct program *on_stage;
static bool wants_hup;

static void hang_up_now(int sig)
{
    int saved = errno;

    (void)sig;
    program_hang_up(on_stage);
    if (wants_hup)
        (void)kill(on_stage->pid, SIGHUP);
    errno = saved;
}

static bool broken(struct scene *s, const char *what)
{
    AUTO_FREE char *summary = fake_engine_summary(s->f->engine);

    s->o->verdict = BROKEN;
    (void)snprintf(s->o->text, sizeof s->o->text,
                   "%s; status %d after %d ms; on the engine:\n%sstderr: %.1200s\nstdout: %.900s\n",
                   what, s->o->status, (int)s->o->took_ms, summary, s->p.err ? s->p.err : "",
                   s->p.out ? s->p.out : "");
    return false;
}

static void begin(struct scene *s)
{
    struct fake_image bad = {.repository = FIX_APP, .tag = "bad", .health = "unhealthy"};
    const char *const versions[] = {"v1", "v2"};

    (void)alarm(CASE_S);
    s->f = deploy_fixture_new(PLAN, FIX_COMPOSE);
    (void)fake_engine_image(s->f->engine, &bad);
    for (size_t i = 0; i < ROWS(versions); i++) {
        if (deploy_fixture_deploy(s->f, versions[i]) != 0)
            abort();
        if (str_eq(versions[i], s->story->old))
            break;
    }
    s->f->calls = fake_engine_calls(s->f->engine);
}

static void add_arg(struct program *p, const char *arg)
{
    size_t n = 0;

    while (p->args[n])
        n++;
    p->args[n] = arg;
}

/* The engine sends the signal, or tells us, when it gets the call. */
static void script(struct scene *s)
{
    bool is_ours = s->kind->what == READER_GONE || s->kind->what == TERMINAL_GONE ||
                   s->kind->what == CONNECTION_GONE;
    struct fake_rule at_call = {.nth = (int)s->o->call + 1,
                                .fault = FAKE_KILL,
                                .status = is_ours ? SIGUSR1 : s->kind->first,
                                .n = (size_t)(is_ours ? getpid() : s->p.pid)};
    struct fake_rule then = {.nth = (int)s->o->call + 2, .onward = true, .fault = FAKE_STALL};

    const struct sigaction hang_up = {.sa_handler = hang_up_now};

    on_stage = &s->p;
    wants_hup = s->kind->what != READER_GONE;
    if (sigaction(SIGUSR1, &hang_up, NULL) != 0)
        abort();
    fake_engine_script(s->f->engine, &at_call);
    if (s->kind->what == TWICE || s->kind->what == LADDER)
        fake_engine_script(s->f->engine, &then);
}

/* The rules need its process id: it is held until they are there. */
static void start(struct scene *s)
{
    for (size_t i = 0; i < ROWS(s->story->args) && s->story->args[i]; i++)
        add_arg(&s->p, s->story->args[i]);
    if (s->kind->how == JSON)
        add_arg(&s->p, "--json");
    if (s->kind->how == NO_GUARDIAN)
        add_arg(&s->p, "--no-guardian");
    s->p.tty = s->kind->how == TERMINAL;
    s->p.is_blocked = s->kind->what == NOBODY_READS;
    s->p.is_held = true;
    program_start(&s->p, s->f);
    script(s);
    program_release(&s->p);
}

static bool call_was_made(const struct scene *s)
{
    return fake_engine_calls(s->f->engine) > s->f->calls + s->o->call;
}

static void sleep_ms(int64_t ms)
{
    clock_real.sleep_ms(&clock_real, ms);
}

/* The signals after the first. */
static void insist(struct scene *s)
{
    while (!call_was_made(s) && !program_has_ended(&s->p))
        sleep_ms(POLL_MS);
    int64_t end = clock_deadline(&clock_real, AGAIN_MS);
    while (clock_left_ms(&clock_real, end) > 0 && !program_has_ended(&s->p))
        sleep_ms(POLL_MS);
    if (s->kind->what == TWICE) /* the engine recovers; the call it has swallowed stays so */
        fake_engine_unscript(s->f->engine);
    if (!program_has_ended(&s->p))
        (void)kill(s->p.pid, s->kind->second);
    if (s->kind->what == LADDER && !program_has_ended(&s->p)) {
        sleep_ms(KILL_MS);
        (void)kill(s->p.pid, SIGKILL);
    }
}

static void play(struct scene *s)
{
    int64_t began = clock_now_ms(&clock_real);

    start(s);
    if (s->kind->what == TWICE || s->kind->what == LADDER)
        insist(s);
    s->o->status = program_wait(&s->p);
    s->o->took_ms = clock_now_ms(&clock_real) - began;
    fake_engine_unscript(s->f->engine);
}

/* ---- judging ---- */

static bool serves(const struct scene *s, const char *version)
{
    AUTO_FREE char *want = version ? xasprintf(SERVES("%s"), version) : NULL;
    AUTO_FREE char *summary = fake_engine_summary(s->f->engine);

    return str_eq(summary, want);
}

/* Nothing was changed by the signal: 128+N; rolled back: 20; it was too late: 0. */
static bool judge_status(struct scene *s)
{
    int status = s->o->status, last = s->kind->second ? s->kind->second : s->kind->first;

    s->o->ends_new = serves(s, s->story->new);
    if (status == 0)
        return s->o->ends_new || broken(s, "status 0, but the new one does not serve");
    if (status == 128 + s->kind->first || status == 128 + last || status == 20)
        return serves(s, s->story->old) ||
               broken(s, "not exactly the old version serves, and the status says so");
    return broken(s, "not a status of the contract");
}

static bool judge_ledger(struct scene *s)
{
    AUTO_FREE char *current = deploy_fixture_current(s->f);
    AUTO_FREE char *env = deploy_fixture_read(s->f, ".env");
    const char *want = s->o->ends_new ? s->story->new : s->story->old;
    AUTO_FREE char *pinned = xasprintf("APP_VERSION=%s\n", want);

    if (!str_eq(current, want))
        return broken(s, "the ledger names another version than serves");
    if (*deploy_fixture_open(s->f))
        return broken(s, "an operation is still open");
    if (!deploy_fixture_is_unlocked(s->f))
        return broken(s, "the lock is held");
    /* v1 was the default: nothing was written for it */
    return str_eq(env ? env : "APP_VERSION=v1\n", pinned) || broken(s, "another version is pinned");
}

static bool judge_json(struct scene *s)
{
    struct ship_error err = {0};
    AUTO_PTR(json_free) struct json *o = json_parse(s->p.out, strlen(s->p.out), "stdout", &err);

    return (o && json_i64(o, "exit_code", s->story->is_prune ? 0 : -1) == s->o->status) ||
           broken(s, "not one object with the exit status on standard output");
}

/* Whole lines, colours that end, a cursor that was never hidden. */
static bool judge_terminal(struct scene *s)
{
    const char *t = s->p.err;
    size_t len = strlen(t);
    bool is_coloured = false;

    if (len == 0 || t[len - 1] != '\n')
        return broken(s, "the terminal is left in the middle of a line");
    for (const char *e = strchr(t, '\033'); e; e = strchr(e + 1, '\033')) {
        size_t n = strspn(e + 2, "0123456789;");
        char end = (char)(e[1] == '[' ? e[2 + n] : '\0');
        if (end == 'm')
            is_coloured = n > 0 && !(n == 1 && e[2] == '0');
        else if (end != 'K')
            return broken(s, "an escape sequence that is neither a colour nor a cleared line");
    }
    return !is_coloured || broken(s, "a colour is left on");
}

/* It says what happened and what to do next. */
static bool judge_words(struct scene *s)
{
    AUTO_FREE char *first = xasprintf("signal %d", s->kind->first);
    AUTO_FREE char *second = xasprintf("signal %d", s->kind->second);
    const char *said = s->p.err;

    if (s->o->status == 0)
        return true;
    if (!strstr(said, "next"))
        return broken(s, "no word of what to do next");
    if (s->story->status == 20 && s->o->status == 20)
        return true; /* failed by itself, perhaps */
    return strstr(said, first) || strstr(said, second) || broken(s, "the signal is not named");
}

static bool is_read(const struct scene *s)
{
    return s->p.err_fd >= 0 && !s->p.is_blocked;
}

static bool judge_output(struct scene *s)
{
    if (!is_read(s) || s->o->status < 0)
        return true;
    if (s->kind->how == JSON && !judge_json(s))
        return false;
    return (s->kind->how != TERMINAL || judge_terminal(s)) && judge_words(s);
}

/* What was in flight is brought to an end by the guardian, or else by the next command. */
static bool judge_in_flight(struct scene *s)
{
    int64_t end = clock_deadline(&clock_real, GUARDIAN_MS);
    int status = s->o->status;

    if (status != 0 && status != 20 && status != 32 && status < 128)
        return broken(s, "not a status of the contract");
    while (s->kind->how != NO_GUARDIAN && !deploy_fixture_is_unlocked(s->f)) {
        if (clock_left_ms(&clock_real, end) == 0)
            return broken(s, "the guardian holds the lock too long");
        sleep_ms(POLL_MS);
    }
    const char *open = deploy_fixture_open(s->f);
    if (s->kind->how != NO_GUARDIAN && status == 32 && *open)
        return broken(s, "the guardian left an operation open");
    if (deploy_fixture_recover(s->f) != 0)
        return broken(s, "recovery failed");
    s->o->ends_new = serves(s, s->story->new);
    return s->o->ends_new || serves(s, s->story->old) ||
           broken(s, "neither exactly the old nor exactly the new version");
}

static bool judge_time(struct scene *s)
{
    int64_t limit = s->kind->what == NOBODY_READS ? BLOCKED_MS : PROMPT_MS;

    return s->o->took_ms <= limit || broken(s, "it took too long");
}

static bool judge(struct scene *s)
{
    if (s->kind->second ? !judge_in_flight(s) : !judge_status(s))
        return false;
    return judge_ledger(s) && judge_output(s) && judge_time(s);
}

/* ---- processes ---- */

static void run_case(struct outcome *o)
{
    struct scene s = {.o = o, .story = &shared->stories[o->story], .kind = &kinds[o->kind]};

    begin(&s);
    play(&s);
    if (judge(&s))
        o->verdict = HOLDS;
    program_done(&s.p);
    deploy_fixture_free(s.f);
}

/* Without a signal: which calls are there? */
static void run_plain(struct outcome *o)
{
    struct story *story = &shared->stories[o->story];
    struct scene s = {.o = o, .story = story, .kind = &kinds[o->kind]};

    begin(&s);
    for (size_t i = 0; i < ROWS(story->args) && story->args[i]; i++)
        add_arg(&s.p, story->args[i]);
    program_start(&s.p, s.f);
    o->status = program_wait(&s.p);
    for (size_t i = s.f->calls; i < fake_engine_calls(s.f->engine); i++) {
        const struct fake_call *c = fake_engine_call(s.f->engine, i);
        if (story->n_calls == CALLS_MAX)
            abort();
        (void)snprintf(story->paths[story->n_calls++], sizeof story->paths[0], "%s %s", c->method,
                       c->path);
    }
    if (o->status != story->status)
        (void)broken(&s, "without a signal");
    program_done(&s.p);
    deploy_fixture_free(s.f);
}

static void run_one(void *c)
{
    struct outcome *o = c;

    (o->call == CALLS_MAX ? run_plain : run_case)(o);
}

static void run_cases(struct outcome *cases, size_t n)
{
    cases_run(cases, n, sizeof *cases, WORKERS, run_one);
}

/* ---- all cases ---- */

/* The blocked ones wait for their deadlines: two of each command say it all. */
static bool is_wanted(const struct story *s, size_t kind, size_t call)
{
    if (kinds[kind].what == NOBODY_READS)
        return call == 0 || call == s->n_calls / 2;
    return cases_are_all() || (call + kind) % (size_t)kinds[kind].every == 0;
}

static size_t plan_cases(size_t story)
{
    const struct story *s = &shared->stories[story];
    size_t n = 0;

    for (size_t kind = 0; kind < ROWS(kinds); kind++)
        for (size_t call = 0; call < s->n_calls; call++)
            if (is_wanted(s, kind, call) && n < CASES_MAX)
                shared->cases[n++] = (struct outcome){.story = story, .kind = kind, .call = call};
    return n;
}

static const struct status_group groups[] = {
    {"0",      0,   0  },
    {"20",     20,  20 },
    {"32",     32,  32 },
    {"128+N",  128, 160},
    {"killed", -64, -1 },
};

static const char *kind_name(size_t kind)
{
    return kinds[kind].name;
}

static void show_table(const struct story *s, const struct outcome *cases, size_t n, size_t bad)
{
    static const struct status_table table = {"at a call", ROWS(kinds), kind_name, groups,
                                              ROWS(groups)};
    AUTO(buf_done) struct buf b = BUF_INIT(TABLE_MAX);
    AUTO_FREE struct status_case *of = xcalloc(n, sizeof *of);
    AUTO_FREE char *name = xasprintf("Signals: %s", s->name);

    for (size_t i = 0; i < n; i++)
        of[i] = (struct status_case){cases[i].kind, cases[i].status, cases[i].ends_new};
    (void)buf_addf(&b, "%zu calls to the engine, %zu cases, broken: %zu.\n\n", s->n_calls, n, bad);
    results_table(&b, &table, of, n);
    results_show(name, b.p);
}

static size_t print_broken(const struct story *s, size_t n)
{
    size_t bad = 0;

    for (size_t i = 0; i < n; i++) {
        const struct outcome *o = &shared->cases[i];
        if (o->verdict == HOLDS)
            continue;
        bad++;
        print_message("BROKEN: %s: %s at call %zu (%s): %s\n", s->name, kinds[o->kind].name,
                      o->call + 1, s->paths[o->call],
                      o->verdict == NOT_RUN ? "the case died" : o->text);
    }
    return bad;
}

static void sweep(size_t story)
{
    struct story *s = &shared->stories[story];
    struct outcome *plain = &shared->cases[0];

    *s = all_stories[story];
    *plain = (struct outcome){.story = story, .call = CALLS_MAX};
    run_cases(plain, 1);
    if (plain->verdict == BROKEN)
        fail_msg("%s", plain->text);
    assert_true(s->n_calls > 3);
    size_t n = plan_cases(story);
    run_cases(shared->cases, n);
    size_t bad = print_broken(s, n);
    show_table(s, shared->cases, n, bad);
    assert_int_equal(bad, 0);
}

static void test_deploy_a_signal_at_any_call_one_version_serves(void **state)
{
    (void)state;
    sweep(0);
}

static void test_deploy_a_signal_while_it_fails_the_old_version_serves(void **state)
{
    (void)state;
    sweep(1);
}

static void test_rollback_a_signal_at_any_call_one_version_serves(void **state)
{
    (void)state;
    sweep(2);
}

static void test_prune_a_signal_at_any_call_what_serves_is_not_touched(void **state)
{
    (void)state;
    sweep(3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_deploy_a_signal_at_any_call_one_version_serves),
        cmocka_unit_test(test_deploy_a_signal_while_it_fails_the_old_version_serves),
        cmocka_unit_test(test_rollback_a_signal_at_any_call_one_version_serves),
        cmocka_unit_test(test_prune_a_signal_at_any_call_what_serves_is_not_touched),
    };

    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
