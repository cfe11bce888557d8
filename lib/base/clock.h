/*
 * Time as a dependency: tests and the simulation inject a fake clock.
 *
 * Deadlines travel down the stack as absolute milliseconds of `clock_now_ms`
 * (CLOCK_BOOTTIME: goes on during suspend, unaffected by wall-clock changes).
 * The stop flag rides along, so each wait ends when a signal arrives.
 */
#ifndef SHIP_BASE_CLOCK_H
#define SHIP_BASE_CLOCK_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "shipctl/error.h"

#define CLOCK_NEVER INT64_MAX

struct clock {
    int64_t (*now_ms)(const struct clock *c);            /* monotonic milliseconds */
    int64_t (*epoch_ms)(const struct clock *c);          /* UTC epoch milliseconds */
    void (*sleep_ms)(const struct clock *c, int64_t ms); /* returns early on a signal */
    const volatile sig_atomic_t
        *stop; /* number of the signal that asked to stop, 0 = none; may be NULL */
};

/* The real clock; copy it and set `stop`. */
extern const struct clock clock_real;

static inline int64_t clock_now_ms(const struct clock *c)
{
    return c->now_ms(c);
}

static inline int64_t clock_epoch_ms(const struct clock *c)
{
    return c->epoch_ms(c);
}

/* Number of the stop signal, or 0. */
static inline int clock_stop_signal(const struct clock *c)
{
    return c->stop ? (int)*c->stop : 0;
}

/* now + ms without overflow; ms < 0 counts as 0. */
int64_t clock_deadline(const struct clock *c, int64_t ms);

/* Milliseconds left until the deadline, never negative. */
int64_t clock_left_ms(const struct clock *c, int64_t deadline_ms);

/* The earlier of two deadlines. */
static inline int64_t clock_earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/*
 * Sleep at most ms, never past deadline_ms. 0 when time passed (possibly less than asked).
 * -1 with SHIP_INTERRUPTED when the stop flag is set before or during the sleep.
 */
SHIP_CHECKED int clock_wait(const struct clock *c, int64_t ms, int64_t deadline_ms,
                            struct ship_error *err);

#endif
