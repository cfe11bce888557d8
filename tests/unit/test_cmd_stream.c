/* Output that never delays a deployment: full pipes, vanished readers, full disks. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "stream.h"
#include "unit/assert.h"

#define LINE "0123456789abcde\n"

static size_t read_all(int fd, char *out, size_t cap)
{
    size_t len = 0;
    ssize_t n;

    (void)fcntl(fd, F_SETFL, O_NONBLOCK);
    while (len < cap && (n = read(fd, out + len, cap - len)) > 0)
        len += (size_t)n;
    return len;
}

static void test_stream_write_a_full_pipe_costs_lines_not_time(void **state)
{
    static char got[1 << 20];
    struct stream s;
    int fds[2];
    size_t n;

    (void)state;
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    stream_open(&s, fds[1], NULL);
    for (int i = 0; i < 20000; i++)
        stream_write(&s, LINE, sizeof LINE - 1);
    assert_true(s.n_dropped > 0);
    assert_true(s.waiting.len <= STREAM_MAX);
    n = read_all(fds[0], got, sizeof got - 1);
    for (int i = 0; i < 3; i++) {
        stream_flush(&s);
        n += read_all(fds[0], got + n, sizeof got - 1 - n);
    }
    got[n] = '\0';
    assert_contains(got, "messages were dropped");
    assert_memory_equal(got, LINE, sizeof LINE - 1);
    stream_close(&s, 0);
    close(fds[0]);
    close(fds[1]);
}

static void test_stream_write_a_vanished_reader_asks_to_stop(void **state)
{
    static volatile sig_atomic_t stop;
    struct stream s;
    int fds[2];

    (void)state;
    (void)signal(SIGPIPE, SIG_IGN);
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    stream_open(&s, fds[1], &stop);
    close(fds[0]);
    stream_write(&s, LINE, sizeof LINE - 1);
    assert_true(s.is_dead);
    assert_int_equal(stop, SIGPIPE);
    stream_write(&s, LINE, sizeof LINE - 1);
    assert_int_equal(s.waiting.len, 0);
    stream_close(&s, 1000);
    close(fds[1]);
}

static void test_stream_write_an_earlier_signal_is_kept(void **state)
{
    static volatile sig_atomic_t stop = SIGINT;
    struct stream s;
    int fds[2];

    (void)state;
    (void)signal(SIGPIPE, SIG_IGN);
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    stream_open(&s, fds[1], &stop);
    close(fds[0]);
    stream_write(&s, LINE, sizeof LINE - 1);
    assert_int_equal(stop, SIGINT);
    stream_close(&s, 0);
    close(fds[1]);
}

static void test_stream_write_a_full_disk_does_not_stop(void **state)
{
    static volatile sig_atomic_t stop;
    struct stream s;
    int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

    (void)state;
    assert_true(fd >= 0);
    stream_open(&s, fd, &stop);
    stream_write(&s, LINE, sizeof LINE - 1);
    assert_true(s.is_dead);
    assert_int_equal(stop, 0);
    stream_close(&s, 0);
    close(fd);
}

static void test_stream_write_all_reports_what_went_wrong(void **state)
{
    static char big[1 << 20];
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    int fds[2];

    (void)state;
    (void)signal(SIGPIPE, SIG_IGN);
    assert_true(full >= 0);
    assert_int_equal(stream_write_all(full, LINE, sizeof LINE - 1, 1000, NULL), -1);
    assert_int_equal(errno, ENOSPC);
    close(full);
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    assert_int_equal(stream_write_all(fds[1], LINE, sizeof LINE - 1, 1000, NULL), 0);
    assert_int_equal(stream_write_all(fds[1], big, sizeof big, 1, NULL), -1);
    assert_int_equal(errno, ETIMEDOUT);
    close(fds[0]);
    assert_int_equal(stream_write_all(fds[1], LINE, sizeof LINE - 1, 1000, NULL), -1);
    assert_int_equal(errno, EPIPE);
    close(fds[1]);
}

static void test_stream_write_all_a_signal_ends_the_wait(void **state)
{
    static const volatile sig_atomic_t stop = SIGINT;
    static char big[1 << 20];
    int fds[2];

    (void)state;
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    assert_int_equal(stream_write_all(fds[1], big, sizeof big, 60000, &stop), -1);
    assert_int_equal(errno, EINTR);
    close(fds[0]);
    close(fds[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stream_write_a_full_pipe_costs_lines_not_time),
        cmocka_unit_test(test_stream_write_a_vanished_reader_asks_to_stop),
        cmocka_unit_test(test_stream_write_an_earlier_signal_is_kept),
        cmocka_unit_test(test_stream_write_a_full_disk_does_not_stop),
        cmocka_unit_test(test_stream_write_all_reports_what_went_wrong),
        cmocka_unit_test(test_stream_write_all_a_signal_ends_the_wait),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
