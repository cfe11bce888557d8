/* See torture.h. */
#include "sim/torture.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/auto.h"
#include "base/buf.h"
#include "sim/sim.h"
#include "support/results.h"

#define FAILURES_MAX 10
#define TEXT_MAX     65536

static const struct {
    enum verb verb;
    const char *version, *name;
} commands[] = {
    {DEPLOY,   "v3",   "deploy"             },
    {DEPLOY,   "sick", "deploy, rolled back"},
    {ROLLBACK, "",     "rollback"           },
    {STATUS,   "",     "status"             },
    {HISTORY,  "",     "history"            },
    {PRUNE,    "",     "prune"              },
};

/* Ours ends the process at once: failing on and on is the same. */
static const struct {
    enum memory_kind kind;
    bool lasts;
} modes[] = {
    {MEMORY_OURS,   false},
    {MEMORY_SQLITE, false},
    {MEMORY_SQLITE, true },
    {MEMORY_YAML,   false},
};

static int play(struct story *s, const struct memory_case *c)
{
    if (story_play_memory(s, c) == 0)
        return 0;
    (void)printf("FAILED %s %s, allocation %ld of %s%s: %s\n", verb_names[c->verb], c->version,
                 c->at, memory_kind_name(c->kind), c->lasts ? " and all after it" : "", sim.broken);
    return 1;
}

/* One command, one kind of allocation. */
static int sweep(struct story *s, struct memory_case c, long sample, const char *name,
                 struct buf *table)
{
    int bad = 0;
    long n = 0, died = 0, failed = 0;

    c.at = -1;
    bad += play(s, &c);
    long all = s->memory_seen[c.kind];
    long stride = sample && all > sample ? all / sample : 1;
    for (c.at = 0; c.at < all && bad < FAILURES_MAX; c.at += stride, n++) {
        bad += play(s, &c);
        died += s->memory_died;
        failed += !s->memory_died && s->memory_status != 0;
    }
    (void)buf_addf(table, "| %s | %s%s | %ld | %ld | %ld | %ld | %ld | %d |\n", name,
                   memory_kind_name(c.kind), c.lasts ? ", from there on" : "", all, n, died, failed,
                   n - died - failed, bad);
    return bad;
}

int torture(struct story *s, long sample, const char *results)
{
    AUTO(buf_done) struct buf table = BUF_INIT(TEXT_MAX);
    int bad = 0;

    (void)buf_adds(&table, "| command | allocations of | there are | failed one by one | process "
                           "ended | command failed | went on without | broken |\n"
                           "|---|---|---:|---:|---:|---:|---:|---:|\n");
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        for (size_t m = 0; m < ARRAY_LEN(modes); m++) {
            struct memory_case c = {.verb = commands[i].verb,
                                    .version = commands[i].version,
                                    .kind = modes[m].kind,
                                    .lasts = modes[m].lasts};
            bad += sweep(s, c, sample, commands[i].name, &table);
        }
    (void)fputs(table.p, stdout);
    if (results && bad == 0)
        results_section(results, "Memory", table.p);
    return bad;
}
