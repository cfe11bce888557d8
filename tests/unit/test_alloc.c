/* Allocation, growing arrays and scope-bound ownership. */
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/auto.h"
#include "unit/assert.h"

static void test_xstrndup_stops_at_nul_or_length(void **state)
{
    AUTO_FREE char *cut = xstrndup("abcdef", 3);
    AUTO_FREE char *whole = xstrndup("ab", 10);

    (void)state;
    assert_string_equal(cut, "abc");
    assert_string_equal(whole, "ab");
}

static void test_xstrdup_or_null_keeps_null(void **state)
{
    AUTO_FREE char *copy = xstrdup_or_null("x");

    (void)state;
    assert_null(xstrdup_or_null(NULL));
    assert_string_equal(copy, "x");
}

static void test_xasprintf_formats(void **state)
{
    AUTO_FREE char *s = xasprintf("%s-%d", "a", 7);

    (void)state;
    assert_string_equal(s, "a-7");
}

static void test_xcalloc_zeroes(void **state)
{
    AUTO_FREE unsigned char *p = xcalloc(16, 4);

    (void)state;
    for (size_t i = 0; i < 64; i++)
        assert_int_equal(p[i], 0);
}

static void test_array_grow_keeps_elements(void **state)
{
    AUTO_FREE size_t *v = NULL;
    size_t n = 0;
    size_t cap = 0;

    (void)state;
    for (size_t i = 0; i < 1000; i++) {
        ARRAY_GROW(v, n, cap);
        v[n++] = i;
    }
    for (size_t i = 0; i < 1000; i++)
        assert_int_equal(v[i], i);
    assert_true(cap >= 1000 && cap <= 2048);
}

static void test_steal_ptr_leaves_null(void **state)
{
    AUTO_FREE char *p = xstrdup("mine");
    AUTO_FREE char *q = steal_ptr(&p);

    (void)state;
    assert_null(p);
    assert_string_equal(q, "mine");
}

static void test_steal_fd_leaves_invalid(void **state)
{
    int fd = 7;

    (void)state;
    assert_int_equal(steal_fd(&fd), 7);
    assert_int_equal(fd, -1);
}

static void test_xreallocarray_overflow_ends_the_process_with_status_1(void **state)
{
    int status = 0;
    pid_t pid = fork();

    (void)state;
    assert_true(pid >= 0);
    if (pid == 0) {
        volatile size_t n = SIZE_MAX / 2;

        close(STDERR_FILENO);
        free(xreallocarray(NULL, n, 4));
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_xstrndup_stops_at_nul_or_length),
        cmocka_unit_test(test_xstrdup_or_null_keeps_null),
        cmocka_unit_test(test_xasprintf_formats),
        cmocka_unit_test(test_xcalloc_zeroes),
        cmocka_unit_test(test_array_grow_keeps_elements),
        cmocka_unit_test(test_steal_ptr_leaves_null),
        cmocka_unit_test(test_steal_fd_leaves_invalid),
        cmocka_unit_test(test_xreallocarray_overflow_ends_the_process_with_status_1),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
