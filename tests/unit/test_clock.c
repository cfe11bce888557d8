/* Deadlines and the interruptible wait. */
#include "base/clock.h"
#include "support/fake_clock.h"
#include "unit/assert.h"

static void test_deadline_saturates_instead_of_overflowing(void **state)
{
    struct fake_clock f;

    (void)state;
    fake_clock_init(&f);
    assert_int_equal(clock_deadline(&f.clock, 500), FAKE_START_MS + 500);
    assert_int_equal(clock_deadline(&f.clock, -5), FAKE_START_MS);
    assert_true(clock_deadline(&f.clock, INT64_MAX) == CLOCK_NEVER);
}

static void test_left_is_never_negative(void **state)
{
    struct fake_clock f;

    (void)state;
    fake_clock_init(&f);
    assert_int_equal(clock_left_ms(&f.clock, FAKE_START_MS + 3), 3);
    assert_int_equal(clock_left_ms(&f.clock, FAKE_START_MS), 0);
    assert_int_equal(clock_left_ms(&f.clock, 1), 0);
    assert_true(clock_left_ms(&f.clock, CLOCK_NEVER) > INT64_C(1) << 60);
}

static void test_wait_sleeps_what_was_asked(void **state)
{
    struct fake_clock f;
    struct ship_error err = {0};

    (void)state;
    fake_clock_init(&f);
    assert_ok(clock_wait(&f.clock, 2050, CLOCK_NEVER, &err), &err);
    assert_int_equal(f.slept_ms, 2050);
}

static void test_wait_ends_at_the_deadline(void **state)
{
    struct fake_clock f;
    struct ship_error err = {0};

    (void)state;
    fake_clock_init(&f);
    assert_ok(clock_wait(&f.clock, 60000, FAKE_START_MS + 70, &err), &err);
    assert_int_equal(f.slept_ms, 70);
    assert_ok(clock_wait(&f.clock, 60000, FAKE_START_MS, &err), &err);
    assert_int_equal(f.slept_ms, 70);
}

static void test_wait_with_the_stop_flag_set_fails_at_once(void **state)
{
    struct fake_clock f;
    struct ship_error err = {0};

    (void)state;
    fake_clock_init(&f);
    f.stop_value = SIGINT;
    assert_fails(clock_wait(&f.clock, 1000, CLOCK_NEVER, &err), &err, SHIP_INTERRUPTED);
    assert_contains(err.msg, "signal 2");
    assert_int_equal(f.sleeps, 0);
}

static void test_wait_is_interrupted_within_a_slice(void **state)
{
    struct fake_clock f;
    struct ship_error err = {0};

    (void)state;
    fake_clock_init(&f);
    f.stop_at_ms = FAKE_START_MS + 1000;
    assert_fails(clock_wait(&f.clock, 60000, CLOCK_NEVER, &err), &err, SHIP_INTERRUPTED);
    assert_in_range(f.slept_ms, 1000, 1200);
}

static void test_real_clock_moves_and_has_no_stop_flag(void **state)
{
    struct ship_error err = {0};
    int64_t before = clock_now_ms(&clock_real);

    (void)state;
    assert_int_equal(clock_stop_signal(&clock_real), 0);
    assert_ok(clock_wait(&clock_real, 2, CLOCK_NEVER, &err), &err);
    assert_true(clock_now_ms(&clock_real) > before);
    assert_true(clock_epoch_ms(&clock_real) > INT64_C(1600000000000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_deadline_saturates_instead_of_overflowing),
        cmocka_unit_test(test_left_is_never_negative),
        cmocka_unit_test(test_wait_sleeps_what_was_asked),
        cmocka_unit_test(test_wait_ends_at_the_deadline),
        cmocka_unit_test(test_wait_with_the_stop_flag_set_fails_at_once),
        cmocka_unit_test(test_wait_is_interrupted_within_a_slice),
        cmocka_unit_test(test_real_clock_moves_and_has_no_stop_flag),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
