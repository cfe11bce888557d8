/*
 * Memory that runs out: the Nth allocation fails, of one kind, once or from then on.
 *
 * Ours, cJSON's and libyaml's end the process by design, so a failing one is a crash at that point.
 * SQLite gets NULL and has to come back with an error.
 */
#ifndef TESTS_SIM_MEMORY_H
#define TESTS_SIM_MEMORY_H

#include <stdbool.h>

enum memory_kind { MEMORY_OURS, MEMORY_SQLITE, MEMORY_YAML, MEMORY_KINDS };

void memory_register(void); /* once, before SQLite is used */
/* From now on count, and fail the one after `at` others; at < 0: none. */
void memory_arm(enum memory_kind kind, long at, bool lasts);
void memory_disarm(void);
/* Allocations of that kind since memory_arm. */
long memory_seen(enum memory_kind kind);
const char *memory_kind_name(enum memory_kind kind);

#endif
