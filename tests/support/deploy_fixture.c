/* A scratch project on a scripted engine (see deploy_fixture.h). Ends the process on a failure. */
#include "support/deploy_fixture.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "deploy/lock.h"
#include "support/ledger_fixture.h"

#define FILE_MAX (1024u * 1024)

static void must(bool ok, const char *what)
{
    fixture_must(ok, what, NULL);
}

/* ---- events ---- */

static void emit(struct ship_sink *sink, const struct ship_event *event)
{
    struct deploy_sink *s = (struct deploy_sink *)sink;

    if (getenv("SHIPCTL_TEST_TRACE"))
        (void)fprintf(stderr, "%s: %s\n", event->step ? event->step : "-", event->text);
    (void)buf_addf(&s->text, "%s\n", event->text);
}

/* ---- files ---- */

void deploy_fixture_write(const struct deploy_fixture *f, const char *name, const char *text)
{
    AUTO_FREE char *path = file_path_join(f->project, name);

    fixture_write_file(path, text, strlen(text));
}

char *deploy_fixture_read(const struct deploy_fixture *f, const char *name)
{
    AUTO_FREE char *path = file_path_join(f->project, name);

    size_t len;

    return access(path, F_OK) == 0 ? fixture_read_file(path, &len) : NULL;
}

static char *make_dir(const char *parent, const char *name)
{
    char *path = file_path_join(parent, name);

    must(mkdir(path, 0700) == 0, "mkdir");
    return path;
}

struct deploy_fixture *deploy_fixture_files(const char *plan, const char *compose)
{
    struct deploy_fixture *f = xcalloc(1, sizeof *f);

    /* Memory, when there is: these tests wait for the disk more than for anything else. */
    f->dir =
        xasprintf("%s/deploy-fixture-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    must(mkdtemp(f->dir) != NULL, "mkdtemp");
    f->project = make_dir(f->dir, "project");
    f->state = make_dir(f->dir, "state");
    deploy_fixture_write(f, "shipctl.yaml", plan);
    deploy_fixture_write(f, "docker-compose.yml", compose);
    f->messages.sink.emit = emit;
    buf_init(&f->messages.text, FILE_MAX);
    ship_events_add(&f->events, &f->messages.sink);
    return f;
}

/* ---- the engine ---- */

static void add_images(struct fake_engine *e)
{
    static const char *const repositories[] = {FIX_APP, FIX_WORKER};
    static const char *const tags[] = {"v1", "v2", "v3"};

    for (size_t r = 0; r < ARRAY_LEN(repositories); r++)
        for (size_t t = 0; t < ARRAY_LEN(tags); t++) {
            struct fake_image image = {
                .repository = repositories[r], .tag = tags[t], .health = "healthy"};
            (void)fake_engine_image(e, &image);
        }
}

void deploy_fixture_join(struct deploy_fixture *f, const char *host)
{
    strv_done(&f->environ);
    strv_take(&f->environ, xasprintf("DOCKER_HOST=%s", host));
    strv_take(&f->environ, xasprintf("SHIPCTL_STATE_DIR=%s", f->state));
    strv_take(&f->environ, xasprintf("HOME=%s", f->dir));
    strv_add(&f->environ, "PATH=/nonexistent");
    f->options = (struct ship_options){.dir = f->project,
                                       .environ = (const char *const *)f->environ.v,
                                       .no_guardian = true,
                                       .events = &f->events,
                                       .stop = &f->stop};
}

void deploy_fixture_start(struct deploy_fixture *f)
{
    f->engine = fake_engine_start(41);
    add_images(f->engine);
    deploy_fixture_join(f, fake_engine_host(f->engine));
}

struct deploy_fixture *deploy_fixture_new(const char *plan, const char *compose)
{
    struct deploy_fixture *f = deploy_fixture_files(plan, compose);

    deploy_fixture_start(f);
    return f;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *where)
{
    (void)st, (void)type, (void)where;
    return remove(path);
}

void deploy_fixture_free(struct deploy_fixture *f)
{
    fake_engine_stop(f->engine);
    ship_result_done(&f->res);
    must(nftw(f->dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS) == 0, "remove");
    buf_done(&f->messages.text);
    strv_done(&f->environ);
    free(f->project);
    free(f->state);
    free(f->dir);
    free(f);
}

/* ---- commands ---- */

static struct ship_session *begin(struct deploy_fixture *f)
{
    ship_result_done(&f->res);
    f->res = (struct ship_result){0};
    buf_done(&f->messages.text);
    buf_init(&f->messages.text, FILE_MAX);
    f->calls = f->engine ? fake_engine_calls(f->engine) : 0;
    return ship_session_new(&f->options);
}

int deploy_fixture_request(struct deploy_fixture *f, const struct ship_deploy_request *request)
{
    struct ship_session *s = begin(f);
    int status = ship_deploy(s, request, &f->res);

    ship_session_free(s);
    return status;
}

int deploy_fixture_deploy(struct deploy_fixture *f, const char *version)
{
    return deploy_fixture_request(f, &(struct ship_deploy_request){.version = version});
}

int deploy_fixture_rollback(struct deploy_fixture *f, const struct ship_rollback_request *request)
{
    struct ship_session *s = begin(f);
    int status = ship_rollback(s, request, &f->res);

    ship_session_free(s);
    return status;
}

int deploy_fixture_recover(struct deploy_fixture *f)
{
    struct ship_session *s = begin(f);
    int status = ship_recover(s, &f->res);

    ship_session_free(s);
    return status;
}

size_t deploy_fixture_changes(const struct deploy_fixture *f)
{
    size_t n = 0, end = fake_engine_calls(f->engine);

    for (size_t i = f->calls; i < end; i++) {
        const struct fake_call *c = fake_engine_call(f->engine, i);
        bool reads = str_eq(c->method, "GET") || str_eq(c->method, "HEAD") ||
                     str_starts(c->path, "/exec/") || str_ends(c->path, "/exec");
        n += !reads;
    }
    return n;
}

/* ---- the ledger and the lock ---- */

char *deploy_fixture_current(const struct deploy_fixture *f)
{
    struct ship_error err = {0};
    AUTO(ledger_deployment_done) struct ledger_deployment d = {0};
    AUTO_PTR(ledger_close) struct ledger *l = ledger_open(f->state, LEDGER_READ, &err);

    if (!l || ledger_current(l, "shop", "production", &d, &err) != 0)
        return xstrdup("");
    return xstrdup(d.to_version ? d.to_version : "");
}

const char *deploy_fixture_open(const struct deploy_fixture *f)
{
    struct ship_error err = {0};
    AUTO(ledger_deployment_done) struct ledger_deployment d = {0};
    AUTO_PTR(ledger_close) struct ledger *l = ledger_open(f->state, LEDGER_READ, &err);

    if (!l || ledger_open_operation(l, "shop", "production", &d, &err) != 0)
        return "";
    return ledger_state_text(d.state);
}

void deploy_fixture_sql(const struct deploy_fixture *f, const char *sql)
{
    AUTO_FREE char *path = file_path_join(f->state, "ledger.db");

    fixture_raw(path, sql);
}

bool deploy_fixture_is_unlocked(const struct deploy_fixture *f)
{
    struct lock_text text;

    return lock_peek(&(struct lock_scope){f->state, "shop", "production"}, &text) == 0;
}
