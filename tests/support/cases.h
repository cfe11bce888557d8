/* Cases of a matrix, each in a process of its own, several at a time. */
#ifndef TESTS_SUPPORT_CASES_H
#define TESTS_SUPPORT_CASES_H

#include <stdbool.h>
#include <stddef.h>

/* SHIPCTL_TEST_FULL=1: every case, not a sample. */
bool cases_are_all(void);

/*
 * run(case) for each of n cases of `size` bytes, in memory that the caller shares with its
 * children; returns when all have ended. A case that dies leaves what it had written.
 */
void cases_run(void *cases, size_t n, size_t size, size_t at_a_time, void (*run)(void *c));

#endif
