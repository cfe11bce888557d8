/* See disk_errors.h. Call number N fails, for N = 0, 1, ... until the command has no such call. */
#include "sim/disk_errors.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/auto.h"
#include "base/buf.h"
#include "base/str.h"
#include "sim/sequence.h"
#include "sim/sim.h"
#include "sim/sim_store.h"
#include "support/results.h"

#define FAILURES_MAX 10
#define TEXT_MAX     65536

static const struct mode {
    const char *name;
    int error;
    bool lasts;
    const char *said; /* in the message when the command fails for it */
} modes[] = {
    {"EIO",                   EIO,    false, "input/output error"},
    {"EIO, from there on",    EIO,    true,  "input/output error"},
    {"ENOSPC",                ENOSPC, false, "no space"          },
    {"ENOSPC, from there on", ENOSPC, true,  "no space"          },
};

struct failing {
    const struct mode *mode;
    size_t at, passed;
};

struct tally {
    size_t tried, failed, rolled_back;
    int bad;
};

/* A full disk still reads, and gives back what it has. */
static bool can_fail(const struct mode *m, enum store_op op)
{
    return m->error != ENOSPC || op == STORE_CREATE || op == STORE_WRITE || op == STORE_SYNC;
}

static int fail_here(void *ctx, enum store_op op, const char *path)
{
    struct failing *f = ctx;

    (void)path;
    if (!can_fail(f->mode, op))
        return 0;
    size_t now = f->passed++;
    if (now != f->at && !(f->mode->lasts && now > f->at))
        return 0;
    sim.happened++;
    sim_say("FAULT %s at call %zu of the disk", f->mode->name, now);
    return f->mode->error;
}

/* Whoever reads it knows that it is the disk, of what, and what to do. */
static void judge_message(const struct story *s, const struct mode *m)
{
    const char *msg = s->res.error.msg;

    if (s->status == 0 || str_eq(s->version, "sick"))
        return;
    if (!strstr(msg, s->state))
        sim_break("the message does not name the ledger: %s", msg);
    /* A sync or a commit that finds no space is an i/o error to SQLite. */
    if (!strstr(msg, m->said) && !strstr(msg, "input/output error") && !strstr(msg, "recovered"))
        sim_break("the message does not say '%s': %s", m->said, msg);
    if (s->res.error.hint[0] == '\0')
        sim_break("no hint: %s", msg);
}

static void judge(const struct story *s, const struct sequence *q, const struct mode *m)
{
    if (!sim.broken[0])
        judge_message(s, m);
    /* One that has to bring another's operation to an end needs to know it. */
    if (!sim.broken[0] && q->deployed[0] && !q->killed)
        judge_serving(s);
}

/* false when the command has no call of that number. */
static bool try_error(struct story *s, const struct sequence *q, struct failing *f, struct tally *t)
{
    struct store_watch watch = {.before = fail_here, .ctx = f};

    f->passed = 0;
    sequence_prepare(s, q);
    store_watch(&watch);
    sequence_run(s, q);
    store_watch(NULL);
    bool was_hit = f->passed > f->at;
    if (was_hit)
        judge(s, q, f->mode);
    t->tried += was_hit;
    t->failed += was_hit && s->status != 0;
    t->rolled_back += was_hit && s->status == 20;
    if (!sim.broken[0])
        sequence_recover(s, q);
    if (sim.broken[0] == '\0')
        return was_hit;
    t->bad++;
    (void)printf("FAILED %s, %s at call %zu of the disk: %s\n", q->name, f->mode->name, f->at,
                 sim.broken);
    return was_hit;
}

/* Found something once. A number may have moved since: the full sweep has them all. */
static const struct {
    const char *sequence;
    size_t mode, at;
} past[] = {
    {"first deploy", 1, 236}, /* the commit's last sync fails, and then each reading */
    {"deploy",       1, 266},
    {"rollback",     1, 269},
};

static void try_past(struct story *s, const struct sequence *q, size_t mode, struct tally *t)
{
    for (size_t i = 0; i < ARRAY_LEN(past); i++) {
        struct failing f = {.mode = &modes[mode], .at = past[i].at};
        if (str_eq(past[i].sequence, q->name) && past[i].mode == mode)
            (void)try_error(s, q, &f, t);
    }
}

static void sweep(struct story *s, const struct sequence *q, size_t mode, size_t stride,
                  struct tally *total, struct buf *table)
{
    struct failing f = {.mode = &modes[mode]};
    struct tally t = {0};

    if (stride > 1)
        try_past(s, q, mode, &t);
    while (t.bad < FAILURES_MAX && try_error(s, q, &f, &t))
        f.at += stride;
    (void)buf_addf(table, "| %s | %s | %zu | %zu | %zu | %zu | %zu | %d |\n", q->name,
                   modes[mode].name, f.passed, t.tried, t.failed - t.rolled_back, t.rolled_back,
                   t.tried - t.failed, t.bad);
    total->tried += t.tried;
    total->bad += t.bad;
}

int disk_errors(struct story *s, size_t stride, const char *results)
{
    AUTO(buf_done) struct buf table = BUF_INIT(TEXT_MAX);
    struct tally total = {0};

    (void)buf_adds(&table, "| command | the disk fails with | calls of the disk | failed one by "
                           "one | command failed | rolled back | went on without | broken |\n"
                           "|---|---|---:|---:|---:|---:|---:|---:|\n");
    for (size_t i = 0; i < sequence_count; i++)
        for (size_t m = 0; m < ARRAY_LEN(modes); m++)
            sweep(s, &sequences[i], m, stride, &total, &table);
    (void)buf_addf(&table, "\n%zu errors, %d broken.\n", total.tried, total.bad);
    (void)fputs(table.p, stdout);
    if (results && total.bad == 0)
        results_section(results, "Disk errors", table.p);
    return total.bad;
}
