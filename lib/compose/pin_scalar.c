/*
 * One scalar in the text of a compose file, every other byte untouched.
 *
 * The scalar keeps its quotes. The new text is parsed again before it is handed out: the
 * node at the same place must read exactly what was asked for.
 */
#include <string.h>

#include "base/str.h"
#include "compose/pin.h"
#include "yaml/node.h"

static const struct yaml_node *node_at(const struct yaml_node *n, size_t offset)
{
    if (!n)
        return NULL;
    if (n->kind == YAML_SCALAR)
        return n->mark.offset == offset ? n : NULL;
    for (size_t i = 0; i < n->n; i++) {
        const struct yaml_node *found = node_at(n->items[i], offset);
        if (found)
            return found;
    }
    return NULL;
}

static int verify(const struct buf *out, const struct pin_scalar *edit, struct ship_error *err)
{
    struct ship_error why = {0};
    AUTO_PTR(yaml_free) struct yaml_file *f = yaml_parse("new text", out->p, out->len, &why);
    const struct yaml_node *node = NULL;

    if (!f)
        return ship_fail(err, SHIP_INVALID, "the edited file would not parse: %.400s", why.msg);
    for (size_t i = 0; i < yaml_documents(f) && !node; i++)
        node = node_at(yaml_root(f, i), edit->offset);
    if (!node || !str_eq(node->text, edit->new_raw))
        return ship_fail(err, SHIP_INVALID, "the edited file would read '%s' instead of '%s'",
                         node ? node->text : "", edit->new_raw);
    return 0;
}

int pin_scalar_edit(const struct pin_text *text, const struct pin_scalar *edit, struct buf *out,
                    struct ship_error *err)
{
    size_t start = edit->offset, end = edit->end;

    if (start >= end || end > text->len)
        return ship_fail(err, SHIP_INVALID, "the image text is not where it was");
    char quote = text->p[start];
    if (quote == '"' || quote == '\'') {
        start++;
        end--;
    } else if (quote == '|' || quote == '>' || quote == '*') {
        return ship_fail(err, SHIP_INVALID, "the image is written as %s",
                         quote == '*' ? "an alias" : "a block of text");
    }
    if (start > end || end - start != strlen(edit->old_raw) ||
        memcmp(text->p + start, edit->old_raw, end - start) != 0)
        return ship_fail(err, SHIP_INVALID, "the image text is not plainly '%s' there",
                         edit->old_raw);
    buf_add(out, text->p, start);
    buf_adds(out, edit->new_raw);
    buf_add(out, text->p + end, text->len - end);
    if (out->overflow)
        return ship_fail(err, SHIP_INVALID, "file is larger than %zu bytes", out->max);
    return verify(out, edit, err);
}
