/*
 * Batches of changes and the crew that sends them: see mutation_batch.h. What can go wrong: any of
 * the changes; a thread or a connection that is not to be had only makes the crew smaller.
 */
#include "strategy/mutation_batch.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "strategy/mutation_kind.h"

/* ---- what is in a batch ---- */

static struct mutation_change *add(struct mutation_batch *b, struct mutation_change change)
{
    b->changes = xreallocarray(b->changes, b->n + 1, sizeof *b->changes);
    b->changes[b->n] = change;
    return &b->changes[b->n++];
}

size_t mutation_batch_create(struct mutation_batch *b, const struct mutation_create *m)
{
    return (size_t)(add(b, change_create(m)) - b->changes);
}

void mutation_batch_connect(struct mutation_batch *b, const char *service, const char *id,
                            const struct json *connect)
{
    add(b, change_connect(service, id, connect));
}

void mutation_batch_secrets(struct mutation_batch *b, const char *service, const char *id,
                            const struct buf *tar)
{
    if (tar->len)
        add(b, change_secrets(service, id, tar));
}

void mutation_batch_start(struct mutation_batch *b, const char *service, const char *id, bool keep)
{
    add(b, change_start(service, id, keep));
}

void mutation_batch_network(struct mutation_batch *b, const char *name, const struct json *body)
{
    add(b, change_resource("network", name, body));
}

void mutation_batch_volume(struct mutation_batch *b, const char *name, const struct json *body)
{
    add(b, change_resource("volume", name, body));
}

const char *mutation_batch_id(const struct mutation_batch *b, size_t index)
{
    return json_str_or(b->changes[index].observed, "id", "");
}

void mutation_batch_done(struct mutation_batch *b)
{
    for (size_t i = 0; i < b->n; i++)
        mutation_change_done(&b->changes[i]);
    free(b->changes);
    *b = (struct mutation_batch){0};
}

/* ---- the crew ---- */

struct crew {
    const struct mutation_env *env;
    struct mutation_batch *batch;
    atomic_size_t next; /* change to be sent */
    atomic_bool is_over;
};

struct worker {
    struct crew *crew;
    struct runtime *runtime;
    pthread_t thread;
};

/* Once per change; a change that nobody takes stays "not done". */
static void work_with(struct crew *crew, struct runtime *runtime)
{
    struct mutation_env env = *crew->env;
    env.runtime = runtime;
    env.ledger = NULL;
    env.events = NULL;
    while (!atomic_load(&crew->is_over) && !clock_stop_signal(runtime->clock)) {
        size_t i = atomic_fetch_add(&crew->next, 1);
        if (i >= crew->batch->n)
            return;
        mutation_send(&env, &crew->batch->changes[i]);
        if (crew->batch->changes[i].seen != 1)
            atomic_store(&crew->is_over, true);
    }
}

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

static bool hire(struct crew *crew, struct worker *w)
{
    struct runtime *rt = crew->env->runtime;
    struct ship_error ignored = {0};
    *w = (struct worker){.crew = crew};
    if (!rt->ops->another || rt->ops->another(rt, &w->runtime, &ignored) < 0)
        return false;
    if (start_thread(w) == 0)
        return true;
    runtime_close(w->runtime);
    return false;
}

static void send_all(const struct mutation_env *env, struct mutation_batch *b)
{
    struct crew crew = {.env = env, .batch = b};
    struct worker workers[MUTATION_CREW_MAX - 1];
    size_t n = 0;
    while (n < MUTATION_CREW_MAX - 1 && n + 1 < b->n && hire(&crew, &workers[n]))
        n++;
    work_with(&crew, env->runtime);
    for (size_t i = 0; i < n; i++) {
        (void)pthread_join(workers[i].thread, NULL);
        runtime_close(workers[i].runtime);
    }
}

/* ---- the run ---- */

struct run {
    struct mutation_env *env;
    struct mutation_batch *batch;
    int rc; /* of the changes */
    struct ship_error why;
};

static int intend_all(void *ctx, struct ship_error *err)
{
    const struct run *r = ctx;
    for (size_t i = 0; i < r->batch->n; i++)
        if (mutation_intend(r->env, &r->batch->changes[i], err) < 0)
            return -1;
    return 0;
}

static int wrap(const struct mutation_change *c, struct ship_error *err)
{
    return c->service ? ship_error_wrap(err, "service '%s'", c->service)
                      : ship_error_wrap(err, "%s '%s'", c->kind, json_str_or(c->args, "name", ""));
}

/* -1 only when the outcomes cannot be recorded. The first failure that says why is kept. */
static int conclude_all(void *ctx, struct ship_error *err)
{
    struct run *r = ctx;
    r->rc = 0;
    for (size_t i = 0; i < r->batch->n; i++) {
        const struct mutation_change *c = &r->batch->changes[i];
        struct ship_error e = {0};
        if (mutation_conclude(r->env, c, true, &e) == 0)
            continue;
        if (c->seen == 1) {
            *err = e;
            return -1;
        }
        if (r->rc < 0 || e.code == SHIP_OK)
            continue;
        r->why = e;
        r->rc = wrap(c, &r->why);
    }
    return 0;
}

static bool all_sent(const struct mutation_batch *b)
{
    for (size_t i = 0; i < b->n; i++)
        if (b->changes[i].seen != 1)
            return false;
    return true;
}

int mutation_batch_run(struct mutation_env *env, struct mutation_batch *b, struct ship_error *err)
{
    struct run r = {.env = env, .batch = b};
    if (b->n == 0)
        return 0;
    if (ledger_batch(env->ledger, intend_all, &r, err) < 0)
        return -1;
    send_all(env, b);
    if (ledger_batch(env->ledger, conclude_all, &r, err) < 0)
        return -1;
    if (r.rc < 0)
        *err = r.why;
    else if (!all_sent(b))
        r.rc = ship_fail(err, SHIP_INTERRUPTED, "stopped by signal %d",
                         clock_stop_signal(env->runtime->clock));
    return r.rc;
}
