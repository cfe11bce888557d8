/* Bounded capture of output: every way the pieces can arrive gives the same text. */
#include <stdlib.h>

#include "base/auto.h"
#include "base/capture.h"
#include "unit/assert.h"

#define HEAD 4
#define TAIL 6

static void test_capture_is_independent_of_piece_size(void **state)
{
    static const struct {
        const char *input, *expected;
    } rows[] = {
        {"",                           ""                                         },
        {"abcd",                       "abcd"                                     },
        {"abcde",                      "abcde"                                    },
        {"abcdefghij",                 "abcdefghij"                               },
        {"abcdefghijk",                "abcd\n[... 1 bytes left out ...]\nfghijk" },
        {"abcdefghijklmnopqrstuvwxyz", "abcd\n[... 16 bytes left out ...]\nuvwxyz"},
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        size_t len = strlen(rows[i].input);

        for (size_t step = 1; step <= len + 1; step++) {
            AUTO(capture_done) struct capture c;
            AUTO(buf_done) struct buf out = {0};

            capture_init(&c, HEAD, TAIL, NULL);
            for (size_t at = 0; at < len; at += step)
                capture_add(&c, rows[i].input + at, len - at < step ? len - at : step);
            capture_finish(&c, &out);
            if (strcmp(out.p, rows[i].expected) != 0)
                fail_msg("'%s' in steps of %zu: '%s'", rows[i].input, step, out.p);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_capture_is_independent_of_piece_size),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
