/*
 * What the ledger costs: a commit, and the questions of status and history, cold (open, ask,
 * close) with many deployments.
 *
 *     bench_ledger [DEPLOYMENTS] [DIRECTORY]     defaults: 10000, /dev/shm
 *
 * Prints medians and 99th percentiles in ms and the size of the file. Rows are made with one SQL
 * statement: writing a million durable transactions would measure the disk for a quarter of an
 * hour.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/str.h"
#include "bench/rows.h"

#define ROUNDS 200

static double now_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void report(const char *what, double *ms)
{
    qsort(ms, ROUNDS, sizeof *ms, compare);
    (void)printf("%-36s median %7.3f ms   p99 %7.3f ms\n", what, ms[ROUNDS / 2],
                 ms[ROUNDS * 99 / 100]);
}

static void ask_status(struct ledger *l)
{
    struct ledger_deployment current = {0}, open = {0};
    struct ledger_services services = {0};
    struct ledger_deployments targets = {0};
    struct ledger_query q = {
        .app = "shop", .environment = "production", .targets_only = true, .limit = 2};
    struct ship_error err = {0};

    fixture_must(ledger_current(l, "shop", "production", &current, &err) == 0, "current", &err);
    fixture_must(ledger_open_operation(l, "shop", "production", &open, &err) == 1, "open", &err);
    MUST(ledger_services_read(l, current.id, &services, &err), &err);
    MUST(ledger_list(l, &q, &targets, &err), &err);
    ledger_services_done(&services);
    ledger_deployments_done(&targets);
    ledger_deployment_done(&current);
}

static void ask_list(struct ledger *l, bool failed_only)
{
    struct ledger_query q = {
        .app = "shop", .environment = "production", .failed_only = failed_only, .limit = 20};
    struct ledger_deployments list = {0};
    struct ship_error err = {0};

    MUST(ledger_list(l, &q, &list, &err), &err);
    fixture_must(list.n == 20, "20 rows", NULL);
    ledger_deployments_done(&list);
}

static void ask_history(struct ledger *l)
{
    ask_list(l, false);
}

static void ask_failed(struct ledger *l)
{
    ask_list(l, true);
}

static void ask_images(struct ledger *l)
{
    struct ledger_images images = {0};
    struct ship_error err = {0};

    MUST(ledger_images_read(l, &images, &err), &err);
    fixture_must(images.n == 3, "3 images", NULL);
    ledger_images_done(&images);
}

static void ask_nothing(struct ledger *l)
{
    (void)l;
}

static void measure_cold(const char *dir, const char *what, void (*ask)(struct ledger *l))
{
    static double ms[ROUNDS];

    for (int i = 0; i < ROUNDS; i++) {
        struct ship_error err = {0};
        double start = now_ms();
        struct ledger *l = ledger_open(dir, LEDGER_READ, &err);

        fixture_must(l != NULL, "open", &err);
        ask(l);
        ledger_close(l);
        ms[i] = now_ms() - start;
    }
    report(what, ms);
}

static void measure_writes(const char *dir)
{
    static double begin[ROUNDS], state[ROUNDS], intent[ROUNDS], commit[ROUNDS];
    char kind[] = "stop";
    struct ship_error err = {0};
    struct ledger *l = ledger_open(dir, LEDGER_WRITE, &err);

    fixture_must(l != NULL, "open", &err);
    for (int i = 0; i < ROUNDS; i++) {
        struct ledger_end end = fixture_end(LEDGER_CLEANED, "succeeded", 0);
        struct ledger_journal j = {.kind = kind};
        double t0 = now_ms(), t1, t2, t3;
        int64_t id = fixture_begin(l, "v2");

        t1 = now_ms();
        MUST(ledger_set_state(l, id, LEDGER_SWITCHING, "stop", &err), &err);
        t2 = now_ms();
        MUST(ledger_intent(l, id, &j, &err), &err);
        t3 = now_ms();
        MUST(ledger_commit(l, id, 1, 1, &err), &err);
        commit[i] = now_ms() - t3;
        begin[i] = t1 - t0;
        state[i] = t2 - t1;
        intent[i] = t3 - t2;
        MUST(ledger_end(l, id, &end, &err), &err);
    }
    ledger_close(l);
    report("begin (row, audit)", begin);
    report("set_state", state);
    report("intent", intent);
    report("commit point", commit);
}

int main(int argc, char **argv)
{
    int64_t n = 10000;
    struct ship_error err = {0};
    struct fixture *f = NULL;
    struct rusage usage;
    struct stat st;
    void *state = NULL;

    if (argc > 1 && (str_to_i64(argv[1], &n) || n < 100)) {
        (void)fprintf(stderr, "usage: bench_ledger [DEPLOYMENTS >= 100] [DIRECTORY]\n");
        return 2;
    }
    if (argc > 2)
        (void)setenv("LEDGER_FIXTURE_DIR", argv[2], 1);
    fixture_must(fixture_setup(&state) == 0, "set up", &err);
    f = state;
    ledger_close(f->l);
    f->l = NULL;
    make_rows(f->path, "shop", n);
    fixture_must(stat(f->path, &st) == 0, "stat", NULL);
    (void)printf("%lld deployments, %.1f MB in %s\n", (long long)n, (double)st.st_size / 1e6,
                 f->dir);
    measure_cold(f->dir, "open and close", ask_nothing);
    measure_cold(f->dir, "status: current, open, services", ask_status);
    measure_cold(f->dir, "history -n 20", ask_history);
    measure_cold(f->dir, "history -n 20 --failed", ask_failed);
    measure_cold(f->dir, "images in use", ask_images);
    (void)getrusage(RUSAGE_SELF, &usage);
    measure_writes(f->dir);
    (void)printf("peak memory %ld KiB (rows are made in this process)\n", usage.ru_maxrss);
    return fixture_teardown(&state);
}
