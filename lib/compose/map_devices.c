/*
 * Devices: plain host devices, CDI names, GPUs and deploy reservations.
 */
#include <string.h>

#include "base/alloc.h"
#include "compose/map.h"

static struct json *member_array(struct json *obj, const char *key)
{
    struct json *list = json_edit(obj, key);

    return list ? list : json_set_array(obj, key);
}

/* `vendor/class=name` without a mapping is a CDI device, not a path. */
static bool is_cdi(const struct json *device)
{
    const char *source = json_str_or(device, "source", "");
    const char *target = json_str_or(device, "target", source);
    const char *slash = strchr(source, '/');

    return source[0] != '/' && slash && strchr(slash, '=') && str_eq(source, target);
}

static void add_cdi(const struct map_ctx *m, const struct json *device)
{
    struct json *request = json_append_object(member_array(m->host, "DeviceRequests"));

    json_set_str(request, "Driver", "cdi");
    json_append_str(json_set_array(request, "DeviceIDs"), json_str(device, "source"));
}

static void add_device(const struct map_ctx *m, const struct json *device)
{
    const char *source = json_str_or(device, "source", "");
    struct json *entry = json_append_object(member_array(m->host, "Devices"));

    json_set_str(entry, "PathOnHost", source);
    json_set_str(entry, "PathInContainer", json_str_or(device, "target", source));
    json_set_str(entry, "CgroupPermissions", json_str_or(device, "permissions", "rwm"));
}

/* Count -1 means all. capability is appended to those given; NULL for none. */
static int add_request(const struct map_ctx *m, const struct json *want, const char *capability,
                       struct ship_error *err)
{
    const struct json *count = json_get(want, "count");
    const struct json *ids = json_get(want, "device_ids");
    int64_t n = json_size(ids) > 0 ? 0 : -1;

    if (str_eq(json_value_str(count), "all"))
        n = -1;
    else if (!json_is_null(count) && map_integer(count, "device count", &n, err) != 0)
        return -1;
    struct json *request = json_append_object(member_array(m->host, "DeviceRequests"));
    json_set_str(request, "Driver", json_str_or(want, "driver", ""));
    json_set_i64(request, "Count", n);
    if (json_size(ids) > 0)
        json_set(request, "DeviceIDs", json_copy(ids));
    struct json *all = json_array();
    for (const struct json *c = json_first(json_get(want, "capabilities")); c; c = json_next(c))
        json_append(all, json_copy(c));
    if (capability)
        json_append_str(all, capability);
    json_append(json_set_array(request, "Capabilities"), all);
    if (json_size(json_get(want, "options")) > 0)
        json_set(request, "Options", json_copy(json_get(want, "options")));
    return 0;
}

static int add_requests(const struct map_ctx *m, const struct json *list, const char *capability,
                        struct ship_error *err)
{
    for (const struct json *c = json_first(list); c; c = json_next(c))
        if (add_request(m, c, capability, err) != 0)
            return -1;
    return 0;
}

int map_devices(const struct map_ctx *m, struct ship_error *err)
{
    static const struct map_row rows[] = {
        {"device_cgroup_rules", MAP_STRINGS, "DeviceCgroupRules"},
    };
    const struct json *reserved = json_get(
        json_get(json_get(json_get(m->service, "deploy"), "resources"), "reservations"), "devices");

    for (const struct json *c = json_first(json_get(m->service, "devices")); c; c = json_next(c)) {
        if (is_cdi(c))
            add_cdi(m, c);
        else
            add_device(m, c);
    }
    if (add_requests(m, json_get(m->service, "gpus"), "gpu", err) != 0 ||
        add_requests(m, reserved, NULL, err) != 0)
        return -1;
    return map_rows(rows, ARRAY_LEN(rows), m->service, m->host, err);
}
