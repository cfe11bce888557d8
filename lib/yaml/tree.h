/* Inside of struct yaml_file, shared by the files of this folder only. */
#ifndef SHIP_YAML_TREE_H
#define SHIP_YAML_TREE_H

#include <stdbool.h>
#include <stddef.h>

#include "yaml/node.h"
#include "yaml/source.h"

struct arena_chunk;

struct yaml_file {
    char *name;
    struct source source;
    struct arena_chunk *chunks;
    struct yaml_node **roots; /* owned; NULL entries for empty documents */
    size_t n_roots, cap_roots;
};

/* Empty file around the text; *ret_fault as source_init() returns it. Never NULL. */
struct yaml_file *tree_new(const char *name, const char *text, size_t len, const char **ret_fault);
struct yaml_node *tree_new_node(struct yaml_file *f, enum yaml_kind kind);
/* Copy into the arena, NUL-terminated. */
const char *tree_text(struct yaml_file *f, const char *text, size_t len);

/*
 * For each member of the mapping the index of the first member with the same key (its own index
 * when there is no earlier one). Heap array, caller frees; NULL when n is 0. O(n log n).
 */
size_t *tree_first_of_key(const struct yaml_node *map);

/* Remove members whose entry of tree_first_of_key() is another index. */
void tree_drop_repeated(struct yaml_node *map, const size_t *first);

/*
 * Apply a tag as libyaml resolved it: the standard ones decide the style or match the kind; others
 * are kept in n->tag, the standard prefix written as "!!".
 */
void tree_apply_tag(struct yaml_file *f, struct yaml_node *n, const char *tag);

/* Report members whose key was given before, and drop them. */
void tree_refuse_duplicates(struct yaml_node *map, struct yaml_problems *problems);

/*
 * Replace a plain `<<` by what it merges: members of the mapping itself win, then earlier merged
 * mappings over later ones. The merged mappings had their own `<<` applied when they were read.
 * -1 after a problem.
 */
int tree_apply_merge(struct yaml_file *f, struct yaml_node *map, struct yaml_problems *problems);

#endif
