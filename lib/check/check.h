/*
 * Checks: one type per file, one table, one runner.
 *
 * A check ends in a verdict (pass, fail, or unknown when it could not be
 * evaluated); it never decides what the verdict means. Retries live in the
 * runner: the first try comes at once; while a port still refuses connections,
 * tries of the first two seconds come every 50 ms and are not counted.
 */
#ifndef SHIP_CHECK_CHECK_H
#define SHIP_CHECK_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shipctl/event.h"

#include "base/clock.h"
#include "base/str.h"
#include "base/tmpl.h"
#include "plan/plan.h"
#include "runtime/runtime.h"
#include "yaml/fields.h"

#define CHECK_PRE    1u
#define CHECK_HEALTH 2u
#define CHECK_POST   4u

enum check_status { CHECK_PASS, CHECK_FAIL, CHECK_UNKNOWN };
const char *check_status_text(enum check_status s); /* pass fail unknown */

/* One container a check may look at: the live (or new) container of a compose service. */
struct check_target {
    const char *service;
    const char *container_id;
    bool deployed; /* one of the services this deployment replaces */
};

struct check_env {
    struct runtime *runtime;
    const struct clock *clock;
    const struct ship_events *events;
    const struct check_target *targets; /* empty in the pre phase when nothing runs yet */
    size_t n_targets;
    const struct tmpl_var *vars; /* ${version} ... */
    size_t n_vars;
    const char *dir;           /* plan directory: working dir of command checks */
    const char *engine_root;   /* DockerRootDir: default path of the disk check */
    const char *const *images; /* references to be pulled: default of the registry check */
    size_t n_images;
};

struct check_result {
    enum check_status status;
    bool refused;      /* nothing listens yet (connection refused): the runner may retry faster */
    bool final;        /* no retry can change it (container has exited) */
    char message[512]; /* "HTTP 502 from http://127.0.0.1:8080/health, want 200"; raw foreign bytes
                          allowed */
};

struct check_type {
    const char *name;           /* plan key, JSON value, man page heading */
    unsigned phases;            /* CHECK_PRE | CHECK_HEALTH | CHECK_POST */
    const char *summary;        /* one line for `--help` and the man page test */
    const struct field *fields; /* own keys; common keys (id type required timeout retries interval)
                                   are the runner's */
    size_t config_size;
    /* Rules between keys ("one of a, b is needed"): problems to ctx. NULL = none. */
    void (*validate)(const void *config, const struct yaml_node *node, struct field_ctx *ctx);
    /* Time a try takes by design (`watch: 5s`), added to its timeout. NULL = 0. */
    int64_t (*takes_ms)(const void *config);
    /*
     * One try. deadline_ms: end of this try. 0 with a verdict in ret; -1 only for SHIP_INTERRUPTED
     * or a fault of shipctl itself (then err says why); "could not evaluate" is CHECK_UNKNOWN.
     */
    int (*run)(const struct check_env *env, const void *config, int64_t deadline_ms,
               struct check_result *ret, struct ship_error *err);
};

extern const struct check_type *const check_types[]; /* NULL-terminated, by name */
const struct check_type *check_type_find(const char *name);

/* A check ready to run: plan part + decoded config. */
struct check {
    const struct check_type *type;
    const char *id; /* borrowed from the plan */
    bool required;
    int64_t timeout_ms, interval_ms, retries;
    void *config; /* owned */
};
struct checks {
    struct check *items;
    size_t n;
};

/*
 * Decode one phase of the plan. Unknown type, type not allowed in the phase, unknown key, bad
 * value: problems with position.
 */
void checks_prepare(const struct plan_checks *plan, unsigned phase, struct yaml_problems *problems,
                    struct checks *ret);
void checks_done(struct checks *cs);

/* What happened to one check. */
struct check_outcome {
    const struct check *check;
    enum check_status status;
    int64_t tries, duration_ms;
    char message[512]; /* of the last try */
};

/*
 * Run one check with its retries until pass, tries used up, `final`, or deadline_ms. Emits
 * STEP_PROGRESS (tries) with `step`. aborted(ctx), when not NULL, is asked between tries (and waits
 * are cut into <= 250 ms slices): returns true to give up with the text it wrote into reason (the
 * container died: no use in trying on).
 */
SHIP_CHECKED int check_run(const struct check *check, const struct check_env *env, const char *step,
                           int64_t deadline_ms, bool (*aborted)(void *ctx, char reason[512]),
                           void *ctx, struct check_outcome *ret, struct ship_error *err);

/* The same for all checks of a phase, in order. */
struct check_run_options {
    const struct check_env *env;
    const char *step;
    int64_t deadline_ms;
    bool (*aborted)(void *ctx, char reason[512]); /* may be NULL */
    void *ctx;
};

/*
 * Run each check, also after one has failed: the user sees all that is wrong at once. ret: the
 * caller's array of cs->n entries, each filled on success.
 */
SHIP_CHECKED int check_run_all(const struct checks *cs, const struct check_run_options *options,
                               struct check_outcome *ret, struct ship_error *err);

/* The first required check that did not pass, or NULL when the phase has passed. */
const struct check_outcome *check_blocking(const struct check_outcome *outcomes, size_t n);

#endif
