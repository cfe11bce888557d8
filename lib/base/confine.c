/*
 * fork, limits, exec. The child only makes async-signal-safe calls: another
 * thread may have held any lock at the time of the fork. A pipe that closes on
 * exec tells the parent how it went.
 */
#include "base/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/auto.h"

#define FD_SWEEP_MAX 65536 /* kernels without close_range */

static int limit(int resource, rlim_t max)
{
    struct rlimit r;

    if (getrlimit((unsigned)resource, &r) < 0)
        return -1;
    if (r.rlim_max > max)
        r.rlim_max = max;
    if (r.rlim_cur > r.rlim_max)
        r.rlim_cur = r.rlim_max;
    return setrlimit((unsigned)resource, &r);
}

static void close_from(int first, int last)
{
    if (first > last || syscall(SYS_close_range, (unsigned)first, (unsigned)last, 0u) == 0)
        return;
    for (int fd = first; fd <= last && fd < FD_SWEEP_MAX; fd++)
        (void)close(fd);
}

static void reset_signals(void)
{
    sigset_t none;

    for (int sig = 1; sig < NSIG; sig++)
        (void)signal(sig, SIG_DFL);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static int confine_self(void)
{
    (void)umask(077);
    if (limit(RLIMIT_CORE, 0) < 0 || limit(RLIMIT_NOFILE, CONFINE_FILES_MAX) < 0)
        return -1;
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

__attribute__((noreturn)) static void run_child(const struct proc_spec *spec, const int fds[3],
                                                int report_fd)
{
    /* The calls take char *const[] for historical reasons and do not write. */
    char *const *argv = (char *const *)(uintptr_t)spec->argv;
    char *const *envp = spec->envp ? (char *const *)(uintptr_t)spec->envp : environ;
    bool ok = setpgid(0, 0) == 0;
    int e;

    for (int i = 0; ok && i < 3; i++)
        ok = dup2(fds[i], i) == i;
    close_from(3, report_fd - 1);
    close_from(report_fd + 1, INT_MAX);
    reset_signals();
    ok = ok && (!spec->dir || chdir(spec->dir) == 0) && confine_self() == 0;
    if (ok)
        (void)execvpe(argv[0], argv, envp);
    e = errno;
    while (write(report_fd, &e, sizeof e) < 0 && errno == EINTR)
        ;
    _exit(127);
}

/* What the child reports; the end of the pipe without a report is success. */
static int read_report(int fd)
{
    int e = 0;
    ssize_t n;

    do
        n = read(fd, &e, sizeof e);
    while (n < 0 && errno == EINTR);
    return n == (ssize_t)sizeof e ? e : 0;
}

int confine_spawn(const struct proc_spec *spec, const int fds[3], pid_t *ret_pid)
{
    AUTO_FD int report_read = -1;
    int report[2], e;
    sigset_t all, old;
    pid_t pid;

    if (pipe2(report, O_CLOEXEC) < 0)
        return errno;
    report_read = report[0];
    /* Blocked until the child has default handlers: ours must not run there. */
    (void)sigfillset(&all);
    (void)sigprocmask(SIG_SETMASK, &all, &old);
    pid = fork();
    if (pid == 0)
        run_child(spec, fds, report[1]);
    e = errno;
    (void)sigprocmask(SIG_SETMASK, &old, NULL);
    (void)close(report[1]);
    if (pid < 0)
        return e;
    e = read_report(report_read);
    if (e == 0)
        *ret_pid = pid;
    else
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
            ;
    return e;
}
