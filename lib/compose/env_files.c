/*
 * env_file and label_file of the active services -> environment and labels.
 *
 * What the service states itself wins, including a key without value. Each
 * file is read once, whoever names it.
 */
#include <string.h>

#include "base/auto.h"
#include "base/file.h"
#include "base/str.h"
#include "compose/dotenv.h"
#include "compose/load.h"

struct fold {
    struct loader *l;
    const struct yaml_node *environment; /* of the service; may be NULL */
};

/* Project environment, then the service's own environment. */
static const char *lookup(void *ctx, const char *name)
{
    const struct fold *f = ctx;
    const char *value = vars_get(&f->l->env, name);

    return value ? value : tree_text_of(f->environment, name);
}

/* Parse one file into vars; 0 also when an optional file is absent. */
static int read_into(struct fold *f, const struct yaml_node *entry, const char *path,
                     struct vars *vars)
{
    const struct yaml_node *required = yaml_get(entry, "required");
    struct dotenv_lookup look = {.lookup = lookup, .ctx = f};

    if (required && !tree_is_true(entry, "required") && !file_exists(path))
        return 0;
    const struct var *file = files_read_env(f->l, path, &entry->mark);
    if (!file)
        return -1;
    struct dotenv_source source = {.name = file->name,
                                   .text = file->value,
                                   .len = strlen(file->value),
                                   .raw = str_eq(tree_text_of(entry, "format"), "raw")};
    return dotenv_parse(&source, &look, vars, &f->l->diag);
}

/* Members of vars that map does not state itself; the map is made when there is none. */
static void fold_into(struct loader *l, struct yaml_node *service, const char *key,
                      const struct vars *vars)
{
    struct yaml_node *map = yaml_get(service, key);
    AUTO(vars_done) struct vars stated = {0};

    if (!vars->n)
        return;
    if (!map) {
        map = yaml_new_mapping(l->scratch, &service->mark);
        yaml_set(l->scratch, service, key, map);
    }
    for (size_t i = 0; i < map->n; i++)
        vars_set(&stated, map->items[i]->key, NULL);
    for (size_t i = 0; i < vars->n && l->n_folded <= LOAD_FOLDED_MAX; i++) {
        l->n_folded += strlen(vars->v[i].name) + strlen(vars->v[i].value ? vars->v[i].value : "");
        if (vars_index(&stated, vars->v[i].name) >= 0)
            continue;
        struct yaml_node *value =
            tree_string(l, vars->v[i].value ? vars->v[i].value : "", &map->mark);
        value->key = tree_string(l, vars->v[i].name, &map->mark)->text;
        yaml_append(l->scratch, map, value); /* not there yet: no search needed */
    }
    if (l->n_folded > LOAD_FOLDED_MAX)
        diag_error(&l->diag, COMPOSE_CLASS_too_large, &map->mark,
                   "env files add more than %u MiB to the environments", LOAD_FOLDED_MAX >> 20);
}

static void fold_env(struct loader *l, struct yaml_node *service)
{
    const struct yaml_node *list = yaml_get(service, "env_file");
    struct fold f = {.l = l, .environment = yaml_get(service, "environment")};
    AUTO(vars_done) struct vars vars = {0};

    for (size_t i = 0; list && i < list->n; i++) {
        const struct yaml_node *entry = list->items[i];
        const char *path = tree_text_of(entry, "path");
        size_t before = vars.n;
        if (!path) {
            diag_error(&l->diag, COMPOSE_CLASS_schema, &entry->mark, "env_file: path is missing");
            continue;
        }
        if (read_into(&f, entry, path, &vars) < 0)
            continue;
        for (size_t k = before; k < vars.n; k++)
            vars_set_default(&l->env_file_keys, vars.v[k].name, path);
    }
    fold_into(l, service, "environment", &vars);
    yaml_unset(service, "env_file");
}

static void fold_labels(struct loader *l, struct yaml_node *service)
{
    const struct yaml_node *list = yaml_get(service, "label_file");
    struct fold f = {.l = l};
    AUTO(vars_done) struct vars vars = {0};

    for (size_t i = 0; list && i < list->n; i++)
        (void)read_into(&f, list->items[i], list->items[i]->text, &vars);
    fold_into(l, service, "labels", &vars);
}

void env_files_fold(struct loader *l, struct yaml_node *services)
{
    for (size_t i = 0; i < services->n; i++) {
        fold_env(l, services->items[i]);
        fold_labels(l, services->items[i]);
    }
}
