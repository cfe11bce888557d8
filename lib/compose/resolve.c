/*
 * The merged tree -> the resolved one: defaults, profiles, implicit
 * dependencies and networks, names, what nobody uses removed. Checks run in
 * between (check.c), env files last.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/auto.h"
#include "base/str.h"
#include "compose/load.h"

static void put(struct loader *l, struct yaml_node *map, const char *key, struct yaml_node *value)
{
    value->key_mark = value->mark;
    yaml_set(l->scratch, map, key, value);
}

static void put_default(struct loader *l, struct yaml_node *map, const char *key, const char *text)
{
    if (!yaml_get(map, key))
        tree_set_string(l, map, key, text);
}

/* Values that are null take the project environment's; unresolved ones stay or go. */
static void resolve_nulls(struct loader *l, struct yaml_node *map, bool drop)
{
    size_t kept = 0;

    for (size_t i = 0; map && map->kind == YAML_MAPPING && i < map->n; i++) {
        struct yaml_node *m = map->items[i];
        const char *value = yaml_is_null(m) ? vars_get(&l->env, m->key) : NULL;
        if (value) {
            const struct yaml_node *text = tree_string(l, value, &m->mark);
            m->text = text->text;
            m->len = text->len;
            m->style = YAML_DOUBLE;
        }
        if (!drop || !yaml_is_null(m))
            map->items[kept++] = m;
    }
    if (map && map->kind == YAML_MAPPING)
        map->n = kept;
}

static void build_defaults(struct loader *l, struct yaml_node *service)
{
    struct yaml_node *build = yaml_get(service, "build");

    if (!build)
        return;
    put_default(l, build, "context", l->project->working_dir);
    if (!yaml_get(build, "dockerfile_inline"))
        put_default(l, build, "dockerfile", "Dockerfile");
    resolve_nulls(l, yaml_get(build, "args"), true);
}

static void dependency_defaults(struct loader *l, struct yaml_node *service)
{
    const struct yaml_node *deps = yaml_get(service, "depends_on");

    for (size_t i = 0; deps && i < deps->n; i++) {
        struct yaml_node *d = deps->items[i];
        if (!yaml_get(d, "required"))
            put(l, d, "required", tree_plain(l, "true", &d->mark));
    }
}

/* ---- implicit dependencies ---- */

static void add_dependency(struct loader *l, struct yaml_node *service, const char *name,
                           const struct yaml_node *at, bool restart)
{
    struct yaml_node *deps = yaml_get(service, "depends_on");

    if (!deps) {
        deps = yaml_new_mapping(l->scratch, &at->mark);
        put(l, service, "depends_on", deps);
    }
    if (yaml_get(deps, name))
        return;
    struct yaml_node *d = yaml_new_mapping(l->scratch, &at->mark);
    tree_set_string(l, d, "condition", "service_started");
    put(l, d, "required", tree_plain(l, "true", &at->mark));
    if (restart)
        put(l, d, "restart", tree_plain(l, "true", &at->mark));
    put(l, deps, name, d);
}

/* Names before the colon of each item; "container:..." names no service. */
static void dependencies_of_list(struct loader *l, struct yaml_node *service, const char *key,
                                 bool restart)
{
    const struct yaml_node *list = yaml_get(service, key);

    for (size_t i = 0; list && i < list->n; i++) {
        const struct yaml_node *item = list->items[i];
        AUTO_FREE char *name = xstrndup(item->text, strcspn(item->text, ":"));
        if (!str_eq(name, "container"))
            add_dependency(l, service, name, item, restart);
    }
}

static void implicit_dependencies(struct loader *l, struct yaml_node *service)
{
    static const char *const modes[] = {"network_mode", "ipc", "pid", "uts", "cgroup"};
    static const char prefix[] = "service:";

    dependencies_of_list(l, service, "links", true);
    for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
        const char *text = tree_text_of(service, modes[i]);
        if (text && str_starts(text, prefix))
            add_dependency(l, service, text + strlen(prefix), yaml_get(service, modes[i]), true);
    }
    dependencies_of_list(l, service, "volumes_from", false);
}

static void default_network(struct loader *l, struct yaml_node *service)
{
    const struct yaml_node *networks = yaml_get(service, "networks");
    bool none = !networks || !networks->n;

    if (!none)
        return;
    yaml_unset(service, "networks");
    if (tree_text_of(service, "network_mode"))
        return;
    struct yaml_node *map = yaml_new_mapping(l->scratch, &service->mark);
    put(l, map, "default", tree_plain(l, "", &service->mark));
    put(l, service, "networks", map);
}

static int compare_texts(const void *a, const void *b)
{
    const struct yaml_node *const *x = a, *const *y = b;

    return strcmp((*x)->text, (*y)->text);
}

/* Compose holds the hosts in a map and prints them sorted; the config hash depends on it. */
static void sort_hosts(struct yaml_node *service)
{
    struct yaml_node *hosts = yaml_get(service, "extra_hosts");

    if (hosts && hosts->n > 1)
        qsort(hosts->items, hosts->n, sizeof(struct yaml_node *), compare_texts);
}

/* ---- resources ---- */

static void use(struct vars *used, const char *name)
{
    if (name)
        vars_set(used, name, NULL);
}

/* Keys of one kind of resource that the active services use. */
static void collect_used(const struct yaml_node *services, const char *section, struct vars *used)
{
    for (size_t i = 0; i < services->n; i++) {
        const struct yaml_node *list = yaml_get(services->items[i], section);
        for (size_t k = 0; list && k < list->n; k++) {
            const struct yaml_node *item = list->items[k];
            if (list->kind == YAML_MAPPING)
                use(used, item->key);
            else if (!str_eq(section, "volumes") || str_eq(tree_text_of(item, "type"), "volume"))
                use(used, tree_text_of(item, "source"));
        }
    }
}

static void name_resource(struct loader *l, struct yaml_node *resource)
{
    if (!str_empty(tree_text_of(resource, "name")))
        return;
    AUTO_FREE char *name = tree_is_true(resource, "external")
                               ? xstrdup(resource->key)
                               : xasprintf("%s_%s", l->project->name, resource->key);
    tree_set_string(l, resource, "name", name);
}

/* Drop what is unused, give the rest its real name. */
static void resolve_section(struct loader *l, struct yaml_node *model, const char *section)
{
    AUTO(vars_done) struct vars used = {0};
    struct yaml_node *map = yaml_get(model, section);
    size_t kept = 0;

    collect_used(yaml_get(model, "services"), section, &used);
    bool is_networks = str_eq(section, "networks");
    if (is_networks && vars_index(&used, "default") >= 0 && !yaml_get(map, "default")) {
        if (!map) {
            map = yaml_new_mapping(l->scratch, &model->mark);
            put(l, model, section, map);
        }
        put(l, map, "default", yaml_new_mapping(l->scratch, &model->mark));
    }
    for (size_t i = 0; map && i < map->n; i++) {
        struct yaml_node *resource = map->items[i];
        if (vars_index(&used, resource->key) < 0)
            continue;
        name_resource(l, resource);
        if (is_networks && !yaml_get(resource, "ipam"))
            put(l, resource, "ipam", yaml_new_mapping(l->scratch, &resource->mark));
        map->items[kept++] = resource;
    }
    if (map)
        map->n = kept;
}

/* ---- all of it ---- */

static bool has_services(struct loader *l, const struct yaml_node *services)
{
    struct yaml_mark start = {.file = l->project->config_files.v[0], .line = 1, .column = 1};

    if (!services || !services->n) {
        diag_error(&l->diag, COMPOSE_CLASS_schema, &start, "the file defines no services");
        return false;
    }
    if (services->n > COMPOSE_SERVICES_MAX)
        diag_error(&l->diag, COMPOSE_CLASS_too_large, &services->mark,
                   "%zu services, at most %d are allowed", services->n, COMPOSE_SERVICES_MAX);
    return services->n <= COMPOSE_SERVICES_MAX;
}

void resolve_model(struct loader *l, struct yaml_node *model)
{
    static const char *const sections[] = {"networks", "volumes", "secrets", "configs"};
    AUTO(vars_done) struct vars disabled = {0};
    struct yaml_node *services = yaml_get(model, "services");

    if (!has_services(l, services))
        return;
    profiles_apply(l, services, &disabled);
    if (!services->n) {
        diag_error(&l->diag, COMPOSE_CLASS_schema, &services->mark,
                   "all %zu services are switched off by their profiles; set COMPOSE_PROFILES",
                   disabled.n);
        return;
    }
    for (size_t i = 0; i < services->n; i++) {
        struct yaml_node *service = services->items[i];
        build_defaults(l, service);
        dependency_defaults(l, service);
        implicit_dependencies(l, service);
        default_network(l, service);
        sort_hosts(service);
        resolve_nulls(l, yaml_get(service, "environment"), false);
    }
    resolve_check_services(l, model, &disabled);
    resolve_check_resources(l, model);
    resolve_check_cycles(l, services);
    for (size_t i = 0; i < ARRAY_LEN(sections); i++)
        resolve_section(l, model, sections[i]);
    env_files_fold(l, services);
}
