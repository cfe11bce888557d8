/*
 * The plan: shipctl.yaml decoded into structs (schema: shipctl.yaml(5)).
 *
 * Pure data; nothing here talks to the engine. `environments.<name>` overlays
 * are merged before decoding. ${...} variables stay unexpanded: the user of a
 * string expands it when the values are known.
 */
#ifndef SHIP_PLAN_PLAN_H
#define SHIP_PLAN_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/auto.h"
#include "base/str.h"
#include "yaml/fields.h"
#include "yaml/node.h"

#define PLAN_BYTES_MAX        ((size_t)1024 * 1024)
#define PLAN_SERVICES_MAX     64
#define PLAN_HOOKS_MAX        64 /* per list */
#define PLAN_CHECKS_MAX       64 /* per phase */
#define PLAN_ENVIRONMENTS_MAX 32

enum plan_pull { PLAN_PULL_ALWAYS, PLAN_PULL_MISSING, PLAN_PULL_NEVER };
enum plan_pin { PLAN_PIN_AUTO, PLAN_PIN_ENV, PLAN_PIN_COMPOSE, PLAN_PIN_NONE };
enum plan_strategy { PLAN_RECREATE, PLAN_ROLLING, PLAN_BLUE_GREEN, PLAN_CANARY };
enum plan_order { PLAN_STOP_FIRST, PLAN_START_FIRST };
enum plan_if_migrated { PLAN_MIGRATED_REFUSE, PLAN_MIGRATED_ALLOW };

struct plan_service {
    char *name;  /* compose service */
    char *image; /* repository without tag; NULL = the plan's image */
};

/* A hook: exactly one of command (on the host), exec (in a running container), run_image (one-off).
 */
enum plan_hook_kind { PLAN_HOOK_COMMAND, PLAN_HOOK_EXEC, PLAN_HOOK_RUN_IMAGE };
struct plan_hook {
    enum plan_hook_kind kind;
    char *service; /* exec: compose service; run_image: service whose image and environment are
                      used, NULL = first deployed */
    struct strv command; /* argv, ${...} unexpanded */
    int64_t timeout_ms;  /* 0 = plan timeouts.hook */
    bool reversible;     /* migrate: old version works after it */
    struct yaml_mark mark;
};
struct plan_hooks {
    struct plan_hook *items; /* owned */
    size_t n;
};

/*
 * One check: common keys decoded here, the type's own keys kept as the YAML node for the
 * type's field table (lib/check decodes it; `plan check` reports unknown keys through it).
 */
struct plan_check {
    char *id; /* unique in the plan; default "<type>" or "<type>-2" */
    char *type;
    bool required;
    int64_t timeout_ms, interval_ms;
    int64_t retries;              /* total tries, >= 1 */
    const struct yaml_node *node; /* borrowed from the plan's YAML */
};
/* The common keys: `elsewhere` of the field_ctx that decodes node. NULL-terminated. */
extern const char *const plan_check_keys[];

struct plan_checks {
    struct plan_check *items; /* owned */
    size_t n;
};

struct plan {
    char *path;    /* absolute path of shipctl.yaml */
    char *dir;     /* its directory: relative paths start here */
    char hash[65]; /* SHA-256 of the file's bytes */
    char *app;
    char *environment;             /* "production" by default, or the -e overlay */
    char *image;                   /* repository without tag; NULL when services carry their own */
    struct strv compose;           /* compose files as written; empty = Compose's discovery */
    char *project;                 /* NULL = Compose's own rule */
    char *engine_host;             /* unix://...; NULL = $DOCKER_HOST or the default */
    struct plan_service *services; /* empty = compose services whose repository equals image */
    size_t n_services;
    int pull, pin; /* enum plan_pull, plan_pin */
    struct strv profiles;
    struct {
        int type, order;     /* enum plan_strategy, plan_order; only recreate, stop-first so far */
        int64_t parallelism; /* 1 so far */
        int64_t delay_ms, min_healthy_ms, bake_time_ms;
    } strategy;
    struct {
        int64_t total_ms, pull_ms, start_ms, rollback_ms, hook_ms;
    } timeouts;
    struct {
        struct plan_hooks backup, migrate, pre_deploy, post_deploy, on_failure;
    } hooks;
    struct {
        struct plan_checks pre, health, post;
    } checks;
    struct {
        bool automatic;  /* rollback.auto */
        int if_migrated; /* enum plan_if_migrated */
    } rollback;
    struct {
        int64_t keep;    /* successful versions kept, >= 1 */
        struct strv pin; /* fnmatch patterns of versions never removed */
        bool after_deploy;
    } prune;
    struct yaml_file *yaml; /* owned: nodes of checks live here */
};

/*
 * Load and validate. dir NULL: the working directory. path (relative to the working directory)
 * NULL: shipctl.yaml then shipctl.yml in dir. environment NULL: the file's. The overlay of the
 * chosen environment is applied; the others are validated too, so a fault does not wait for its
 * day. Refused as well (SHIP_INVALID): a file that others may write to (file_check_trust). Problems
 * (warnings too) are appended to problems; with errors the return is NULL and err is SHIP_INVALID.
 * A missing plan is SHIP_INVALID with the hint to run `shipctl init`. Keys of the full schema that
 * this version does not act on yet (windows, verify, ...) are refused by name with position: a plan
 * is never half honoured.
 */
struct plan *plan_load(const char *dir, const char *path, const char *environment,
                       struct yaml_problems *problems, struct ship_error *err);
/*
 * Same from memory: no file, no trust check; path and dir stay NULL. name is used in marks.
 */
struct plan *plan_parse(const char *name, const char *text, size_t len, const char *environment,
                        struct yaml_problems *problems, struct ship_error *err);
void plan_free(struct plan *p);
AUTO_PTR_DEFINE(plan_free, struct plan)

/* Names usable in ${...}, for tmpl_check. */
extern const char *const plan_variables[];
extern const size_t plan_n_variables;

#endif
