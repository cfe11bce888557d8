/* See sim_results.h. */
#include "sim/sim_results.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/auto.h"
#include "base/buf.h"
#include "sim/sim.h"

#define TEXT_MAX (1024u * 1024)

static void read_all(const char *path, struct buf *to)
{
    char piece[4096];
    FILE *f = fopen(path, "re");

    for (size_t n = 1; f && n;) {
        n = fread(piece, 1, sizeof piece, f);
        (void)buf_add(to, piece, n);
    }
    if (f)
        (void)fclose(f);
}

void results_section(const char *path, const char *name, const char *body)
{
    AUTO(buf_done) struct buf old = BUF_INIT(TEXT_MAX);
    AUTO_FREE char *head = xasprintf("## %s\n", name);

    read_all(path, &old);
    const char *text = old.p ? old.p : "";
    const char *begin = strstr(text, head);
    const char *after = begin ? strstr(begin + 3, "\n## ") : NULL;
    FILE *f = fopen(path, "we");
    if (f == NULL) {
        perror(path);
        return;
    }
    size_t before = begin ? (size_t)(begin - text) : strlen(text);
    (void)fprintf(f, "%.*s%s%s\n%s%s", (int)before, text, begin || before == 0 ? "" : "\n", head,
                  body, after ? after : "");
    if (fclose(f) != 0)
        perror(path);
}

void results_print(FILE *to)
{
    (void)fprintf(to,
                  "%" PRIu64 " calls of the engine, %" PRIu64 " writes of the ledger, %" PRIu64
                  " faults, %" PRIu64 " of them deaths of the process or the host.\n\n"
                  "| injected | times |\n|---|---:|\n",
                  sim.total.calls, sim.total.writes, sim.total.faults, sim.total.crashes);
    for (int f = 1; f < SIM_STORE_END; f++)
        (void)fprintf(to, "| %s | %" PRIu64 " |\n", sim_fault_name((enum sim_fault)f),
                      sim.total.by_fault[f]);
}

void results_simulation(const char *path, uint64_t from, uint64_t seeds, int64_t took_ms)
{
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);

    if (f == NULL)
        abort();
    (void)fprintf(f,
                  "Seeds %" PRIu64 " to %" PRIu64 ": %" PRIu64 " stories in %" PRId64
                  " s, no invariant broken.\n",
                  from, from + seeds - 1, seeds, took_ms / 1000);
    results_print(f);
    (void)fclose(f);
    results_section(path, "Simulation", text);
    free(text);
}
