/*
 * One HTTP transfer at a time over one kept-alive connection. Plain HTTP to a socket or an address
 * is spoken by ourselves, the rest (TLS, proxies, names) by libcurl, which is behind it and nowhere
 * else. Used by the Engine API client and by http.h, which know what an answer means.
 *
 * A transfer never fails with an error value: how it ended is a verdict (`struct
 * transfer_result`), because a lost reply means different things to a reader and to a writer.
 * Proxies are off unless asked for, redirects are never followed, nothing is decompressed, signals
 * are left alone. libcurl is loaded by the first transfer that needs it and not before.
 */
#ifndef SHIP_NET_TRANSFER_H
#define SHIP_NET_TRANSFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/str.h"

#define TRANSFER_HEADERS_MAX (256u * 1024) /* bytes of all response headers together */
#define TRANSFER_CONNECT_MS  10000

enum transfer_flags {
    TRANSFER_INTERRUPTIBLE = 1,  /* the stop flag of the clock ends it */
    TRANSFER_NO_RESEND = 2,      /* send at most once, even when a kept connection turns out dead */
    TRANSFER_USE_PROXY = 4,      /* honour http_proxy and friends */
    TRANSFER_TLS_INSECURE = 8,   /* do not verify the peer */
    TRANSFER_NO_LINK_LOCAL = 16, /* refuse peers where clouds keep their credentials */
};

enum transfer_fault {
    TRANSFER_OK,
    TRANSFER_BAD_URL,
    TRANSFER_RESOLVE,   /* host name has no address */
    TRANSFER_CONNECT,   /* no connection; sys_errno says why */
    TRANSFER_TLS,       /* handshake or certificate */
    TRANSFER_LOST,      /* connection ended early, or what came is not HTTP */
    TRANSFER_TIMEOUT,   /* deadline passed */
    TRANSFER_IDLE,      /* nothing came for idle_ms */
    TRANSFER_TOO_LARGE, /* more than max_body_bytes, or headers without end */
    TRANSFER_ABORTED,   /* the body sink asked to stop */
    TRANSFER_FORBIDDEN, /* TRANSFER_NO_LINK_LOCAL, and the peer is one; nothing was sent */
    TRANSFER_STOPPED,   /* a stop signal arrived */
};

/* Receives the body as it arrives, of any status. Non-zero ends the transfer. */
typedef int (*transfer_body_sink)(void *ctx, const char *p, size_t len);
/* Receives each header of the final answer: name as sent, value without surrounding blanks. */
typedef void (*transfer_header_sink)(void *ctx, const char *name, const char *value);

struct transfer_request {
    const char *method;         /* "GET"; HEAD has no body */
    const char *url;            /* http:// or https:// */
    const char *unix_path;      /* socket to talk to instead of the URL's host; may be NULL */
    const char *connect_to;     /* host or address to connect to instead of the URL's; or NULL */
    const struct strv *headers; /* "Name: value"; may be NULL */
    const void *body;           /* borrowed until the transfer ends; NULL = none */
    size_t body_len;
    int64_t deadline_ms;     /* absolute, clock of transfer_new */
    int64_t idle_ms;         /* longest silence; 0 = no limit */
    uint64_t max_body_bytes; /* 0 = no limit (streams) */
    unsigned flags;          /* enum transfer_flags */
    const char *ca_file;     /* PEM bundle; NULL = the system's */
    transfer_header_sink on_header;
    transfer_body_sink on_body;
    void *ctx;
};

struct transfer_result {
    enum transfer_fault fault;
    int status;              /* 0 = no status line was read */
    bool sent;               /* bytes of the request may have reached the peer */
    int sys_errno;           /* TRANSFER_CONNECT; 0 = unknown */
    uint64_t body_bytes;     /* handed to the sink */
    uint64_t limit_bytes;    /* TRANSFER_TOO_LARGE: of the headers or the body */
    int64_t elapsed_ms;      /* from begin to end */
    char address[64];        /* peer address, "" for sockets and before a connection */
    int64_t cert_expires_at; /* UTC epoch seconds of the peer's certificate; 0 = none */
    char detail[256];        /* for messages; may be "" */
};

struct transfer;

/* clock is borrowed. Costs nothing but memory until the first transfer. */
struct transfer *transfer_new(const struct clock *clock);
/* Another clock of the same time base (with or without stop flag) for the transfers to come. */
void transfer_use_clock(struct transfer *t, const struct clock *clock);
void transfer_free(struct transfer *t); /* closes the connection; NULL is fine */
AUTO_PTR_DEFINE(transfer_free, struct transfer)

/* Begin a transfer; one still under way is cancelled. The request is borrowed until it ends. */
void transfer_begin(struct transfer *t, const struct transfer_request *req);

/*
 * Work on it until it ends (true, *ret filled) or until_ms passes (false, still under way; the
 * request's own deadline always ends it). With no transfer under way: true and TRANSFER_LOST.
 */
bool transfer_step(struct transfer *t, int64_t until_ms, struct transfer_result *ret);

/* For body sinks: let transfer_step return false soon, although until_ms has not passed. */
void transfer_yield(struct transfer *t);

/* Forget the transfer under way and close its connection. */
void transfer_cancel(struct transfer *t);

/* Begin and finish. */
void transfer_run(struct transfer *t, const struct transfer_request *req,
                  struct transfer_result *ret);

/* Status of the answer that is arriving; 0 = none yet. For body sinks. */
int transfer_status(const struct transfer *t);

/* Percent-encode s for a query value (RFC 3986 unreserved stay), appended to out; bytes of `keep`
 * stay as they are ("/:@" in a path). */
void transfer_escape(struct buf *out, const char *s, const char *keep);

#endif
