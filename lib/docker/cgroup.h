/*
 * What a container uses, read from its control group: for an engine on this
 * machine. The statistics call of Debian 12's engine takes up to a second for
 * each container, also with one-shot=1 (measured); this takes microseconds.
 */
#ifndef SHIP_DOCKER_CGROUP_H
#define SHIP_DOCKER_CGROUP_H

#include <stdint.h>

struct cgroup_usage {
    uint64_t cpu_total_ns; /* since the container started */
    int64_t memory_bytes;  /* without page cache, as `docker stats` counts */
};

/*
 * pid: State.Pid; id: the container's 64 hex digits, which its control group must name (the pid may
 * be of another process namespace). root: where /proc and /sys are, "" on a real machine. 0, or -1
 * when it can not be read from here: then nothing is known, not an error.
 */
int cgroup_usage_read(const char *root, int64_t pid, const char *id, struct cgroup_usage *ret);

#endif
