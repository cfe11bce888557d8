/*
 * Sending one change and seeing what came of it: see mutation_kind.h.
 *
 * Knows neither ledger nor events, so that the crew of a batch may do it in threads, each with a
 * runtime of its own. What can go wrong: the engine refuses, or the outcome stays unknown.
 */
#include "base/alloc.h"
#include "strategy/mutation_kind.h"

#define OBSERVE_POLL_MS 100
#define OBSERVE_MS      60000 /* an engine that restarts gets this long to come back */
#define REPEAT_MS       1000  /* no effect after this long: the request is sent once more */

/*
 * The reply was lost: look until the effect shows or settle_ms are over. The engine may be
 * restarting, so failures to look are retried for OBSERVE_MS. 1 done, 0 not done, -1 still unknown.
 */
static int observe_until(struct mutation_env *env, const struct mutation_kind *k,
                         const struct json *args, int64_t settle_ms, struct json *observed)
{
    struct ship_error ignored = {0};
    int64_t give_up = mutation_deadline(env, OBSERVE_MS + settle_ms), settled = CLOCK_NEVER;
    int rc = -1;
    while (k->is_done) {
        rc = k->is_done(env, args, observed, &ignored);
        if (rc == 1)
            return 1;
        if (rc == 0 && settled == CLOCK_NEVER)
            settled = clock_deadline(env->patient, settle_ms);
        int64_t end = clock_earlier(give_up, settled);
        if (clock_left_ms(env->patient, end) == 0)
            return rc;
        if (clock_wait(env->patient, OBSERVE_POLL_MS, end, &ignored) < 0)
            return -1;
    }
    return 0;
}

/*
 * The reply to a request was lost. Every request is one that may be repeated: when nothing shows,
 * it got lost on its way (a stop is not repeated before its grace period is over, for a second
 * signal may cut short what the first one began). 1 done, 0 not done, -1 still unknown.
 */
static int observe_and_repeat(struct mutation_env *env, const struct mutation_kind *k,
                              const struct json *args, const struct mutation_payload *payload,
                              struct json *observed)
{
    struct ship_error ignored = {0};
    int rc = observe_until(
        env, k, args, mutation_is_stop(k) ? mutation_stop_takes_ms(args) : REPEAT_MS, observed);
    if (rc != 0)
        return rc;
    env->runtime->unknown = false;
    if (k->apply(env, args, payload, observed, &ignored) == 0)
        return 1;
    /* Refused: perhaps because the first request did arrive. */
    int64_t settle_ms = env->runtime->unknown ? k->settle_ms : 0;
    if (mutation_is_stop(k))
        settle_ms = mutation_stop_takes_ms(args);
    return observe_until(env, k, args, settle_ms, observed);
}

/* Looking goes on after a stop signal: the outcome must be known before anything else happens. */
static int observe(struct mutation_env *env, const struct mutation_kind *k, const struct json *args,
                   const struct mutation_payload *payload, struct json *observed)
{
    const struct clock *clock = env->runtime->clock;
    env->runtime->clock = env->patient;
    int rc = observe_and_repeat(env, k, args, payload, observed);
    env->runtime->clock = clock;
    return rc;
}

void mutation_send(struct mutation_env *env, struct mutation_change *c)
{
    const struct mutation_kind *k = mutation_kind_find(c->kind);
    env->runtime->unknown = false;
    c->seen = 1;
    if (k->apply(env, c->args, &c->payload, c->observed, &c->err) == 0)
        return;
    c->seen = env->runtime->unknown ? observe(env, k, c->args, &c->payload, c->observed) : 0;
    if (c->seen == 1)
        c->err = (struct ship_error){0};
}
