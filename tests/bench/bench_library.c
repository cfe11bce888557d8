/*
 * Pure work of the library: scanning a log for ERROR, loading a Compose file of 50 services, and
 * filling a ledger for the other programs.
 *
 *     bench_library ROUNDS                        scan and load
 *     bench_library ledger DIRECTORY APP ROWS     a ledger with so many deployments of APP
 */
#include "bench/measure.h"
#include "bench/rows.h"
#include "check/scan.h"
#include "compose/compose.h"
#include "yaml/node.h"

#define LOG_BYTES (64u * 1024 * 1024)
#define CHUNK     65536
#define SERVICES  50

/* ---- the log ---- */

static void count_line(void *ctx, const char *text)
{
    int *n = ctx;

    (void)text;
    (*n)++;
}

/* Lines of an access log; one in a thousand has the word. */
static char *make_log(int *ret_hits)
{
    char *log = xmalloc(LOG_BYTES + 256);
    size_t len = 0;

    *ret_hits = 0;
    for (int i = 0; len < LOG_BYTES; i++) {
        bool hit = i % 1000 == 999;
        len += (size_t)snprintf(log + len, 256,
                                "2026-01-01T00:00:00Z %s request %d GET /orders/%d?page=2 200 "
                                "in 12 ms from 192.0.2.7 \"a browser\"\n",
                                hit ? "ERROR" : "INFO", i, i);
        *ret_hits += hit;
    }
    log[LOG_BYTES] = '\0';
    return log;
}

static void measure_scan(int rounds)
{
    static struct series rate;
    char word[] = "ERROR";
    struct scan_pattern pattern = {.word = word, .len = strlen(word)};
    struct scan_patterns deny = {.items = &pattern, .n = 1, .longest = pattern.len}, allow = {0};
    int hits;
    AUTO_FREE char *log = make_log(&hits);

    for (int i = 0; i < rounds; i++) {
        int found = 0;
        struct scan scan = {.deny = &deny, .allow = &allow, .found = count_line, .ctx = &found};
        double begin = now_ms();
        for (size_t at = 0; at < LOG_BYTES; at += CHUNK)
            scan_feed(&scan, 0, log + at, CHUNK);
        scan_finish(&scan);
        series_add(&rate, LOG_BYTES / 1e3 / (now_ms() - begin));
        scan_done(&scan);
        if (found < hits - 1 || found > hits)
            die("scan", "wrong number of lines");
    }
    row("log scan for ERROR", "64 MiB, one hit in 1000 lines", series_median(&rate), " MB/s", 300,
        true);
}

/* ---- the Compose file ---- */

static void make_compose(const char *dir)
{
    AUTO_FREE char *path = xasprintf("%s/docker-compose.yml", dir);
    FILE *f = fopen(path, "we");

    if (f == NULL)
        die(path, strerror(errno));
    (void)fprintf(f, "services:\n");
    for (int i = 0; i < SERVICES; i++)
        (void)fprintf(f,
                      "  s%d:\n    image: registry.example.com/s%d:${V:-v1.0.0}\n"
                      "    ports: [\"%d:8080\"]\n    restart: always\n"
                      "    environment: [DB_HOST=db, DB_PORT=5432, \"KEY=${K:-x}\", LOG=info]\n"
                      "    healthcheck: {test: [CMD, /app, probe], interval: 10s, retries: 3}\n"
                      "    volumes: [\"./data%d:/data\", \"v%d:/state\"]\n"
                      "    deploy: {resources: {limits: {memory: 256M}}}\n%s%d%s",
                      i, i, 10000 + i, i, i, i ? "    depends_on: [s" : "    # ", i ? i - 1 : 0,
                      i ? "]\n" : "\n");
    (void)fprintf(f, "volumes:\n");
    for (int i = 0; i < SERVICES; i++)
        (void)fprintf(f, "  v%d: {}\n", i);
    (void)fclose(f);
}

static void measure_load(int rounds)
{
    static struct series ms;
    char dir[] = "/tmp/bench-compose-XXXXXX";
    const char *environ_empty[] = {NULL};
    struct compose_options options = {.dir = dir, .environ = environ_empty};

    if (mkdtemp(dir) == NULL)
        die(dir, strerror(errno));
    make_compose(dir);
    for (int i = 0; i < rounds; i++) {
        struct yaml_problems problems = {0};
        struct ship_error err = {0};
        double begin = now_ms();
        struct compose_project *p = compose_load(&options, &problems, &err);
        series_add(&ms, now_ms() - begin);
        if (p == NULL || compose_services(p) != SERVICES)
            die("compose_load", err.msg);
        compose_free(p);
        yaml_problems_done(&problems);
    }
    row("load a Compose file of 50 services", "in one process", series_median(&ms), " ms", 5,
        false);
    AUTO_FREE char *path = xasprintf("%s/docker-compose.yml", dir);
    (void)unlink(path);
    (void)rmdir(dir);
}

/* ---- the ledger ---- */

static int fill_ledger(const char *dir, const char *app, const char *rows)
{
    struct ship_error err = {0};
    struct ledger *l = ledger_open(dir, LEDGER_WRITE, &err);

    if (l == NULL)
        die(dir, err.msg);
    AUTO_FREE char *path = xstrdup(ledger_path(l));
    ledger_close(l);
    make_rows(path, app, strtoll(rows, NULL, 10));
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 5 && strcmp(argv[1], "ledger") == 0)
        return fill_ledger(argv[2], argv[3], argv[4]);
    if (argc != 2)
        die("usage", "bench_library ROUNDS | bench_library ledger DIRECTORY APP ROWS");
    int rounds = rounds_argument(argv[1]);
    measure_scan(rounds);
    measure_load(rounds);
    return 0;
}
