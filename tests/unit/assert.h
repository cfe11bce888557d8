/*
 * Assertions for our own types on top of cmocka.
 *
 * assert_ok(rc, &err) prints the message of an unexpected failure;
 * assert_fails(rc, &err, code) checks the code and that the message keeps the
 * house rules. Include after nothing: cmocka's own prerequisites are in here.
 */
#ifndef TESTS_UNIT_ASSERT_H
#define TESTS_UNIT_ASSERT_H

/* clang-format off */
/* cmocka.h needs these four before it */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
/* clang-format on */

#include <string.h>

#include "shipctl/error.h"

#include "base/alloc.h"

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

/* Check inside a loop over rows: a failure names the row. */
#define row_check(ok, why)                                                                         \
    do {                                                                                           \
        if (!(ok))                                                                                 \
            fail_msg("row '%s': %s", (why), #ok);                                                  \
    } while (0)

#define assert_ok(rc, errp)                                                                        \
    do {                                                                                           \
        if ((rc) != 0)                                                                             \
            fail_msg("unexpected failure: %s", (errp)->msg);                                       \
    } while (0)

#define assert_not_null_ok(p, errp)                                                                \
    do {                                                                                           \
        if ((p) == NULL)                                                                           \
            fail_msg("unexpected NULL: %s", (errp)->msg);                                          \
    } while (0)

/* Failed with this code and a message that starts in lower case or with a quote, no full stop. */
static inline void check_error_(const struct ship_error *err, enum ship_code code, const char *file,
                                int line)
{
    size_t len = strlen(err->msg);

    if (err->code != code) {
        print_error("%s:%d: code is %s, expected %s: %s\n", file, line, ship_code_name(err->code),
                    ship_code_name(code), err->msg);
        _fail(file, line);
    }
    if (len == 0 || err->msg[len - 1] == '.' || (err->msg[0] >= 'A' && err->msg[0] <= 'Z')) {
        print_error("%s:%d: message breaks the house rules: '%s'\n", file, line, err->msg);
        _fail(file, line);
    }
}

#define assert_fails(rc, errp, expected_code)                                                      \
    do {                                                                                           \
        assert_int_equal((rc), -1);                                                                \
        check_error_((errp), (expected_code), __FILE__, __LINE__);                                 \
    } while (0)

#define assert_null_fails(p, errp, expected_code)                                                  \
    do {                                                                                           \
        assert_null(p);                                                                            \
        check_error_((errp), (expected_code), __FILE__, __LINE__);                                 \
    } while (0)

#define assert_contains(text, part)                                                                \
    do {                                                                                           \
        if (strstr((text), (part)) == NULL)                                                        \
            fail_msg("'%s' does not contain '%s'", (text), (part));                                \
    } while (0)

#endif
