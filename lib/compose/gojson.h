/*
 * The JSON text Go's encoding/json writes for Compose's structs, driven by member tables.
 *
 * Used for the config hash only: each byte matters. A table lists the members of one
 * struct in Go's order; what the model has beyond the table is left out.
 */
#ifndef SHIP_COMPOSE_GOJSON_H
#define SHIP_COMPOSE_GOJSON_H

#include "compose/compose.h"

enum go_kind {
    GO_VALUE,    /* any JSON; omitted when false, 0, "", null or empty */
    GO_POINTER,  /* any JSON; omitted only when null */
    GO_ALWAYS,   /* any JSON; null when absent */
    GO_BYTES,    /* decimal string; omitted when "0" */
    GO_DURATION, /* Go duration text; omitted when zero */
    GO_OCTAL,    /* octal text printed as a number; omitted only when null */
    GO_STRUCT,   /* sub table; omitted only when null (a Go pointer) */
    GO_INLINE,   /* sub table; never omitted (a Go struct value) */
    GO_LIST,     /* list of sub; omitted when empty */
    GO_MAP,      /* object key -> sub (or null); omitted when empty */
    GO_LABELS,   /* object of strings without com.docker.compose.*; omitted when empty */
    GO_NOT_TRUE, /* bool, true when absent; printed only when false */
};

/* In which families a member exists; 0 means all. */
#define GO_FAMILY(f) (1u << (f))

struct go_member {
    const char *name;
    enum go_kind kind;
    const struct go_member *sub; /* table ending in {0} */
    unsigned families;
};

extern const struct go_member go_service[];

/* Append obj (a JSON object; NULL counts as empty) as the struct described by table. */
void gojson_struct(struct buf *out, const struct json *obj, const struct go_member *table,
                   enum compose_family family);

#endif
