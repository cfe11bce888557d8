/*
 * The real clock, deadline arithmetic and the interruptible wait.
 */
#include "base/clock.h"

#include <string.h>
#include <time.h>

/* A signal that arrives between the look at the flag and the sleep is seen this late at most. */
#define WAIT_SLICE_MS 200

static int64_t read_clock_ms(clockid_t id)
{
    struct timespec ts = {0};

    clock_gettime(id, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int64_t real_now_ms(const struct clock *c)
{
    (void)c;
    return read_clock_ms(CLOCK_BOOTTIME);
}

static int64_t real_epoch_ms(const struct clock *c)
{
    (void)c;
    return read_clock_ms(CLOCK_REALTIME);
}

static void real_sleep_ms(const struct clock *c, int64_t ms)
{
    struct timespec ts = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};

    (void)c;
    (void)nanosleep(&ts, NULL); /* a signal ends it early, as promised */
}

const struct clock clock_real = {
    .now_ms = real_now_ms,
    .epoch_ms = real_epoch_ms,
    .sleep_ms = real_sleep_ms,
    .stop = NULL,
};

int64_t clock_deadline(const struct clock *c, int64_t ms)
{
    int64_t now = clock_now_ms(c);
    int64_t deadline;

    if (ms < 0)
        ms = 0;
    return __builtin_add_overflow(now, ms, &deadline) ? CLOCK_NEVER : deadline;
}

int64_t clock_left_ms(const struct clock *c, int64_t deadline_ms)
{
    int64_t now = clock_now_ms(c);
    int64_t left;

    if (deadline_ms <= now)
        return 0;
    return __builtin_sub_overflow(deadline_ms, now, &left) ? CLOCK_NEVER : left;
}

static int check_stop(const struct clock *c, struct ship_error *err)
{
    int sig = clock_stop_signal(c);

    if (sig == 0)
        return 0;
    return ship_fail(err, SHIP_INTERRUPTED, "stopped by signal %d (%s)", sig, strsignal(sig));
}

int clock_wait(const struct clock *c, int64_t ms, int64_t deadline_ms, struct ship_error *err)
{
    int64_t left = clock_earlier(ms, clock_left_ms(c, deadline_ms));

    if (check_stop(c, err) < 0)
        return -1;
    /* Counted down by what was asked for, so that even a clock that stands still ends the loop. */
    while (left > 0) {
        int64_t slice = clock_earlier(left, WAIT_SLICE_MS);

        c->sleep_ms(c, slice);
        if (check_stop(c, err) < 0)
            return -1;
        left -= slice;
    }
    return 0;
}
