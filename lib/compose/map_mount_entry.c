/*
 * Entries of HostConfig.Mounts: binds and volumes with options, anonymous volumes (new
 * or taken over from the container being replaced), tmpfs, images, secret files.
 */
#include <string.h>

#include "base/alloc.h"
#include "compose/map.h"

static const struct {
    const char *word, *member;
} recursive_words[] = {
    {"disabled", "NonRecursive"          },
    {"writable", "ReadOnlyNonRecursive"  },
    {"readonly", "ReadOnlyForceRecursive"},
};

static struct json *new_mount(struct json *mounts, const char *type, const char *source,
                              const char *target, bool read_only)
{
    struct json *mount = json_append_object(mounts);

    json_set_str(mount, "Type", type);
    if (!str_empty(source))
        json_set_str(mount, "Source", source);
    json_set_str(mount, "Target", target);
    if (read_only)
        json_set_bool(mount, "ReadOnly", true);
    return mount;
}

static int add_bind(const struct map_ctx *m, const struct json *v, struct json *mount,
                    struct ship_error *err)
{
    const struct json *bind = json_get(v, "bind");
    const char *recursive = json_str_or(bind, "recursive", "");
    struct json *options = json_object();

    json_set(mount, "BindOptions", options);
    if (!str_empty(json_str(bind, "propagation")))
        json_set_str(options, "Propagation", json_str(bind, "propagation"));
    if (m->create->api_minor >= API_CREATE_MOUNTPOINT && json_bool(bind, "create_host_path", true))
        json_set_bool(options, "CreateMountpoint", true);
    for (size_t i = 0; i < ARRAY_LEN(recursive_words); i++)
        if (str_eq(recursive, recursive_words[i].word))
            json_set_bool(options, recursive_words[i].member, true);
    if (*recursive && m->create->api_minor < API_ENDPOINTS && !str_eq(recursive, "disabled"))
        return ship_fail(err, SHIP_INVALID,
                         "service '%s': bind.recursive '%s' needs engine API 1.%d", m->name,
                         recursive, API_ENDPOINTS);
    if (json_size(options) == 0)
        json_remove(mount, "BindOptions");
    return 0;
}

/* What the container being replaced has mounted at target; NULL if nothing that can be kept. */
static const struct json *old_mount(const struct map_ctx *m, const char *target)
{
    const struct json *old = json_get(m->create->old_inspect, "Mounts");

    for (const struct json *c = json_first(old); c; c = json_next(c))
        if (str_eq(json_str(c, "Destination"), target) && !str_eq(json_str(c, "Type"), "tmpfs"))
            return c;
    return NULL;
}

static const char *old_source(const struct json *mount)
{
    return json_str(mount, str_eq(json_str(mount, "Type"), "volume") ? "Name" : "Source");
}

/* An anonymous volume of the file: the replaced container's one, data kept, else a new one. */
static void add_anonymous(const struct map_ctx *m, struct json *mount)
{
    const struct json *old = old_mount(m, json_str(mount, "Target"));

    if (!old)
        return;
    json_set_str(mount, "Type", json_str_or(old, "Type", "volume"));
    json_set_str(mount, "Source", old_source(old));
    if (!json_bool(old, "RW", true))
        json_set_bool(mount, "ReadOnly", true);
}

static int add_volume(const struct map_ctx *m, const struct json *v, struct json *mount,
                      struct ship_error *err)
{
    const struct json *volume = json_get(v, "volume");
    const char *source = json_str(v, "source");
    const char *subpath = json_str(volume, "subpath");

    if (str_empty(source))
        add_anonymous(m, mount);
    else
        json_set_str(mount, "Source", model_real_name(m->p, "volumes", source));
    struct json *options = json_set_object(mount, "VolumeOptions");
    if (json_bool(volume, "nocopy", false))
        json_set_bool(options, "NoCopy", true);
    if (json_size(json_get(volume, "labels")) > 0)
        json_set(options, "Labels", json_copy(json_get(volume, "labels")));
    if (!str_empty(subpath)) {
        if (m->create->api_minor < API_VOLUME_SUBPATH)
            return ship_fail(err, SHIP_INVALID,
                             "service '%s': volume.subpath needs engine API 1.%d", m->name,
                             API_VOLUME_SUBPATH);
        json_set_str(options, "Subpath", subpath);
    }
    if (json_size(options) == 0)
        json_remove(mount, "VolumeOptions");
    return 0;
}

static int add_tmpfs(const struct map_ctx *m, const struct json *v, struct json *mount,
                     struct ship_error *err)
{
    static const struct map_row rows[] = {
        {"size", MAP_BYTES, "SizeBytes"},
        {"mode", MAP_INT,   "Mode"     },
    };
    const struct json *tmpfs = json_get(v, "tmpfs");

    (void)m;
    if (json_size(tmpfs) == 0)
        return 0;
    return map_rows(rows, ARRAY_LEN(rows), tmpfs, json_set_object(mount, "TmpfsOptions"), err);
}

static int add_image(const struct map_ctx *m, const struct json *v, struct json *mount,
                     struct ship_error *err)
{
    const char *subpath = json_str(json_get(v, "image"), "subpath");

    if (m->create->api_minor < API_IMAGE_MOUNT)
        return ship_fail(err, SHIP_INVALID,
                         "service '%s': volume type 'image' needs engine API 1.%d", m->name,
                         API_IMAGE_MOUNT);
    if (!str_empty(subpath))
        json_set_str(json_set_object(mount, "ImageOptions"), "Subpath", subpath);
    return 0;
}

int map_mount_entry(const struct map_ctx *m, const struct json *volume, struct json *mounts,
                    struct ship_error *err)
{
    static const struct {
        const char *type;
        int (*add)(const struct map_ctx *m, const struct json *v, struct json *mount,
                   struct ship_error *err);
    } types[] = {
        {"bind",   add_bind  },
        {"volume", add_volume},
        {"tmpfs",  add_tmpfs },
        {"image",  add_image },
    };
    const char *type = json_str_or(volume, "type", "");

    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (!str_eq(type, types[i].type))
            continue;
        struct json *mount =
            new_mount(mounts, type, json_str(volume, "source"), json_str_or(volume, "target", ""),
                      json_bool(volume, "read_only", false));
        return types[i].add(m, volume, mount, err);
    }
    return ship_fail(err, SHIP_INVALID, "service '%s': volume type '%s' is not supported", m->name,
                     type);
}

static int add_secret_files(const struct map_ctx *m, const char *section, struct json *mounts,
                            struct ship_error *err)
{
    bool is_config = str_eq(section, "configs");

    for (const struct json *c = json_first(json_get(m->service, section)); c; c = json_next(c)) {
        const char *source = json_str_or(c, "source", "");
        const struct json *def = model_resource(m->p, section, source);
        const char *file = json_str(def, "file");
        if (!def || json_bool(def, "external", false))
            return ship_fail(err, SHIP_INVALID, "service '%s': %s '%s' is %s", m->name, section,
                             source, def ? "external, which needs Swarm" : "not defined");
        AUTO_FREE char *target = secret_target(c, is_config);
        if (!str_empty(file) && !map_target_taken(m->service, target))
            new_mount(mounts, "bind", file, target, true);
    }
    return 0;
}

int map_secret_mounts(const struct map_ctx *m, struct json *mounts, struct ship_error *err)
{
    if (add_secret_files(m, "secrets", mounts, err) != 0)
        return -1;
    return add_secret_files(m, "configs", mounts, err);
}

static bool has_target(const struct json *mounts, const char *target)
{
    for (const struct json *c = json_first(mounts); c; c = json_next(c))
        if (str_eq(json_str(c, "Target"), target))
            return true;
    return false;
}

/* A volume the new image declares keeps its data unless the file mounts something there. */
void map_inherited_mounts(const struct map_ctx *m, struct json *mounts)
{
    const struct json *image_volumes =
        json_get(json_get(m->create->image_inspect, "Config"), "Volumes");
    const struct json *old = json_get(m->create->old_inspect, "Mounts");

    for (const struct json *c = json_first(old); c; c = json_next(c)) {
        const char *target = json_str_or(c, "Destination", "");
        if (str_eq(json_str(c, "Type"), "tmpfs") || !json_get(image_volumes, target) ||
            map_target_taken(m->service, target) || has_target(mounts, target))
            continue;
        new_mount(mounts, json_str_or(c, "Type", "volume"), old_source(c), target,
                  !json_bool(c, "RW", true));
    }
}
