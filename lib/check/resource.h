/*
 * Reading /proc for the resource check: text to numbers, for tests as well.
 */
#ifndef SHIP_CHECK_RESOURCE_H
#define SHIP_CHECK_RESOURCE_H

#include <stdint.h>

/* Percent of memory in use (total minus available) from the text of /proc/meminfo; -1: not there.
 */
double resource_memory_percent(const char *meminfo);

/* Jiffies of all CPUs from the first line of /proc/stat. 0, or -1 when it is not there. */
struct resource_cpu {
    uint64_t busy, total;
};
int resource_cpu_sample(const char *stat, struct resource_cpu *ret);

/* Percent busy between two samples; -1 when no time has passed. */
double resource_cpu_percent(const struct resource_cpu *before, const struct resource_cpu *after);

#endif
