/* Signals that ask to stop: the first is noted, a second one leaves, and what counts as a second.
 */
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shipctl/session.h"

#include "base/clock.h"
#include "command.h"
#include "stop.h"
#include "unit/assert.h"

#define AGAIN_MS 550 /* a little longer than what counts as the same signal */
#define STAYED   99  /* the process was not ended by the signals */

static const struct {
    const char *why;
    int first, second;
    int wait_ms; /* between the two */
    enum ship_in_flight in_flight;
    bool resets; /* the operation ends in between */
    int status;
} rows[] = {
    {"nothing was changed",                        SIGINT,  SIGINT,  AGAIN_MS, SHIP_SETTLED,   false, 128 + SIGINT },
    {"the second one counts",                      SIGINT,  SIGTERM, AGAIN_MS, SHIP_SETTLED,   false, 128 + SIGTERM},
    {"a person who insists after a lost terminal", SIGHUP,  SIGTERM, AGAIN_MS, SHIP_SETTLED,   false,
     128 + SIGTERM                                                                                                 },
    {"in flight, with a guardian",                 SIGINT,  SIGINT,  AGAIN_MS, SHIP_GUARDED,   false, 32           },
    {"in flight, without one",                     SIGTERM, SIGTERM, AGAIN_MS, SHIP_UNGUARDED, false, 32           },
    {"terminal and wrapper both send it",          SIGINT,  SIGINT,  0,        SHIP_GUARDED,   false, STAYED       },
    {"a lost connection causes several",           SIGHUP,  SIGHUP,  AGAIN_MS, SHIP_GUARDED,   false, STAYED       },
    {"also after another signal",                  SIGINT,  SIGHUP,  AGAIN_MS, SHIP_GUARDED,   false, STAYED       },
    {"the operation has ended meanwhile",          SIGINT,  SIGINT,  AGAIN_MS, SHIP_GUARDED,   true,  STAYED       },
};

static _Noreturn void play(size_t i)
{
    stop_catch(COMMAND_CHANGES);
    *stop_in_flight() = (sig_atomic_t)rows[i].in_flight;
    (void)raise(rows[i].first);
    if (*stop_flag() != rows[i].first)
        _exit(1);
    if (rows[i].resets)
        stop_reset();
    if (rows[i].wait_ms)
        clock_real.sleep_ms(&clock_real, rows[i].wait_ms);
    (void)raise(rows[i].second);
    _exit(*stop_flag() == rows[i].first ? STAYED : 1);
}

static int status_of(pid_t pid)
{
    int how = 0;

    assert_int_equal(waitpid(pid, &how, 0), pid);
    return WIFSIGNALED(how) ? -WTERMSIG(how) : WEXITSTATUS(how);
}

static void test_stop_a_second_signal_ends_the_process(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
            play(i);
        int status = status_of(pid);
        if (status != rows[i].status)
            fail_msg("%s: status %d, not %d", rows[i].why, status, rows[i].status);
    }
}

static void test_stop_catch_what_is_ignored_stays_ignored(void **state)
{
    (void)state;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)signal(SIGHUP, SIG_IGN);
        stop_catch(COMMAND_CHANGES);
        (void)raise(SIGHUP);
        _exit(*stop_flag() == 0 ? STAYED : 1);
    }
    assert_int_equal(status_of(pid), STAYED);
}

static void test_stop_catch_a_question_just_ends(void **state)
{
    (void)state;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)signal(SIGINT, SIG_DFL);
        stop_catch(0);
        (void)raise(SIGINT);
        _exit(STAYED);
    }
    assert_int_equal(status_of(pid), -SIGINT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stop_a_second_signal_ends_the_process),
        cmocka_unit_test(test_stop_catch_what_is_ignored_stays_ignored),
        cmocka_unit_test(test_stop_catch_a_question_just_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
