/*
 * Hooks: the programs a plan runs around a deployment.
 *
 * Three kinds, one result: a program on the host, a command inside a running
 * container, or a one-off container made from the new image. argv, never a
 * shell; bounded in time and output. Whether a failed hook ends the
 * deployment is the caller's decision.
 */
#ifndef SHIP_HOOK_HOOK_H
#define SHIP_HOOK_HOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shipctl/event.h"

#include "base/clock.h"
#include "base/tmpl.h"
#include "plan/plan.h"
#include "runtime/runtime.h"

/* The running container of a compose service, for exec hooks. */
struct hook_target {
    const char *service;
    const char *container_id;
    bool deployed; /* one of the services this deployment replaces */
};

/* A network the one-off container joins before it starts. */
struct hook_network {
    char *name;        /* owned */
    struct json *body; /* POST /networks/{name}/connect without "Container"; owned */
};

/* The one-off container of a run_image hook, as the deployer builds it. */
struct hook_container {
    char *name;        /* owned */
    char *platform;    /* owned; NULL = the engine's */
    struct json *body; /* create body: image, environment, labels; owned. Cmd is set here. */
    struct hook_network *networks; /* beyond the one in the body; owned */
    size_t n_networks;
};
void hook_container_done(struct hook_container *c);

struct hook_env {
    struct runtime *runtime;
    const struct clock *clock;
    const struct ship_events *events; /* output goes there as OUTPUT, origin "hook <name>" */
    const char *name;                 /* "backup[0]" */
    const char *dir;                  /* plan directory: working directory of host programs */
    const struct tmpl_var *vars;
    size_t n_vars;
    const struct hook_target *targets;
    size_t n_targets;
    int64_t grace_ms;    /* of host programs, between SIGTERM and SIGKILL; 0 = PROC_GRACE_MS */
    int64_t timeout_ms;  /* for hooks without one of their own (timeouts.hook) */
    int64_t deadline_ms; /* of the whole operation */
    /*
     * on_failure hooks: a stop signal does not end them. The clock of the runtime must then be one
     * without a stop flag, as in the rest of the way back.
     */
    bool ignore_stop;
    /* Describe the container of a run_image hook; 0, or -1 with err. NULL = none can be made. */
    int (*build)(void *ctx, const struct plan_hook *hook, struct hook_container *ret,
                 struct ship_error *err);
    void *ctx;
};

struct hook_result {
    int exit_code;   /* 0-255; -1 when a signal ended it or it was timed out */
    int term_signal; /* host programs only; else 0 */
    bool timed_out;
    char *output; /* owned; sanitised, head and tail when it was long; never NULL after success */
    int64_t duration_ms;
    int64_t limit_ms; /* what it was given; ending it takes a moment more */
};
void hook_result_done(struct hook_result *r);

/*
 * Run one hook to its end.
 *
 * 0: it ran; look at ret (hook_ok). -1: it could not be run or seen to its end:
 *   SHIP_HOOK         no such program or container, variable without value
 *   SHIP_INTERRUPTED  a stop signal; the program was ended, the one-off container removed
 *   SHIP_TIMEOUT, SHIP_UNREACHABLE, SHIP_ENGINE, SHIP_CONFLICT, SHIP_IO  the mechanism failed
 * A one-off container is removed in each case. A command inside a container that is out of time
 * goes on there: the engine has no way to end it.
 */
SHIP_CHECKED int hook_run(const struct plan_hook *hook, const struct hook_env *env,
                          struct hook_result *ret, struct ship_error *err);

bool hook_ok(const struct hook_result *r);

/* "ended with exit status 3", "was ended by signal 9", "did not end within 5 min"; returns out. */
#define HOOK_TEXT_MAX 96
const char *hook_result_text(const struct hook_result *r, char out[HOOK_TEXT_MAX]);

#endif
