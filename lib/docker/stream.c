/*
 * Stream decoders (contract: stream.h). Input is untrusted and endless.
 *
 * The JSON splitter counts brackets outside strings, so each byte is looked at once however the
 * pieces are cut; only a complete object is given to the parser.
 */
#include "docker/stream.h"

#include <string.h>

/* ---- JSON ---- */

void json_stream_init(struct json_stream *s, json_stream_sink sink, void *ctx)
{
    *s = (struct json_stream){.sink = sink, .ctx = ctx};
    buf_init(&s->pending, JSON_STREAM_OBJECT_MAX);
}

void json_stream_done(struct json_stream *s)
{
    buf_done(&s->pending);
    *s = (struct json_stream){0};
}

static int fail(struct json_stream *s, enum json_stream_fault fault)
{
    s->fault = fault;
    return -1;
}

static int deliver(struct json_stream *s)
{
    struct ship_error why = {0};
    AUTO_PTR(json_free)
    struct json *object = json_parse(s->pending.p, s->pending.len, "stream", &why);

    if (object == NULL)
        return fail(s, JSON_STREAM_BAD);
    buf_reset(&s->pending);
    if (s->sink(s->ctx, object) != 0)
        return fail(s, JSON_STREAM_STOPPED);
    return 0;
}

/* Follow one byte inside an object; true when it closes the object. */
static bool follow(struct json_stream *s, char c)
{
    if (s->in_string) {
        if (s->escaped)
            s->escaped = false;
        else if (c == '\\')
            s->escaped = true;
        else if (c == '"')
            s->in_string = false;
        return false;
    }
    if (c == '"')
        s->in_string = true;
    else if (c == '{' || c == '[')
        s->depth++;
    else if (c == '}' || c == ']')
        return --s->depth == 0;
    return false;
}

/* Bytes from p that belong to the current object; *ret_closed when they end it. */
static size_t span_object(struct json_stream *s, const char *p, size_t len, bool *ret_closed)
{
    size_t i = 0;

    *ret_closed = false;
    while (i < len && !*ret_closed)
        *ret_closed = follow(s, p[i++]);
    return i;
}

int json_stream_feed(struct json_stream *s, const char *p, size_t len)
{
    bool closed;

    if (s->fault != JSON_STREAM_OK)
        return -1;
    while (len > 0) {
        if (s->depth == 0 && strchr(" \t\r\n", *p) && *p != '\0') {
            p++;
            len--;
            continue;
        }
        if (s->depth == 0 && *p != '{')
            return fail(s, JSON_STREAM_BAD);
        size_t n = span_object(s, p, len, &closed);
        if (buf_add(&s->pending, p, n) != 0)
            return fail(s, JSON_STREAM_LARGE);
        if (closed && deliver(s) != 0)
            return -1;
        p += n;
        len -= n;
    }
    return 0;
}

bool json_stream_complete(const struct json_stream *s)
{
    return s->depth == 0 && s->fault == JSON_STREAM_OK;
}

/* ---- log frames ---- */

void log_frames_init(struct log_frames *f, bool raw, frame_sink sink, void *ctx)
{
    *f = (struct log_frames){.sink = sink, .ctx = ctx, .raw = raw};
}

/* Read header bytes; how many were used. Sets left or bad when the header is complete. */
static size_t take_frame_header(struct log_frames *f, const char *p, size_t len)
{
    size_t want = sizeof f->header - f->header_len;
    size_t n = len < want ? len : want;
    const unsigned char *h = f->header;

    memcpy(f->header + f->header_len, p, n);
    f->header_len += n;
    if (f->header_len < sizeof f->header)
        return n;
    f->left = (uint32_t)h[4] << 24 | (uint32_t)h[5] << 16 | (uint32_t)h[6] << 8 | h[7];
    f->bad = h[0] > 2 || h[1] || h[2] || h[3] || f->left > LOG_FRAME_MAX;
    if (f->left == 0)
        f->header_len = 0;
    return n;
}

static int take_payload(struct log_frames *f, const char *p, size_t n)
{
    f->left -= (uint32_t)n;
    if (f->left == 0)
        f->header_len = 0;
    return f->sink(f->ctx, f->header[0] == 2, p, n) != 0;
}

int log_frames_feed(struct log_frames *f, const char *p, size_t len)
{
    if (f->raw)
        return len > 0 && f->sink(f->ctx, 0, p, len) != 0;
    while (len > 0 && !f->bad) {
        size_t n;
        if (f->header_len < sizeof f->header) {
            n = take_frame_header(f, p, len);
        } else {
            n = len < f->left ? len : f->left;
            if (take_payload(f, p, n) != 0)
                return 1;
        }
        p += n;
        len -= n;
    }
    return f->bad ? -1 : 0;
}

bool log_frames_complete(const struct log_frames *f)
{
    return f->raw || (!f->bad && f->header_len == 0);
}
