/* Pulls: see pulls.h. What can go wrong: the registry, the engine's disk, the time of a pull. */
#include "deploy/pulls.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "strategy/crew.h"

#define PULLS_AT_A_TIME 8

void pulls_add(struct pulls *p, const char *service, const char *ref, const char *platform)
{
    for (size_t i = 0; i < p->n; i++)
        if (str_eq(p->list[i].ref, ref) && str_eq(p->list[i].platform, platform))
            return;
    p->list = xreallocarray(p->list, p->n + 1, sizeof *p->list);
    p->list[p->n++] = (struct pull){
        .ref = xstrdup(ref), .platform = xstrdup_or_null(platform), .service = xstrdup(service)};
}

void pulls_done(struct pulls *p)
{
    for (size_t i = 0; i < p->n; i++) {
        free(p->list[i].ref);
        free(p->list[i].platform);
        free(p->list[i].service);
    }
    free(p->list);
    *p = (struct pulls){0};
}

struct run {
    struct operation *op;
    struct pulls *pulls;
    pthread_mutex_t lock; /* of the progress in pulls->list */
};

/* ---- progress ---- */

static struct pull summed(struct run *r)
{
    struct pull sum = {0};
    size_t done = 0;
    (void)pthread_mutex_lock(&r->lock);
    for (size_t i = 0; i < r->pulls->n; i++) {
        const struct pull *p = &r->pulls->list[i];
        sum.done_bytes += p->done_bytes;
        sum.total_bytes += p->total_bytes;
        done += p->is_done;
    }
    if (r->pulls->n == 1)
        sum = r->pulls->list[0];
    else
        (void)snprintf(sum.status, sizeof sum.status, "%zu of %zu images", done, r->pulls->n);
    (void)pthread_mutex_unlock(&r->lock);
    return sum;
}

static void show(void *ctx)
{
    struct run *r = ctx;
    struct pull sum = summed(r);
    struct ship_event e = {.kind = SHIP_EVENT_STEP_PROGRESS,
                           .unit = SHIP_UNIT_BYTES,
                           .step = operation_step(r->op),
                           .service = sum.service,
                           .done = sum.done_bytes,
                           .total = sum.total_bytes,
                           .text = sum.status};
    ship_emit(r->op->s->opt.events, &e);
}

struct one {
    struct run *run;
    struct pull *pull;
    bool is_shown; /* in the caller's thread: nobody else shows it */
};

static void note_progress(void *ctx, const struct pull_progress *progress)
{
    const struct one *one = ctx;
    (void)pthread_mutex_lock(&one->run->lock);
    one->pull->done_bytes = progress->done_bytes;
    one->pull->total_bytes = progress->total_bytes;
    (void)snprintf(one->pull->status, sizeof one->pull->status, "%s",
                   progress->status ? progress->status : "");
    (void)pthread_mutex_unlock(&one->run->lock);
    if (one->is_shown)
        show(one->run);
}

/* ---- the pulls ---- */

static bool pull_one(void *ctx, size_t i, struct runtime *rt)
{
    struct run *r = ctx;
    struct pull *p = &r->pulls->list[i];
    struct one one = {r, p, rt == r->op->s->runtime};
    int64_t end = clock_earlier(r->op->deadline_ms,
                                clock_deadline(rt->clock, r->op->s->plan->timeouts.pull_ms));
    int rc = rt->ops->pull(rt, p->ref, p->platform, note_progress, &one, RUNTIME_PULL_IDLE_MS, end,
                           &p->err);
    (void)pthread_mutex_lock(&r->lock);
    p->is_done = rc == 0;
    (void)pthread_mutex_unlock(&r->lock);
    return rc == 0;
}

int pulls_run(struct operation *op, struct pulls *p, struct ship_error *err)
{
    struct run r = {op, p, PTHREAD_MUTEX_INITIALIZER};
    crew_run(op->s->runtime, &(struct crew_jobs){.n = p->n,
                                                 .max = PULLS_AT_A_TIME,
                                                 .ctx = &r,
                                                 .run = pull_one,
                                                 .tick = p->n > 1 ? show : NULL});
    bool is_whole = true;
    for (size_t i = 0; i < p->n; i++) {
        const struct pull *pull = &p->list[i];
        is_whole = is_whole && pull->is_done;
        if (pull->err.code == SHIP_OK)
            continue;
        *err = pull->err;
        return ship_error_wrap(err, "image '%s' of service '%s'", pull->ref, pull->service);
    }
    return is_whole ? 0
                    : ship_fail(err, SHIP_INTERRUPTED, "stopped by signal %d",
                                clock_stop_signal(op->s->runtime->clock));
}
