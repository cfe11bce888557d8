/*
 * The disk under the ledger fails: at every call of it, once or from there on, with every error a
 * disk has. The command says so, and the engine is put right with or without a ledger.
 */
#ifndef TESTS_SIM_DISK_ERRORS_H
#define TESTS_SIM_DISK_ERRORS_H

#include "sim/sim_story.h"

/* One of `stride` calls of each command fails. Returns how many of these broke something. */
int disk_errors(struct story *s, size_t stride, const char *results);

#endif
