/*
 * Inside lib/deploy: the session and the resources it opens on demand.
 *
 * Each need_* opens once and is cheap to call again. Order of calls: plan,
 * then compose, ledger and engine in any order. Everything is closed by
 * ship_session_free.
 */
#ifndef SHIP_DEPLOY_SESSION_H
#define SHIP_DEPLOY_SESSION_H

#include "shipctl/session.h"

#include "base/clock.h"
#include "base/redact.h"
#include "base/str.h"
#include "compose/compose.h"
#include "ledger/ledger.h"
#include "plan/plan.h"
#include "runtime/runtime.h"
#include "yaml/node.h"

struct ship_session {
    struct ship_options opt; /* events: the copy below */
    struct ship_events events;
    struct redact *redact; /* everything secret that this process reads */
    struct clock clock;    /* real time with the caller's stop flag */
    struct clock patient;  /* the same without it: undo and cleanup run to their end */
    struct yaml_problems problems;
    size_t n_emitted;          /* of problems, already shown as warnings */
    struct ship_problem *view; /* ship_session_problems; rebuilt on demand */
    char *dir;                 /* absolute */
    char *state_dir;
    struct plan *plan;
    struct compose_project *compose;
    struct ledger *ledger;
    enum ledger_mode ledger_mode;
    struct runtime *runtime;
};

/* Value of a variable in the caller's environment, or NULL. */
const char *session_env(const struct ship_session *s, const char *name);

SHIP_CHECKED int session_need_plan(struct ship_session *s, struct ship_error *err);
/*
 * Load the compose files; overrides ("K=V") win over every other source of variables. A second
 * call loads again: pointers from the first project are gone. NULL overrides keep a loaded project.
 */
SHIP_CHECKED int session_need_compose(struct ship_session *s, const struct strv *overrides,
                                      struct ship_error *err);
/* LEDGER_READ with no ledger yet: 1, and s->ledger stays NULL. */
SHIP_CHECKED int session_need_ledger(struct ship_session *s, enum ledger_mode mode,
                                     struct ship_error *err);
SHIP_CHECKED int session_need_runtime(struct ship_session *s, struct ship_error *err);

/* Plan or compose files did not load: takes the secrets out of what is said of them. -1. */
int session_load_failed(struct ship_session *s, struct ship_error *err);

/* Tell the caller what dying now would leave behind. */
void session_in_flight(const struct ship_session *s, enum ship_in_flight what);

/* Warnings of the lint so far, as MESSAGE events; each is emitted once. */
void session_emit_warnings(struct ship_session *s);

#endif
