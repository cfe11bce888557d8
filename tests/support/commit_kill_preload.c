/*
 * A preloaded library that kills the program at one of its commits to the ledger.
 *
 *   LD_PRELOAD=commit_kill.so COMMIT_KILL=before:12 COMMIT_OUT=FILE program...
 *
 * COMMIT_KILL is before:N or after:N, with :family for its children too; N 0 counts only. OUT gets
 * a line "N commit" for each commit of the first process and "fired" when it was killed. A commit
 * syncs the ledger and then, when the journal's header is void, the journal: "before" dies before
 * the first (the transaction is to be absent), "after" dies after the second (it is to be whole).
 * What can go wrong: another journal mode syncs differently; then nothing is fired.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/kill_family.h"

static pid_t first;
static unsigned commits, wanted;
static bool is_after, with_children, is_armed;

__attribute__((constructor)) static void configure(void)
{
    const char *how = getenv("COMMIT_KILL");
    const char *number = how ? strchr(how, ':') : NULL;

    if (!number)
        return;
    first = getpid();
    is_after = strncmp(how, "after", strlen("after")) == 0;
    wanted = (unsigned)strtoul(number + 1, NULL, 10);
    with_children = strstr(number, ":family") != NULL;
}

static bool is_file(int fd, const char *name)
{
    char link[64], path[4096];

    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    if (n < 0)
        return false;
    path[n] = '\0';
    const char *base = strrchr(path, '/');
    return base && strcmp(base + 1, name) == 0;
}

static void say(unsigned number, const char *text)
{
    const char *path = getenv("COMMIT_OUT");
    int out = path ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;

    if (out < 0)
        return;
    if (number > 0)
        (void)dprintf(out, "%u %s\n", number, text);
    else
        (void)dprintf(out, "%s\n", text);
    (void)close(out);
}

static void die(void)
{
    say(0, "fired");
    kill_family(getpid(), with_children);
    for (;;)
        (void)pause();
}

static void before_sync(int fd)
{
    if (!is_file(fd, "ledger.db"))
        return;
    say(++commits, "commit");
    if (commits == wanted && !is_after)
        die();
    is_armed = commits == wanted;
}

static int sync_as(const char *symbol, int fd)
{
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, symbol);
    bool is_ours = getpid() == first;

    if (is_ours)
        before_sync(fd);
    int rc = real(fd);
    if (is_ours && is_armed && is_file(fd, "ledger.db-journal"))
        die();
    return rc;
}

/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name): the C library's are reserved */
__attribute__((visibility("default"))) int fsync(int fd)
{
    return sync_as("fsync", fd);
}

__attribute__((visibility("default"))) int fdatasync(int fd)
{
    return sync_as("fdatasync", fd);
}
/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */
