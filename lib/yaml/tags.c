/*
 * Tags: the standard ones are applied to the node, any other is kept for the
 * caller to accept or refuse.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/auto.h"
#include "base/str.h"
#include "yaml/tree.h"

#define STANDARD_TAG "tag:yaml.org,2002:"

void tree_apply_tag(struct yaml_file *f, struct yaml_node *n, const char *tag)
{
    static const struct {
        const char *name;
        enum yaml_kind kind;
        bool is_text;
    } known[] = {
        {"str",   YAML_SCALAR,   true },
        {"int",   YAML_SCALAR,   false},
        {"float", YAML_SCALAR,   false},
        {"bool",  YAML_SCALAR,   false},
        {"null",  YAML_SCALAR,   false},
        {"map",   YAML_MAPPING,  false},
        {"seq",   YAML_SEQUENCE, false},
    };
    bool is_standard = str_starts(tag, STANDARD_TAG);
    const char *name = is_standard ? tag + strlen(STANDARD_TAG) : tag;

    if (str_eq(tag, "!")) { /* the non-specific tag: text, or nothing to say */
        n->style = n->style == YAML_PLAIN ? YAML_DOUBLE : n->style;
        return;
    }
    for (size_t i = 0; is_standard && i < ARRAY_LEN(known); i++) {
        if (!str_eq(known[i].name, name) || known[i].kind != n->kind)
            continue;
        if (n->kind == YAML_SCALAR && !known[i].is_text)
            n->style = YAML_PLAIN;
        else if (n->kind == YAML_SCALAR && n->style == YAML_PLAIN)
            n->style = YAML_DOUBLE;
        return;
    }
    AUTO_FREE char *shown = xasprintf("%s%s", is_standard ? "!!" : "", name);
    n->tag = tree_text(f, shown, strlen(shown));
}
