/*
 * Fuzz target: any text as an env file and as a compose file. Asserts that an edit that succeeds
 * can be repeated without effect and takes back the old length but for the value.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/alloc.h"
#include "compose/pin.h"
#include "yaml/node.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void edit_env(const struct pin_text *text)
{
    struct ship_error err = {0};
    AUTO(buf_done) struct buf once = BUF_INIT(PIN_ENV_BYTES_MAX);
    AUTO(buf_done) struct buf twice = BUF_INIT(PIN_ENV_BYTES_MAX);

    if (pin_env_edit(text, "V", "2.0", &once, &err) != 0) {
        assert(err.code == SHIP_INVALID);
        return;
    }
    struct pin_text now = {once.p, once.len};
    assert(pin_env_edit(&now, "V", "2.0", &twice, &err) == 0);
    assert(once.len == twice.len && memcmp(once.p, twice.p, once.len) == 0);
}

/* Edit every scalar of the tree in turn. */
static void edit_scalars(const struct pin_text *text, const struct yaml_node *n, unsigned *budget)
{
    for (size_t i = 0; n && i < n->n; i++)
        edit_scalars(text, n->items[i], budget);
    if (!n || n->kind != YAML_SCALAR || *budget == 0)
        return;
    --*budget;
    struct ship_error err = {0};
    AUTO(buf_done) struct buf out = BUF_INIT(1u << 20);
    struct pin_scalar edit = {n->mark.offset, n->mark.end_offset, n->text, "app:2.0"};
    if (pin_scalar_edit(text, &edit, &out, &err) != 0) {
        assert(err.code == SHIP_INVALID && err.msg[0]);
        return;
    }
    assert(out.len == text->len - n->len + strlen("app:2.0"));
    assert(memcmp(out.p, text->p, n->mark.offset) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ship_error err = {0};
    struct pin_text text = {(const char *)data, size};
    unsigned budget = 50;

    if (size == 0 || size > 16u * 1024)
        return 0;
    edit_env(&text);
    AUTO_PTR(yaml_free) struct yaml_file *f = yaml_parse("fuzz.yml", text.p, size, &err);
    for (size_t i = 0; f && i < yaml_documents(f); i++)
        edit_scalars(&text, yaml_root(f, i), &budget);
    return 0;
}
