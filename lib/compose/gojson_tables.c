/*
 * Member tables of Compose's structs in Go's declaration order, per family where they differ.
 *
 * Left out on purpose: name, build, pull_policy, scale, deploy.replicas, env_file, extends
 * (Compose clears them before it hashes).
 */
#include "compose/gojson.h"

#define IN_V2_24    GO_FAMILY(COMPOSE_FAMILY_V2_24)
#define UNTIL_V2_30 (IN_V2_24 | GO_FAMILY(COMPOSE_FAMILY_V2_29_3))
#define BEFORE_V5   (UNTIL_V2_30 | GO_FAMILY(COMPOSE_FAMILY_V2_30_2))
#define FROM_V2_30  (GO_FAMILY(COMPOSE_FAMILY_V2_30_2) | IN_V5)
#define IN_V5       GO_FAMILY(COMPOSE_FAMILY_V5)
#define PLAIN(name)                                                                                \
    {                                                                                              \
        name, GO_VALUE, NULL, 0                                                                    \
    }
#define BYTES(name)                                                                                \
    {                                                                                              \
        name, GO_BYTES, NULL, 0                                                                    \
    }
#define END                                                                                        \
    {                                                                                              \
        NULL, GO_VALUE, NULL, 0                                                                    \
    }

static const struct go_member throttle_device[] = {
    {"Path", GO_VALUE, NULL, 0},
    {"Rate", GO_BYTES, NULL, 0},
    END,
};

static const struct go_member weight_device[] = {PLAIN("Path"), PLAIN("Weight"), END};

static const struct go_member blkio[] = {
    {"weight",            GO_VALUE, NULL,            0},
    {"weight_device",     GO_LIST,  weight_device,   0},
    {"device_read_bps",   GO_LIST,  throttle_device, 0},
    {"device_read_iops",  GO_LIST,  throttle_device, 0},
    {"device_write_bps",  GO_LIST,  throttle_device, 0},
    {"device_write_iops", GO_LIST,  throttle_device, 0},
    END,
};

/* The mode was a number before it became octal text. */
static const struct go_member file_reference[] = {
    {"source", GO_VALUE,   NULL, 0          },
    {"target", GO_VALUE,   NULL, 0          },
    {"uid",    GO_VALUE,   NULL, 0          },
    {"gid",    GO_VALUE,   NULL, 0          },
    {"mode",   GO_OCTAL,   NULL, UNTIL_V2_30},
    {"mode",   GO_POINTER, NULL, FROM_V2_30 },
    END,
};

static const struct go_member credential[] = {PLAIN("config"), PLAIN("file"), PLAIN("registry"),
                                              END};

static const struct go_member dependency[] = {
    {"condition", GO_VALUE,  NULL, 0},
    {"restart",   GO_VALUE,  NULL, 0},
    {"required",  GO_ALWAYS, NULL, 0},
    END,
};

static const struct go_member update_config[] = {
    {"parallelism",       GO_POINTER,  NULL, 0},
    {"delay",             GO_DURATION, NULL, 0},
    {"failure_action",    GO_VALUE,    NULL, 0},
    {"monitor",           GO_DURATION, NULL, 0},
    {"max_failure_ratio", GO_VALUE,    NULL, 0},
    {"order",             GO_VALUE,    NULL, 0},
    END,
};

static const struct go_member device_request[] = {
    PLAIN("capabilities"), PLAIN("driver"),  PLAIN("count"),
    PLAIN("device_ids"),   PLAIN("options"), END,
};

static const struct go_member resource[] = {
    {"cpus",              GO_VALUE, NULL,           0},
    {"memory",            GO_BYTES, NULL,           0},
    {"pids",              GO_VALUE, NULL,           0},
    {"devices",           GO_LIST,  device_request, 0},
    {"generic_resources", GO_VALUE, NULL,           0},
    END,
};

static const struct go_member resources[] = {
    {"limits",       GO_STRUCT, resource, 0},
    {"reservations", GO_STRUCT, resource, 0},
    END,
};

static const struct go_member restart_policy[] = {
    {"condition",    GO_VALUE,   NULL, 0},
    {"delay",        GO_POINTER, NULL, 0},
    {"max_attempts", GO_POINTER, NULL, 0},
    {"window",       GO_POINTER, NULL, 0},
    END,
};

static const struct go_member preference[] = {PLAIN("spread"), END};

static const struct go_member placement[] = {
    {"constraints",           GO_VALUE, NULL,       0},
    {"preferences",           GO_LIST,  preference, 0},
    {"max_replicas_per_node", GO_VALUE, NULL,       0},
    END,
};

static const struct go_member deploy[] = {
    {"mode",            GO_VALUE,  NULL,           0},
    {"labels",          GO_VALUE,  NULL,           0},
    {"update_config",   GO_STRUCT, update_config,  0},
    {"rollback_config", GO_STRUCT, update_config,  0},
    {"resources",       GO_INLINE, resources,      0},
    {"restart_policy",  GO_STRUCT, restart_policy, 0},
    {"placement",       GO_INLINE, placement,      0},
    {"endpoint_mode",   GO_VALUE,  NULL,           0},
    END,
};

static const struct go_member device[] = {PLAIN("source"), PLAIN("target"), PLAIN("permissions"),
                                          END};

static const struct go_member healthcheck[] = {
    {"test",           GO_VALUE,   NULL, 0},
    {"timeout",        GO_POINTER, NULL, 0},
    {"interval",       GO_POINTER, NULL, 0},
    {"retries",        GO_POINTER, NULL, 0},
    {"start_period",   GO_POINTER, NULL, 0},
    {"start_interval", GO_POINTER, NULL, 0},
    {"disable",        GO_VALUE,   NULL, 0},
    END,
};

static const struct go_member logging[] = {PLAIN("driver"), PLAIN("options"), END};

/*
 * The order changed when gw_priority was added; that was inside the 2.30.2 family, so a service
 * with `priority` or `driver_opts` may hash differently on 2.30.2 to 2.32.
 */
static const struct go_member network_use[] = {
    {"priority",       GO_VALUE, NULL, UNTIL_V2_30},
    {"aliases",        GO_VALUE, NULL, 0          },
    {"driver_opts",    GO_VALUE, NULL, FROM_V2_30 },
    {"gw_priority",    GO_VALUE, NULL, 0          },
    {"interface_name", GO_VALUE, NULL, 0          },
    {"ipv4_address",   GO_VALUE, NULL, 0          },
    {"ipv6_address",   GO_VALUE, NULL, 0          },
    {"link_local_ips", GO_VALUE, NULL, 0          },
    {"mac_address",    GO_VALUE, NULL, 0          },
    {"driver_opts",    GO_VALUE, NULL, UNTIL_V2_30},
    {"priority",       GO_VALUE, NULL, FROM_V2_30 },
    END,
};

static const struct go_member port[] = {
    PLAIN("name"),      PLAIN("mode"),     PLAIN("host_ip"),      PLAIN("target"),
    PLAIN("published"), PLAIN("protocol"), PLAIN("app_protocol"), END,
};

static const struct go_member ulimit[] = {PLAIN("soft"), PLAIN("hard"), END};

/*
 * Before v5 "create_host_path":true was printed: the short syntax sets it, an options map only
 * where it is written. v5 prints it only when false.
 */
static const struct go_member bind_options[] = {
    {"selinux",          GO_VALUE,    NULL, 0        },
    {"propagation",      GO_VALUE,    NULL, 0        },
    {"create_host_path", GO_NOT_TRUE, NULL, IN_V5    },
    {"create_host_path", GO_VALUE,    NULL, BEFORE_V5},
    {"recursive",        GO_VALUE,    NULL, 0        },
    END,
};

static const struct go_member volume_options[] = {PLAIN("labels"), PLAIN("nocopy"),
                                                  PLAIN("subpath"), END};

static const struct go_member tmpfs_options[] = {BYTES("size"), PLAIN("mode"), END};

static const struct go_member image_options[] = {PLAIN("subpath"), END};

static const struct go_member volume_use[] = {
    {"type",        GO_VALUE,  NULL,           0},
    {"source",      GO_VALUE,  NULL,           0},
    {"target",      GO_VALUE,  NULL,           0},
    {"read_only",   GO_VALUE,  NULL,           0},
    {"consistency", GO_VALUE,  NULL,           0},
    {"bind",        GO_STRUCT, bind_options,   0},
    {"volume",      GO_STRUCT, volume_options, 0},
    {"tmpfs",       GO_STRUCT, tmpfs_options,  0},
    {"image",       GO_STRUCT, image_options,  0},
    END,
};

static const struct go_member hook[] = {
    {"command",     GO_ALWAYS, NULL, 0},
    {"image",       GO_VALUE,  NULL, 0},
    {"user",        GO_VALUE,  NULL, 0},
    {"privileged",  GO_VALUE,  NULL, 0},
    {"working_dir", GO_VALUE,  NULL, 0},
    {"environment", GO_VALUE,  NULL, 0},
    {"per_replica", GO_VALUE,  NULL, 0},
    END,
};

const struct go_member go_service[] = {
    {"profiles",            GO_VALUE,   NULL,           UNTIL_V2_30},
    {"annotations",         GO_VALUE,   NULL,           0          },
    {"attach",              GO_POINTER, NULL,           0          },
    {"develop",             GO_VALUE,   NULL,           0          },
    {"blkio_config",        GO_STRUCT,  blkio,          0          },
    {"cap_add",             GO_VALUE,   NULL,           0          },
    {"cap_drop",            GO_VALUE,   NULL,           0          },
    {"cgroup_parent",       GO_VALUE,   NULL,           0          },
    {"cgroup",              GO_VALUE,   NULL,           0          },
    {"cpu_count",           GO_VALUE,   NULL,           0          },
    {"cpu_percent",         GO_VALUE,   NULL,           0          },
    {"cpu_period",          GO_VALUE,   NULL,           0          },
    {"cpu_quota",           GO_VALUE,   NULL,           0          },
    {"cpu_rt_period",       GO_VALUE,   NULL,           0          },
    {"cpu_rt_runtime",      GO_VALUE,   NULL,           0          },
    {"cpus",                GO_VALUE,   NULL,           0          },
    {"cpuset",              GO_VALUE,   NULL,           0          },
    {"cpu_shares",          GO_VALUE,   NULL,           0          },
    {"command",             GO_ALWAYS,  NULL,           0          },
    {"configs",             GO_LIST,    file_reference, 0          },
    {"container_name",      GO_VALUE,   NULL,           0          },
    {"credential_spec",     GO_STRUCT,  credential,     0          },
    {"depends_on",          GO_MAP,     dependency,     IN_V2_24   },
    {"deploy",              GO_STRUCT,  deploy,         0          },
    {"device_cgroup_rules", GO_VALUE,   NULL,           0          },
    {"devices",             GO_LIST,    device,         0          },
    {"dns",                 GO_VALUE,   NULL,           0          },
    {"dns_opt",             GO_VALUE,   NULL,           0          },
    {"dns_search",          GO_VALUE,   NULL,           0          },
    {"dockerfile",          GO_VALUE,   NULL,           0          },
    {"domainname",          GO_VALUE,   NULL,           0          },
    {"entrypoint",          GO_ALWAYS,  NULL,           0          },
    {"provider",            GO_VALUE,   NULL,           0          },
    {"environment",         GO_VALUE,   NULL,           0          },
    {"expose",              GO_VALUE,   NULL,           0          },
    {"external_links",      GO_VALUE,   NULL,           0          },
    {"extra_hosts",         GO_VALUE,   NULL,           0          },
    {"group_add",           GO_VALUE,   NULL,           0          },
    {"gpus",                GO_LIST,    device_request, 0          },
    {"hostname",            GO_VALUE,   NULL,           0          },
    {"healthcheck",         GO_STRUCT,  healthcheck,    0          },
    {"image",               GO_VALUE,   NULL,           0          },
    {"init",                GO_POINTER, NULL,           0          },
    {"ipc",                 GO_VALUE,   NULL,           0          },
    {"isolation",           GO_VALUE,   NULL,           0          },
    {"labels",              GO_LABELS,  NULL,           0          },
    {"label_file",          GO_VALUE,   NULL,           FROM_V2_30 },
    {"links",               GO_VALUE,   NULL,           0          },
    {"logging",             GO_STRUCT,  logging,        0          },
    {"log_driver",          GO_VALUE,   NULL,           0          },
    {"log_opt",             GO_VALUE,   NULL,           0          },
    {"mem_limit",           GO_BYTES,   NULL,           0          },
    {"mem_reservation",     GO_BYTES,   NULL,           0          },
    {"memswap_limit",       GO_BYTES,   NULL,           0          },
    {"mem_swappiness",      GO_BYTES,   NULL,           0          },
    {"mac_address",         GO_VALUE,   NULL,           0          },
    {"models",              GO_VALUE,   NULL,           0          },
    {"net",                 GO_VALUE,   NULL,           0          },
    {"network_mode",        GO_VALUE,   NULL,           0          },
    {"networks",            GO_MAP,     network_use,    0          },
    {"oom_kill_disable",    GO_VALUE,   NULL,           0          },
    {"oom_score_adj",       GO_VALUE,   NULL,           0          },
    {"pid",                 GO_VALUE,   NULL,           0          },
    {"pids_limit",          GO_VALUE,   NULL,           0          },
    {"platform",            GO_VALUE,   NULL,           0          },
    {"ports",               GO_LIST,    port,           0          },
    {"privileged",          GO_VALUE,   NULL,           0          },
    {"read_only",           GO_VALUE,   NULL,           0          },
    {"restart",             GO_VALUE,   NULL,           0          },
    {"runtime",             GO_VALUE,   NULL,           0          },
    {"secrets",             GO_LIST,    file_reference, 0          },
    {"security_opt",        GO_VALUE,   NULL,           0          },
    {"shm_size",            GO_BYTES,   NULL,           0          },
    {"stdin_open",          GO_VALUE,   NULL,           0          },
    {"stop_grace_period",   GO_POINTER, NULL,           0          },
    {"stop_signal",         GO_VALUE,   NULL,           0          },
    {"storage_opt",         GO_VALUE,   NULL,           0          },
    {"sysctls",             GO_VALUE,   NULL,           0          },
    {"tmpfs",               GO_VALUE,   NULL,           0          },
    {"tty",                 GO_VALUE,   NULL,           0          },
    {"ulimits",             GO_MAP,     ulimit,         0          },
    {"use_api_socket",      GO_VALUE,   NULL,           0          },
    {"user",                GO_VALUE,   NULL,           0          },
    {"userns_mode",         GO_VALUE,   NULL,           0          },
    {"uts",                 GO_VALUE,   NULL,           0          },
    {"volume_driver",       GO_VALUE,   NULL,           0          },
    {"volumes",             GO_LIST,    volume_use,     0          },
    {"volumes_from",        GO_VALUE,   NULL,           0          },
    {"working_dir",         GO_VALUE,   NULL,           0          },
    {"pre_start",           GO_LIST,    hook,           0          },
    {"post_start",          GO_LIST,    hook,           0          },
    {"pre_stop",            GO_LIST,    hook,           0          },
    END,
};
