/* See kill_family.h.  Needs the C library only: it is a part of a preloaded library too. */
#include "support/kill_family.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void kill_children(pid_t pid)
{
    char path[64], children[512] = "";

    (void)snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)pid, (int)pid);
    FILE *list = fopen(path, "re");
    if (!list)
        return;
    if (!fgets(children, sizeof children, list))
        children[0] = '\0';
    (void)fclose(list);
    char *next = children;
    for (long child = strtol(next, &next, 10); child > 1; child = strtol(next, &next, 10))
        (void)kill((pid_t)child, SIGKILL);
}

void kill_family(pid_t pid, bool with_children)
{
    if (pid != getpid())
        (void)kill(pid, SIGSTOP); /* it starts no more of them */
    if (with_children)
        kill_children(pid);
    (void)kill(pid, SIGKILL);
}
