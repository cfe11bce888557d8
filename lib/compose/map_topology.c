/*
 * Top-level networks -> body of POST /networks/create.
 *
 * No config-hash label on purpose: Compose leaves a network without one alone, but a
 * hash it disagrees with makes `up` stop every attached container.
 */
#include "base/alloc.h"
#include "compose/map.h"

#define COMPOSE_VERSION_LABEL compose_family_version(COMPOSE_FAMILY_V5)

static const struct map_row network_rows[] = {
    {"driver",      MAP_STR,   "Driver"    },
    {"driver_opts", MAP_PAIRS, "Options"   },
    {"internal",    MAP_BOOL,  "Internal"  },
    {"attachable",  MAP_BOOL,  "Attachable"},
};

static const struct map_row ipam_rows[] = {
    {"driver",  MAP_STR,   "Driver" },
    {"options", MAP_PAIRS, "Options"},
};

static const struct map_row subnet_rows[] = {
    {"subnet",        MAP_STR,   "Subnet"            },
    {"ip_range",      MAP_STR,   "IPRange"           },
    {"gateway",       MAP_STR,   "Gateway"           },
    {"aux_addresses", MAP_PAIRS, "AuxiliaryAddresses"},
};

static int set_ipam(const struct json *def, struct json *body, struct ship_error *err)
{
    const struct json *ipam = json_get(def, "ipam");
    const struct json *subnets = json_get(ipam, "config");
    struct json *out = json_object();

    if (json_size(ipam) == 0) {
        json_free(out);
        return 0;
    }
    json_set(body, "IPAM", out);
    if (map_rows(ipam_rows, ARRAY_LEN(ipam_rows), ipam, out, err) != 0)
        return -1;
    if (json_size(subnets) == 0)
        return 0;
    struct json *config = json_set_array(out, "Config");
    for (const struct json *c = json_first(subnets); c; c = json_next(c))
        if (map_rows(subnet_rows, ARRAY_LEN(subnet_rows), c, json_append_object(config), err) != 0)
            return -1;
    return 0;
}

static void set_flag(const struct json *def, const char *key, struct json *body, const char *member)
{
    const struct json *value = json_get(def, key);

    if (json_is_bool(value))
        json_set_bool(body, member, json_value_bool(value));
}

static struct json *set_labels(const struct compose_project *p, const struct json *def,
                               struct json *body)
{
    const struct json *user = json_get(def, "labels");
    struct json *labels = user ? json_copy(user) : json_object();

    json_set(body, "Labels", labels);
    json_set_str(labels, COMPOSE_LABEL "project", p->name);
    json_set_str(labels, COMPOSE_LABEL "version", COMPOSE_VERSION_LABEL);
    return labels;
}

struct json *compose_network_body(const struct compose_project *p, const char *key, int api_minor)
{
    const struct json *def = model_resource(p, "networks", key);
    AUTO_PTR(json_free) struct json *body = json_object();
    struct ship_error ignored = {0};

    if (!def)
        return NULL;
    json_set_str(body, "Name", json_str_or(def, "name", key));
    if (map_rows(network_rows, ARRAY_LEN(network_rows), def, body, &ignored) != 0 ||
        set_ipam(def, body, &ignored) != 0)
        return NULL;
    set_flag(def, "enable_ipv6", body, "EnableIPv6");
    if (api_minor >= API_IMAGE_MOUNT)
        set_flag(def, "enable_ipv4", body, "EnableIPv4");
    if (api_minor < API_ENDPOINTS)
        json_set_bool(body, "CheckDuplicate", true);
    json_set_str(set_labels(p, def, body), COMPOSE_LABEL "network", key);
    return steal_ptr(&body);
}

struct json *compose_volume_body(const struct compose_project *p, const char *key)
{
    static const struct map_row rows[] = {
        {"driver",      MAP_STR,   "Driver"    },
        {"driver_opts", MAP_PAIRS, "DriverOpts"},
    };
    const struct json *def = model_resource(p, "volumes", key);
    AUTO_PTR(json_free) struct json *body = json_object();
    struct ship_error ignored = {0};

    if (!def)
        return NULL;
    json_set_str(body, "Name", json_str_or(def, "name", key));
    if (map_rows(rows, ARRAY_LEN(rows), def, body, &ignored) != 0)
        return NULL;
    json_set_str(set_labels(p, def, body), COMPOSE_LABEL "volume", key);
    return steal_ptr(&body);
}
