/* Fuzz target: any text as a command line. Words no longer than the line, or an error. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/alloc.h"
#include "base/auto.h"
#include "compose/shellwords.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_FREE char *line = xstrndup((const char *)data, size);
    AUTO(strv_done) struct strv words = {0};
    struct ship_error err = {0};
    bool dropped = false;
    size_t total = 0;

    if (shellwords_split(line, &words, &dropped, &err) < 0) {
        assert(err.code == SHIP_INVALID && err.msg[0] && err.hint[0]);
        return 0;
    }
    for (size_t i = 0; i < words.n; i++)
        total += strlen(words.v[i]);
    assert(total <= strlen(line));
    return 0;
}
