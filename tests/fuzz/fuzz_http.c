/*
 * Fuzz target: any bytes as an answer of an HTTP server, fed in pieces whose
 * size the first byte gives; its highest bit says that it answers a HEAD. How
 * the bytes are cut changes nothing, and what comes out is never more than what
 * went in.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "net/http1.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ANSWER_MAX (64u * 1024)

struct seen {
    enum http1_state state;
    int status;
    bool keep;
    size_t taken, headers, header_bytes, body_bytes;
    uint64_t hash;
};

static void mix(struct seen *s, const char *p, size_t len)
{
    for (size_t i = 0; i < len; i++)
        s->hash = s->hash * 31 + (unsigned char)p[i];
}

static void on_header(void *ctx, const char *name, const char *value)
{
    struct seen *s = ctx;

    s->headers++;
    s->header_bytes += strlen(name) + strlen(value);
    mix(s, name, strlen(name) + 1);
    mix(s, value, strlen(value) + 1);
}

static int on_body(void *ctx, const char *p, size_t len)
{
    struct seen *s = ctx;

    assert(len > 0);
    s->body_bytes += len;
    mix(s, p, len);
    return 0;
}

static void read_answer(const char *p, size_t len, size_t piece, bool is_head, struct seen *s)
{
    struct http1 h = {0};

    http1_reset(&h);
    h.is_head = is_head;
    h.on_header = on_header;
    h.on_body = on_body;
    h.ctx = s;
    for (size_t at = 0; at < len && !http1_ended(&h); at += piece)
        s->taken += http1_feed(&h, p + at, len - at < piece ? len - at : piece);
    http1_eof(&h);
    s->state = h.state;
    s->status = h.status;
    s->keep = h.keep;
    http1_done(&h);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct seen whole = {0}, cut = {0};

    if (size < 2 || size > ANSWER_MAX)
        return 0;
    const char *p = (const char *)data + 1;
    bool is_head = data[0] & 0x80;
    read_answer(p, size - 1, size, is_head, &whole);
    read_answer(p, size - 1, 1u + (data[0] & 0x7f), is_head, &cut);
    assert(whole.state == HTTP1_DONE || whole.state == HTTP1_BAD);
    assert(whole.state == cut.state && whole.status == cut.status);
    assert(whole.headers == cut.headers && whole.body_bytes == cut.body_bytes);
    assert(whole.hash == cut.hash);
    assert(whole.header_bytes + whole.body_bytes <= size);
    assert(whole.state != HTTP1_DONE || (whole.status >= 200 && whole.status <= 999));
    assert(whole.state != HTTP1_DONE || (whole.keep == cut.keep && whole.taken == cut.taken));
    assert(!is_head || whole.body_bytes == 0);
    return 0;
}
