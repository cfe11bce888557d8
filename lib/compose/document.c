/*
 * One file -> interpolated, validated, merged over what came before.
 *
 * Several documents in a file act like further override files. Every problem
 * goes to diag; the walk goes on, so one run reports all of them.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/auto.h"
#include "base/str.h"
#include "compose/interpolate.h"
#include "compose/load.h"
#include "compose/scalars.h"

struct lookup_ctx {
    struct scope *scope;
    const struct yaml_node *node;
};

static const char *lookup_env(void *ctx, const char *name)
{
    const struct lookup_ctx *c = ctx;

    return vars_get(c->scope->env, name);
}

/* Remember the first place where a variable was missed. */
static void note_unset(void *ctx, const char *name)
{
    const struct lookup_ctx *c = ctx;
    struct loader *l = c->scope->loader;

    for (size_t i = 0; i < l->n_unset; i++) {
        if (str_eq(l->unset[i].name, name))
            return;
    }
    if (l->n_unset == 4 * YAML_PROBLEMS_MAX)
        return;
    ARRAY_GROW(l->unset, l->n_unset, l->cap_unset);
    l->unset[l->n_unset++] = (struct unset_var){.name = xstrdup(name), .mark = c->node->mark};
}

static enum compose_class class_of(enum interpolate_fault fault)
{
    switch (fault) {
    case INTERPOLATE_REQUIRED:
        return COMPOSE_CLASS_required_variable;
    case INTERPOLATE_TOO_LARGE:
        return COMPOSE_CLASS_too_large;
    case INTERPOLATE_OK:
    case INTERPOLATE_BAD:
    default:
        return COMPOSE_CLASS_bad_interpolation;
    }
}

const char *document_interpolate_text(struct scope *scope, const struct yaml_node *n,
                                      const struct path *path)
{
    struct loader *l = scope->loader;
    AUTO(buf_done) struct buf out = BUF_INIT(INTERPOLATE_BYTES_MAX);
    struct lookup_ctx ctx = {.scope = scope, .node = n};
    struct interpolation in = {.lookup = lookup_env, .unset = note_unset, .ctx = &ctx};
    char message[512], where[PATH_TEXT_MAX];

    if (l->expanded > LOAD_EXPANDED_MAX)
        return NULL; /* said already */
    enum interpolate_fault fault = interpolate(n->text, &in, &out, message, sizeof message);
    if (fault == INTERPOLATE_OK && (l->expanded += out.len) <= LOAD_EXPANDED_MAX)
        return tree_string(l, out.p, &n->mark)->text;
    if (fault == INTERPOLATE_OK)
        diag_error(&l->diag, COMPOSE_CLASS_too_large, &n->mark,
                   "'%s': variables expand to more than %u MiB", path_format(path, where),
                   LOAD_EXPANDED_MAX >> 20);
    else
        diag_error(&l->diag, class_of(fault), &n->mark, "'%s': %s", path_format(path, where),
                   message);
    return NULL;
}

static void remember_raw(struct loader *l, const struct yaml_node *n)
{
    ARRAY_GROW(l->raws, l->n_raws, l->cap_raws);
    l->raws[l->n_raws++] = (struct raw_text){.mark = n->mark, .text = n->text};
}

static void interpolate_scalar(struct scope *scope, struct yaml_node *n, const struct path *path)
{
    if (!memchr(n->text, '$', n->len))
        return;
    const char *text = document_interpolate_text(scope, n, path);
    if (!text)
        load_note_lost(scope->loader, path);
    if (n->key && str_eq(n->key, "image"))
        remember_raw(scope->loader, n);
    n->style = YAML_DOUBLE; /* the result is text, whatever it looks like */
    n->text = text ? text : "";
    n->len = strlen(n->text);
}

static void check_key(struct scope *scope, const struct yaml_node *member, const struct path *path)
{
    char where[PATH_TEXT_MAX];

    if (member->key_style != YAML_PLAIN)
        return;
    enum scalar_type type = scalar_of_text(member->key).type;
    if (type != SCALAR_STRING)
        diag_error(&scope->loader->diag, COMPOSE_CLASS_non_string_key, &member->key_mark,
                   "'%s': a key must be a string, not a %s; put it in quotes",
                   path_format(path, where), scalar_type_name(type));
}

void document_interpolate(struct scope *scope, struct yaml_node *n, const struct path *path)
{
    if (n->kind == YAML_SCALAR) {
        interpolate_scalar(scope, n, path);
        return;
    }
    for (size_t i = 0; i < n->n; i++) {
        struct yaml_node *child = n->items[i];
        struct path at = {
            .up = path, .key = n->kind == YAML_MAPPING ? child->key : NULL, .index = i};
        if (n->kind == YAML_MAPPING)
            check_key(scope, child, &at);
        document_interpolate(scope, child, &at);
    }
}

/* Is the root a mapping? Reports when not. */
static bool check_root(struct scope *scope, const struct yaml_node *root)
{
    struct yaml_mark start = {.file = scope->file, .line = 1, .column = 1};

    if (!root || yaml_is_null(root)) {
        diag_error(&scope->loader->diag, COMPOSE_CLASS_empty_file, &start, "the file is empty");
        return false;
    }
    if (root->kind != YAML_MAPPING)
        diag_error(&scope->loader->diag, COMPOSE_CLASS_top_level_not_mapping, &root->mark,
                   "the file must be a mapping with 'services', not %s",
                   root->kind == YAML_SEQUENCE ? "a list" : "a single value");
    return root->kind == YAML_MAPPING;
}

static struct yaml_node *load_document(struct scope *scope, struct yaml_node *root,
                                       struct yaml_node *model)
{
    static const struct path at_root = {0};

    document_interpolate(scope, root, NULL);
    scope->model = model;
    root = schema_apply(scope, &schema_file, root, &at_root);
    scope->model = NULL;
    if (!root)
        return model;
    size_t errors = scope->loader->diag.n_errors;
    merge_apply_resets(model, root);
    root = include_apply(scope, root);
    extends_apply(scope, root, model);
    model = merge_nodes(scope, &schema_file, model, root, NULL);
    if (scope->loader->diag.n_errors > errors)
        scope->loader->lost |= LOST_FILE;
    return model;
}

struct yaml_node *document_load(struct scope *scope, struct yaml_file *file,
                                struct yaml_node *model)
{
    size_t n = yaml_documents(file);

    for (size_t i = 0; i < n || i == 0; i++) {
        struct yaml_node *root = i < n ? yaml_root(file, i) : NULL;
        if (n > 1 && yaml_is_null(root))
            continue;
        if (check_root(scope, root))
            model = load_document(scope, root, model);
    }
    return model;
}
