/*
 * The one event stream of the library.
 *
 * The library never prints: it emits events to a list of sinks. The renderers
 * (tty, plain, json, github), the ledger's timeline and the debug log are
 * sinks, so no two faces can disagree. Sinks must not block and must not fail.
 */
#ifndef SHIPCTL_EVENT_H
#define SHIPCTL_EVENT_H

#include <stddef.h>
#include <stdint.h>

#include "shipctl/error.h"

enum ship_event_kind {
    SHIP_EVENT_OPERATION_BEGIN, /* text: one-line title, e.g. "deploy delivery v1.0.0 -> v1.0.1" */
    SHIP_EVENT_STEP_BEGIN,      /* step set */
    SHIP_EVENT_STEP_PROGRESS,   /* step, done/total (bytes or tries, see unit), text */
    SHIP_EVENT_STEP_END,        /* step, status, duration_ms, text: short result */
    SHIP_EVENT_MESSAGE,         /* level + text: warnings, notes, errors of this program */
    SHIP_EVENT_OUTPUT,        /* foreign text (container log, hook output): `origin` + text, raw */
    SHIP_EVENT_OPERATION_END, /* status, text: final sentence */
};

enum ship_level { SHIP_LEVEL_DEBUG, SHIP_LEVEL_INFO, SHIP_LEVEL_WARNING, SHIP_LEVEL_ERROR };

enum ship_unit { SHIP_UNIT_NONE, SHIP_UNIT_BYTES, SHIP_UNIT_TRIES };

/* Status words are the ones of `steps[].status` in JSON and the ledger. */
enum ship_step_status {
    SHIP_STEP_PENDING,
    SHIP_STEP_RUNNING,
    SHIP_STEP_DONE,
    SHIP_STEP_SKIPPED,
    SHIP_STEP_WARNED,
    SHIP_STEP_FAILED,
    SHIP_STEP_UNDONE,
};

struct ship_event {
    enum ship_event_kind kind;
    enum ship_level level;        /* MESSAGE only, else INFO */
    enum ship_step_status status; /* STEP_END and OPERATION_END */
    enum ship_unit unit;          /* of done/total */
    int64_t at_ms;                /* UTC epoch, milliseconds */
    int64_t duration_ms;          /* STEP_END, OPERATION_END */
    uint64_t done, total;         /* STEP_PROGRESS; total 0 = unknown */
    const char *step;             /* name from the step table, or NULL */
    const char *service;          /* compose service concerned, or NULL */
    const char *origin;           /* OUTPUT: "log app", "hook backup[0]"; else NULL */
    const char *text; /* never NULL; without secrets; may hold foreign bytes: sinks escape it */
};

struct ship_sink {
    void (*emit)(struct ship_sink *sink, const struct ship_event *event);
};

#define SHIP_SINKS_MAX 4

struct redact; /* the secrets that a session knows */

struct ship_events {
    struct ship_sink *sinks[SHIP_SINKS_MAX]; /* borrowed */
    size_t n_sinks;
    struct redact *redact; /* of texts, before a sink sees them; set by the session, or NULL */
};

/* Add a sink; more than SHIP_SINKS_MAX is a bug (asserted). */
void ship_events_add(struct ship_events *events, struct ship_sink *sink);

/* Hand an event to each sink; fills at_ms when 0. events may be NULL (nothing happens). */
void ship_emit(const struct ship_events *events, const struct ship_event *event);

/* Emit a MESSAGE. */
void ship_emit_message(const struct ship_events *events, enum ship_level level, const char *fmt,
                       ...) SHIP_PRINTF(3, 4);

/* "done", "skipped", ... */
const char *ship_step_status_text(enum ship_step_status status);

#endif
