/*
 * Control groups, version 2 ("0::/path") and version 1 ("4:memory:/path", "7:cpu,cpuacct:/path";
 * contract: cgroup.h).
 */
#include "docker/cgroup.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/auto.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/str.h"

#define FILE_MAX ((size_t)64 * 1024)

/* The file's text, or NULL. Heap. */
static char *read_text(const char *path)
{
    struct buf text = BUF_INIT(FILE_MAX);
    struct ship_error ignored = {0};

    /* files of /proc have no size: file_read() copes, it reads to the end */
    if (file_read(path, &text, &ignored) < 0) {
        buf_done(&text);
        return NULL;
    }
    return buf_steal(&text);
}

static int read_number(const char *dir, const char *file, int64_t *ret)
{
    AUTO_FREE char *path = xasprintf("%s/%s", dir, file);
    AUTO_FREE char *text = read_text(path);

    if (!text)
        return -1;
    text[strcspn(text, "\n")] = '\0';
    return str_to_i64(text, ret);
}

/* Number behind "key " at the start of a line. */
static int read_field(const char *dir, const char *file, const char *key, int64_t *ret)
{
    AUTO_FREE char *path = xasprintf("%s/%s", dir, file);
    AUTO_FREE char *text = read_text(path);
    char *rest = text, *line;
    size_t len = strlen(key);

    while (rest && (line = strsep(&rest, "\n")))
        if (strncmp(line, key, len) == 0 && line[len] == ' ')
            return str_to_i64(line + len + 1, ret);
    return -1;
}

/* Is this controller one of "cpu,cpuacct"? */
static int lists(const char *controllers, size_t len, const char *name)
{
    size_t n = strlen(name);

    for (size_t i = 0; i + n <= len; i++)
        if ((i == 0 || controllers[i - 1] == ',') && strncmp(controllers + i, name, n) == 0 &&
            (i + n == len || controllers[i + n] == ','))
            return 1;
    return 0;
}

/* Folder of a controller ("" = version 2) below the mount point, or NULL. groups is eaten. */
static char *find_dir(const char *root, char *groups, const char *controller, const char *id)
{
    char *line;

    while (groups && (line = strsep(&groups, "\n"))) {
        char *names = strchr(line, ':'), *path = names ? strchr(names + 1, ':') : NULL;

        if (!path || !strstr(path, id) || strstr(path, ".."))
            continue;
        size_t len = (size_t)(path - names - 1);
        if (controller[0] ? lists(names + 1, len, controller) : len == 0)
            return xasprintf("%s/sys/fs/cgroup%s%s%s", root, controller[0] ? "/" : "", controller,
                             path + 1);
    }
    return NULL;
}

static int less_cache(int64_t usage, int64_t cache, int64_t *ret)
{
    *ret = cache < usage ? usage - cache : usage;
    return 0;
}

static int read_v2(const char *dir, struct cgroup_usage *ret)
{
    int64_t usec, usage, cache = 0;

    if (read_field(dir, "cpu.stat", "usage_usec", &usec) < 0 || usec < 0 ||
        read_number(dir, "memory.current", &usage) < 0)
        return -1;
    (void)read_field(dir, "memory.stat", "inactive_file", &cache);
    ret->cpu_total_ns = (uint64_t)usec * 1000;
    return less_cache(usage, cache, &ret->memory_bytes);
}

static int read_v1(const char *cpu_dir, const char *memory_dir, struct cgroup_usage *ret)
{
    int64_t ns, usage, cache = 0;

    if (read_number(cpu_dir, "cpuacct.usage", &ns) < 0 || ns < 0 ||
        read_number(memory_dir, "memory.usage_in_bytes", &usage) < 0)
        return -1;
    (void)read_field(memory_dir, "memory.stat", "total_inactive_file", &cache);
    ret->cpu_total_ns = (uint64_t)ns;
    return less_cache(usage, cache, &ret->memory_bytes);
}

int cgroup_usage_read(const char *root, int64_t pid, const char *id, struct cgroup_usage *ret)
{
    AUTO_FREE char *path = xasprintf("%s/proc/%lld/cgroup", root, (long long)pid);
    AUTO_FREE char *groups = pid > 0 && id[0] ? read_text(path) : NULL;

    if (!groups)
        return -1;
    AUTO_FREE char *copy = xstrdup(groups), *again = xstrdup(groups);
    AUTO_FREE char *unified = find_dir(root, copy, "", id);
    if (unified && read_v2(unified, ret) == 0)
        return 0;
    AUTO_FREE char *cpu = find_dir(root, again, "cpuacct", id);
    AUTO_FREE char *memory = find_dir(root, groups, "memory", id);
    return cpu && memory ? read_v1(cpu, memory, ret) : -1;
}
