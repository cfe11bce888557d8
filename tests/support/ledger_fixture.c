/* Ledgers for tests. Everything here ends the process on a failure of its own. */
#include "support/ledger_fixture.h"

#include <dirent.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"

/* Members are char * because a read owns them; constants for writing need the cast once. */
static char *text(const char *s)
{
    return (char *)(uintptr_t)s;
}

void fixture_must(bool ok, const char *what, const struct ship_error *err)
{
    if (ok)
        return;
    (void)fprintf(stderr, "fixture: %s: %s\n", what, err ? err->msg : "failed");
    (void)fflush(NULL);
    _exit(99);
}

int fixture_setup_empty(void **state)
{
    struct fixture *f = xcalloc(1, sizeof *f);
    const char *tmp = getenv("LEDGER_FIXTURE_DIR");

    /* In memory where possible: these tests sync thousands of times. */
    if (!tmp)
        tmp = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    f->dir = xasprintf("%s/ledger-test-XXXXXX", tmp);
    if (!mkdtemp(f->dir))
        return -1;
    f->path = xasprintf("%s/ledger.db", f->dir);
    *state = f;
    return 0;
}

int fixture_setup(void **state)
{
    struct fixture *f;

    if (fixture_setup_empty(state))
        return -1;
    f = *state;
    f->l = ledger_open(f->dir, LEDGER_WRITE, &f->err);
    fixture_must(f->l != NULL, "open", &f->err);
    return 0;
}

static void remove_dir(const char *dir)
{
    DIR *d = opendir(dir);
    struct dirent *e;

    while (d && (e = readdir(d))) {
        char *path = xasprintf("%s/%s", dir, e->d_name);

        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 && unlink(path))
            remove_dir(path);
        free(path);
    }
    if (d)
        closedir(d);
    (void)rmdir(dir);
}

int fixture_teardown(void **state)
{
    struct fixture *f = *state;

    ledger_close(f->l);
    remove_dir(f->dir);
    free(f->dir);
    free(f->path);
    free(f);
    return 0;
}

void fixture_reopen(struct fixture *f, enum ledger_mode mode)
{
    ledger_close(f->l);
    f->l = ledger_open(f->dir, mode, &f->err);
    fixture_must(f->l != NULL, "reopen", &f->err);
}

struct ledger_deployment fixture_deployment(const char *to_version)
{
    return (struct ledger_deployment){
        .app = text("shop"),
        .environment = text("production"),
        .project = text("shop"),
        .action = text("deploy"),
        .from_version = text("v0"),
        .from_digest = text("sha256:aaaa"),
        .to_version = text(to_version),
        .to_digest = text("sha256:bbbb"),
        .actor = text("wei (sudo root)"),
        .actor_json = text("{\"uid\":1000}"),
        .host = text("vps"),
        .reason = text("because"),
        .strategy = text("recreate"),
        .plan_hash = text("p1"),
        .compose_hash = text("c1"),
        .git_sha = text("0123abc"),
        .ci_run = text("42"),
        .signature = text("unsigned"),
        .warnings_json = text("[\"slow\"]"),
        .started_at_ms = 1000,
    };
}

struct ledger_service fixture_service(const char *service, const char *spec)
{
    return (struct ledger_service){
        .service = text(service),
        .image = text("registry.example.com/shop:v1"),
        .repository = text("registry.example.com/shop"),
        .version = text("v1"),
        .digest = text("sha256:bbbb"),
        .image_id = text("sha256:cccc"),
        .platform = text("linux/amd64"),
        .spec_json = text(spec),
        .spec_sha256 = text("dddd"),
    };
}

struct ledger_end fixture_end(enum ledger_state state, const char *outcome, int exit_code)
{
    return (struct ledger_end){.state = state,
                               .outcome = outcome,
                               .exit_code = exit_code,
                               .finished_at_ms = 3000,
                               .downtime_ms = -1};
}

int64_t fixture_begin(struct ledger *l, const char *to_version)
{
    struct ledger_deployment d = fixture_deployment(to_version);
    struct ship_error err = {0};

    MUST(ledger_begin(l, &d, &err), &err);
    return d.id;
}

int64_t fixture_commit(struct ledger *l, const char *to_version)
{
    int64_t id = fixture_begin(l, to_version);
    struct ship_error err = {0};

    MUST(ledger_commit(l, id, 2000, 300, &err), &err);
    return id;
}

int64_t fixture_success(struct ledger *l, const char *to_version)
{
    int64_t id = fixture_commit(l, to_version);
    struct ledger_end end = fixture_end(LEDGER_CLEANED, "succeeded", 0);
    struct ship_error err = {0};

    MUST(ledger_end(l, id, &end, &err), &err);
    return id;
}

int64_t fixture_failure(struct ledger *l, const char *to_version)
{
    int64_t id = fixture_begin(l, to_version);
    struct ledger_end end = fixture_end(LEDGER_ROLLED_BACK, "rolled_back", 20);
    struct ship_error err = {0};

    end.error = "never healthy";
    MUST(ledger_end(l, id, &end, &err), &err);
    return id;
}

static void fill_one(struct ledger *l, int64_t id)
{
    struct ledger_service app = fixture_service("app", "{\"Env\":[\"A=1\"]}");
    struct ledger_service worker = fixture_service("worker", "{}");
    struct ledger_step step = {.seq = 1, .name = text("pull"), .status = text("ok")};
    struct ledger_check check = {.phase = text("health"),
                                 .check_id = text("web"),
                                 .type = text("http"),
                                 .status = text("pass")};
    struct ledger_journal j = {.kind = text("stop"), .args_json = text("{}")};
    struct ship_error err = {0};

    MUST(ledger_put_service(l, id, &app, &err), &err);
    MUST(ledger_put_service(l, id, &worker, &err), &err);
    MUST(ledger_put_step(l, id, &step, &err), &err);
    MUST(ledger_put_check(l, id, &check, &err), &err);
    MUST(ledger_intent(l, id, &j, &err), &err);
    MUST(ledger_done(l, id, j.seq, "done", "{}", 7, &err), &err);
}

void fixture_fill(struct ledger *l)
{
    struct ledger_end end = fixture_end(LEDGER_CLEANED, "succeeded", 0);
    char *log = xmalloc(6001); /* needs overflow pages */
    struct ship_error err = {0};

    memset(log, 'l', 6000);
    log[6000] = '\0';
    for (int i = 0; i < 4; i++) {
        int64_t id = fixture_begin(l, "v1");

        fill_one(l, id);
        MUST(ledger_put_evidence(l, id, "log", "app", log, &err), &err);
        if (i == 3)
            break;
        MUST(ledger_commit(l, id, 2000, 300, &err), &err);
        MUST(ledger_end(l, id, &end, &err), &err);
    }
    MUST(ledger_mark_pruned(l, 1, &err), &err);
    free(log);
}

bool fixture_is_damage(const struct ship_error *err)
{
    return err->msg[0] && (err->code == SHIP_UNVERIFIED || err->code == SHIP_NOT_FOUND ||
                           err->code == SHIP_UNREACHABLE || err->code == SHIP_IO);
}

/* 1 when the read failed as it may. */
static size_t judge(int rc, struct ship_error *err)
{
    if (rc >= 0)
        return 0;
    fixture_must(fixture_is_damage(err), "reading a damaged file", err);
    *err = (struct ship_error){0};
    return 1;
}

static size_t read_members(struct ledger *l, int64_t id)
{
    struct ledger_services services = {0};
    struct ledger_steps steps = {0};
    struct ledger_checks checks = {0};
    struct ledger_evidences evidence = {0};
    struct ledger_journals journal = {0};
    struct ship_error err = {0};
    size_t failed = 0;

    failed += judge(ledger_services_read(l, id, &services, &err), &err);
    failed += judge(ledger_steps_read(l, id, &steps, &err), &err);
    failed += judge(ledger_checks_read(l, id, &checks, &err), &err);
    failed += judge(ledger_evidence_read(l, id, &evidence, &err), &err);
    failed += judge(ledger_journal_read(l, id, &journal, &err), &err);
    ledger_services_done(&services);
    ledger_steps_done(&steps);
    ledger_checks_done(&checks);
    ledger_evidence_done(&evidence);
    ledger_journals_done(&journal);
    return failed;
}

size_t fixture_read_all(struct ledger *l)
{
    struct ledger_query all = {.limit = 1000};
    struct ledger_query targets = {
        .app = "shop", .environment = "production", .targets_only = true, .limit = 9};
    struct ledger_deployments list = {0}, list2 = {0};
    struct ledger_deployment a = {0}, b = {0}, c = {0};
    struct ledger_images images = {0};
    struct ship_error err = {0};
    char head[LEDGER_HEAD_SIZE];
    int64_t rows = 0;
    size_t failed = 0;

    failed += judge(ledger_list(l, &all, &list, &err), &err);
    failed += judge(ledger_list(l, &targets, &list2, &err), &err);
    failed += judge(ledger_find(l, NULL, NULL, 1, &a, &err), &err);
    failed += judge(ledger_current(l, "shop", "production", &b, &err), &err);
    failed += judge(ledger_open_operation(l, "shop", "production", &c, &err), &err);
    failed += judge(ledger_images_read(l, &images, &err), &err);
    failed += judge(ledger_audit_head(l, head, &err), &err);
    failed += judge(ledger_audit_verify(l, NULL, &rows, &err), &err);
    failed += judge(ledger_check_file(l, LEDGER_FULL, &err), &err);
    for (int64_t id = 1; id <= 4; id++)
        failed += read_members(l, id);
    ledger_deployments_done(&list);
    ledger_deployments_done(&list2);
    ledger_deployment_done(&a);
    ledger_deployment_done(&b);
    ledger_deployment_done(&c);
    ledger_images_done(&images);
    return failed;
}

void fixture_raw(const char *path, const char *sql)
{
    sqlite3 *db = NULL;
    char *msg = NULL;

    if (sqlite3_open(path, &db) != SQLITE_OK ||
        sqlite3_exec(db, sql, NULL, NULL, &msg) != SQLITE_OK) {
        (void)fprintf(stderr, "fixture: %s: %s\n", sql, msg ? msg : sqlite3_errmsg(db));
        _exit(99);
    }
    sqlite3_close(db);
}

char *fixture_raw_text(const char *path, const char *sql)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *s = NULL;
    char *ret;

    fixture_must(sqlite3_open(path, &db) == SQLITE_OK &&
                     sqlite3_prepare_v2(db, sql, -1, &s, NULL) == SQLITE_OK,
                 sql, NULL);
    ret = xstrdup(sqlite3_step(s) == SQLITE_ROW && sqlite3_column_text(s, 0)
                      ? (const char *)sqlite3_column_text(s, 0)
                      : "");
    sqlite3_finalize(s);
    sqlite3_close(db);
    return ret;
}

char *fixture_read_file(const char *path, size_t *ret_len)
{
    FILE *f = fopen(path, "rbe");
    struct stat st;
    char *data;

    fixture_must(f && fstat(fileno(f), &st) == 0, path, NULL);
    data = xmalloc((size_t)st.st_size + 1);
    *ret_len = fread(data, 1, (size_t)st.st_size, f);
    data[*ret_len] = '\0';
    (void)fclose(f);
    return data;
}

void fixture_write_file(const char *path, const char *data, size_t len)
{
    FILE *f = fopen(path, "wbe");

    fixture_must(f && fwrite(data, 1, len, f) == len && fclose(f) == 0, path, NULL);
}

bool fixture_file_has(const char *path, const char *needle)
{
    size_t len = 0;
    char *data = fixture_read_file(path, &len);
    bool has = memmem(data, len, needle, strlen(needle)) != NULL;

    free(data);
    return has;
}
