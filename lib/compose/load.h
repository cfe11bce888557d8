/*
 * Inside the loader: what its files share. Upper layers use compose.h.
 *
 * Order of a load: discover -> per file and document: parse, interpolate,
 * schema (validate, type, long forms, absolute paths), include, extends,
 * merge -> resolve (defaults, names, profiles, checks) -> env files -> model.
 */
#ifndef SHIP_COMPOSE_LOAD_H
#define SHIP_COMPOSE_LOAD_H

#include "compose/attributes.h"
#include "compose/diag.h"
#include "compose/model.h"
#include "compose/vars.h"

#define LOAD_FILES_MAX    100
#define LOAD_INCLUDE_MAX  16                  /* nesting */
#define LOAD_EXTENDS_MAX  32                  /* length of a chain */
#define LOAD_ITEMS_MAX    5000                /* members of one mapping or list in a file */
#define LOAD_EXPANDED_MAX (16u * 1024 * 1024) /* bytes of interpolated texts */
#define LOAD_PORTS_MAX    100000              /* after ranges were expanded */
#define LOAD_CLONED_MAX   1000000             /* values copied by extends */
#define LOAD_FOLDED_MAX   (64u * 1024 * 1024) /* bytes env files add to environments */

/* Text of a scalar as it stood in the file, for scalars that interpolation changed. */
struct raw_text {
    struct yaml_mark mark;
    const char *text; /* in the arena of its file */
};

/* A variable without value, where it was first missed. */
struct unset_var {
    char *name;
    struct yaml_mark mark;
};

/*
 * What the file meant to say but an error took away: what refers to it is no error of its own. The
 * first five are in the order of the sections in load_note_lost().
 */
enum lost {
    LOST_SERVICES = 1u << 0,
    LOST_NETWORKS = 1u << 1,
    LOST_VOLUMES = 1u << 2,
    LOST_SECRETS = 1u << 3,
    LOST_CONFIGS = 1u << 4,
    LOST_MEMBER = 1u << 5, /* something directly below a service */
    LOST_FILE = 1u << 6,   /* a file, an include, a base: the model is not whole */
};

struct loader {
    const struct compose_options *options;
    struct compose_project *project; /* being filled */
    struct diag diag;
    struct vars env;           /* project environment */
    struct yaml_file *scratch; /* arena of nodes made here; also in project->files */
    struct sha256 *sha;        /* over every file read */
    size_t cap_files;
    char *home;
    struct raw_text *raws;
    size_t n_raws, cap_raws;
    struct unset_var *unset;
    size_t n_unset, cap_unset;
    struct vars env_file_keys;          /* variable -> env_file that has it */
    struct vars env_texts;              /* path -> text of env files read so far */
    size_t expanded;                    /* bytes of interpolated texts */
    size_t n_ports, n_cloned, n_folded; /* see the limits above */
    unsigned lost;                      /* enum lost */
    struct vars base_keys;              /* files that were extended, by position in base_services */
    struct yaml_node **base_services;
    size_t cap_bases;
};

/* Where a document belongs: its directory and environment. */
struct scope {
    struct loader *loader;
    const struct scope *parent; /* including file, NULL for the main files */
    const char *dir;            /* relative paths start here; absolute */
    const struct vars *env;
    const char *file;              /* path of the file being read */
    const struct yaml_node *model; /* what earlier files say; NULL: nothing */
    unsigned depth;                /* of includes */
};

/* What compose_load() found out beyond its result; for tests. */
struct load_report {
    enum compose_class first; /* class of the first error */
    struct strv unset;        /* names of unset variables, in order */
};
struct compose_project *load_with_report(const struct compose_options *options,
                                         struct yaml_problems *problems, struct load_report *report,
                                         struct ship_error *err);

/* ---- secrets.c ---- */
/* What is secret in files that were read so far, whatever is wrong with them. */
void load_add_secrets(const struct loader *l, struct redact *r);

/* ---- discover.c ---- */
/* Directory, files and project environment. -1 SHIP_NOT_FOUND / SHIP_INVALID. */
SHIP_CHECKED int discover_project(struct loader *l, struct ship_error *err);
/* Project name from options, environment, `name:` of the documents, directory. Errors to diag. */
void discover_name(struct loader *l);
/* Read a `.env` into vars without replacing what is there; -1 after reporting. */
int discover_env_file(struct loader *l, const char *path, struct vars *vars);

/* ---- files.c ---- */
/* Read, hash and parse; the project owns the result. Errors to diag, at `mark` when not NULL. */
struct yaml_file *files_read_yaml(struct loader *l, const char *path, const struct yaml_mark *mark);
/*
 * An env file (read once): value is its text, name its path; both live as long as the loader. NULL
 * after reporting.
 */
const struct var *files_read_env(struct loader *l, const char *path, const struct yaml_mark *mark);
/* Absolute path of `text` seen from dir; ~ is HOME. Heap. */
char *files_resolve(const struct loader *l, const char *dir, const char *text);

/* ---- document.c ---- */
/*
 * Load one file (all its documents) into model, which holds what earlier files said. Errors to
 * diag. Returns the merged tree.
 */
struct yaml_node *document_load(struct scope *scope, struct yaml_file *file,
                                struct yaml_node *model);
/* Interpolate every value below n in place and check the keys. */
void document_interpolate(struct scope *scope, struct yaml_node *n, const struct path *path);
/* Interpolate one text of the file; NULL after reporting. In the arena of scratch. */
const char *document_interpolate_text(struct scope *scope, const struct yaml_node *n,
                                      const struct path *path);

/* ---- schema.c ---- */
/* Validate n against a row and bring it into canonical form; NULL = drop it (reported if wrong). */
struct yaml_node *schema_apply(struct scope *scope, const struct compose_attribute *a,
                               struct yaml_node *n, const struct path *path);

/* The value at this path was reported and dropped. */
void load_note_lost(struct loader *l, const struct path *path);

/* ---- merge.c ---- */
/* Put override over base (either may be NULL); rows may be NULL for unknown content. */
struct yaml_node *merge_nodes(struct scope *scope, const struct compose_attribute *a,
                              struct yaml_node *base, struct yaml_node *override,
                              const struct path *path);
/* Report that an override is of another kind than what it is put over. */
void merge_mismatch(struct scope *scope, const struct yaml_node *base,
                    const struct yaml_node *override, const struct path *path);
/* Delete from base what the override marks !reset or !override. */
void merge_apply_resets(struct yaml_node *base, const struct yaml_node *override);
/* Drop earlier items with the same identity. */
void merge_unique(struct scope *scope, const struct compose_attribute *a, struct yaml_node *list);

/* ---- extends.c, include.c ---- */
void extends_apply(struct scope *scope, struct yaml_node *doc, struct yaml_node *model);
/* Returns doc merged over what it includes. */
struct yaml_node *include_apply(struct scope *scope, struct yaml_node *doc);

/* ---- resolve.c and what it calls ---- */
/* Defaults, names, profiles, implicit parts; errors to diag. Edits model in place. */
void resolve_model(struct loader *l, struct yaml_node *model);
void profiles_apply(struct loader *l, struct yaml_node *services, struct vars *ret_disabled);
void resolve_check_services(struct loader *l, struct yaml_node *model, const struct vars *disabled);
void resolve_check_cycles(struct loader *l, struct yaml_node *services);
void resolve_check_resources(struct loader *l, const struct yaml_node *model);
/* Fold env_file and label_file of every service. */
void env_files_fold(struct loader *l, struct yaml_node *services);

/* ---- emit.c ---- */
struct json *emit_model(const char *name, const struct yaml_node *model);

/* ---- helpers on trees ---- */
/* String scalar in the scratch arena. */
struct yaml_node *tree_string(struct loader *l, const char *text, const struct yaml_mark *mark);
/* Typed scalar: true, 5, null. */
struct yaml_node *tree_plain(struct loader *l, const char *text, const struct yaml_mark *mark);
void tree_set_string(struct loader *l, struct yaml_node *map, const char *key, const char *text);
/* Text of a scalar member, or NULL. */
const char *tree_text_of(const struct yaml_node *map, const char *key);
/* Is a boolean member true? */
bool tree_is_true(const struct yaml_node *map, const char *key);

#endif
