/*
 * Attributes of a service. See attributes.h for the columns; rows in the order
 * of the reference page. Adding support for an attribute starts here.
 */
#include "compose/attributes.h"

#include <string.h>

#include "compose/expand.h"

static bool is_container_name(const char *text)
{
    static const char alnum[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    size_t head = strspn(text, alnum) > 0 ? 1 : 0;

    if (!head || !text[1])
        return false;
    for (const char *p = text + 1; *p; p++) {
        if (!strchr(alnum, *p) && !strchr("_.-", *p))
            return false;
    }
    return true;
}

static bool is_pull_policy(const char *text)
{
    static const char *const words[] = {"always",  "never", "build", "if_not_present",
                                        "missing", "daily", "weekly"};
    int64_t ns;

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (str_eq(text, words[i]))
            return true;
    }
    return str_starts(text, "every_") && compose_duration_ns(text + 6, &ns) == 0;
}

/* clang-format off */
static const struct compose_attribute string_item = {.name = "item", .kind = KIND_STRING, .flags = KEEP_ZERO};
static const struct compose_attribute text_item = {.name = "item", .kind = KIND_TEXT, .flags = KEEP_ZERO};
static const struct compose_attribute path_item = {.name = "item", .kind = KIND_PATH};

#define WINDOWS "it only exists on Windows"
#define SWARM   "Compose itself ignores it outside of Swarm"
#define ROW(n, k) .name = (n), .kind = (k)
#define STRINGS .kind = KIND_LIST, .sub = &string_item
#define IGNORED(text) .status = ATTRIBUTE_IGNORED, .note = (text)
#define REFUSED(text) .status = ATTRIBUTE_REFUSED, .note = (text)

static const struct compose_attribute blkio_rate_rows[] = {
    {ROW("path", KIND_STRING), .flags = CAPITAL},
    {ROW("rate", KIND_SIZE), .flags = CAPITAL},
    {0},
};
static const struct compose_attribute blkio_rate = {ROW("item", KIND_OBJECT), .sub = blkio_rate_rows};
static const struct compose_attribute blkio_weight_rows[] = {
    {ROW("path", KIND_STRING), .flags = CAPITAL},
    {ROW("weight", KIND_INT), .flags = CAPITAL},
    {0},
};
static const struct compose_attribute blkio_weight = {ROW("item", KIND_OBJECT), .sub = blkio_weight_rows};
static const struct compose_attribute blkio_rows[] = {
    {ROW("weight", KIND_INT)},
    {ROW("weight_device", KIND_LIST), .sub = &blkio_weight},
    {ROW("device_read_bps", KIND_LIST), .sub = &blkio_rate},
    {ROW("device_read_iops", KIND_LIST), .sub = &blkio_rate},
    {ROW("device_write_bps", KIND_LIST), .sub = &blkio_rate},
    {ROW("device_write_iops", KIND_LIST), .sub = &blkio_rate},
    {0},
};

static const struct compose_attribute ulimit_rows[] = {
    {ROW("soft", KIND_INT), .flags = KEEP_ZERO},
    {ROW("hard", KIND_INT), .flags = KEEP_ZERO},
    {0},
};
static const struct compose_attribute ulimit = {
    ROW("item", KIND_INT), .sub = ulimit_rows, .merge = MERGE_REPLACE, .flags = KEEP_ZERO};

static const struct compose_attribute file_ref_rows[] = {
    {ROW("source", KIND_STRING)},
    {ROW("target", KIND_STRING)},
    {ROW("uid", KIND_STRING)},
    {ROW("gid", KIND_STRING)},
    {ROW("mode", KIND_STRING), .expand = expand_mode},
    {0},
};
static const struct compose_attribute file_ref = {ROW("item", KIND_OBJECT), .sub = file_ref_rows};

static const struct compose_attribute build_rows[] = {
    {ROW("context", KIND_STRING), .expand = expand_context},
    {ROW("dockerfile", KIND_STRING)},
    {ROW("dockerfile_inline", KIND_STRING)},
    {.name = "entitlements", STRINGS},
    {ROW("args", KIND_ENV)},
    {ROW("ssh", KIND_ANY)},
    {ROW("labels", KIND_DICT)},
    {.name = "cache_from", STRINGS},
    {.name = "cache_to", STRINGS},
    {ROW("no_cache", KIND_BOOL)},
    {ROW("no_cache_filter", KIND_ANY)},
    {ROW("additional_contexts", KIND_DICT)},
    {ROW("network", KIND_STRING)},
    {ROW("provenance", KIND_TEXT)},
    {ROW("sbom", KIND_TEXT)},
    {ROW("pull", KIND_BOOL)},
    {ROW("target", KIND_STRING)},
    {ROW("shm_size", KIND_SIZE)},
    {ROW("extra_hosts", KIND_LIST), .sub = &string_item, .expand = expand_extra_hosts},
    {ROW("isolation", KIND_STRING)},
    {ROW("privileged", KIND_BOOL)},
    {ROW("secrets", KIND_LIST), .sub = &file_ref, .expand = expand_secrets},
    {.name = "tags", STRINGS},
    {ROW("ulimits", KIND_MAP), .sub = &ulimit},
    {.name = "platforms", STRINGS},
    {0},
};

static const struct compose_attribute dependency_rows[] = {
    {ROW("condition", KIND_STRING),
     .words = "service_started|service_healthy|service_completed_successfully"},
    {ROW("required", KIND_BOOL), .flags = KEEP_ZERO},
    {ROW("restart", KIND_BOOL)},
    {0},
};
static const struct compose_attribute dependency = {ROW("item", KIND_OBJECT), .sub = dependency_rows};

static const struct compose_attribute request_rows[] = {
    {.name = "capabilities", STRINGS},
    {ROW("driver", KIND_STRING)},
    {ROW("count", KIND_INT), .expand = expand_count},
    {.name = "device_ids", STRINGS},
    {ROW("options", KIND_DICT)},
    {0},
};
static const struct compose_attribute request = {ROW("item", KIND_OBJECT), .sub = request_rows};

static const struct compose_attribute update_rows[] = {
    {ROW("parallelism", KIND_INT), .flags = KEEP_ZERO},
    {ROW("delay", KIND_DURATION)},
    {ROW("failure_action", KIND_STRING)},
    {ROW("monitor", KIND_DURATION)},
    {ROW("max_failure_ratio", KIND_NUMBER)},
    {ROW("order", KIND_STRING), .words = "start-first|stop-first"},
    {0},
};
static const struct compose_attribute limits_rows[] = {
    {ROW("cpus", KIND_NUMBER)},
    {ROW("memory", KIND_SIZE)},
    {ROW("pids", KIND_INT)},
    {0},
};
static const struct compose_attribute reservations_rows[] = {
    {ROW("cpus", KIND_NUMBER), IGNORED(SWARM)},
    {ROW("memory", KIND_SIZE)},
    {ROW("generic_resources", KIND_ANY), IGNORED(SWARM)},
    {ROW("devices", KIND_LIST), .sub = &request, .expand = expand_requests},
    {0},
};
static const struct compose_attribute resources_rows[] = {
    {ROW("limits", KIND_OBJECT), .sub = limits_rows},
    {ROW("reservations", KIND_OBJECT), .sub = reservations_rows},
    {0},
};
static const struct compose_attribute restart_policy_rows[] = {
    {ROW("condition", KIND_STRING), .words = "none|on-failure|any"},
    {ROW("delay", KIND_DURATION), IGNORED(SWARM)},
    {ROW("max_attempts", KIND_INT), .flags = KEEP_ZERO},
    {ROW("window", KIND_DURATION), IGNORED(SWARM)},
    {0},
};
static const struct compose_attribute preference_rows[] = {
    {ROW("spread", KIND_STRING)},
    {0},
};
static const struct compose_attribute preference = {ROW("item", KIND_OBJECT), .sub = preference_rows};
static const struct compose_attribute placement_rows[] = {
    {.name = "constraints", STRINGS},
    {ROW("preferences", KIND_LIST), .sub = &preference},
    {ROW("max_replicas_per_node", KIND_INT)},
    {0},
};
static const struct compose_attribute deploy_rows[] = {
    {ROW("mode", KIND_STRING)},
    {ROW("endpoint_mode", KIND_STRING), IGNORED(SWARM)},
    {ROW("replicas", KIND_INT), .flags = KEEP_ZERO},
    {ROW("labels", KIND_DICT), IGNORED(SWARM)},
    {ROW("update_config", KIND_OBJECT), .sub = update_rows, IGNORED(SWARM)},
    {ROW("rollback_config", KIND_OBJECT), .sub = update_rows, IGNORED(SWARM)},
    {ROW("resources", KIND_OBJECT), .sub = resources_rows},
    {ROW("restart_policy", KIND_OBJECT), .sub = restart_policy_rows},
    {ROW("placement", KIND_OBJECT), .sub = placement_rows, IGNORED(SWARM)},
    {0},
};

static const struct compose_attribute device_rows[] = {
    {ROW("source", KIND_STRING)},
    {ROW("target", KIND_STRING)},
    {ROW("permissions", KIND_STRING)},
    {0},
};
static const struct compose_attribute device = {ROW("item", KIND_OBJECT), .sub = device_rows};

static const struct compose_attribute env_file_rows[] = {
    {ROW("path", KIND_PATH)},
    {ROW("required", KIND_BOOL), .flags = KEEP_ZERO},
    {ROW("format", KIND_STRING), .words = "raw|"},
    {0},
};
static const struct compose_attribute env_file = {ROW("item", KIND_OBJECT), .sub = env_file_rows};

static const struct compose_attribute extends_rows[] = {
    {ROW("service", KIND_STRING)},
    {ROW("file", KIND_STRING)},
    {0},
};

static const struct compose_attribute healthcheck_rows[] = {
    {ROW("test", KIND_LIST), .sub = &string_item, .expand = expand_test, .merge = MERGE_REPLACE},
    {ROW("interval", KIND_DURATION)},
    {ROW("timeout", KIND_DURATION)},
    {ROW("retries", KIND_INT), .flags = KEEP_ZERO},
    {ROW("start_period", KIND_DURATION)},
    {ROW("start_interval", KIND_DURATION)},
    {ROW("disable", KIND_BOOL)},
    {0},
};

static const struct compose_attribute logging_rows[] = {
    {ROW("driver", KIND_STRING)},
    {ROW("options", KIND_DICT), .flags = MAP_ONLY},
    {0},
};

static const struct compose_attribute endpoint_rows[] = {
    {.name = "aliases", STRINGS, .identity = IDENTITY_TEXT},
    {ROW("interface_name", KIND_STRING)},
    {ROW("ipv4_address", KIND_STRING)},
    {ROW("ipv6_address", KIND_STRING)},
    {.name = "link_local_ips", STRINGS},
    {ROW("mac_address", KIND_STRING)},
    {ROW("driver_opts", KIND_DICT), .flags = MAP_ONLY},
    {ROW("priority", KIND_INT)},
    {ROW("gw_priority", KIND_INT)},
    {0},
};
static const struct compose_attribute endpoint = {
    ROW("item", KIND_OBJECT), .sub = endpoint_rows, .flags = NULL_KEEP};

static const struct compose_attribute port_rows[] = {
    {ROW("name", KIND_STRING)},
    {ROW("mode", KIND_STRING)},
    {ROW("host_ip", KIND_STRING)},
    {ROW("target", KIND_INT)},
    {ROW("published", KIND_TEXT)},
    {ROW("protocol", KIND_STRING)},
    {ROW("app_protocol", KIND_STRING)},
    {0},
};
static const struct compose_attribute port = {ROW("item", KIND_OBJECT), .sub = port_rows};

static const struct compose_attribute bind_rows[] = {
    {ROW("propagation", KIND_STRING)},
    {ROW("create_host_path", KIND_BOOL), .flags = KEEP_ZERO},
    {ROW("recursive", KIND_STRING), .words = "enabled|disabled|writable|readonly"},
    {ROW("selinux", KIND_STRING), .words = "z|Z"},
    {0},
};
static const struct compose_attribute mount_volume_rows[] = {
    {ROW("labels", KIND_DICT)},
    {ROW("nocopy", KIND_BOOL)},
    {ROW("subpath", KIND_STRING)},
    {0},
};
static const struct compose_attribute mount_tmpfs_rows[] = {
    {ROW("size", KIND_SIZE)},
    {ROW("mode", KIND_INT)},
    {0},
};
static const struct compose_attribute mount_image_rows[] = {
    {ROW("subpath", KIND_STRING)},
    {0},
};
static const struct compose_attribute mount_rows[] = {
    {ROW("type", KIND_STRING), .words = "bind|volume|tmpfs|cluster|npipe|image"},
    {ROW("source", KIND_STRING)},
    {ROW("target", KIND_STRING)},
    {ROW("read_only", KIND_BOOL)},
    {ROW("consistency", KIND_STRING), IGNORED("it has no effect on Linux")},
    {ROW("bind", KIND_OBJECT), .sub = bind_rows, .flags = NULL_EMPTY},
    {ROW("volume", KIND_OBJECT), .sub = mount_volume_rows, .flags = NULL_EMPTY},
    {ROW("tmpfs", KIND_OBJECT), .sub = mount_tmpfs_rows, .flags = NULL_EMPTY},
    {ROW("image", KIND_OBJECT), .sub = mount_image_rows, .flags = NULL_EMPTY},
    {0},
};
static const struct compose_attribute mount = {ROW("item", KIND_OBJECT), .sub = mount_rows};

const struct compose_attribute compose_attributes[] = {
    {ROW("image", KIND_STRING)},
    {ROW("build", KIND_OBJECT), .sub = build_rows, .expand = expand_build,
     .note = "not built by a deployment; the image must exist or be pullable"},
    {ROW("container_name", KIND_STRING), .pattern = is_container_name},
    {ROW("command", KIND_COMMAND), .merge = MERGE_REPLACE, .flags = KEEP_ZERO},
    {ROW("entrypoint", KIND_COMMAND), .merge = MERGE_REPLACE, .flags = KEEP_ZERO},
    {ROW("working_dir", KIND_STRING)},
    {ROW("user", KIND_STRING)},
    {ROW("group_add", KIND_LIST), .sub = &text_item},
    {ROW("environment", KIND_ENV), .flags = STRICT_KEYS},
    {ROW("env_file", KIND_LIST), .sub = &env_file, .expand = expand_env_file,
     .identity = IDENTITY_PATH},
    {ROW("labels", KIND_DICT)},
    {ROW("label_file", KIND_LIST), .sub = &path_item, .expand = expand_string_list,
     .identity = IDENTITY_TEXT},
    {ROW("annotations", KIND_DICT), .note = "needs Engine API 1.43"},
    {ROW("tty", KIND_BOOL)},
    {ROW("stdin_open", KIND_BOOL)},
    {ROW("hostname", KIND_STRING)},
    {ROW("domainname", KIND_STRING)},
    {ROW("init", KIND_BOOL), .flags = KEEP_ZERO},
    {ROW("stop_signal", KIND_STRING)},
    {ROW("stop_grace_period", KIND_DURATION)},
    {ROW("healthcheck", KIND_OBJECT), .sub = healthcheck_rows},
    {ROW("platform", KIND_STRING)},
    {ROW("runtime", KIND_STRING)},
    {ROW("restart", KIND_STRING)},
    {ROW("pull_policy", KIND_STRING), .pattern = is_pull_policy, .expand = expand_pull_policy},
    {ROW("profiles", KIND_LIST), .sub = &string_item, .identity = IDENTITY_KEY},
    {ROW("scale", KIND_INT), .flags = KEEP_ZERO},
    {ROW("depends_on", KIND_MAP), .sub = &dependency, .expand = expand_depends_on},
    {ROW("extends", KIND_OBJECT), .sub = extends_rows, .expand = expand_extends,
     .merge = MERGE_REPLACE},
    {ROW("deploy", KIND_OBJECT), .sub = deploy_rows, .flags = NULL_EMPTY},
    {ROW("cpus", KIND_NUMBER)},
    {ROW("cpu_shares", KIND_INT)},
    {ROW("cpu_period", KIND_INT)},
    {ROW("cpu_quota", KIND_INT)},
    {ROW("cpu_rt_period", KIND_INT)},
    {ROW("cpu_rt_runtime", KIND_INT)},
    {ROW("cpuset", KIND_STRING)},
    {ROW("mem_limit", KIND_SIZE)},
    {ROW("mem_reservation", KIND_SIZE)},
    {ROW("memswap_limit", KIND_SIZE)},
    {ROW("mem_swappiness", KIND_SIZE)},
    {ROW("pids_limit", KIND_INT)},
    {ROW("shm_size", KIND_SIZE)},
    {ROW("oom_kill_disable", KIND_BOOL)},
    {ROW("oom_score_adj", KIND_INT)},
    {ROW("ulimits", KIND_MAP), .sub = &ulimit},
    {ROW("blkio_config", KIND_OBJECT), .sub = blkio_rows},
    {ROW("storage_opt", KIND_DICT), .flags = MAP_ONLY},
    {ROW("gpus", KIND_LIST), .sub = &request, .expand = expand_gpus},
    {ROW("devices", KIND_LIST), .sub = &device, .expand = expand_devices,
     .identity = IDENTITY_TARGET},
    {.name = "device_cgroup_rules", STRINGS},
    {.name = "cap_add", STRINGS, .identity = IDENTITY_KEY},
    {.name = "cap_drop", STRINGS, .identity = IDENTITY_KEY},
    {ROW("privileged", KIND_BOOL)},
    {ROW("read_only", KIND_BOOL)},
    {.name = "security_opt", STRINGS},
    {ROW("sysctls", KIND_DICT)},
    {ROW("ipc", KIND_STRING)},
    {ROW("pid", KIND_STRING)},
    {ROW("uts", KIND_STRING)},
    {ROW("userns_mode", KIND_STRING)},
    {ROW("cgroup", KIND_STRING), .words = "host|private"},
    {ROW("cgroup_parent", KIND_STRING)},
    {ROW("logging", KIND_OBJECT), .sub = logging_rows, .merge = MERGE_LOGGING},
    {ROW("ports", KIND_LIST), .sub = &port, .expand = expand_ports, .identity = IDENTITY_PORT},
    {ROW("expose", KIND_LIST), .sub = &text_item, .identity = IDENTITY_TEXT},
    {ROW("volumes", KIND_LIST), .sub = &mount, .expand = expand_volumes,
     .identity = IDENTITY_TARGET},
    {.name = "volumes_from", STRINGS},
    {.name = "tmpfs", STRINGS, .expand = expand_string_list, .identity = IDENTITY_KEY},
    {.name = "dns", STRINGS, .expand = expand_string_list, .identity = IDENTITY_KEY},
    {.name = "dns_opt", STRINGS, .identity = IDENTITY_KEY},
    {.name = "dns_search", STRINGS, .expand = expand_string_list, .identity = IDENTITY_KEY},
    {.name = "extra_hosts", STRINGS, .expand = expand_extra_hosts, .identity = IDENTITY_TEXT},
    {ROW("networks", KIND_MAP), .sub = &endpoint, .expand = expand_null_map},
    {ROW("network_mode", KIND_STRING)},
    {ROW("mac_address", KIND_STRING)},
    {.name = "links", STRINGS, .identity = IDENTITY_KEY},
    {.name = "external_links", STRINGS},
    {ROW("secrets", KIND_LIST), .sub = &file_ref, .expand = expand_secrets,
     .identity = IDENTITY_TARGET},
    {ROW("configs", KIND_LIST), .sub = &file_ref, .expand = expand_configs,
     .identity = IDENTITY_TARGET},
    {ROW("attach", KIND_BOOL), IGNORED("it only concerns 'docker compose up' in the foreground"),
     .flags = KEEP_ZERO},
    {ROW("develop", KIND_ANY), IGNORED("it only concerns 'docker compose watch'")},
    {ROW("post_start", KIND_ANY), REFUSED("hooks of the compose file are not run; use hooks of the plan")},
    {ROW("pre_stop", KIND_ANY), REFUSED("hooks of the compose file are not run; use hooks of the plan")},
    {ROW("pre_start", KIND_ANY), REFUSED("hooks of the compose file are not run; use hooks of the plan")},
    {ROW("provider", KIND_ANY), REFUSED("a service must be a container")},
    {ROW("models", KIND_ANY), REFUSED("AI models are not deployed")},
    {ROW("use_api_socket", KIND_ANY), REFUSED("mount the engine's socket as a volume instead")},
    {ROW("pull_refresh_after", KIND_ANY), REFUSED("use pull_policy: every_<duration>")},
    {ROW("credential_spec", KIND_ANY), REFUSED(WINDOWS)},
    {ROW("isolation", KIND_ANY), REFUSED(WINDOWS)},
    {ROW("cpu_count", KIND_ANY), REFUSED(WINDOWS)},
    {ROW("cpu_percent", KIND_ANY), REFUSED(WINDOWS)},
    {ROW("volume_driver", KIND_ANY), REFUSED("set 'driver' of the volume under the top-level 'volumes'")},
    {ROW("log_driver", KIND_ANY), REFUSED("use logging: {driver: ...}")},
    {ROW("log_opt", KIND_ANY), REFUSED("use logging: {options: ...}")},
    {ROW("net", KIND_ANY), REFUSED("use network_mode")},
    {ROW("dockerfile", KIND_ANY), REFUSED("use build: {dockerfile: ...}")},
    {0},
};
/* clang-format on */

const struct compose_attribute *attribute_find(const struct compose_attribute *table,
                                               const char *name)
{
    for (const struct compose_attribute *a = table; a && a->name; a++) {
        if (a->name[0] == name[0] && strcmp(a->name, name) == 0)
            return a;
    }
    return NULL;
}
