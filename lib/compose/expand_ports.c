/*
 * Ports: `[[IP:][HOST]:]CONTAINER[/PROTO]`, ranges, and the long form.
 *
 * A container range becomes one item per port; a host range with one container
 * port stays a range. Wrong items are reported and dropped.
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/auto.h"
#include "base/str.h"
#include "compose/expand.h"
#include "compose/scalars.h"

#define PORT_TEXT_MAX 128

struct range {
    uint32_t from, to;
    bool given;
};

/* One port spec being taken apart; the pieces point into copy. */
struct port_spec {
    struct scope *scope;
    const struct yaml_node *at;
    const struct path *path;
    char copy[PORT_TEXT_MAX];
    const char *ip;
    char protocol[16];
    struct range host, container;
};

static int fault(const struct port_spec *spec, enum compose_class c, const char *what)
{
    char where[PATH_TEXT_MAX];

    diag_error(&spec->scope->loader->diag, c, &spec->at->mark, "'%s': %s",
               path_format(spec->path, where), what);
    return -1;
}

static bool parse_port(const char *s, size_t len, uint32_t *ret)
{
    uint32_t value = 0;

    if (len == 0 || len > 5)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (s[i] < '0' || s[i] > '9')
            return false;
        value = value * 10 + (uint32_t)(s[i] - '0');
    }
    *ret = value;
    return value <= 65535;
}

/* "80" or "80-90" */
static bool parse_range(const char *s, struct range *ret)
{
    const char *dash = strchr(s, '-');

    ret->given = true;
    if (!dash) {
        bool ok = parse_port(s, strlen(s), &ret->from);
        ret->to = ret->from;
        return ok;
    }
    return parse_port(s, (size_t)(dash - s), &ret->from) &&
           parse_port(dash + 1, strlen(dash + 1), &ret->to) && ret->to >= ret->from;
}

static bool is_ip(const char *text)
{
    unsigned char address[sizeof(struct in6_addr)];

    return inet_pton(AF_INET, text, address) == 1 || inet_pton(AF_INET6, text, address) == 1;
}

static int check_protocol(struct port_spec *spec, const char *text)
{
    size_t n = strlen(text);

    if (n >= sizeof spec->protocol)
        return fault(spec, COMPOSE_CLASS_bad_port, "protocol must be tcp, udp or sctp");
    for (size_t i = 0; i <= n; i++)
        spec->protocol[i] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] | 0x20 : text[i]);
    if (!str_eq(spec->protocol, "tcp") && !str_eq(spec->protocol, "udp") &&
        !str_eq(spec->protocol, "sctp"))
        return fault(spec, COMPOSE_CLASS_bad_port, "protocol must be tcp, udp or sctp");
    return 0;
}

static int check_ip(struct port_spec *spec, char *ip)
{
    size_t n = strlen(ip);

    if (n >= 2 && ip[0] == '[' && ip[n - 1] == ']') {
        ip[n - 1] = '\0';
        ip++;
    }
    if (*ip && !is_ip(ip))
        return fault(spec, COMPOSE_CLASS_bad_host_ip,
                     "the address before the host port must be an IP address, not a name");
    spec->ip = ip;
    return 0;
}

/* Cut off what follows the last occurrence of c; NULL when there is none. */
static char *cut_last(char *text, char c)
{
    char *at = strrchr(text, c);

    if (!at)
        return NULL;
    *at = '\0';
    return at + 1;
}

static int split_spec(struct port_spec *spec, const char *text)
{
    if (strlen(text) >= sizeof spec->copy)
        return fault(spec, COMPOSE_CLASS_bad_port, "port is too long");
    (void)snprintf(spec->copy, sizeof spec->copy, "%s", text);
    const char *protocol = cut_last(spec->copy, '/');
    if (check_protocol(spec, protocol ? protocol : "tcp") < 0)
        return -1;
    const char *container = cut_last(spec->copy, ':');
    const char *host = container ? cut_last(spec->copy, ':') : "";
    char *ip = spec->copy;
    if (!container) {
        container = spec->copy;
        ip = NULL;
    } else if (!host) {
        host = spec->copy;
        ip = NULL;
    }
    spec->ip = "";
    if (ip && check_ip(spec, ip) < 0)
        return -1;
    if (!parse_range(container, &spec->container) || spec->container.from == 0)
        return fault(spec, COMPOSE_CLASS_bad_port, "container port must be 1 to 65535 or a range");
    if (*host && !parse_range(host, &spec->host))
        return fault(spec, COMPOSE_CLASS_bad_port, "host port must be 0 to 65535 or a range");
    return 0;
}

static void set_number(struct scope *scope, struct yaml_node *map, const char *key, uint32_t value)
{
    char text[16];

    (void)snprintf(text, sizeof text, "%" PRIu32, value);
    yaml_set(scope->loader->scratch, map, key, tree_plain(scope->loader, text, &map->mark));
}

static struct yaml_node *new_port(const struct port_spec *spec, uint32_t target,
                                  const char *published)
{
    struct loader *l = spec->scope->loader;
    struct yaml_node *map = yaml_new_mapping(l->scratch, &spec->at->mark);

    tree_set_string(l, map, "mode", "ingress");
    if (*spec->ip)
        tree_set_string(l, map, "host_ip", spec->ip);
    set_number(spec->scope, map, "target", target);
    if (*published)
        tree_set_string(l, map, "published", published);
    tree_set_string(l, map, "protocol", spec->protocol);
    return map;
}

static void expand_short(struct port_spec *spec, const char *text, struct yaml_node *list)
{
    char published[32] = "";

    if (split_spec(spec, text) < 0)
        return;
    const struct range *host = &spec->host, *container = &spec->container;
    bool host_range = host->given && host->to > host->from;
    uint32_t span = container->to - container->from;
    if (host->given && host->to - host->from != span && span > 0) {
        fault(spec, COMPOSE_CLASS_port_range_mismatch,
              "host and container range must have the same length");
        return;
    }
    spec->scope->loader->n_ports += span + 1;
    if (spec->scope->loader->n_ports > LOAD_PORTS_MAX) {
        fault(spec, COMPOSE_CLASS_too_large, "more than 100000 ports are published");
        return;
    }
    for (uint32_t i = 0; i <= span; i++) {
        if (host_range && span == 0)
            (void)snprintf(published, sizeof published, "%" PRIu32 "-%" PRIu32, host->from,
                           host->to);
        else if (host->given)
            (void)snprintf(published, sizeof published, "%" PRIu32, host->from + i);
        yaml_append(spec->scope->loader->scratch, list,
                    new_port(spec, container->from + i, published));
    }
}

/* Defaults and checks of the long form. */
static int expand_long(struct port_spec *spec, struct yaml_node *item)
{
    struct loader *l = spec->scope->loader;
    const char *protocol = tree_text_of(item, "protocol"), *ip = tree_text_of(item, "host_ip");
    const char *published = tree_text_of(item, "published"), *target = tree_text_of(item, "target");

    if (check_protocol(spec, protocol ? protocol : "tcp") < 0)
        return -1;
    tree_set_string(l, item, "protocol", spec->protocol);
    if (!yaml_get(item, "mode"))
        tree_set_string(l, item, "mode", "ingress");
    if (ip && *ip && !is_ip(ip))
        return fault(spec, COMPOSE_CLASS_bad_host_ip, "host_ip must be an IP address, not a name");
    if (published && *published && !parse_range(published, &spec->host))
        return fault(spec, COMPOSE_CLASS_bad_port, "published must be 0 to 65535 or a range");
    if (!target)
        return fault(spec, COMPOSE_CLASS_schema, "target is missing");
    if (!parse_port(target, strlen(target), &spec->container.from) || !spec->container.from)
        return fault(spec, COMPOSE_CLASS_bad_port, "target must be a port from 1 to 65535");
    return 0;
}

static void expand_item(struct scope *scope, struct yaml_node *item, const struct path *path,
                        struct yaml_node *list)
{
    struct port_spec spec = {.scope = scope, .at = item, .path = path};

    if (item->kind == YAML_MAPPING) {
        if (expand_long(&spec, item) == 0)
            yaml_append(scope->loader->scratch, list, item);
        return;
    }
    if (item->kind != YAML_SCALAR) {
        fault(&spec, COMPOSE_CLASS_schema, "must be a port or a mapping");
        return;
    }
    struct scalar v = scalar_of(item);
    if (v.type != SCALAR_INT && v.type != SCALAR_STRING)
        fault(&spec, COMPOSE_CLASS_schema, "must be a port; put it in quotes");
    else
        expand_short(&spec, v.type == SCALAR_INT ? v.text : item->text, list);
}

EXPAND(expand_ports)
{
    if (n->kind != YAML_SEQUENCE)
        return n;
    struct yaml_node *list = yaml_new_sequence(scope->loader->scratch, &n->mark);
    for (size_t i = 0; i < n->n; i++) {
        struct path at = {.up = path, .index = i};
        expand_item(scope, n->items[i], &at, list);
    }
    return list;
}
