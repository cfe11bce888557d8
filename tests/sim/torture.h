/* Every allocation fails once: all commands, all kinds of allocation. */
#ifndef TESTS_SIM_TORTURE_H
#define TESTS_SIM_TORTURE_H

#include "sim/sim_story.h"

/* About `sample` cases a command and kind, 0 = all. Returns the number of failures. */
int torture(struct story *s, long sample, const char *results);

#endif
