/* The fake clock: sleeping is advancing. */
#include "support/fake_clock.h"

/* The code under test holds a const clock; the fake around it is ours to change. */
static struct fake_clock *fake_of(const struct clock *c)
{
    return (struct fake_clock *)(uintptr_t)c;
}

static int64_t fake_now_ms(const struct clock *c)
{
    return fake_of(c)->now_ms;
}

static int64_t fake_epoch_ms(const struct clock *c)
{
    return FAKE_EPOCH_MS + fake_of(c)->now_ms - FAKE_START_MS;
}

void fake_clock_advance(struct fake_clock *f, int64_t ms)
{
    f->now_ms += ms;
    if (f->now_ms >= f->stop_at_ms)
        f->stop_value = SIGTERM;
}

static void fake_sleep_ms(const struct clock *c, int64_t ms)
{
    struct fake_clock *f = fake_of(c);

    f->sleeps++;
    f->slept_ms += ms;
    fake_clock_advance(f, ms);
}

void fake_clock_init(struct fake_clock *f)
{
    *f = (struct fake_clock){
        .clock = {.now_ms = fake_now_ms, .epoch_ms = fake_epoch_ms, .sleep_ms = fake_sleep_ms},
        .now_ms = FAKE_START_MS,
        .stop_at_ms = CLOCK_NEVER,
    };
    f->clock.stop = &f->stop_value;
}
