/* The operation lock: one holder, named to everybody else, gone with its process. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/str.h"
#include "deploy/lock.h"
#include "support/fake_clock.h"
#include "support/ledger_fixture.h"
#include "unit/assert.h"

static const struct lock_text text = {
    .actor = "wei", .action = "deploy", .version = "v2", .step = "pull"};

static int take(struct fixture *f, struct lock *l, int64_t wait_ms)
{
    return lock_take(l, &(struct lock_scope){f->dir, "shop", "production"}, &text, wait_ms,
                     &clock_real, &f->err);
}

static void test_lock_take_free_one_is_held_and_described(void **state)
{
    struct fixture *f = *state;
    struct lock l = LOCK_INIT;
    struct lock_text seen;

    assert_int_equal(lock_peek(&(struct lock_scope){f->dir, "shop", "production"}, &seen), 0);
    assert_ok(take(f, &l, 0), &f->err);
    lock_describe(&l, "v3", "switch");
    assert_int_equal(lock_peek(&(struct lock_scope){f->dir, "shop", "production"}, &seen), 1);
    assert_int_equal(seen.pid, getpid());
    assert_string_equal(seen.actor, "wei");
    assert_string_equal(seen.action, "deploy");
    assert_string_equal(seen.version, "v3");
    assert_string_equal(seen.step, "switch");
    assert_true(seen.since_ms > 0);
    lock_release(&l);
    assert_int_equal(lock_peek(&(struct lock_scope){f->dir, "shop", "production"}, &seen), 0);
}

static void test_lock_take_of_a_held_one_names_the_holder(void **state)
{
    struct fixture *f = *state;
    struct lock first = LOCK_INIT, second = LOCK_INIT, third = LOCK_INIT;
    AUTO_FREE char *pid = xasprintf("(pid %d)", (int)getpid());

    assert_ok(take(f, &first, 0), &f->err);
    assert_fails(take(f, &second, 0), &f->err, SHIP_LOCKED);
    assert_contains(f->err.msg, pid);
    assert_contains(f->err.msg, "deploy v2 by wei");
    assert_contains(f->err.msg, "'pull'");
    assert_contains(f->err.hint, "--lock-wait");
    assert_int_equal(second.fd, -1);
    /* the loser did not wipe what the holder wrote */
    assert_fails(take(f, &second, 0), &f->err, SHIP_LOCKED);
    assert_contains(f->err.msg, pid);
    /* other apps and environments do not matter */
    assert_ok(lock_take(&second, &(struct lock_scope){f->dir, "shop", "staging"}, &text, 0,
                        &clock_real, &f->err),
              &f->err);
    assert_ok(lock_take(&third, &(struct lock_scope){f->dir, "other", "production"}, &text, 0,
                        &clock_real, &f->err),
              &f->err);
    lock_release(&first);
    lock_release(&second);
    lock_release(&third);
}

static void test_lock_take_waits_as_long_as_asked(void **state)
{
    struct fixture *f = *state;
    struct lock first = LOCK_INIT, second = LOCK_INIT;
    struct fake_clock clock;

    fake_clock_init(&clock);
    assert_ok(take(f, &first, 0), &f->err);
    assert_fails(lock_take(&second, &(struct lock_scope){f->dir, "shop", "production"}, &text, 5000,
                           &clock.clock, &f->err),
                 &f->err, SHIP_LOCKED);
    assert_in_range(clock.slept_ms, 5000, 5000);
    clock.stop_at_ms = clock.now_ms + 1000;
    assert_fails(lock_take(&second, &(struct lock_scope){f->dir, "shop", "production"}, &text, 5000,
                           &clock.clock, &f->err),
                 &f->err, SHIP_INTERRUPTED);
    lock_release(&second);
    lock_release(&first);
}

/* Another process: an open file description of its own, which dies with it. */
static void test_lock_of_a_killed_process_is_free_at_once(void **state)
{
    struct fixture *f = *state;
    struct lock l = LOCK_INIT;
    int ready[2];
    char byte;

    assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
    pid_t pid = fork();
    if (pid == 0) {
        bool ok = take(f, &l, 0) == 0 && write(ready[1], "r", 1) == 1;
        (void)pause();
        _exit(ok ? 0 : 1);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_fails(take(f, &l, 0), &f->err, SHIP_LOCKED);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_ok(take(f, &l, 0), &f->err);
    lock_release(&l);
    (void)close(ready[0]);
    (void)close(ready[1]);
}

/* What a killed process left in the file must not be told as the holder's. */
static void test_lock_with_stale_text_waits_for_the_holder_to_write(void **state)
{
    struct fixture *f = *state;
    struct lock first = LOCK_INIT, second = LOCK_INIT;
    struct fake_clock clock;

    fake_clock_init(&clock);
    assert_ok(take(f, &first, 0), &f->err);
    assert_int_equal(ftruncate(first.fd, 0), 0);
    assert_fails(lock_take(&second, &(struct lock_scope){f->dir, "shop", "production"}, &text, 0,
                           &clock.clock, &f->err),
                 &f->err, SHIP_LOCKED);
    assert_contains(f->err.msg, "another operation holds the lock");
    assert_in_range(clock.slept_ms, 200, 200);
    lock_release(&first);
    AUTO_FREE char *path = xasprintf("%s/locks/shop.production", f->dir);
    size_t len;
    AUTO_FREE char *left = fixture_read_file(path, &len);
    assert_int_equal(len, 0);
}

static void test_lock_take_in_bad_places_is_refused(void **state)
{
    struct fixture *f = *state;
    AUTO_FREE char *file = xasprintf("%s/file", f->dir);
    AUTO_FREE char *locks = xasprintf("%s/locks", f->dir);
    AUTO_FREE char *link = xasprintf("%s/locks/shop.production", f->dir);
    struct lock l = LOCK_INIT;

    fixture_write_file(file, "x", 1);
    assert_fails(lock_take(&l, &(struct lock_scope){file, "shop", "production"}, &text, 0,
                           &clock_real, &f->err),
                 &f->err, SHIP_UNREACHABLE);
    lock_release(&l);
    assert_ok(take(f, &l, 0), &f->err);
    lock_release(&l);
    assert_int_equal(unlink(link), 0);
    assert_int_equal(symlink(file, link), 0);
    assert_fails(take(f, &l, 0), &f->err, SHIP_UNREACHABLE);
    lock_release(&l);
    size_t len;
    AUTO_FREE char *kept = fixture_read_file(file, &len);
    assert_string_equal(kept, "x");
}

#define lock_test(fn) cmocka_unit_test_setup_teardown(fn, fixture_setup_empty, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        lock_test(test_lock_take_free_one_is_held_and_described),
        lock_test(test_lock_take_of_a_held_one_names_the_holder),
        lock_test(test_lock_take_waits_as_long_as_asked),
        lock_test(test_lock_of_a_killed_process_is_free_at_once),
        lock_test(test_lock_with_stale_text_waits_for_the_holder_to_write),
        lock_test(test_lock_take_in_bad_places_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
