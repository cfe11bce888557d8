/*
 * Transfers over libcurl's multi interface (contract: transfer.h).
 *
 * The multi handle lives as long as the session: it owns the connection that is kept alive. Each
 * transfer sets up the easy handle afresh. What can go wrong, and where it is decided: libcurl's
 * own resend on a kept connection that died (refused in before_request for calls that change
 * something), unbounded headers and bodies (counted in on_header_line, on_body_bytes), silence and
 * deadlines (transfer_step; libcurl's timers are not used, so an injected clock decides).
 */
#include "net/transfer.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"

#define POLL_SLICE_MS     100   /* how late a stop signal may be seen */
#define POLL_SLICE_MAX_MS 1000  /* the same for transfers nothing interrupts */
#define RECEIVE_BYTES     65536 /* fewer wake-ups on long logs than the default 16 KiB */

struct transfer {
    const struct clock *clock;
    CURLM *multi;
    CURL *easy;
    struct curl_slist *headers;
    struct curl_slist *connect_to;
    const struct transfer_request *req; /* NULL = nothing under way */
    int64_t begun_ms, active_ms;        /* start; last byte received */
    uint64_t body_bytes;
    size_t header_bytes;
    int status;
    unsigned requests_sent;
    bool headers_end; /* the empty line of the final answer was read */
    bool yield;
    enum transfer_fault own_fault; /* why a callback ended the transfer */
    char detail[CURL_ERROR_SIZE];
};

/* Verdicts for libcurl's codes; codes not listed are TRANSFER_LOST. */
static const struct {
    CURLcode code;
    enum transfer_fault fault;
} verdicts[] = {
    {CURLE_OK,                       TRANSFER_OK     },
    {CURLE_URL_MALFORMAT,            TRANSFER_BAD_URL},
    {CURLE_UNSUPPORTED_PROTOCOL,     TRANSFER_BAD_URL},
    {CURLE_COULDNT_RESOLVE_HOST,     TRANSFER_RESOLVE},
    {CURLE_COULDNT_RESOLVE_PROXY,    TRANSFER_RESOLVE},
    {CURLE_COULDNT_CONNECT,          TRANSFER_CONNECT},
    {CURLE_OPERATION_TIMEDOUT,       TRANSFER_CONNECT},
    {CURLE_SSL_CONNECT_ERROR,        TRANSFER_TLS    },
    {CURLE_PEER_FAILED_VERIFICATION, TRANSFER_TLS    },
    {CURLE_SSL_CERTPROBLEM,          TRANSFER_TLS    },
    {CURLE_SSL_CIPHER,               TRANSFER_TLS    },
    {CURLE_SSL_CACERT_BADFILE,       TRANSFER_TLS    },
    {CURLE_SSL_ISSUER_ERROR,         TRANSFER_TLS    },
    {CURLE_SSL_INVALIDCERTSTATUS,    TRANSFER_TLS    },
};

static enum transfer_fault verdict_of(const struct transfer *t, CURLcode code)
{
    /* libcurl takes a connection that ends within the headers for an answer without a body. */
    if (code == CURLE_OK && !t->headers_end)
        return TRANSFER_LOST;
    if (code != CURLE_OK && t->own_fault != TRANSFER_OK)
        return t->own_fault;
    /* "HTTP/0.9 not allowed" comes as an unsupported protocol: the peer does not speak HTTP. */
    if (code == CURLE_UNSUPPORTED_PROTOCOL && t->requests_sent > 0)
        return TRANSFER_LOST;
    for (size_t i = 0; i < ARRAY_LEN(verdicts); i++)
        if (verdicts[i].code == code)
            return verdicts[i].fault;
    return TRANSFER_LOST;
}

/* ---- callbacks of libcurl ---- */

static bool is_link_local(const char *address)
{
    return str_starts(address, "169.254.") || strncasecmp(address, "fe80:", 5) == 0 ||
           strcasecmp(address, "fd00:ec2::254") == 0;
}

static int before_request(void *ctx, char *peer, char *local, int peer_port, int local_port)
{
    struct transfer *t = ctx;

    (void)local, (void)peer_port, (void)local_port;
    if ((t->req->flags & TRANSFER_NO_LINK_LOCAL) && is_link_local(peer)) {
        t->own_fault = TRANSFER_FORBIDDEN;
        return CURL_PREREQFUNC_ABORT;
    }
    /* A second round means that libcurl found the kept connection dead after sending. */
    if (t->requests_sent > 0 && (t->req->flags & TRANSFER_NO_RESEND)) {
        t->own_fault = TRANSFER_LOST;
        return CURL_PREREQFUNC_ABORT;
    }
    t->requests_sent++;
    return CURL_PREREQFUNC_OK;
}

static void trim_blanks(const char **p, size_t *len)
{
    while (*len > 0 && strchr(" \t\r\n", (*p)[0])) {
        (*p)++;
        (*len)--;
    }
    while (*len > 0 && strchr(" \t\r\n", (*p)[*len - 1]))
        (*len)--;
}

static void take_header(const struct transfer *t, const char *line, size_t len)
{
    const char *colon = memchr(line, ':', len);

    if (colon == NULL || t->req->on_header == NULL)
        return;
    const char *value = colon + 1;
    size_t value_len = len - (size_t)(value - line);
    trim_blanks(&value, &value_len);
    AUTO_FREE char *name = xstrndup(line, (size_t)(colon - line));
    AUTO_FREE char *text = xstrndup(value, value_len);
    t->req->on_header(t->req->ctx, name, text);
}

/* "HTTP/1.1 204 No Content" -> 204; 0 when it is no status line. */
static int status_of_line(const char *line, size_t len)
{
    const char *space = memchr(line, ' ', len);
    int status = 0;

    if (len < 5 || memcmp(line, "HTTP/", 5) != 0 || space == NULL)
        return 0;
    for (const char *p = space + 1; p < line + len && *p >= '0' && *p <= '9' && status < 1000; p++)
        status = status * 10 + (*p - '0');
    return status;
}

static size_t on_header_line(char *line, size_t size, size_t n, void *ctx)
{
    struct transfer *t = ctx;
    size_t len = size * n;
    int status = status_of_line(line, len);

    t->active_ms = clock_now_ms(t->clock);
    t->header_bytes += len;
    if (t->header_bytes > TRANSFER_HEADERS_MAX) {
        t->own_fault = TRANSFER_TOO_LARGE;
        return 0;
    }
    if (status >= 200)
        t->status = status;
    else if (t->status > 0 && strspn(line, "\r\n") >= len)
        t->headers_end = true;
    else if (t->status > 0) /* headers of a 1xx answer are nobody's business */
        take_header(t, line, len);
    return len;
}

static size_t on_body_bytes(char *p, size_t size, size_t n, void *ctx)
{
    struct transfer *t = ctx;
    const struct transfer_request *req = t->req;
    size_t len = size * n;

    t->active_ms = clock_now_ms(t->clock);
    if (req->max_body_bytes > 0 && t->body_bytes + len > req->max_body_bytes) {
        t->own_fault = TRANSFER_TOO_LARGE;
        return CURL_WRITEFUNC_ERROR;
    }
    t->body_bytes += len;
    if (req->on_body && req->on_body(req->ctx, p, len) != 0) {
        t->own_fault = TRANSFER_ABORTED;
        return CURL_WRITEFUNC_ERROR;
    }
    return len;
}

/* ---- set-up ---- */

static void library_init(void)
{
    static bool done; /* process-wide by libcurl's nature */

    if (!done && curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        abort();
    done = true;
}

static void open_handles(struct transfer *t)
{
    if (t->easy)
        return;
    library_init();
    t->multi = curl_multi_init();
    t->easy = curl_easy_init();
    if (t->multi == NULL || t->easy == NULL)
        abort(); /* out of memory: same end as xmalloc */
    curl_multi_setopt(t->multi, CURLMOPT_MAXCONNECTS, 1L);
}

#define SET(option, value) ((void)curl_easy_setopt(t->easy, (option), (value)))

static void set_method(struct transfer *t, const struct transfer_request *req)
{
    if (strcmp(req->method, "HEAD") == 0) {
        SET(CURLOPT_NOBODY, 1L);
        return;
    }
    /* POSTFIELDS with a size sends Content-Length, also for an empty body. */
    if (req->body || strcmp(req->method, "GET") != 0) {
        SET(CURLOPT_POST, 1L);
        SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)req->body_len);
        SET(CURLOPT_POSTFIELDS, req->body ? req->body : "");
    }
    SET(CURLOPT_CUSTOMREQUEST, req->method);
}

static void set_headers(struct transfer *t, const struct transfer_request *req)
{
    static const char *const off[] = {"Expect:", "Accept-Encoding:"};

    for (size_t i = 0; i < ARRAY_LEN(off); i++)
        t->headers = curl_slist_append(t->headers, off[i]);
    for (size_t i = 0; req->headers && i < req->headers->n; i++)
        t->headers = curl_slist_append(t->headers, req->headers->v[i]);
    SET(CURLOPT_HTTPHEADER, t->headers);
}

static void set_peer(struct transfer *t, const struct transfer_request *req)
{
    bool verify = !(req->flags & TRANSFER_TLS_INSECURE);

    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_URL, req->url);
    if (req->unix_path)
        SET(CURLOPT_UNIX_SOCKET_PATH, req->unix_path);
    if (req->connect_to) { /* "any host : any port : there : same port" */
        bool v6 = strchr(req->connect_to, ':') != NULL;
        AUTO_FREE char *rule = xasprintf(v6 ? "::[%s]:" : "::%s:", req->connect_to);
        t->connect_to = curl_slist_append(t->connect_to, rule);
        SET(CURLOPT_CONNECT_TO, t->connect_to);
    }
    if (!(req->flags & TRANSFER_USE_PROXY))
        SET(CURLOPT_PROXY, "");
    SET(CURLOPT_SSL_VERIFYPEER, verify ? 1L : 0L);
    SET(CURLOPT_SSL_VERIFYHOST, verify ? 2L : 0L);
    SET(CURLOPT_CERTINFO, 1L);
    if (req->ca_file)
        SET(CURLOPT_CAINFO, req->ca_file);
}

static void set_rules(struct transfer *t)
{
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_PATH_AS_IS, 1L);
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_CONNECTTIMEOUT_MS, (long)TRANSFER_CONNECT_MS);
    SET(CURLOPT_BUFFERSIZE, (long)RECEIVE_BYTES);
    SET(CURLOPT_ERRORBUFFER, t->detail);
    SET(CURLOPT_PREREQFUNCTION, before_request);
    SET(CURLOPT_PREREQDATA, t);
    SET(CURLOPT_HEADERFUNCTION, on_header_line);
    SET(CURLOPT_HEADERDATA, t);
    SET(CURLOPT_WRITEFUNCTION, on_body_bytes);
    SET(CURLOPT_WRITEDATA, t);
}

static void forget(struct transfer *t)
{
    if (t->req)
        (void)curl_multi_remove_handle(t->multi, t->easy);
    t->req = NULL;
    curl_slist_free_all(t->headers);
    t->headers = NULL;
    curl_slist_free_all(t->connect_to);
    t->connect_to = NULL;
}

/* ---- end ---- */

/* libcurl prints certificate dates like "Nov 21 01:20:54 2026 GMT". */
static int64_t cert_expiry(CURL *easy)
{
    struct curl_certinfo *info = NULL;

    if (curl_easy_getinfo(easy, CURLINFO_CERTINFO, &info) != CURLE_OK || info == NULL ||
        info->num_of_certs < 1)
        return 0;
    for (const struct curl_slist *l = info->certinfo[0]; l; l = l->next)
        if (str_starts(l->data, "Expire date:")) {
            time_t at = curl_getdate(l->data + strlen("Expire date:"), NULL);
            return at > 0 ? (int64_t)at : 0;
        }
    return 0;
}

static void finish(struct transfer *t, enum transfer_fault fault, struct transfer_result *ret)
{
    long os_errno = 0;
    char *address = NULL;
    struct transfer_result r = {
        .fault = fault,
        .status = t->status,
        .sent = t->requests_sent > 0,
        .body_bytes = t->body_bytes,
        .elapsed_ms = clock_now_ms(t->clock) - t->begun_ms,
    };

    if (curl_easy_getinfo(t->easy, CURLINFO_OS_ERRNO, &os_errno) == CURLE_OK)
        r.sys_errno = (int)os_errno;
    if (curl_easy_getinfo(t->easy, CURLINFO_PRIMARY_IP, &address) == CURLE_OK && address)
        (void)snprintf(r.address, sizeof r.address, "%s", address);
    if (fault != TRANSFER_OK)
        (void)snprintf(r.detail, sizeof r.detail, "%s", t->detail);
    r.cert_expires_at = cert_expiry(t->easy);
    forget(t);
    *ret = r;
}

/* The reason to end the transfer now, or TRANSFER_OK. */
static enum transfer_fault overdue(const struct transfer *t)
{
    const struct transfer_request *req = t->req;
    int64_t now = clock_now_ms(t->clock);

    if ((req->flags & TRANSFER_INTERRUPTIBLE) && clock_stop_signal(t->clock))
        return TRANSFER_STOPPED;
    if (now >= req->deadline_ms)
        return TRANSFER_TIMEOUT;
    if (req->idle_ms > 0 && now - t->active_ms >= req->idle_ms)
        return TRANSFER_IDLE;
    return TRANSFER_OK;
}

/* True when the transfer has ended by itself. */
static bool ended(struct transfer *t, CURLcode *ret_code)
{
    int left;
    CURLMsg *m;

    while ((m = curl_multi_info_read(t->multi, &left)))
        if (m->msg == CURLMSG_DONE) {
            *ret_code = m->data.result;
            return true;
        }
    return false;
}

static int slice_ms(const struct transfer *t, int64_t until_ms)
{
    const struct transfer_request *req = t->req;
    int64_t slice = req->flags & TRANSFER_INTERRUPTIBLE ? POLL_SLICE_MS : POLL_SLICE_MAX_MS;
    int64_t left = clock_left_ms(t->clock, clock_earlier(until_ms, req->deadline_ms));

    if (req->idle_ms > 0)
        slice = clock_earlier(slice, req->idle_ms);
    return (int)clock_earlier(slice, left);
}

/* ---- public ---- */

void transfer_use_clock(struct transfer *t, const struct clock *clock)
{
    t->clock = clock;
}

struct transfer *transfer_new(const struct clock *clock)
{
    struct transfer *t = xcalloc(1, sizeof *t);

    t->clock = clock;
    return t;
}

void transfer_cancel(struct transfer *t)
{
    if (t->req)
        forget(t);
}

void transfer_free(struct transfer *t)
{
    if (t == NULL)
        return;
    transfer_cancel(t);
    if (t->easy)
        curl_easy_cleanup(t->easy);
    if (t->multi)
        (void)curl_multi_cleanup(t->multi);
    free(t);
}

void transfer_begin(struct transfer *t, const struct transfer_request *req)
{
    transfer_cancel(t);
    open_handles(t);
    curl_easy_reset(t->easy);
    t->begun_ms = t->active_ms = clock_now_ms(t->clock);
    t->body_bytes = 0;
    t->header_bytes = 0;
    t->status = 0;
    t->requests_sent = 0;
    t->headers_end = false;
    t->own_fault = TRANSFER_OK;
    t->detail[0] = '\0';
    set_rules(t);
    set_peer(t, req);
    set_method(t, req);
    set_headers(t, req);
    t->req = req;
    (void)curl_multi_add_handle(t->multi, t->easy);
}

bool transfer_step(struct transfer *t, int64_t until_ms, struct transfer_result *ret)
{
    CURLcode code = CURLE_OK;
    int running;

    if (t->req == NULL) {
        *ret = (struct transfer_result){.fault = TRANSFER_LOST};
        return true;
    }
    t->yield = false;
    for (;;) {
        (void)curl_multi_perform(t->multi, &running);
        if (ended(t, &code)) {
            finish(t, verdict_of(t, code), ret);
            return true;
        }
        enum transfer_fault fault = overdue(t);
        if (fault != TRANSFER_OK) {
            finish(t, fault, ret);
            return true;
        }
        if (t->yield || clock_now_ms(t->clock) >= until_ms)
            return false;
        (void)curl_multi_poll(t->multi, NULL, 0, slice_ms(t, until_ms), NULL);
    }
}

void transfer_run(struct transfer *t, const struct transfer_request *req,
                  struct transfer_result *ret)
{
    transfer_begin(t, req);
    while (!transfer_step(t, req->deadline_ms, ret))
        ;
}

void transfer_yield(struct transfer *t)
{
    t->yield = true;
}

int transfer_status(const struct transfer *t)
{
    return t->status;
}

void transfer_escape(struct buf *out, const char *s, const char *keep)
{
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     strchr("-._~", c) || strchr(keep, c);
        if (plain)
            (void)buf_addc(out, (char)c);
        else
            (void)buf_addf(out, "%%%02X", c);
    }
}
