/*
 * The runner: tries, waits and gives up; knows nothing of what is checked.
 *
 * The first try comes at once. While nothing listens yet (result.refused),
 * tries within the first two seconds come every 50 ms and are not counted, so
 * an app that is up quickly is noticed quickly and `retries: 1` does not fail
 * it. All waits go through the clock: a stop signal ends them.
 */
#include <stdio.h>
#include <string.h>

#include "check/check.h"
#include "check/support.h"

#define FAST_RETRY_MS  50
#define FAST_PERIOD_MS 2000
#define ABORT_SLICE_MS 250

/* One check on its way. */
struct run {
    const struct check *check;
    const struct check_env *env;
    const struct check_run_options *options;
    int64_t started_ms, tries;
    struct check_result last;
};

static int64_t run_elapsed_ms(const struct run *r)
{
    return clock_now_ms(r->env->clock) - r->started_ms;
}

static bool is_over(const struct run *r)
{
    return clock_left_ms(r->env->clock, r->options->deadline_ms) == 0;
}

static int64_t try_deadline(const struct run *r)
{
    const struct check *c = r->check;
    int64_t ms = c->timeout_ms + (c->type->takes_ms ? c->type->takes_ms(c->config) : 0);

    return clock_earlier(clock_deadline(r->env->clock, ms), r->options->deadline_ms);
}

static int run_once(struct run *r, struct ship_error *err)
{
    struct check_result result = {.status = CHECK_UNKNOWN};

    if (r->check->type->run(r->env, r->check->config, try_deadline(r), &result, err) < 0)
        return ship_error_wrap(err, "check '%s'", r->check->id);
    redact_field(check_redact(r->env), result.message, sizeof result.message);
    r->last = result;
    return 0;
}

/* The try said "nothing listens yet" early enough to come again soon, uncounted. */
static bool is_fast(const struct run *r)
{
    return r->last.status == CHECK_FAIL && r->last.refused && !r->last.final &&
           run_elapsed_ms(r) < FAST_PERIOD_MS;
}

static void report_try(const struct run *r)
{
    struct ship_event event = {
        .kind = SHIP_EVENT_STEP_PROGRESS,
        .level = SHIP_LEVEL_INFO,
        .unit = SHIP_UNIT_TRIES,
        .done = (uint64_t)r->tries,
        .total = (uint64_t)r->check->retries,
        .step = r->options->step,
        .text = r->last.message,
    };

    ship_emit(r->env->events, &event);
}

/* Ask whether to give up; the reason becomes the verdict. */
static bool is_aborted(struct run *r)
{
    char reason[sizeof r->last.message] = "";

    if (!r->options->aborted || !r->options->aborted(r->options->ctx, reason))
        return false;
    r->last = (struct check_result){.status = CHECK_FAIL, .final = true};
    (void)snprintf(r->last.message, sizeof r->last.message, "%s", reason);
    return true;
}

/* 1 go on, 0 given up, -1 stopped by a signal. */
static int wait_next(struct run *r, int64_t ms, struct ship_error *err)
{
    do {
        int64_t slice = r->options->aborted ? clock_earlier(ms, ABORT_SLICE_MS) : ms;

        if (is_aborted(r))
            return 0;
        if (clock_wait(r->env->clock, slice, r->options->deadline_ms, err) < 0)
            return -1;
        ms -= slice;
    } while (ms > 0 && !is_over(r));
    return is_aborted(r) || is_over(r) ? 0 : 1;
}

/* 1 try again, 0 done, -1 ended. */
static int run_try(struct run *r, struct ship_error *err)
{
    if (run_once(r, err) < 0)
        return -1;
    if (is_fast(r))
        return wait_next(r, FAST_RETRY_MS, err);
    r->tries++;
    report_try(r);
    if (r->last.status == CHECK_PASS || r->last.final || r->tries >= r->check->retries)
        return 0;
    return wait_next(r, r->check->interval_ms, err);
}

static int run_check(const struct check *check, const struct check_run_options *options,
                     struct check_outcome *ret, struct ship_error *err)
{
    struct run r = {
        .check = check,
        .env = options->env,
        .options = options,
        .started_ms = clock_now_ms(options->env->clock),
        .last = {.status = CHECK_UNKNOWN, .message = "not tried: no time left"},
    };
    int rc = is_over(&r) ? 0 : 1;

    while (rc == 1)
        rc = run_try(&r, err);
    if (rc < 0)
        return -1;
    *ret = (struct check_outcome){
        .check = check,
        .status = r.last.status,
        .tries = r.tries,
        .duration_ms = run_elapsed_ms(&r),
    };
    memcpy(ret->message, r.last.message, sizeof ret->message);
    return 0;
}

/* NOLINTNEXTLINE(readability-function-size): all of one try; check_run_all takes a struct */
int check_run(const struct check *check, const struct check_env *env, const char *step,
              int64_t deadline_ms, bool (*aborted)(void *ctx, char reason[512]), void *ctx,
              struct check_outcome *ret, struct ship_error *err)
{
    struct check_run_options options = {
        .env = env, .step = step, .deadline_ms = deadline_ms, .aborted = aborted, .ctx = ctx};

    return run_check(check, &options, ret, err);
}

int check_run_all(const struct checks *cs, const struct check_run_options *options,
                  struct check_outcome *ret, struct ship_error *err)
{
    for (size_t i = 0; i < cs->n; i++)
        if (run_check(&cs->items[i], options, &ret[i], err) < 0)
            return -1;
    return 0;
}

const struct check_outcome *check_blocking(const struct check_outcome *outcomes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (outcomes[i].check->required && outcomes[i].status != CHECK_PASS)
            return &outcomes[i];
    return NULL;
}
