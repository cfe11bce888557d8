/*
 * The log frame decoder, fed in pieces whose size the first byte gives. Payload bytes must not
 * depend on how the stream is cut, and never exceed what came in.
 */
#include <stdlib.h>

#include "docker/stream.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static int sum(void *ctx, int is_stderr, const char *p, size_t len)
{
    size_t *n = ctx;

    for (size_t i = 0; i < len; i++)
        *n = *n * 31 + (unsigned char)p[i] + (unsigned)is_stderr;
    return 0;
}

static size_t run(const char *p, size_t len, size_t piece)
{
    struct log_frames f;
    size_t hash = 0;

    log_frames_init(&f, false, sum, &hash);
    for (size_t at = 0; at < len; at += piece)
        if (log_frames_feed(&f, p + at, len - at < piece ? len - at : piece) != 0)
            break;
    return hash;
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
