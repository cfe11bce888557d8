/*
 * YAML documents as a tree of nodes that remember where they stood.
 *
 * libyaml gives events; this layer adds what it does not do: duplicate keys
 * are errors with both positions, aliases are expanded by value with a cap,
 * alias cycles and deep nesting are errors, `<<` merge keys are applied,
 * custom tags are kept for the caller (`!reset`, `!override`). Typing is the
 * caller's: a scalar keeps its text and style. No libyaml type leaves this
 * folder. Used by lib/plan (field tables) and lib/compose (model tree).
 */
#ifndef SHIP_YAML_NODE_H
#define SHIP_YAML_NODE_H

#include <stdbool.h>
#include <stddef.h>

#include "shipctl/error.h"

#include "base/auto.h"

#define YAML_DEPTH_MAX 64
#define YAML_NODES_MAX 100000 /* per file, aliases expanded; Compose's own cap per document */

struct yaml_file;

/*
 * Where a node stood. Pointers are borrowed from the document. Lines and columns count from 1,
 * columns in characters. The offsets span the raw text of a scalar, quotes or block header
 * included, anchor and tag left out; for collections only `offset` (the start) means something.
 */
struct yaml_mark {
    const char *file;
    unsigned line, column;          /* 0 = no position: messages carry the file only */
    size_t offset, end_offset;      /* bytes in the file, a byte order mark counts */
    const struct yaml_file *source; /* text for the snippet; NULL = no snippet */
};

enum yaml_kind { YAML_SCALAR, YAML_SEQUENCE, YAML_MAPPING };
enum yaml_style { YAML_PLAIN, YAML_SINGLE, YAML_DOUBLE, YAML_LITERAL, YAML_FOLDED };

struct yaml_node {
    enum yaml_kind kind;
    enum yaml_style style;     /* scalars */
    struct yaml_mark mark;     /* of the value */
    struct yaml_mark key_mark; /* of the key, for mapping members */
    enum yaml_style key_style; /* of the key, for mapping members */
    bool is_alias;             /* came through an alias: its text stands at the anchor */
    /*
     * "!reset", "!!binary"; NULL for no tag and for the standard ones, which are applied:
     * `!!str 1` becomes a YAML_DOUBLE scalar, `!!int "1"` a YAML_PLAIN one. Owned by the arena.
     */
    const char *tag;
    const char *key;  /* member of a mapping: its key; else NULL */
    const char *text; /* scalars: NUL-terminated, NUL bytes refused */
    size_t len;
    struct yaml_node **items; /* children of a sequence or mapping, in file order */
    size_t n, cap;
};

/*
 * A file's text and its documents. All nodes live in one arena owned by this;
 * yaml_node_new() lets callers add nodes of their own (merge, normalise).
 */

/* Read and parse. max_bytes bounds the file. SHIP_NOT_FOUND, SHIP_INVALID ("file:line:col: ...").
 */
struct yaml_file *yaml_load(const char *path, size_t max_bytes, struct ship_error *err);
/* Same from memory; name is used in marks. */
struct yaml_file *yaml_parse(const char *name, const char *text, size_t len,
                             struct ship_error *err);
/*
 * Same, and each fault (duplicate keys are collected, the others end the walk) is appended to
 * problems with its snippet; err is then what yaml_problems_check() says.
 */
struct yaml_problems;
struct yaml_file *yaml_parse_report(const char *name, const char *text, size_t len,
                                    struct yaml_problems *problems, struct ship_error *err);
/* NULL is fine. Own symbol name: libyaml exports a yaml_free of its own and would call ours. */
void yaml_free(struct yaml_file *f) __asm__("ship_yaml_free");
AUTO_PTR_DEFINE(yaml_free, struct yaml_file)

size_t yaml_documents(const struct yaml_file *f);
struct yaml_node *yaml_root(const struct yaml_file *f,
                            size_t document); /* NULL for an empty document */
const char *yaml_name(const struct yaml_file *f);
const char *yaml_text(const struct yaml_file *f, size_t *ret_len);

/* ---- navigation ---- */
struct yaml_node *yaml_get(const struct yaml_node *mapping, const char *key); /* NULL if absent */
bool yaml_is_null(const struct yaml_node *n); /* NULL, or plain ~ null Null NULL or empty plain */

/*
 * ---- building (copies strings into the arena of f) ----
 * A node carries its own key, so it can be the member of one mapping only: yaml_clone() first to
 * put it into a second one.
 */
struct yaml_node *yaml_new_scalar(struct yaml_file *f, const char *text, enum yaml_style style,
                                  const struct yaml_mark *mark);
struct yaml_node *yaml_new_mapping(struct yaml_file *f, const struct yaml_mark *mark);
struct yaml_node *yaml_new_sequence(struct yaml_file *f, const struct yaml_mark *mark);
void yaml_append(struct yaml_file *f, struct yaml_node *seq, struct yaml_node *item);
/* Replaces the member of that key in its place, or appends. */
void yaml_set(struct yaml_file *f, struct yaml_node *map, const char *key, struct yaml_node *value);
void yaml_unset(struct yaml_node *map, const char *key);
struct yaml_node *yaml_clone(struct yaml_file *f,
                             const struct yaml_node *n); /* deep, keeps marks */

/* ---- problems: up to 20 at once, each with position, source line and caret ---- */
enum yaml_severity { YAML_WARNING, YAML_ERROR };

struct yaml_problem {
    enum yaml_severity severity;
    char *where;   /* "docker-compose.yml:12:5" */
    char *text;    /* "unknown key 'imagee' in service 'app'; did you mean 'image'?" */
    char *snippet; /* "  12 |     imagee: x\n     |     ^" or NULL */
};

#define YAML_PROBLEMS_MAX 20

struct yaml_problems {
    struct yaml_problem list[YAML_PROBLEMS_MAX];
    size_t n;        /* entries filled */
    size_t n_errors; /* all errors, also those beyond the list */
    size_t n_warnings;
};

/*
 * Append one. mark NULL = no position. Control characters in the text are removed. Past the limit
 * problems are only counted, but an error takes the place of a kept warning.
 */
void yaml_problem_add(struct yaml_problems *ps, enum yaml_severity severity,
                      const struct yaml_mark *mark, const char *fmt, ...) SHIP_PRINTF(4, 5);
void yaml_problems_done(struct yaml_problems *ps);
/*
 * 0 when there is no error; else -1 SHIP_INVALID with the first error as message (position first)
 * and "and N more problems" where there are.
 */
SHIP_CHECKED int yaml_problems_check(const struct yaml_problems *ps, struct ship_error *err);

#endif
