/*
 * Engine API client (contract: client.h): version negotiation, calls, retries, error texts.
 *
 * Order of a call: negotiate once, send, and when the engine says that it does not speak our
 * version (it was exchanged under us) negotiate and send once more. A GET that lost its connection
 * is sent again; a call that changes something never is: its outcome is then unknown.
 */
#include "docker/client.h"

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/alloc.h"
#include "docker/image.h"

#define RETRY_PAUSE_MS 50

struct docker_client {
    const struct clock *clock;
    char *socket;
    struct transfer *transfer;
    struct docker_auth *auth;
    struct redact *redact; /* borrowed; may be NULL */
    int api_minor;
    int64_t limit_ms; /* of all calls; 0 = none */
    bool unknown;
    int64_t last_change_ms;
};

/* One call on its way: what the sinks of the transfer need. */
struct exchange {
    struct docker_client *client;
    const struct docker_call *call;
    struct docker_answer *answer;
    int ping_minor; /* from the Api-Version header; 0 = absent */
};

/* ---- life cycle ---- */

static char *socket_of_host(const char *host, struct ship_error *err)
{
    static const char scheme[] = "unix://";

    if (!str_starts(host, scheme) || host[strlen(scheme)] != '/') {
        ship_fail(err, SHIP_INVALID, "engine address '%s' is not of the form unix:///path", host);
        ship_error_hint(err, "shipctl runs on the engine's machine: unset DOCKER_HOST or set it "
                             "to " DOCKER_HOST_DEFAULT);
        return NULL;
    }
    const char *path = host + strlen(scheme);
    if (strlen(path) > DOCKER_SOCKET_MAX) {
        ship_fail(err, SHIP_INVALID, "engine socket path '%s' is longer than %d bytes", path,
                  DOCKER_SOCKET_MAX);
        return NULL;
    }
    return xstrdup(path);
}

struct docker_client *docker_client_new(const char *host, const char *config_dir,
                                        const struct clock *clock, struct ship_error *err)
{
    char *path = socket_of_host(host ? host : DOCKER_HOST_DEFAULT, err);

    if (path == NULL)
        return NULL;
    struct docker_client *c = xcalloc(1, sizeof *c);
    c->clock = clock;
    c->socket = path;
    c->transfer = transfer_new(clock);
    c->auth = docker_auth_new(config_dir, clock);
    return c;
}

void docker_client_free(struct docker_client *c)
{
    if (c == NULL)
        return;
    transfer_free(c->transfer);
    docker_auth_free(c->auth);
    free(c->socket);
    free(c);
}

void docker_answer_done(struct docker_answer *a)
{
    buf_done(&a->body);
    *a = (struct docker_answer){0};
}

/* ---- why there is no connection ---- */

/* libcurl does not always keep errno of a UNIX socket: ask the kernel again. */
static int connect_errno(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    AUTO_FD int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof address) == 0)
        return 0;
    return errno;
}

static int fail_denied(const char *path, struct ship_error *err)
{
    struct stat st;
    const struct group *group = stat(path, &st) == 0 ? getgrgid(st.st_gid) : NULL;

    if (group == NULL || st.st_gid == 0 || !(st.st_mode & S_IWGRP)) {
        ship_fail(err, SHIP_UNREACHABLE, "no permission to use the engine socket '%s'", path);
        return ship_error_hint(err, "run it with sudo");
    }
    ship_fail(err, SHIP_UNREACHABLE,
              "no permission to use the engine socket '%s': it belongs to group '%s'", path,
              group->gr_name);
    return ship_error_hint(
        err, "run it with sudo, or: sudo usermod -aG %s $USER, then log in again", group->gr_name);
}

static int fail_connect(const char *path, const struct transfer_result *r, struct ship_error *err)
{
    int why = connect_errno(path);

    if (why == 0)
        why = r->sys_errno;
    switch (why) {
    case ENOENT:
    case ENOTDIR:
        ship_fail(err, SHIP_UNREACHABLE, "engine socket '%s' does not exist", path);
        return ship_error_hint(err, "start docker: sudo systemctl start docker");
    case EACCES:
    case EPERM:
        return fail_denied(path, err);
    case ECONNREFUSED:
        ship_fail(err, SHIP_UNREACHABLE,
                  "nothing listens on engine socket '%s': docker is not "
                  "running",
                  path);
        return ship_error_hint(err, "start docker: sudo systemctl start docker");
    default:
        return ship_fail(err, SHIP_UNREACHABLE, "cannot connect to engine socket '%s': %s", path,
                         why ? strerror(why) : r->detail);
    }
}

/* Said when it is not the call's own deadline that has passed. */
static const char *whose_time(const struct docker_client *c)
{
    bool is_over = c->limit_ms > 0 && clock_now_ms(c->clock) >= c->limit_ms;

    return is_over ? ", and the time of the operation is over" : "";
}

/* The engine did not answer as an engine does. */
static int hint_engine(struct ship_error *err)
{
    return ship_error_hint(err, "look at the engine with: docker info; then try again");
}

static int fail_transfer(const struct docker_client *c, const char *action,
                         const struct transfer_result *r, struct ship_error *err)
{
    char took[STR_DURATION_MAX];

    switch (r->fault) {
    case TRANSFER_TIMEOUT:
        return ship_fail(err, SHIP_TIMEOUT, "cannot %s: no complete answer from the engine in %s%s",
                         action, str_format_duration(r->elapsed_ms, took), whose_time(c));
    case TRANSFER_IDLE:
        return ship_fail(err, SHIP_TIMEOUT, "cannot %s: the engine went silent, gave up after %s",
                         action, str_format_duration(r->elapsed_ms, took));
    case TRANSFER_STOPPED:
        return ship_fail(err, SHIP_INTERRUPTED, "cannot %s: interrupted by signal %d", action,
                         clock_stop_signal(c->clock));
    case TRANSFER_TOO_LARGE:
        return ship_fail(err, SHIP_ENGINE,
                         "cannot %s: answer of the engine is too large (over "
                         "%llu bytes)",
                         action, (unsigned long long)r->limit_bytes);
    case TRANSFER_OK:
    case TRANSFER_CONNECT:
    case TRANSFER_ABORTED:
    case TRANSFER_BAD_URL:
    case TRANSFER_RESOLVE:
    case TRANSFER_TLS:
    case TRANSFER_FORBIDDEN:
    case TRANSFER_LOST:
    default:
        return ship_fail(err, SHIP_UNREACHABLE, "cannot %s: connection to the engine was lost%s%s",
                         action, r->detail[0] ? ": " : "", r->detail);
    }
}

int docker_transfer_error(const struct docker_client *c, const char *action,
                          const struct transfer_result *r, struct ship_error *err)
{
    if (r->fault == TRANSFER_CONNECT)
        return fail_connect(c->socket, r, err);
    (void)fail_transfer(c, action, r, err);
    return r->fault == TRANSFER_STOPPED ? -1 : hint_engine(err);
}

/* ---- one exchange ---- */

static bool is_read(const struct docker_call *call)
{
    return strcmp(call->method, "GET") == 0 || strcmp(call->method, "HEAD") == 0;
}

/* "1.41" -> 41; 0 when it is no version of API 1. */
static int parse_api_minor(const char *s)
{
    int64_t minor;

    if (!str_starts(s, "1.") || str_to_i64(s + 2, &minor) != 0 || minor < 0 || minor > 9999)
        return 0;
    return (int)minor;
}

static void set_content_type(struct docker_answer *a, const char *value)
{
    size_t n = strcspn(value, "; \t");

    if (n >= sizeof a->content_type)
        n = sizeof a->content_type - 1;
    for (size_t i = 0; i < n; i++)
        a->content_type[i] =
            (char)(value[i] >= 'A' && value[i] <= 'Z' ? value[i] - 'A' + 'a' : value[i]);
    a->content_type[n] = '\0';
}

static void on_header(void *ctx, const char *name, const char *value)
{
    struct exchange *x = ctx;

    if (strcasecmp(name, "Content-Type") == 0)
        set_content_type(x->answer, value);
    else if (strcasecmp(name, "Api-Version") == 0)
        x->ping_minor = parse_api_minor(value);
}

static int on_body(void *ctx, const char *p, size_t len)
{
    struct exchange *x = ctx;
    int status = transfer_status(x->client->transfer);

    if (x->call->on_body && status >= 200 && status < 300)
        return x->call->on_body(x->call->ctx, p, len);
    /* Past the limit the text of an error is cut; documents are limited by the transfer. */
    (void)buf_add(&x->answer->body, p, len);
    return 0;
}

static void add_headers(const struct docker_call *call, struct strv *headers)
{
    if (call->json)
        strv_add(headers, "Content-Type: application/json");
    else if (call->content_type)
        strv_take(headers, xasprintf("Content-Type: %s", call->content_type));
    else
        strv_add(headers, "Content-Type:"); /* libcurl's form type would be a lie */
    if (call->registry_auth)
        strv_take(headers, xasprintf("X-Registry-Auth: %s", call->registry_auth));
    strv_add(headers, "User-Agent: shipctl");
}

static void wipe_headers(struct strv *headers)
{
    for (size_t i = 0; i < headers->n; i++)
        explicit_bzero(headers->v[i], strlen(headers->v[i]));
    strv_done(headers);
}

static bool is_change(const struct docker_call *call)
{
    return strcmp(call->method, "GET") != 0 && strcmp(call->method, "HEAD") != 0 &&
           !(call->flags & DOCKER_REPEATABLE);
}

static int64_t deadline_of(const struct exchange *x)
{
    int64_t limit_ms = x->client->limit_ms;

    return limit_ms > 0 ? clock_earlier(x->call->deadline_ms, limit_ms) : x->call->deadline_ms;
}

static void exchange_once(struct exchange *x, struct transfer_result *ret)
{
    const struct docker_call *call = x->call;
    bool change = is_change(call);
    AUTO_FREE char *json = call->json ? json_print(call->json) : NULL;
    AUTO_FREE char *url = docker_url(x->client, call->path);
    AUTO(wipe_headers) struct strv headers = {0};
    struct transfer_request req = {
        .method = call->method,
        .url = url,
        .unix_path = x->client->socket,
        .headers = &headers,
        .body = json ? json : call->data,
        .body_len = json ? strlen(json) : call->len,
        .deadline_ms = deadline_of(x),
        .idle_ms = call->idle_ms,
        .max_body_bytes = call->on_body     ? 0
                          : call->max_bytes ? call->max_bytes
                                            : DOCKER_DOC_MAX,
        /* A question may end at a stop signal; the outcome of a change must be seen. */
        .flags =
            (change ? TRANSFER_NO_RESEND : 0u) |
            (is_read(call) || (call->flags & DOCKER_INTERRUPTIBLE) ? TRANSFER_INTERRUPTIBLE : 0u),
        .on_header = on_header,
        .on_body = on_body,
        .ctx = x,
    };

    add_headers(call, &headers);
    docker_answer_done(x->answer);
    buf_init(&x->answer->body, call->on_body ? DOCKER_ERROR_MAX : (size_t)req.max_body_bytes);
    transfer_run(x->client->transfer, &req, ret);
    x->answer->status = ret->status;
    if (json)
        explicit_bzero(json, strlen(json)); /* environment of containers */
}

/* Reads are sent again when their connection is lost; streams are not, their start is gone. */
static bool may_repeat(const struct docker_call *call, const struct transfer_result *r, int tries)
{
    return r->fault == TRANSFER_LOST && tries < DOCKER_READ_TRIES && call->on_body == NULL &&
           is_read(call);
}

static int exchange_with_retry(struct exchange *x, struct ship_error *err)
{
    struct docker_client *c = x->client;
    bool change = is_change(x->call);
    struct transfer_result r;

    if (change) {
        c->unknown = false;
        c->last_change_ms = clock_epoch_ms(c->clock);
    }
    for (int tries = 1;; tries++) {
        exchange_once(x, &r);
        if (!may_repeat(x->call, &r, tries))
            break;
        if (clock_wait(c->clock, RETRY_PAUSE_MS, deadline_of(x), err) != 0)
            return -1;
    }
    x->answer->cut = r.fault == TRANSFER_ABORTED;
    if (r.fault == TRANSFER_OK || r.fault == TRANSFER_ABORTED)
        return 0;
    if (change && r.sent)
        c->unknown = true;
    return docker_transfer_error(c, x->call->action, &r, err);
}

/* ---- API version ---- */

static int fail_version(const struct docker_client *c, const char *engine, struct ship_error *err)
{
    ship_fail(err, SHIP_UNREACHABLE,
              "engine at '%s' speaks API %s, shipctl speaks 1.%d to 1.%d: no common version",
              c->socket, engine, DOCKER_API_MIN, DOCKER_API_MAX);
    return ship_error_hint(err, "docker 20.10 or newer is needed");
}

static int ping(struct docker_client *c, int64_t deadline_ms, struct ship_error *err)
{
    AUTO_FREE char *action = xasprintf("reach the engine at '%s'", c->socket);
    struct docker_call call = {
        .method = "GET",
        .path = "/_ping",
        .action = action,
        .deadline_ms = deadline_ms,
        .max_bytes = DOCKER_ERROR_MAX,
    };
    AUTO(docker_answer_done) struct docker_answer answer = {0};
    struct exchange x = {.client = c, .call = &call, .answer = &answer};

    c->api_minor = 0;
    if (exchange_with_retry(&x, err) != 0)
        return -1;
    if (docker_check(&call, &answer, err) != 0) {
        err->code = SHIP_UNREACHABLE; /* nothing of ours was asked yet */
        return hint_engine(err);
    }
    if (x.ping_minor == 0)
        return ship_fail(err, SHIP_UNREACHABLE,
                         "what answers on '%s' is no docker engine: /_ping has no Api-Version",
                         c->socket);
    if (x.ping_minor < DOCKER_API_MIN) {
        char version[16];
        (void)snprintf(version, sizeof version, "1.%d", x.ping_minor);
        return fail_version(c, version, err);
    }
    c->api_minor = x.ping_minor < DOCKER_API_MAX ? x.ping_minor : DOCKER_API_MAX;
    return 0;
}

int docker_negotiate(struct docker_client *c, int64_t deadline_ms, struct ship_error *err)
{
    return c->api_minor > 0 ? 0 : ping(c, deadline_ms, err);
}

/* 400 "client version 1.51 is too new. Maximum supported API version is 1.41" */
static bool is_version_refusal(const struct docker_answer *a)
{
    return a->status == 400 && strstr(a->body.p, "client version") &&
           (strstr(a->body.p, "too new") || strstr(a->body.p, "too old"));
}

/* The engine repeats what it was sent, and what a registry or a runtime said. */
static void hide_refusal(const struct docker_client *c, struct docker_answer *a)
{
    AUTO(buf_done) struct buf clean = BUF_INIT(DOCKER_ERROR_MAX);

    if (a->status >= 400 && redact_text(c->redact, a->body.p, a->body.len, true, &clean)) {
        buf_reset(&a->body);
        (void)buf_add(&a->body, clean.p, clean.len);
    }
}

/* ---- calls ---- */

int docker_send(struct docker_client *c, const struct docker_call *call, struct docker_answer *ret,
                struct ship_error *err)
{
    struct exchange x = {.client = c, .call = call, .answer = ret};

    if (docker_negotiate(c, call->deadline_ms, err) != 0 || exchange_with_retry(&x, err) != 0)
        return -1;
    if (!is_version_refusal(ret)) {
        hide_refusal(c, ret);
        return 0;
    }
    if (ping(c, call->deadline_ms, err) != 0 || exchange_with_retry(&x, err) != 0)
        return -1;
    if (!is_version_refusal(ret)) {
        hide_refusal(c, ret);
        return 0;
    }
    c->api_minor = 0;
    return fail_version(c, "of another range", err);
}

void docker_message(const struct buf *body, struct buf *out)
{
    struct ship_error ignored = {0};
    AUTO_PTR(json_free) struct json *doc = json_parse(body->p, body->len, "error", &ignored);
    const char *text = json_str(doc, "message");
    AUTO(buf_done) struct buf clean = BUF_INIT(DOCKER_MESSAGE_MAX);

    if (text)
        str_sanitize(&clean, text, strlen(text));
    else
        str_sanitize(&clean, body->p, body->len);
    for (char *p = clean.p; *p; p++)
        if (*p == '\n' || *p == '\t')
            *p = ' ';
    while (clean.len > 0 && strchr(" .", clean.p[clean.len - 1]))
        buf_truncate(&clean, clean.len - 1);
    (void)buf_adds(out, clean.len ? clean.p : "no message");
}

int docker_check(const struct docker_call *call, const struct docker_answer *answer,
                 struct ship_error *err)
{
    int status = answer->status;

    if ((status >= 200 && status < 300) || status == 304)
        return 0;
    AUTO(buf_done) struct buf text = BUF_INIT(DOCKER_MESSAGE_MAX + 16);
    docker_message(&answer->body, &text);
    enum ship_code code = status == 404   ? SHIP_NOT_FOUND
                          : status == 409 ? SHIP_CONFLICT
                                          : SHIP_ENGINE;
    return ship_fail(err, code, "cannot %s: engine answered %d: %s", call->action, status, text.p);
}

int docker_call(struct docker_client *c, const struct docker_call *call, int *ret_status,
                struct ship_error *err)
{
    AUTO(docker_answer_done) struct docker_answer answer = {0};

    if (docker_send(c, call, &answer, err) != 0 || docker_check(call, &answer, err) != 0)
        return -1;
    if (ret_status)
        *ret_status = answer.status;
    return 0;
}

int docker_call_json(struct docker_client *c, const struct docker_call *call, struct json **ret,
                     struct ship_error *err)
{
    AUTO(docker_answer_done) struct docker_answer answer = {0};

    if (docker_send(c, call, &answer, err) != 0 || docker_check(call, &answer, err) != 0)
        return -1;
    struct ship_error why = {0};
    struct json *doc = json_parse(answer.body.p, answer.body.len, "the engine's answer", &why);
    if (doc == NULL) {
        /* It said yes, but not to what (the id of a new container): observe. */
        c->unknown = c->unknown || is_change(call);
        return ship_fail(err, SHIP_ENGINE, "cannot %s: %s", call->action, why.msg);
    }
    *ret = doc;
    return 0;
}

/* NOLINTNEXTLINE(readability-function-size): all of one short call */
int docker_change(struct docker_client *c, const char *method, const char *path, const char *action,
                  const struct json *body, int64_t deadline_ms, struct ship_error *err)
{
    struct docker_call call = {
        .method = method, .path = path, .action = action, .json = body, .deadline_ms = deadline_ms};

    return docker_call(c, &call, NULL, err);
}

/* ---- paths ---- */

char *docker_path(const char *prefix, const char *name, const char *suffix)
{
    struct buf path = BUF_INIT(DOCKER_PATH_MAX);

    (void)buf_adds(&path, prefix);
    transfer_escape(&path, name, "/:@");
    (void)buf_adds(&path, suffix);
    return buf_steal(&path);
}

void docker_query(struct buf *path, const char *key, const char *value)
{
    (void)buf_addf(path, "%c%s=", strchr(path->p, '?') ? '&' : '?', key);
    transfer_escape(path, value, "");
}

/* ---- /info ---- */

int docker_info(struct docker_client *c, struct engine_info *ret, int64_t deadline_ms,
                struct ship_error *err)
{
    AUTO_PTR(json_free) struct json *info = NULL;
    struct engine_info e = {0};

    struct docker_call call = {.method = "GET",
                               .path = "/info",
                               .action = "read the engine's state",
                               .deadline_ms = deadline_ms};

    if (docker_call_json(c, &call, &info, err) != 0)
        return -1;
    e.api_minor = c->api_minor;
    (void)snprintf(e.version, sizeof e.version, "%s", json_str_or(info, "ServerVersion", ""));
    (void)snprintf(e.os, sizeof e.os, "%s", json_str_or(info, "OSType", "linux"));
    (void)snprintf(e.arch, sizeof e.arch, "%s",
                   image_arch_word(json_str_or(info, "Architecture", "")));
    e.root_dir = xstrdup(json_str_or(info, "DockerRootDir", ""));
    e.driver = xstrdup(json_str_or(info, "Driver", ""));
    e.id = xstrdup(json_str_or(info, "ID", ""));
    e.live_restore = json_bool(info, "LiveRestoreEnabled", false);
    e.memory_bytes = json_i64(info, "MemTotal", 0);
    e.cpus = json_i64(info, "NCPU", 0);
    e.swarm_active = str_eq(json_str(info, "Swarm.LocalNodeState"), "active");
    *ret = e;
    return 0;
}

/* ---- accessors ---- */

char *docker_url(const struct docker_client *c, const char *path)
{
    if (c->api_minor == 0)
        return xasprintf("http://docker%s", path);
    return xasprintf("http://docker/v1.%d%s", c->api_minor, path);
}

const char *docker_socket(const struct docker_client *c)
{
    return c->socket;
}

int docker_api_minor(const struct docker_client *c)
{
    return c->api_minor;
}

bool docker_unknown(const struct docker_client *c)
{
    return c->unknown;
}

int64_t docker_last_change_ms(const struct docker_client *c)
{
    return c->last_change_ms;
}

void docker_use_clock(struct docker_client *c, const struct clock *clock)
{
    c->clock = clock;
    transfer_use_clock(c->transfer, clock);
}

void docker_use_redact(struct docker_client *c, struct redact *redact)
{
    c->redact = redact;
    docker_auth_use_redact(c->auth, redact);
}

struct redact *docker_redact(const struct docker_client *c)
{
    return c->redact;
}

void docker_use_limit(struct docker_client *c, int64_t limit_ms)
{
    c->limit_ms = limit_ms;
}

const struct clock *docker_clock(const struct docker_client *c)
{
    return c->clock;
}

struct docker_auth *docker_client_auth(struct docker_client *c)
{
    return c->auth;
}
