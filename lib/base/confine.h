/*
 * Start a program with limits that posix_spawn can not set: umask 077, no new
 * privileges, no core dumps, at most 1024 descriptors. Used by proc.c for
 * `confined` programs.
 */
#ifndef SHIP_BASE_CONFINE_H
#define SHIP_BASE_CONFINE_H

#include <sys/types.h>

#include "base/proc.h"

#define CONFINE_FILES_MAX 1024

/*
 * Fork and execute spec->argv in its own process group with fds as 0, 1, 2, default signals and
 * nothing else open. Returns 0 with *ret_pid once the program runs, else an errno value (then no
 * process is left).
 */
int confine_spawn(const struct proc_spec *spec, const int fds[3], pid_t *ret_pid);

#endif
