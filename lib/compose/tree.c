/* Small helpers on model trees. Nothing here can fail. */
#include "base/str.h"
#include "compose/load.h"

struct yaml_node *tree_string(struct loader *l, const char *text, const struct yaml_mark *mark)
{
    return yaml_new_scalar(l->scratch, text, YAML_DOUBLE, mark);
}

struct yaml_node *tree_plain(struct loader *l, const char *text, const struct yaml_mark *mark)
{
    return yaml_new_scalar(l->scratch, text, YAML_PLAIN, mark);
}

void tree_set_string(struct loader *l, struct yaml_node *map, const char *key, const char *text)
{
    yaml_set(l->scratch, map, key, tree_string(l, text, &map->mark));
}

const char *tree_text_of(const struct yaml_node *map, const char *key)
{
    const struct yaml_node *n = yaml_get(map, key);

    return n && n->kind == YAML_SCALAR && !yaml_is_null(n) ? n->text : NULL;
}

bool tree_is_true(const struct yaml_node *map, const char *key)
{
    return str_eq(tree_text_of(map, key), "true");
}
