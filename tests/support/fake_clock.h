/*
 * A clock that moves only when told to, or when somebody sleeps on it.
 *
 *     struct fake_clock fake;
 *     fake_clock_init(&fake);
 *     wait_something(&fake.clock, ...);
 */
#ifndef TESTS_SUPPORT_FAKE_CLOCK_H
#define TESTS_SUPPORT_FAKE_CLOCK_H

#include <signal.h>
#include <stdint.h>

#include "base/clock.h"

/* What a new fake clock shows: 2026-01-02T03:04:05Z. */
#define FAKE_EPOCH_MS INT64_C(1767323045000)
#define FAKE_START_MS INT64_C(1000000)

struct fake_clock {
    struct clock clock;               /* first member; give this to the code under test */
    int64_t now_ms;                   /* monotonic */
    int64_t slept_ms;                 /* sum of all sleeps */
    unsigned sleeps;                  /* number of them */
    int64_t stop_at_ms;               /* raise the stop flag when now reaches it; CLOCK_NEVER */
    volatile sig_atomic_t stop_value; /* what clock.stop points to */
};

void fake_clock_init(struct fake_clock *f);
void fake_clock_advance(struct fake_clock *f, int64_t ms);

#endif
