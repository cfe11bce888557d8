/*
 * resource: memory, CPU and disk of the host are not used up.
 *
 * Memory from /proc/meminfo (total minus available), CPU from two looks at
 * /proc/stat 200 ms apart, disk from statvfs of `path` (default: the engine's
 * data root). Only the limits that are given are looked at; at least one is
 * needed. FAIL: above a limit. UNKNOWN: /proc or the path can not be read.
 */
#include "check/resource.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

#include "base/file.h"
#include "check/support.h"
#include "check/types.h"

#define PROC_TEXT_MAX  (1024u * 1024)
#define CPU_MEASURE_MS 200

struct resource_config {
    double max_memory, max_cpu, max_disk; /* percent; 0 = not looked at */
    char *path;
};

static const struct field resource_fields[] = {
    {.key = "max_memory_percent",
     .kind = FIELD_DOUBLE,
     .offset = offsetof(struct resource_config, max_memory),
     .min = 1,
     .max = 100,
     .fallback = ""},
    {.key = "max_cpu_percent",
     .kind = FIELD_DOUBLE,
     .offset = offsetof(struct resource_config, max_cpu),
     .min = 1,
     .max = 100,
     .fallback = ""},
    {.key = "max_disk_percent",
     .kind = FIELD_DOUBLE,
     .offset = offsetof(struct resource_config, max_disk),
     .min = 1,
     .max = 100,
     .fallback = ""},
    {.key = "path",
     .kind = FIELD_STRING,
     .offset = offsetof(struct resource_config, path),
     .min = 1,
     .max = 4096,
     .fallback = ""},
    {0                 },
};

static bool meminfo_value(const char *text, const char *key, uint64_t *ret_kib)
{
    const char *line = strstr(text, key);

    /* NOLINTNEXTLINE(cert-err34-c): numbers of the kernel fit */
    return line && sscanf(line + strlen(key), " %" SCNu64, ret_kib) == 1;
}

double resource_memory_percent(const char *meminfo)
{
    uint64_t total = 0, available = 0;

    if (!meminfo_value(meminfo, "MemTotal:", &total) ||
        !meminfo_value(meminfo, "MemAvailable:", &available))
        return -1;
    if (total == 0 || available > total)
        return -1;
    return 100.0 * (double)(total - available) / (double)total;
}

int resource_cpu_sample(const char *stat, struct resource_cpu *ret)
{
    uint64_t v[8] = {0}; /* user nice system idle iowait irq softirq steal */
    struct resource_cpu sum = {0};
    /* NOLINTNEXTLINE(cert-err34-c): numbers of the kernel fit */
    int n = sscanf(stat,
                   "cpu %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
                   " %" SCNu64 " %" SCNu64,
                   &v[0], &v[1], &v[2], &v[3], &v[4], &v[5], &v[6], &v[7]);

    if (n < 4)
        return -1;
    for (size_t i = 0; i < 8; i++)
        sum.total += v[i];
    sum.busy = sum.total - v[3] - v[4];
    *ret = sum;
    return 0;
}

double resource_cpu_percent(const struct resource_cpu *before, const struct resource_cpu *after)
{
    uint64_t total = after->total - before->total;

    if (after->total <= before->total || after->busy < before->busy)
        return -1;
    return 100.0 * (double)(after->busy - before->busy) / (double)total;
}

static int judge(struct check_result *ret, const char *what, double have, double max)
{
    if (have > max)
        return check_say(ret, CHECK_FAIL, "%s: %.0f %% in use, want at most %.0f %%", what, have,
                         max);
    return 1;
}

static int read_proc(const char *path, struct buf *text, struct check_result *ret)
{
    struct ship_error why = {0};

    return file_read(path, text, &why) < 0 ? check_say(ret, CHECK_UNKNOWN, "%s", why.msg) : 1;
}

static int judge_memory(const struct resource_config *cfg, struct check_result *ret)
{
    AUTO(buf_done) struct buf text = BUF_INIT(PROC_TEXT_MAX);
    double used;

    if (cfg->max_memory <= 0)
        return 1;
    if (read_proc("/proc/meminfo", &text, ret) == 0)
        return 0;
    used = resource_memory_percent(text.p);
    if (used < 0)
        return check_say(ret, CHECK_UNKNOWN, "'/proc/meminfo' does not tell the memory in use");
    return judge(ret, "memory", used, cfg->max_memory);
}

static int sample_cpu(struct resource_cpu *sample, struct check_result *ret)
{
    AUTO(buf_done) struct buf text = BUF_INIT(PROC_TEXT_MAX);

    if (read_proc("/proc/stat", &text, ret) == 0)
        return 0;
    if (resource_cpu_sample(text.p, sample) < 0)
        return check_say(ret, CHECK_UNKNOWN, "'/proc/stat' does not tell the CPU time");
    return 1;
}

static int judge_cpu(const struct check_env *env, const struct resource_config *cfg,
                     int64_t deadline_ms, struct check_result *ret, struct ship_error *err)
{
    struct resource_cpu before = {0}, after = {0};
    double used;

    if (cfg->max_cpu <= 0)
        return 1;
    if (sample_cpu(&before, ret) == 0)
        return 0;
    if (clock_wait(env->clock, CPU_MEASURE_MS, deadline_ms, err) < 0)
        return check_unknown(ret, err);
    if (sample_cpu(&after, ret) == 0)
        return 0;
    used = resource_cpu_percent(&before, &after);
    if (used < 0)
        return check_say(ret, CHECK_UNKNOWN, "no time to measure the CPU: raise `timeout`");
    return judge(ret, "CPU", used, cfg->max_cpu);
}

static int judge_disk(const struct check_env *env, const struct resource_config *cfg,
                      struct check_result *ret)
{
    AUTO_FREE char *path = NULL;
    struct statvfs fs;
    uint64_t used;

    if (cfg->max_disk <= 0)
        return 1;
    path = check_path(env, cfg->path, ret);
    if (!path)
        return 0;
    if (statvfs(path, &fs) < 0)
        return check_say(ret, CHECK_UNKNOWN, "can not look at '%s': %s", path, strerror(errno));
    /* As df(1): root's reserve counts neither as used nor as usable. */
    used = (uint64_t)fs.f_blocks - fs.f_bfree;
    if (used + fs.f_bavail == 0)
        return check_say(ret, CHECK_UNKNOWN, "'%s' is on a file system without a size", path);
    return judge(ret, "disk", 100.0 * (double)used / (double)(used + fs.f_bavail), cfg->max_disk);
}

static int resource_run(const struct check_env *env, const void *config, int64_t deadline_ms,
                        struct check_result *ret, struct ship_error *err)
{
    const struct resource_config *cfg = config;
    int rc = judge_memory(cfg, ret);

    if (rc == 1)
        rc = judge_disk(env, cfg, ret);
    if (rc == 1)
        rc = judge_cpu(env, cfg, deadline_ms, ret, err);
    return rc == 1 ? check_say(ret, CHECK_PASS, "below each limit") : rc;
}

static void resource_validate(const void *config, const struct yaml_node *node,
                              struct field_ctx *ctx)
{
    const struct resource_config *cfg = config;

    if (cfg->max_memory <= 0 && cfg->max_cpu <= 0 && cfg->max_disk <= 0)
        yaml_problem_add(ctx->problems, YAML_ERROR, &node->mark,
                         "%s: give at least one of max_memory_percent, max_cpu_percent, "
                         "max_disk_percent",
                         ctx->where);
}

const struct check_type check_resource = {
    .name = "resource",
    .phases = CHECK_PRE | CHECK_HEALTH | CHECK_POST,
    .summary = "Memory, CPU and disk of the host are below the given limits.",
    .fields = resource_fields,
    .config_size = sizeof(struct resource_config),
    .validate = resource_validate,
    .run = resource_run,
};
