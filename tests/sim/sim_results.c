/* See sim_results.h. */
#include "sim/sim_results.h"

#include <inttypes.h>
#include <stdlib.h>

#include "sim/sim.h"
#include "support/results.h"

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
