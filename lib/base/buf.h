/*
 * A growing, always NUL-terminated byte buffer with a maximum size.
 *
 * Every buffer is created with its limit, so no input can grow one without
 * bound. Appending beyond the limit keeps what fits up to the limit, sets
 * `overflow` and returns -1; callers that read untrusted input check it.
 */
#ifndef SHIP_BASE_BUF_H
#define SHIP_BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "shipctl/error.h"

struct buf {
    char *p;       /* NUL-terminated; never NULL: "" before the first append. Owned. */
    size_t len;    /* bytes without the NUL */
    size_t cap;    /* 0 while p is the static empty string */
    size_t max;    /* largest len allowed */
    bool overflow; /* an append did not fit */
};

extern char buf_empty_[1];
#define BUF_INIT(max_bytes)                                                                        \
    {                                                                                              \
        .p = buf_empty_, .len = 0, .cap = 0, .max = (max_bytes), .overflow = false                 \
    }

void buf_init(struct buf *b, size_t max);
void buf_done(struct buf *b);  /* frees; leaves an empty buffer with max 0; zeroed input is fine */
void buf_reset(struct buf *b); /* len = 0, no overflow; keeps the memory */
int buf_add(struct buf *b, const void *p, size_t len);
int buf_adds(struct buf *b, const char *s);
int buf_addc(struct buf *b, char c);
int buf_addf(struct buf *b, const char *fmt, ...) SHIP_PRINTF(2, 3);
int buf_vaddf(struct buf *b, const char *fmt, va_list ap) SHIP_PRINTF(2, 0);
void buf_truncate(struct buf *b, size_t len);
void buf_consume(struct buf *b, size_t n); /* drop the first n bytes */
char *buf_steal(struct buf *b); /* heap string, caller frees; buffer is empty afterwards */

#endif
