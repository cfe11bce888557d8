/* What was injected and how often, for people: printed after a run, appended to RESULTS.md. */
#ifndef TESTS_SIM_RESULTS_H
#define TESTS_SIM_RESULTS_H

#include <stdint.h>
#include <stdio.h>

void results_print(FILE *to);
/* The section "Simulation": this run. */
void results_simulation(const char *path, uint64_t from, uint64_t seeds, int64_t took_ms);

#endif
