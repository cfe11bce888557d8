/*
 * Field tables: YAML mapping -> C struct.
 *
 * One row per key carries its kind, target offset, range and default, so an
 * option can not lose its error text, range or documentation. Unknown keys are
 * errors with the nearest known key; keys that start with "x-" are skipped.
 */
#ifndef SHIP_YAML_FIELDS_H
#define SHIP_YAML_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "yaml/node.h"

enum field_kind {
    FIELD_STRING, /* char *, heap; min/max = length in bytes */
    FIELD_NAME,   /* char *: ^[a-z0-9][a-z0-9-]{0,62}$ */
    FIELD_BOOL,   /* bool */
    FIELD_INT,    /* int64_t, min..max */
    FIELD_DOUBLE, /* double, min..max */
    FIELD_MS,     /* int64_t milliseconds from a duration with unit, min..max */
    FIELD_BYTES,  /* uint64_t from a size with unit, min..max */
    FIELD_ENUM,   /* int: index into words[] */
    FIELD_STRV,   /* struct strv: sequence of strings, or one string; min/max = number */
    FIELD_MAP,    /* struct strv: mapping of scalars, stored as k, v, k, v ...; min/max = pairs */
    FIELD_STRUCT, /* nested struct at offset, described by sub; absent = the defaults of sub */
    FIELD_LIST,   /* struct field_list of structs of sub_size described by sub */
    FIELD_CUSTOM, /* decoded by custom() */
};

struct field_list {
    void *items; /* n elements of sub_size bytes, heap */
    size_t n;
};

struct field_ctx {
    struct yaml_problems *problems;
    /* "checks.health[0]": put before the key in messages; NULL or "plan" = top level, no prefix */
    const char *where;
    /* Keys of the same mapping that another table decodes, NULL-terminated; NULL = none. */
    const char *const *elsewhere;
    bool partial; /* any unknown key is another table's: that one reports it */
};

struct field {
    const char *key;
    enum field_kind kind;
    size_t offset;
    int64_t min, max;         /* inclusive; max 0 = no upper end (so 0,0 = no range) */
    const char *fallback;     /* default as YAML text; NULL = required; "" = absent stays zero */
    const char *const *words; /* FIELD_ENUM: NULL-terminated */
    const struct field *sub;  /* FIELD_STRUCT, FIELD_LIST: table ending in {0} */
    size_t sub_size;
    /*
     * FIELD_CUSTOM: target is the struct's address plus offset; ctx->where names the value itself.
     * A node from a fallback is gone after the call; a node of the document is not.
     */
    void (*custom)(const struct yaml_node *node, void *target, struct field_ctx *ctx);
    void (*custom_done)(void *target); /* may be NULL */
};

/*
 * Decode a mapping into target (zeroed by the caller). node NULL or null: all defaults. A member
 * whose value is null counts as absent. Problems go to ctx->problems; the struct is safe to
 * fields_done() either way.
 */
void fields_decode(const struct field *table, const struct yaml_node *node, void *target,
                   struct field_ctx *ctx);
/* Free what fields_decode allocated; target is zeroed where it held pointers. */
void fields_done(const struct field *table, void *target);

/* The rule of FIELD_NAME. */
bool fields_is_name(const char *s);
/* "text", "a list", "a mapping": what a node is, for messages. */
const char *fields_kind_text(const struct yaml_node *node);

#endif
