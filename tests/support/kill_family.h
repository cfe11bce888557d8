/* Kills a program of the tests, alone or together with the processes it has started. */
#ifndef TESTS_SUPPORT_KILL_FAMILY_H
#define TESTS_SUPPORT_KILL_FAMILY_H

#include <stdbool.h>
#include <sys/types.h>

/* with_children: they die first, so that the guardian never sees its parent die. */
void kill_family(pid_t pid, bool with_children);

#endif
