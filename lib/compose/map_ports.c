/*
 * Published and exposed ports.
 *
 * One container port may be published several times; the order of the file is kept.
 * `expose` ranges are expanded and get "/tcp". One-off containers publish nothing.
 */
#include <string.h>

#include "base/alloc.h"
#include "compose/map.h"

#define PORT_MAX 65535

static struct json *member_object(struct json *obj, const char *key)
{
    struct json *o = json_edit(obj, key);

    return o ? o : json_set_object(obj, key);
}

static void expose(const struct map_ctx *m, const char *key)
{
    json_set_object(member_object(m->body, "ExposedPorts"), key);
}

static void publish(const struct map_ctx *m, const struct json *port)
{
    AUTO_FREE char *key = xasprintf("%lld/%s", (long long)json_i64(port, "target", 0),
                                    json_str_or(port, "protocol", "tcp"));

    expose(m, key);
    struct json *bindings = member_object(m->host, "PortBindings");
    struct json *list = json_edit(bindings, key);
    if (!list)
        list = json_set_array(bindings, key);
    struct json *binding = json_append_object(list);
    json_set_str(binding, "HostIp", json_str_or(port, "host_ip", ""));
    json_set_str(binding, "HostPort", json_str_or(port, "published", ""));
}

static int port_number(const char *text, size_t len, int64_t *ret)
{
    AUTO_FREE char *copy = xstrndup(text, len);

    if (str_to_i64(copy, ret) != 0 || *ret < 1 || *ret > PORT_MAX)
        return -1;
    return 0;
}

/* "80", "81/udp", "90-92" */
static int expose_entry(const struct map_ctx *m, const char *text, struct ship_error *err)
{
    size_t len = strcspn(text, "/");
    const char *protocol = text[len] == '/' ? text + len + 1 : "tcp";
    const char *dash = memchr(text, '-', len);
    size_t first_len = dash ? (size_t)(dash - text) : len;
    int64_t first = 0, last = 0;

    if (port_number(text, first_len, &first) != 0)
        return ship_fail(err, SHIP_INVALID, "service '%s': bad expose '%s'", m->name, text);
    last = first;
    if (dash && (port_number(dash + 1, len - first_len - 1, &last) != 0 || last < first))
        return ship_fail(err, SHIP_INVALID, "service '%s': bad expose '%s'", m->name, text);
    for (int64_t port = first; port <= last; port++) {
        AUTO_FREE char *key = xasprintf("%lld/%s", (long long)port, protocol);
        expose(m, key);
    }
    return 0;
}

int map_ports(const struct map_ctx *m, struct ship_error *err)
{
    for (const struct json *c = json_first(json_get(m->service, "expose")); c; c = json_next(c)) {
        const char *text = json_value_str(c);
        if (text && expose_entry(m, text, err) != 0)
            return -1;
    }
    if (m->create->one_off_slug)
        return 0;
    for (const struct json *c = json_first(json_get(m->service, "ports")); c; c = json_next(c))
        publish(m, c);
    return 0;
}
