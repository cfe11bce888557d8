/*
 * The ledger: one SQLite file that remembers every deployment.
 *
 * Holds deployments, their services, steps, the write-ahead journal of engine
 * mutations, check results, log tails of failures, the complete container
 * specification of each kept version, and a hash-chained audit log. Callers:
 * lib/deploy writes, status/history/prune read. No SQLite type leaves this
 * folder. Settings and reasons: PERSIST journal, synchronous=EXTRA, BEGIN
 * IMMEDIATE, busy timeout 5 s, application_id and user_version, mode 0600.
 * Codes: SHIP_UNREACHABLE (cannot open, read-only, newer schema, network file
 * system, busy too long, corrupt, not a ledger), SHIP_IO (no space, I/O error),
 * SHIP_UNVERIFIED (the audit chain), SHIP_NOT_FOUND where documented.
 * All times are UTC epoch milliseconds, 0 = not yet.
 */
#ifndef SHIP_LEDGER_LEDGER_H
#define SHIP_LEDGER_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shipctl/error.h"

#include "base/auto.h"

struct ledger; /* opaque */

enum ledger_mode { LEDGER_READ, LEDGER_WRITE };

/*
 * Open <state_dir>/ledger.db. LEDGER_WRITE creates directory (0700) and file (0600), migrates (a
 * file with an older schema is copied to ledger.db.v<N> first) and sets the ballast aside.
 * LEDGER_READ creates and migrates nothing and works while a writer is at it; a missing or empty
 * file: SHIP_NOT_FOUND (nothing was ever deployed). A newer schema is read when that schema allows
 * it, and never written. A handle belongs to its process: after a fork the child opens its own.
 */
struct ledger *ledger_open(const char *state_dir, enum ledger_mode mode, struct ship_error *err);
void ledger_close(struct ledger *l);
AUTO_PTR_DEFINE(ledger_close, struct ledger)
const char *ledger_path(const struct ledger *l);
const char *
ledger_uuid(const struct ledger *l); /* identity of this ledger: label io.shipctl.ledger */

/*
 * Is there room to start an operation: 16 MiB free where state_dir is or would be made? No ledger
 * needed. SHIP_PRECHECK when not, SHIP_UNREACHABLE when the directory cannot be looked at.
 */
#define LEDGER_MIN_FREE_BYTES (16u * 1024 * 1024)
SHIP_CHECKED int ledger_space_check(const char *state_dir, struct ship_error *err);

/*
 * Is the file sound? LEDGER_QUICK: structure of the pages (after an operation that did not end
 * well). LEDGER_FULL: also indices, references, and that tables and triggers are the ones we made.
 * SHIP_UNREACHABLE names the first fault.
 */
enum ledger_depth { LEDGER_QUICK, LEDGER_FULL };
SHIP_CHECKED int ledger_check_file(struct ledger *l, enum ledger_depth depth,
                                   struct ship_error *err);

/* States of a deployment row (reliability: state machine). Text = lower-case name. */
#define LEDGER_STATES(X)                                                                           \
    X(PREPARING, "preparing", true)                                                                \
    X(PREPARED, "prepared", true)                                                                  \
    X(SWITCHING, "switching", true)                                                                \
    X(VERIFYING, "verifying", true)                                                                \
    X(COMMITTED, "committed", true) /* cleanup outstanding */                                      \
    X(ROLLING_BACK, "rolling_back", true)                                                          \
    X(NEEDS_OPERATOR, "needs_operator", true)                                                      \
    X(CLEANED, "cleaned", false) /* the end of a success */                                        \
    X(ROLLED_BACK, "rolled_back", false)                                                           \
    X(REFUSED, "refused", false)                                                                   \
    X(CANCELLED, "cancelled", false)                                                               \
    X(ABANDONED, "abandoned", false)                                                               \
    X(FAILED, "failed", false)
enum ledger_state {
#define LEDGER_STATE_ENUM(name, text, open) LEDGER_##name,
    LEDGER_STATES(LEDGER_STATE_ENUM)
#undef LEDGER_STATE_ENUM
};
const char *ledger_state_text(enum ledger_state s);
bool ledger_state_is_open(enum ledger_state s); /* an operation that recovery must look at */

/* A text lent to a row for writing: rows own their texts only when they were read. */
static inline char *ledger_lend(const char *text)
{
    return (char *)(uintptr_t)text;
}

/* One deployment. Strings: on write borrowed (NULL = SQL NULL), on read owned
 * (ledger_deployment_done). */
struct ledger_deployment {
    int64_t id; /* the deployment number; set by ledger_begin */
    char *app, *environment, *project;
    char *action; /* "deploy", "rollback" */
    enum ledger_state state;
    char *
        outcome; /* succeeded rolled_back failed refused interrupted paused noop; NULL while open */
    int exit_code; /* -1 while open */
    char *from_version, *from_digest, *to_version, *to_digest;
    int64_t from_id;   /* deployment that was current before; 0 = none */
    int64_t target_id; /* rollback: the deployment whose specs are restored; else 0 */
    char *actor;       /* display name: "wei (sudo root)" */
    char *actor_json;  /* uid, loginuid, ssh, ci claims */
    char *host;
    char *reason; /* --reason */
    char *strategy;
    char *plan_hash, *compose_hash;
    char *git_sha, *ci_run;
    char *error;                                        /* final error message */
    char *last_step;                                    /* step running or failed */
    char *signature;                                    /* "unsigned" */
    char *warnings_json;                                /* array of strings */
    int64_t started_at_ms, finished_at_ms, downtime_ms; /* downtime -1 = none measured */
    bool is_current; /* the committed deployment that serves now (one per app+environment) */
    bool pruned;     /* specs and images were dropped: no rollback target */
};
void ledger_deployment_done(struct ledger_deployment *d);
struct ledger_deployments {
    struct ledger_deployment *rows;
    size_t n;
};
void ledger_deployments_done(struct ledger_deployments *ds);

/* What one service ran in a deployment. */
struct ledger_service {
    char *service;
    char *image; /* repository:tag as in the compose file */
    char *repository, *version, *digest, *image_id;
    char *platform;
    char *spec_json; /* complete replay: {"name","body","connects":[..],"platform", ...} by number;
                        holds secrets */
    char *spec_sha256;
};
void ledger_service_done(struct ledger_service *s);
struct ledger_services {
    struct ledger_service *rows;
    size_t n;
};
void ledger_services_done(struct ledger_services *list);

/*
 * ---- writing: every function is one durable transaction ----
 * An id that is not there: SHIP_NOT_FOUND. What the state of the row forbids: SHIP_CONFLICT; a
 * closed row is final, and one that was committed is never rolled back, only cleaned up.
 * On "no space" the ballast is given up and the transaction tried once more.
 */
/*
 * Run fn; the writing functions it calls join one transaction (the end of an operation: steps,
 * checks, closing row). fn returning -1 rolls all of it back. fn may be run twice ("no space", see
 * above), so it must not keep count of its calls. Batches do not nest.
 */
SHIP_CHECKED int ledger_batch(struct ledger *l, int (*fn)(void *ctx, struct ship_error *err),
                              void *ctx, struct ship_error *err);
/*
 * Insert; sets d->id. Appends audit "begin". The row starts as "preparing" and open: id, state,
 * outcome, exit_code, finished_at_ms, downtime_ms, is_current and pruned of d are not looked at.
 */
SHIP_CHECKED int ledger_begin(struct ledger *l, struct ledger_deployment *d,
                              struct ship_error *err);
/* Between open states; last_step NULL leaves the old one. Committing and closing: see below. */
SHIP_CHECKED int ledger_set_state(struct ledger *l, int64_t id, enum ledger_state state,
                                  const char *last_step, struct ship_error *err);
/*
 * The same, but only with the next transaction of this handle, like ledger_done_soon: the state
 * stands in the file before the change that the next intent announces.
 */
SHIP_CHECKED int ledger_set_state_soon(struct ledger *l, int64_t id, enum ledger_state state,
                                       const char *last_step, struct ship_error *err);
/*
 * Late facts of an open row (d->id): versions, digests, hashes and the other texts but app,
 * environment, action and outcome; from_id and target_id. NULL and 0 members are left alone.
 */
SHIP_CHECKED int ledger_update(struct ledger *l, const struct ledger_deployment *d,
                               struct ship_error *err);
/* A second call for the same service replaces the first. */
SHIP_CHECKED int ledger_put_service(struct ledger *l, int64_t id, const struct ledger_service *s,
                                    struct ship_error *err);
/*
 * THE commit point: state committed, is_current moved from the previous row to this one, outcome
 * succeeded, audit row; one transaction.
 */
SHIP_CHECKED int ledger_commit(struct ledger *l, int64_t id, int64_t finished_at_ms,
                               int64_t downtime_ms, struct ship_error *err);
struct ledger_end {
    enum ledger_state state;
    const char *outcome; /* see ledger_deployment.outcome; NULL leaves what is recorded */
    int exit_code;
    const char *error;         /* NULL leaves what is recorded */
    const char *warnings_json; /* NULL leaves what is recorded */
    int64_t finished_at_ms;    /* 0 leaves what is recorded */
    int64_t downtime_ms;       /* -1 leaves what is recorded */
};
/*
 * Close a row (also after commit, to move committed -> cleaned). Appends audit "end", or
 * "attention" when the state is an open one (needs_operator). Outcome "succeeded" needs a commit.
 */
SHIP_CHECKED int ledger_end(struct ledger *l, int64_t id, const struct ledger_end *end,
                            struct ship_error *err);

/*
 * The ledger is lost, labelled containers are there: record what serves as a cleaned, succeeded
 * deployment that is current, with the reason 'reconstructed from container labels'. Taken from d:
 * app, environment, project, action (default "deploy"), to_version, to_digest, started_at_ms,
 * finished_at_ms, host, actor, strategy, hashes; id when > 0, so that numbers of labels stay
 * unique (0: next). Sets d->id. SHIP_CONFLICT when there is a current one, or the id is taken.
 */
#define LEDGER_RECONSTRUCTED "reconstructed from container labels"
SHIP_CHECKED int ledger_reconstruct(struct ledger *l, struct ledger_deployment *d,
                                    const struct ledger_service *services, size_t n,
                                    struct ship_error *err);

/* Steps of the timeline. A second call with the same seq replaces the first. status: words of
 * ship_step_status_text. */
struct ledger_step {
    int seq;
    char *name, *status, *message;
    int64_t started_at_ms, duration_ms;
};
SHIP_CHECKED int ledger_put_step(struct ledger *l, int64_t id, const struct ledger_step *s,
                                 struct ship_error *err);

struct ledger_check {
    char *phase;                              /* pre health post */
    char *check_id, *type, *status, *message; /* status: pass fail unknown */
    bool required;
    int64_t tries, duration_ms;
};
SHIP_CHECKED int ledger_put_check(struct ledger *l, int64_t id, const struct ledger_check *c,
                                  struct ship_error *err);
/*
 * Evidence of a failure. kind: "log", "health", "state", "hook"; service may be NULL. Of a longer
 * text the last LEDGER_EVIDENCE_MAX bytes are kept.
 */
#define LEDGER_EVIDENCE_MAX (256u * 1024)
SHIP_CHECKED int ledger_put_evidence(struct ledger *l, int64_t id, const char *kind,
                                     const char *service, const char *text, struct ship_error *err);

/* ---- the write-ahead journal of engine mutations ---- */
struct ledger_journal {
    int64_t seq; /* 1, 2, ... in a deployment; set by ledger_intent */
    char *kind;  /* closed set of lib/deploy: "create", "park-policy", "stop", "rename", "start",
                    "pin", ... */
    char *service;
    char *args_json;     /* what do and undo need */
    char *observed_json; /* NULL until done */
    char *outcome;       /* NULL = intent only; "done", "failed", "undone" */
    int64_t intent_at_ms, done_at_ms;
};
/* Sets j->seq. The deployment must be open. */
SHIP_CHECKED int ledger_intent(struct ledger *l, int64_t id, struct ledger_journal *j,
                               struct ship_error *err);
/* What came of intent seq. observed_json NULL leaves what is recorded; "undone" may follow "done".
 */
SHIP_CHECKED int ledger_done(struct ledger *l, int64_t id, int64_t seq, const char *outcome,
                             const char *observed_json, int64_t at_ms, struct ship_error *err);
/*
 * The same, but only with the next transaction of this handle (or ledger_settle, or ledger_close):
 * half the disk writes of a switch. Until then the entry reads as an intent without outcome, which
 * is what a crash a moment earlier leaves as well. For outcomes that recovery can observe.
 */
SHIP_CHECKED int ledger_done_soon(struct ledger *l, int64_t id, int64_t seq, const char *outcome,
                                  const char *observed_json, int64_t at_ms, struct ship_error *err);
/* Write now what the two _soon left; before the journal is read through this handle. */
SHIP_CHECKED int ledger_settle(struct ledger *l, struct ship_error *err);
struct ledger_journals {
    struct ledger_journal *rows;
    size_t n;
};
SHIP_CHECKED int ledger_journal_read(struct ledger *l, int64_t id, struct ledger_journals *ret,
                                     struct ship_error *err);
void ledger_journals_done(struct ledger_journals *list);

/* ---- reading ---- */
/* SHIP_NOT_FOUND when absent. app, environment NULL: any. */
SHIP_CHECKED int ledger_find(struct ledger *l, const char *app, const char *environment, int64_t id,
                             struct ledger_deployment *ret, struct ship_error *err);
/* The serving deployment. 0 found, 1 none. */
SHIP_CHECKED int ledger_current(struct ledger *l, const char *app, const char *environment,
                                struct ledger_deployment *ret, struct ship_error *err);
/* The open operation (ledger_state_is_open), oldest first. 0 found, 1 none. */
SHIP_CHECKED int ledger_open_operation(struct ledger *l, const char *app, const char *environment,
                                       struct ledger_deployment *ret, struct ship_error *err);
struct ledger_query {
    const char *app, *environment; /* NULL = any */
    int64_t since_ms;              /* 0 = no limit */
    int64_t before_id;             /* 0 = no limit: paging */
    bool failed_only;              /* outcome not succeeded/noop */
    bool targets_only;             /* succeeded, not pruned: what rollback may use; newest first */
    const char *version;           /* exact to_version; NULL = any */
    int64_t limit;                 /* >= 1 */
};
SHIP_CHECKED int ledger_list(struct ledger *l, const struct ledger_query *q,
                             struct ledger_deployments *ret, struct ship_error *err);
SHIP_CHECKED int ledger_services_read(struct ledger *l, int64_t id, struct ledger_services *ret,
                                      struct ship_error *err);
struct ledger_steps {
    struct ledger_step *rows;
    size_t n;
};
struct ledger_checks {
    struct ledger_check *rows;
    size_t n;
};
struct ledger_evidence {
    char *kind, *service, *text;
};
struct ledger_evidences {
    struct ledger_evidence *rows;
    size_t n;
};
SHIP_CHECKED int ledger_steps_read(struct ledger *l, int64_t id, struct ledger_steps *ret,
                                   struct ship_error *err);
SHIP_CHECKED int ledger_checks_read(struct ledger *l, int64_t id, struct ledger_checks *ret,
                                    struct ship_error *err);
SHIP_CHECKED int ledger_evidence_read(struct ledger *l, int64_t id, struct ledger_evidences *ret,
                                      struct ship_error *err);
void ledger_steps_done(struct ledger_steps *list);
void ledger_checks_done(struct ledger_checks *list);
void ledger_evidence_done(struct ledger_evidences *list);

/* ---- retention ---- */
/*
 * Every image any kept deployment of ANY app refers to (not pruned): rows of service + app +
 * environment + version + deployment id. prune keeps what another app or environment needs.
 */
struct ledger_image {
    int64_t deployment;
    char *app, *environment, *version, *service, *image, *repository, *digest, *image_id;
    bool is_current, succeeded;
    int64_t finished_at_ms;
};
struct ledger_images {
    struct ledger_image *rows;
    size_t n;
};
SHIP_CHECKED int ledger_images_read(struct ledger *l, struct ledger_images *ret,
                                    struct ship_error *err);
void ledger_images_done(struct ledger_images *is);
/*
 * Mark pruned and delete its specs and the arguments in its journal, which may hold the same
 * secrets (secure_delete overwrites them in the file). Appends audit "prune". SHIP_CONFLICT for a
 * deployment that is open or current; 0 without effect when it is pruned already.
 */
SHIP_CHECKED int ledger_mark_pruned(struct ledger *l, int64_t id, struct ship_error *err);

/* ---- audit chain ---- */
/* 12 hex digits of the newest hash into ret; "" when empty. */
#define LEDGER_HEAD_SIZE 13
SHIP_CHECKED int ledger_audit_head(struct ledger *l, char ret[LEDGER_HEAD_SIZE],
                                   struct ship_error *err);
/*
 * Recompute the whole chain, and compare each closed deployment with what was recorded of it.
 * SHIP_UNVERIFIED names the first bad row, or says that head (12 to 64 hex digits, may be NULL) is
 * not found; SHIP_USAGE when head is no such text. *ret_rows: length of the chain.
 */
SHIP_CHECKED int ledger_audit_verify(struct ledger *l, const char *head, int64_t *ret_rows,
                                     struct ship_error *err);

#endif
