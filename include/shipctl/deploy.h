/*
 * Deploy, roll back, recover: operations that end in one result.
 *
 * Each runs as a transaction: it ends on the new version proven healthy or on
 * the old one proven healthy, and the result says which. The result is always
 * filled, also when the operation was refused before it began; the exit status
 * in it is the contract of shipctl(1). Events report progress meanwhile.
 */
#ifndef SHIPCTL_DEPLOY_H
#define SHIPCTL_DEPLOY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shipctl/error.h"
#include "shipctl/event.h"
#include "shipctl/session.h"

/* THE table of outcomes: X(name, JSON and ledger text). */
#define SHIP_OUTCOMES(X)                                                                           \
    X(SHIP_OUTCOME_NOOP, "noop")                                                                   \
    X(SHIP_OUTCOME_SUCCEEDED, "succeeded")                                                         \
    X(SHIP_OUTCOME_ROLLED_BACK, "rolled_back")                                                     \
    X(SHIP_OUTCOME_FAILED, "failed")                                                               \
    X(SHIP_OUTCOME_REFUSED, "refused")                                                             \
    X(SHIP_OUTCOME_INTERRUPTED, "interrupted")                                                     \
    X(SHIP_OUTCOME_PAUSED, "paused")
enum ship_outcome {
#define SHIP_OUTCOME_ENUM(name, text) name,
    SHIP_OUTCOMES(SHIP_OUTCOME_ENUM)
#undef SHIP_OUTCOME_ENUM
};
const char *ship_outcome_text(enum ship_outcome o);

struct ship_version {
    char *version; /* tag, or digest when deployed by digest; NULL = none */
    char *digest;  /* "sha256:..." or NULL */
};

struct ship_result_step {
    char *name;
    enum ship_step_status status;
    int64_t started_at_ms, duration_ms;
    char *message; /* short result or error; may be NULL */
};

struct ship_result_check {
    char *id, *type, *phase; /* phase: pre health post */
    bool required;
    char *status; /* pass fail unknown */
    int64_t tries, duration_ms;
    char *message;
};

/* One line of the dry-run preview: what would be done, in order. */
struct ship_preview_action {
    char *verb;   /* "pull", "create", "stop", "start", "rename", "restart", "remove", "write",
                     "run", "check", "prune" */
    char *object; /* "container delivery-app" */
    char *detail; /* "sha256:ab12… (18 MB)"; may be NULL */
};
/* One changed variable of a service's environment; values never leave the library. */
struct ship_preview_env {
    char *service, *name;
    char change; /* '+' added, '-' removed, '~' changed */
};
struct ship_preview_image {
    char *service, *image;
    char *old_digest, *new_digest; /* NULL = none */
    bool is_local;                 /* nothing to download */
};
struct ship_preview {
    struct ship_preview_action *actions;
    size_t n_actions;
    struct ship_preview_env *env;
    size_t n_env;
    struct ship_preview_image *images;
    size_t n_images;
    int64_t disk_free_bytes, disk_need_bytes; /* -1 = unknown */
    char *disk_path;
    bool has_changes; /* --exit-code: 100 */
};

struct ship_result {
    int64_t deployment; /* number in the ledger; 0 = none was recorded */
    char *app, *environment;
    char *action; /* deploy, rollback, recover */
    enum ship_outcome outcome;
    int exit_code;
    struct ship_version from, to;
    int64_t started_at_ms, finished_at_ms, duration_ms;
    int64_t downtime_ms; /* -1 = not measured */
    char *actor, *reason;
    struct ship_result_step *steps;
    size_t n_steps;
    struct ship_result_check *checks;
    size_t n_checks;
    char **warnings;
    size_t n_warnings;
    struct ship_error error; /* code SHIP_OK when there is none */
    char *rollback; /* "v1.0.0 is serving again, verified in 1.2 s"; NULL = none was needed */
    char *evidence; /* container exit code, OOM, restarts, health log, last log lines; raw; NULL =
                       none */
    char audit_head[13];          /* 12 hex digits; "" = none */
    struct ship_preview *preview; /* dry run only */
};

void ship_result_done(struct ship_result *r);
/* The `--json` object of the contract; heap string, caller frees. */
char *ship_result_json(const struct ship_result *r);

struct ship_deploy_request {
    const char *version; /* tag or "sha256:..." digest; non-NULL */
    bool dry_run;
    bool force;     /* replace the containers even when nothing changed */
    bool strict;    /* exit 40 when it succeeded with warnings */
    bool exit_code; /* dry run: 100 when there are changes */
};
/* Returns ret->exit_code. */
int ship_deploy(struct ship_session *s, const struct ship_deploy_request *request,
                struct ship_result *ret);

struct ship_rollback_request {
    const char *version; /* NULL = the newest earlier version that succeeded */
    int64_t to;          /* deployment number; 0 = by version */
    bool dry_run, strict, exit_code;
};
int ship_rollback(struct ship_session *s, const struct ship_rollback_request *request,
                  struct ship_result *ret);

/* Finish or undo an interrupted operation; outcome noop when there is none. */
int ship_recover(struct ship_session *s, struct ship_result *ret);

#endif
