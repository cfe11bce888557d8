/*
 * The splitter of concatenated JSON objects, fed in pieces whose size the first byte gives. What
 * it delivers must not depend on how the bytes are cut.
 */
#include <stdlib.h>

#include "docker/stream.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static int count(void *ctx, const struct json *object)
{
    size_t *n = ctx;

    if (!json_is_object(object))
        abort();
    ++*n;
    return 0;
}

static size_t run(const char *p, size_t len, size_t piece)
{
    struct json_stream s;
    size_t n = 0;

    json_stream_init(&s, count, &n);
    for (size_t at = 0; at < len; at += piece)
        if (json_stream_feed(&s, p + at, len - at < piece ? len - at : piece) != 0)
            break;
    if (s.pending.len > JSON_STREAM_OBJECT_MAX)
        abort();
    json_stream_done(&s);
    return n;
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    if (size < 2)
        return 0;
    const char *p = (const char *)data + 1;
    if (run(p, size - 1, size) != run(p, size - 1, 1u + data[0]))
        abort();
    return 0;
}
