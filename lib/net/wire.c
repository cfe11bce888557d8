/*
 * Plain HTTP/1.1 over a UNIX or TCP socket, by ourselves (contract: transfer.h and backend.h).
 *
 * One request at a time; the connection is kept for the next one to the same place. What can go
 * wrong, and where it is decided: a kept connection that died (take_kept looks at it before
 * anything is sent, and a request that may be sent twice gets a fresh one), a peer that answers
 * before it has read everything (answers are read while sending), answers without end (http1.c,
 * on_body), silence and deadlines (watch.h).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/alloc.h"
#include "net/backend.h"
#include "net/http1.h"
#include "net/watch.h"

#define RECEIVE_BYTES 65536
#define REQUEST_MAX   (1024u * 1024) /* request line and headers; registry credentials are long */
#define ADDRESSES_MAX 2              /* localhost: both families */
#define ONLY_NAME     "localhost"    /* other names need a resolver */

struct place {
    union {
        struct sockaddr any;
        struct sockaddr_un local;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } address;
    socklen_t len;
};

struct wire {
    struct watch watch;
    struct place places[ADDRESSES_MAX];
    size_t n_places, at_place;
    struct place kept_for; /* where fd leads */
    int fd;
    bool connecting;
    bool reused;     /* this request goes over a connection that served another */
    struct buf head; /* request line and headers */
    size_t head_sent, body_sent;
    bool sent;     /* at least one byte */
    bool can_send; /* the peer still takes bytes */
    struct http1 answer;
    uint64_t body_bytes;
    bool yield;
    enum transfer_fault fault; /* why a callback or a socket ended it */
    int sys_errno;
    char bytes[RECEIVE_BYTES];
};

/* ---- where to ---- */

/* "http://host:port/path?query#fragment", cut up. */
struct target {
    char host[256]; /* without brackets */
    char port[6];
    const char *path; /* starts at '/', '?' or the end of the URL */
    size_t path_len;
    const char *authority;
    size_t authority_len;
};

static int target_port(const char *text, size_t len, struct target *t)
{
    if (len >= sizeof t->port || strspn(text, "0123456789") < len)
        return -1;
    (void)snprintf(t->port, sizeof t->port, "%.*s", (int)len, text);
    return strtol(t->port, NULL, 10) <= UINT16_MAX ? 0 : -1;
}

/* What this file does not understand goes to libcurl, so it is strict. */
static int target_parse(const char *url, struct target *ret)
{
    static const char scheme[] = "http://";
    struct target t = {.port = "80"};

    if (strncasecmp(url, scheme, sizeof scheme - 1) != 0)
        return -1;
    for (const char *p = url; *p; p++)
        if (*p <= ' ' || *p >= 0x7f || *p == '\\')
            return -1;
    t.authority = url + sizeof scheme - 1;
    t.authority_len = strcspn(t.authority, "/?#");
    t.path = t.authority + t.authority_len;
    t.path_len = strcspn(t.path, "#");
    const char *host = t.authority;
    size_t host_len = strcspn(host, ":/?#");
    if (*host == '[') {
        host++;
        host_len = strcspn(host, "]/?#");
        if (host[host_len] != ']')
            return -1;
    }
    const char *rest = host + host_len + (*t.authority == '[');
    const char *end = t.authority + t.authority_len;
    if (host_len == 0 || host_len >= sizeof t.host || memchr(t.authority, '@', t.authority_len) ||
        (rest != end && *rest != ':'))
        return -1;
    if (rest + 1 < end && target_port(rest + 1, (size_t)(end - rest - 1), &t) != 0)
        return -1;
    (void)snprintf(t.host, sizeof t.host, "%.*s", (int)host_len, host);
    *ret = t;
    return 0;
}

static bool place_v4(const char *host, uint16_t port, struct place *ret)
{
    *ret = (struct place){.len = sizeof ret->address.v4};
    ret->address.v4.sin_family = AF_INET;
    ret->address.v4.sin_port = htons(port);
    return inet_pton(AF_INET, host, &ret->address.v4.sin_addr) == 1;
}

static bool place_v6(const char *host, uint16_t port, struct place *ret)
{
    *ret = (struct place){.len = sizeof ret->address.v6};
    ret->address.v6.sin6_family = AF_INET6;
    ret->address.v6.sin6_port = htons(port);
    return inet_pton(AF_INET6, host, &ret->address.v6.sin6_addr) == 1;
}

static size_t places_local(const char *path, struct place *ret)
{
    size_t len = strlen(path);

    *ret = (struct place){.len = sizeof ret->address.local};
    if (len >= sizeof ret->address.local.sun_path)
        return 0;
    ret->address.local.sun_family = AF_UNIX;
    memcpy(ret->address.local.sun_path, path, len + 1);
    return 1;
}

/* 0 = none that needs no resolver. */
static size_t places_of(const struct transfer_request *req, const struct target *t,
                        struct place ret[ADDRESSES_MAX])
{
    const char *host = req->connect_to ? req->connect_to : t->host;
    uint16_t port = (uint16_t)strtol(t->port, NULL, 10);

    if (req->unix_path)
        return places_local(req->unix_path, ret);
    if (strcasecmp(host, ONLY_NAME) == 0)
        return (size_t)place_v6("::1", port, &ret[0]) + place_v4("127.0.0.1", port, &ret[1]);
    return place_v4(host, port, ret) || place_v6(host, port, ret);
}

bool wire_can(const struct transfer_request *req)
{
    struct place places[ADDRESSES_MAX];
    struct target t;

    return !(req->flags & TRANSFER_USE_PROXY) && target_parse(req->url, &t) == 0 &&
           places_of(req, &t, places) > 0;
}

static void place_text(const struct place *p, char *out, size_t size)
{
    out[0] = '\0';
    if (p->address.any.sa_family == AF_INET)
        (void)inet_ntop(AF_INET, &p->address.v4.sin_addr, out, (socklen_t)size);
    else if (p->address.any.sa_family == AF_INET6)
        (void)inet_ntop(AF_INET6, &p->address.v6.sin6_addr, out, (socklen_t)size);
}

static bool place_same(const struct place *a, const struct place *b)
{
    return a->len == b->len && memcmp(&a->address, &b->address, a->len) == 0;
}

/* ---- the request ---- */

static bool has_header(const struct transfer_request *req, const char *name)
{
    size_t len = strlen(name);

    for (size_t i = 0; req->headers && i < req->headers->n; i++)
        if (strncasecmp(req->headers->v[i], name, len) == 0 && req->headers->v[i][len] == ':')
            return true;
    return false;
}

/* "Name:" without a value means: not that header. */
static void add_header(struct buf *out, const char *line)
{
    const char *colon = strchr(line, ':');

    if (colon && colon[1 + strspn(colon + 1, " ")] && !strpbrk(line, "\r\n"))
        (void)buf_addf(out, "%s\r\n", line);
}

static bool has_body(const struct transfer_request *req)
{
    return req->body || (strcmp(req->method, "GET") != 0 && strcmp(req->method, "HEAD") != 0);
}

static void write_head(struct wire *w, const struct transfer_request *req, const struct target *t)
{
    struct buf *b = &w->head;

    buf_init(b, REQUEST_MAX);
    (void)buf_addf(b, "%s %s%.*s HTTP/1.1\r\n", req->method, *t->path == '/' ? "" : "/",
                   (int)t->path_len, t->path);
    if (!has_header(req, "Host"))
        (void)buf_addf(b, "Host: %.*s\r\n", (int)t->authority_len, t->authority);
    if (!has_header(req, "Accept"))
        (void)buf_adds(b, "Accept: */*\r\n");
    for (size_t i = 0; req->headers && i < req->headers->n; i++)
        add_header(b, req->headers->v[i]);
    if (has_body(req) && !has_header(req, "Content-Type"))
        (void)buf_adds(b, "Content-Type: application/x-www-form-urlencoded\r\n");
    if (has_body(req))
        (void)buf_addf(b, "Content-Length: %zu\r\n", req->body ? req->body_len : 0);
    (void)buf_adds(b, "\r\n");
}

/* Headers may hold credentials. */
static void wipe_head(struct wire *w)
{
    explicit_bzero(w->head.p, w->head.len);
    buf_done(&w->head);
}

/* ---- what arrives ---- */

static void on_header(void *ctx, const char *name, const char *value)
{
    struct wire *w = ctx;

    if (w->watch.req->on_header)
        w->watch.req->on_header(w->watch.req->ctx, name, value);
}

static int on_body(void *ctx, const char *p, size_t len)
{
    struct wire *w = ctx;
    const struct transfer_request *req = w->watch.req;

    if (req->max_body_bytes > 0 && w->body_bytes + len > req->max_body_bytes) {
        w->fault = TRANSFER_TOO_LARGE;
        return -1;
    }
    w->body_bytes += len;
    if (req->on_body && req->on_body(req->ctx, p, len) != 0) {
        w->fault = TRANSFER_ABORTED;
        return -1;
    }
    return 0;
}

/* ---- the connection ---- */

static void hang_up(struct wire *w)
{
    if (w->fd >= 0)
        (void)close(w->fd);
    w->fd = -1;
    w->connecting = false;
}

static void fail(struct wire *w, enum transfer_fault fault, int os_errno)
{
    w->fault = fault;
    w->sys_errno = os_errno;
    hang_up(w);
}

static bool is_forbidden(const struct wire *w, const struct place *p)
{
    char text[INET6_ADDRSTRLEN];

    place_text(p, text, sizeof text);
    return (w->watch.req->flags & TRANSFER_NO_LINK_LOCAL) && watch_is_link_local(text);
}

/* Begin to connect to the next place that is not refused at once. */
static void dial(struct wire *w)
{
    int why = ECONNREFUSED;

    for (; w->at_place < w->n_places; w->at_place++) {
        const struct place *p = &w->places[w->at_place];
        w->kept_for = *p;
        if (is_forbidden(w, p)) {
            fail(w, TRANSFER_FORBIDDEN, 0);
            return;
        }
        hang_up(w);
        w->fd = socket(p->address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (w->fd < 0) {
            why = errno;
            continue;
        }
        if (connect(w->fd, &p->address.any, p->len) == 0)
            return;
        why = errno;
        w->connecting = why == EINPROGRESS;
        if (w->connecting)
            return;
    }
    fail(w, TRANSFER_CONNECT, why);
}

/* The connection of the last request, when it leads there and is alive and silent. */
static bool take_kept(struct wire *w)
{
    char byte;

    if (w->fd < 0)
        return false;
    for (size_t i = 0; i < w->n_places; i++)
        if (place_same(&w->kept_for, &w->places[i]) &&
            recv(w->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN)
            return true;
    hang_up(w);
    return false;
}

static void reset_exchange(struct wire *w)
{
    w->head_sent = w->body_sent = 0;
    w->can_send = true;
    http1_reset(&w->answer);
    w->answer.is_head = strcmp(w->watch.req->method, "HEAD") == 0;
    w->answer.on_header = on_header;
    w->answer.on_body = on_body;
    w->answer.ctx = w;
}

/* The kept connection died under the request before one byte came back. */
static bool try_again(struct wire *w)
{
    bool silent = w->answer.state == HTTP1_STATUS && w->answer.line.len == 0;

    if (!w->reused || !silent || (w->watch.req->flags & TRANSFER_NO_RESEND))
        return false;
    w->reused = false;
    hang_up(w);
    reset_exchange(w);
    dial(w);
    return true;
}

static void finish_connect(struct wire *w)
{
    int why = 0;
    socklen_t len = sizeof why;

    if (getsockopt(w->fd, SOL_SOCKET, SO_ERROR, &why, &len) != 0)
        why = errno;
    w->connecting = false;
    if (why == 0)
        return;
    w->at_place++;
    if (w->at_place < w->n_places)
        dial(w);
    else
        fail(w, TRANSFER_CONNECT, why);
}

/* ---- bytes ---- */

static bool has_more(const struct wire *w)
{
    return w->can_send && (w->head_sent < w->head.len || w->body_sent < w->watch.req->body_len);
}

/* The peer may have answered and hung up: what it said is read before anything is judged. */
static void send_some(struct wire *w)
{
    while (has_more(w)) {
        bool head = w->head_sent < w->head.len;
        const char *p =
            head ? w->head.p + w->head_sent : (const char *)w->watch.req->body + w->body_sent;
        size_t left = head ? w->head.len - w->head_sent : w->watch.req->body_len - w->body_sent;
        int more = head && w->watch.req->body_len > 0 ? MSG_MORE : 0;
        ssize_t n = send(w->fd, p, left, MSG_NOSIGNAL | more);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (n < 0) {
            w->can_send = false;
            return;
        }
        w->sent = true;
        *(head ? &w->head_sent : &w->body_sent) += (size_t)n;
    }
}

static void judge(struct wire *w)
{
    bool is_last =
        w->answer.state == HTTP1_DONE && (!w->answer.keep || has_more(w) || !w->can_send);

    if (w->fault != TRANSFER_OK || is_last)
        hang_up(w);
    else if (w->answer.state == HTTP1_TOO_LARGE)
        fail(w, TRANSFER_TOO_LARGE, 0);
    else if (w->answer.state == HTTP1_BAD)
        fail(w, TRANSFER_LOST, 0);
}

static void lost(struct wire *w)
{
    if (try_again(w))
        return;
    http1_eof(&w->answer);
    judge(w);
    hang_up(w);
}

static void receive_some(struct wire *w)
{
    ssize_t n = recv(w->fd, w->bytes, sizeof w->bytes, 0);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n < 0 && w->answer.state == HTTP1_UNTIL_EOF)
        w->answer.state = HTTP1_BAD; /* reset is no end */
    if (n <= 0) {
        lost(w);
        return;
    }
    w->watch.active_ms = clock_now_ms(w->watch.clock);
    size_t taken = http1_feed(&w->answer, w->bytes, (size_t)n);
    if (taken < (size_t)n)
        w->answer.keep = false; /* more than was asked for: do not trust what follows */
    judge(w);
}

static bool is_over(const struct wire *w)
{
    return w->fault != TRANSFER_OK || http1_ended(&w->answer);
}

static void work(struct wire *w, int wait_ms)
{
    struct pollfd p = {.fd = w->fd, .events = POLLIN};

    if (w->connecting)
        p.events = POLLOUT;
    else if (has_more(w))
        p.events = POLLIN | POLLOUT;
    if (poll(&p, 1, wait_ms) <= 0)
        return;
    if (w->connecting)
        finish_connect(w);
    else if (p.revents & (POLLIN | POLLHUP | POLLERR))
        receive_some(w);
    if (!is_over(w) && w->fd >= 0 && !w->connecting)
        send_some(w);
}

/* ---- end ---- */

static const char *detail_of(const struct wire *w)
{
    if (w->fault == TRANSFER_CONNECT)
        return w->sys_errno ? strerror(w->sys_errno) : "no connection in time";
    if (w->fault == TRANSFER_LOST)
        return w->answer.status || w->answer.line.len ? "the answer is damaged"
                                                      : "the connection ended without an answer";
    return "";
}

static void finish(struct wire *w, struct transfer_result *ret)
{
    struct transfer_result r = {
        .fault = w->fault,
        .status = w->answer.status,
        .sent = w->sent,
        .sys_errno = w->fault == TRANSFER_CONNECT ? w->sys_errno : 0,
        .body_bytes = w->body_bytes,
        .limit_bytes =
            w->answer.state == HTTP1_TOO_LARGE ? HTTP1_HEADERS_MAX : w->watch.req->max_body_bytes,
        .elapsed_ms = clock_now_ms(w->watch.clock) - w->watch.begun_ms,
    };

    place_text(&w->kept_for, r.address, sizeof r.address);
    (void)snprintf(r.detail, sizeof r.detail, "%s", detail_of(w));
    if (w->fault != TRANSFER_OK)
        hang_up(w);
    w->watch.req = NULL;
    wipe_head(w);
    *ret = r;
}

/* ---- the functions of transfer.h ---- */

struct wire *wire_new(const struct clock *clock)
{
    struct wire *w = xcalloc(1, sizeof *w);

    w->watch.clock = clock;
    w->fd = -1;
    buf_init(&w->head, REQUEST_MAX);
    return w;
}

void wire_use_clock(struct wire *w, const struct clock *clock)
{
    w->watch.clock = clock;
}

void wire_cancel(struct wire *w)
{
    if (w->watch.req == NULL)
        return;
    w->watch.req = NULL;
    wipe_head(w);
    hang_up(w);
}

void wire_free(struct wire *w)
{
    if (w == NULL)
        return;
    wire_cancel(w);
    hang_up(w);
    http1_done(&w->answer);
    free(w);
}

void wire_begin(struct wire *w, const struct transfer_request *req)
{
    struct target t;

    w->watch.req = req;
    w->watch.begun_ms = w->watch.active_ms = clock_now_ms(w->watch.clock);
    w->fault = TRANSFER_OK;
    w->sys_errno = 0;
    w->sent = false;
    w->body_bytes = 0;
    w->at_place = 0;
    reset_exchange(w);
    if (target_parse(req->url, &t) != 0) {
        w->fault = TRANSFER_BAD_URL;
        return;
    }
    w->n_places = places_of(req, &t, w->places);
    write_head(w, req, &t);
    w->reused = take_kept(w);
    if (!w->reused)
        dial(w);
    if (w->fd >= 0 && !w->connecting)
        send_some(w);
}

static enum transfer_fault overdue(const struct wire *w)
{
    if (w->connecting && clock_now_ms(w->watch.clock) - w->watch.begun_ms >= TRANSFER_CONNECT_MS)
        return TRANSFER_CONNECT;
    return watch_overdue(&w->watch);
}

bool wire_step(struct wire *w, int64_t until_ms, struct transfer_result *ret)
{
    if (w->watch.req == NULL) {
        *ret = (struct transfer_result){.fault = TRANSFER_LOST};
        return true;
    }
    w->yield = false;
    for (;;) {
        /* What has arrived counts, also when time is up. */
        bool late = watch_overdue(&w->watch) != TRANSFER_OK;
        if (!is_over(w))
            work(w, late ? 0 : watch_slice_ms(&w->watch, until_ms));
        if (!is_over(w))
            w->fault = overdue(w);
        if (is_over(w)) {
            finish(w, ret);
            return true;
        }
        if (w->yield || clock_now_ms(w->watch.clock) >= until_ms)
            return false;
    }
}

void wire_yield(struct wire *w)
{
    w->yield = true;
}

int wire_status(const struct wire *w)
{
    return w->answer.status;
}
