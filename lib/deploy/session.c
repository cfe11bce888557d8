/*
 * Sessions: find the plan, the compose files, the ledger and the engine.
 *
 * What can go wrong: every need_* passes on the code of what it opens. The
 * compose project is loaded with our own environment, so a plan file can not
 * smuggle variables in.
 */
#include "deploy/session.h"

#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "deploy/hide.h"

#define STATE_DIR_ROOT      "/var/lib/shipctl"
#define ENGINE_HOST_DEFAULT "unix:///var/run/docker.sock"

const char *session_env(const struct ship_session *s, const char *name)
{
    size_t len = strlen(name);
    for (const char *const *e = s->opt.environ; *e; e++)
        if (strncmp(*e, name, len) == 0 && (*e)[len] == '=')
            return *e + len + 1;
    return NULL;
}

static const char *home_dir(const struct ship_session *s)
{
    const char *home = session_env(s, "HOME");
    if (!str_empty(home))
        return home;
    const struct passwd *pw = getpwuid(geteuid());
    return pw ? pw->pw_dir : "/";
}

static char *find_state_dir(const struct ship_session *s)
{
    const char *dir = session_env(s, "SHIPCTL_STATE_DIR");
    if (!str_empty(dir))
        return file_path_join(s->dir, dir);
    if (geteuid() == 0)
        return xstrdup(STATE_DIR_ROOT);
    const char *xdg = session_env(s, "XDG_STATE_HOME");
    if (!str_empty(xdg))
        return file_path_join(xdg, "shipctl");
    return file_path_join(home_dir(s), ".local/state/shipctl");
}

/* $PWD when it names the current directory (Compose keeps symbolic links), else getcwd. */
static char *current_dir(const struct ship_session *s)
{
    const char *pwd = session_env(s, "PWD");
    struct stat a, b;
    if (pwd && pwd[0] == '/' && stat(pwd, &a) == 0 && stat(".", &b) == 0 && a.st_dev == b.st_dev &&
        a.st_ino == b.st_ino)
        return file_path_join("/", pwd);
    char *cwd = getcwd(NULL, 0);
    return cwd ? cwd : xstrdup("/");
}

static char *start_dir(const struct ship_session *s)
{
    char *cwd = current_dir(s);
    if (!s->opt.dir)
        return cwd;
    char *dir = file_path_join(cwd, s->opt.dir);
    free(cwd);
    return dir;
}

/* Names that stand in every message are kept, whatever else they are. */
static void collect_secrets(struct redact *r, void *ctx)
{
    const struct ship_session *s = ctx;
    for (const char *const *e = s->opt.environ; *e; e++)
        redact_add_pair(r, *e);
    if (s->plan) {
        redact_keep(r, s->plan->app);
        redact_keep(r, s->plan->environment);
        redact_keep(r, s->plan->image);
    }
    if (s->compose)
        compose_add_secrets(s->compose, r);
}

struct ship_session *ship_session_new(const struct ship_options *options)
{
    struct ship_session *s = xcalloc(1, sizeof *s);
    s->opt = *options;
    s->redact = redact_new(collect_secrets, s);
    if (options->events) {
        s->events = *options->events;
        s->events.redact = s->redact;
        s->opt.events = &s->events;
    }
    s->clock = clock_real;
    s->clock.stop = options->stop;
    s->patient = clock_real;
    s->dir = start_dir(s);
    s->state_dir = find_state_dir(s);
    return s;
}

void ship_session_free(struct ship_session *s)
{
    if (!s)
        return;
    runtime_close(s->runtime);
    ledger_close(s->ledger);
    compose_free(s->compose);
    plan_free(s->plan);
    yaml_problems_done(&s->problems);
    redact_free(s->redact);
    free(s->view);
    free(s->state_dir);
    free(s->dir);
    free(s);
}

void session_in_flight(const struct ship_session *s, enum ship_in_flight what)
{
    if (s->opt.in_flight)
        *s->opt.in_flight = (sig_atomic_t)what;
}

size_t ship_session_problems(const struct ship_session *s, const struct ship_problem **ret)
{
    struct ship_session *rw = (struct ship_session *)(uintptr_t)s; /* the view is a cache */
    free(rw->view);
    hide_in_problems(rw->redact, &rw->problems);
    rw->view = s->problems.n ? xcalloc(s->problems.n, sizeof *rw->view) : NULL;
    for (size_t i = 0; i < s->problems.n; i++) {
        const struct yaml_problem *p = &s->problems.list[i];
        rw->view[i] = (struct ship_problem){.is_error = p->severity == YAML_ERROR,
                                            .where = p->where,
                                            .text = p->text,
                                            .snippet = p->snippet};
    }
    *ret = rw->view;
    return s->problems.n;
}

size_t ship_session_hidden_problems(const struct ship_session *s)
{
    return s->problems.n_errors + s->problems.n_warnings - s->problems.n;
}

/* The error of files that do not load is made of their problems. */
int session_load_failed(struct ship_session *s, struct ship_error *err)
{
    hide_in_problems(s->redact, &s->problems);
    if (err->code == SHIP_INVALID && s->problems.n_errors)
        return yaml_problems_check(&s->problems, err);
    redact_error(s->redact, err);
    return -1;
}

int session_need_plan(struct ship_session *s, struct ship_error *err)
{
    if (s->plan)
        return 0;
    struct stat st;
    if (stat(s->dir, &st) < 0)
        return ship_fail_errno(err, SHIP_USAGE, "cannot use directory '%s'", s->dir);
    s->plan = plan_load(s->dir, s->opt.plan_file, s->opt.environment, &s->problems, err);
    redact_stale(s->redact);
    return s->plan ? 0 : session_load_failed(s, err);
}

int session_need_compose(struct ship_session *s, const struct strv *overrides,
                         struct ship_error *err)
{
    if (s->compose && !overrides)
        return 0;
    if (session_need_plan(s, err) < 0)
        return -1;
    struct compose_options o = {.dir = s->plan->dir,
                                .files = &s->plan->compose,
                                .project_name = s->plan->project,
                                .profiles = &s->plan->profiles,
                                .environ = s->opt.environ,
                                .overrides = overrides,
                                .redact = s->redact};
    /* Loading again repeats its warnings: only the first load reports them. */
    struct yaml_problems again = {0};
    struct yaml_problems *problems = s->compose ? &again : &s->problems;
    struct compose_project *p = compose_load(&o, problems, err);
    yaml_problems_done(&again);
    if (!p && err->code == SHIP_NOT_FOUND)
        err->code = SHIP_INVALID;
    if (!p)
        return session_load_failed(s, err);
    compose_free(s->compose);
    s->compose = p;
    redact_stale(s->redact);
    return 0;
}

int session_need_ledger(struct ship_session *s, enum ledger_mode mode, struct ship_error *err)
{
    if (s->ledger && (s->ledger_mode == mode || s->ledger_mode == LEDGER_WRITE))
        return 0;
    ledger_close(s->ledger);
    s->ledger = ledger_open(s->state_dir, mode, err);
    s->ledger_mode = mode;
    if (s->ledger)
        return 0;
    if (err->code == SHIP_IO)
        err->code = SHIP_UNREACHABLE; /* nothing has happened yet */
    if (mode != LEDGER_READ || err->code != SHIP_NOT_FOUND)
        return -1;
    *err = (struct ship_error){0};
    return 1;
}

static const char *engine_host(const struct ship_session *s)
{
    if (s->plan && s->plan->engine_host)
        return s->plan->engine_host;
    const char *host = session_env(s, "DOCKER_HOST");
    return str_empty(host) ? ENGINE_HOST_DEFAULT : host;
}

int session_need_runtime(struct ship_session *s, struct ship_error *err)
{
    if (s->runtime)
        return 0;
    const char *config = session_env(s, "DOCKER_CONFIG");
    AUTO_FREE char *dir =
        str_empty(config) ? file_path_join(home_dir(s), ".docker") : xstrdup(config);
    s->runtime = runtime_open_docker(engine_host(s), dir, &s->clock, err);
    if (!s->runtime)
        return -1;
    s->runtime->redact = s->redact;
    return 0;
}

void session_emit_warnings(struct ship_session *s)
{
    for (size_t i = s->n_emitted; i < s->problems.n; i++) {
        const struct yaml_problem *p = &s->problems.list[i];
        if (p->severity == YAML_WARNING)
            ship_emit_message(s->opt.events, SHIP_LEVEL_WARNING, "%s: %s", p->where, p->text);
    }
    s->n_emitted = s->problems.n;
}
