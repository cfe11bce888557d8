/* Batches of changes: see mutation_batch.h. What can go wrong: any of the changes. */
#include "strategy/mutation_batch.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "strategy/crew.h"
#include "strategy/mutation_kind.h"

/* ---- what is in a batch ---- */

static size_t add(struct mutation_batch *b, struct mutation_change change)
{
    b->changes = xreallocarray(b->changes, b->n + 1, sizeof *b->changes);
    b->changes[b->n] = change;
    return b->n++;
}

size_t mutation_batch_create(struct mutation_batch *b, const struct mutation_create *m)
{
    return add(b, change_create(m));
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

size_t mutation_batch_start(struct mutation_batch *b, const char *service, const char *id,
                            bool keep)
{
    b->has_starts = true;
    return add(b, change_start(service, id, keep));
}

void mutation_batch_after(struct mutation_batch *b, size_t index, size_t earlier)
{
    struct mutation_change *c = &b->changes[index];
    c->after = xreallocarray(c->after, c->n_after + 1, sizeof *c->after);
    c->after[c->n_after++] = earlier;
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

/* ---- sending ---- */

struct sending {
    const struct mutation_env *env;
    struct mutation_batch *batch;
};

/* Ledger and events are the caller's alone. */
static bool send_one(void *ctx, size_t i, struct runtime *rt)
{
    const struct sending *s = ctx;
    struct mutation_env env = *s->env;
    env.runtime = rt;
    env.ledger = NULL;
    env.events = NULL;
    mutation_send(&env, &s->batch->changes[i]);
    return s->batch->changes[i].seen == 1;
}

static bool may_send(void *ctx, size_t i, const bool *done)
{
    const struct sending *s = ctx;
    const struct mutation_change *c = &s->batch->changes[i];
    for (size_t k = 0; k < c->n_after; k++)
        if (!done[c->after[k]])
            return false;
    return true;
}

/* A change that is not handed out stays "not done". */
static void send_all(const struct mutation_env *env, struct mutation_batch *b)
{
    struct sending s = {env, b};
    crew_run(env->runtime,
             &(struct crew_jobs){.n = b->n,
                                 .max = b->has_starts ? MUTATION_STARTS_MAX : CREW_MAX,
                                 .ctx = &s,
                                 .run = send_one,
                                 .may_begin = may_send});
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
