/*
 * Container statistics (contract: container.h), computed the way `docker stats` does.
 */
#include "base/alloc.h"
#include "docker/container.h"

/* Memory without page cache: cgroup v2 calls it inactive_file, v1 total_inactive_file. */
static int64_t cache_bytes(const struct json *doc)
{
    int64_t v1 = json_i64(doc, "memory_stats.stats.total_inactive_file", -1);

    return v1 >= 0 ? v1 : json_i64(doc, "memory_stats.stats.inactive_file", 0);
}

static uint64_t counter(const struct json *doc, const char *dotted)
{
    int64_t v = json_i64(doc, dotted, 0);

    return v > 0 ? (uint64_t)v : 0;
}

void container_stats_decode(const struct json *doc, struct container_stats *ret)
{
    int64_t usage = json_i64(doc, "memory_stats.usage", 0);
    int64_t cache = cache_bytes(doc);
    int64_t cpus = json_i64(doc, "cpu_stats.online_cpus", 0);

    if (cpus <= 0)
        cpus = (int64_t)json_size(json_path(doc, "cpu_stats.cpu_usage.percpu_usage"));
    *ret = (struct container_stats){
        .cpu_pct = -1,
        .memory_bytes = cache < usage ? usage - cache : usage,
        .memory_limit_bytes = json_i64(doc, "memory_stats.limit", 0),
        .pids = json_i64(doc, "pids_stats.current", 0),
        .cpu_total_ns = counter(doc, "cpu_stats.cpu_usage.total_usage"),
        .system_ns = counter(doc, "cpu_stats.system_cpu_usage"),
        .online_cpus = cpus,
    };
}

double container_stats_cpu_pct(const struct container_stats *before,
                               const struct container_stats *after)
{
    if (after->cpu_total_ns < before->cpu_total_ns || after->system_ns <= before->system_ns ||
        after->online_cpus <= 0)
        return -1;
    double used = (double)(after->cpu_total_ns - before->cpu_total_ns);
    double passed = (double)(after->system_ns - before->system_ns);
    return used / passed * (double)after->online_cpus * 100.0;
}

int container_stats(struct docker_client *c, const char *id, struct container_stats *ret,
                    int64_t deadline_ms, struct ship_error *err)
{
    AUTO_FREE char *path = docker_path("/containers/", id, "/stats?stream=false&one-shot=1");
    AUTO_FREE char *action = xasprintf("read the statistics of container '%s'", id);
    AUTO_PTR(json_free) struct json *doc = NULL;
    struct docker_call call = {
        .method = "GET", .path = path, .action = action, .deadline_ms = deadline_ms};

    if (docker_call_json(c, &call, &doc, err) != 0)
        return -1;
    container_stats_decode(doc, ret);
    return 0;
}
