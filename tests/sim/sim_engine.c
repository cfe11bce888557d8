/* The simulated engine and the transfers to it: see sim_engine.h. */
#include "sim/sim_engine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/proc.h"
#include "net/transfer.h"
#include "sim/sim.h"
#include "sim/sim_secrets.h"

#define BODY_MAX    (32u * 1024 * 1024)
#define LATE_MAX    16
#define STREAM_STEP 20
#define CALL_MS     2 /* what an answer takes at least */

struct engine engine;

/* ---- containers ---- */

const char *engine_service(const struct model_container *c)
{
    return json_value_str(json_get(json_get(c->body, "Labels"), "com.docker.compose.service"));
}

bool engine_runs(const struct model_container *c)
{
    return str_eq(c->state, "running");
}

bool engine_is_good(const struct model_container *c)
{
    return c->image->tag && c->image->tag[0] == 'v';
}

static bool can_serve(const struct model_container *c)
{
    return engine_is_good(c) && c->started_ms > 0;
}

/* Something that has run can still run, for each service that gets the version. */
static void watch_runnable(const char *what)
{
    bool app = false;

    if (!engine.has_served || engine.is_tampered)
        return;
    for (size_t i = 0; i < engine.model.n_containers; i++) {
        const struct model_container *c = engine.model.containers[i];
        app = app || (str_eq(engine_service(c), "app") && can_serve(c));
    }
    if (!app)
        sim_break("I3: nothing that could serve is left after %s", what);
}

/* Unattended recovery starts only what has run before. */
static void watch_start(const struct model_request *req)
{
    const char *id = req->path + strlen("/containers/");

    if (!engine.recovery || engine.is_tampered || !str_ends(req->path, "/start") ||
        !str_starts(req->path, "/containers/"))
        return;
    AUTO_FREE char *name = xstrndup(id, strcspn(id, "/"));
    const struct model_container *c = model_container(&engine.model, name);
    if (c && c->started_ms == 0)
        sim_break("%s starts '%s', which never ran", engine.recovery, c->name);
}

/* ---- the request ---- */

struct request {
    char *method, *path, *query, *body;
};

static void request_done(struct request *r)
{
    free(r->method);
    free(r->path);
    free(r->query);
    free(r->body);
    *r = (struct request){0};
}

/* "http://localhost/v1.41/containers/json?all=1" */
static void request_of(const struct transfer_request *req, struct request *ret)
{
    const char *path = strchr(req->url + strlen("http://"), '/');

    if (str_starts(path, "/v1."))
        path = strchr(path + 1, '/');
    size_t len = strcspn(path, "?");
    *ret = (struct request){.method = xstrdup(req->method),
                            .path = xstrndup(path, len),
                            .query = xstrdup(path[len] ? path + len + 1 : ""),
                            .body = xstrndup(req->body ? req->body : "", req->body_len)};
}

static void answer(const struct request *r, struct model_reply *reply)
{
    struct model_request req = {
        .method = r->method, .path = r->path, .query = r->query, .body = r->body};
    bool reads = str_eq(r->method, "GET") || str_eq(r->method, "HEAD");

    watch_start(&req);
    model_answer(&engine.model, &req, reply);
    if (reads)
        return;
    sim_note(r->method);
    sim_note(r->path);
    sim_say("%s %.60s%s%.40s -> %d", r->method, r->path, *r->query ? "?" : "", r->query,
            reply->status);
    watch_runnable(r->path);
}

/* ---- effects that come late ---- */

static struct {
    int64_t at_ms;
    struct request request;
} late[LATE_MAX];
static size_t n_late;

static void do_late(const struct request *r, int64_t in_ms)
{
    if (n_late == LATE_MAX)
        return;
    late[n_late].at_ms = sim.now_ms + in_ms;
    late[n_late++].request =
        (struct request){xstrdup(r->method), xstrdup(r->path), xstrdup(r->query), xstrdup(r->body)};
}

static void late_tick(void)
{
    for (size_t i = 0; i < n_late;) {
        if (late[i].at_ms > sim.now_ms) {
            i++;
            continue;
        }
        struct request r = late[i].request;
        late[i] = late[--n_late];
        struct model_reply reply = {0};
        sim_say("(late)");
        answer(&r, &reply);
        buf_done(&reply.body);
        request_done(&r);
    }
}

/* ---- restarts of engine and host ---- */

static bool starts_at_boot(const struct model_container *c, bool was_up)
{
    const char *policy = json_str_or(c->body, "HostConfig.RestartPolicy.Name", "");

    if (c->started_ms == 0)
        return false;
    if (str_eq(policy, "always"))
        return true;
    if (str_eq(policy, "on-failure"))
        return was_up;
    return str_eq(policy, "unless-stopped") && was_up && !c->stopped_by_user;
}

/* Everything ends; what was up is remembered in exit_code and finished_ms. */
static void all_end(void)
{
    engine.is_moved = true;
    for (size_t i = 0; i < engine.model.n_containers; i++) {
        struct model_container *c = engine.model.containers[i];
        if (!engine_runs(c) && !str_eq(c->state, "restarting"))
            continue;
        if (!starts_at_boot(c, true))
            engine.is_tampered = true; /* as its owner wanted: nobody starts it again */
        c->state = "exited";
        c->exit_code = 137;
        c->finished_ms = -1; /* was up */
        c->stop_at_ms = 0;
    }
}

static void come_back(void)
{
    for (size_t i = 0; i < engine.model.n_containers; i++) {
        struct model_container *c = engine.model.containers[i];
        bool was_up = c->finished_ms < 0;
        if (was_up)
            c->finished_ms = model_now_ms();
        if (!engine_runs(c) && starts_at_boot(c, was_up) && !c->image->start_error)
            model_container_start(&engine.model, c);
    }
    sim_say("engine is back");
}

static void go_away(int64_t ms, bool restarts)
{
    engine.away_until_ms = sim.now_ms + ms;
    engine.comes_back = engine.comes_back || restarts;
    if (restarts)
        all_end();
}

void engine_tick(void)
{
    model_tick(&engine.model, model_now_ms());
    late_tick();
    if (engine.away_until_ms == 0 || engine.away_until_ms > sim.now_ms)
        return;
    engine.away_until_ms = 0;
    if (engine.comes_back)
        come_back();
    engine.comes_back = false;
}

void engine_crash(bool is_power)
{
    if (is_power)
        go_away(1000, true);
}

/* ---- somebody else ---- */

static struct model_container *any_container(void)
{
    struct model *m = &engine.model;

    return m->n_containers ? m->containers[sim_below(&sim.random, m->n_containers)] : NULL;
}

static void a_container_dies(void)
{
    struct model_container *c = any_container();

    if (c == NULL || !engine_runs(c))
        return;
    sim_say("container '%s' dies", c->name);
    engine.is_tampered = true;
    model_container_end(&engine.model, c, 137);
}

void engine_somebody_acts(void)
{
    struct model_container *c = any_container();

    if (c == NULL)
        return;
    engine.is_tampered = true;
    sim_say("somebody acts on '%s'", c->name);
    struct model_reply reply = {0};
    struct request r = {.query = xstrdup("force=1"), .body = xstrdup("")};
    switch (sim_below(&sim.random, 5)) {
    case 0:
        r.method = xstrdup("DELETE");
        r.path = xasprintf("/containers/%s", c->id);
        break;
    case 1:
        r.method = xstrdup("POST");
        r.path = xasprintf("/containers/%s/rename", c->id);
        free(r.query);
        r.query = xasprintf("name=other-%s", c->name);
        break;
    case 2:
        r.method = xstrdup("POST");
        r.path = xasprintf("/containers/%s/start", c->id);
        break;
    default:
        r.method = xstrdup("POST");
        r.path = xasprintf("/containers/%s/stop", c->id);
        break;
    }
    const char *recovery = engine.recovery;
    engine.recovery = NULL;
    answer(&r, &reply);
    engine.recovery = recovery;
    buf_done(&reply.body);
    request_done(&r);
}

/* ---- programs ---- */

/* There are none: what the machine has installed must not change a story. */
int __wrap_proc_run(const struct proc_spec *spec, struct proc_result *ret, struct ship_error *err);

int __wrap_proc_run(const struct proc_spec *spec, struct proc_result *ret, struct ship_error *err)
{
    *ret = (struct proc_result){0};
    return ship_fail(err, SHIP_NOT_FOUND, "program '%s' not found", spec->argv[0]);
}

/* ---- one transfer ---- */

struct transfer {
    const struct clock *clock;
    const struct transfer_request *req; /* the stream under way, or NULL */
    struct model_reply stream;
    size_t seen;
    int status;
    bool yields;
};

struct transfer *__wrap_transfer_new(const struct clock *clock);
void __wrap_transfer_use_clock(struct transfer *t, const struct clock *clock);
void __wrap_transfer_free(struct transfer *t);
void __wrap_transfer_begin(struct transfer *t, const struct transfer_request *req);
bool __wrap_transfer_step(struct transfer *t, int64_t until_ms, struct transfer_result *ret);
void __wrap_transfer_yield(struct transfer *t);
void __wrap_transfer_cancel(struct transfer *t);
void __wrap_transfer_run(struct transfer *t, const struct transfer_request *req,
                         struct transfer_result *ret);
int __wrap_transfer_status(const struct transfer *t);

struct transfer *__wrap_transfer_new(const struct clock *clock)
{
    struct transfer *t = xcalloc(1, sizeof *t);

    t->clock = clock;
    return t;
}

void __wrap_transfer_use_clock(struct transfer *t, const struct clock *clock)
{
    t->clock = clock;
}

void __wrap_transfer_cancel(struct transfer *t)
{
    if (t->req)
        buf_done(&t->stream.body);
    t->req = NULL;
}

void __wrap_transfer_free(struct transfer *t)
{
    if (t)
        __wrap_transfer_cancel(t);
    free(t);
}

void __wrap_transfer_yield(struct transfer *t)
{
    t->yields = true;
}

int __wrap_transfer_status(const struct transfer *t)
{
    return t->status;
}

static bool is_away(void)
{
    return sim.is_dead || engine.away_until_ms > sim.now_ms;
}

static void no_connection(struct transfer_result *ret)
{
    *ret = (struct transfer_result){.fault = TRANSFER_CONNECT, .sys_errno = ECONNREFUSED};
}

static void lost(struct transfer_result *ret)
{
    *ret = (struct transfer_result){.fault = TRANSFER_LOST, .sent = true};
}

/* Until its deadline, a stop signal, or for ms. */
static enum transfer_fault wait(const struct transfer *t, const struct transfer_request *req,
                                int64_t ms)
{
    int64_t end = sim.now_ms + ms;

    while (sim.now_ms < end) {
        if ((req->flags & TRANSFER_INTERRUPTIBLE) && clock_stop_signal(t->clock))
            return TRANSFER_STOPPED;
        if (sim.now_ms >= req->deadline_ms)
            return TRANSFER_TIMEOUT;
        sim_sleep(end - sim.now_ms < 100 ? end - sim.now_ms : 100);
    }
    return TRANSFER_OK;
}

/* The process works on what it gets. */
static int hand_over(const struct transfer_request *req, const char *p, size_t len)
{
    int depth = sim.depth;

    sim.depth = 0;
    int rc = req->on_body(req->ctx, p, len);
    sim.depth = depth;
    return rc;
}

/* Head and body to the sinks. */
static void deliver(struct transfer *t, const struct transfer_request *req,
                    const struct model_reply *reply, size_t len, struct transfer_result *ret)
{
    *ret = (struct transfer_result){
        .fault = TRANSFER_OK, .status = reply->status, .sent = true, .body_bytes = len};
    t->status = reply->status;
    if (req->on_header) {
        req->on_header(req->ctx, "Api-Version", "1.41");
        req->on_header(req->ctx, "Content-Type", reply->content_type);
    }
    if (len && req->on_body && hand_over(req, reply->body.p, len) != 0)
        ret->fault = TRANSFER_ABORTED;
}

/* ---- streams ---- */

/* What a stream says now; true = it is over. */
static bool stream_more(struct transfer *t, const struct model_reply *reply, struct buf *out)
{
    const struct model *m = &engine.model;

    if (reply->stream == STREAM_EVENTS) {
        for (; t->seen < m->n_events; t->seen++)
            if (m->events[t->seen]->at_ms >= reply->since_ms)
                (void)buf_addf(out, "%s\n", m->events[t->seen]->text);
        return false;
    }
    const struct model_container *c = model_container(&engine.model, reply->container);
    if (c == NULL)
        return true;
    bool runs = engine_runs(c) || str_eq(c->state, "restarting");
    if (reply->stream == STREAM_LOGS) {
        (void)buf_add(out, c->log.p + t->seen, c->log.len - t->seen);
        t->seen = c->log.len;
    } else if (!runs) {
        (void)buf_addf(out, "{\"StatusCode\":%d}\n", c->exit_code);
    }
    return !runs;
}

/* One piece of a stream; true = it ended, *ret says how. */
static bool stream_step(struct transfer *t, const struct transfer_request *req,
                        const struct model_reply *reply, int64_t until_ms,
                        struct transfer_result *ret)
{
    t->yields = false;
    for (;;) {
        AUTO(buf_done) struct buf more = BUF_INIT(BODY_MAX);
        *ret = (struct transfer_result){.status = reply->status, .sent = true};
        if (is_away()) {
            ret->fault = TRANSFER_LOST;
            return true;
        }
        bool over = stream_more(t, reply, &more);
        t->status = reply->status;
        if (more.len && hand_over(req, more.p, more.len) != 0)
            ret->fault = TRANSFER_ABORTED;
        if (over || ret->fault != TRANSFER_OK)
            return true;
        if (t->yields || sim.now_ms >= until_ms)
            return false;
        ret->fault = wait(t, req, clock_earlier(STREAM_STEP, until_ms - sim.now_ms));
        if (ret->fault != TRANSFER_OK)
            return true;
    }
}

/* ---- a call with its fault ---- */

static void reply_done(struct model_reply *reply)
{
    buf_done(&reply->body);
    *reply = (struct model_reply){0};
}

static void refuse(const struct request *r, struct model_reply *reply)
{
    static const int statuses[] = {500, 503, 409};
    bool reads = str_eq(r->method, "GET") || str_eq(r->method, "HEAD");
    int status = statuses[sim_below(&sim.random, reads ? 2 : 3)];

    buf_init(&reply->body, BODY_MAX);
    reply->content_type = "application/json";
    model_refuse(reply, status, "scripted failure %d with " SIM_SECRET_NAME "=" SIM_SECRET, status);
}

/* Before the engine sees the request; true = it is over, *ret says how. */
static bool fault_before(struct transfer *t, const struct transfer_request *req,
                         const struct request *r, enum sim_fault fault, struct transfer_result *ret)
{
    switch ((int)fault) {
    case SIM_CRASH:
    case SIM_POWER:
        sim_crash(fault == SIM_POWER);
        break;
    case SIM_AWAY:
    case SIM_RESTART:
        go_away((int64_t)sim_below(&sim.random, 90000), fault == SIM_RESTART);
        break;
    case SIM_LATE:
        do_late(r, (int64_t)sim_below(&sim.random, 3000));
        lost(ret);
        return true;
    case SIM_LOST_REQUEST:
        lost(ret);
        return true;
    case SIM_HANG:
        ret->sent = true;
        ret->fault = wait(t, req, clock_left_ms(t->clock, req->deadline_ms) + 1000);
        return true;
    case SIM_SIGNAL:
        sim.stop = SIGINT;
        break;
    case SIM_DEATH:
        a_container_dies();
        break;
    case SIM_ACTOR:
        engine_somebody_acts();
        break;
    default:
        break;
    }
    if (!is_away())
        return false;
    if (fault == SIM_AWAY || fault == SIM_RESTART)
        lost(ret); /* the connection was there */
    else
        no_connection(ret);
    return true;
}

/* It was done; does the answer arrive? true = no, *ret says why. */
static bool fault_after(struct transfer *t, const struct transfer_request *req,
                        enum sim_fault fault, struct transfer_result *ret)
{
    switch ((int)fault) {
    case SIM_CRASH_AFTER:
    case SIM_POWER_AFTER:
        sim_crash(fault == SIM_POWER_AFTER);
        lost(ret);
        return true;
    case SIM_LOST_REPLY:
        lost(ret);
        return true;
    case SIM_HANG_LATE:
        ret->sent = true;
        ret->fault = wait(t, req, clock_left_ms(t->clock, req->deadline_ms) + 1000);
        return true;
    case SIM_SLOW:
        ret->sent = true;
        ret->fault = wait(t, req, (int64_t)sim_below(&sim.random, 20000));
        return ret->fault != TRANSFER_OK;
    default:
        return false;
    }
}

static void finish_call(struct transfer *t, const struct transfer_request *req,
                        struct model_reply *reply, enum sim_fault fault,
                        struct transfer_result *ret)
{
    size_t len = reply->body.len;

    if (fault == SIM_GARBAGE) {
        buf_reset(&reply->body);
        (void)buf_adds(&reply->body, "\x16\x03{garbage");
        reply->status = reply->status < 300 && reply->status != 204 ? reply->status : 200;
        len = reply->body.len;
    }
    if (fault == SIM_TRUNCATED)
        len /= 2;
    if (reply->status == 204 || reply->status == 304)
        len = 0;
    deliver(t, req, reply, len, ret);
    if (fault == SIM_TRUNCATED && ret->fault == TRANSFER_OK)
        ret->fault = TRANSFER_LOST;
}

/* *reply is left for a stream that goes on; otherwise *ret says how it ended. */
static void call(struct transfer *t, const struct transfer_request *req, struct model_reply *reply,
                 struct transfer_result *ret)
{
    AUTO(request_done) struct request r = {0};
    enum sim_fault fault = sim_fault(SIM_CALL);

    *ret = (struct transfer_result){0};
    t->status = 0;
    sim_sleep(sim.is_dead ? 0 : CALL_MS);
    request_of(req, &r);
    if (sim.is_dead) {
        no_connection(ret);
        return;
    }
    if (fault_before(t, req, &r, fault, ret))
        return;
    if (fault == SIM_REFUSED)
        refuse(&r, reply);
    else
        answer(&r, reply);
    if (reply->delay_ms)
        ret->fault = wait(t, req, reply->delay_ms);
    if (ret->fault != TRANSFER_OK || fault_after(t, req, fault, ret)) {
        ret->sent = true;
        reply_done(reply);
        return;
    }
    if (reply->stream == STREAM_NONE || reply->status != 200)
        finish_call(t, req, reply, fault, ret);
}

static void run(struct transfer *t, const struct transfer_request *req, struct transfer_result *ret)
{
    AUTO(reply_done) struct model_reply reply = {0};

    call(t, req, &reply, ret);
    if (reply.stream == STREAM_NONE || reply.status != 200 || ret->fault != TRANSFER_OK)
        return;
    t->seen = 0;
    deliver(t, req, &reply, 0, ret);
    while (!stream_step(t, req, &reply, req->deadline_ms, ret))
        if (sim.now_ms >= req->deadline_ms) {
            ret->fault = TRANSFER_TIMEOUT;
            return;
        }
}

void __wrap_transfer_run(struct transfer *t, const struct transfer_request *req,
                         struct transfer_result *ret)
{
    int64_t begin = sim.now_ms;

    __wrap_transfer_cancel(t);
    sim.depth++;
    run(t, req, ret);
    sim.depth--;
    ret->elapsed_ms = sim.now_ms - begin;
    (void)snprintf(ret->detail, sizeof ret->detail, "%s",
                   ret->fault == TRANSFER_LOST ? "simulated" : "");
}

void __wrap_transfer_begin(struct transfer *t, const struct transfer_request *req)
{
    struct transfer_result ignored;

    __wrap_transfer_cancel(t);
    t->stream = (struct model_reply){0};
    t->seen = 0;
    sim.depth++;
    call(t, req, &t->stream, &ignored);
    sim.depth--;
    if (t->stream.stream != STREAM_NONE && ignored.fault == TRANSFER_OK)
        t->req = req;
    else
        reply_done(&t->stream);
}

bool __wrap_transfer_step(struct transfer *t, int64_t until_ms, struct transfer_result *ret)
{
    if (t->req == NULL) {
        lost(ret);
        return true;
    }
    sim.depth++;
    bool is_over = stream_step(t, t->req, &t->stream, until_ms, ret);
    sim.depth--;
    if (!is_over)
        return false;
    __wrap_transfer_cancel(t);
    return true;
}

/* ---- life cycle ---- */

void engine_forget(void)
{
    model_forget_events(&engine.model);
}

void engine_done(void)
{
    for (; n_late; n_late--)
        request_done(&late[n_late - 1].request);
    model_done(&engine.model);
}

void engine_reset(void)
{
    engine_done();
    engine = (struct engine){0};
    model_init(&engine.model, 41);
}
