/*
 * Published ports before the switch: see ports.h.
 *
 * The engine would refuse the start only after the old container was stopped.
 * A container that publishes the port is found in the engine's list; any other
 * process is found by trying to bind. What can go wrong: shipctl may live in
 * another network namespace than the engine; then a bind proves too little and
 * the start itself reports the conflict.
 */
#include "deploy/ports.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"

#define PORTS_MAX 256

static bool holds(const struct container_row *c, int port, const char *protocol)
{
    for (const struct json *p = json_first(c->ports); p; p = json_next(p))
        if (json_i64(p, "PublicPort", 0) == port && str_eq(json_str_or(p, "Type", "tcp"), protocol))
            return true;
    return false;
}

static const struct container_row *find_holder(const struct container_list *list, int port,
                                               const char *protocol)
{
    for (size_t i = 0; i < list->n; i++)
        if (holds(&list->rows[i], port, protocol))
            return &list->rows[i];
    return NULL;
}

/* errno of a bind, or 0. Only an occupied address counts. */
static int try_bind(const char *ip, int port, bool udp)
{
    bool v6 = strchr(ip, ':') != NULL;
    AUTO_FD int fd =
        socket(v6 ? AF_INET6 : AF_INET, (udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
    struct sockaddr_in a4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct sockaddr_in6 a6 = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
    if (fd < 0 || (v6 ? inet_pton(AF_INET6, ip, &a6.sin6_addr)
                      : inet_pton(AF_INET, ip[0] ? ip : "0.0.0.0", &a4.sin_addr)) != 1)
        return 0;
    int one = 1;
    if (!udp && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) < 0)
        return 0;
    int rc = v6 ? bind(fd, (const struct sockaddr *)&a6, sizeof a6)
                : bind(fd, (const struct sockaddr *)&a4, sizeof a4);
    return rc < 0 && errno == EADDRINUSE ? EADDRINUSE : 0;
}

static int check_port(const struct container_list *all, const char *project, const char *service,
                      const struct compose_port *p, int port, struct ship_error *err)
{
    const struct container_row *c = find_holder(all, port, p->protocol);
    if (c && str_eq(container_row_label(c, "com.docker.compose.project"), project) &&
        str_eq(container_row_label(c, "com.docker.compose.service"), service))
        return 0;
    if (c) {
        ship_fail(err, SHIP_PRECHECK, "port %d/%s of service '%s' is held by container '%s'", port,
                  p->protocol, service, c->name);
        return ship_error_hint(err, "stop it with: docker stop %.200s", c->name);
    }
    if (try_bind(p->host_ip, port, str_eq(p->protocol, "udp")) == 0)
        return 0;
    ship_fail(err, SHIP_PRECHECK, "port %d/%s of service '%s' is held by another process", port,
              p->protocol, service);
    return ship_error_hint(err, "find it with: ss -lnp 'sport = :%d'", port);
}

static int check_service(const struct operation *op, const struct container_list *all,
                         const char *service, struct ship_error *err)
{
    struct compose_port *ports = xcalloc(PORTS_MAX, sizeof *ports);
    size_t n = compose_service_ports(op->s->compose, service, ports, PORTS_MAX);
    int rc = 0;
    for (size_t i = 0; i < n && i < PORTS_MAX && rc == 0; i++) {
        int64_t port;
        /* A range lets the engine choose: nothing to check. */
        if (str_to_i64(ports[i].published, &port) == 0 && port > 0 && port <= UINT16_MAX)
            rc = check_port(all, compose_name(op->s->compose), service, &ports[i], (int)port, err);
    }
    free(ports);
    return rc;
}

static bool will_start(const struct operation *op, const char *service)
{
    const struct container_row *c = operation_container(op, service, 0);
    return operation_target(op, service) || !c || c->state != CONTAINER_RUNNING;
}

int ports_check(struct operation *op, struct ship_error *err)
{
    struct runtime *rt = op->s->runtime;
    AUTO(container_list_done) struct container_list all = {0};
    struct strv none = {0};
    if (rt->ops->list(rt, &none, false, &all, clock_deadline(rt->clock, RUNTIME_READ_MS), err) < 0)
        return -1;
    for (size_t i = 0; i < compose_services(op->s->compose); i++) {
        const struct compose_service *svc = compose_service_at(op->s->compose, i);
        if (svc->has_fixed_ports && will_start(op, svc->name) &&
            check_service(op, &all, svc->name, err) < 0)
            return -1;
    }
    return 0;
}
