/*
 * Incremental reader of one HTTP/1.1 answer: bytes in, headers and body out.
 *
 * Knows no sockets. Bytes come from a peer that may be broken: every line is bounded, lengths are
 * checked, and what is no HTTP ends in HTTP1_BAD and stays there.
 */
#ifndef SHIP_NET_HTTP1_H
#define SHIP_NET_HTTP1_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define HTTP1_HEADERS_MAX (256u * 1024) /* status lines, headers and trailers together */

enum http1_state {
    HTTP1_STATUS, /* a status line is expected, also after a 1xx answer */
    HTTP1_HEADERS,
    HTTP1_COUNTED,    /* body, `left` bytes to come */
    HTTP1_UNTIL_EOF,  /* body, ends with the connection */
    HTTP1_CHUNK_SIZE, /* "1f;extension" */
    HTTP1_CHUNK,
    HTTP1_CHUNK_END, /* the empty line after a chunk */
    HTTP1_TRAILERS,
    HTTP1_DONE,      /* complete */
    HTTP1_BAD,       /* not HTTP, or contradicts itself */
    HTTP1_TOO_LARGE, /* headers without end */
    HTTP1_CUT,       /* the body sink asked to stop */
};

struct http1 {
    enum http1_state state;
    bool is_head;  /* set by the caller: the answer has no body */
    int status;    /* of the final answer; 0 = not read yet */
    bool keep;     /* the connection may carry another request */
    uint64_t left; /* of the counted body or the chunk */
    /* Each header of the final answer, value without surrounding blanks; may be NULL. */
    void (*on_header)(void *ctx, const char *name, const char *value);
    /* Body as it arrives; non-zero ends in HTTP1_CUT. */
    int (*on_body)(void *ctx, const char *p, size_t len);
    void *ctx;
    /* private */
    struct buf line;
    size_t header_bytes;
    int interim; /* status of the answer whose headers are read, final or not */
    bool chunked, has_length;
};

/* Before the first answer and between two; callbacks, ctx and is_head are set afterwards. */
void http1_reset(struct http1 *h);
void http1_done(struct http1 *h); /* zeroed input is fine */

/* Take bytes; returns how many were taken: fewer than len only when the answer has ended. */
size_t http1_feed(struct http1 *h, const char *p, size_t len);
/* The connection ended. */
void http1_eof(struct http1 *h);
/* DONE, BAD, TOO_LARGE or CUT. */
bool http1_ended(const struct http1 *h);

#endif
