/*
 * The simulation: the deploy core against random stories with random faults, each from one seed.
 *
 *   test_simulation                  the seeds of past bugs, then 250 new ones
 *   test_simulation --count N        that many; SHIPCTL_TEST_FULL=1: 100,000
 *   test_simulation --from SEED      the first seed
 *   test_simulation --jobs N         in so many processes
 *   test_simulation --seconds N      for so long at most
 *   test_simulation --seed SEED [-v] only that one, twice: it has to go the same way
 *   test_simulation --memory         fail allocations one by one; a sample, or all of them
 *   test_simulation --images         the power goes at each change of the ledger; a sample, or all
 *   test_simulation --disk           the disk fails at each call of it; a sample, or all
 *   test_simulation --results FILE   write a section of that table
 *
 * A failure prints one line: seed, step, what broke, and the command that repeats it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/str.h"
#include "sim/disk_errors.h"
#include "sim/images.h"
#include "sim/past_seeds.h"
#include "sim/sim.h"
#include "sim/sim_results.h"
#include "sim/sim_store.h"
#include "sim/sim_story.h"
#include "sim/torture.h"
#include "support/cases.h"

#define COUNT        250
#define COUNT_FULL   100000
#define FAILURES_MAX 10
#define TWICE        100 /* one of so many is played again and has to go the same way */
#define SAMPLE       10  /* of the allocations of a command and kind */
#define IMAGES       300 /* of the images of all commands, about */
#define DISK_ERRORS  37  /* one of so many calls of the disk fails */

static const char *program;

struct job {
    uint64_t from, count, jobs;
    int64_t end_ms; /* 0 = none */
    bool is_single;
    int (*sweep)(struct story *s, bool is_full, const char *results);
    const char *results;
};

/* Seeds are numbers from 1 on; the generator wants all its bits. */
static int play(struct story *s, uint64_t seed)
{
    if (story_play(s, seed) == 0)
        return 0;
    (void)printf("FAILED seed %" PRIu64 " step %u (%s %s): %s; repeat: %s --seed %" PRIu64 " -v\n",
                 seed, s->step, verb_names[s->verb], s->version, sim.broken, program, seed);
    return 1;
}

static int play_twice(struct story *s, uint64_t seed)
{
    int bad = play(s, seed);
    uint64_t trace = sim.trace;

    sim.is_verbose = false;
    bad += play(s, seed);
    if (trace != sim.trace) {
        (void)printf("FAILED seed %" PRIu64 ": the second run went another way\n", seed);
        bad++;
    }
    return bad;
}

static int play_past(struct story *s)
{
    int bad = 0;

    for (size_t i = 0; i < sizeof past_seeds / sizeof *past_seeds; i++)
        bad += play_twice(s, past_seeds[i].seed) > 0;
    (void)printf("%zu seeds of past bugs, %d failed\n", sizeof past_seeds / sizeof *past_seeds,
                 bad);
    return bad;
}

/* Every step-th of the seeds, until `end_ms` of the real clock. */
static int play_range(struct story *s, const struct job *job, uint64_t first, uint64_t *ret_n)
{
    int bad = 0;

    *ret_n = 0;
    for (uint64_t n = first; n < job->count && bad < FAILURES_MAX; n += job->jobs, ++*ret_n) {
        if (job->end_ms && sim_real_ms() > job->end_ms)
            break;
        bad += n % TWICE ? play(s, job->from + n) : play_twice(s, job->from + n);
    }
    return bad;
}

/* ---- several processes ---- */

struct worker {
    pid_t pid;
    int bad;
    uint64_t n; /* seeds played */
    struct sim_total total;
};

static void work(struct worker *w, const struct job *job, uint64_t first)
{
    struct story s;

    story_open(&s);
    w->bad = play_range(&s, job, first, &w->n);
    w->total = sim.total;
    story_close(&s);
}

static void start_worker(struct worker *w, const struct job *job, uint64_t first)
{
    (void)fflush(NULL);
    w->bad = 1;         /* until it says otherwise */
    pid_t pid = fork(); /* *w is shared with the child: only this process writes its pid */
    if (pid < 0)
        abort();
    if (pid == 0) {
        work(w, job, first);
        exit(0);
    }
    w->pid = pid;
}

static void add_total(const struct sim_total *t)
{
    sim.total.calls += t->calls;
    sim.total.writes += t->writes;
    sim.total.crashes += t->crashes;
    sim.total.faults += t->faults;
    sim.total.hidden += t->hidden;
    for (int f = 0; f < SIM_STORE_END; f++)
        sim.total.by_fault[f] += t->by_fault[f];
}

/* A failure of a process (a sanitizer's, say) counts as one of its seeds. */
static int wait_worker(const struct worker *w, uint64_t *n)
{
    int how = 0;

    if (waitpid(w->pid, &how, 0) != w->pid)
        abort();
    add_total(&w->total);
    *n += w->n;
    return w->bad + (how != 0);
}

static int play_parallel(const struct job *job, uint64_t *ret_n)
{
    struct worker *workers = mmap(NULL, job->jobs * sizeof *workers, PROT_READ | PROT_WRITE,
                                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int bad = 0;

    if (workers == MAP_FAILED)
        abort();
    *ret_n = 0;
    for (uint64_t i = 0; i < job->jobs; i++)
        start_worker(&workers[i], job, i);
    for (uint64_t i = 0; i < job->jobs; i++)
        bad += wait_worker(&workers[i], ret_n);
    (void)munmap(workers, job->jobs * sizeof *workers);
    return bad;
}

static int play_new(const struct job *job)
{
    int64_t begin = sim_real_ms();
    uint64_t n;
    int bad = play_parallel(job, &n);
    int64_t took = sim_real_ms() - begin;

    (void)printf("%" PRIu64 " seeds from %" PRIu64 ", %d failed, %" PRId64 " ms\n", n, job->from,
                 bad, took);
    results_print(stdout);
    if (sim.total.hidden == 0)
        (void)printf("FAILED: no text had a secret to hide\n");
    if (job->results && bad == 0)
        results_simulation(job->results, job->from, n, took);
    return bad + (sim.total.hidden == 0);
}

static bool number(const char *text, uint64_t *ret)
{
    char *end = NULL;

    if (text == NULL)
        return false;
    *ret = strtoull(text, &end, 10);
    return *text && *end == '\0';
}

/* ---- sweeps ---- */

static int sweep_memory(struct story *s, bool is_full, const char *results)
{
    return torture(s, is_full ? 0 : SAMPLE, results);
}

static int sweep_images(struct story *s, bool is_full, const char *results)
{
    return images(s, is_full ? 0 : IMAGES, results);
}

static int sweep_disk(struct story *s, bool is_full, const char *results)
{
    return disk_errors(s, is_full ? 1 : DISK_ERRORS, results);
}

static const struct {
    const char *option;
    int (*sweep)(struct story *s, bool is_full, const char *results);
} sweeps[] = {
    {"--memory", sweep_memory},
    {"--images", sweep_images},
    {"--disk",   sweep_disk  },
};

static bool take_sweep(struct job *job, const char *option)
{
    for (size_t i = 0; i < sizeof sweeps / sizeof *sweeps; i++)
        if (str_eq(option, sweeps[i].option)) {
            job->sweep = sweeps[i].sweep;
            return true;
        }
    return false;
}

/* true when there is such an option and its value is one. */
static bool take_value(struct job *job, const char *name, const char *value)
{
    uint64_t seconds = 0;
    const struct {
        const char *name;
        uint64_t *to;
    } numbers[] = {
        {"--count",   &job->count},
        {"--from",    &job->from },
        {"--jobs",    &job->jobs },
        {"--seed",    &job->from },
        {"--seconds", &seconds   },
    };

    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (str_eq(name, numbers[i].name) && number(value, numbers[i].to)) {
            job->is_single = job->is_single || str_eq(name, "--seed");
            job->end_ms = seconds ? sim_real_ms() + (int64_t)seconds * 1000 : job->end_ms;
            return job->jobs > 0;
        }
    if (!str_eq(name, "--results"))
        return false;
    job->results = value;
    return true;
}

static bool parse(int argc, char **argv, struct job *job)
{
    for (int i = 1; i < argc; i++) {
        if (str_eq(argv[i], "-v"))
            sim.is_verbose = true;
        else if (take_sweep(job, argv[i]))
            continue;
        else if (i + 1 == argc || !take_value(job, argv[i], argv[i + 1]))
            return false;
        else
            i++;
    }
    return true;
}

int main(int argc, char **argv)
{
    bool is_full = cases_are_all();
    struct job job = {.from = 1, .jobs = 1, .count = is_full ? COUNT_FULL : COUNT};
    struct story s;

    program = argv[0];
    if (!parse(argc, argv, &job)) {
        (void)fprintf(stderr,
                      "usage: %s [--count N] [--from SEED] [--jobs N] [--seconds N] "
                      "[--seed SEED] [-v] [--memory | --images | --disk] [--results FILE]\n",
                      argv[0]);
        return 2;
    }
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    memory_register();
    store_register();
    story_open(&s);
    int bad = job.sweep       ? job.sweep(&s, is_full, job.results)
              : job.is_single ? play_twice(&s, job.from)
                              : play_past(&s);
    story_close(&s);
    if (!job.sweep && !job.is_single)
        bad += play_new(&job);
    return bad ? 1 : 0;
}
