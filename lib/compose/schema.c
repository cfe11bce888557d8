/*
 * Validation and canonical form of one document, driven by the tables.
 *
 * Each value is checked against its row, typed, and rewritten to the form the
 * model has: strings become quoted scalars, numbers and booleans plain ones,
 * short forms long ones. Wrong values are reported with their path and dropped,
 * so that one run finds all of them.
 */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/auto.h"
#include "base/str.h"
#include "compose/load.h"
#include "compose/scalars.h"
#include "compose/schema_scalar.h"

void load_note_lost(struct loader *l, const struct path *path)
{
    static const struct {
        const char *section;
        size_t depth; /* how deep below it a loss counts */
    } rows[] = {
        {"services", 2},
        {"networks", 2},
        {"volumes",  2},
        {"secrets",  3},
        {"configs",  3}
    };
    const struct path *top = path;
    size_t depth = path ? 1 : 0;

    for (; top && top->up; top = top->up)
        depth++;
    for (size_t i = 0; top && i < ARRAY_LEN(rows); i++) {
        if (!str_eq(top->key, rows[i].section))
            continue;
        if (depth <= rows[i].depth)
            l->lost |= 1u << i;
        else if (i == 0 && depth == 3)
            l->lost |= LOST_MEMBER;
    }
}

static const char *kind_name(const struct yaml_node *n)
{
    if (n->kind == YAML_MAPPING)
        return "a mapping";
    return n->kind == YAML_SEQUENCE ? "a list" : "a single value";
}

/* What earlier files say at the path; NULL: nothing, or it is an item of a list. */
static const struct yaml_node *earlier(const struct scope *s, const struct path *path)
{
    const struct yaml_node *map = path->up ? earlier(s, path->up) : s->model;

    return map && path->key ? yaml_get(map, path->key) : NULL;
}

static struct yaml_node *wrong_kind(struct scope *s, const struct yaml_node *n,
                                    const struct path *path, const char *wanted)
{
    char where[PATH_TEXT_MAX];

    diag_error(&s->loader->diag, COMPOSE_CLASS_schema, &n->mark, "'%s' must be %s, not %s",
               path_format(path, where), wanted, kind_name(n));
    return NULL;
}

/* The same for a value that would be merged: Compose says so before it looks at the schema. */
static struct yaml_node *wrong_container(struct scope *s, const struct compose_attribute *a,
                                         const struct yaml_node *n, const struct path *path,
                                         const char *wanted)
{
    const struct yaml_node *base = a->merge == MERGE_AUTO && !n->tag ? earlier(s, path) : NULL;

    if (!base || base->kind == YAML_SCALAR || base->kind == n->kind)
        return wrong_kind(s, n, path, wanted);
    merge_mismatch(s, base, n, path);
    return NULL;
}

static bool too_many(struct scope *s, const struct yaml_node *n, const struct path *path)
{
    char where[PATH_TEXT_MAX];

    if (n->n <= LOAD_ITEMS_MAX)
        return false;
    diag_error(&s->loader->diag, COMPOSE_CLASS_too_large, &n->mark,
               "'%s' has %zu entries, at most %d are allowed", path_format(path, where), n->n,
               LOAD_ITEMS_MAX);
    return true;
}

static struct yaml_node *apply_list(struct scope *s, const struct compose_attribute *a,
                                    struct yaml_node *n, const struct path *path)
{
    size_t kept = 0;

    if (n->kind != YAML_SEQUENCE)
        return wrong_container(s, a, n, path, "a list");
    for (size_t i = 0; i < n->n; i++) {
        struct path at = {.up = path, .index = i};
        bool reset = n->items[i]->tag && str_eq(n->items[i]->tag, "!reset");
        struct yaml_node *item = reset ? NULL : schema_apply(s, a->sub, n->items[i], &at);
        if (item)
            n->items[kept++] = item;
    }
    n->n = kept;
    merge_unique(s, a, n);
    return n;
}

static struct yaml_node *apply_map(struct scope *s, const struct compose_attribute *a,
                                   struct yaml_node *n, const struct path *path)
{
    size_t kept = 0;

    if (n->kind != YAML_MAPPING)
        return wrong_container(s, a, n, path, "a mapping");
    for (size_t i = 0; i < n->n; i++) {
        struct path at = {.up = path, .key = n->items[i]->key};
        struct yaml_node *item = schema_apply(s, a->sub, n->items[i], &at);
        if (item)
            n->items[kept++] = item;
    }
    n->n = kept;
    return n;
}

/* ---- objects ---- */

static void unknown_key(struct scope *s, const struct compose_attribute *a,
                        const struct yaml_node *member, const struct path *path)
{
    const char *names[128];
    char where[PATH_TEXT_MAX];
    size_t n = 0;

    for (const struct compose_attribute *row = a->sub; row->name && n < ARRAY_LEN(names); row++)
        names[n++] = row->name;
    const char *near = str_closest(member->key, names, n);
    bool is_file = !path->up && !path->key;
    if (is_file && !near && (yaml_get(member, "image") || yaml_get(member, "build"))) {
        diag_error(&s->loader->diag, COMPOSE_CLASS_schema_unknown_key, &member->key_mark,
                   "unknown key '%s': services belong below a top-level 'services:' (this looks "
                   "like a file for Compose version 1)",
                   member->key);
        return;
    }
    diag_error(&s->loader->diag, COMPOSE_CLASS_schema_unknown_key, &member->key_mark,
               "unknown key '%s' in %s%s%s%s%s%s", member->key, is_file ? "the file" : "'",
               is_file ? "" : path_format(path, where), is_file ? "" : "'",
               near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

/* Refused and ignored attributes; true when the value is to be looked at. */
static bool admit(struct scope *s, const struct compose_attribute *row,
                  const struct yaml_node *member, const struct path *at)
{
    char where[PATH_TEXT_MAX];

    if (row->status == ATTRIBUTE_REFUSED) {
        diag_error(&s->loader->diag, COMPOSE_CLASS_refused, &member->key_mark,
                   "'%s' is not supported: %s", path_format(at, where), row->note);
        return false;
    }
    if (row->status == ATTRIBUTE_IGNORED)
        diag_warn(&s->loader->diag, &member->key_mark, "'%s' has no effect: %s",
                  path_format(at, where), row->note);
    return true;
}

static struct yaml_node *apply_member(struct scope *s, const struct compose_attribute *a,
                                      struct yaml_node *member, const struct path *path)
{
    if (str_starts(member->key, "x-"))
        return a->flags & EXTENSIBLE ? member : NULL;
    const struct compose_attribute *row = attribute_find(a->sub, member->key);
    struct path at = {.up = path->up || path->key ? path : NULL, .key = member->key};
    if (!row)
        unknown_key(s, a, member, path);
    if (row && admit(s, row, member, &at))
        return schema_apply(s, row, member, &at);
    load_note_lost(s->loader, &at);
    return NULL;
}

static struct yaml_node *apply_object(struct scope *s, const struct compose_attribute *a,
                                      struct yaml_node *n, const struct path *path)
{
    size_t kept = 0;

    if (n->kind != YAML_MAPPING)
        return wrong_container(s, a, n, path, "a mapping");
    for (size_t i = 0; i < n->n; i++) {
        struct yaml_node *member = apply_member(s, a, n->items[i], path);
        if (member)
            n->items[kept++] = member;
    }
    n->n = kept;
    return n;
}

/* ---- k=v lists and maps ---- */

/* One "K=V" item of a list, or NULL after reporting. */
static struct yaml_node *dict_item(struct scope *s, const struct compose_attribute *a,
                                   struct yaml_node *item, const struct path *path,
                                   struct yaml_node *map)
{
    char where[PATH_TEXT_MAX];

    if (item->kind != YAML_SCALAR)
        return wrong_kind(s, item, path, "text of the form KEY=VALUE");
    item = schema_scalar(s, &schema_text_row, item, path);
    if (!item)
        return NULL;
    const char *eq = strchr(item->text, '=');
    size_t len = eq ? (size_t)(eq - item->text) : item->len;
    if (len && a->flags & STRICT_KEYS &&
        (item->text[len - 1] == ' ' || item->text[len - 1] == '\t')) {
        diag_error(&s->loader->diag, COMPOSE_CLASS_env_key_trailing_space, &item->mark,
                   "'%s': name '%.*s' ends in a blank", path_format(path, where), (int)len,
                   item->text);
        return NULL;
    }
    AUTO_FREE char *key = xstrndup(item->text, len);
    struct yaml_node *value =
        eq ? tree_string(s->loader, eq + 1, &item->mark) : tree_plain(s->loader, "", &item->mark);
    value->key_mark = item->mark;
    yaml_set(s->loader->scratch, map, key, value);
    return value;
}

static struct yaml_node *list_to_dict(struct scope *s, const struct compose_attribute *a,
                                      const struct yaml_node *list, const struct path *path)
{
    struct yaml_node *map = yaml_new_mapping(s->loader->scratch, &list->mark);

    for (size_t i = 0; i < list->n; i++) {
        struct path at = {.up = path, .index = i};
        dict_item(s, a, list->items[i], &at, map);
    }
    return map;
}

static void empty_string(struct yaml_node *n)
{
    n->style = YAML_DOUBLE;
    n->text = "";
    n->len = 0;
}

static struct yaml_node *apply_dict(struct scope *s, const struct compose_attribute *a,
                                    struct yaml_node *n, const struct path *path)
{
    size_t kept = 0;

    if (n->kind == YAML_SEQUENCE && !(a->flags & MAP_ONLY))
        n = list_to_dict(s, a, n, path);
    if (n->kind != YAML_MAPPING)
        return wrong_container(
            s, a, n, path, a->flags & MAP_ONLY ? "a mapping" : "a mapping or a list of KEY=VALUE");
    for (size_t i = 0; i < n->n; i++) {
        struct yaml_node *value = n->items[i];
        struct path at = {.up = path, .key = value->key};
        bool reset = value->tag && str_eq(value->tag, "!reset");
        if (!reset && value->kind != YAML_SCALAR)
            value = wrong_kind(s, value, &at, "a single value");
        else if (!reset && yaml_is_null(value) && a->kind == KIND_DICT)
            empty_string(value);
        else if (!reset && !yaml_is_null(value))
            value = schema_scalar(s, &schema_text_row, value, &at);
        if (value)
            n->items[kept++] = value;
    }
    n->n = kept;
    return n;
}

/* ---- dispatch ---- */

/* null, `!reset` and unknown tags; true when *ret is the answer. */
static bool apply_special(struct scope *s, const struct compose_attribute *a, struct yaml_node *n,
                          const struct path *path, struct yaml_node **ret)
{
    char where[PATH_TEXT_MAX];

    *ret = n;
    if (n->tag && str_eq(n->tag, "!reset"))
        return true;
    if (n->tag && !str_eq(n->tag, "!override")) {
        diag_error(&s->loader->diag, COMPOSE_CLASS_refused, &n->mark,
                   "'%s': tag '%s' is not supported, only !reset and !override are",
                   path_format(path, where), n->tag);
        *ret = NULL;
        return true;
    }
    if (!yaml_is_null(n) || a->kind == KIND_ANY || a->kind == KIND_COMMAND)
        return false;
    if (a->flags & NULL_KEEP)
        return true;
    if (a->flags & NULL_EMPTY) {
        struct yaml_node *empty = yaml_new_mapping(s->loader->scratch, &n->mark);
        empty->key = n->key;
        empty->key_mark = n->key_mark;
        empty->tag = n->tag;
        *ret = empty;
        return true;
    }
    diag_warn(&s->loader->diag, &n->mark, "'%s' has no value: ignoring", path_format(path, where));
    *ret = NULL;
    return true;
}

static struct yaml_node *apply_kind(struct scope *s, const struct compose_attribute *a,
                                    struct yaml_node *n, const struct path *path)
{
    switch (a->kind) {
    case KIND_ANY:
        return n;
    case KIND_LIST:
        return apply_list(s, a, n, path);
    case KIND_MAP:
        return apply_map(s, a, n, path);
    case KIND_OBJECT:
        return apply_object(s, a, n, path);
    case KIND_ENV:
    case KIND_DICT:
        return apply_dict(s, a, n, path);
    case KIND_COMMAND:
        return schema_command(s, n, path);
    case KIND_STRING:
    case KIND_PATH:
    case KIND_TEXT:
    case KIND_BOOL:
    case KIND_INT:
    case KIND_NUMBER:
    case KIND_SIZE:
    case KIND_DURATION:
    default:
        break;
    }
    if (n->kind == YAML_MAPPING && a->sub)
        return apply_object(s, a, n, path);
    if (n->kind != YAML_SCALAR)
        return wrong_kind(s, n, path, a->sub ? "a single value or a mapping" : "a single value");
    return schema_scalar(s, a, n, path);
}

static struct yaml_node *expand_and_apply(struct scope *s, const struct compose_attribute *a,
                                          struct yaml_node *n, const struct path *path)
{
    if (a->expand)
        n = a->expand(s, n, path);
    return n ? apply_kind(s, a, n, path) : NULL;
}

struct yaml_node *schema_apply(struct scope *s, const struct compose_attribute *a,
                               struct yaml_node *n, const struct path *path)
{
    struct yaml_node *special;
    const struct yaml_node original = *n;
    size_t errors = s->loader->diag.n_errors;

    if (apply_special(s, a, n, path, &special))
        n = special;
    else if (too_many(s, n, path))
        n = NULL;
    else
        n = expand_and_apply(s, a, n, path);
    if (!n && s->loader->diag.n_errors > errors)
        load_note_lost(s->loader, path);
    if (n) { /* the long form stands where the short one stood */
        n->key = original.key;
        n->key_mark = original.key_mark;
        n->tag = original.tag;
    }
    return n;
}
