/* Running programs: results, limits, signals, descriptors. Real processes, real clock. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/proc.h"
#include "base/str.h"
#include "support/fake_clock.h"
#include "unit/assert.h"

#define LIMIT_MS 20000

#define SH(script) ((const char *const[]){"/bin/sh", "-c", (script), NULL})

/* Run with defaults for what the spec leaves out; must start. */
static struct proc_result run(struct proc_spec spec)
{
    struct proc_result r = {0};
    struct ship_error err = {0};

    if (spec.clock == NULL)
        spec.clock = &clock_real;
    if (spec.deadline_ms == 0)
        spec.deadline_ms = clock_deadline(spec.clock, LIMIT_MS);
    assert_ok(proc_run(&spec, &r, &err), &err);
    return r;
}

static void test_run_reports_output_and_exit_code(void **state)
{
    AUTO(proc_result_done)
    struct proc_result r = run((struct proc_spec){.argv = SH("echo out; echo err >&2; exit 7")});

    (void)state;
    assert_string_equal(r.out.p, "out\nerr\n");
    assert_int_equal(r.exit_code, 7);
    assert_int_equal(r.term_signal, 0);
    assert_false(r.timed_out);
}

static void test_run_separates_stderr_when_asked(void **state)
{
    AUTO(proc_result_done)
    struct proc_result r =
        run((struct proc_spec){.argv = SH("echo out; echo err >&2"), .separate_stderr = true});

    (void)state;
    assert_string_equal(r.out.p, "out\n");
    assert_string_equal(r.err.p, "err\n");
}

static void test_run_reports_the_signal(void **state)
{
    AUTO(proc_result_done)
    struct proc_result r = run((struct proc_spec){.argv = SH("kill -9 $$")});

    (void)state;
    assert_int_equal(r.exit_code, -1);
    assert_int_equal(r.term_signal, 9);
}

static void test_run_feeds_standard_input(void **state)
{
    AUTO(proc_result_done)
    struct proc_result fed = run((struct proc_spec){.argv = SH("cat"), .input = "line\n"});
    AUTO(proc_result_done) struct proc_result empty = run((struct proc_spec){.argv = SH("cat")});

    (void)state;
    assert_string_equal(fed.out.p, "line\n");
    assert_string_equal(empty.out.p, "");
}

static void test_run_survives_a_program_that_does_not_read(void **state)
{
    AUTO_FREE char *big = xmalloc(1u << 20);

    (void)state;
    memset(big, 'x', (1u << 20) - 1);
    big[(1u << 20) - 1] = '\0';
    {
        AUTO(proc_result_done)
        struct proc_result r = run((struct proc_spec){.argv = SH("exit 3"), .input = big});

        assert_int_equal(r.exit_code, 3);
    }
}

static void test_run_uses_directory_and_environment(void **state)
{
    static const char *const env[] = {"GREETING=hello", NULL};
    AUTO(proc_result_done)
    struct proc_result r = run((struct proc_spec){
        .argv = SH("pwd; echo $GREETING; echo ${HOME-unset}"), .envp = env, .dir = "/usr"});

    (void)state;
    assert_string_equal(r.out.p, "/usr\nhello\nunset\n");
}

static void test_run_finds_the_program_in_path(void **state)
{
    AUTO(proc_result_done)
    struct proc_result r = run((struct proc_spec){
        .argv = (const char *const[]){"true", NULL}
    });

    (void)state;
    assert_int_equal(r.exit_code, 0);
}

static void test_run_of_a_missing_program_is_not_found(void **state)
{
    static const char *const rows[] = {"/no/such/program", "no-such-program-anywhere"};

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct proc_spec spec = {
            .argv = (const char *const[]){rows[i], NULL},
            .clock = &clock_real,
            .deadline_ms = CLOCK_NEVER
        };
        struct proc_result r = {.exit_code = 55};
        struct ship_error err = {0};

        assert_fails(proc_run(&spec, &r, &err), &err, SHIP_NOT_FOUND);
        assert_contains(err.msg, rows[i]);
        assert_int_equal(r.exit_code, 55);
    }
}

static void test_run_in_a_missing_directory_names_the_directory(void **state)
{
    struct proc_spec spec = {.argv = SH("true"),
                             .dir = "/no/such/dir",
                             .clock = &clock_real,
                             .deadline_ms = CLOCK_NEVER};
    struct proc_result r;
    struct ship_error err = {0};

    (void)state;
    assert_fails(proc_run(&spec, &r, &err), &err, SHIP_IO);
    assert_contains(err.msg, "/no/such/dir");
}

static void test_run_of_a_file_that_is_no_program_fails(void **state)
{
    struct proc_spec spec = {
        .argv = (const char *const[]){"/etc/passwd", NULL},
        .clock = &clock_real,
        .deadline_ms = CLOCK_NEVER
    };
    struct proc_result r;
    struct ship_error err = {0};

    (void)state;
    assert_fails(proc_run(&spec, &r, &err), &err, SHIP_IO);
}

static void test_run_keeps_head_and_tail_of_long_output(void **state)
{
    AUTO(proc_result_done)
    struct proc_result r = run((struct proc_spec){
        .argv = SH("echo first; head -c 2000000 /dev/zero | tr '\\0' x; echo; echo last")});

    (void)state;
    assert_int_equal(r.exit_code, 0);
    assert_true(str_starts(r.out.p, "first\nxxx"));
    assert_true(str_ends(r.out.p, "x\nlast\n"));
    assert_contains(r.out.p, "[... 1737868 bytes left out ...]");
    assert_in_range(r.out.len, PROC_HEAD_MAX + PROC_TAIL_MAX, PROC_HEAD_MAX + PROC_TAIL_MAX + 64);
}

static void test_run_ends_the_whole_group_at_the_deadline(void **state)
{
    AUTO(proc_result_done)
    struct proc_result r = run((struct proc_spec){.argv = SH("sleep 60 & echo started; sleep 60"),
                                                  .deadline_ms = clock_deadline(&clock_real, 200)});

    (void)state;
    assert_true(r.timed_out);
    assert_int_equal(r.term_signal, SIGTERM);
    assert_string_equal(r.out.p, "started\n");
    assert_in_range(r.duration_ms, 200, 4000);
}

static void test_run_kills_a_program_that_ignores_sigterm(void **state)
{
    AUTO(proc_result_done)
    struct proc_result r =
        run((struct proc_spec){.argv = SH("trap '' TERM; echo deaf; while :; do sleep 1; done"),
                               .grace_ms = 400,
                               .deadline_ms = clock_deadline(&clock_real, 300)});

    (void)state;
    assert_true(r.timed_out);
    assert_int_equal(r.term_signal, SIGKILL);
    assert_in_range(r.duration_ms, 700, PROC_GRACE_MS - 1);
}

static void test_run_does_not_wait_for_a_daemon_left_behind(void **state)
{
    AUTO(proc_result_done)
    struct proc_result r = run((struct proc_spec){.argv = SH("sleep 7 & echo done")});

    (void)state;
    assert_int_equal(r.exit_code, 0);
    assert_false(r.timed_out);
    assert_string_equal(r.out.p, "done\n");
    assert_in_range(r.duration_ms, 1000, 4000);
}

static void test_run_returns_when_output_is_closed_early(void **state)
{
    AUTO(proc_result_done)
    struct proc_result r = run((struct proc_spec){.argv = SH("exec >&- 2>&-; sleep 0.2; exit 4")});

    (void)state;
    assert_int_equal(r.exit_code, 4);
}

static void test_run_with_the_stop_flag_set_does_not_start(void **state)
{
    struct fake_clock f;
    struct proc_spec spec = {.argv = SH("exit 0"), .clock = &f.clock, .deadline_ms = CLOCK_NEVER};
    struct proc_result r;
    struct ship_error err = {0};

    (void)state;
    fake_clock_init(&f);
    f.stop_value = SIGINT;
    assert_fails(proc_run(&spec, &r, &err), &err, SHIP_INTERRUPTED);
    assert_contains(err.msg, "not started");
    {
        struct proc_result ignored = {0};

        spec.ignore_stop = true;
        assert_ok(proc_run(&spec, &ignored, &err), &err);
        assert_int_equal(ignored.exit_code, 0);
        proc_result_done(&ignored);
    }
}

static volatile sig_atomic_t alarm_flag;

static void on_alarm(int sig)
{
    alarm_flag = sig;
}

static void test_run_ends_the_program_on_a_stop_signal(void **state)
{
    struct clock clock = clock_real;
    struct proc_spec spec = {.argv = SH("sleep 60"), .clock = &clock, .deadline_ms = CLOCK_NEVER};
    struct proc_result r;
    struct ship_error err = {0};
    int64_t before = clock_now_ms(&clock_real);

    (void)state;
    alarm_flag = 0;
    clock.stop = &alarm_flag;
    (void)signal(SIGALRM, on_alarm);
    alarm(1);
    assert_fails(proc_run(&spec, &r, &err), &err, SHIP_INTERRUPTED);
    (void)signal(SIGALRM, SIG_DFL);
    assert_true(clock_now_ms(&clock_real) - before < 4000);
}

static void test_run_passes_no_descriptor_and_no_ignored_signal(void **state)
{
    /* Without O_CLOEXEC on purpose: even a leaked descriptor must not reach the program. */
    int leaked = open("/dev/null", O_RDONLY); /* NOLINT(android-cloexec-open) */
    AUTO(proc_result_done) struct proc_result r = {0};
    static const char prefix[] = "0 1 2 3 SigIgn:";

    (void)state;
    assert_true(leaked > 2);
    (void)signal(SIGPIPE, SIG_IGN);
    r = run((struct proc_spec){
        .argv = SH("ls /proc/self/fd | tr '\\n' ' '; grep SigIgn /proc/self/status")});
    (void)signal(SIGPIPE, SIG_DFL);
    close(leaked);
    /* ls itself opens the directory as 3; glibc keeps its internal signals 32 and 33 ignored */
    assert_true(str_starts(r.out.p, prefix));
    assert_int_equal(strtoull(r.out.p + sizeof prefix - 1, NULL, 16) & UINT32_C(0x7FFFFFFF), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run_reports_output_and_exit_code),
        cmocka_unit_test(test_run_separates_stderr_when_asked),
        cmocka_unit_test(test_run_reports_the_signal),
        cmocka_unit_test(test_run_feeds_standard_input),
        cmocka_unit_test(test_run_survives_a_program_that_does_not_read),
        cmocka_unit_test(test_run_uses_directory_and_environment),
        cmocka_unit_test(test_run_finds_the_program_in_path),
        cmocka_unit_test(test_run_of_a_missing_program_is_not_found),
        cmocka_unit_test(test_run_in_a_missing_directory_names_the_directory),
        cmocka_unit_test(test_run_of_a_file_that_is_no_program_fails),
        cmocka_unit_test(test_run_keeps_head_and_tail_of_long_output),
        cmocka_unit_test(test_run_ends_the_whole_group_at_the_deadline),
        cmocka_unit_test(test_run_kills_a_program_that_ignores_sigterm),
        cmocka_unit_test(test_run_does_not_wait_for_a_daemon_left_behind),
        cmocka_unit_test(test_run_returns_when_output_is_closed_early),
        cmocka_unit_test(test_run_with_the_stop_flag_set_does_not_start),
        cmocka_unit_test(test_run_ends_the_program_on_a_stop_signal),
        cmocka_unit_test(test_run_passes_no_descriptor_and_no_ignored_signal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
