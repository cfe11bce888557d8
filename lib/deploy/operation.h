/*
 * An operation: everything one deploy, rollback or recovery knows while it runs.
 *
 * The step functions read and fill it in order; the runner (pipeline.c) owns
 * its life. Nothing in it is needed to undo: that works from the journal.
 */
#ifndef SHIP_DEPLOY_OPERATION_H
#define SHIP_DEPLOY_OPERATION_H

#include <sys/types.h>

#include "shipctl/deploy.h"

#include "check/check.h"
#include "deploy/actor.h"
#include "deploy/lock.h"
#include "deploy/session.h"
#include "hook/hook.h"
#include "strategy/recreate.h"

/* Labels shipctl adds to the containers it creates; LABEL_OPERATION is in mutation.h. */
#define LABEL_APP         "io.shipctl.app"
#define LABEL_ENVIRONMENT "io.shipctl.environment"
#define LABEL_VERSION     "io.shipctl.version"
#define LABEL_DIGEST      "io.shipctl.digest"

/* One service that gets the version. */
struct target {
    char *service;
    char *image; /* as in the compose file with the version: "repo:tag" or "repo@sha256:.." */
    char *repository, *version;
    char *digest;     /* "sha256:..."; NULL = local image without one */
    char *image_id;   /* known after the image is local */
    char *platform;   /* NULL = the engine's */
    char *old_digest; /* of what runs now, or NULL */
    char *old_version;
    char *spec_json; /* rollback: the recorded specification; else NULL until commit */
    bool is_local;   /* nothing to download */
    bool unchanged;  /* what runs is already this */
};

struct operation;
struct step;

struct operation {
    struct ship_session *s;
    struct ship_result *res;
    const struct step *step; /* running now, or NULL */
    const char *action;      /* "deploy" or "rollback" */
    bool force, strict, dry_run;
    bool rollback;       /* restores a recorded deployment; a refusal leaves no row */
    const char *wanted;  /* version asked for (deploy) */
    int64_t rollback_to; /* deployment whose specs are restored, or 0 */
    struct actor actor;
    struct lock lock;
    struct engine_info engine;
    struct ledger_deployment row;      /* id 0 until recorded; strings borrowed */
    struct ledger_deployment previous; /* serving before; id 0 = none; owned */
    struct container_list containers;  /* of the project, all states */
    enum compose_family family;
    struct target *targets;
    size_t n_targets;
    struct strv overrides; /* version variables as "K=V" */
    struct replacement *reps;
    size_t n_reps;
    struct replacement *kept; /* replicas of a target that stay as they are, while others are added;
                                 old_id is the container */
    size_t n_kept;
    struct mutation_env mutate;
    struct compose_peer *peers; /* ids and names borrowed from containers / created */
    size_t n_peers;
    struct check_target *check_targets;
    size_t n_check_targets;
    struct strv check_texts; /* owns strings of check_targets */
    struct tmpl_var vars[6];
    struct strv image_refs; /* references to pull, for the registry check */
    int64_t deadline_ms;    /* of the whole operation */
    bool switched;          /* the first mutation of a serving container may have happened */
    bool committed;
    bool is_commit_unknown; /* the commit failed, and the ledger can not be asked whether it did */
    bool is_nested;         /* recovered on the way: its end is not the command's */
    bool restarts;    /* recovery: dependents were to be restarted, only the way back knows how */
    bool migrated;    /* an irreversible migration ran */
    bool is_owed;     /* a step after the commit failed that the next command does again */
    bool pin_refused; /* the version can not be written back; warned already */
    int guardian_fd;  /* pipe to the guardian; -1 = none */
    pid_t guardian_pid;
};

/* A step of the table in steps.c. */
enum step_flags {
    STEP_READ = 0,          /* changes nothing */
    STEP_CHANGE = 1u << 0,  /* changes the host, not the serving version */
    STEP_SWITCH = 1u << 1,  /* from here on a failure walks back */
    STEP_COMMIT = 1u << 2,  /* the commit point */
    STEP_AFTER = 1u << 3,   /* after the commit: failures only warn */
    STEP_PREVIEW = 1u << 4, /* runs in a dry run, too */
    STEP_DRY = 1u << 5,     /* runs in a dry run only */
    STEP_OWED = 1u << 6,    /* with STEP_AFTER: when it failed the next command does it again */
};
/* What apply returns besides -1: */
#define STEP_OK       0
#define STEP_NOTHING  1 /* nothing to do: shown as skipped */
#define STEP_FINISHED 2 /* the operation is over: nothing to change (no-op) */

#define STEP_NOTE_MAX 256
struct step {
    const char *name;
    unsigned flags;
    enum ship_code
        failure; /* what a plain mechanism's failure (engine, timeout, i/o) counts as here */
    /* note: short result for the progress line. */
    int (*apply)(struct operation *op, char note[STEP_NOTE_MAX], struct ship_error *err);
};
extern const struct step deploy_steps[]; /* ends with name NULL */
extern const struct step rollback_steps[];

/* What to do next when nothing was changed and nobody knows better. */
#define OPERATION_HINT "see what is not ready with: shipctl check; then try again"

void operation_init(struct operation *op, struct ship_session *s, struct ship_result *res,
                    const char *action);
void operation_done(struct operation *op);
/*
 * The clock of the plan starts, and what mutations need is taken from the session, which has its
 * ledger and its runtime. Recovery has means of its own: no deadline.
 */
void operation_equip(struct operation *op);

/* ---- the runner (pipeline.c) ---- */
/* Run the table, record everything, walk back where needed, fill the result. Returns the exit
 * status. */
int operation_run(struct operation *op, const struct step *steps);
/*
 * Undo everything of op->row by its journal and prove the old version. 0: it serves again (or
 * nothing served before). Needs op->mutate, op->reps (for the proof) and op->row.
 */
SHIP_CHECKED int operation_walk_back(struct operation *op, struct ship_error *err);
/* A running container was (to be) replaced, or runs on beside the new ones. */
bool operation_had_old(const struct operation *op);
/* The step name for events of helpers called inside a step. */
const char *operation_step(const struct operation *op);
void operation_warn(struct operation *op, const char *fmt, ...) SHIP_PRINTF(2, 3);

/* ---- shared by steps ---- */
/* (Re)read the project's containers. */
SHIP_CHECKED int operation_observe(struct operation *op, struct ship_error *err);
/* Container of a service by number (>= 1) or the lowest one (0); one-offs are never returned. */
const struct container_row *operation_container(const struct operation *op, const char *service,
                                                int number);
/* A replica of the service, whatever its state: no one-off, nothing that stands aside. */
bool operation_is_live_of(const struct operation *op, const struct container_row *c,
                          const char *service);
/* The number of a container of a service, 0 when it has none. */
int64_t operation_number(const struct container_row *c);
/* `docker compose up` died before it gave a replacement its name, and nothing else has that name.
 */
bool operation_is_stranded(const struct operation *op, const struct container_row *c);
/* The service of a container when it gets the version, else NULL. */
const struct compose_service *operation_deployed(const struct operation *op,
                                                 const struct container_row *c);
/* A live replica of a service numbered above its count. */
bool operation_is_surplus(const struct operation *op, const struct container_row *c, int64_t count);
/*
 * How many replicas of a service there are to be: those put in place and kept, else the file's. A
 * recovered rollback does not know it: INT64_MAX.
 */
int64_t operation_replicas(const struct operation *op, const struct compose_service *svc);
const struct target *operation_target(const struct operation *op, const char *service);
struct check_env operation_check_env(struct operation *op);
/* Hooks of one kind, in order; -1 SHIP_HOOK for the first that failed. checks.h runs checks. */
SHIP_CHECKED int operation_run_hooks(struct operation *op, const struct plan_hooks *hooks,
                                     const char *name, char note[STEP_NOTE_MAX],
                                     struct ship_error *err);

#endif
