/*
 * Networks of a container: NetworkMode, endpoint settings, links, DNS.
 *
 * The first network by priority is the primary one: its real name is the NetworkMode and
 * it is always part of the create call. From API 1.44 all endpoints are; before, the
 * others are connected one by one before the start (compose_connect_bodies).
 * A one-off container gets neither the aliases nor the fixed addresses of its service:
 * they belong to the running container.
 */
#include <string.h>

#include "base/alloc.h"
#include "compose/map.h"

#define IFNAME_OPTION "com.docker.network.endpoint.ifname"

static const struct map_row dns_rows[] = {
    {"dns",        MAP_STRINGS, "Dns"       },
    {"dns_opt",    MAP_STRINGS, "DnsOptions"},
    {"dns_search", MAP_STRINGS, "DnsSearch" },
};

static const struct map_row ipam_rows[] = {
    {"ipv4_address",   MAP_STR,     "IPv4Address" },
    {"ipv6_address",   MAP_STR,     "IPv6Address" },
    {"link_local_ips", MAP_STRINGS, "LinkLocalIPs"},
};

static void add_link(struct json *links, const char *container, const char *alias)
{
    AUTO_FREE char *text = xasprintf("%s:%s", container, alias);

    json_append_str(links, text);
}

/* Every container of the linked service under three names, N being the number of OUR container. */
static void add_service_links(const struct map_ctx *m, const char *text, struct json *links)
{
    AUTO_FREE char *service = xstrndup(text, strcspn(text, ":"));
    const char *colon = strchr(text, ':');
    AUTO_FREE char *short_name = xasprintf("%s-%d", service, m->create->number);
    AUTO_FREE char *long_name = xasprintf("%s-%s", m->p->name, short_name);
    bool is_bridge = is_default_bridge(json_str(m->service, "network_mode"));

    for (size_t i = 0; i < m->create->n_peers; i++) {
        const struct compose_peer *peer = &m->create->peers[i];
        if (!str_eq(peer->service, service))
            continue;
        const char *who = is_bridge && peer->is_aside ? peer->container_id : peer->container_name;
        add_link(links, who, colon ? colon + 1 : service);
        add_link(links, who, short_name);
        add_link(links, who, long_name);
    }
}

static struct json *make_links(const struct map_ctx *m)
{
    struct json *links = json_array();

    for (const struct json *c = json_first(json_get(m->service, "links")); c; c = json_next(c))
        if (json_value_str(c))
            add_service_links(m, json_value_str(c), links);
    for (const struct json *c = json_first(json_get(m->service, "external_links")); c;
         c = json_next(c)) {
        const char *text = json_value_str(c);
        const char *colon = text ? strchr(text, ':') : NULL;
        AUTO_FREE char *name = text ? xstrndup(text, strcspn(text, ":")) : NULL;
        if (name)
            add_link(links, name, colon ? colon + 1 : name);
    }
    return links;
}

/* Final container name, service, then the user's aliases. */
static void set_aliases(const struct map_ctx *m, const struct json *use, struct json *endpoint)
{
    struct json *aliases = json_set_array(endpoint, "Aliases");

    if (!str_empty(m->create->final_name))
        json_append_str(aliases, m->create->final_name);
    if (m->create->one_off_slug)
        return;
    json_append_str(aliases, m->name);
    for (const struct json *c = json_first(json_get(use, "aliases")); c; c = json_next(c))
        json_append(aliases, json_copy(c));
}

static int needs_api(const struct map_ctx *m, const char *what, int minor, struct ship_error *err)
{
    if (m->create->api_minor >= minor)
        return 0;
    return ship_fail(err, SHIP_INVALID, "service '%s': %s needs engine API 1.%d, this one has 1.%d",
                     m->name, what, minor, m->create->api_minor);
}

static int set_options(const struct map_ctx *m, const struct json *use, struct json *endpoint,
                       struct ship_error *err)
{
    const char *interface = json_str(use, "interface_name");
    int64_t gateway = json_i64(use, "gw_priority", 0);
    const struct json *driver_opts = json_get(use, "driver_opts");

    if (json_size(driver_opts) > 0)
        json_set(endpoint, "DriverOpts", json_copy(driver_opts));
    if (!str_empty(interface)) {
        if (needs_api(m, "interface_name", API_INTERFACE_NAME, err) != 0)
            return -1;
        struct json *opts = json_edit(endpoint, "DriverOpts");
        json_set_str(opts ? opts : json_set_object(endpoint, "DriverOpts"), IFNAME_OPTION,
                     interface);
    }
    if (gateway != 0) {
        if (needs_api(m, "gw_priority", API_IMAGE_MOUNT, err) != 0)
            return -1;
        json_set_i64(endpoint, "GwPriority", gateway);
    }
    return 0;
}

/* Fixed addresses; the MAC address of the primary network falls back to the service's. */
static int set_addresses(const struct map_ctx *m, const struct json *use, bool primary,
                         struct json *endpoint, struct ship_error *err)
{
    const char *own = json_str(use, "mac_address");
    const char *mac = own || !primary ? own : json_str(m->service, "mac_address");

    if (m->create->one_off_slug)
        return 0;
    if (map_rows(ipam_rows, ARRAY_LEN(ipam_rows), use, json_set_object(endpoint, "IPAMConfig"),
                 err) != 0)
        return -1;
    if (json_size(json_get(endpoint, "IPAMConfig")) == 0)
        json_remove(endpoint, "IPAMConfig");
    if (str_empty(mac))
        return 0;
    if (m->create->api_minor >= API_ENDPOINTS)
        json_set_str(endpoint, "MacAddress", mac);
    else if (primary)
        json_set_str(m->body, "MacAddress", mac);
    else
        return needs_api(m, "mac_address of a second network", API_ENDPOINTS, err);
    return 0;
}

/* Settings of one network; caller frees. */
static struct json *make_endpoint(const struct map_ctx *m, const char *key, bool primary,
                                  struct ship_error *err)
{
    const struct json *use = json_get(json_get(m->service, "networks"), key);
    AUTO_PTR(json_free) struct json *endpoint = json_object();
    struct json *links = make_links(m);

    if (json_size(links) > 0)
        json_set(endpoint, "Links", links);
    else
        json_free(links);
    set_aliases(m, use, endpoint);
    if (set_options(m, use, endpoint, err) != 0 ||
        set_addresses(m, use, primary, endpoint, err) != 0)
        return NULL;
    return steal_ptr(&endpoint);
}

static int set_network_mode(const struct map_ctx *m, const char *mode, struct ship_error *err)
{
    AUTO_FREE char *resolved = peer_resolve_mode(m->create->peers, m->create->n_peers, mode);

    if (str_starts(resolved, "service:"))
        return ship_fail(err, SHIP_INVALID, "service '%s': network_mode: '%s' has no container",
                         m->name, resolved);
    json_set_str(m->host, "NetworkMode", resolved);
    if (str_eq(mode, "disabled"))
        json_set_bool(m->body, "NetworkDisabled", true);
    return 0;
}

static int set_endpoints(const struct map_ctx *m, struct ship_error *err)
{
    size_t n = 0;
    AUTO_FREE const char **keys = model_networks(m->service, &n);

    if (n == 0) {
        json_set_str(m->host, "NetworkMode", "none");
        return 0;
    }
    json_set_str(m->host, "NetworkMode", model_real_name(m->p, "networks", keys[0]));
    struct json *config =
        json_set_object(json_set_object(m->body, "NetworkingConfig"), "EndpointsConfig");
    for (size_t i = 0; i < n; i++) {
        if (i > 0 && m->create->api_minor < API_ENDPOINTS)
            break;
        struct json *endpoint = make_endpoint(m, keys[i], i == 0, err);
        if (!endpoint)
            return -1;
        json_set(config, model_real_name(m->p, "networks", keys[i]), endpoint);
    }
    return 0;
}

/* "host=ip" of the model -> "host:ip" */
static void set_extra_hosts(const struct map_ctx *m)
{
    const struct json *hosts = json_get(m->service, "extra_hosts");

    if (json_size(hosts) == 0)
        return;
    struct json *list = json_set_array(m->host, "ExtraHosts");
    for (const struct json *c = json_first(hosts); c; c = json_next(c)) {
        AUTO_FREE char *text = xstrdup_or_null(json_value_str(c));
        char *sep = text ? strchr(text, '=') : NULL;
        if (sep)
            *sep = ':';
        json_append_str(list, text);
    }
}

int map_endpoints(const struct map_ctx *m, struct ship_error *err)
{
    const char *mode = json_str(m->service, "network_mode");
    struct json *links = make_links(m);

    if (json_size(links) > 0)
        json_set(m->host, "Links", links);
    else
        json_free(links);
    set_extra_hosts(m);
    if (map_rows(dns_rows, ARRAY_LEN(dns_rows), m->service, m->host, err) != 0)
        return -1;
    return str_empty(mode) ? set_endpoints(m, err) : set_network_mode(m, mode, err);
}

struct json *compose_connect_bodies(const struct compose_project *p, const char *service,
                                    const struct compose_create *create, struct ship_error *err)
{
    struct map_ctx m = {
        .p = p, .name = service, .service = model_service(p, service), .create = create};
    AUTO_PTR(json_free) struct json *list = json_array();
    size_t n = 0;

    if (!m.service) {
        ship_fail(err, SHIP_INVALID, "no service '%s' in the compose files", service);
        return NULL;
    }
    if (create->api_minor >= API_ENDPOINTS || !str_empty(json_str(m.service, "network_mode")))
        return steal_ptr(&list);
    AUTO_FREE const char **keys = model_networks(m.service, &n);
    for (size_t i = 1; i < n; i++) {
        struct json *endpoint = make_endpoint(&m, keys[i], false, err);
        if (!endpoint)
            return NULL;
        struct json *entry = json_append_object(list);
        json_set_str(entry, "Network", model_real_name(p, "networks", keys[i]));
        json_set(json_set_object(entry, "Body"), "EndpointConfig", endpoint);
    }
    return steal_ptr(&list);
}
