/*
 * Field tables: the walk over a mapping and its table (see fields.h).
 *
 * Defaults are YAML text and go through the same decoders as the user's text.
 * A default that does not decode is a bug in the table (asserted).
 */
#include "yaml/fields.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/auto.h"
#include "base/str.h"
#include "yaml/scalars.h"

#define KEYS_MAX 64 /* candidates for "did you mean" */

static void *slot_of(const struct field *row, void *target)
{
    return (char *)target + row->offset;
}

const char *fields_kind_text(const struct yaml_node *node)
{
    if (yaml_is_null(node))
        return "empty";
    return node->kind == YAML_SCALAR     ? "text"
           : node->kind == YAML_SEQUENCE ? "a list"
                                         : "a mapping";
}

static bool is_top(const struct field_ctx *ctx)
{
    return str_empty(ctx->where) || str_eq(ctx->where, "plan");
}

static char *label_of(const struct field_ctx *ctx, const char *key)
{
    return is_top(ctx) ? xstrdup(key) : xasprintf("%s.%s", ctx->where, key);
}

/* Report a value of the wrong kind; returns whether it is the right one. */
static bool expect_kind(const struct field_value *v, enum yaml_kind kind)
{
    static const char *const wanted[] = {
        [YAML_SCALAR] = "a single value", [YAML_SEQUENCE] = "a list", [YAML_MAPPING] = "a mapping"};
    if (v->node->kind == kind)
        return true;
    yaml_problem_add(v->problems, YAML_ERROR, &v->node->mark, "%s must be %s, not %s", v->label,
                     wanted[kind], fields_kind_text(v->node));
    return false;
}

/* ---- compound kinds ---- */

/* One element of a list or map of strings. */
static bool add_text(const struct field_value *v, const struct yaml_node *item, const char *name,
                     struct strv *out)
{
    if (item->kind == YAML_SCALAR && !yaml_is_null(item)) {
        strv_add(out, item->text);
        return true;
    }
    yaml_problem_add(v->problems, YAML_ERROR, &item->mark, "%s must be a single value, not %s",
                     name, fields_kind_text(item));
    return false;
}

static void decode_strv(const struct field_value *v, void *slot)
{
    AUTO(strv_done) struct strv out = {0};
    bool is_good = true;
    if (v->node->kind == YAML_MAPPING) {
        expect_kind(v, YAML_SEQUENCE);
        return;
    }
    if (v->node->kind == YAML_SCALAR)
        strv_add(&out, v->node->text);
    for (size_t i = 0; i < v->node->n; i++) {
        AUTO_FREE char *name = xasprintf("%s[%zu]", v->label, i);
        is_good &= add_text(v, v->node->items[i], name, &out);
    }
    if (is_good && scalar_check_count(v, out.n, "entries")) {
        *(struct strv *)slot = out;
        out = (struct strv){0};
    }
}

static void decode_map(const struct field_value *v, void *slot)
{
    AUTO(strv_done) struct strv out = {0};
    bool is_good = true;
    if (!expect_kind(v, YAML_MAPPING))
        return;
    for (size_t i = 0; i < v->node->n; i++) {
        const struct yaml_node *item = v->node->items[i];
        AUTO_FREE char *name = xasprintf("%s.%s", v->label, item->key);
        strv_add(&out, item->key);
        is_good &= add_text(v, item, name, &out);
    }
    if (is_good && scalar_check_count(v, out.n / 2, "entries")) {
        *(struct strv *)slot = out;
        out = (struct strv){0};
    }
}

static void decode_struct(const struct field_value *v, void *slot)
{
    struct field_ctx sub = {.problems = v->problems, .where = v->label};
    fields_decode(v->row->sub, v->node, slot, &sub);
}

static void decode_list(const struct field_value *v, void *slot)
{
    struct field_list *list = slot;
    if (!expect_kind(v, YAML_SEQUENCE) || !scalar_check_count(v, v->node->n, "entries") ||
        v->node->n == 0)
        return;
    list->items = xcalloc(v->node->n, v->row->sub_size);
    list->n = v->node->n;
    for (size_t i = 0; i < list->n; i++) {
        AUTO_FREE char *name = xasprintf("%s[%zu]", v->label, i);
        struct field_ctx sub = {.problems = v->problems, .where = name};
        fields_decode(v->row->sub, v->node->items[i], (char *)list->items + i * v->row->sub_size,
                      &sub);
    }
}

static void decode_custom(const struct field_value *v, void *slot)
{
    struct field_ctx sub = {.problems = v->problems, .where = v->label};
    v->row->custom(v->node, slot, &sub);
}

static void decode_value(const struct field_value *v, void *slot)
{
    static void (*const compound[])(const struct field_value *, void *) = {
        [FIELD_STRV] = decode_strv, [FIELD_MAP] = decode_map,       [FIELD_STRUCT] = decode_struct,
        [FIELD_LIST] = decode_list, [FIELD_CUSTOM] = decode_custom,
    };
    if (v->row->kind >= FIELD_STRV)
        compound[v->row->kind](v, slot);
    else if (expect_kind(v, YAML_SCALAR))
        scalar_decode(v, slot);
}

/* ---- absent keys ---- */

static void decode_fallback(const struct field *row, const char *label, void *target,
                            struct yaml_problems *problems)
{
    struct field_value v = {.row = row, .label = label, .problems = problems};
    size_t errors = problems->n_errors;
    if (row->kind < FIELD_STRV) { /* a scalar needs no parser */
        struct yaml_node node = {
            .kind = YAML_SCALAR, .text = row->fallback, .len = strlen(row->fallback)};
        v.node = &node;
        decode_value(&v, slot_of(row, target));
    } else {
        struct ship_error err = {0};
        AUTO_PTR(yaml_free)
        struct yaml_file *f = yaml_parse("default", row->fallback, strlen(row->fallback), &err);
        v.node = f ? yaml_root(f, 0) : NULL;
        assert(v.node);
        decode_value(&v, slot_of(row, target));
    }
    assert(problems->n_errors == errors);
    (void)errors;
}

static void decode_absent(const struct field *row, const struct yaml_mark *mark, void *target,
                          struct field_ctx *ctx)
{
    AUTO_FREE char *label = label_of(ctx, row->key);
    if (!row->fallback) {
        yaml_problem_add(ctx->problems, YAML_ERROR, mark, "%s is missing", label);
    } else if (row->kind == FIELD_STRUCT) {
        struct field_ctx sub = {.problems = ctx->problems, .where = label};
        fields_decode(row->sub, NULL, slot_of(row, target), &sub);
    } else if (*row->fallback) {
        decode_fallback(row, label, target, ctx->problems);
    }
}

/* ---- present keys ---- */

static const struct field *find_row(const struct field *table, const char *key)
{
    for (; table->key; table++)
        if (str_eq(table->key, key))
            return table;
    return NULL;
}

static bool is_elsewhere(const struct field_ctx *ctx, const char *key)
{
    for (const char *const *k = ctx->elsewhere; k && *k; k++)
        if (str_eq(*k, key))
            return true;
    return ctx->partial || str_starts(key, "x-");
}

static void refuse_unknown(const struct field *table, const struct yaml_node *node,
                           struct field_ctx *ctx)
{
    const char *known[KEYS_MAX];
    size_t n = 0;
    for (; table->key && n < KEYS_MAX; table++)
        known[n++] = table->key;
    for (const char *const *k = ctx->elsewhere; k && *k && n < KEYS_MAX; k++)
        known[n++] = *k;
    const char *near = str_closest(node->key, known, n);
    yaml_problem_add(ctx->problems, YAML_ERROR, &node->key_mark, "unknown key '%s'%s%s%s%s%s",
                     node->key, is_top(ctx) ? "" : " in ", is_top(ctx) ? "" : ctx->where,
                     near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static void decode_member(const struct field *table, const struct yaml_node *member, void *target,
                          struct field_ctx *ctx)
{
    const struct field *row = find_row(table, member->key);
    if (!row) {
        if (!is_elsewhere(ctx, member->key))
            refuse_unknown(table, member, ctx);
        return;
    }
    if (yaml_is_null(member)) /* counts as absent */
        return;
    AUTO_FREE char *label = label_of(ctx, member->key);
    const struct field_value v = {
        .row = row, .node = member, .label = label, .problems = ctx->problems};
    decode_value(&v, slot_of(row, target));
}

void fields_decode(const struct field *table, const struct yaml_node *node, void *target,
                   struct field_ctx *ctx)
{
    const struct field_value self = {
        .node = node, .label = is_top(ctx) ? "the file" : ctx->where, .problems = ctx->problems};
    if (!node || yaml_is_null(node))
        node = NULL;
    else if (!expect_kind(&self, YAML_MAPPING))
        return;
    for (size_t i = 0; node && i < node->n; i++)
        decode_member(table, node->items[i], target, ctx);
    for (const struct field *row = table; row->key; row++) {
        const struct yaml_node *member = yaml_get(node, row->key);
        const struct yaml_mark *mark = self.node ? &self.node->mark : NULL;
        if (yaml_is_null(member))
            decode_absent(row, member ? &member->key_mark : mark, target, ctx);
    }
}

/* ---- release ---- */

static void list_done(const struct field *row, struct field_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        fields_done(row->sub, (char *)list->items + i * row->sub_size);
    free(list->items);
    *list = (struct field_list){0};
}

static void value_done(const struct field *row, void *slot)
{
    switch (row->kind) {
    case FIELD_STRING:
    case FIELD_NAME:
        free(*(char **)slot);
        *(char **)slot = NULL;
        break;
    case FIELD_STRV:
    case FIELD_MAP:
        strv_done(slot);
        break;
    case FIELD_STRUCT:
        fields_done(row->sub, slot);
        break;
    case FIELD_LIST:
        list_done(row, slot);
        break;
    case FIELD_CUSTOM:
        if (row->custom_done)
            row->custom_done(slot);
        break;
    case FIELD_BOOL:
    case FIELD_INT:
    case FIELD_DOUBLE:
    case FIELD_MS:
    case FIELD_BYTES:
    case FIELD_ENUM:
        break;
    }
}

void fields_done(const struct field *table, void *target)
{
    for (const struct field *row = table; row->key; row++)
        value_done(row, slot_of(row, target));
}
