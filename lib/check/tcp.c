/*
 * tcp: something accepts connections at host and port.
 *
 * host: default 127.0.0.1. With `service` the address of that service's
 * container is used instead. Each address of a name is tried in turn.
 * PASS: connected. FAIL: refused, unreachable, no answer in time, no such
 * name. UNKNOWN: the resolver or the engine did not answer, no container.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>

#include "check/net.h"
#include "check/support.h"
#include "check/types.h"

struct tcp_config {
    char *host, *service;
    int64_t port;
};

static const struct field tcp_fields[] = {
    {.key = "host",
     .kind = FIELD_STRING,
     .offset = offsetof(struct tcp_config, host),
     .min = 1,
     .max = 255,
     .fallback = ""},
    {.key = "service",
     .kind = FIELD_STRING,
     .offset = offsetof(struct tcp_config, service),
     .min = 1,
     .max = 255,
     .fallback = ""},
    {.key = "port",
     .kind = FIELD_INT,
     .offset = offsetof(struct tcp_config, port),
     .min = 1,
     .max = 65535,
     .fallback = NULL},
    {0                      },
};

static socklen_t set_port(struct sockaddr_storage *to, int64_t port)
{
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;

    if (to->ss_family == AF_INET) {
        memcpy(&v4, to, sizeof v4);
        v4.sin_port = htons((uint16_t)port);
        memcpy(to, &v4, sizeof v4);
        return sizeof v4;
    }
    memcpy(&v6, to, sizeof v6);
    v6.sin6_port = htons((uint16_t)port);
    memcpy(to, &v6, sizeof v6);
    return sizeof v6;
}

/* 0 with *ret_errno (0 = connected); -1 interrupted. */
static int try_connect(const struct clock *clock, struct sockaddr_storage to, int64_t port,
                       int64_t deadline_ms, int *ret_errno, struct ship_error *err)
{
    socklen_t len = set_port(&to, port), size = sizeof *ret_errno;
    AUTO_FD int fd = socket(to.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int rc;

    *ret_errno = 0;
    if (fd < 0 || (connect(fd, (const struct sockaddr *)&to, len) < 0 && errno != EINPROGRESS)) {
        *ret_errno = errno;
        return 0;
    }
    rc = check_poll(clock, fd, POLLOUT, deadline_ms, err);
    if (rc == 0)
        *ret_errno = ETIMEDOUT;
    else if (rc > 0 && getsockopt(fd, SOL_SOCKET, SO_ERROR, ret_errno, &size) < 0)
        *ret_errno = errno;
    return rc < 0 ? -1 : 0;
}

static int tcp_connect(const struct check_env *env, const char *host, int64_t port,
                       int64_t deadline_ms, struct check_result *ret, struct ship_error *err)
{
    struct check_addresses found = {0};
    int rc = check_lookup(env, host, deadline_ms, &found, ret, err), failed = 0;

    if (rc <= 0)
        return rc;
    for (size_t i = 0; i < found.n; i++) {
        /* The addresses share what is left, so that a dead first one leaves time for the rest. */
        int64_t share = clock_left_ms(env->clock, deadline_ms) / (int64_t)(found.n - i);

        if (try_connect(env->clock, found.list[i], port, clock_deadline(env->clock, share), &failed,
                        err) < 0)
            return check_unknown(ret, err);
        if (failed == 0)
            return check_say(ret, CHECK_PASS, "'%s' port %lld accepts connections", host,
                             (long long)port);
        ret->refused = ret->refused || failed == ECONNREFUSED;
    }
    return check_say(ret, CHECK_FAIL, "connection to '%s' port %lld: %s", host, (long long)port,
                     failed == ETIMEDOUT ? "no answer in time" : strerror(failed));
}

static int tcp_run(const struct check_env *env, const void *config, int64_t deadline_ms,
                   struct check_result *ret, struct ship_error *err)
{
    const struct tcp_config *cfg = config;
    AUTO_FREE char *host = NULL;
    int rc = 1;

    if (cfg->service)
        rc = check_container_address(env, cfg->service, deadline_ms, &host, ret, err);
    else
        host = check_expand(env, cfg->host ? cfg->host : "127.0.0.1", ret);
    if (rc <= 0 || !host)
        return rc < 0 ? -1 : 0;
    return tcp_connect(env, host, cfg->port, deadline_ms, ret, err);
}

static void tcp_validate(const void *config, const struct yaml_node *node, struct field_ctx *ctx)
{
    const struct tcp_config *cfg = config;

    if (cfg->host && cfg->service)
        yaml_problem_add(ctx->problems, YAML_ERROR, &node->mark,
                         "%s: give 'host' or 'service', not both", ctx->where);
}

const struct check_type check_tcp = {
    .name = "tcp",
    .phases = CHECK_PRE | CHECK_HEALTH | CHECK_POST,
    .summary = "A TCP port accepts connections.",
    .fields = tcp_fields,
    .config_size = sizeof(struct tcp_config),
    .validate = tcp_validate,
    .run = tcp_run,
};
