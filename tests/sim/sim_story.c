/* Stories: see sim_story.h. */
#include "sim/sim_story.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shipctl/check.h"
#include "shipctl/history.h"
#include "shipctl/prune.h"
#include "shipctl/status.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/file.h"
#include "sim/sim.h"
#include "sim/sim_engine.h"
#include "sim/sim_memory.h"
#include "sim/sim_secrets.h"
#include "sim/sim_store.h"

#define TEXT_MAX      8192
#define STEPS_MAX     7
#define GOOD_VERSIONS 4
#define SETTLE_MS     70000 /* after this nothing of the past is on its way any more */

const char *const verb_names[VERBS] = {"deploy", "rollback", "prune", "recover",
                                       "status", "history",  "check"};

/* ---- files ---- */

static void must(bool ok, const char *what)
{
    if (ok)
        return;
    perror(what);
    abort();
}

static void write_text(const char *dir, const char *name, const char *text)
{
    AUTO_FREE char *path = file_path_join(dir, name);
    FILE *f = fopen(path, "we");

    must(f && fputs(text, f) >= 0 && fclose(f) == 0, path);
}

static void remove_file(const char *dir, const char *name)
{
    AUTO_FREE char *path = file_path_join(dir, name);

    (void)unlink(path);
}

static char *make_dir(const char *parent, const char *name)
{
    char *path = file_path_join(parent, name);

    must(mkdir(path, 0700) == 0, path);
    return path;
}

/* ---- a crash ---- */

/* Files the ghost may write: what a compose file's variables are pinned in. */
static char *read_env(const struct story *s)
{
    AUTO_FREE char *path = file_path_join(s->project, ".env");
    FILE *f = fopen(path, "re");
    char text[TEXT_MAX];

    if (f == NULL)
        return NULL;
    size_t n = fread(text, 1, sizeof text - 1, f);
    (void)fclose(f);
    text[n] = '\0';
    return xstrdup(text);
}

/* A ghost may still write the version back: the text at the crash is put back afterwards. */
static char *env_at_crash;
static const struct story *playing;

static void on_crash(void)
{
    free(env_at_crash);
    env_at_crash = read_env(playing);
}

void story_revive(struct story *s)
{
    store_revive();
    if (env_at_crash)
        write_text(s->project, ".env", env_at_crash);
    else
        remove_file(s->project, ".env");
    free(env_at_crash);
    env_at_crash = NULL;
    sim.is_dead = false;
    sim.now_ms = sim.died_at_ms;
}

/* ---- life cycle ---- */

void story_open(struct story *s)
{
    *s = (struct story){0};
    s->dir = xasprintf("%s/ship-sim-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    must(mkdtemp(s->dir) != NULL, s->dir);
    s->project = make_dir(s->dir, "project");
    s->state = make_dir(s->dir, "state");
    strv_take(&s->environ, xasprintf("DOCKER_HOST=unix://%s/engine", s->dir));
    strv_take(&s->environ, xasprintf("SHIPCTL_STATE_DIR=%s", s->state));
    strv_take(&s->environ, xasprintf("HOME=%s", s->dir));
    strv_add(&s->environ, "PATH=/nonexistent");
    s->options = (struct ship_options){.dir = s->project,
                                       .environ = (const char *const *)s->environ.v,
                                       .no_guardian = true,
                                       .stop = &sim.stop};
    sim.on_crash = on_crash;
    playing = s;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *where)
{
    (void)st, (void)type, (void)where;
    return remove(path);
}

void story_close(struct story *s)
{
    engine_done();
    store_reset();
    judge_done();
    ship_result_done(&s->res);
    must(nftw(s->dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS) == 0, "remove");
    strv_done(&s->environ);
    free(s->project);
    free(s->state);
    free(s->dir);
}

/* ---- what the seed chooses ---- */

static const char *choose(const char *const *words, size_t n)
{
    return words[sim_below(&sim.random, n)];
}

static void add_good_images(void)
{
    static const int64_t stops[] = {0, 0, 300, 5000};
    bool has_health = !sim_one_in(&sim.random, 3);

    for (int v = 1; v <= GOOD_VERSIONS; v++) {
        char tag[16];
        (void)snprintf(tag, sizeof tag, "v%d", v);
        struct fake_image image = {.repository = SIM_IMAGE,
                                   .tag = tag,
                                   .log = SIM_SECRET_LOG,
                                   .health = has_health ? "healthy" : NULL,
                                   .health_after_ms = (int64_t)sim_below(&sim.random, 3) * 400,
                                   .stop_ms =
                                       stops[sim_below(&sim.random, sizeof stops / sizeof *stops)]};
        (void)model_add_image(&engine.model, &image);
    }
}

static void add_bad_images(void)
{
    static const struct fake_image bad[] = {
        {.tag = "sick",          .health = "unhealthy"                                             },
        {               .tag = "exits", .exits_after_ms = 150,                                                     .exit_code = 1},
        {               .tag = "oom", .exits_after_ms = 400,                                                   .exit_code = 137, .is_oom = true},
        { .tag = "broken",        .start_error = "exec: \"app\": executable file not found in $PATH"},
        {              .tag = "done",   .health = "healthy",                                              .exits_after_ms = 700},
    };

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct fake_image image = bad[i];
        image.repository = SIM_IMAGE;
        image.log = SIM_SECRET_LOG;
        (void)model_add_image(&engine.model, &image);
    }
    struct fake_image db = {
        .repository = "registry.example.com/db", .tag = "1", .health = "healthy"};
    (void)model_add_image(&engine.model, &db);
}

static void add_service(struct buf *b, const struct story *s, const char *name)
{
    (void)buf_addf(b,
                   "  %s:\n    image: " SIM_IMAGE ":${APP_VERSION:-v1}\n    restart: \"%s\"\n"
                   "    stop_grace_period: 1s\n    deploy: {replicas: %u}\n"
                   "    environment: [" SIM_SECRET_NAME "=" SIM_SECRET "]\n",
                   name, s->policy, s->replicas);
    if (s->has_db && str_eq(name, "app"))
        (void)buf_adds(b, "    depends_on: [db]\n");
}

static void write_project(const struct story *s)
{
    AUTO(buf_done) struct buf b = BUF_INIT(TEXT_MAX);

    (void)buf_adds(&b, "name: shop\nservices:\n");
    add_service(&b, s, "app");
    if (s->has_worker)
        add_service(&b, s, "worker");
    if (s->has_db)
        (void)buf_adds(&b, "  db:\n    image: registry.example.com/db:1\n    restart: always\n");
    write_text(s->project, "docker-compose.yml", b.p);
    buf_reset(&b);
    (void)buf_addf(&b,
                   "version: 1\napp: shop\nimage: " SIM_IMAGE "\n"
                   "strategy: {min_healthy: %ds}\n"
                   "prune: {keep: %d, after_deploy: %s}\n"
                   "timeouts: {rollback: %ds}\n",
                   (int)sim_below(&sim.random, 3) + 1, (int)sim_below(&sim.random, 3) + 1,
                   sim_one_in(&sim.random, 2) ? "true" : "false",
                   sim_one_in(&sim.random, 2) ? 120 : 30);
    if (sim_one_in(&sim.random, 2))
        (void)buf_adds(&b, "checks:\n  health: [{id: up, type: container, retries: 4, "
                           "interval: 500ms}]\n");
    write_text(s->project, "shipctl.yaml", b.p);
    remove_file(s->project, ".env");
    remove_file(s->state, "ledger.db");
}

void story_begin(struct story *s, uint64_t seed)
{
    static const char *const policies[] = {"always", "always", "unless-stopped", "no",
                                           "on-failure"};

    sim_begin(seed);
    judge_forget();
    store_reset();
    engine_reset();
    s->step = 0;
    s->has_leftovers = false;
    s->died = false;
    s->policy = choose(policies, sizeof policies / sizeof *policies);
    s->replicas = sim_one_in(&sim.random, 3) ? 1 + (unsigned)sim_below(&sim.random, 3) : 1;
    s->has_worker = sim_one_in(&sim.random, 3);
    s->has_db = sim_one_in(&sim.random, 4);
    add_good_images();
    add_bad_images();
    write_project(s);
    sim_say("seed %llu: %u replicas, policy '%s'%s%s", (unsigned long long)seed, s->replicas,
            s->policy, s->has_worker ? ", worker" : "", s->has_db ? ", db" : "");
}

/* ---- commands ---- */

static int run_prune(struct ship_session *session, struct ship_result *res)
{
    struct ship_prune_report report = {0};
    struct ship_prune_request request = {0};
    struct ship_error err = {0};
    int rc = ship_prune(session, &request, &report, &err);

    res->error = err;
    secrets_look_and_free("the answer of prune", ship_prune_json(&report));
    ship_prune_done(&report);
    return rc;
}

static int run_status(struct ship_session *session, struct ship_result *res)
{
    struct ship_status st = {0};
    struct ship_error err = {0};
    int rc = ship_status(session, &st, &err);

    res->error = err;
    secrets_look_and_free("the answer of status", ship_status_json(&st));
    ship_status_done(&st);
    return rc;
}

static int run_history(struct ship_session *session, struct ship_result *res)
{
    struct ship_history h = {0};
    struct ship_history_query query = {.limit = 20};
    struct ship_error err = {0};
    int rc = ship_history(session, &query, &h, &err);

    res->error = err;
    secrets_look_and_free("the answer of history", ship_history_json(&h, true));
    ship_history_done(&h);
    return rc;
}

static int run(struct story *s, struct ship_session *session)
{
    struct ship_deploy_request deploy = {.version = s->version};
    struct ship_rollback_request rollback = {.version = s->version[0] ? s->version : NULL};

    switch (s->verb) {
    case DEPLOY:
        return ship_deploy(session, &deploy, &s->res);
    case ROLLBACK:
        return ship_rollback(session, &rollback, &s->res);
    case PRUNE:
        return run_prune(session, &s->res);
    case RECOVER:
        return ship_recover(session, &s->res);
    case STATUS:
        return run_status(session, &s->res);
    case HISTORY:
        return run_history(session, &s->res);
    case CHECK:
        return ship_check(session, SHIP_CHECK_PRE, &s->res);
    case VERBS:
    default:
        return -1;
    }
}

/* Recovery said that it leaves containers to the clean-up of the next deployment. */
static bool has_forgiven;

static void emit(struct ship_sink *sink, const struct ship_event *event)
{
    (void)sink;
    if (sim.is_dead)
        return;
    has_forgiven = has_forgiven || (event->text && strstr(event->text, "clean-up of operation"));
    secrets_look("an event", event->text);
    sim_say("  %s: %s", event->step ? event->step : "-", event->text);
}

static void command(struct story *s)
{
    struct ship_sink sink = {.emit = emit};
    struct ship_events events = {0};

    ship_events_add(&events, &sink);
    ship_result_done(&s->res);
    s->res = (struct ship_result){0};
    s->died = false;
    sim.stop = 0;
    sim.happened = 0;
    sim.passed[SIM_CALL] = sim.passed[SIM_STORE] = 0;
    engine.recovery = s->verb == RECOVER ? "recover" : NULL;
    engine.is_moved = false;
    s->options.events = &events;
    has_forgiven = false;
    s->step++;
    sim_say("--- %u: %s %s", s->step, verb_names[s->verb], s->version);
    sim_note(verb_names[s->verb]);
    if (s->memory.is_on)
        memory_arm(s->memory.kind, s->memory.at, s->memory.lasts);
    struct ship_session *session = ship_session_new(&s->options);
    s->status = s->instead ? s->instead(s) : run(s, session);
    ship_session_free(session);
    memory_disarm();
    engine.recovery = NULL;
    engine_forget();
    if (sim.is_dead) {
        s->died = true;
        story_revive(s);
        sim_say("died");
    } else {
        char text[32];
        (void)snprintf(text, sizeof text, "%d", s->status);
        bool is_tidied =
            s->verb == DEPLOY && s->res.outcome == SHIP_OUTCOME_SUCCEEDED && s->res.n_warnings == 0;
        s->has_leftovers = has_forgiven || (s->has_leftovers && !is_tidied);
        sim_note(text);
        secrets_look("an error", s->res.error.msg);
        secrets_look("a hint", s->res.error.hint);
        secrets_look_and_free("an answer", ship_result_json(&s->res));
        sim_say("exit %d %s", s->status, s->res.error.msg);
    }
}

/* ---- choosing commands and faults ---- */

static void choose_command(struct story *s)
{
    static const enum verb verbs[] = {DEPLOY,   DEPLOY, DEPLOY,  DEPLOY, DEPLOY,  DEPLOY, ROLLBACK,
                                      ROLLBACK, PRUNE,  RECOVER, STATUS, HISTORY, CHECK};
    static const char *const bad[] = {"sick", "exits", "oom", "broken", "done", "nope"};

    s->verb = verbs[sim_below(&sim.random, sizeof verbs / sizeof *verbs)];
    s->version[0] = '\0';
    bool named = s->verb == DEPLOY || (s->verb == ROLLBACK && sim_one_in(&sim.random, 3));
    if (named)
        (void)snprintf(s->version, sizeof s->version, "v%d",
                       1 + (int)sim_below(&sim.random, GOOD_VERSIONS));
    if (s->verb == DEPLOY && s->step > 0 && sim_one_in(&sim.random, 4))
        (void)snprintf(s->version, sizeof s->version, "%s", choose(bad, sizeof bad / sizeof *bad));
}

static enum sim_fault choose_fault(enum sim_place place)
{
    if (sim_one_in(&sim.random, 3))
        return SIM_CRASH + sim_below(&sim.random, SIM_BOTH - SIM_CRASH);
    if (place == SIM_STORE)
        return SIM_CALL_END + sim_below(&sim.random, SIM_STORE_END - SIM_CALL_END);
    /* Other actors make most promises void: not too often. */
    if (!sim_one_in(&sim.random, 4))
        return SIM_BOTH + sim_below(&sim.random, SIM_DEATH - SIM_BOTH);
    return SIM_BOTH + sim_below(&sim.random, SIM_CALL_END - SIM_BOTH);
}

/* chance_pct: that there is one at all. */
static void choose_faults(unsigned chance_pct)
{
    static const unsigned reach[SIM_PLACES] = {[SIM_CALL] = 90, [SIM_STORE] = 450};

    sim.plan.n = 0;
    while (sim.plan.n < SIM_FAULTS_MAX && sim_below(&sim.random, 100) < chance_pct) {
        enum sim_place place = sim_one_in(&sim.random, 3) ? SIM_STORE : SIM_CALL;
        size_t i = sim.plan.n++;
        sim.plan.rows[i].place = place;
        sim.plan.rows[i].fault = choose_fault(place);
        sim.plan.rows[i].at = (unsigned)sim_below(&sim.random, reach[place]);
    }
}

/* ---- a story ---- */

/* With the faults of sim.plan. */
static void judged_command(struct story *s)
{
    judge_before(s);
    command(s);
    if (!s->died)
        judge_after(s);
}

static void step(struct story *s, unsigned chance_pct)
{
    choose_faults(chance_pct);
    judged_command(s);
}

/* At most one further command, in calm weather: `recover`, or any other that recovers first. */
void story_recover(struct story *s)
{
    sim_sleep((int64_t)sim_below(&sim.random, 2) * SETTLE_MS);
    while (engine.away_until_ms)
        sim_sleep(1000);
    s->verb = RECOVER;
    s->version[0] = '\0';
    step(s, 0);
    sim_sleep(SETTLE_MS); /* what was on its way arrives */
    judge_end(s);
}

int story_play(struct story *s, uint64_t seed)
{
    story_begin(s, seed);
    unsigned steps = 2 + (unsigned)sim_below(&sim.random, STEPS_MAX - 1);
    for (unsigned i = 0; i < steps && !sim.broken[0]; i++) {
        choose_command(s);
        step(s, i == 0 ? 20 : 60);
        if (sim_one_in(&sim.random, 12))
            engine_somebody_acts();
        sim_sleep((int64_t)sim_below(&sim.random, 4) * 1000);
        if (!sim.broken[0] && sim_one_in(&sim.random, 3))
            story_recover(s);
    }
    if (!sim.broken[0])
        story_recover(s);
    return sim.broken[0] ? -1 : 0;
}

/* ---- one command after another ---- */

void story_command(struct story *s, enum verb verb, const char *version, unsigned killed_at)
{
    s->verb = verb;
    (void)snprintf(s->version, sizeof s->version, "%s", version);
    sim.plan.n = killed_at > 0;
    sim.plan.rows[0].place = SIM_CALL;
    sim.plan.rows[0].fault = SIM_CRASH_AFTER;
    sim.plan.rows[0].at = killed_at - 1;
    judged_command(s);
    sim_sleep(2000);
}

/* ---- memory ---- */

int story_play_memory(struct story *s, const struct memory_case *c)
{
    story_begin(s, 3); /* any seed: the same project each time */
    story_command(s, DEPLOY, "v1", 0);
    story_command(s, DEPLOY, "v2", 0);
    s->memory.is_on = true;
    s->memory.kind = c->kind;
    s->memory.at = c->at;
    s->memory.lasts = c->lasts;
    story_command(s, c->verb, c->version, 0);
    s->memory.is_on = false;
    s->memory_died = s->died;
    s->memory_status = s->status;
    for (int i = 0; i < MEMORY_KINDS; i++)
        s->memory_seen[i] = memory_seen((enum memory_kind)i);
    if (!sim.broken[0])
        story_recover(s);
    return sim.broken[0] ? -1 : 0;
}
