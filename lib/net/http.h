/*
 * Plain HTTP(S) client for checks, metrics queries and notifications: one request, one answer.
 *
 * Each call uses a connection of its own (a kept one would hide a dead listener). Any status is an
 * answer, not an error.
 */
#ifndef SHIP_NET_HTTP_H
#define SHIP_NET_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/str.h"

#define HTTP_BODY_MAX      (1024u * 1024)
#define HTTP_REDIRECTS_MAX 5
#define HTTP_CERT_NONE     INT64_MIN

enum http_flags {
    HTTP_FOLLOW = 1,     /* redirects, at most HTTP_REDIRECTS_MAX; never from https to http */
    HTTP_INSECURE = 2,   /* do not verify the TLS peer */
    HTTP_USE_PROXY = 4,  /* honour http_proxy, https_proxy, no_proxy */
    HTTP_UNTIL_STOP = 8, /* a stop signal ends it (SHIP_INTERRUPTED) */
    HTTP_CUT_BODY = 16,  /* a longer body is cut, not an error */
};

struct http_request {
    const char *url;            /* http:// or https:// */
    const char *method;         /* NULL = GET, or POST when there is a body */
    const struct strv *headers; /* "Name: value"; may be NULL */
    const void *body;           /* NULL = none */
    size_t body_len;
    size_t max_body_bytes; /* 0 = HTTP_BODY_MAX */
    const char *ca_file;   /* PEM bundle; NULL = the system's */
    const char *unix_path; /* talk to this socket instead of the URL's host; may be NULL */
    /* Connect here instead of to the URL's host (which stays in Host and TLS); not on redirects to
     * another host. NULL = the URL's. */
    const char *connect_to;
    int64_t deadline_ms; /* absolute, for everything including redirects */
    const struct clock *clock;
    unsigned flags; /* enum http_flags */
};

struct http_response {
    int status;
    struct buf body;
    bool body_cut;       /* HTTP_CUT_BODY: there was more */
    struct strv headers; /* "name: value" of the final answer, names in lower case */
    int64_t elapsed_ms;  /* of the final request, connection included */
    int64_t cert_days;   /* days the peer's certificate is still valid; HTTP_CERT_NONE = no TLS */
    char address[64];    /* "127.0.0.1" */
    char *url;           /* of the final request */
};
void http_response_done(struct http_response *r);

/* Value of a header, any case, first one when repeated; NULL when absent. */
const char *http_header(const struct http_response *r, const char *name);

/*
 * 0 when an answer of any status was read; else -1:
 *   SHIP_INVALID      the URL is not http(s), or a header holds a line break
 *   SHIP_UNREACHABLE  no address, no connection (*ret_refused = nothing listens), TLS failure,
 *                     connection lost
 *   SHIP_TIMEOUT      deadline passed
 *   SHIP_ENGINE       answer too large, too many redirects, redirect to a forbidden place
 *   SHIP_INTERRUPTED  see HTTP_UNTIL_STOP
 * ret_refused may be NULL; it is written on failure as well as on success.
 */
SHIP_CHECKED int http_fetch(const struct http_request *req, struct http_response *ret,
                            bool *ret_refused, struct ship_error *err);

#endif
