/*
 * What the benchmark programs share: a clock, medians, children with their own resource usage, and
 * the one form in which a figure is printed.
 *
 * A row is "what | measured | against | ratio or value | limit | PASS/MISS". Ends the program when
 * something cannot be measured: a wrong figure is worse than none.
 */
#ifndef TESTS_BENCH_MEASURE_H
#define TESTS_BENCH_MEASURE_H

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/auto.h"

#define ROUNDS_MAX 1000

struct series {
    double v[ROUNDS_MAX];
    int n;
};

static inline void die(const char *what, const char *why)
{
    (void)fprintf(stderr, "bench: %s: %s\n", what, why);
    exit(1);
}

static inline double now_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static inline void series_add(struct series *s, double v)
{
    if (s->n == ROUNDS_MAX)
        die("series", "too many rounds");
    s->v[s->n++] = v;
}

static inline int series_compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static inline double series_median(struct series *s)
{
    if (s->n == 0)
        return 0;
    qsort(s->v, (size_t)s->n, sizeof s->v[0], series_compare);
    return s->n % 2 ? s->v[s->n / 2] : (s->v[s->n / 2 - 1] + s->v[s->n / 2]) / 2;
}

/* Median of pairwise ratios a/b: both were measured under the same load, one after the other. */
static inline double series_ratio(const struct series *a, const struct series *b)
{
    static struct series r;

    r.n = 0;
    for (int i = 0; i < a->n && i < b->n; i++)
        series_add(&r, a->v[i] / b->v[i]);
    return series_median(&r);
}

/* ---- children ---- */

struct cost {
    double wall_ms, cpu_ms;
    long peak_kib;
};

static inline void quiet(void)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    (void)dup2(null, 0);
    (void)dup2(null, 1);
    (void)dup2(null, 2);
}

/* Run a program to its end; any other exit code than `expect` ends the benchmark. */
static inline struct cost run_program(char *const argv[], int expect)
{
    struct rusage usage;
    int status;
    double begin = now_ms();
    pid_t pid = fork();

    if (pid == 0) {
        quiet();
        (void)execv(argv[0], argv);
        _exit(127);
    }
    if (pid < 0 || wait4(pid, &status, 0, &usage) != pid)
        die(argv[0], strerror(errno));
    double wall = now_ms() - begin;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != expect) {
        (void)fprintf(stderr, "bench: %s %s ended with status %d\n", argv[0],
                      argv[1] ? argv[1] : "", status);
        exit(1);
    }
    return (struct cost){
        .wall_ms = wall,
        .cpu_ms = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e3 +
                  (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e3,
        .peak_kib = usage.ru_maxrss,
    };
}

/* ---- rows ---- */

/* limit 0: for information. at_least: more is better. */
static inline void row(const char *what, const char *measured, double value, const char *unit,
                       double limit, bool at_least)
{
    const char *verdict = "";
    AUTO_FREE char *bound = NULL;

    if (limit > 0) {
        verdict = (at_least ? value >= limit : value <= limit) ? "PASS" : "MISS";
        bound = xasprintf("%s %.*f%s", at_least ? ">=" : "<=", limit < 10 ? 2 : 0, limit, unit);
    }
    (void)printf("| %s | %s | %.*f%s | %s | %s |\n", what, measured, value < 10 ? 2 : 1, value,
                 unit, bound ? bound : "", verdict);
    (void)fflush(stdout);
}

/* A ratio of two series, with both medians. */
static inline void row_ratio(const char *what, struct series *a, struct series *b, double limit)
{
    double ratio = series_ratio(a, b);
    AUTO_FREE char *text = xasprintf("%.1f ms / %.1f ms", series_median(a), series_median(b));

    row(what, text, ratio, " x", limit, false);
}

static inline int rounds_argument(const char *text)
{
    long n = strtol(text, NULL, 10);

    if (n < 1 || n > ROUNDS_MAX)
        die(text, "rounds must be 1 to 1000");
    return (int)n;
}

#endif
