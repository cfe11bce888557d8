/*
 * Commands that only look, each in a fresh process: wall time and memory, from fork to exit.
 *
 *     bench_cold ROUNDS SHIPCTL PROJECT
 *
 * PROJECT was deployed; its ledger (SHIPCTL_STATE_DIR) is as long as the caller made it.
 */
#include "bench/measure.h"

struct command {
    char *argv[4];
    double wall_ms, peak_mib; /* limits; 0 = for information */
};

static void measure(int rounds, char *shipctl, const struct command *c)
{
    char *argv[] = {shipctl, c->argv[0], c->argv[1], c->argv[2], NULL};
    static struct series wall, cpu, peak;

    wall.n = cpu.n = peak.n = 0;
    for (int i = 0; i < rounds; i++) {
        struct cost cost = run_program(argv, 0);
        series_add(&wall, cost.wall_ms);
        series_add(&cpu, cost.cpu_ms);
        series_add(&peak, (double)cost.peak_kib / 1024);
    }
    AUTO_FREE char *text = xasprintf("CPU %.1f ms", series_median(&cpu));
    AUTO_FREE char *name = xasprintf("%s%s%s", argv[1], argv[2] ? " " : "", argv[2] ? argv[2] : "");
    AUTO_FREE char *cold = xasprintf("%s, cold", name);
    AUTO_FREE char *memory = xasprintf("%s: peak memory", name);
    row(cold, text, series_median(&wall), " ms", c->wall_ms, false);
    row(memory, "resident", series_median(&peak), " MiB", c->peak_mib, false);
}

int main(int argc, char **argv)
{
    static char version[] = "--version", status[] = "status", history[] = "history",
                json[] = "--json", completion[] = "completion", bash[] = "bash";
    const struct command commands[] = {
        {{version},          0,  0 },
        {{completion, bash}, 0,  0 },
        {{status},           15, 12},
        {{history},          15, 12},
        {{history, json},    15, 12},
    };

    if (argc != 4)
        die("usage", "bench_cold ROUNDS SHIPCTL PROJECT");
    int rounds = rounds_argument(argv[1]);
    if (chdir(argv[3]) != 0)
        die(argv[3], strerror(errno));
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        measure(rounds, argv[2], &commands[i]);
    return 0;
}
