/* The invariants: see sim_story.h. Numbers (I1 ...) are those of the list in RESULTS.md. */
#include <dirent.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/file.h"
#include "deploy/lock.h"
#include "deploy/names.h"
#include "ledger/ledger.h"
#include "sim/sim.h"
#include "sim/sim_engine.h"
#include "sim/sim_secrets.h"
#include "sim/sim_story.h"

#define TEXT_MAX (64u * 1024)

/* What the ledger says. */
struct record {
    bool is_there, is_open;
    char current[32], state[32];
};

/* What was there before the command. */
static char *before;
static struct record last; /* read after the command before */
static int fds;

/* ---- looking at the engine ---- */

static bool is_of(const struct model_container *c, const char *service)
{
    return str_eq(engine_service(c), service);
}

/* Tag of the image that runs under all live names of a service; "" when they are not complete. */
static const char *serving(const struct story *s, const char *service)
{
    const char *tag = NULL;

    for (unsigned i = 1; i <= s->replicas; i++) {
        AUTO_FREE char *name = xasprintf("shop-%s-%u", service, i);
        const struct model_container *c = model_container(&engine.model, name);
        if (c == NULL || !str_eq(c->name, name) || !engine_runs(c) ||
            (tag && !str_eq(tag, c->image->tag)))
            return "";
        tag = c->image->tag;
    }
    return tag ? tag : "";
}

/* The version of all services, "" when there is no such thing. */
static const char *world(const struct story *s)
{
    const char *app = serving(s, "app");

    return !s->has_worker || str_eq(app, serving(s, "worker")) ? app : "";
}

static size_t running(const char *service)
{
    size_t n = 0;

    for (size_t i = 0; i < engine.model.n_containers; i++)
        n += is_of(engine.model.containers[i], service) && engine_runs(engine.model.containers[i]);
    return n;
}

/* A stop that somebody sent is still under way. */
static bool is_stopping(void)
{
    for (size_t i = 0; i < engine.model.n_containers; i++)
        if (engine.model.containers[i]->stop_at_ms)
            return true;
    return false;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* What serves: name, id, start and state of each container under a live name, sorted; heap. */
static char *snapshot(void)
{
    AUTO(strv_done) struct strv lines = {0};
    struct buf b = BUF_INIT(TEXT_MAX);

    for (size_t i = 0; i < engine.model.n_containers; i++) {
        const struct model_container *c = engine.model.containers[i];
        if (!is_of(c, "db") && !name_is_ours(c->name) && c->started_ms > 0)
            strv_take(&lines, xasprintf("%s %.8s %s %lld\n", c->name, c->id, c->state,
                                        (long long)c->started_ms));
    }
    if (lines.n)
        qsort(lines.v, lines.n, sizeof *lines.v, by_text);
    for (size_t i = 0; i < lines.n; i++)
        (void)buf_adds(&b, lines.v[i]);
    return buf_steal(&b);
}

/* ---- looking at the ledger ---- */

/*
 * The judge's own connection, kept over the commands of a story: opening a ledger through the
 * library after each of them would take more time than the commands.
 */
static struct {
    sqlite3 *db;
    sqlite3_stmt *current, *open;
} eye;

void judge_forget(void)
{
    (void)sqlite3_finalize(eye.current);
    (void)sqlite3_finalize(eye.open);
    (void)sqlite3_close(eye.db);
    memset(&eye, 0, sizeof eye);
}

static bool open_eye(const struct story *s)
{
    static const char current[] = "SELECT to_version FROM deployments WHERE is_current = 1";
    static const char open[] = "SELECT state FROM deployments WHERE state IN ('preparing',"
                               " 'prepared', 'switching', 'verifying', 'rolling_back',"
                               " 'needs_operator', 'committed') ORDER BY id LIMIT 1";
    AUTO_FREE char *path = file_path_join(s->state, "ledger.db");

    if (eye.db)
        return true;
    if (sqlite3_open_v2(path, &eye.db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK &&
        sqlite3_prepare_v2(eye.db, current, -1, &eye.current, NULL) == SQLITE_OK &&
        sqlite3_prepare_v2(eye.db, open, -1, &eye.open, NULL) == SQLITE_OK)
        return true;
    judge_forget(); /* no ledger yet, or one without its tables */
    return false;
}

static bool read_text(sqlite3_stmt *q, char *ret, size_t size)
{
    int rc = sqlite3_step(q);

    if (rc == SQLITE_ROW)
        (void)snprintf(ret, size, "%s", (const char *)sqlite3_column_text(q, 0));
    else if (rc != SQLITE_DONE)
        sim_break("the ledger can not be read: %s", sqlite3_errmsg(eye.db));
    (void)sqlite3_reset(q);
    return rc == SQLITE_ROW;
}

static void read_record(const struct story *s, struct record *ret)
{
    *ret = (struct record){.is_there = open_eye(s)};
    if (!ret->is_there)
        return;
    (void)read_text(eye.current, ret->current, sizeof ret->current);
    ret->is_open = read_text(eye.open, ret->state, sizeof ret->state);
}

/* The same with the library, and the audit chain. */
static void verify_record(const struct story *s, struct record *ret)
{
    struct ship_error err = {0};
    AUTO(ledger_deployment_done) struct ledger_deployment current = {0}, open = {0};
    AUTO_PTR(ledger_close) struct ledger *l = ledger_open(s->state, LEDGER_READ, &err);

    *ret = (struct record){.is_there = l != NULL};
    if (l == NULL) {
        if (err.code != SHIP_NOT_FOUND)
            sim_break("the ledger can not be opened: %s", err.msg);
        return;
    }
    int has = ledger_current(l, "shop", "production", &current, &err);
    int busy = ledger_open_operation(l, "shop", "production", &open, &err);
    if (has < 0 || busy < 0)
        sim_break("the ledger can not be read: %s", err.msg);
    if (has == 0)
        (void)snprintf(ret->current, sizeof ret->current, "%s", current.to_version);
    ret->is_open = busy == 0;
    if (busy == 0)
        (void)snprintf(ret->state, sizeof ret->state, "%s", ledger_state_text(open.state));
    int64_t rows = 0;
    if (ledger_audit_verify(l, NULL, &rows, &err) < 0)
        sim_break("I9: %s", err.msg);
}

static void check_integrity(const struct story *s)
{
    sqlite3_stmt *q = NULL;

    if (!open_eye(s) ||
        sqlite3_prepare_v2(eye.db, "PRAGMA integrity_check", -1, &q, NULL) != SQLITE_OK ||
        sqlite3_step(q) != SQLITE_ROW || strcmp((const char *)sqlite3_column_text(q, 0), "ok") != 0)
        sim_break("the ledger is damaged: %s", sqlite3_errmsg(eye.db));
    (void)sqlite3_finalize(q);
}

/* ---- leftovers of the process ---- */

static int count_entries(const char *path, const char *const *known)
{
    DIR *dir = opendir(path);
    int n = 0;

    if (dir == NULL)
        abort();
    for (const struct dirent *e; (e = readdir(dir));) {
        bool is_known = str_eq(e->d_name, ".") || str_eq(e->d_name, "..");
        for (size_t i = 0; known && known[i]; i++)
            is_known = is_known || str_eq(e->d_name, known[i]);
        n += !is_known;
        if (known && !is_known)
            sim_break("I8: file '%s' is left in %s", e->d_name, path);
    }
    (void)closedir(dir);
    return n;
}

static void check_files(const struct story *s)
{
    static const char *const project[] = {"docker-compose.yml", "shipctl.yaml", ".env", NULL};
    static const char *const state[] = {"ledger.db", "ledger.ballast", "locks", NULL};
    struct lock_text text;

    (void)count_entries(s->project, project);
    (void)count_entries(s->state, state);
    int now = count_entries("/proc/self/fd", NULL);
    if (fds == 0)
        fds = now;
    if (now != fds)
        sim_break("I8: %d descriptors are open, %d were", now, fds);
    if (lock_peek(&(struct lock_scope){s->state, "shop", "production"}, &text) != 0)
        sim_break("I5: the lock is held");
}

/* ---- before and after a command ---- */

void judge_done(void)
{
    free(before);
    before = NULL;
    fds = 0;
    judge_forget();
}

void judge_before(struct story *s)
{
    sim.is_calm = true;
    if (s->step == 0)
        last = (struct record){0};
    free(before);
    before = snapshot();
    /*
     * After a crash nobody knows: looking would roll a half-written transaction back, which is the
     * next command's task.
     */
    s->was_open = s->died || last.is_open;
    s->is_clean = !s->was_open && !engine.is_tampered && engine.away_until_ms == 0;
    sim.is_calm = false;
}

static void expect(const struct story *s, bool holds, const char *what)
{
    if (!holds)
        sim_break("I6: %s %s ended with %d (%.200s), but %s", verb_names[s->verb], s->version,
                  s->status, s->res.error.msg, what);
}

static bool is_good(const char *version)
{
    return version[0] == 'v';
}

/* Nothing went wrong, so there is one right answer. */
static void judge_clean(const struct story *s)
{
    int want = 0;

    if (s->verb == STATUS || s->verb == CHECK)
        return;
    if (s->verb == DEPLOY && !is_good(s->version))
        want = str_eq(s->version, "nope") ? 16 : engine.has_served ? 20 : 31;
    if (s->status != want && !(s->verb == ROLLBACK && s->status == 16))
        sim_break("I6: %s %s ended with %d in calm weather, want %d: %.300s", verb_names[s->verb],
                  s->version, s->status, want, s->res.error.msg);
}

static void judge_zero(const struct story *s)
{
    if (s->verb == DEPLOY)
        expect(s, str_eq(world(s), s->version), "that version does not serve");
    if (s->verb == ROLLBACK)
        expect(s, str_eq(world(s), s->res.to.version), "the target does not serve");
}

static void judge_untouched(const struct story *s)
{
    AUTO_FREE char *after = snapshot();

    if (!s->was_open && !engine.is_moved && !str_eq(before, after))
        sim_break("I6: %s %s ended with %d (%.100s), but what serves was touched: before %s after "
                  "%s",
                  verb_names[s->verb], s->version, s->status, s->res.error.msg, before, after);
}

static void judge_status(const struct story *s, const struct record *r)
{
    int status = s->status;
    bool excused = sim.happened > 0 || s->was_open;

    if (status == 0)
        judge_zero(s);
    else if (status == 20)
        expect(s, is_good(world(s)) && str_eq(world(s), r->current),
               "the recorded version does not serve");
    else if ((status >= 10 && status <= 17 && status != 13) || status > 128 ||
             (status == 1 && (s->memory.is_on || s->instead)))
        judge_untouched(s);
    else if (status == 31)
        expect(s, !engine.has_served, "there was a version to go back to");
    else if (status == 30 || status == 32)
        expect(s, excused, "nothing went wrong");
    else if ((status == 3 || status == 4) && (s->verb == STATUS || s->verb == CHECK))
        return;
    else
        expect(s, false, "that is no status of the contract");
}

void judge_after(struct story *s)
{
    if (sim.broken[0])
        return;
    sim.is_calm = true;
    bool calm = s->is_clean && sim.happened == 0;
    read_record(s, &last);
    const struct record r = last;
    if (calm)
        judge_clean(s);
    bool visible = engine.away_until_ms == 0 && !engine.is_tampered;
    if (visible)
        judge_status(s, &r);
    if (visible && !r.is_open && !engine.is_moved && !str_eq(world(s), r.current))
        sim_break("I4: the ledger says '%s', '%s' serves, no operation is open", r.current,
                  world(s));
    if (s->status == 0 && s->verb == DEPLOY) {
        engine.has_served = true;
        bool is_well = str_eq(world(s), s->version) && running("db") == s->has_db && !is_stopping();
        engine.is_tampered = engine.is_tampered && !is_well;
    }
    engine.has_served = engine.has_served || r.current[0];
    sim.is_calm = false;
}

void judge_serving(const struct story *s)
{
    sim.is_calm = true;
    if (!is_good(world(s)))
        sim_break("I2: '%s' serves after status %d: %s", world(s), s->status, s->res.error.msg);
    sim.is_calm = false;
}

/* ---- in the end ---- */

static void judge_pin(const struct story *s, const char *current)
{
    AUTO_FREE char *path = file_path_join(s->project, ".env");
    AUTO_FREE char *want = xasprintf("APP_VERSION=%s\n", current);
    char text[128] = "";
    FILE *f = fopen(path, "re");

    if (f) {
        text[fread(text, 1, sizeof text - 1, f)] = '\0';
        (void)fclose(f);
    }
    /* v1 is what the compose file says without the variable. */
    if (!str_eq(text, want) && !(text[0] == '\0' && str_eq(current, "v1")))
        sim_break("'%s' serves, but '%s' is written back", current, text);
}

static void judge_containers(const struct story *s, const struct record *r)
{
    const char *now = world(s);

    if (!str_eq(now, r->current))
        sim_break("I4: the ledger says '%s', '%s' serves", r->current, now);
    if (engine.has_served && !is_good(now))
        sim_break("I2: '%s' serves after the recovery", now);
    for (size_t i = 0; i < engine.model.n_containers; i++)
        if (name_is_ours(engine.model.containers[i]->name) && !s->has_leftovers)
            sim_break("I8: container '%s' is left", engine.model.containers[i]->name);
    size_t want = r->current[0] ? s->replicas : 0;
    if (running("app") != want)
        sim_break("I1: %zu containers of app run, not %zu", running("app"), want);
    judge_pin(s, r->current[0] ? r->current : "v1");
}

void judge_end(struct story *s)
{
    struct record r;

    if (sim.broken[0])
        return;
    sim.is_calm = true;
    check_files(s);
    verify_record(s, &r);
    if (r.is_there)
        check_integrity(s);
    if (open_eye(s))
        secrets_look_at_ledger(eye.db);
    engine.has_served = engine.has_served || r.current[0];
    if (s->status != 0 && !engine.is_tampered)
        sim_break("recovery ends with %d: %s", s->status, s->res.error.msg);
    if (r.is_open && !(engine.is_tampered && s->status == 30))
        sim_break("I5: an operation is still '%s' after the recovery: %s", r.state,
                  s->res.error.msg);
    if (!engine.is_tampered)
        judge_containers(s, &r);
    sim.is_calm = false;
}
