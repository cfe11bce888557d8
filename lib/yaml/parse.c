/*
 * libyaml events -> tree.
 *
 * A recursive walk over the event stream, at most YAML_DEPTH_MAX deep and
 * YAML_NODES_MAX nodes long with aliases expanded, so an alias bomb ends
 * early. Syntax errors, cycles and exceeded limits end the walk; duplicate
 * keys are collected. The caller gets a whole tree or problems, never both.
 */
#include <string.h>
#include <yaml.h>

#include "base/alloc.h"
#include "base/auto.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/str.h"
#include "yaml/anchors.h"
#include "yaml/node.h"
#include "yaml/tree.h"

struct walk {
    yaml_parser_t lib;
    struct yaml_file *file;
    struct yaml_problems *problems;
    struct anchors anchors; /* of the current document */
    size_t n_nodes;
};

static struct yaml_mark mark_at(const struct walk *w, size_t chr)
{
    struct yaml_mark m = {.file = w->file->name, .source = w->file};
    source_mark(&w->file->source, chr, &m);
    return m;
}

static void fault_at(struct walk *w, const struct yaml_mark *mark, const char *text)
{
    yaml_problem_add(w->problems, YAML_ERROR, mark, "%s", text);
}

/* ---- libyaml's own complaints ---- */

static void syntax_fault(struct walk *w)
{
    const yaml_parser_t *lib = &w->lib;
    const struct source *s = &w->file->source;
    struct yaml_mark mark = mark_at(w, lib->problem_mark.index);
    const char *what = lib->problem ? lib->problem : "no reason given";

    if (mark.offset < s->len && s->text[mark.offset] == '\t' && lib->error == YAML_SCANNER_ERROR) {
        fault_at(w, &mark, "a tab can not indent or start a value in YAML; use spaces");
        return;
    }
    if (!lib->context) {
        yaml_problem_add(w->problems, YAML_ERROR, &mark, "not valid YAML: %s", what);
        return;
    }
    yaml_problem_add(w->problems, YAML_ERROR, &mark, "not valid YAML: %s %s that starts in line %u",
                     what, lib->context, mark_at(w, lib->context_mark.index).line);
}

static int next_event(struct walk *w, yaml_event_t *ret)
{
    if (yaml_parser_parse(&w->lib, ret))
        return 0;
    if (w->lib.error == YAML_MEMORY_ERROR)
        xalloc_failed(); /* the file is not to blame */
    syntax_fault(w);
    return -1;
}

/* ---- nodes ---- */

static int count_node(struct walk *w, const struct yaml_mark *mark, unsigned depth)
{
    if (++w->n_nodes > YAML_NODES_MAX) {
        yaml_problem_add(w->problems, YAML_ERROR, mark,
                         "more than %d values in one file, aliases counted each time they are used",
                         YAML_NODES_MAX);
        return -1;
    }
    if (depth > YAML_DEPTH_MAX) {
        yaml_problem_add(w->problems, YAML_ERROR, mark, "nested more than %d levels deep",
                         YAML_DEPTH_MAX);
        return -1;
    }
    return 0;
}

/* The start of an event lies before its anchor and tag: find where the value itself starts. */
static size_t skip_properties(const struct source *s, size_t at, size_t end)
{
    const char *t = s->text;
    while (at < end && (t[at] == '&' || t[at] == '!')) {
        while (at < end && !strchr(" \t\r\n", t[at]))
            at++;
        while (at < end && strchr(" \t\r\n#", t[at])) {
            if (t[at] == '#')
                at += strcspn(t + at, "\r\n");
            else
                at++;
        }
    }
    return at < end ? at : end;
}

static size_t count_chars(const struct source *s, size_t from, size_t to)
{
    size_t n = 0;
    for (; from < to; from++)
        n += ((unsigned char)s->text[from] & 0xc0) != 0x80;
    return n;
}

/* chr and end_chr as libyaml counts; has_properties: an anchor or a tag comes first. */
static struct yaml_mark event_mark(const struct walk *w, const yaml_event_t *ev, bool is_scalar,
                                   bool has_properties)
{
    const struct source *s = &w->file->source;
    struct yaml_mark m = mark_at(w, ev->start_mark.index);
    if (!is_scalar)
        return m;
    size_t end = source_byte(s, ev->end_mark.index);
    if (has_properties) {
        size_t value = skip_properties(s, m.offset, end);
        m = mark_at(w, ev->start_mark.index + count_chars(s, m.offset, value));
    }
    m.end_offset = end;
    return m;
}

static enum yaml_style style_of(yaml_scalar_style_t style)
{
    switch (style) {
    case YAML_SINGLE_QUOTED_SCALAR_STYLE:
        return YAML_SINGLE;
    case YAML_DOUBLE_QUOTED_SCALAR_STYLE:
        return YAML_DOUBLE;
    case YAML_LITERAL_SCALAR_STYLE:
        return YAML_LITERAL;
    case YAML_FOLDED_SCALAR_STYLE:
        return YAML_FOLDED;
    case YAML_ANY_SCALAR_STYLE:
    case YAML_PLAIN_SCALAR_STYLE:
    default:
        return YAML_PLAIN;
    }
}

static struct anchor *register_anchor(struct walk *w, const yaml_char_t *name,
                                      const struct yaml_node *n)
{
    return name ? anchors_add(&w->anchors, (const char *)name, n) : NULL;
}

/* By value: strings are shared (same arena), nodes are not, so the user may change one place. */
static struct yaml_node *expand(struct walk *w, const struct yaml_node *n,
                                const struct yaml_mark *use, unsigned depth)
{
    if (count_node(w, use, depth))
        return NULL;
    struct yaml_node *copy = tree_new_node(w->file, n->kind);
    *copy = *n;
    copy->is_alias = true;
    copy->items = NULL;
    copy->n = copy->cap = 0;
    for (size_t i = 0; i < n->n; i++) {
        struct yaml_node *child = expand(w, n->items[i], use, depth + 1);
        if (!child)
            return NULL;
        yaml_append(w->file, copy, child);
    }
    return copy;
}

static const struct anchor *find_anchor(struct walk *w, const yaml_event_t *ev)
{
    const char *name = (const char *)ev->data.alias.anchor;
    struct yaml_mark mark = mark_at(w, ev->start_mark.index);
    const struct anchor *a = anchors_find(&w->anchors, name);
    if (!a) {
        yaml_problem_add(w->problems, YAML_ERROR, &mark, "alias '*%s' has no anchor '&%s' above it",
                         name, name);
    } else if (a->is_open) {
        yaml_problem_add(w->problems, YAML_ERROR, &mark, "alias '*%s' contains itself", name);
        a = NULL;
    }
    return a;
}

static struct yaml_node *read_alias(struct walk *w, const yaml_event_t *ev, unsigned depth)
{
    const struct anchor *a = find_anchor(w, ev);
    if (!a)
        return NULL;
    struct yaml_mark mark = mark_at(w, ev->start_mark.index);
    struct yaml_node *copy = expand(w, a->node, &mark, depth);
    if (copy)
        copy->key = NULL;
    return copy;
}

static struct yaml_node *read_scalar(struct walk *w, const yaml_event_t *ev)
{
    const char *tag = (const char *)ev->data.scalar.tag;
    const char *text = (const char *)ev->data.scalar.value;
    struct yaml_node *n = tree_new_node(w->file, YAML_SCALAR);
    n->mark = event_mark(w, ev, true, tag || ev->data.scalar.anchor);
    n->style = style_of(ev->data.scalar.style);
    n->len = ev->data.scalar.length;
    n->text = tree_text(w->file, text ? text : "", n->len);
    if (memchr(n->text, '\0', n->len)) { /* "\0" in double quotes */
        fault_at(w, &n->mark, "a NUL character is not allowed in a value");
        return NULL;
    }
    if (tag)
        tree_apply_tag(w->file, n, tag);
    struct anchor *a = register_anchor(w, ev->data.scalar.anchor, n);
    if (a)
        a->is_open = false;
    return n;
}

static struct yaml_node *read_node(struct walk *w, const yaml_event_t *ev, unsigned depth);

static int read_items(struct walk *w, struct yaml_node *seq, unsigned depth)
{
    for (;;) {
        AUTO(yaml_event_delete) yaml_event_t ev = {0};
        if (next_event(w, &ev))
            return -1;
        if (ev.type == YAML_SEQUENCE_END_EVENT)
            return 0;
        struct yaml_node *item = read_node(w, &ev, depth + 1);
        if (!item)
            return -1;
        yaml_append(w->file, seq, item);
    }
}

/* ---- mappings ---- */

/* The key as a scalar node, its tag checked. */
static const struct yaml_node *read_key(struct walk *w, const yaml_event_t *ev)
{
    struct yaml_mark mark = mark_at(w, ev->start_mark.index);
    const struct yaml_node *key = NULL;
    if (ev->type == YAML_ALIAS_EVENT) {
        const struct anchor *a = find_anchor(w, ev);
        if (!a)
            return NULL;
        key = a->node;
    } else if (ev->type == YAML_SCALAR_EVENT) {
        key = read_scalar(w, ev);
        if (!key)
            return NULL;
    }
    if (!key || key->kind != YAML_SCALAR) {
        fault_at(w, &mark, "a key must be text, not a list or a mapping");
        return NULL;
    }
    if (key->tag) {
        yaml_problem_add(w->problems, YAML_ERROR, &mark, "tag '%s' on a key is not supported",
                         key->tag);
        return NULL;
    }
    return key;
}

static int read_members(struct walk *w, struct yaml_node *map, unsigned depth)
{
    for (;;) {
        AUTO(yaml_event_delete) yaml_event_t key_event = {0};
        AUTO(yaml_event_delete) yaml_event_t value_event = {0};
        if (next_event(w, &key_event))
            return -1;
        if (key_event.type == YAML_MAPPING_END_EVENT)
            return 0;
        const struct yaml_node *key = read_key(w, &key_event);
        if (!key || next_event(w, &value_event))
            return -1;
        struct yaml_node *value = read_node(w, &value_event, depth + 1);
        if (!value)
            return -1;
        value->key = key->text;
        value->key_style = key->style;
        value->key_mark =
            key_event.type == YAML_ALIAS_EVENT ? mark_at(w, key_event.start_mark.index) : key->mark;
        yaml_append(w->file, map, value);
    }
}

static struct yaml_node *read_mapping(struct walk *w, const yaml_event_t *ev, unsigned depth)
{
    struct yaml_node *n = tree_new_node(w->file, YAML_MAPPING);
    n->mark = event_mark(w, ev, false, false);
    if (ev->data.mapping_start.tag)
        tree_apply_tag(w->file, n, (const char *)ev->data.mapping_start.tag);
    struct anchor *a = register_anchor(w, ev->data.mapping_start.anchor, n);
    if (read_members(w, n, depth))
        return NULL;
    tree_refuse_duplicates(n, w->problems);
    if (tree_apply_merge(w->file, n, w->problems))
        return NULL;
    if (a)
        a->is_open = false;
    return n;
}

static struct yaml_node *read_sequence(struct walk *w, const yaml_event_t *ev, unsigned depth)
{
    struct yaml_node *n = tree_new_node(w->file, YAML_SEQUENCE);
    n->mark = event_mark(w, ev, false, false);
    if (ev->data.sequence_start.tag)
        tree_apply_tag(w->file, n, (const char *)ev->data.sequence_start.tag);
    struct anchor *a = register_anchor(w, ev->data.sequence_start.anchor, n);
    if (read_items(w, n, depth))
        return NULL;
    if (a)
        a->is_open = false;
    return n;
}

static struct yaml_node *read_node(struct walk *w, const yaml_event_t *ev, unsigned depth)
{
    if (ev->type == YAML_ALIAS_EVENT)
        return read_alias(w, ev, depth);
    struct yaml_mark mark = mark_at(w, ev->start_mark.index);
    if (count_node(w, &mark, depth))
        return NULL;
    if (ev->type == YAML_SCALAR_EVENT)
        return read_scalar(w, ev);
    return ev->type == YAML_MAPPING_START_EVENT ? read_mapping(w, ev, depth)
                                                : read_sequence(w, ev, depth);
}

/* ---- documents ---- */

static void add_root(struct yaml_file *f, struct yaml_node *root)
{
    bool is_empty = root->kind == YAML_SCALAR && root->style == YAML_PLAIN && root->len == 0;
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): an array of pointers */
    ARRAY_GROW(f->roots, f->n_roots, f->cap_roots);
    f->roots[f->n_roots++] = is_empty && !root->tag ? NULL : root;
}

static int read_documents(struct walk *w)
{
    for (;;) {
        AUTO(yaml_event_delete) yaml_event_t ev = {0};
        if (next_event(w, &ev))
            return -1;
        if (ev.type == YAML_STREAM_END_EVENT)
            return 0;
        if (ev.type == YAML_DOCUMENT_END_EVENT)
            anchors_done(&w->anchors);
        if (ev.type != YAML_SCALAR_EVENT && ev.type != YAML_MAPPING_START_EVENT &&
            ev.type != YAML_SEQUENCE_START_EVENT && ev.type != YAML_ALIAS_EVENT)
            continue;
        struct yaml_node *root = read_node(w, &ev, 1);
        if (!root)
            return -1;
        add_root(w->file, root);
    }
}

static void walk_done(struct walk *w)
{
    anchors_done(&w->anchors);
    yaml_parser_delete(&w->lib);
}

static void read_text(struct yaml_file *f, const char *fault, struct yaml_problems *problems)
{
    AUTO(walk_done) struct walk w = {.file = f, .problems = problems};
    if (fault) {
        struct yaml_mark mark = mark_at(&w, f->source.n_chars);
        fault_at(&w, &mark, fault);
        return;
    }
    if (!yaml_parser_initialize(&w.lib))
        xalloc_failed();
    yaml_parser_set_encoding(&w.lib, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&w.lib, (const unsigned char *)f->source.text + f->source.start,
                                 f->source.len - f->source.start);
    (void)read_documents(&w); /* its faults are in problems */
}

struct yaml_file *yaml_parse_report(const char *name, const char *text, size_t len,
                                    struct yaml_problems *problems, struct ship_error *err)
{
    size_t before = problems->n_errors;
    const char *fault = NULL;
    AUTO_PTR(yaml_free) struct yaml_file *f = tree_new(name, text, len, &fault);
    read_text(f, fault, problems);
    if (problems->n_errors == before)
        return steal_ptr(&f);
    if (yaml_problems_check(problems, err) == 0)
        ship_fail(err, SHIP_INTERNAL, "'%s' was refused without a reason", name);
    return NULL;
}

struct yaml_file *yaml_parse(const char *name, const char *text, size_t len, struct ship_error *err)
{
    AUTO(yaml_problems_done) struct yaml_problems problems = {0};
    return yaml_parse_report(name, text, len, &problems, err);
}

struct yaml_file *yaml_load(const char *path, size_t max_bytes, struct ship_error *err)
{
    AUTO(buf_done) struct buf text = BUF_INIT(max_bytes);
    if (file_read(path, &text, err))
        return NULL;
    return yaml_parse(path, text.p, text.len, err);
}
