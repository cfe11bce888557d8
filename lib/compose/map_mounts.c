/*
 * What is mounted: Binds for plain binds and named volumes, Mounts for everything that
 * has options, Tmpfs, volumes of other containers.
 *
 * Binds lets the engine create a missing host directory; Mounts refuses it unless
 * CreateMountpoint is sent (API 1.42). Targets declared in the file win over
 * inherited anonymous volumes and over secrets.
 */
#include <string.h>

#include "base/alloc.h"
#include "compose/map.h"

bool map_target_taken(const struct json *service, const char *target)
{
    for (const struct json *c = json_first(json_get(service, "volumes")); c; c = json_next(c))
        if (str_eq(json_str(c, "target"), target))
            return true;
    for (const struct json *c = json_first(json_get(service, "tmpfs")); c; c = json_next(c)) {
        const char *text = json_value_str(c);
        size_t len = text ? strcspn(text, ":") : 0;
        if (text && strlen(target) == len && strncmp(text, target, len) == 0)
            return true;
    }
    return false;
}

/*
 * API 1.41 cannot ask for a missing host directory in Mounts, but Binds carries a propagation:
 * keep the form that creates the directory there.
 */
static bool bind_needs_mount(const struct map_ctx *m, const struct json *bind)
{
    if (!json_bool(bind, "create_host_path", true) || !str_empty(json_str(bind, "recursive")))
        return true;
    return m->create->api_minor >= API_CREATE_MOUNTPOINT &&
           !str_empty(json_str(bind, "propagation"));
}

static bool needs_mount(const struct map_ctx *m, const struct json *v)
{
    const char *type = json_str_or(v, "type", "");
    const struct json *volume = json_get(v, "volume");

    if (str_eq(type, "bind"))
        return bind_needs_mount(m, json_get(v, "bind"));
    if (!str_eq(type, "volume") || str_empty(json_str(v, "source")))
        return true;
    return json_bool(volume, "nocopy", false) || !str_empty(json_str(volume, "subpath")) ||
           json_size(json_get(volume, "labels")) > 0;
}

/* SRC:DST:rw|ro[,z|Z][,propagation] */
static char *bind_text(const struct map_ctx *m, const struct json *v)
{
    bool is_bind = str_eq(json_str(v, "type"), "bind");
    const struct json *bind = json_get(v, "bind");
    const char *source = json_str_or(v, "source", "");
    const char *selinux = is_bind ? json_str_or(bind, "selinux", "") : "";
    const char *propagation = is_bind ? json_str_or(bind, "propagation", "") : "";

    if (!is_bind)
        source = model_real_name(m->p, "volumes", source);
    return xasprintf("%s:%s:%s%s%s%s%s", source, json_str_or(v, "target", ""),
                     json_bool(v, "read_only", false) ? "ro" : "rw", *selinux ? "," : "", selinux,
                     *propagation ? "," : "", propagation);
}

static int set_volumes(const struct map_ctx *m, struct json *binds, struct json *mounts,
                       struct ship_error *err)
{
    for (const struct json *c = json_first(json_get(m->service, "volumes")); c; c = json_next(c)) {
        if (needs_mount(m, c)) {
            if (map_mount_entry(m, c, mounts, err) != 0)
                return -1;
            continue;
        }
        AUTO_FREE char *text = bind_text(m, c);
        json_append_str(binds, text);
    }
    return 0;
}

static void set_tmpfs(const struct map_ctx *m)
{
    const struct json *list = json_get(m->service, "tmpfs");

    if (json_size(list) == 0)
        return;
    struct json *tmpfs = json_set_object(m->host, "Tmpfs");
    for (const struct json *c = json_first(list); c; c = json_next(c)) {
        const char *text = json_value_str(c);
        size_t len = text ? strcspn(text, ":") : 0;
        if (!text)
            continue;
        AUTO_FREE char *path = xstrndup(text, len);
        json_set_str(tmpfs, path, text[len] == ':' ? text + len + 1 : "");
    }
}

int map_mounts(const struct map_ctx *m, struct ship_error *err)
{
    AUTO_PTR(json_free) struct json *binds = json_array();
    AUTO_PTR(json_free) struct json *mounts = json_array();

    if (set_volumes(m, binds, mounts, err) != 0 || map_secret_mounts(m, mounts, err) != 0)
        return -1;
    map_inherited_mounts(m, mounts);
    set_tmpfs(m);
    if (json_size(binds) > 0)
        json_set(m->host, "Binds", steal_ptr(&binds));
    if (json_size(mounts) > 0)
        json_set(m->host, "Mounts", steal_ptr(&mounts));
    return 0;
}

/* `svc[:mode]` -> its container id, `container:NAME[:mode]` -> NAME; Compose drops the mode. */
int map_volumes_from(const struct map_ctx *m, struct ship_error *err)
{
    const struct json *list = json_get(m->service, "volumes_from");

    if (json_size(list) == 0)
        return 0;
    struct json *out = json_set_array(m->host, "VolumesFrom");
    for (const struct json *c = json_first(list); c; c = json_next(c)) {
        const char *text = json_value_str(c);
        bool is_container = text && str_starts(text, "container:");
        const char *start = is_container ? text + strlen("container:") : text ? text : "";
        AUTO_FREE char *name = xstrndup(start, strcspn(start, ":"));
        const struct compose_peer *peer =
            is_container ? NULL : peer_first(m->create->peers, m->create->n_peers, name);
        if (!is_container && !peer)
            return ship_fail(err, SHIP_INVALID,
                             "service '%s': volumes_from: service '%s' has no container", m->name,
                             name);
        json_append_str(out, peer ? peer->container_id : name);
    }
    return 0;
}
