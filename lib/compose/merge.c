/*
 * Merging of canonical trees: override over base, rules from the tables.
 *
 * The base is edited in place and returned. Marks of what the override set win,
 * so a later error or pin points at the file that set the value last.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/auto.h"
#include "base/str.h"
#include "compose/load.h"

static bool has_tag(const struct yaml_node *n, const char *tag)
{
    return n->tag && str_eq(n->tag, tag);
}

/* What an override says where there is nothing to merge with: its !reset members go. */
static struct yaml_node *strip(struct yaml_node *n)
{
    size_t kept = 0;

    if (has_tag(n, "!reset"))
        return NULL;
    n->tag = NULL;
    for (size_t i = 0; i < n->n; i++) {
        struct yaml_node *child = strip(n->items[i]);
        if (child)
            n->items[kept++] = child;
    }
    n->n = kept;
    return n;
}

void merge_apply_resets(struct yaml_node *base, const struct yaml_node *override)
{
    if (!base || base->kind != YAML_MAPPING || override->kind != YAML_MAPPING)
        return;
    for (size_t i = 0; i < override->n; i++) {
        const struct yaml_node *member = override->items[i];
        if (has_tag(member, "!reset") || has_tag(member, "!override"))
            yaml_unset(base, member->key);
        else
            merge_apply_resets(yaml_get(base, member->key), member);
    }
}

/* ---- lists ---- */

static char *member_identity(const struct yaml_node *item, const char *key, const char *fallback)
{
    const char *text = tree_text_of(item, key);

    return text ? xstrdup(text) : fallback ? xstrdup(fallback) : NULL;
}

static char *port_identity(const struct yaml_node *item)
{
    const char *ip = tree_text_of(item, "host_ip"), *published = tree_text_of(item, "published");
    const char *target = tree_text_of(item, "target"), *proto = tree_text_of(item, "protocol");

    return xasprintf("%s:%s:%s/%s", ip && *ip ? ip : "0.0.0.0", published ? published : "",
                     target ? target : "", proto ? proto : "");
}

static char *target_identity(const struct yaml_node *item)
{
    const char *source = tree_text_of(item, "source");
    AUTO_FREE char *fallback = source ? xasprintf("/%s", source) : NULL;

    return member_identity(item, "target", fallback);
}

/* Heap text that is equal for items that replace each other; NULL = none. */
static char *identity_of(enum attribute_identity identity, const struct yaml_node *item)
{
    bool scalar = item->kind == YAML_SCALAR;

    switch (identity) {
    case IDENTITY_TEXT:
        return scalar ? xstrdup(item->text) : NULL;
    case IDENTITY_KEY:
        return scalar ? xstrndup(item->text, strcspn(item->text, "=")) : NULL;
    case IDENTITY_PORT:
        return port_identity(item);
    case IDENTITY_TARGET:
        return target_identity(item);
    case IDENTITY_PATH:
        return member_identity(item, "path", NULL);
    case IDENTITY_SUBNET:
        return member_identity(item, "subnet", NULL);
    case IDENTITY_NONE:
    default:
        return NULL;
    }
}

void merge_unique(struct scope *scope, const struct compose_attribute *a, struct yaml_node *list)
{
    AUTO(vars_done) struct vars seen = {0};
    size_t kept = 0;

    if (!a || a->identity == IDENTITY_NONE || list->n < 2)
        return;
    AUTO_FREE size_t *position = xcalloc(list->n, sizeof *position);
    for (size_t i = 0; i < list->n; i++) {
        AUTO_FREE char *id = identity_of(a->identity, list->items[i]);
        long known = id ? vars_index(&seen, id) : -1;
        if (known < 0) {
            if (id) {
                position[seen.n] = kept;
                vars_set(&seen, id, NULL);
            }
            list->items[kept++] = list->items[i];
            continue;
        }
        struct yaml_node **earlier = &list->items[position[known]];
        *earlier = a->identity == IDENTITY_SUBNET
                       ? merge_nodes(scope, a->sub, *earlier, list->items[i], NULL)
                       : list->items[i];
    }
    list->n = kept;
}

/* ---- maps ---- */

static const struct compose_attribute *row_of_member(const struct compose_attribute *a,
                                                     const char *key)
{
    if (!a || !a->sub)
        return NULL;
    return a->kind == KIND_MAP ? a->sub : a->kind == KIND_LIST ? NULL : attribute_find(a->sub, key);
}

static struct yaml_node *merge_maps(struct scope *scope, const struct compose_attribute *a,
                                    struct yaml_node *base, struct yaml_node *override,
                                    const struct path *path)
{
    struct yaml_file *arena = scope->loader->scratch;
    bool last_wins = a && (a->kind == KIND_ENV || a->kind == KIND_DICT);

    for (size_t i = 0; i < override->n; i++) {
        struct yaml_node *member = override->items[i];
        struct path at = {.up = path, .key = member->key};
        struct yaml_node *old = last_wins ? NULL : yaml_get(base, member->key);
        struct yaml_node *merged =
            merge_nodes(scope, row_of_member(a, member->key), old, member, &at);
        if (!merged)
            yaml_unset(base, member->key);
        else if (merged != old)
            yaml_set(arena, base, member->key, merged);
    }
    base->mark = override->mark;
    base->key_mark = override->key_mark;
    return base;
}

static const char *kind_name(const struct yaml_node *n)
{
    static const char *const names[] = {"a single value", "a list", "a mapping"};

    return names[n->kind];
}

void merge_mismatch(struct scope *scope, const struct yaml_node *base,
                    const struct yaml_node *override, const struct path *path)
{
    char where[PATH_TEXT_MAX];

    diag_error(&scope->loader->diag, COMPOSE_CLASS_merge_type_mismatch, &override->mark,
               "'%s' is %s here but %s in line %u of '%s'", path_format(path, where),
               kind_name(override), kind_name(base), base->mark.line,
               base->mark.file ? base->mark.file : "");
}

static bool replaces(const struct compose_attribute *a, const struct yaml_node *base,
                     const struct yaml_node *override)
{
    if (has_tag(override, "!override") || (a && a->merge == MERGE_REPLACE))
        return true;
    if (a && a->merge == MERGE_LOGGING) {
        const char *old = tree_text_of(base, "driver"), *new = tree_text_of(override, "driver");
        return old && new &&strcmp(old, new) != 0;
    }
    return false;
}

struct yaml_node *merge_nodes(struct scope *scope, const struct compose_attribute *a,
                              struct yaml_node *base, struct yaml_node *override,
                              const struct path *path)
{
    if (!override)
        return base;
    if (!base || has_tag(override, "!reset") || replaces(a, base, override))
        return strip(override);
    if (yaml_is_null(override))
        return base;
    if (yaml_is_null(base))
        return strip(override);
    if (base->kind != override->kind) {
        merge_mismatch(scope, base, override, path);
        return base;
    }
    if (base->kind == YAML_MAPPING)
        return merge_maps(scope, a, base, override, path);
    if (base->kind == YAML_SCALAR)
        return override;
    for (size_t i = 0; i < override->n; i++)
        yaml_append(scope->loader->scratch, base, override->items[i]);
    merge_unique(scope, a, base);
    return base;
}
