/* The guardian process: see guardian.h. It never prints and never outlives its watchdog. */
#include "deploy/guardian.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "deploy/recover.h"

#define WATCHDOG_S (15 * 60)
#define RETRY_MS   500

/*
 * The GitHub runner ends every process that carries its mark when a job is over. The mark is looked
 * for where the kernel keeps the environment, so it is overwritten in place.
 */
static void forget_ci_job(void)
{
    static const char mark[] = "RUNNER_TRACKING_ID=";
    for (char **e = environ; e && *e; e++)
        if (str_starts(*e, mark))
            memset(*e, '-', strlen(*e));
}

static void detach(int pipe_fd, int lock_fd)
{
    static const int ignored[] = {SIGHUP, SIGINT, SIGTERM, SIGPIPE, SIGQUIT};
    setsid();
    for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
        (void)signal(ignored[i], SIG_IGN);
    (void)signal(SIGALRM, SIG_DFL);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = 0; fd <= 2 && null >= 0; fd++)
        dup2(null, fd);
    /* The parent's engine and ledger connections are not ours to use or to hold open. */
    int low = pipe_fd < lock_fd ? pipe_fd : lock_fd, high = pipe_fd < lock_fd ? lock_fd : pipe_fd;
    if (low > 3)
        close_range(3, (unsigned)low - 1, 0);
    if (high > low + 1)
        close_range((unsigned)low + 1, (unsigned)high - 1, 0);
    close_range((unsigned)high + 1, ~0u, 0);
    prctl(PR_SET_NAME, "shipctl-guard");
    forget_ci_job();
}

/* true: the parent said it ended well. */
static bool parent_ended_well(int fd)
{
    char byte;
    ssize_t n;
    do {
        n = read(fd, &byte, 1);
    } while (n < 0 && errno == EINTR);
    return n == 1;
}

/* Whether the engine, or the ledger, did not answer. */
static bool recover(const struct operation *op)
{
    struct ship_options o = op->s->opt;
    o.events = NULL;
    o.stop = NULL;
    struct ship_session *s = ship_session_new(&o);
    AUTO(ship_result_done) struct ship_result res = {0};
    struct operation mine;
    operation_init(&mine, s, &res, "recover");
    mine.lock = op->lock;
    bool is_away = recover_run_locked(&mine) == ship_code_exit_status(SHIP_UNREACHABLE);
    mine.lock = (struct lock)LOCK_INIT; /* it was lent */
    operation_done(&mine);
    ship_session_free(s);
    return is_away;
}

/* An engine that does not answer is why many a deployment is cut off: it gets time to come back. */
static void recover_patiently(const struct operation *op)
{
    struct ship_error ignored = {0};
    const struct clock *clock = &op->s->patient;
    int64_t end = clock_deadline(clock, op->s->plan->timeouts.rollback_ms);
    while (recover(op) && clock_left_ms(clock, end) > 0)
        if (clock_wait(clock, RETRY_MS, end, &ignored) < 0)
            return;
}

static _Noreturn void guard(struct operation *op, int fd)
{
    detach(fd, op->lock.fd);
    alarm((unsigned)(op->s->plan->timeouts.total_ms / 1000 + WATCHDOG_S));
    if (!parent_ended_well(fd)) {
        alarm(WATCHDOG_S);
        lock_inherit(&op->lock);
        recover_patiently(op);
    }
    _exit(0);
}

void guardian_start(struct operation *op)
{
    int fds[2];
    if (op->s->opt.no_guardian || op->guardian_fd >= 0)
        return;
    if (pipe2(fds, O_CLOEXEC) < 0) {
        operation_warn(op, "no guardian process: cannot make a pipe; ignoring");
        return;
    }
    pid_t pid = fork();
    if (pid == 0) {
        close(fds[1]);
        guard(op, fds[0]);
    }
    close(fds[0]);
    op->guardian_fd = fds[1];
    op->guardian_pid = pid;
    if (pid < 0) {
        operation_warn(op, "no guardian process: cannot fork; ignoring");
        close(fds[1]);
        op->guardian_fd = -1;
    }
}

void guardian_stop(struct operation *op)
{
    if (op->guardian_fd < 0)
        return;
    /* Nobody reads this if the guardian is gone already: SIGPIPE is ignored by the program. */
    if (file_write_all(op->guardian_fd, "d", 1) == 0)
        waitpid(op->guardian_pid, NULL, 0);
    close(op->guardian_fd);
    op->guardian_fd = -1;
}
