/*
 * The tree: arena, navigation and building.
 *
 * Nodes, strings and child arrays live in one arena and go away together with
 * the file. Nothing here can fail; outgrown child arrays stay in the arena as
 * garbage (at most as much as is in use).
 */
#include "yaml/node.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "yaml/tree.h"

#define CHUNK_BYTES ((size_t)16 * 1024)

struct arena_chunk {
    struct arena_chunk *next;
    size_t used, size;
    _Alignas(max_align_t) char bytes[];
};

static void *arena_get(struct yaml_file *f, size_t size)
{
    size_t aligned = (size + _Alignof(max_align_t) - 1) / _Alignof(max_align_t);
    aligned *= _Alignof(max_align_t);
    struct arena_chunk *c = f->chunks;
    if (!c || c->size - c->used < aligned) {
        size_t room = aligned > CHUNK_BYTES ? aligned : CHUNK_BYTES;
        c = xmalloc(sizeof *c + room);
        *c = (struct arena_chunk){.next = f->chunks, .size = room};
        f->chunks = c;
    }
    void *p = c->bytes + c->used;
    c->used += aligned;
    memset(p, 0, size);
    return p;
}

const char *tree_text(struct yaml_file *f, const char *text, size_t len)
{
    char *copy = arena_get(f, len + 1);
    if (len > 0)
        memcpy(copy, text, len);
    return copy;
}

struct yaml_node *tree_new_node(struct yaml_file *f, enum yaml_kind kind)
{
    struct yaml_node *n = arena_get(f, sizeof *n);
    n->kind = kind;
    return n;
}

struct yaml_file *tree_new(const char *name, const char *text, size_t len, const char **ret_fault)
{
    struct yaml_file *f = xcalloc(1, sizeof *f);
    f->name = xstrdup(name);
    *ret_fault = source_init(&f->source, text, len);
    return f;
}

void yaml_free(struct yaml_file *f)
{
    if (!f)
        return;
    for (struct arena_chunk *c = f->chunks, *next; c; c = next) {
        next = c->next;
        free(c);
    }
    source_done(&f->source);
    free(f->roots);
    free(f->name);
    free(f);
}

size_t yaml_documents(const struct yaml_file *f)
{
    return f->n_roots;
}

struct yaml_node *yaml_root(const struct yaml_file *f, size_t document)
{
    return document < f->n_roots ? f->roots[document] : NULL;
}

const char *yaml_name(const struct yaml_file *f)
{
    return f->name;
}

const char *yaml_text(const struct yaml_file *f, size_t *ret_len)
{
    *ret_len = f->source.len;
    return f->source.text;
}

struct yaml_node *yaml_get(const struct yaml_node *mapping, const char *key)
{
    if (!mapping || mapping->kind != YAML_MAPPING || !key)
        return NULL;
    for (size_t i = 0; i < mapping->n; i++) {
        const char *k = mapping->items[i]->key;
        /* most keys differ in the first byte: no call for those */
        if (k && k[0] == key[0] && strcmp(k, key) == 0)
            return mapping->items[i];
    }
    return NULL;
}

bool yaml_is_null(const struct yaml_node *n)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL"};
    if (!n)
        return true;
    if (n->kind != YAML_SCALAR || n->style != YAML_PLAIN)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(nulls); i++)
        if (str_eq(n->text, nulls[i]))
            return true;
    return false;
}

static struct yaml_node *new_at(struct yaml_file *f, enum yaml_kind kind,
                                const struct yaml_mark *mark)
{
    struct yaml_node *n = tree_new_node(f, kind);
    n->mark = mark ? *mark : (struct yaml_mark){.file = f->name};
    return n;
}

struct yaml_node *yaml_new_scalar(struct yaml_file *f, const char *text, enum yaml_style style,
                                  const struct yaml_mark *mark)
{
    struct yaml_node *n = new_at(f, YAML_SCALAR, mark);
    n->style = style;
    n->len = strlen(text);
    n->text = tree_text(f, text, n->len);
    return n;
}

struct yaml_node *yaml_new_mapping(struct yaml_file *f, const struct yaml_mark *mark)
{
    return new_at(f, YAML_MAPPING, mark);
}

struct yaml_node *yaml_new_sequence(struct yaml_file *f, const struct yaml_mark *mark)
{
    return new_at(f, YAML_SEQUENCE, mark);
}

void yaml_append(struct yaml_file *f, struct yaml_node *seq, struct yaml_node *item)
{
    if (seq->n == seq->cap) {
        size_t cap = seq->cap ? seq->cap * 2 : 4;
        struct yaml_node **items = arena_get(f, cap * sizeof(struct yaml_node *));
        if (seq->n > 0)
            memcpy(items, seq->items, seq->n * sizeof(struct yaml_node *));
        seq->items = items;
        seq->cap = cap;
    }
    seq->items[seq->n++] = item;
}

void yaml_set(struct yaml_file *f, struct yaml_node *map, const char *key, struct yaml_node *value)
{
    /* key may be the text of the member that is replaced: it stays alive in the arena */
    value->key = tree_text(f, key, strlen(key));
    for (size_t i = 0; i < map->n; i++) {
        if (str_eq(map->items[i]->key, key)) {
            map->items[i] = value;
            return;
        }
    }
    yaml_append(f, map, value);
}

void yaml_unset(struct yaml_node *map, const char *key)
{
    size_t kept = 0;
    for (size_t i = 0; i < map->n; i++)
        if (!str_eq(map->items[i]->key, key))
            map->items[kept++] = map->items[i];
    map->n = kept;
}

/* Strings are copied: n may live in the arena of another file. */
struct yaml_node *yaml_clone(struct yaml_file *f, const struct yaml_node *n)
{
    struct yaml_node *copy = tree_new_node(f, n->kind);
    *copy = *n;
    copy->items = NULL;
    copy->n = copy->cap = 0;
    copy->tag = n->tag ? tree_text(f, n->tag, strlen(n->tag)) : NULL;
    copy->key = n->key ? tree_text(f, n->key, strlen(n->key)) : NULL;
    copy->text = n->text ? tree_text(f, n->text, n->len) : NULL;
    for (size_t i = 0; i < n->n; i++)
        yaml_append(f, copy, yaml_clone(f, n->items[i]));
    return copy;
}

struct slot {
    const char *key;
    size_t index;
};

static int compare_slots(const void *a, const void *b)
{
    const struct slot *x = a, *y = b;
    int order = strcmp(x->key, y->key);
    return order != 0 ? order : x->index < y->index ? -1 : 1;
}

size_t *tree_first_of_key(const struct yaml_node *map)
{
    if (map->n == 0)
        return NULL;
    AUTO_FREE struct slot *slots = xcalloc(map->n, sizeof *slots);
    for (size_t i = 0; i < map->n; i++)
        slots[i] = (struct slot){map->items[i]->key, i};
    qsort(slots, map->n, sizeof *slots, compare_slots);

    size_t *first = xcalloc(map->n, sizeof *first);
    for (size_t i = 0; i < map->n; i++) {
        bool repeats = i > 0 && str_eq(slots[i].key, slots[i - 1].key);
        first[slots[i].index] = repeats ? first[slots[i - 1].index] : slots[i].index;
    }
    return first;
}

void tree_drop_repeated(struct yaml_node *map, const size_t *first)
{
    size_t kept = 0;
    for (size_t i = 0; i < map->n; i++)
        if (first[i] == i)
            map->items[kept++] = map->items[i];
    map->n = kept;
}
