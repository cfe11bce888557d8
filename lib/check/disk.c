/*
 * disk: enough free space where the engine keeps its data.
 *
 * Reads statvfs of `path` (default: the engine's data root, relative paths
 * start at the plan). Free means usable without root's reserve.
 * FAIL: less than min_free, or fewer than min_free_inodes inodes.
 * UNKNOWN: the path can not be looked at (remote engine, not permitted).
 */
#include <errno.h>
#include <string.h>
#include <sys/statvfs.h>

#include "check/support.h"
#include "check/types.h"

struct disk_config {
    char *path;
    uint64_t min_free_bytes;
    int64_t min_free_inodes;
};

static const struct field disk_fields[] = {
    {.key = "path",
     .kind = FIELD_STRING,
     .offset = offsetof(struct disk_config, path),
     .min = 1,
     .max = 4096,
     .fallback = ""},
    {.key = "min_free",
     .kind = FIELD_BYTES,
     .offset = offsetof(struct disk_config, min_free_bytes),
     .fallback = "1GB"},
    {.key = "min_free_inodes",
     .kind = FIELD_INT,
     .offset = offsetof(struct disk_config, min_free_inodes),
     .min = 0,
     .max = INT64_MAX,
     .fallback = "0"},
    {0                       },
};

static int disk_run(const struct check_env *env, const void *config, int64_t deadline_ms,
                    struct check_result *ret, struct ship_error *err)
{
    const struct disk_config *cfg = config;
    AUTO_FREE char *path = check_path(env, cfg->path, ret);
    char have[STR_BYTES_MAX], want[STR_BYTES_MAX];
    struct statvfs fs;
    uint64_t free_bytes;

    (void)deadline_ms; /* statvfs can not be interrupted */
    (void)err;
    if (!path)
        return 0;
    if (statvfs(path, &fs) < 0)
        return check_say(ret, CHECK_UNKNOWN, "can not look at '%s': %s", path, strerror(errno));
    free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
    str_format_bytes(free_bytes, have);
    str_format_bytes(cfg->min_free_bytes, want);
    if (free_bytes < cfg->min_free_bytes)
        return check_say(ret, CHECK_FAIL, "%s free on '%s', want %s", have, path, want);
    /* Some file systems have no fixed number of inodes and say 0 of 0. */
    if (fs.f_files > 0 && (int64_t)fs.f_favail < cfg->min_free_inodes)
        return check_say(ret, CHECK_FAIL, "%llu inodes free on '%s', want %lld",
                         (unsigned long long)fs.f_favail, path, (long long)cfg->min_free_inodes);
    return check_say(ret, CHECK_PASS, "%s free on '%s'", have, path);
}

const struct check_type check_disk = {
    .name = "disk",
    .phases = CHECK_PRE | CHECK_HEALTH | CHECK_POST,
    .summary = "Enough space is free on the engine's data root, or on another path.",
    .fields = disk_fields,
    .config_size = sizeof(struct disk_config),
    .run = disk_run,
};
