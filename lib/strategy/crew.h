/*
 * Jobs side by side: a crew of threads takes them in order, each thread with a connection to the
 * engine of its own. A thread or a connection that is not to be had only makes the crew smaller;
 * without any the caller does all jobs itself, in turn.
 */
#ifndef SHIP_STRATEGY_CREW_H
#define SHIP_STRATEGY_CREW_H

#include "runtime/runtime.h"

#define CREW_MAX     24  /* requests on their way at a time */
#define CREW_TICK_MS 100 /* between two ticks */

struct crew_jobs {
    size_t n, max; /* max: at a time, at most CREW_MAX */
    void *ctx;
    /* Job i, in any thread. false: it failed, nothing more is handed out. */
    bool (*run)(void *ctx, size_t i, struct runtime *rt);
    /* May job i begin? done[]: the jobs that have succeeded. In any thread, one at a time. NULL:
     * every job may. */
    bool (*may_begin)(void *ctx, size_t i, const bool *done);
    /* The caller looks after the crew instead of working along; in its thread. NULL: it works. */
    void (*tick)(void *ctx);
};

/* Until all jobs that were handed out have ended. A stop signal ends the handing out, too. */
void crew_run(struct runtime *rt, const struct crew_jobs *jobs);

#endif
