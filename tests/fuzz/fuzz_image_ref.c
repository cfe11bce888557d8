/*
 * Fuzz target: any text as an image reference. Asserts that what is accepted is made of valid
 * parts, and that its familiar form parses to the same parts again.
 */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/auto.h"
#include "base/image_ref.h"
#include "compose/version.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ship_error err = {0};
    struct image_ref ref, again;
    struct image_raw raw;
    AUTO_FREE char *text = xstrndup((const char *)data, size);

    image_raw_split(text, &raw);
    assert(raw.prefix_len <= strlen(text));
    assert(!raw.tag || raw.tag_len <= strlen(raw.tag));
    if (image_ref_parse(text, &ref, &err) != 0) {
        assert(err.code == SHIP_INVALID && err.msg[0]);
        return 0;
    }
    assert(!ref.tag[0] || image_tag_valid(ref.tag));
    assert(!ref.digest[0] || image_digest_valid(ref.digest));
    AUTO_FREE char *familiar = xasprintf("%s%s%s%s%s", ref.repository, ref.tag[0] ? ":" : "",
                                         ref.tag, ref.digest[0] ? "@" : "", ref.digest);
    assert(image_ref_parse(familiar, &again, &err) == 0);
    assert(strcmp(ref.registry, again.registry) == 0 && strcmp(ref.path, again.path) == 0);
    assert(strcmp(ref.tag, again.tag) == 0 && strcmp(ref.digest, again.digest) == 0);
    return 0;
}
