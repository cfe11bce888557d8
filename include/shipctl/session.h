/*
 * A session: where shipctl was called and the resources it opened on the way.
 *
 * cmd/ fills struct ship_options from the command line and the environment,
 * makes one session and hands it to ship_deploy(), ship_status(), ... Each of
 * those opens only what it needs (plan, compose file, ledger, engine), so
 * `history` never loads a plan's compose file and `--help` loads nothing.
 */
#ifndef SHIPCTL_SESSION_H
#define SHIPCTL_SESSION_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shipctl/error.h"
#include "shipctl/event.h"

struct ship_session; /* opaque */

/* What a process that dies now leaves behind. */
enum ship_in_flight {
    SHIP_SETTLED,   /* nothing that serves was changed, or the operation has ended */
    SHIP_UNGUARDED, /* changes that the next command brings to an end */
    SHIP_GUARDED,   /* changes that the guardian brings to an end */
};

struct ship_options {
    const char *dir;                  /* -C DIR; NULL = current directory */
    const char *plan_file;            /* -f FILE; NULL = shipctl.yaml, shipctl.yml in dir */
    const char *environment;          /* -e NAME; NULL = the plan's */
    const char *const *environ;       /* the process environment; non-NULL */
    int64_t lock_wait_ms;             /* --lock-wait; 0 = fail at once */
    bool no_guardian;                 /* --no-guardian */
    const char *reason;               /* --reason; NULL = none */
    const struct ship_events *events; /* NULL = silent */
    const volatile sig_atomic_t
        *stop;                        /* signal number that asked to stop, 0 = none; NULL = never */
    volatile sig_atomic_t *in_flight; /* enum ship_in_flight, kept up to date; NULL = unwanted */
};

/* Borrow everything in options until ship_session_free. Opens nothing. */
struct ship_session *ship_session_new(const struct ship_options *options);
void ship_session_free(struct ship_session *s);

/*
 * What the lint of plan and compose files said so far: at most 20, in order of appearance.
 * Valid until ship_session_free; filled also when an operation failed with SHIP_INVALID.
 */
struct ship_problem {
    bool is_error;
    const char *where; /* "docker-compose.yml:12:5" */
    const char *text;
    const char *snippet; /* source line with caret, two lines; or NULL */
};
size_t ship_session_problems(const struct ship_session *s, const struct ship_problem **ret);
/* How many more there are than that list holds. */
size_t ship_session_hidden_problems(const struct ship_session *s);

#endif
