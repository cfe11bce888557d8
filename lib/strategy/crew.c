/* The crew: see crew.h. What can go wrong: nothing but the jobs themselves. */
#include "strategy/crew.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "base/alloc.h"

struct crew {
    const struct crew_jobs *jobs;
    const struct clock *clock;
    pthread_mutex_t lock; /* of everything below */
    pthread_cond_t moved; /* a job has ended */
    bool *is_taken, *is_done;
    size_t n_running;
    bool is_over; /* nothing more is handed out */
};

struct worker {
    struct crew *crew;
    struct runtime *runtime;
    pthread_t thread;
};

/* ---- handing out; under the lock ---- */

static bool find_job(const struct crew *crew, size_t *ret)
{
    const struct crew_jobs *jobs = crew->jobs;
    for (size_t i = 0; i < jobs->n; i++) {
        if (crew->is_taken[i] || (jobs->may_begin && !jobs->may_begin(jobs->ctx, i, crew->is_done)))
            continue;
        *ret = i;
        return true;
    }
    return false;
}

/* false: there is nothing for this worker, now or later. */
static bool take_job(struct crew *crew, size_t *ret)
{
    for (;;) {
        crew->is_over = crew->is_over || clock_stop_signal(crew->clock);
        if (crew->is_over)
            return false;
        if (find_job(crew, ret))
            break;
        if (crew->n_running == 0)
            return false;
        (void)pthread_cond_wait(&crew->moved, &crew->lock);
    }
    crew->is_taken[*ret] = true;
    crew->n_running++;
    return true;
}

static void end_job(struct crew *crew, size_t i, bool is_done)
{
    crew->n_running--;
    crew->is_done[i] = is_done;
    crew->is_over = crew->is_over || !is_done;
    (void)pthread_cond_broadcast(&crew->moved);
}

static void work_with(struct crew *crew, struct runtime *rt)
{
    size_t i;
    (void)pthread_mutex_lock(&crew->lock);
    while (take_job(crew, &i)) {
        (void)pthread_mutex_unlock(&crew->lock);
        bool is_done = crew->jobs->run(crew->jobs->ctx, i, rt);
        (void)pthread_mutex_lock(&crew->lock);
        end_job(crew, i, is_done);
    }
    (void)pthread_mutex_unlock(&crew->lock);
}

/* ---- hiring ---- */

static void *work(void *arg)
{
    const struct worker *w = arg;
    work_with(w->crew, w->runtime);
    return NULL;
}

/* Signals are for the thread that waits. */
static int start_thread(struct worker *w)
{
    sigset_t all, old;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &old);
    int rc = pthread_create(&w->thread, NULL, work, w);
    (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
    return rc;
}

static bool hire(struct crew *crew, struct runtime *rt, struct worker *w)
{
    struct ship_error ignored = {0};
    *w = (struct worker){.crew = crew};
    if (!rt->ops->another || rt->ops->another(rt, &w->runtime, &ignored) < 0)
        return false;
    if (start_thread(w) == 0)
        return true;
    runtime_close(w->runtime);
    return false;
}

/* ---- the caller ---- */

static bool is_left(const struct crew *crew)
{
    size_t i;
    return crew->n_running > 0 || (!crew->is_over && find_job(crew, &i));
}

/* The jobs end by themselves on a stop signal: their waits see it. */
static void look_after(struct crew *crew)
{
    (void)pthread_mutex_lock(&crew->lock);
    while (is_left(crew)) {
        struct timespec until;
        (void)clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += CREW_TICK_MS * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000L;
        until.tv_nsec %= 1000000000L;
        (void)pthread_cond_timedwait(&crew->moved, &crew->lock, &until);
        (void)pthread_mutex_unlock(&crew->lock);
        crew->jobs->tick(crew->jobs->ctx);
        (void)pthread_mutex_lock(&crew->lock);
    }
    (void)pthread_mutex_unlock(&crew->lock);
}

static size_t wanted(const struct crew_jobs *jobs)
{
    size_t max = jobs->max < CREW_MAX ? jobs->max : CREW_MAX;
    return jobs->n < max ? jobs->n : max;
}

void crew_run(struct runtime *rt, const struct crew_jobs *jobs)
{
    struct crew crew = {.jobs = jobs,
                        .clock = rt->clock,
                        .lock = PTHREAD_MUTEX_INITIALIZER,
                        .moved = PTHREAD_COND_INITIALIZER,
                        .is_taken = xcalloc(jobs->n + 1, sizeof(bool)),
                        .is_done = xcalloc(jobs->n + 1, sizeof(bool))};
    struct worker workers[CREW_MAX];
    size_t n = 0, along = jobs->tick ? 0 : 1;
    while (n + along < wanted(jobs) && hire(&crew, rt, &workers[n]))
        n++;
    if (n == 0 || !jobs->tick)
        work_with(&crew, rt);
    else
        look_after(&crew);
    for (size_t i = 0; i < n; i++) {
        (void)pthread_join(workers[i].thread, NULL);
        runtime_close(workers[i].runtime);
    }
    free(crew.is_taken);
    free(crew.is_done);
}
