/*
 * See images.h. A command is run once to see each change of the ledger's files and which changes
 * wait for the disk at that point; then once for each image, and the power goes there.
 *
 * Images of a point: what was synced and all that waits. Before a sync or an unlink also each of
 * the waiting changes missing, and each torn at each border of a sector, its head or its tail
 * missing. Every prefix of the changes that wait is the first kind of an earlier point.
 */
#include "sim/images.h"

#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/auto.h"
#include "base/buf.h"
#include "base/str.h"
#include "ledger/ledger.h"
#include "sim/sequence.h"
#include "sim/sim.h"
#include "sim/sim_store.h"
#include "support/results.h"

#define FAILURES_MAX 10
#define TEXT_MAX     65536
#define HASH_START   UINT64_C(0xcbf29ce484222325)
#define HASH_PRIME   UINT64_C(0x100000001b3)

static const char *const cut_names[] = {"only changes before number", "all but number",
                                        "only the head of number", "only the tail of number"};

struct image {
    size_t point; /* number of the change before which the power goes */
    size_t ended; /* transactions over by then */
    struct store_cut cut;
};

/* What one command does to the files. */
struct course {
    const char *path; /* of the ledger */
    size_t points;
    struct image *images;
    size_t n, cap;
    uint64_t *content; /* of the ledger: in the beginning and after each transaction */
    size_t n_content, cap_content;
};

struct tally {
    size_t images, as_before, as_after;
    int bad;
};

/* ---- content ---- */

static uint64_t mix(uint64_t hash, const void *p, size_t len)
{
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ ((const unsigned char *)p)[i]) * HASH_PRIME;
    return (hash ^ len) * HASH_PRIME;
}

static uint64_t mix_rows(uint64_t hash, sqlite3 *db, const char *sql)
{
    sqlite3_stmt *q = NULL;
    int rc = SQLITE_DONE;

    if (sqlite3_prepare_v2(db, sql, -1, &q, NULL) != SQLITE_OK)
        sim_break("%s: %s", sql, sqlite3_errmsg(db));
    while (q && (rc = sqlite3_step(q)) == SQLITE_ROW)
        for (int i = 0; i < sqlite3_column_count(q); i++) {
            const void *p = sqlite3_column_blob(q, i);
            hash = mix(hash, p, (size_t)sqlite3_column_bytes(q, i));
        }
    if (rc != SQLITE_DONE)
        sim_break("%s: %s", sql, sqlite3_errmsg(db));
    (void)sqlite3_finalize(q);
    return hash;
}

/* Of every row of every table; 0 = there is no table. */
static uint64_t read_content(const char *path)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *q = NULL;
    uint64_t hash = HASH_START;

    if (!store_exists(path))
        return 0;
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK)
        hash = mix_rows(hash, db, "SELECT name, sql FROM sqlite_schema ORDER BY name");
    if (sqlite3_prepare_v2(db, "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name",
                           -1, &q, NULL) != SQLITE_OK)
        sim_break("the ledger can not be read: %s", sqlite3_errmsg(db));
    while (q && sqlite3_step(q) == SQLITE_ROW) {
        AUTO_FREE char *sql =
            xasprintf("SELECT * FROM \"%s\"", (const char *)sqlite3_column_text(q, 0));
        hash = mix_rows(hash, db, sql);
    }
    (void)sqlite3_finalize(q);
    (void)sqlite3_close(db);
    return hash == HASH_START ? 0 : hash;
}

static void add_content(struct course *c)
{
    bool was_calm = sim.is_calm;

    sim.is_calm = true;
    if (c->n_content == c->cap_content) {
        c->cap_content = c->cap_content ? c->cap_content * 2 : 64;
        c->content = xreallocarray(c->content, c->cap_content, sizeof *c->content);
    }
    c->content[c->n_content++] = read_content(c->path);
    sim.is_calm = was_calm;
}

/* ---- what there is to try ---- */

static void add_image(struct course *c, struct store_cut cut)
{
    if (c->n == c->cap) {
        c->cap = c->cap ? c->cap * 2 : 1024;
        c->images = xreallocarray(c->images, c->cap, sizeof *c->images);
    }
    c->images[c->n++] = (struct image){.point = c->points, .ended = c->n_content - 1, .cut = cut};
}

static void add_disorder(struct course *c)
{
    for (size_t i = 0; i < store_pending(); i++) {
        add_image(c, (struct store_cut){STORE_WITHOUT, i, 0});
        for (size_t border = 1; border <= store_borders(i); border++) {
            add_image(c, (struct store_cut){STORE_HEAD, i, border});
            add_image(c, (struct store_cut){STORE_TAIL, i, border});
        }
    }
}

static bool is_change(enum store_op op)
{
    return op != STORE_READ && op != STORE_OPEN && op != STORE_CREATE;
}

static int see(void *ctx, enum store_op op, const char *path)
{
    struct course *c = ctx;

    (void)path;
    if (!is_change(op))
        return 0;
    add_image(c, (struct store_cut){STORE_PREFIX, store_pending(), 0});
    if (op == STORE_SYNC || op == STORE_DELETE)
        add_disorder(c);
    c->points++;
    return 0;
}

static void see_end(void *ctx)
{
    add_content(ctx);
}

/* The command as it is, and what waits when it is over. */
static void record(struct story *s, const struct sequence *q, struct course *c)
{
    struct store_watch watch = {.before = see, .ended = see_end, .ctx = c};

    sequence_prepare(s, q);
    add_content(c);
    store_watch(&watch);
    sequence_run(s, q);
    store_watch(NULL);
    for (size_t i = 0; i <= store_pending(); i++)
        add_image(c, (struct store_cut){STORE_PREFIX, i, 0});
    if (!sim.broken[0])
        sequence_recover(s, q);
}

static void course_done(struct course *c)
{
    free(c->images);
    free(c->content);
}

/* ---- the power goes ---- */

struct cutter {
    size_t point, passed;
};

static int cut_here(void *ctx, enum store_op op, const char *path)
{
    struct cutter *c = ctx;

    (void)path;
    if (is_change(op) && c->passed++ == c->point)
        sim_crash(true);
    return 0;
}

static void play(struct story *s, const struct sequence *q, const struct image *image)
{
    struct cutter c = {.point = image->point};
    struct store_watch watch = {.before = cut_here, .ctx = &c, .cut = &image->cut};

    sequence_prepare(s, q);
    store_watch(&watch);
    sequence_run(s, q);
    if (c.passed == c.point) { /* behind the last change */
        sim_crash(true);
        story_revive(s);
        s->died = true;
    }
    store_watch(NULL);
    if (!s->died)
        sim_break("the power did not go: %zu changes, not %zu", c.passed, c.point);
}

/* ---- is it a ledger? ---- */

static void check_file(const struct story *s, const struct sequence *q, enum ledger_mode mode)
{
    struct ship_error err = {0};
    AUTO_PTR(ledger_close) struct ledger *l = ledger_open(s->state, mode, &err);
    int64_t rows = 0;

    if (l == NULL && err.code == SHIP_NOT_FOUND)
        return;
    if (l == NULL)
        sim_break("the ledger can not be opened: %s", err.msg);
    else if (ledger_check_file(l, q->is_migration ? LEDGER_QUICK : LEDGER_FULL, &err) ||
             ledger_audit_verify(l, NULL, &rows, &err) < 0)
        sim_break("the ledger is damaged: %s", err.msg);
}

/* Before the new schema is there, a copy of the old one is. */
static void check_copy(const struct course *c, const struct image *image, uint64_t now)
{
    AUTO_FREE char *copy = xasprintf("%s.v1", c->path);

    if (now != c->content[image->ended] && read_content(copy) != c->content[0])
        sim_break("the schema is the new one, and '%s' is not the ledger before it", copy);
}

/* The disk as it is for a reader, for a writer; each finds it like that. */
static void check_image(const struct story *s, const struct sequence *q, const struct course *c,
                        const struct image *image, struct tally *t)
{
    size_t next = image->ended + (image->ended + 1 < c->n_content);

    sim.is_calm = true;
    if (!store_exists(c->path))
        (void)unlink(c->path);
    store_hold();
    check_file(s, q, LEDGER_READ);
    store_release();
    uint64_t now = read_content(c->path);
    if (now != c->content[image->ended] && now != c->content[next])
        sim_break("the ledger is neither as before transaction %zu nor as after it", next);
    t->as_before += now == c->content[image->ended];
    t->as_after += now != c->content[image->ended];
    if (q->is_migration)
        check_copy(c, image, now);
    if (now && !q->is_migration)
        check_file(s, q, LEDGER_WRITE);
    store_release();
    sim.is_calm = false;
}

static void try_image(struct story *s, const struct sequence *q, const struct course *c,
                      const struct image *image, struct tally *t)
{
    play(s, q, image);
    if (!sim.broken[0])
        check_image(s, q, c, image, t);
    if (!sim.broken[0])
        sequence_recover(s, q);
    t->images++;
    if (sim.broken[0] == '\0')
        return;
    t->bad++;
    (void)printf("FAILED %s, power loss before change %zu of %zu, of what waits %s %zu: %s\n",
                 q->name, image->point, c->points, cut_names[image->cut.kind], image->cut.n,
                 sim.broken);
}

/* ---- all of them ---- */

/* The commit is between the images of a transaction's last change: a sample has these as well. */
static bool is_at_commit(const struct course *c, size_t i)
{
    size_t k = i;

    while (k + 1 < c->n && c->images[k + 1].point == c->images[i].point)
        k++;
    return k + 1 < c->n && c->images[k + 1].ended != c->images[i].ended;
}

static void sweep(struct story *s, const struct sequence *q, size_t sample, struct tally *total,
                  struct buf *table)
{
    AUTO(course_done) struct course c = {0};
    AUTO_FREE char *path = sequence_ledger(s);
    struct tally t = {0};

    c.path = path;
    record(s, q, &c);
    if (sim.broken[0]) {
        (void)printf("FAILED %s, without a power loss: %s\n", q->name, sim.broken);
        t.bad++;
    }
    size_t stride = sample && c.n > sample ? c.n / sample : 1;
    for (size_t i = 0; i < c.n && t.bad < FAILURES_MAX; i++)
        if (i % stride == 0 || is_at_commit(&c, i))
            try_image(s, q, &c, &c.images[i], &t);
    (void)buf_addf(table, "| %s | %zu | %zu | %zu | %zu | %zu | %zu | %d |\n", q->name, c.points,
                   c.n_content - 1, c.n, t.images, t.as_before, t.as_after, t.bad);
    total->images += t.images;
    total->bad += t.bad;
}

int images(struct story *s, size_t sample, const char *results)
{
    AUTO(buf_done) struct buf table = BUF_INIT(TEXT_MAX);
    struct tally total = {0};

    (void)buf_adds(
        &table, "The power goes: images of the disk, each opened, checked (pages, indices, audit "
                "chain, content) and recovered by the next command.\n\n"
                "| command | changes of the files | transactions | images there are | tried | "
                "as before the transaction | as after it | broken |\n"
                "|---|---:|---:|---:|---:|---:|---:|---:|\n");
    for (size_t i = 0; i < sequence_count; i++)
        sweep(s, &sequences[i], sample / sequence_count, &total, &table);
    (void)buf_addf(&table, "\n%zu images, %d broken.\n", total.images, total.bad);
    (void)fputs(table.p, stdout);
    if (results && total.bad == 0)
        results_section(results, "Power loss", table.p);
    return total.bad;
}
