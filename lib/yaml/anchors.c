/* Anchors of one document (see anchors.h): a hash table, so 100 000 of them stay cheap. */
#include "yaml/anchors.h"

#include <stdint.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/str.h"

static size_t bucket_of(const char *name)
{
    uint32_t h = 2166136261u; /* FNV-1a */
    for (; *name; name++)
        h = (h ^ (unsigned char)*name) * 16777619u;
    return h % ANCHOR_BUCKETS;
}

struct anchor *anchors_add(struct anchors *as, const char *name, const struct yaml_node *node)
{
    struct anchor **head = &as->buckets[bucket_of(name)];
    struct anchor *a = xcalloc(1, sizeof *a);
    *a = (struct anchor){.name = xstrdup(name), .node = node, .is_open = true, .next = *head};
    *head = a;
    return a;
}

struct anchor *anchors_find(const struct anchors *as, const char *name)
{
    struct anchor *a = as->buckets[bucket_of(name)];
    while (a && !str_eq(a->name, name))
        a = a->next;
    return a;
}

void anchors_done(struct anchors *as)
{
    for (size_t i = 0; i < ANCHOR_BUCKETS; i++) {
        for (struct anchor *a = as->buckets[i], *next; a; a = next) {
            next = a->next;
            free(a->name);
            free(a);
        }
        as->buckets[i] = NULL;
    }
}
