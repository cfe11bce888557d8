/*
 * Fuzz target: any bytes as a YAML file. Asserts what callers rely on: a tree or an error with a
 * message, offsets inside the file, keys set in mappings, node count within the cap.
 */
#include <assert.h>
#include <stdint.h>

#include "yaml/node.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t check_tree(const struct yaml_node *n, size_t len)
{
    size_t count = 1;
    assert(n->mark.line > 0 && n->mark.column > 0);
    assert(n->mark.offset <= n->mark.end_offset && n->mark.end_offset <= len);
    assert(n->kind != YAML_SCALAR || n->text);
    for (size_t i = 0; i < n->n; i++) {
        assert((n->kind == YAML_MAPPING) == (n->items[i]->key != NULL));
        count += check_tree(n->items[i], len);
    }
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 64u * 1024)
        return 0;
    struct ship_error err = {0};
    AUTO_PTR(yaml_free)
    struct yaml_file *f = yaml_parse("fuzz.yml", (const char *)data, size, &err);
    if (!f) {
        assert(err.code == SHIP_INVALID && err.msg[0]);
        return 0;
    }
    size_t total = 0;
    for (size_t i = 0; i < yaml_documents(f); i++) {
        const struct yaml_node *root = yaml_root(f, i);
        total += root ? check_tree(root, size) : 0;
    }
    assert(total <= YAML_NODES_MAX);
    return 0;
}
