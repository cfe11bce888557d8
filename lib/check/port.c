/*
 * port: a port of this host is free, or held by a container of our own.
 *
 * address: default every address. The published ports of running containers
 * are looked at first (the engine may forward without a listening process),
 * then the sockets of this host.
 * PASS: free, or ours. FAIL: held by another container or process, which is
 * named. UNKNOWN: the engine or /proc can not be asked.
 */
#include "check/holder.h"
#include "check/support.h"
#include "check/types.h"

enum { PORT_TCP, PORT_UDP };
static const char *const protocol_words[] = {"tcp", "udp", NULL};

struct port_config {
    int64_t port;
    int protocol; /* PORT_TCP, PORT_UDP */
    char *address;
};

static const struct field port_fields[] = {
    {.key = "port",
     .kind = FIELD_INT,
     .offset = offsetof(struct port_config, port),
     .min = 1,
     .max = 65535,
     .fallback = NULL},
    {.key = "protocol",
     .kind = FIELD_ENUM,
     .offset = offsetof(struct port_config, protocol),
     .fallback = "tcp",
     .words = protocol_words},
    {.key = "address",
     .kind = FIELD_STRING,
     .offset = offsetof(struct port_config, address),
     .min = 1,
     .max = 45,
     .fallback = ""},
    {0                     },
};

static bool any_address(const char *address)
{
    return str_empty(address) || str_eq(address, "0.0.0.0") || str_eq(address, "::");
}

static bool publishes(const struct container_row *row, const struct port_config *cfg)
{
    for (const struct json *p = json_first(row->ports); p; p = json_next(p)) {
        const char *ip = json_str_or(p, "IP", "");

        if (json_i64(p, "PublicPort", 0) != cfg->port ||
            !str_eq(json_str_or(p, "Type", "tcp"), protocol_words[cfg->protocol]))
            continue;
        if (any_address(ip) || any_address(cfg->address) || str_eq(ip, cfg->address))
            return true;
    }
    return false;
}

static bool is_ours(const struct check_env *env, const struct container_row *row)
{
    for (size_t i = 0; i < env->n_targets; i++)
        if (env->targets[i].container_id && str_eq(env->targets[i].container_id, row->id))
            return true;
    return false;
}

static int judge_containers(const struct check_env *env, const struct port_config *cfg,
                            int64_t deadline_ms, struct check_result *ret, struct ship_error *err)
{
    AUTO(container_list_done) struct container_list list = {0};
    struct runtime *rt = env->runtime;

    if (rt->ops->list(rt, NULL, false, &list, deadline_ms, err) < 0)
        return check_unknown(ret, err);
    for (size_t i = 0; i < list.n; i++) {
        if (!publishes(&list.rows[i], cfg))
            continue;
        if (is_ours(env, &list.rows[i]))
            return check_say(ret, CHECK_PASS, "port %lld/%s is held by our container '%s'",
                             (long long)cfg->port, protocol_words[cfg->protocol],
                             list.rows[i].name);
        return check_say(ret, CHECK_FAIL, "port %lld/%s is held by container '%s'",
                         (long long)cfg->port, protocol_words[cfg->protocol], list.rows[i].name);
    }
    return 1;
}

static int judge_processes(const struct port_config *cfg, struct check_result *ret)
{
    const char *protocol = protocol_words[cfg->protocol];
    char name[128];

    switch (holder_find(cfg->protocol == PORT_TCP, cfg->address, cfg->port, name, sizeof name)) {
    case HOLDER_FOUND:
        return check_say(ret, CHECK_FAIL, "port %lld/%s is held by %s", (long long)cfg->port,
                         protocol, name);
    case HOLDER_UNREADABLE:
        return check_say(ret, CHECK_UNKNOWN, "can not read '/proc/net/%s'", protocol);
    case HOLDER_NONE:
        break;
    }
    return check_say(ret, CHECK_PASS, "port %lld/%s is free", (long long)cfg->port, protocol);
}

static int port_run(const struct check_env *env, const void *config, int64_t deadline_ms,
                    struct check_result *ret, struct ship_error *err)
{
    int rc = judge_containers(env, config, deadline_ms, ret, err);

    return rc == 1 ? judge_processes(config, ret) : rc;
}

const struct check_type check_port = {
    .name = "port",
    .phases = CHECK_PRE,
    .summary = "A port of this host is free, or held by a container of this project.",
    .fields = port_fields,
    .config_size = sizeof(struct port_config),
    .run = port_run,
};
