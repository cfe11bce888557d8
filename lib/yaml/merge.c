/*
 * Keys of one mapping: duplicates are refused, `<<` merge keys are applied.
 *
 * Sorting keeps both at O(n log n), so a mapping of 100 000 keys stays cheap.
 */
#include "base/auto.h"
#include "yaml/tree.h"

void tree_refuse_duplicates(struct yaml_node *map, struct yaml_problems *problems)
{
    AUTO_FREE size_t *first = tree_first_of_key(map);
    for (size_t i = 0; i < map->n; i++) {
        if (first[i] == i)
            continue;
        const struct yaml_node *again = map->items[i];
        yaml_problem_add(problems, YAML_ERROR, &again->key_mark,
                         "key '%s' is given twice, first in line %u", again->key,
                         map->items[first[i]]->key_mark.line);
    }
    if (first)
        tree_drop_repeated(map, first);
}

/* Members of one merged mapping go to the end of map; repeated keys are dropped later. */
static int merge_one(struct yaml_file *f, struct yaml_node *map, const struct yaml_node *from,
                     struct yaml_problems *problems)
{
    if (from->kind != YAML_MAPPING) {
        yaml_problem_add(problems, YAML_ERROR, &from->mark,
                         "'<<' merges a mapping or a list of mappings, nothing else");
        return -1;
    }
    for (size_t i = 0; i < from->n; i++)
        yaml_append(f, map, from->items[i]);
    return 0;
}

int tree_apply_merge(struct yaml_file *f, struct yaml_node *map, struct yaml_problems *problems)
{
    const struct yaml_node *merge = yaml_get(map, "<<");
    if (!merge || merge->key_style != YAML_PLAIN)
        return 0;
    yaml_unset(map, "<<");
    if (merge->kind != YAML_SEQUENCE && merge_one(f, map, merge, problems))
        return -1;
    for (size_t i = 0; merge->kind == YAML_SEQUENCE && i < merge->n; i++)
        if (merge_one(f, map, merge->items[i], problems))
            return -1;
    AUTO_FREE size_t *first = tree_first_of_key(map);
    if (first)
        tree_drop_repeated(map, first);
    return 0;
}
