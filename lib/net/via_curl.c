/*
 * HTTP transfers with libcurl (contract: transfer.h and backend.h).
 *
 * libcurl is loaded by the first transfer that needs it: linked to it, every command would spend
 * most of its time on loading it. The multi handle lives as long as the session: it owns the
 * connection that is kept alive. Each transfer sets up the easy handle afresh. What can go wrong,
 * and where it is decided: no libcurl on the machine (begin), libcurl's own resend on a kept
 * connection that died (refused in before_request for calls that change something), unbounded
 * headers and bodies (counted in on_header_line, on_body_bytes), silence and deadlines
 * (via_curl_step; libcurl's timers are not used, so an injected clock decides).
 */
#define CURL_DISABLE_TYPECHECK /* its macros want the real functions */
#include <curl/curl.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "net/backend.h"
#include "net/watch.h"

#define RECEIVE_BYTES 65536 /* fewer wake-ups on long logs than the default 16 KiB */

struct via_curl {
    struct watch watch;
    CURLM *multi;
    CURL *easy;
    struct curl_slist *headers;
    struct curl_slist *connect_to;
    uint64_t body_bytes;
    size_t header_bytes;
    int status;
    unsigned requests_sent;
    bool headers_end; /* the empty line of the final answer was read */
    bool yield;
    const char *missing;           /* why there is no libcurl */
    enum transfer_fault own_fault; /* why a callback ended the transfer */
    char detail[CURL_ERROR_SIZE];
};

/* ---- the library ---- */

#define LIBRARY "libcurl.so.4"

#define FUNCTIONS(X)                                                                               \
    X(curl_global_init)                                                                            \
    X(curl_multi_init)                                                                             \
    X(curl_easy_init)                                                                              \
    X(curl_multi_setopt)                                                                           \
    X(curl_easy_setopt)                                                                            \
    X(curl_slist_append)                                                                           \
    X(curl_slist_free_all)                                                                         \
    X(curl_multi_remove_handle)                                                                    \
    X(curl_multi_add_handle)                                                                       \
    X(curl_easy_getinfo)                                                                           \
    X(curl_getdate)                                                                                \
    X(curl_multi_info_read)                                                                        \
    X(curl_easy_cleanup)                                                                           \
    X(curl_multi_cleanup)                                                                          \
    X(curl_easy_reset)                                                                             \
    X(curl_multi_perform)                                                                          \
    X(curl_multi_poll)                                                                             \
    X(curl_version_info)

static struct {
/* declares a member: NOLINTNEXTLINE(bugprone-macro-parentheses) */
#define POINTER(name) __typeof__(&name) name;
    FUNCTIONS(POINTER)
#undef POINTER
} lib;

static const struct {
    const char *name;
    size_t offset;
} symbols[] = {
#define SYMBOL(name) {#name, offsetof(__typeof__(lib), name)},
    FUNCTIONS(SYMBOL)
#undef SYMBOL
};

/* NULL when it is loaded and ready, else why not; static. Process-wide by libcurl's nature. */
static const char *library_load(void)
{
    static bool ready;
    static char why[256];

    if (ready)
        return NULL;
    void *handle = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
    for (size_t i = 0; handle && i < ARRAY_LEN(symbols); i++) {
        void *symbol = dlsym(handle, symbols[i].name);
        if (symbol == NULL)
            handle = NULL;
        else
            memcpy((char *)&lib + symbols[i].offset, &symbol, sizeof symbol);
    }
    if (handle == NULL) {
        (void)snprintf(why, sizeof why, "needs " LIBRARY ": %s", dlerror());
        return why;
    }
    if (lib.curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        abort();
    ready = true;
    return NULL;
}

const char *via_curl_describe(void)
{
    static char text[300];
    const char *why = library_load();

    if (why)
        return why;
    const curl_version_info_data *v = lib.curl_version_info(CURLVERSION_NOW);
    (void)snprintf(text, sizeof text, "libcurl %s (%s)", v->version,
                   v->ssl_version ? v->ssl_version : "no TLS");
    return text;
}

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

static enum transfer_fault verdict_of(const struct via_curl *t, CURLcode code)
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

/* libcurl's type: NOLINTNEXTLINE(readability-non-const-parameter) */
static int before_request(void *ctx, char *peer, char *local, int peer_port, int local_port)
{
    struct via_curl *t = ctx;

    (void)local, (void)peer_port, (void)local_port;
    if ((t->watch.req->flags & TRANSFER_NO_LINK_LOCAL) && watch_is_link_local(peer)) {
        t->own_fault = TRANSFER_FORBIDDEN;
        return CURL_PREREQFUNC_ABORT;
    }
    /* A second round means that libcurl found the kept connection dead after sending. */
    if (t->requests_sent > 0 && (t->watch.req->flags & TRANSFER_NO_RESEND)) {
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

static void take_header(const struct via_curl *t, const char *line, size_t len)
{
    const char *colon = memchr(line, ':', len);

    if (colon == NULL || t->watch.req->on_header == NULL)
        return;
    const char *value = colon + 1;
    size_t value_len = len - (size_t)(value - line);
    trim_blanks(&value, &value_len);
    AUTO_FREE char *name = xstrndup(line, (size_t)(colon - line));
    AUTO_FREE char *text = xstrndup(value, value_len);
    t->watch.req->on_header(t->watch.req->ctx, name, text);
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
    struct via_curl *t = ctx;
    size_t len = size * n;
    int status = status_of_line(line, len);

    t->watch.active_ms = clock_now_ms(t->watch.clock);
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
    struct via_curl *t = ctx;
    const struct transfer_request *req = t->watch.req;
    size_t len = size * n;

    t->watch.active_ms = clock_now_ms(t->watch.clock);
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

static const char *open_handles(struct via_curl *t)
{
    const char *why = t->easy ? NULL : library_load();

    if (t->easy || why)
        return why;
    t->multi = lib.curl_multi_init();
    t->easy = lib.curl_easy_init();
    if (t->multi == NULL || t->easy == NULL)
        abort(); /* out of memory: same end as xmalloc */
    lib.curl_multi_setopt(t->multi, CURLMOPT_MAXCONNECTS, 1L);
    return NULL;
}

#define SET(option, value) ((void)lib.curl_easy_setopt(t->easy, (option), (value)))

static void set_method(struct via_curl *t, const struct transfer_request *req)
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

static void set_headers(struct via_curl *t, const struct transfer_request *req)
{
    static const char *const off[] = {"Expect:", "Accept-Encoding:"};

    for (size_t i = 0; i < ARRAY_LEN(off); i++)
        t->headers = lib.curl_slist_append(t->headers, off[i]);
    for (size_t i = 0; req->headers && i < req->headers->n; i++)
        t->headers = lib.curl_slist_append(t->headers, req->headers->v[i]);
    SET(CURLOPT_HTTPHEADER, t->headers);
}

static void set_peer(struct via_curl *t, const struct transfer_request *req)
{
    bool verify = !(req->flags & TRANSFER_TLS_INSECURE);

    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_URL, req->url);
    if (req->unix_path)
        SET(CURLOPT_UNIX_SOCKET_PATH, req->unix_path);
    if (req->connect_to) { /* "any host : any port : there : same port" */
        bool v6 = strchr(req->connect_to, ':') != NULL;
        AUTO_FREE char *rule = xasprintf(v6 ? "::[%s]:" : "::%s:", req->connect_to);
        t->connect_to = lib.curl_slist_append(t->connect_to, rule);
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

static void set_rules(struct via_curl *t)
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

static void forget(struct via_curl *t)
{
    if (t->watch.req)
        (void)lib.curl_multi_remove_handle(t->multi, t->easy);
    t->watch.req = NULL;
    lib.curl_slist_free_all(t->headers);
    t->headers = NULL;
    lib.curl_slist_free_all(t->connect_to);
    t->connect_to = NULL;
}

/* ---- end ---- */

/* libcurl prints certificate dates like "Nov 21 01:20:54 2026 GMT". */
static int64_t cert_expiry(CURL *easy)
{
    struct curl_certinfo *info = NULL;

    if (lib.curl_easy_getinfo(easy, CURLINFO_CERTINFO, &info) != CURLE_OK || info == NULL ||
        info->num_of_certs < 1)
        return 0;
    for (const struct curl_slist *l = info->certinfo[0]; l; l = l->next)
        if (str_starts(l->data, "Expire date:")) {
            time_t at = lib.curl_getdate(l->data + strlen("Expire date:"), NULL);
            return at > 0 ? (int64_t)at : 0;
        }
    return 0;
}

static void finish(struct via_curl *t, enum transfer_fault fault, struct transfer_result *ret)
{
    long os_errno = 0;
    char *address = NULL;
    struct transfer_result r = {
        .fault = fault,
        .status = t->status,
        .sent = t->requests_sent > 0,
        .body_bytes = t->body_bytes,
        .limit_bytes = t->header_bytes > TRANSFER_HEADERS_MAX ? TRANSFER_HEADERS_MAX
                                                              : t->watch.req->max_body_bytes,
        .elapsed_ms = clock_now_ms(t->watch.clock) - t->watch.begun_ms,
    };

    if (lib.curl_easy_getinfo(t->easy, CURLINFO_OS_ERRNO, &os_errno) == CURLE_OK)
        r.sys_errno = (int)os_errno;
    if (lib.curl_easy_getinfo(t->easy, CURLINFO_PRIMARY_IP, &address) == CURLE_OK && address)
        (void)snprintf(r.address, sizeof r.address, "%s", address);
    if (fault != TRANSFER_OK)
        (void)snprintf(r.detail, sizeof r.detail, "%s", t->detail);
    r.cert_expires_at = cert_expiry(t->easy);
    forget(t);
    *ret = r;
}

/* True when the transfer has ended by itself. */
static bool ended(struct via_curl *t, CURLcode *ret_code)
{
    int left;
    CURLMsg *m;

    while ((m = lib.curl_multi_info_read(t->multi, &left)))
        if (m->msg == CURLMSG_DONE) {
            *ret_code = m->data.result;
            return true;
        }
    return false;
}

/* ---- public ---- */

void via_curl_use_clock(struct via_curl *t, const struct clock *clock)
{
    t->watch.clock = clock;
}

struct via_curl *via_curl_new(const struct clock *clock)
{
    struct via_curl *t = xcalloc(1, sizeof *t);

    t->watch.clock = clock;
    return t;
}

void via_curl_cancel(struct via_curl *t)
{
    if (t->watch.req)
        forget(t);
}

void via_curl_free(struct via_curl *t)
{
    if (t == NULL)
        return;
    via_curl_cancel(t);
    if (t->easy)
        lib.curl_easy_cleanup(t->easy);
    if (t->multi)
        (void)lib.curl_multi_cleanup(t->multi);
    free(t);
}

void via_curl_begin(struct via_curl *t, const struct transfer_request *req)
{
    via_curl_cancel(t);
    t->missing = open_handles(t);
    if (t->missing)
        return;
    lib.curl_easy_reset(t->easy);
    t->watch.begun_ms = t->watch.active_ms = clock_now_ms(t->watch.clock);
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
    t->watch.req = req;
    (void)lib.curl_multi_add_handle(t->multi, t->easy);
}

bool via_curl_step(struct via_curl *t, int64_t until_ms, struct transfer_result *ret)
{
    CURLcode code = CURLE_OK;
    int running;

    if (t->watch.req == NULL) {
        *ret = (struct transfer_result){.fault = TRANSFER_LOST};
        (void)snprintf(ret->detail, sizeof ret->detail, "%s", t->missing ? t->missing : "");
        return true;
    }
    t->yield = false;
    for (;;) {
        (void)lib.curl_multi_perform(t->multi, &running);
        if (ended(t, &code)) {
            finish(t, verdict_of(t, code), ret);
            return true;
        }
        enum transfer_fault fault = watch_overdue(&t->watch);
        if (fault != TRANSFER_OK) {
            finish(t, fault, ret);
            return true;
        }
        if (t->yield || clock_now_ms(t->watch.clock) >= until_ms)
            return false;
        (void)lib.curl_multi_poll(t->multi, NULL, 0, watch_slice_ms(&t->watch, until_ms), NULL);
    }
}

void via_curl_yield(struct via_curl *t)
{
    t->yield = true;
}

int via_curl_status(const struct via_curl *t)
{
    return t->status;
}
