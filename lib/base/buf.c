/*
 * The bounded buffer. Invariant: p[len] == '\0' and len <= max; the memory
 * doubles until it could hold max + 1 bytes.
 */
#include "base/buf.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#define FIRST_CAP 64

/* What p points to before the first append; never written to. */
char buf_empty_[1] = "";

void buf_init(struct buf *b, size_t max)
{
    *b = (struct buf)BUF_INIT(max);
}

void buf_done(struct buf *b)
{
    if (b->cap > 0)
        free(b->p);
    buf_init(b, 0);
}

void buf_reset(struct buf *b)
{
    buf_truncate(b, 0);
    b->overflow = false;
}

/* Make sure len more bytes and a NUL fit; the caller has checked them against max. */
static void reserve(struct buf *b, size_t len)
{
    size_t need = b->len + len + 1;
    size_t cap = b->cap > 0 ? b->cap : FIRST_CAP;

    if (need <= b->cap)
        return;
    while (cap < need)
        cap = cap > SIZE_MAX / 2 ? need : cap * 2;
    b->p = xrealloc(b->cap > 0 ? b->p : NULL, cap);
    b->cap = cap;
}

/* The part of len that may still be added; notes an overflow. */
static size_t clip(struct buf *b, size_t len)
{
    size_t room = b->max < SIZE_MAX ? b->max - b->len : SIZE_MAX - 1 - b->len;

    if (len <= room)
        return len;
    b->overflow = true;
    return room;
}

int buf_add(struct buf *b, const void *p, size_t len)
{
    size_t fits = clip(b, len);

    if (fits > 0) {
        reserve(b, fits);
        memcpy(b->p + b->len, p, fits);
        b->len += fits;
        b->p[b->len] = '\0';
    }
    return fits == len ? 0 : -1;
}

int buf_adds(struct buf *b, const char *s)
{
    return buf_add(b, s, strlen(s));
}

int buf_addc(struct buf *b, char c)
{
    return buf_add(b, &c, 1);
}

int buf_addf(struct buf *b, const char *fmt, ...)
{
    va_list ap;
    int rc;

    va_start(ap, fmt);
    rc = buf_vaddf(b, fmt, ap);
    va_end(ap);
    return rc;
}

int buf_vaddf(struct buf *b, const char *fmt, va_list ap)
{
    size_t room = b->cap > 0 ? b->cap - b->len : 0; /* with the NUL */
    va_list again;
    size_t fits;
    int n;

    va_copy(again, ap);
    n = vsnprintf(room ? b->p + b->len : NULL, room, fmt, ap);
    assert(n >= 0);
    fits = clip(b, (size_t)n);
    if (fits >= room && fits > 0) {
        reserve(b, fits);
        (void)vsnprintf(b->p + b->len, fits + 1, fmt, again);
    }
    va_end(again);
    b->len += fits;
    if (b->cap > 0)
        b->p[b->len] = '\0'; /* cut to what fits */
    return fits == (size_t)n ? 0 : -1;
}

void buf_truncate(struct buf *b, size_t len)
{
    assert(len <= b->len);
    b->len = len;
    if (b->cap > 0)
        b->p[len] = '\0';
}

void buf_consume(struct buf *b, size_t n)
{
    assert(n <= b->len);
    if (n == 0)
        return;
    memmove(b->p, b->p + n, b->len - n);
    buf_truncate(b, b->len - n);
}

char *buf_steal(struct buf *b)
{
    char *p = b->cap > 0 ? b->p : xstrdup("");
    size_t max = b->max;

    buf_init(b, max);
    return p;
}
