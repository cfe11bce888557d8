/*
 * Limits and devices: memory, CPU, pids, ulimits, block I/O, devices, GPUs.
 *
 * deploy.resources wins over the older top-level keys (the loader refuses different
 * values). deploy.resources.reservations.cpus has no engine member.
 */
#include <string.h>

#include "base/alloc.h"
#include "compose/map.h"

#define NANO 1e9

static const struct map_row service_rows[] = {
    {"mem_limit",       MAP_BYTES, "Memory"           },
    {"memswap_limit",   MAP_BYTES, "MemorySwap"       },
    {"mem_reservation", MAP_BYTES, "MemoryReservation"},
    {"mem_swappiness",  MAP_BYTES, "MemorySwappiness" },
    {"pids_limit",      MAP_INT,   "PidsLimit"        },
    {"cpu_shares",      MAP_INT,   "CpuShares"        },
    {"cpu_period",      MAP_INT,   "CpuPeriod"        },
    {"cpu_quota",       MAP_INT,   "CpuQuota"         },
    {"cpuset",          MAP_STR,   "CpusetCpus"       },
    {"oom_score_adj",   MAP_INT,   "OomScoreAdj"      },
    {"shm_size",        MAP_BYTES, "ShmSize"          },
    {"storage_opt",     MAP_PAIRS, "StorageOpt"       },
};

static const struct map_row limit_rows[] = {
    {"memory", MAP_BYTES, "Memory"   },
    {"pids",   MAP_INT,   "PidsLimit"},
};

static const struct map_row reservation_rows[] = {
    {"memory", MAP_BYTES, "MemoryReservation"},
};

static const struct {
    const char *key, *member, *value_key, *value_member;
} blkio_lists[] = {
    {"weight_device",     "BlkioWeightDevice",    "Weight", "Weight"},
    {"device_read_bps",   "BlkioDeviceReadBps",   "Rate",   "Rate"  },
    {"device_read_iops",  "BlkioDeviceReadIOps",  "Rate",   "Rate"  },
    {"device_write_bps",  "BlkioDeviceWriteBps",  "Rate",   "Rate"  },
    {"device_write_iops", "BlkioDeviceWriteIOps", "Rate",   "Rate"  },
};

static void set_cpus(struct json *host, const struct json *value)
{
    double cpus = json_is_number(value) ? json_value_double(value) : 0;

    if (cpus > 0)
        json_set_i64(host, "NanoCpus", (int64_t)(cpus * NANO + 0.5));
}

/* Real-time scheduling times: microseconds as number, or a duration text. */
static int set_realtime(const struct map_ctx *m, const char *key, const char *member,
                        struct ship_error *err)
{
    const struct json *value = json_get(m->service, key);
    int64_t us = 0;

    if (json_is_null(value))
        return 0;
    if (json_is_string(value) && str_to_i64(json_value_str(value), &us) != 0) {
        int64_t ns = 0;
        if (map_duration(value, key, &ns, err) != 0)
            return -1;
        us = ns / 1000;
    } else if (json_is_number(value)) {
        us = json_i64(m->service, key, 0);
    }
    if (us != 0)
        json_set_i64(m->host, member, us);
    return 0;
}

/* A number sets both limits. */
static int set_ulimits(const struct map_ctx *m, struct ship_error *err)
{
    const struct json *ulimits = json_get(m->service, "ulimits");

    if (json_size(ulimits) == 0)
        return 0;
    struct json *list = json_set_array(m->host, "Ulimits");
    for (const struct json *c = json_first(ulimits); c; c = json_next(c)) {
        int64_t soft = json_i64(c, "soft", 0), hard = json_i64(c, "hard", 0);
        if (!json_is_object(c)) {
            if (map_integer(c, json_key(c), &soft, err) != 0)
                return -1;
            hard = soft;
        }
        struct json *limit = json_append_object(list);
        json_set_str(limit, "Name", json_key(c));
        json_set_i64(limit, "Soft", soft);
        json_set_i64(limit, "Hard", hard);
    }
    return 0;
}

/* The model writes members of block I/O devices with a capital, as Compose's own JSON. */
static const struct json *either(const struct json *obj, const char *capital)
{
    AUTO_FREE char *lower = xstrdup(capital);
    const struct json *value = json_get(obj, capital);

    lower[0] = (char)(lower[0] | 0x20);
    return value ? value : json_get(obj, lower);
}

static int set_blkio(const struct map_ctx *m, struct ship_error *err)
{
    const struct json *blkio = json_get(m->service, "blkio_config");

    if (json_i64(blkio, "weight", 0) != 0)
        json_set_i64(m->host, "BlkioWeight", json_i64(blkio, "weight", 0));
    for (size_t i = 0; i < ARRAY_LEN(blkio_lists); i++) {
        const struct json *devices = json_get(blkio, blkio_lists[i].key);
        if (json_size(devices) == 0)
            continue;
        struct json *list = json_set_array(m->host, blkio_lists[i].member);
        for (const struct json *c = json_first(devices); c; c = json_next(c)) {
            int64_t value = 0;
            if (map_integer(either(c, blkio_lists[i].value_key), blkio_lists[i].key, &value, err) !=
                0)
                return -1;
            struct json *device = json_append_object(list);
            json_set_str(device, "Path", json_value_str(either(c, "Path")));
            json_set_i64(device, blkio_lists[i].value_member, value);
        }
    }
    return 0;
}

static int set_deploy(const struct map_ctx *m, struct ship_error *err)
{
    const struct json *resources = json_get(json_get(m->service, "deploy"), "resources");
    const struct json *limits = json_get(resources, "limits");
    const struct json *reservations = json_get(resources, "reservations");

    set_cpus(m->host, json_get(limits, "cpus"));
    if (map_rows(limit_rows, ARRAY_LEN(limit_rows), limits, m->host, err) != 0)
        return -1;
    return map_rows(reservation_rows, ARRAY_LEN(reservation_rows), reservations, m->host, err);
}

int map_resources(const struct map_ctx *m, struct ship_error *err)
{
    json_set_bool(m->host, "OomKillDisable", json_bool(m->service, "oom_kill_disable", false));
    if (map_rows(service_rows, ARRAY_LEN(service_rows), m->service, m->host, err) != 0)
        return -1;
    set_cpus(m->host, json_get(m->service, "cpus"));
    if (set_realtime(m, "cpu_rt_period", "CpuRealtimePeriod", err) != 0 ||
        set_realtime(m, "cpu_rt_runtime", "CpuRealtimeRuntime", err) != 0)
        return -1;
    if (set_ulimits(m, err) != 0 || set_blkio(m, err) != 0)
        return -1;
    return set_deploy(m, err);
}
