/*
 * Fuzz target: what the engine streams (pull, events), as it comes over the
 * wire: an HTTP answer whose body, in chunks of any size, is JSON objects one
 * after the other. The first byte gives the size of the pieces that are read.
 * Each object is an object, and how the bytes are cut changes nothing.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/auto.h"
#include "docker/events.h"
#include "docker/stream.h"
#include "net/http1.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HEAD       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
#define STREAM_MAX (64u * 1024)

struct reading {
    struct json_stream stream;
    size_t objects;
    uint64_t hash;
};

static int on_object(void *ctx, const struct json *object)
{
    struct reading *r = ctx;
    AUTO_FREE char *text = json_print(object);
    struct engine_event event;

    assert(json_is_object(object));
    for (const char *p = text; *p; p++)
        r->hash = r->hash * 31 + (unsigned char)*p;
    (void)engine_event_decode(object, &event);
    r->objects++;
    return 0;
}

static int on_body(void *ctx, const char *p, size_t len)
{
    struct reading *r = ctx;

    return json_stream_feed(&r->stream, p, len);
}

static void feed(struct http1 *h, const char *p, size_t len, size_t piece)
{
    for (size_t at = 0; at < len && !http1_ended(h); at += piece)
        (void)http1_feed(h, p + at, len - at < piece ? len - at : piece);
}

static enum http1_state run(const char *p, size_t len, size_t piece, struct reading *r)
{
    struct http1 h = {0};

    json_stream_init(&r->stream, on_object, r);
    http1_reset(&h);
    h.on_body = on_body;
    h.ctx = r;
    feed(&h, HEAD, sizeof HEAD - 1, sizeof HEAD);
    feed(&h, p, len, piece);
    http1_eof(&h);
    assert((h.state == HTTP1_CUT) == (r->stream.fault != JSON_STREAM_OK));
    enum http1_state state = h.state;
    http1_done(&h);
    json_stream_done(&r->stream);
    return state;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reading whole = {0}, cut = {0};

    if (size < 2 || size > STREAM_MAX)
        return 0;
    const char *p = (const char *)data + 1;
    enum http1_state state = run(p, size - 1, size, &whole);
    assert(state == run(p, size - 1, 1u + data[0], &cut));
    assert(whole.objects == cut.objects && whole.hash == cut.hash);
    return 0;
}
