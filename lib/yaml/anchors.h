/* Anchors of one document: name -> node, the latest definition wins. */
#ifndef SHIP_YAML_ANCHORS_H
#define SHIP_YAML_ANCHORS_H

#include <stdbool.h>
#include <stddef.h>

#include "yaml/node.h"

struct anchor {
    char *name; /* owned */
    const struct yaml_node *node;
    bool is_open; /* the node is still being read: an alias to it is a cycle */
    struct anchor *next;
};

#define ANCHOR_BUCKETS 512

struct anchors {
    struct anchor *buckets[ANCHOR_BUCKETS];
};

/* Returned pointer stays valid until anchors_done(). */
struct anchor *anchors_add(struct anchors *as, const char *name, const struct yaml_node *node);
struct anchor *anchors_find(const struct anchors *as, const char *name); /* NULL if absent */
void anchors_done(struct anchors *as);

#endif
