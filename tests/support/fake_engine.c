/*
 * The scripted engine's server (contract: fake_engine.h): one thread accepts, one thread per
 * connection reads requests, applies the script, asks the model and writes the answer.
 *
 * Everything shared is behind one lock. Threads that wait (events, followed logs, stalls) look
 * every WAIT_MS whether the test has ended.
 */
#include "support/fake_engine.h"

#include <errno.h>
#include <fnmatch.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/encode.h"
#include "support/fake_model.h"

#define ENDLESS_BLOCK   (16u * 1024)
#define WAIT_MS         2
#define GATHER_MS       20000
#define HEAD_MAX        (64u * 1024)
#define REQUEST_MAX     (32u * 1024 * 1024)
#define CONNECTIONS_MAX 4096
#define CALLS_MAX       65536
#define RULES_MAX       32

struct rule {
    struct fake_rule spec;
    int seen;
};

struct connection {
    struct fake_engine *engine;
    pthread_t thread;
    int fd, number;
    bool closed;
};

struct fake_engine {
    pthread_mutex_t lock;
    pthread_t acceptor;
    int listener;
    bool stopping;
    char dir[64], socket[108], host[128];
    struct connection *connections[CONNECTIONS_MAX];
    int n_connections;
    struct rule rules[RULES_MAX];
    size_t n_rules;
    struct strv texts; /* of all rules ever: a connection may still be sending one */
    struct fake_call *calls[CALLS_MAX];
    size_t n_calls;
    struct model model;
};

/* One request as read. */
struct request {
    char *method, *path, *query, *registry_auth, *authorization, *whole;
    struct buf body;
    int version;
};

static void lock(struct fake_engine *e)
{
    if (pthread_mutex_lock(&e->lock) != 0)
        abort();
}

static void unlock(struct fake_engine *e)
{
    if (pthread_mutex_unlock(&e->lock) != 0)
        abort();
}

static bool stopping(struct fake_engine *e)
{
    lock(e);
    bool yes = e->stopping;
    unlock(e);
    return yes;
}

/* ---- bytes ---- */

static int send_all(int fd, const void *p, size_t len)
{
    const char *at = p;

    while (len > 0) {
        ssize_t n = send(fd, at, len, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return -1;
        at += n;
        len -= (size_t)n;
    }
    return 0;
}

/* Has the other side left? */
static bool is_gone(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN | POLLRDHUP};
    char byte;

    if (poll(&p, 1, WAIT_MS) <= 0)
        return false;
    return (p.revents & (POLLHUP | POLLRDHUP | POLLERR)) ||
           recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

static void idle_until_gone(struct connection *c)
{
    while (!stopping(c->engine) && !is_gone(c->fd))
        ;
}

/* ---- reading requests ---- */

static void request_done(struct request *r)
{
    free(r->method);
    free(r->path);
    free(r->query);
    free(r->registry_auth);
    free(r->authorization);
    free(r->whole);
    buf_done(&r->body);
}

/* Value of a header in the head, heap; "" when absent. */
static char *header_value(const char *head, const char *name)
{
    size_t len = strlen(name);

    for (const char *line = strstr(head, "\r\n"); line; line = strstr(line + 2, "\r\n"))
        if (strncasecmp(line + 2, name, len) == 0 && line[2 + len] == ':') {
            const char *value = line + 3 + len;
            value += strspn(value, " ");
            return xstrndup(value, strcspn(value, "\r"));
        }
    return xstrdup("");
}

static int read_head(int fd, struct buf *head)
{
    char byte;

    while (!str_ends(head->p, "\r\n\r\n")) {
        ssize_t n = recv(fd, &byte, 1, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0 || buf_addc(head, byte) != 0)
            return -1;
    }
    return 0;
}

static int read_body(int fd, size_t len, struct buf *body)
{
    char chunk[65536];

    while (len > 0) {
        ssize_t n = recv(fd, chunk, len < sizeof chunk ? len : sizeof chunk, 0);
        if (n <= 0 || buf_add(body, chunk, (size_t)n) != 0)
            return -1;
        len -= (size_t)n;
    }
    return 0;
}

/* "/v1.41/containers/json?all=1" */
static void split_target(const char *target, struct request *r)
{
    int64_t minor;

    if (str_starts(target, "/v1.")) {
        size_t digits = strspn(target + 4, "0123456789");
        AUTO_FREE char *text = xstrndup(target + 4, digits);
        r->version = str_to_i64(text, &minor) == 0 ? (int)minor : 0;
        target += 4 + digits;
    }
    size_t path = strcspn(target, "?");
    r->whole = xstrdup(target);
    r->path = xstrndup(target, path);
    r->query = xstrdup(target[path] ? target + path + 1 : "");
}

static int read_request(int fd, struct request *r)
{
    AUTO(buf_done) struct buf head = BUF_INIT(HEAD_MAX);
    uint64_t len = 0;

    if (read_head(fd, &head) != 0)
        return -1;
    size_t method = strcspn(head.p, " ");
    const char *target = head.p + method + (head.p[method] == ' ');
    AUTO_FREE char *target_text = xstrndup(target, strcspn(target, " \r"));
    AUTO_FREE char *length = header_value(head.p, "Content-Length");
    r->method = xstrndup(head.p, method);
    r->registry_auth = header_value(head.p, "X-Registry-Auth");
    r->authorization = header_value(head.p, "Authorization");
    split_target(target_text, r);
    buf_init(&r->body, REQUEST_MAX);
    (void)str_to_u64(length, &len);
    return read_body(fd, (size_t)len, &r->body);
}

/* ---- script and record ---- */

static void record(struct connection *c, const struct request *r)
{
    struct fake_engine *e = c->engine;
    struct fake_call *call = xcalloc(1, sizeof *call);

    call->method = xstrdup(r->method);
    call->path = xstrdup(r->whole);
    call->body = xstrdup(r->body.p);
    call->registry_auth = xstrdup(r->registry_auth);
    call->authorization = xstrdup(r->authorization);
    call->version = r->version;
    call->connection = c->number;
    if (e->n_calls == CALLS_MAX)
        abort();
    e->calls[e->n_calls++] = call;
}

/* A star in the beginning stands for any text. */
static bool path_begins(const char *path, const char *beginning)
{
    AUTO_FREE char *pattern = xasprintf("%s*", beginning);

    return fnmatch(pattern, path, 0) == 0;
}

static bool rule_fits(const struct fake_rule *rule, const struct request *r)
{
    return (rule->method == NULL || str_eq(rule->method, r->method)) &&
           (rule->path == NULL || path_begins(r->path, rule->path));
}

/* False when no rule fits. The rule is copied: the test may change the script meanwhile. */
static bool find_rule(struct fake_engine *e, const struct request *r, struct fake_rule *ret)
{
    bool hit = false;

    for (size_t i = 0; i < e->n_rules; i++) {
        struct rule *rule = &e->rules[i];
        if (!rule_fits(&rule->spec, r))
            continue;
        rule->seen++;
        bool is_due = rule->spec.nth == 0 || rule->spec.nth == rule->seen ||
                      (rule->spec.onward && rule->seen > rule->spec.nth);
        if (!hit && is_due) {
            *ret = rule->spec;
            hit = true;
        }
    }
    return hit;
}

/* ---- writing answers ---- */

static const char *reason(int status)
{
    return status < 300 ? "OK" : status < 400 ? "Not Modified" : "Error";
}

static void add_chunked(struct buf *out, const struct buf *body, size_t piece)
{
    for (size_t at = 0; at < body->len; at += piece) {
        size_t n = body->len - at < piece ? body->len - at : piece;
        (void)buf_addf(out, "%zx\r\n", n);
        (void)buf_add(out, body->p + at, n);
        (void)buf_adds(out, "\r\n");
    }
    (void)buf_adds(out, "0\r\n\r\n");
}

static void format_head(const struct fake_engine *e, const struct model_reply *reply,
                        struct buf *out)
{
    (void)buf_addf(out, "HTTP/1.1 %d %s\r\nApi-Version: 1.%d\r\nServer: Docker/fake\r\n",
                   reply->status, reason(reply->status), e->model.api_minor);
    if (reply->status == 204 || reply->status == 304) {
        (void)buf_adds(out, "\r\n");
        return;
    }
    (void)buf_addf(out, "Content-Type: %s\r\n", reply->content_type);
    if (reply->chunked)
        (void)buf_adds(out, "Transfer-Encoding: chunked\r\n\r\n");
    else if (reply->until_close)
        (void)buf_adds(out, "Connection: close\r\n\r\n");
    else
        (void)buf_addf(out, "Content-Length: %zu\r\n\r\n", reply->body.len);
}

static void format_answer(const struct fake_engine *e, const struct request *r,
                          struct model_reply *reply, size_t piece, struct buf *out)
{
    reply->chunked = reply->chunked || piece > 0;
    format_head(e, reply, out);
    if (str_eq(r->method, "HEAD") || reply->status == 204 || reply->status == 304)
        return;
    if (reply->chunked)
        add_chunked(out, &reply->body, piece ? piece : reply->body.len + 1);
    else
        (void)buf_add(out, reply->body.p, reply->body.len);
}

static int send_chunk(int fd, const void *p, size_t len)
{
    char size[24];

    if (len == 0)
        return 0;
    (void)snprintf(size, sizeof size, "%zx\r\n", len);
    if (send_all(fd, size, strlen(size)) != 0 || send_all(fd, p, len) != 0)
        return -1;
    return send_all(fd, "\r\n", 2);
}

/* ---- streams ---- */

/* New text of a stream since *seen; true when the stream is over. Called with the lock held. */
static bool stream_more(struct fake_engine *e, const struct model_reply *reply, size_t *seen,
                        struct buf *out)
{
    model_tick(&e->model, model_now_ms());
    if (reply->stream == STREAM_EVENTS) {
        for (; *seen < e->model.n_events; (*seen)++)
            if (e->model.events[*seen]->at_ms >= reply->since_ms)
                (void)buf_addf(out, "%s\n", e->model.events[*seen]->text);
        return false;
    }
    const struct model_container *c = model_container(&e->model, reply->container);
    if (c == NULL) /* removed meanwhile */
        return true;
    bool runs = str_eq(c->state, "running") || str_eq(c->state, "restarting");
    if (reply->stream == STREAM_LOGS) {
        (void)buf_add(out, c->log.p + *seen, c->log.len - *seen);
        *seen = c->log.len;
    } else if (!runs) {
        (void)buf_addf(out, "{\"StatusCode\":%d}\n", c->exit_code);
    }
    return !runs;
}

/* True when it ended in good order. */
static bool run_stream(struct connection *conn, const struct model_reply *reply)
{
    AUTO(buf_done) struct buf head = BUF_INIT(HEAD_MAX);
    size_t seen = 0;
    bool over = false;

    format_head(conn->engine, reply, &head);
    if (send_all(conn->fd, head.p, head.len) != 0)
        return false;
    while (!over) {
        AUTO(buf_done) struct buf more = BUF_INIT(REQUEST_MAX);
        lock(conn->engine);
        over = stream_more(conn->engine, reply, &seen, &more);
        bool quit = conn->engine->stopping;
        unlock(conn->engine);
        if (send_chunk(conn->fd, more.p, more.len) != 0 || quit || is_gone(conn->fd))
            return false;
    }
    return send_all(conn->fd, "0\r\n\r\n", 5) == 0;
}

/* ---- faults ---- */

static void send_endless(struct connection *c, const struct fake_rule *rule)
{
    static const char head[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n";
    AUTO(buf_done) struct buf block = BUF_INIT(2 * ENDLESS_BLOCK);

    /* In blocks: a reader under load comes to its limit of bytes before that of its time. */
    while (block.len < ENDLESS_BLOCK && buf_adds(&block, rule->body) == 0)
        continue;
    if (send_all(c->fd, head, strlen(head)) != 0)
        return;
    while (!stopping(c->engine))
        if (send_all(c->fd, block.p, block.len) != 0)
            return;
}

/* What a fault does with a formatted answer; true = the connection goes on. */
static bool send_answer(struct connection *c, const struct fake_rule *rule, const struct buf *out)
{
    enum fake_fault fault = rule ? rule->fault : FAKE_DELAY;
    size_t n = rule && rule->n < out->len ? rule->n : out->len;

    switch (fault) {
    case FAKE_CLOSE_AFTER:
        return false;
    case FAKE_CUT:
        (void)send_all(c->fd, out->p, n);
        return false;
    case FAKE_STALL:
        (void)send_all(c->fd, out->p, n);
        idle_until_gone(c);
        return false;
    case FAKE_ANSWER:
    case FAKE_CLOSE_BEFORE:
    case FAKE_RAW:
    case FAKE_ENDLESS:
    case FAKE_DELAY:
    case FAKE_GATHER:
    case FAKE_CHUNKED:
    case FAKE_KILL:
    case FAKE_KILL_AFTER:
    default:
        return send_all(c->fd, out->p, out->len) == 0;
    }
}

static void pause_ms(struct connection *c, int64_t ms)
{
    int64_t until = clock_now_ms(&clock_real) + ms;

    while (clock_now_ms(&clock_real) < until && !stopping(c->engine))
        clock_real.sleep_ms(&clock_real, WAIT_MS);
}

/* The rule becomes an answer of 500 when the others do not come. */
static void gather(struct connection *c, struct fake_rule *rule)
{
    int64_t until = clock_now_ms(&clock_real) + GATHER_MS;

    while (fake_engine_count(c->engine, rule->method, rule->path) < rule->n &&
           !stopping(c->engine)) {
        if (clock_now_ms(&clock_real) > until) {
            *rule = (struct fake_rule){.fault = FAKE_ANSWER,
                                       .status = 500,
                                       .body = "{\"message\":\"no other call came\"}"};
            return;
        }
        clock_real.sleep_ms(&clock_real, WAIT_MS);
    }
}

/* ---- a connection ---- */

/* Faults that never reach the model; true = handled, *ret_go says whether to go on. */
static bool fault_instead(struct connection *c, const struct fake_rule *rule)
{
    if (rule == NULL)
        return false;
    if (rule->fault == FAKE_RAW)
        (void)send_all(c->fd, rule->body, rule->n ? rule->n : strlen(rule->body));
    else if (rule->fault == FAKE_ENDLESS)
        send_endless(c, rule);
    else if (rule->fault != FAKE_CLOSE_BEFORE)
        return false;
    return true;
}

static void ask_model(struct fake_engine *e, const struct request *r, const struct fake_rule *rule,
                      struct model_reply *reply)
{
    struct model_request req = {
        .method = r->method, .path = r->path, .query = r->query, .body = r->body.p};

    if (rule && rule->fault == FAKE_ANSWER) {
        buf_init(&reply->body, REQUEST_MAX);
        reply->status = rule->status;
        reply->content_type = rule->content_type ? rule->content_type : "application/json";
        (void)buf_adds(&reply->body, rule->body ? rule->body : "");
        return;
    }
    model_tick(&e->model, model_now_ms());
    if (r->version > e->model.api_minor) {
        buf_init(&reply->body, REQUEST_MAX);
        reply->content_type = "application/json";
        model_refuse(reply, 400,
                     "client version 1.%d is too new. Maximum supported API version is 1.%d",
                     r->version, e->model.api_minor);
        return;
    }
    model_answer(&e->model, &req, reply);
}

/* One request; true = the connection goes on. */
static bool serve(struct connection *c, const struct request *r)
{
    struct fake_engine *e = c->engine;
    struct model_reply reply = {0};
    struct fake_rule found;
    struct buf out = BUF_INIT(2 * REQUEST_MAX);

    lock(e);
    record(c, r);
    const struct fake_rule *rule = find_rule(e, r, &found) ? &found : NULL;
    unlock(e);
    if (fault_instead(c, rule))
        return false;
    if (rule && rule->fault == FAKE_DELAY)
        pause_ms(c, (int64_t)rule->n);
    if (rule && rule->fault == FAKE_GATHER)
        gather(c, &found);
    if (rule && rule->fault == FAKE_KILL)
        (void)kill((pid_t)rule->n, rule->status ? rule->status : SIGKILL);
    lock(e);
    ask_model(e, r, rule, &reply);
    unlock(e);
    if (reply.delay_ms)
        pause_ms(c, reply.delay_ms);
    bool go_on = false;
    bool as_usual = rule == NULL || rule->fault == FAKE_DELAY || rule->fault == FAKE_GATHER ||
                    rule->fault == FAKE_KILL;
    if (reply.stream != STREAM_NONE && as_usual) {
        go_on = run_stream(c, &reply);
    } else {
        format_answer(e, r, &reply, rule && rule->fault == FAKE_CHUNKED ? rule->n : 0, &out);
        go_on = send_answer(c, rule, &out) && !reply.until_close;
    }
    if (rule && rule->fault == FAKE_KILL_AFTER)
        (void)kill((pid_t)rule->n, rule->status ? rule->status : SIGKILL);
    buf_done(&reply.body);
    buf_done(&out);
    return go_on;
}

static void *connection_main(void *arg)
{
    struct connection *c = arg;
    bool go_on = true;

    while (go_on) {
        struct request r = {0};
        go_on = read_request(c->fd, &r) == 0 && serve(c, &r);
        request_done(&r);
    }
    (void)shutdown(c->fd, SHUT_RDWR);
    lock(c->engine);
    c->closed = true;
    unlock(c->engine);
    return NULL;
}

static void *accept_main(void *arg)
{
    struct fake_engine *e = arg;

    for (;;) {
        int fd = accept4(e->listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0)
            return NULL; /* the listener was shut down */
        struct connection *c = xcalloc(1, sizeof *c);
        c->engine = e;
        c->fd = fd;
        lock(e);
        c->number = e->n_connections;
        if (e->n_connections == CONNECTIONS_MAX)
            abort();
        e->connections[e->n_connections++] = c;
        unlock(e);
        if (pthread_create(&c->thread, NULL, connection_main, c) != 0)
            abort();
    }
}

/* ---- life cycle ---- */

struct fake_engine *fake_engine_start(int api_minor)
{
    struct fake_engine *e = xcalloc(1, sizeof *e);
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    (void)snprintf(e->dir, sizeof e->dir, "/tmp/fake-engine-XXXXXX");
    if (mkdtemp(e->dir) == NULL)
        abort();
    (void)snprintf(e->socket, sizeof e->socket, "%s/docker.sock", e->dir);
    (void)snprintf(e->host, sizeof e->host, "unix://%s", e->socket);
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", e->socket);
    model_init(&e->model, api_minor);
    e->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (e->listener < 0 ||
        bind(e->listener, (const struct sockaddr *)&address, sizeof address) != 0 ||
        listen(e->listener, 64) != 0 || pthread_mutex_init(&e->lock, NULL) != 0 ||
        pthread_create(&e->acceptor, NULL, accept_main, e) != 0)
        abort();
    return e;
}

static void call_free(struct fake_call *call)
{
    const char *const owned[] = {call->method, call->path, call->body, call->registry_auth,
                                 call->authorization};

    for (size_t i = 0; i < ARRAY_LEN(owned); i++)
        free((void *)(uintptr_t)owned[i]);
    free(call);
}

void fake_engine_stop(struct fake_engine *e)
{
    if (e == NULL)
        return;
    lock(e);
    e->stopping = true;
    unlock(e);
    (void)shutdown(e->listener, SHUT_RDWR);
    (void)pthread_join(e->acceptor, NULL);
    for (int i = 0; i < e->n_connections; i++) {
        (void)shutdown(e->connections[i]->fd, SHUT_RDWR);
        (void)pthread_join(e->connections[i]->thread, NULL);
        (void)close(e->connections[i]->fd);
        free(e->connections[i]);
    }
    (void)close(e->listener);
    (void)unlink(e->socket);
    (void)rmdir(e->dir);
    for (size_t i = 0; i < e->n_calls; i++)
        call_free(e->calls[i]);
    model_done(&e->model);
    strv_done(&e->texts);
    (void)pthread_mutex_destroy(&e->lock);
    free(e);
}

const char *fake_engine_host(const struct fake_engine *e)
{
    return e->host;
}

/* ---- describing ---- */

const char *fake_engine_image(struct fake_engine *e, const struct fake_image *spec)
{
    lock(e);
    const char *digest = model_add_image(&e->model, spec)->digest;
    unlock(e);
    return digest;
}

void fake_engine_exec(struct fake_engine *e, const char *program, int exit_code, const char *output)
{
    struct model_exec *x = xcalloc(1, sizeof *x);

    x->id = xstrdup(program);
    x->exit_code = exit_code;
    x->output = xstrdup(output);
    lock(e);
    if (e->model.n_programs == MODEL_MAX)
        abort();
    e->model.programs[e->model.n_programs++] = x;
    unlock(e);
}

/* A copy of len bytes (0 = a string) that lives as long as the engine. */
static const char *keep_text(struct fake_engine *e, const char *text, size_t len)
{
    if (text == NULL)
        return NULL;
    size_t size = len ? len : strlen(text) + 1;
    char *copy = memcpy(xmalloc(size), text, size);
    strv_take(&e->texts, copy);
    return copy;
}

void fake_engine_script(struct fake_engine *e, const struct fake_rule *rule)
{
    lock(e);
    if (e->n_rules == RULES_MAX)
        abort();
    struct fake_rule own = *rule;
    own.method = keep_text(e, rule->method, 0);
    own.path = keep_text(e, rule->path, 0);
    own.body = keep_text(e, rule->body, rule->fault == FAKE_RAW ? rule->n : 0);
    own.content_type = keep_text(e, rule->content_type, 0);
    e->rules[e->n_rules++] = (struct rule){.spec = own};
    unlock(e);
}

void fake_engine_unscript(struct fake_engine *e)
{
    lock(e);
    e->n_rules = 0;
    unlock(e);
}

/* ---- looking ---- */

size_t fake_engine_calls(struct fake_engine *e)
{
    lock(e);
    size_t n = e->n_calls;
    unlock(e);
    return n;
}

const struct fake_call *fake_engine_call(struct fake_engine *e, size_t i)
{
    lock(e);
    const struct fake_call *call = i < e->n_calls ? e->calls[i] : NULL;
    unlock(e);
    return call;
}

size_t fake_engine_count(struct fake_engine *e, const char *method, const char *path)
{
    size_t n = 0;

    lock(e);
    for (size_t i = 0; i < e->n_calls; i++)
        n += str_eq(e->calls[i]->method, method) && str_starts(e->calls[i]->path, path);
    unlock(e);
    return n;
}

int fake_engine_open_connections(struct fake_engine *e)
{
    int n = 0;

    lock(e);
    for (int i = 0; i < e->n_connections; i++)
        n += !e->connections[i]->closed;
    unlock(e);
    return n;
}

const char *fake_engine_state(struct fake_engine *e, const char *name)
{
    lock(e);
    model_tick(&e->model, model_now_ms());
    const struct model_container *c = model_container(&e->model, name);
    const char *state = c ? c->state : "";
    unlock(e);
    return state;
}

static int by_name(const void *a, const void *b)
{
    const struct model_container *const *x = a, *const *y = b;

    return strcmp((*x)->name, (*y)->name);
}

char *fake_engine_summary(struct fake_engine *e)
{
    struct buf out = BUF_INIT(REQUEST_MAX);

    lock(e);
    model_tick(&e->model, model_now_ms());
    /* Arrays of pointers: NOLINTBEGIN(bugprone-sizeof-expression) */
    struct model_container **sorted = xcalloc(e->model.n_containers + 1, sizeof *sorted);
    for (size_t i = 0; i < e->model.n_containers; i++)
        sorted[i] = e->model.containers[i];
    qsort(sorted, e->model.n_containers, sizeof *sorted, by_name);
    /* NOLINTEND(bugprone-sizeof-expression) */
    for (size_t i = 0; i < e->model.n_containers; i++)
        (void)buf_addf(&out, "%s %s %s %s\n", sorted[i]->name, sorted[i]->state,
                       json_str_or(sorted[i]->body, "HostConfig.RestartPolicy.Name", "-"),
                       json_str_or(sorted[i]->body, "Image", ""));
    unlock(e);
    free(sorted);
    return out.p && out.len ? buf_steal(&out) : xstrdup("");
}

char *fake_engine_inspect(struct fake_engine *e, const char *name)
{
    char *text = NULL;

    lock(e);
    model_tick(&e->model, model_now_ms());
    const struct model_container *c = model_container(&e->model, name);
    if (c) {
        AUTO_PTR(json_free) struct json *doc = model_inspect(&e->model, c);
        text = json_print(doc);
    }
    unlock(e);
    return text;
}

void fake_engine_break_start(struct fake_engine *e, const char *repository, const char *tag,
                             const char *start_error)
{
    lock(e);
    for (size_t i = 0; i < e->model.n_images; i++) {
        struct model_image *image = e->model.images[i];
        if (!str_eq(image->repository, repository) || !str_eq(image->tag, tag))
            continue;
        free(image->start_error);
        image->start_error = xstrdup_or_null(start_error);
        image->spec.start_error = image->start_error;
    }
    unlock(e);
}

void fake_engine_kill(struct fake_engine *e, const char *name, int exit_code)
{
    lock(e);
    struct model_container *c = model_container(&e->model, name);
    if (c && str_eq(c->state, "running"))
        model_container_end(&e->model, c, exit_code);
    unlock(e);
}

void fake_engine_halt(struct fake_engine *e, const char *name)
{
    lock(e);
    struct model_container *c = model_container(&e->model, name);
    if (c) {
        c->stopped_by_user = true;
        model_container_end(&e->model, c, 0);
    }
    unlock(e);
}

void fake_engine_rename(struct fake_engine *e, const char *name, const char *to)
{
    lock(e);
    struct model_container *c = model_container(&e->model, name);
    if (c) {
        free(c->name);
        c->name = xstrdup(to);
    }
    unlock(e);
}

void fake_engine_vanish(struct fake_engine *e, const char *name)
{
    lock(e);
    struct model_container *c = model_container(&e->model, name);
    if (c)
        model_container_drop(&e->model, c);
    unlock(e);
}

void fake_engine_log(struct fake_engine *e, const char *name, const char *text)
{
    lock(e);
    struct model_container *c = model_container(&e->model, name);
    if (c)
        model_log(c, text);
    unlock(e);
}
