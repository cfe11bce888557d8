/*
 * Sockets of this network namespace and the processes that own them.
 *
 * /proc/net/tcp names sockets by inode; the owner is the process with a
 * descriptor "socket:[inode]". Without root the descriptors of others are
 * hidden: then the port is known to be held, its holder is not.
 */
#include "check/holder.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/auto.h"
#include "base/str.h"

#define STATE_LISTEN 0x0a
#define LINES_MAX    200000

/* The kernel prints an address as 32-bit words of host byte order in hex. */
static bool parse_address(const char *hex, size_t len, uint8_t out[16])
{
    for (size_t word = 0; word < len / 8; word++) {
        char digits[9] = {0};
        unsigned value;

        memcpy(digits, hex + word * 8, 8);
        /* NOLINTNEXTLINE(cert-err34-c): eight hex digits of the kernel fit */
        if (sscanf(digits, "%8x", &value) != 1)
            return false;
        memcpy(out + word * 4, &value, sizeof value);
    }
    return true;
}

static bool is_any(const uint8_t *address, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (address[i] != 0)
            return false;
    return true;
}

/* Would binding `want` collide with a socket bound to `have`? */
static bool overlaps(const char *want, const uint8_t *have, size_t len)
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    uint8_t v4[4], v6[16];

    if (is_any(have, len) || str_empty(want) || str_eq(want, "0.0.0.0") || str_eq(want, "::"))
        return true;
    if (inet_pton(AF_INET, want, v4) == 1) {
        if (len == 4)
            return memcmp(v4, have, 4) == 0;
        return memcmp(have, mapped, 12) == 0 && memcmp(v4, have + 12, 4) == 0;
    }
    return len == 16 && inet_pton(AF_INET6, want, v6) == 1 && memcmp(v6, have, 16) == 0;
}

bool holder_line_holds(const char *line, bool tcp, const char *address, int64_t port,
                       uint64_t *ret_inode)
{
    char local[33];
    unsigned local_port, state;
    uint8_t bytes[16] = {0};
    uint64_t inode;
    size_t len;

    /* NOLINTNEXTLINE(cert-err34-c): numbers of the kernel fit */
    if (sscanf(line,
               " %*d: %32[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %x %*x:%*x %*x:%*x %*x %*u %*d %" SCNu64,
               local, &local_port, &state, &inode) != 4)
        return false;
    len = strlen(local);
    if ((len != 8 && len != 32) || !parse_address(local, len, bytes))
        return false;
    if (local_port != (unsigned)port || (tcp && state != STATE_LISTEN))
        return false;
    if (!overlaps(address, bytes, len / 2))
        return false;
    *ret_inode = inode;
    return true;
}

static enum holder_result scan_table(const char *path, bool tcp, const char *address, int64_t port,
                                     uint64_t *ret_inode)
{
    FILE *f = fopen(path, "re");
    enum holder_result result = HOLDER_NONE;
    char line[512];

    if (!f)
        return HOLDER_UNREADABLE;
    for (size_t n = 0; n < LINES_MAX && result == HOLDER_NONE && fgets(line, sizeof line, f); n++)
        if (holder_line_holds(line, tcp, address, port, ret_inode))
            result = HOLDER_FOUND;
    (void)fclose(f);
    return result;
}

static bool process_owns(int proc_fd, const char *pid, const char *socket_name)
{
    char path[288], link[64];
    struct dirent *entry;
    bool found = false;
    DIR *fds;
    int fd;

    (void)snprintf(path, sizeof path, "%s/fd", pid);
    fd = openat(proc_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    fds = fd >= 0 ? fdopendir(fd) : NULL;
    if (!fds)
        return false;
    while (!found && (entry = readdir(fds))) {
        ssize_t n = readlinkat(dirfd(fds), entry->d_name, link, sizeof link - 1);

        link[n > 0 ? n : 0] = '\0';
        found = strcmp(link, socket_name) == 0;
    }
    (void)closedir(fds);
    return found;
}

static void name_process(const char *pid, char *ret_name, size_t cap)
{
    char path[288], comm[64] = "";
    FILE *f;

    (void)snprintf(path, sizeof path, "/proc/%s/comm", pid);
    f = fopen(path, "re");
    if (f) {
        if (fgets(comm, sizeof comm, f))
            comm[strcspn(comm, "\n")] = '\0';
        (void)fclose(f);
    }
    (void)snprintf(ret_name, cap, "%s (pid %s)", comm[0] ? comm : "process", pid);
}

static void find_owner(uint64_t inode, char *ret_name, size_t cap)
{
    DIR *proc = opendir("/proc");
    struct dirent *entry;
    char socket_name[64];
    bool found = false;

    (void)snprintf(socket_name, sizeof socket_name, "socket:[%" PRIu64 "]", inode);
    (void)snprintf(ret_name, cap, "another process");
    if (!proc)
        return;
    while (!found && (entry = readdir(proc))) {
        if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
            continue;
        found = process_owns(dirfd(proc), entry->d_name, socket_name);
        if (found)
            name_process(entry->d_name, ret_name, cap);
    }
    (void)closedir(proc);
}

enum holder_result holder_find(bool tcp, const char *address, int64_t port, char *ret_name,
                               size_t cap)
{
    static const char *const tables[2][2] = {
        {"/proc/net/udp", "/proc/net/udp6"},
        {"/proc/net/tcp", "/proc/net/tcp6"}
    };
    enum holder_result result = HOLDER_NONE;
    uint64_t inode = 0;

    for (size_t i = 0; i < 2 && result != HOLDER_FOUND; i++) {
        enum holder_result one = scan_table(tables[tcp][i], tcp, address, port, &inode);

        /* Without IPv6 in the kernel there is no second table; the first one must be there. */
        if (one == HOLDER_FOUND || i == 0)
            result = one;
    }
    if (result == HOLDER_FOUND)
        find_owner(inode, ret_name, cap);
    return result;
}
