/*
 * Short forms of maps, lists and single values. Values of an unexpected kind
 * are handed on unchanged: the schema reports them.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/auto.h"
#include "base/str.h"
#include "compose/expand.h"
#include "compose/scalars.h"

static struct yaml_node *new_map(struct scope *scope, const struct yaml_node *at)
{
    return yaml_new_mapping(scope->loader->scratch, &at->mark);
}

static void put(struct scope *scope, struct yaml_node *map, const char *key,
                struct yaml_node *value)
{
    value->key_mark = value->mark;
    yaml_set(scope->loader->scratch, map, key, value);
}

static struct yaml_node *fault(struct scope *scope, enum compose_class c, const struct yaml_node *n,
                               const struct path *path, const char *what)
{
    char where[PATH_TEXT_MAX];

    diag_error(&scope->loader->diag, c, &n->mark, "'%s' %s", path_format(path, where), what);
    return NULL;
}

static bool is_valid_name(const char *name)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";

    return *name && !name[strspn(name, allowed)];
}

/* Reports a name that is not valid and, for services, what is no mapping. */
static bool is_named_well(struct scope *scope, const struct yaml_node *member, enum compose_class c,
                          bool is_service)
{
    bool reset = member->tag && str_eq(member->tag, "!reset");

    if (!is_valid_name(member->key))
        diag_error(&scope->loader->diag, c, &member->key_mark,
                   "name '%s' may hold letters, digits, '.', '_' and '-' only", member->key);
    else if (is_service && !reset && member->kind != YAML_MAPPING)
        diag_error(&scope->loader->diag, COMPOSE_CLASS_service_not_mapping, &member->key_mark,
                   "service '%s' must be a mapping with at least 'image'", member->key);
    else
        return true;
    return false;
}

static struct yaml_node *check_names(struct scope *scope, struct yaml_node *n,
                                     const struct path *path, enum compose_class c, bool is_service)
{
    size_t kept = 0;

    for (size_t i = 0; n->kind == YAML_MAPPING && i < n->n; i++) {
        struct yaml_node *member = n->items[i];
        struct path at = {.up = path, .key = member->key};
        if (str_starts(member->key, "x-") && is_service && member->kind != YAML_MAPPING)
            continue;
        if (is_named_well(scope, member, c, is_service))
            n->items[kept++] = member;
        else
            load_note_lost(scope->loader, &at);
    }
    if (n->kind == YAML_MAPPING)
        n->n = kept;
    return n;
}

EXPAND(expand_services)
{
    return check_names(scope, n, path, COMPOSE_CLASS_bad_service_name, true);
}

EXPAND(expand_names)
{
    return check_names(scope, n, path, COMPOSE_CLASS_schema_unknown_key, false);
}

EXPAND(expand_string_list)
{
    (void)path;
    if (n->kind != YAML_SCALAR)
        return n;
    struct yaml_node *list = yaml_new_sequence(scope->loader->scratch, &n->mark);
    struct yaml_node *item = yaml_clone(scope->loader->scratch, n);
    item->tag = NULL;
    yaml_append(scope->loader->scratch, list, item);
    return list;
}

/* Text of a list item that must be a string; NULL after reporting. */
static const char *string_item(struct scope *scope, const struct yaml_node *item,
                               const struct path *path)
{
    if (item->kind == YAML_SCALAR && scalar_of(item).type == SCALAR_STRING)
        return item->text;
    fault(scope, COMPOSE_CLASS_schema, item, path, "must hold strings");
    return NULL;
}

EXPAND(expand_null_map)
{
    if (n->kind != YAML_SEQUENCE)
        return n;
    struct yaml_node *map = new_map(scope, n);
    for (size_t i = 0; i < n->n; i++) {
        const char *name = string_item(scope, n->items[i], path);
        if (name)
            put(scope, map, name, tree_plain(scope->loader, "", &n->items[i]->mark));
    }
    return map;
}

EXPAND(expand_depends_on)
{
    if (n->kind != YAML_SEQUENCE)
        return n;
    struct yaml_node *map = new_map(scope, n);
    for (size_t i = 0; i < n->n; i++) {
        const char *name = string_item(scope, n->items[i], path);
        if (!name)
            continue;
        struct yaml_node *dependency = new_map(scope, n->items[i]);
        tree_set_string(scope->loader, dependency, "condition", "service_started");
        put(scope, map, name, dependency);
    }
    return map;
}

/* Append "host=ip" for each address of a comma list, brackets around IPv6 removed. */
static void add_host(struct scope *scope, struct yaml_node *list, const char *host, size_t len,
                     const struct yaml_node *at, const char *addresses)
{
    AUTO_FREE char *copy = xstrdup(addresses);
    char *rest = copy;

    for (char *ip; (ip = strsep(&rest, ","));) {
        size_t n = strlen(ip);
        if (n >= 2 && ip[0] == '[' && ip[n - 1] == ']') {
            ip[n - 1] = '\0';
            ip++;
        }
        AUTO_FREE char *text = xasprintf("%.*s=%s", (int)len, host, ip);
        yaml_append(scope->loader->scratch, list, tree_string(scope->loader, text, &at->mark));
    }
}

static void add_host_text(struct scope *scope, struct yaml_node *list, const struct yaml_node *item,
                          const struct path *path)
{
    const char *text = string_item(scope, item, path);
    if (!text)
        return;
    const char *sep = strchr(text, '=');
    sep = sep ? sep : strchr(text, ':');
    if (!sep || sep == text || !sep[1])
        fault(scope, COMPOSE_CLASS_schema, item, path, "must hold items of the form HOST=IP");
    else
        add_host(scope, list, text, (size_t)(sep - text), item, sep + 1);
}

static void add_host_member(struct scope *scope, struct yaml_node *list,
                            const struct yaml_node *member, const struct path *path)
{
    size_t len = strlen(member->key);

    if (member->kind == YAML_SCALAR) {
        const char *text = string_item(scope, member, path);
        if (text)
            add_host(scope, list, member->key, len, member, text);
        return;
    }
    for (size_t i = 0; member->kind == YAML_SEQUENCE && i < member->n; i++) {
        const char *text = string_item(scope, member->items[i], path);
        if (text)
            add_host(scope, list, member->key, len, member->items[i], text);
    }
}

EXPAND(expand_extra_hosts)
{
    struct yaml_node *list = yaml_new_sequence(scope->loader->scratch, &n->mark);

    if (n->kind == YAML_SCALAR)
        return n;
    for (size_t i = 0; i < n->n; i++) {
        if (n->kind == YAML_SEQUENCE)
            add_host_text(scope, list, n->items[i], path);
        else
            add_host_member(scope, list, n->items[i], path);
    }
    return list;
}

/* {key: text} for a string, anything else unchanged. */
static struct yaml_node *wrap(struct scope *scope, struct yaml_node *n, const char *key)
{
    if (n->kind != YAML_SCALAR)
        return n;
    struct yaml_node *map = new_map(scope, n);
    struct yaml_node *value = yaml_clone(scope->loader->scratch, n);
    value->tag = NULL;
    put(scope, map, key, value);
    return map;
}

static struct yaml_node *wrap_items(struct scope *scope, struct yaml_node *n,
                                    const struct path *path, const char *key)
{
    n = expand_string_list(scope, n, path);
    for (size_t i = 0; n->kind == YAML_SEQUENCE && i < n->n; i++)
        n->items[i] = wrap(scope, n->items[i], key);
    return n;
}

EXPAND(expand_env_file)
{
    return wrap_items(scope, n, path, "path");
}

EXPAND(expand_build)
{
    (void)path;
    return wrap(scope, n, "context");
}

EXPAND(expand_extends)
{
    (void)path;
    return wrap(scope, n, "service");
}

EXPAND(expand_include)
{
    return wrap_items(scope, n, path, "path");
}

EXPAND(expand_context)
{
    (void)path;
    if (n->kind != YAML_SCALAR || scalar_of(n).type != SCALAR_STRING || strstr(n->text, "://") ||
        str_starts(n->text, "git@") || str_starts(n->text, "github.com/"))
        return n;
    AUTO_FREE char *absolute = files_resolve(scope->loader, scope->dir, n->text);
    return tree_string(scope->loader, absolute, &n->mark);
}

EXPAND(expand_test)
{
    static const char *const heads[] = {"CMD", "CMD-SHELL", "NONE"};

    if (n->kind == YAML_SCALAR) {
        const char *text = string_item(scope, n, path);
        if (!text)
            return NULL;
        struct yaml_node *list = yaml_new_sequence(scope->loader->scratch, &n->mark);
        yaml_append(scope->loader->scratch, list,
                    tree_string(scope->loader, "CMD-SHELL", &n->mark));
        yaml_append(scope->loader->scratch, list, tree_string(scope->loader, text, &n->mark));
        return list;
    }
    const struct yaml_node *head = n->kind == YAML_SEQUENCE && n->n ? n->items[0] : NULL;
    for (size_t i = 0; head && head->kind == YAML_SCALAR && i < ARRAY_LEN(heads); i++) {
        if (str_eq(head->text, heads[i]))
            return n;
    }
    if (n->kind != YAML_SEQUENCE || !n->n)
        return n;
    return fault(scope, COMPOSE_CLASS_bad_healthcheck_test, n, path,
                 "must start with CMD, CMD-SHELL or NONE");
}

EXPAND(expand_count)
{
    (void)path;
    return n->kind == YAML_SCALAR && str_eq(n->text, "all")
               ? tree_plain(scope->loader, "-1", &n->mark)
               : n;
}

EXPAND(expand_requests)
{
    (void)path;
    for (size_t i = 0; n->kind == YAML_SEQUENCE && i < n->n; i++) {
        struct yaml_node *item = n->items[i];
        if (item->kind == YAML_MAPPING && !yaml_get(item, "count") && !yaml_get(item, "device_ids"))
            put(scope, item, "count", tree_plain(scope->loader, "-1", &item->mark));
    }
    return n;
}

EXPAND(expand_gpus)
{
    if (n->kind != YAML_SCALAR)
        return expand_requests(scope, n, path);
    if (!str_eq(n->text, "all"))
        return fault(scope, COMPOSE_CLASS_schema_enum, n, path, "must be 'all' or a list");
    struct yaml_node *list = yaml_new_sequence(scope->loader->scratch, &n->mark);
    struct yaml_node *item = new_map(scope, n);
    put(scope, item, "count", tree_plain(scope->loader, "-1", &n->mark));
    yaml_append(scope->loader->scratch, list, item);
    return list;
}

EXPAND(expand_pull_policy)
{
    (void)path;
    return n->kind == YAML_SCALAR && str_eq(n->text, "if_not_present")
               ? tree_string(scope->loader, "missing", &n->mark)
               : n;
}

/* Members next to `external: true`: only a name may stand there. */
static void check_external(struct scope *scope, const struct yaml_node *n, const struct path *path)
{
    char where[PATH_TEXT_MAX];

    for (size_t i = 0; i < n->n; i++) {
        const struct yaml_node *m = n->items[i];
        if (str_eq(m->key, "external") || str_eq(m->key, "name") || str_starts(m->key, "x-"))
            continue;
        diag_error(&scope->loader->diag, COMPOSE_CLASS_external_conflict, &m->key_mark,
                   "'%s' is external: '%s' can not be set here", path_format(path, where), m->key);
    }
}

/* The device of a local bind volume is a path like any other. */
static void resolve_device(struct scope *scope, const struct yaml_node *n)
{
    struct yaml_node *options = yaml_get(n, "driver_opts");
    const char *device = tree_text_of(options, "device");

    if (!device || !str_eq(tree_text_of(options, "o"), "bind") ||
        !str_eq(tree_text_of(n, "driver"), "local"))
        return;
    AUTO_FREE char *absolute = files_resolve(scope->loader, scope->dir, device);
    put(scope, options, "device", tree_string(scope->loader, absolute, &options->mark));
}

EXPAND(expand_resource)
{
    resolve_device(scope, n);
    struct yaml_node *external = yaml_get(n, "external");
    bool value = false;

    if (!external)
        return n;
    if (external->kind == YAML_MAPPING) {
        struct yaml_node *name = yaml_get(external, "name");
        put(scope, n, "external", tree_plain(scope->loader, "true", &external->mark));
        if (name)
            put(scope, n, "name", name);
        value = true;
    } else if (external->kind == YAML_SCALAR) {
        scalar_parse_bool(external->text, &value);
    }
    if (value)
        check_external(scope, n, path);
    return n;
}

EXPAND(expand_mode)
{
    struct scalar v = n->kind == YAML_SCALAR ? scalar_of(n) : (struct scalar){0};
    char text[32];
    int64_t mode = -1;

    if (v.type == SCALAR_INT)
        str_to_i64(v.text, &mode);
    else if (v.type == SCALAR_STRING && n->kind == YAML_SCALAR && *n->text &&
             !n->text[strspn(n->text, "01234567")] && n->len < 8)
        mode = strtol(n->text, NULL, 8);
    if (mode < 0 || mode > 07777)
        return fault(scope, COMPOSE_CLASS_schema, n, path, "must be a file mode such as 0440");
    (void)snprintf(text, sizeof text, "0%" PRIo64, (uint64_t)mode);
    return tree_string(scope->loader, text, &n->mark);
}
