/*
 * The Compose file format as tables: one row per attribute.
 *
 * Validation, typing, merging, printing and the table of the man page read
 * the same rows. A row with `sub` describes members (OBJECT) or the one kind
 * of item (LIST, MAP). Tables end in a row without a name.
 */
#ifndef SHIP_COMPOSE_ATTRIBUTES_H
#define SHIP_COMPOSE_ATTRIBUTES_H

#include "compose/diag.h"
#include "yaml/node.h"

struct scope;

enum attribute_kind {
    KIND_ANY,      /* not looked into */
    KIND_STRING,   /* YAML string */
    KIND_PATH,     /* string; made absolute */
    KIND_TEXT,     /* string or number, printed as text */
    KIND_BOOL,     /* boolean or its text */
    KIND_INT,      /* integer or its text; with sub: or an object */
    KIND_NUMBER,   /* number or its text */
    KIND_SIZE,     /* integer or "512m" -> decimal text of bytes */
    KIND_DURATION, /* "1m30s" -> Go's canonical text */
    KIND_COMMAND,  /* null, string (split like a shell) or list of strings */
    KIND_ENV,      /* `K=V` list or map; a value may be null */
    KIND_DICT,     /* `k=v` list or map; null becomes "" */
    KIND_LIST,
    KIND_MAP,    /* free keys */
    KIND_OBJECT, /* keys of sub */
};

enum attribute_status {
    ATTRIBUTE_SUPPORTED,
    ATTRIBUTE_IGNORED, /* no effect here; a warning says so */
    ATTRIBUTE_REFUSED, /* error */
};

enum attribute_merge {
    MERGE_AUTO,    /* maps per key, lists append, else replace; null leaves the base */
    MERGE_REPLACE, /* the override replaces, a null clears */
    MERGE_LOGGING, /* replace when both name a driver and they differ */
};

/* What makes two items of a list the same: the later one replaces the earlier. */
enum attribute_identity {
    IDENTITY_NONE,
    IDENTITY_TEXT,   /* whole text */
    IDENTITY_KEY,    /* text before '=' */
    IDENTITY_PORT,   /* host_ip, published, target, protocol */
    IDENTITY_TARGET, /* member target, else source */
    IDENTITY_PATH,   /* member path */
    IDENTITY_SUBNET, /* member subnet; members merge */
};

enum attribute_flags {
    KEEP_ZERO = 1,     /* false, 0 and "" are printed */
    NULL_EMPTY = 4,    /* null means an empty object */
    NULL_KEEP = 8,     /* null stays null */
    MAP_ONLY = 16,     /* no list form */
    EXTENSIBLE = 32,   /* x-* members are kept */
    STRICT_KEYS = 128, /* a key of an environment may not end in a blank */
    CAPITAL = 256      /* printed with a capital letter, as Compose does */
};

struct compose_attribute {
    const char *name;
    enum attribute_kind kind;
    enum attribute_status status;
    const char *note; /* for IGNORED and REFUSED: why, and what to do; for the man page */
    enum attribute_merge merge;
    enum attribute_identity identity;
    unsigned flags;
    const struct compose_attribute *sub;
    /* Short form -> long form, before the kind is checked. NULL after reporting an error. */
    struct yaml_node *(*expand)(struct scope *scope, struct yaml_node *n, const struct path *path);
    const char *words;                 /* "a|b|c": allowed texts */
    bool (*pattern)(const char *text); /* allowed texts */
};

/* Attributes of a service. */
extern const struct compose_attribute compose_attributes[];
/* The file itself: one row, of kind OBJECT. */
extern const struct compose_attribute schema_file;
/* One row each, of kind MAP. */
extern const struct compose_attribute schema_services, schema_networks, schema_volumes,
    schema_secrets, schema_configs;

/* Row of a table by name, or NULL. */
const struct compose_attribute *attribute_find(const struct compose_attribute *table,
                                               const char *name);

#endif
