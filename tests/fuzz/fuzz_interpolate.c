/* Fuzz target: any text as an expression. A bounded result, or a fault with a message. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/alloc.h"
#include "base/auto.h"
#include "compose/interpolate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *lookup(void *ctx, const char *name)
{
    (void)ctx;
    assert(*name && strlen(name) <= INTERPOLATE_NAME_MAX);
    return name[0] == 'S' ? "set" : name[0] == 'E' ? "" : NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_FREE char *text = xstrndup((const char *)data, size);
    AUTO(buf_done) struct buf out = BUF_INIT(4096);
    char message[256] = "";
    struct interpolation in = {.lookup = lookup};

    enum interpolate_fault fault = interpolate(text, &in, &out, message, sizeof message);
    assert((fault == INTERPOLATE_OK) == (message[0] == '\0'));
    if (!strchr(text, '$') && strlen(text) <= out.max)
        assert(fault == INTERPOLATE_OK && strcmp(text, out.p) == 0);
    return 0;
}
