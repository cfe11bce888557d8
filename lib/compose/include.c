/*
 * `include`: other projects' files, loaded with their own directory and `.env`,
 * below the including document. Nesting is bounded, a file can not include
 * itself. Remote files are refused.
 */
#include <string.h>

#include "base/auto.h"
#include "base/file.h"
#include "base/str.h"
#include "compose/load.h"

static bool is_open(const struct scope *scope, const char *path)
{
    for (; scope; scope = scope->parent) {
        if (str_eq(scope->file, path))
            return true;
    }
    return false;
}

static int check_path(struct scope *scope, const struct yaml_node *at, const char *path)
{
    struct diag *diag = &scope->loader->diag;

    if (strstr(at->text, "://") || str_starts(at->text, "oci:") || str_starts(at->text, "git@"))
        diag_error(diag, COMPOSE_CLASS_refused, &at->mark,
                   "include of remote file '%.100s' is not supported; copy it here", at->text);
    else if (is_open(scope, path))
        diag_error(diag, COMPOSE_CLASS_include_cycle, &at->mark, "'%s' includes itself", path);
    else if (scope->depth >= LOAD_INCLUDE_MAX)
        diag_error(diag, COMPOSE_CLASS_include_cycle, &at->mark, "includes nest deeper than %d",
                   LOAD_INCLUDE_MAX);
    else
        return 0;
    return -1;
}

/* Directory of an entry: project_directory, else where its first file is. Heap. */
static char *entry_dir(struct scope *scope, const struct yaml_node *entry,
                       const struct yaml_node *first)
{
    const char *given = tree_text_of(entry, "project_directory");
    AUTO_FREE char *path = files_resolve(scope->loader, scope->dir, first->text);

    return given ? files_resolve(scope->loader, scope->dir, given) : file_dirname(path);
}

/* env_file of the entry, else `.env` of its directory. */
static void read_env(struct scope *scope, const struct yaml_node *entry, const char *dir,
                     struct vars *env)
{
    const struct yaml_node *list = yaml_get(entry, "env_file");
    AUTO_FREE char *fallback = file_path_join(dir, ".env");

    for (size_t i = 0; list && i < list->n; i++) {
        AUTO_FREE char *path = files_resolve(scope->loader, scope->dir, list->items[i]->text);
        discover_env_file(scope->loader, path, env);
    }
    if (!list && file_exists(fallback))
        discover_env_file(scope->loader, fallback, env);
}

static struct yaml_node *load_entry(struct scope *scope, const struct yaml_node *entry)
{
    const struct yaml_node *paths = yaml_get(entry, "path");
    struct yaml_node *model = NULL;

    if (!paths || !paths->n) {
        diag_error(&scope->loader->diag, COMPOSE_CLASS_schema, &entry->mark,
                   "include: path is missing");
        return NULL;
    }
    AUTO(vars_done) struct vars env = {0};
    AUTO_FREE char *dir = entry_dir(scope, entry, paths->items[0]);
    vars_add_defaults(&env, scope->env);
    read_env(scope, entry, dir, &env);
    for (size_t i = 0; i < paths->n; i++) {
        const struct yaml_node *at = paths->items[i];
        AUTO_FREE char *path = files_resolve(scope->loader, scope->dir, at->text);
        struct scope inner = {.loader = scope->loader,
                              .parent = scope,
                              .dir = dir,
                              .env = &env,
                              .file = path,
                              .depth = scope->depth + 1};
        struct yaml_file *file = check_path(scope, at, path) < 0
                                     ? NULL
                                     : files_read_yaml(scope->loader, path, &at->mark);
        if (file)
            model = document_load(&inner, file, model);
    }
    return model;
}

/* Only resources come in: no name, no x-*. */
static struct yaml_node *resources_of(struct scope *scope, const struct yaml_node *model)
{
    static const char *const sections[] = {"services", "networks", "volumes", "secrets", "configs"};
    struct yaml_node *out = yaml_new_mapping(scope->loader->scratch, &model->mark);

    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++) {
        struct yaml_node *section = yaml_get(model, sections[i]);
        if (section)
            yaml_set(scope->loader->scratch, out, sections[i], section);
    }
    return out;
}

struct yaml_node *include_apply(struct scope *scope, struct yaml_node *doc)
{
    struct yaml_node *include = yaml_get(doc, "include");
    struct yaml_node *result = NULL;

    if (!include)
        return doc;
    yaml_unset(doc, "include");
    for (size_t i = 0; i < include->n; i++) {
        struct yaml_node *model = load_entry(scope, include->items[i]);
        if (model)
            result = merge_nodes(scope, &schema_file, result, resources_of(scope, model), NULL);
    }
    merge_apply_resets(result, doc);
    return merge_nodes(scope, &schema_file, result, doc, NULL);
}
