/*
 * The ledger's files in memory: a VFS for SQLite. They outlive the simulated process; a power loss
 * drops a random part of what was not synced.
 */
#ifndef TESTS_SIM_STORE_H
#define TESTS_SIM_STORE_H

#include <stdbool.h>

void store_register(void); /* once: becomes SQLite's default */
void store_reset(void);    /* no files */
/* The process dies: what the files hold now is what the next one finds. */
void store_crash(bool is_power);
/* The ghost has ended: take back what it wrote. */
void store_revive(void);

#endif
