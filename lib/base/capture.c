/* Head buffer plus ring for the tail; memory never exceeds the two limits. */
#include "base/capture.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

/* Room for the line that marks the gap. */
#define MARK_MAX 64

static void add_to_tail(struct capture *c, const char *p, size_t len)
{
    size_t room = c->tail_max - c->tail_len;

    if (c->tail == NULL)
        c->tail = xmalloc(c->tail_max);
    if (len > room)
        c->left_out += len - room;
    if (len > c->tail_max) {
        p += len - c->tail_max;
        len = c->tail_max;
    }
    while (len > 0) {
        size_t to_end = c->tail_max - c->tail_at;
        size_t n = len < to_end ? len : to_end;

        memcpy(c->tail + c->tail_at, p, n);
        c->tail_at = (c->tail_at + n) % c->tail_max;
        c->tail_len = c->tail_len + n < c->tail_max ? c->tail_len + n : c->tail_max;
        p += n;
        len -= n;
    }
}

static void keep(void *ctx, const char *p, size_t len)
{
    struct capture *c = ctx;
    size_t room = c->head.max - c->head.len;
    size_t n = len < room ? len : room;

    (void)buf_add(&c->head, p, n); /* fits */
    if (len > n)
        add_to_tail(c, p + n, len - n);
}

void capture_init(struct capture *c, size_t head_max, size_t tail_max, struct redact *redact)
{
    *c = (struct capture){.tail_max = tail_max};
    buf_init(&c->head, head_max);
    redact_stream_init(&c->filter, redact, keep, c);
}

void capture_done(struct capture *c)
{
    buf_done(&c->filter.waiting);
    buf_done(&c->head);
    free(c->tail);
    *c = (struct capture){0};
}

void capture_add(struct capture *c, const char *p, size_t len)
{
    redact_stream_add(&c->filter, p, len);
}

void capture_finish(struct capture *c, struct buf *out)
{
    redact_stream_finish(&c->filter);
    /* Start of the oldest byte; when the ring never wrapped that is 0. */
    size_t first = c->tail_len < c->tail_max ? 0 : c->tail_at;

    buf_init(out, c->head.max + c->tail_max + MARK_MAX);
    (void)buf_add(out, c->head.p, c->head.len);
    if (c->left_out > 0)
        (void)buf_addf(out, "\n[... %" PRIu64 " bytes left out ...]\n", c->left_out);
    if (c->tail_len > 0) {
        (void)buf_add(out, c->tail + first, c->tail_len - first);
        (void)buf_add(out, c->tail, first);
    }
}
