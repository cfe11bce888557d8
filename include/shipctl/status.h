/*
 * Status: what runs now, since when, by whom, healthy or not, and what drifted.
 * Read-only; answers within 5 s also when the engine hangs.
 */
#ifndef SHIPCTL_STATUS_H
#define SHIPCTL_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shipctl/session.h"

struct ship_status_service {
    char *service, *container; /* container name; NULL = none exists */
    char *image, *version, *digest;
    char *state;           /* the engine's word, or "missing" */
    char *health;          /* none starting healthy unhealthy */
    bool deployed;         /* carries the app's version (else a dependency) */
    int64_t started_at_ms; /* 0 = not running */
    int64_t restarts, exit_code;
    bool oom_killed;
    double cpu_pct; /* average since the container started, 100 = one core; -1 = unknown */
    int64_t memory_bytes, memory_limit_bytes; /* -1 = unknown; limit 0 = none */
};

/* Ledger, compose file and engine disagree. */
struct ship_drift {
    char *service; /* or NULL */
    char *kind;    /* "version", "image", "config", "missing", "extra", "stopped", "orphan",
                      "restart-policy" */
    char *text;    /* "container runs v1.0.0, ledger says v1.0.1" */
    char *hint;    /* next command or NULL */
};

struct ship_status {
    char *app, *environment, *project;
    int64_t deployment; /* 0 = never deployed */
    char *version, *digest;
    bool healthy; /* every deployed service runs and is not unhealthy or starting */
    int64_t deployed_at_ms;
    char *actor, *reason;
    struct ship_status_service *services;
    size_t n_services;
    struct ship_drift *drift;
    size_t n_drift;
    struct { /* open operation or lock holder; action NULL = none */
        int64_t deployment;
        char *action, *state, *version, *step, *actor;
        int64_t since_ms;
        int64_t pid; /* 0 = nobody holds the lock: interrupted */
    } operation;
    struct { /* newest rollback target; version NULL = none */
        char *version;
        int64_t deployment;
        bool image_is_local;
    } previous;
    char *engine_error; /* engine not reachable: the rest is from the ledger; NULL = fine */
    int exit_code;      /* 0, 3 or 4; 11 with engine_error */
};

/* Returns the exit status and fills ret; on failure to load the plan or ledger err says why. */
int ship_status(struct ship_session *s, struct ship_status *ret, struct ship_error *err);
/*
 * Block until the exit status would be `0` (healthy) or timeout_ms passed; event-driven. Returns
 * the exit status of the last look.
 */
int ship_status_wait(struct ship_session *s, int64_t timeout_ms, struct ship_status *ret,
                     struct ship_error *err);
void ship_status_done(struct ship_status *st);
char *ship_status_json(const struct ship_status *st);

#endif
