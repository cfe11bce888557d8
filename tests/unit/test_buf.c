/* The bounded buffer. */
#include <stdlib.h>

#include "base/auto.h"
#include "base/buf.h"
#include "unit/assert.h"

static void test_add_appends_and_terminates(void **state)
{
    AUTO(buf_done) struct buf b = BUF_INIT(1000);

    (void)state;
    assert_string_equal(b.p, "");
    assert_int_equal(buf_adds(&b, "ab"), 0);
    assert_int_equal(buf_addc(&b, 'c'), 0);
    assert_int_equal(buf_add(&b, "d\0e", 3), 0);
    assert_int_equal(buf_addf(&b, "%03d", 7), 0);
    assert_int_equal(b.len, 9);
    assert_memory_equal(b.p, "abcd\0e007", 10);
}

static void test_add_beyond_the_limit_keeps_what_fits(void **state)
{
    AUTO(buf_done) struct buf b = BUF_INIT(5);

    (void)state;
    assert_int_equal(buf_adds(&b, "abc"), 0);
    assert_int_equal(buf_adds(&b, "defg"), -1);
    assert_string_equal(b.p, "abcde");
    assert_true(b.overflow);
    assert_int_equal(buf_addc(&b, 'x'), -1);
    assert_string_equal(b.p, "abcde");
}

static void test_addf_beyond_the_limit_keeps_what_fits(void **state)
{
    AUTO(buf_done) struct buf b = BUF_INIT(4);

    (void)state;
    assert_int_equal(buf_addf(&b, "%d", 123456), -1);
    assert_string_equal(b.p, "1234");
    assert_true(b.overflow);
}

static void test_add_exactly_the_limit_is_no_overflow(void **state)
{
    AUTO(buf_done) struct buf b = BUF_INIT(3);

    (void)state;
    assert_int_equal(buf_addf(&b, "%s", "abc"), 0);
    assert_false(b.overflow);
    assert_int_equal(buf_adds(&b, ""), 0);
    assert_false(b.overflow);
}

static void test_zeroed_buffer_takes_nothing_and_is_done(void **state)
{
    struct buf b = {0};

    (void)state;
    assert_int_equal(buf_add(&b, "x", 1), -1);
    buf_done(&b);
    assert_string_equal(b.p, "");
    buf_done(&b);
}

static void test_unlimited_buffer_grows(void **state)
{
    AUTO(buf_done) struct buf b = BUF_INIT(SIZE_MAX);

    (void)state;
    for (int i = 0; i < 10000; i++)
        assert_int_equal(buf_adds(&b, "0123456789"), 0);
    assert_int_equal(b.len, 100000);
    assert_int_equal(strlen(b.p), 100000);
}

static void test_truncate_consume_and_reset(void **state)
{
    AUTO(buf_done) struct buf b = BUF_INIT(10);

    (void)state;
    buf_truncate(&b, 0);
    buf_consume(&b, 0);
    (void)buf_adds(&b, "0123456789too long");
    assert_true(b.overflow);
    buf_consume(&b, 3);
    assert_string_equal(b.p, "3456789");
    buf_truncate(&b, 2);
    assert_string_equal(b.p, "34");
    buf_reset(&b);
    assert_string_equal(b.p, "");
    assert_false(b.overflow);
    assert_int_equal(buf_adds(&b, "again"), 0);
}

static void test_steal_leaves_an_empty_usable_buffer(void **state)
{
    AUTO(buf_done) struct buf b = BUF_INIT(10);
    AUTO_FREE char *empty = buf_steal(&b);
    AUTO_FREE char *full = NULL;

    (void)state;
    assert_string_equal(empty, "");
    (void)buf_adds(&b, "text");
    full = buf_steal(&b);
    assert_string_equal(full, "text");
    assert_int_equal(b.len, 0);
    assert_int_equal(buf_adds(&b, "more"), 0);
    assert_string_equal(b.p, "more");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_add_appends_and_terminates),
        cmocka_unit_test(test_add_beyond_the_limit_keeps_what_fits),
        cmocka_unit_test(test_addf_beyond_the_limit_keeps_what_fits),
        cmocka_unit_test(test_add_exactly_the_limit_is_no_overflow),
        cmocka_unit_test(test_zeroed_buffer_takes_nothing_and_is_done),
        cmocka_unit_test(test_unlimited_buffer_grows),
        cmocka_unit_test(test_truncate_consume_and_reset),
        cmocka_unit_test(test_steal_leaves_an_empty_usable_buffer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
