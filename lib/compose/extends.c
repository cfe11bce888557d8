/*
 * `extends`: a service takes over another one of the same or another file.
 *
 * Bases are resolved first, then the service is merged over a copy of its base.
 * Chains are bounded by LOAD_EXTENDS_MAX, which also ends cycles. Relative
 * paths of another file belong to that file's directory.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/auto.h"
#include "base/file.h"
#include "base/str.h"
#include "compose/load.h"

struct extension {
    struct scope *scope;
    struct yaml_node *services; /* of the document being resolved */
    struct yaml_node *earlier;  /* services of earlier files, or NULL */
    unsigned depth;
};

static struct yaml_node *resolve(const struct extension *x, const char *name);

static bool is_remote(const char *file)
{
    return strstr(file, "://") || str_starts(file, "git@") || str_starts(file, "oci:");
}

/* Services of another file, ready to be extended; NULL after reporting. */
static struct yaml_node *other_services(const struct extension *x, struct scope *other,
                                        const struct yaml_node *at)
{
    struct yaml_node *model = NULL;
    static const struct path at_root = {0};
    struct yaml_file *file = files_read_yaml(x->scope->loader, other->file, &at->mark);

    for (size_t i = 0; file && i < yaml_documents(file); i++) {
        struct yaml_node *root = yaml_root(file, i);
        if (!root || root->kind != YAML_MAPPING)
            continue;
        document_interpolate(other, root, NULL);
        root = schema_apply(other, &schema_file, root, &at_root);
        model = merge_nodes(other, &schema_file, model, root, NULL);
    }
    return yaml_get(model, "services");
}

/* The same, each file once per environment: many services may extend one file. */
static struct yaml_node *cached_services(const struct extension *x, struct scope *other,
                                         const struct yaml_node *at)
{
    struct loader *l = x->scope->loader;
    AUTO_FREE char *key = xasprintf("%p %s", (const void *)other->env, other->file);
    long known = vars_index(&l->base_keys, key);
    if (known >= 0)
        return l->base_services[known];
    struct yaml_node *services = other_services(x, other, at);
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): an array of pointers */
    ARRAY_GROW(l->base_services, l->base_keys.n, l->cap_bases);
    l->base_services[l->base_keys.n] = services;
    vars_set(&l->base_keys, key, NULL);
    return services;
}

static struct yaml_node *base_of_other_file(const struct extension *x, const struct yaml_node *file,
                                            const char *service)
{
    struct loader *l = x->scope->loader;

    if (is_remote(file->text)) {
        diag_error(&l->diag, COMPOSE_CLASS_refused, &file->mark,
                   "extends of remote file '%.100s' is not supported; copy it here", file->text);
        return NULL;
    }
    AUTO_FREE char *path = files_resolve(l, x->scope->dir, file->text);
    AUTO_FREE char *dir = file_dirname(path);
    struct scope other = *x->scope;
    other.dir = dir;
    other.file = path;
    struct yaml_node *services = cached_services(x, &other, file);
    struct extension inner = {.scope = &other, .services = services, .depth = x->depth + 1};
    struct yaml_node *base = yaml_get(services, service) ? resolve(&inner, service) : NULL;
    if (services && !yaml_get(services, service))
        diag_error(&l->diag, COMPOSE_CLASS_extends_not_found, &file->mark,
                   "extends: '%s' has no service '%s'", path, service);
    return base;
}

static struct yaml_node *base_of_same_file(const struct extension *x, const struct yaml_node *at,
                                           const char *service)
{
    if (yaml_get(x->services, service)) {
        struct extension inner = *x;
        inner.depth++;
        return resolve(&inner, service);
    }
    struct yaml_node *base = yaml_get(x->earlier, service);
    if (!base)
        diag_error(&x->scope->loader->diag, COMPOSE_CLASS_extends_not_found, &at->mark,
                   "extends: there is no service '%s'", service);
    return base;
}

static size_t count_nodes(const struct yaml_node *n)
{
    size_t count = 1;

    for (size_t i = 0; i < n->n; i++)
        count += count_nodes(n->items[i]);
    return count;
}

/* A copy of the base for one service; many copies of a large base are refused. */
static struct yaml_node *copy_base(struct loader *l, const struct yaml_node *base,
                                   const struct yaml_node *at)
{
    l->n_cloned += count_nodes(base);
    if (l->n_cloned <= LOAD_CLONED_MAX)
        return yaml_clone(l->scratch, base);
    diag_error(&l->diag, COMPOSE_CLASS_too_large, &at->mark, "extends copies more than %d values",
               LOAD_CLONED_MAX);
    return NULL;
}

/* The service with everything it extends; NULL after reporting. */
static struct yaml_node *resolve(const struct extension *x, const char *name)
{
    struct loader *l = x->scope->loader;
    struct yaml_node *service = yaml_get(x->services, name);
    const struct yaml_node *extends = yaml_get(service, "extends");

    if (!extends || yaml_is_null(extends))
        return service;
    const char *base_name = tree_text_of(extends, "service");
    const struct yaml_node *file = yaml_get(extends, "file");
    if (!base_name) {
        diag_error(&l->diag, COMPOSE_CLASS_schema, &extends->mark,
                   "'services.%s.extends' must name a service", name);
        return NULL;
    }
    if (x->depth >= LOAD_EXTENDS_MAX) {
        diag_error(&l->diag, COMPOSE_CLASS_extends_cycle, &extends->mark,
                   "service '%s' extends itself, or the chain is longer than %d", name,
                   LOAD_EXTENDS_MAX);
        return NULL;
    }
    struct yaml_node *base =
        file ? base_of_other_file(x, file, base_name) : base_of_same_file(x, extends, base_name);
    if (!base)
        return NULL;
    struct path at = {.key = name};
    struct yaml_node *copy = copy_base(l, base, extends);
    if (!copy)
        return NULL;
    yaml_unset(service, "extends");
    yaml_unset(copy, "extends");
    struct yaml_node *merged = merge_nodes(x->scope, schema_services.sub, copy, service, &at);
    yaml_set(l->scratch, x->services, name, merged);
    return merged;
}

void extends_apply(struct scope *scope, struct yaml_node *doc, struct yaml_node *model)
{
    struct extension x = {.scope = scope,
                          .services = yaml_get(doc, "services"),
                          .earlier = yaml_get(model, "services")};

    for (size_t i = 0; x.services && i < x.services->n; i++) {
        struct yaml_node *service = x.services->items[i];
        if (service->kind != YAML_MAPPING || !yaml_get(service, "extends"))
            continue;
        resolve(&x, service->key);
        yaml_unset(x.services->items[i], "extends"); /* also after an error: reported once */
    }
}
