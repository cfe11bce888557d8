/*
 * Volumes `[SOURCE:]TARGET[:OPTIONS]`, devices, secrets and configs of a
 * service -> long forms. Wrong items are reported and dropped.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/auto.h"
#include "base/file.h"
#include "base/str.h"
#include "compose/expand.h"
#include "compose/scalars.h"

struct mount_spec {
    struct scope *scope;
    const struct yaml_node *at;
    const struct path *path;
    struct yaml_node *map;     /* the long form */
    struct yaml_node *details; /* its `bind` or `volume` */
    bool is_bind;
};

static struct yaml_node *fault(struct scope *scope, const struct yaml_node *at,
                               const struct path *path, const char *what)
{
    char where[PATH_TEXT_MAX];

    diag_error(&scope->loader->diag, COMPOSE_CLASS_bad_volume, &at->mark, "'%s': %s",
               path_format(path, where), what);
    return NULL;
}

static bool is_path(const char *source)
{
    return *source && strchr("./~", *source);
}

/* path.Clean of a container path; "" stays "". */
static void set_target(struct loader *l, struct yaml_node *map, const char *target)
{
    AUTO_FREE char *clean = *target == '/' ? file_path_join("/", target) : xstrdup(target);

    tree_set_string(l, map, "target", clean);
}

static void set_flag(struct mount_spec *m, struct yaml_node *map, const char *key)
{
    yaml_set(m->scope->loader->scratch, map, key,
             tree_plain(m->scope->loader, "true", &m->at->mark));
}

static void apply_option(struct mount_spec *m, const char *option)
{
    static const char *const propagation[] = {"private", "rprivate", "shared",
                                              "rshared", "slave",    "rslave"};
    struct loader *l = m->scope->loader;
    char where[PATH_TEXT_MAX];

    if (str_eq(option, "rw"))
        return;
    if (str_eq(option, "ro")) {
        set_flag(m, m->map, "read_only");
        return;
    }
    if (str_eq(option, "nocopy") && !m->is_bind) {
        set_flag(m, m->details, "nocopy");
        return;
    }
    if ((str_eq(option, "z") || str_eq(option, "Z")) && m->is_bind) {
        tree_set_string(l, m->details, "selinux", option);
        return;
    }
    for (size_t i = 0; m->is_bind && i < ARRAY_LEN(propagation); i++) {
        if (str_eq(option, propagation[i])) {
            tree_set_string(l, m->details, "propagation", option);
            return;
        }
    }
    diag_warn(&l->diag, &m->at->mark, "'%s': unknown option '%s': ignoring",
              path_format(m->path, where), option);
}

static void start_mount(struct mount_spec *m, const char *source, const char *target)
{
    struct loader *l = m->scope->loader;

    m->is_bind = is_path(source);
    m->map = yaml_new_mapping(l->scratch, &m->at->mark);
    tree_set_string(l, m->map, "type", m->is_bind ? "bind" : "volume");
    if (m->is_bind) {
        AUTO_FREE char *absolute = files_resolve(l, m->scope->dir, source);
        tree_set_string(l, m->map, "source", absolute);
    } else if (*source) {
        tree_set_string(l, m->map, "source", source);
    }
    set_target(l, m->map, target);
    m->details = yaml_new_mapping(l->scratch, &m->at->mark);
    yaml_set(l->scratch, m->map, m->is_bind ? "bind" : "volume", m->details);
    if (m->is_bind) /* an options map without it hashes differently before v5 */
        set_flag(m, m->details, "create_host_path");
}

static struct yaml_node *short_volume(struct scope *scope, const struct yaml_node *n,
                                      const struct path *path)
{
    struct mount_spec m = {.scope = scope, .at = n, .path = path};
    AUTO_FREE char *copy = xstrdup(n->text);
    char *fields[4] = {copy};
    size_t count = 0;

    for (char *rest = copy, *field; count < ARRAY_LEN(fields) && (field = strsep(&rest, ":"));)
        fields[count++] = field;
    if (count > 3)
        return fault(scope, n, path, "at most SOURCE:TARGET:OPTIONS may be given");
    if (count > 1 && isalpha((unsigned char)fields[0][0]) && !fields[0][1])
        return fault(scope, n, path,
                     "a one-letter volume name looks like a Windows drive to Compose; use a longer "
                     "name");
    for (size_t i = 0; i < count; i++) {
        if (!*fields[i])
            return fault(scope, n, path, "a part between the colons is empty");
    }
    const char *target = count < 2 ? copy : fields[1];
    if (!target || *target != '/')
        return fault(scope, n, path, "the path in the container must be absolute");
    start_mount(&m, count == 1 ? "" : fields[0], target);
    char *options = count == 3 ? fields[2] : NULL;
    for (char *option; (option = strsep(&options, ","));)
        apply_option(&m, option);
    return m.map;
}

static struct yaml_node *long_volume(struct scope *scope, struct yaml_node *n,
                                     const struct path *path)
{
    struct loader *l = scope->loader;
    const char *type = tree_text_of(n, "type"), *target = tree_text_of(n, "target");
    const char *source = tree_text_of(n, "source");

    if (!type)
        return fault(scope, n, path, "type is missing");
    if (str_eq(type, "npipe") || str_eq(type, "cluster"))
        return fault(scope, n, path, "volume types npipe and cluster are not supported");
    if (!target || *target != '/')
        return fault(scope, n, path, "target must be an absolute path in the container");
    set_target(l, n, target);
    if (str_eq(type, "bind") && (!source || !*source))
        return fault(scope, n, path, "a bind mount needs a source");
    if (str_eq(type, "bind")) {
        struct yaml_mark mark = yaml_get(n, "source")->mark;
        AUTO_FREE char *absolute = files_resolve(l, scope->dir, source);
        yaml_set(l->scratch, n, "source", tree_string(l, absolute, &mark));
    }
    return n;
}

/* Replace each item of a list by what the functions make of it. */
static struct yaml_node *
each_item(struct scope *scope, struct yaml_node *n, const struct path *path,
          struct yaml_node *(*text)(struct scope *, const struct yaml_node *, const struct path *),
          struct yaml_node *(*mapping)(struct scope *, struct yaml_node *, const struct path *))
{
    size_t kept = 0;

    for (size_t i = 0; n->kind == YAML_SEQUENCE && i < n->n; i++) {
        struct path at = {.up = path, .index = i};
        struct yaml_node *item = n->items[i];
        if (item->kind == YAML_MAPPING)
            item = mapping ? mapping(scope, item, &at) : item;
        else if (item->kind == YAML_SCALAR && scalar_of(item).type == SCALAR_STRING)
            item = text(scope, item, &at);
        if (item)
            n->items[kept++] = item;
    }
    if (n->kind == YAML_SEQUENCE)
        n->n = kept;
    return n;
}

EXPAND(expand_volumes)
{
    return each_item(scope, n, path, short_volume, long_volume);
}

static struct yaml_node *short_device(struct scope *scope, const struct yaml_node *n,
                                      const struct path *path)
{
    struct loader *l = scope->loader;
    AUTO_FREE char *copy = xstrdup(n->text);
    char *rest = copy;
    const char *source = strsep(&rest, ":");
    const char *target = strsep(&rest, ":"), *permissions = strsep(&rest, ":");

    if (rest || !*source || (target && !*target) || (permissions && !*permissions))
        return fault(scope, n, path, "a device is given as SOURCE[:TARGET[:PERMISSIONS]]");
    struct yaml_node *map = yaml_new_mapping(l->scratch, &n->mark);
    tree_set_string(l, map, "source", source);
    tree_set_string(l, map, "target", target ? target : source);
    tree_set_string(l, map, "permissions", permissions ? permissions : "rwm");
    return map;
}

static struct yaml_node *long_device(struct scope *scope, struct yaml_node *n,
                                     const struct path *path)
{
    const char *source = tree_text_of(n, "source");

    if (!source)
        return fault(scope, n, path, "source is missing");
    if (!yaml_get(n, "target"))
        tree_set_string(scope->loader, n, "target", source);
    if (!yaml_get(n, "permissions"))
        tree_set_string(scope->loader, n, "permissions", "rwm");
    return n;
}

EXPAND(expand_devices)
{
    return each_item(scope, n, path, short_device, long_device);
}

static struct yaml_node *long_config(struct scope *scope, struct yaml_node *n,
                                     const struct path *path)
{
    return tree_text_of(n, "source") ? n : fault(scope, n, path, "source is missing");
}

static struct yaml_node *long_secret(struct scope *scope, struct yaml_node *n,
                                     const struct path *path)
{
    const char *source = tree_text_of(n, "source");

    if (!source)
        return fault(scope, n, path, "source is missing");
    if (!yaml_get(n, "target")) {
        AUTO_FREE char *target = xasprintf("/run/secrets/%s", source);
        tree_set_string(scope->loader, n, "target", target);
    }
    return n;
}

static struct yaml_node *short_config(struct scope *scope, const struct yaml_node *n,
                                      const struct path *path)
{
    struct yaml_node *map = yaml_new_mapping(scope->loader->scratch, &n->mark);

    (void)path;
    tree_set_string(scope->loader, map, "source", n->text);
    return map;
}

static struct yaml_node *short_secret(struct scope *scope, const struct yaml_node *n,
                                      const struct path *path)
{
    return long_secret(scope, short_config(scope, n, path), path);
}

EXPAND(expand_secrets)
{
    return each_item(scope, n, path, short_secret, long_secret);
}

EXPAND(expand_configs)
{
    return each_item(scope, n, path, short_config, long_config);
}
