/*
 * HTTP client (contract: http.h), over transfer.h. Redirects are followed by hand: credentials
 * stay with the host they were meant for, and link-local addresses (cloud metadata) are refused.
 */
#include "net/http.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "net/transfer.h"

#define DAY_S       86400
#define HEADERS_MAX 200

/* ---- response ---- */

void http_response_done(struct http_response *r)
{
    buf_done(&r->body);
    strv_done(&r->headers);
    free(r->url);
    *r = (struct http_response){0};
}

const char *http_header(const struct http_response *r, const char *name)
{
    size_t len = strlen(name);

    for (size_t i = 0; i < r->headers.n; i++) {
        const char *line = r->headers.v[i];
        if (strncasecmp(line, name, len) == 0 && line[len] == ':')
            return line + len + 2;
    }
    return NULL;
}

static void on_header(void *ctx, const char *name, const char *value)
{
    struct http_response *r = ctx;

    if (r->headers.n == HEADERS_MAX)
        return;
    char *line = xasprintf("%s: %s", name, value);
    for (char *p = line; *p && *p != ':'; p++)
        if (*p >= 'A' && *p <= 'Z')
            *p = (char)(*p - 'A' + 'a');
    strv_take(&r->headers, line);
}

static int on_body(void *ctx, const char *p, size_t len)
{
    struct http_response *r = ctx;

    if (buf_add(&r->body, p, len) == 0)
        return 0;
    r->body_cut = true;
    return -1;
}

/* ---- request ---- */

/* The journey of one request over its redirects. */
struct journey {
    char *url;
    const char *method;
    struct strv headers; /* own copy, cleaned when the host changes */
    const char *connect_to;
    int hops;
};

static void journey_done(struct journey *j)
{
    free(j->url);
    strv_done(&j->headers);
}

static int check_request(const struct http_request *req, struct ship_error *err)
{
    if (!str_starts(req->url, "http://") && !str_starts(req->url, "https://"))
        return ship_fail(err, SHIP_INVALID, "'%s' is no http:// or https:// address", req->url);
    for (size_t i = 0; req->headers && i < req->headers->n; i++)
        if (strpbrk(req->headers->v[i], "\r\n"))
            return ship_fail(err, SHIP_INVALID, "header %zu of '%s' holds a line break", i + 1,
                             req->url);
    return 0;
}

static int fail_transfer(const struct http_request *req, const char *url,
                         const struct transfer_result *r, struct ship_error *err)
{
    char took[STR_DURATION_MAX];

    switch (r->fault) {
    case TRANSFER_TIMEOUT:
    case TRANSFER_IDLE:
        return ship_fail(err, SHIP_TIMEOUT, "no complete answer from '%s' in %s", url,
                         str_format_duration(r->elapsed_ms, took));
    case TRANSFER_STOPPED:
        return ship_fail(err, SHIP_INTERRUPTED, "request to '%s' interrupted by signal %d", url,
                         clock_stop_signal(req->clock));
    case TRANSFER_BAD_URL:
        return ship_fail(err, SHIP_INVALID, "'%s' is no usable address: %s", url, r->detail);
    case TRANSFER_FORBIDDEN:
        return ship_fail(err, SHIP_ENGINE, "redirect to '%s' leads to link-local address %s", url,
                         r->address);
    case TRANSFER_TOO_LARGE:
        return ship_fail(err, SHIP_ENGINE, "answer from '%s' is too large", url);
    case TRANSFER_CONNECT:
        if (r->sys_errno)
            return ship_fail(err, SHIP_UNREACHABLE, "cannot connect to '%s': %s", url,
                             strerror(r->sys_errno));
        return ship_fail(err, SHIP_UNREACHABLE, "cannot connect to '%s': %s", url, r->detail);
    case TRANSFER_OK:
    case TRANSFER_ABORTED:
    case TRANSFER_RESOLVE:
    case TRANSFER_TLS:
    case TRANSFER_LOST:
    default:
        return ship_fail(err, SHIP_UNREACHABLE, "no answer from '%s': %s", url,
                         r->detail[0] ? r->detail : "connection lost");
    }
}

static int64_t days_left(const struct http_request *req, const struct transfer_result *r)
{
    if (r->cert_expires_at == 0)
        return HTTP_CERT_NONE;
    return (r->cert_expires_at - clock_epoch_ms(req->clock) / 1000) / DAY_S;
}

/* One hop. */
static int fetch_once(const struct http_request *req, const struct journey *j,
                      struct http_response *ret, bool *refused, struct ship_error *err)
{
    AUTO_PTR(transfer_free) struct transfer *t = transfer_new(req->clock);
    bool has_body = req->body && strcmp(j->method, "GET") != 0 && strcmp(j->method, "HEAD") != 0;
    struct transfer_request tr = {
        .method = j->method,
        .url = j->url,
        .unix_path = req->unix_path,
        .connect_to = j->connect_to,
        .headers = &j->headers,
        .body = has_body ? req->body : NULL,
        .body_len = has_body ? req->body_len : 0,
        .deadline_ms = req->deadline_ms,
        .flags = TRANSFER_NO_RESEND | (j->hops > 0 ? TRANSFER_NO_LINK_LOCAL : 0u) |
                 (req->flags & HTTP_USE_PROXY ? TRANSFER_USE_PROXY : 0u) |
                 (req->flags & HTTP_INSECURE ? TRANSFER_TLS_INSECURE : 0u) |
                 (req->flags & HTTP_UNTIL_STOP ? TRANSFER_INTERRUPTIBLE : 0u),
        .ca_file = req->ca_file,
        .on_header = on_header,
        .on_body = on_body,
        .ctx = ret,
    };
    struct transfer_result r;

    buf_init(&ret->body, req->max_body_bytes ? req->max_body_bytes : HTTP_BODY_MAX);
    transfer_run(t, &tr, &r);
    *refused = r.fault == TRANSFER_CONNECT && r.sys_errno == ECONNREFUSED;
    if (r.fault == TRANSFER_ABORTED && ret->body_cut && !(req->flags & HTTP_CUT_BODY))
        r.fault = TRANSFER_TOO_LARGE;
    if (r.fault != TRANSFER_OK && r.fault != TRANSFER_ABORTED)
        return fail_transfer(req, j->url, &r, err);
    ret->status = r.status;
    ret->elapsed_ms = r.elapsed_ms;
    ret->cert_days = days_left(req, &r);
    (void)snprintf(ret->address, sizeof ret->address, "%s", r.address);
    ret->url = xstrdup(j->url);
    return 0;
}

/* ---- redirects ---- */

static bool is_redirect(int status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/* Length of "scheme://host[:port]". */
static size_t origin_length(const char *url)
{
    const char *host = strstr(url, "://");

    if (host == NULL)
        return 0;
    return (size_t)(host + 3 - url) + strcspn(host + 3, "/?#");
}

static bool same_origin(const char *a, const char *b)
{
    size_t n = origin_length(a);

    return n == origin_length(b) && strncasecmp(a, b, n) == 0;
}

/* Absolute address of a Location header; heap. */
static char *absolute_url(const char *base, const char *location)
{
    size_t origin = origin_length(base);

    if (strstr(location, "://"))
        return xstrdup(location);
    if (str_starts(location, "//"))
        return xasprintf("%.*s%s", (int)(strchr(base, ':') + 1 - base), base, location);
    if (location[0] == '/')
        return xasprintf("%.*s%s", (int)origin, base, location);
    size_t path = strcspn(base, "?#");
    while (path > origin && base[path - 1] != '/')
        path--;
    return xasprintf("%.*s%s%s", (int)path, base, path == origin ? "/" : "", location);
}

/* Headers for another host: no credentials. */
static void public_headers(const struct strv *headers, struct strv *ret)
{
    for (size_t i = 0; headers && i < headers->n; i++)
        if (strncasecmp(headers->v[i], "Authorization:", 14) != 0 &&
            strncasecmp(headers->v[i], "Cookie:", 7) != 0 &&
            strncasecmp(headers->v[i], "Proxy-Authorization:", 20) != 0)
            strv_add(ret, headers->v[i]);
}

static int check_target(const char *from, const char *to, struct ship_error *err)
{
    if (!str_starts(to, "http://") && !str_starts(to, "https://"))
        return ship_fail(err, SHIP_ENGINE, "'%s' redirects to '%s', which is not http", from, to);
    if (str_starts(from, "https://") && str_starts(to, "http://"))
        return ship_fail(err, SHIP_ENGINE, "'%s' redirects to unencrypted '%s'", from, to);
    return 0;
}

static int go_on(struct journey *j, const struct http_response *r, struct ship_error *err)
{
    AUTO_FREE char *next = absolute_url(j->url, http_header(r, "location"));

    if (check_target(j->url, next, err) != 0)
        return -1;
    if (!same_origin(j->url, next)) {
        struct strv cleaned = {0};
        public_headers(&j->headers, &cleaned);
        strv_done(&j->headers);
        j->headers = cleaned;
        j->connect_to = NULL;
    }
    /* 303 always, 301 and 302 by custom: a POST becomes a GET. */
    if (r->status < 307 && strcmp(j->method, "HEAD") != 0)
        j->method = "GET";
    free(j->url);
    j->url = steal_ptr(&next);
    return 0;
}

int http_fetch(const struct http_request *req, struct http_response *ret, bool *ret_refused,
               struct ship_error *err)
{
    AUTO(journey_done)
    struct journey j = {.method = req->method ? req->method : req->body ? "POST" : "GET"};
    AUTO(http_response_done) struct http_response r = {0};
    bool refused = false;

    if (ret_refused)
        *ret_refused = false;
    if (check_request(req, err) != 0)
        return -1;
    j.url = xstrdup(req->url);
    j.connect_to = req->connect_to;
    if (req->headers)
        strv_copy(&j.headers, req->headers);
    for (;; j.hops++) {
        http_response_done(&r);
        int rc = fetch_once(req, &j, &r, &refused, err);
        if (ret_refused)
            *ret_refused = refused;
        if (rc != 0)
            return -1;
        if (!(req->flags & HTTP_FOLLOW) || !is_redirect(r.status) || !http_header(&r, "location"))
            break;
        if (j.hops == HTTP_REDIRECTS_MAX)
            return ship_fail(err, SHIP_ENGINE, "'%s' redirects more than %d times", req->url,
                             HTTP_REDIRECTS_MAX);
        if (go_on(&j, &r, err) != 0)
            return -1;
    }
    *ret = r;
    r = (struct http_response){0};
    return 0;
}
