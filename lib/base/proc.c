/*
 * Run one program to its end.
 *
 * posix_spawn starts it in its own process group with default signals and with
 * no descriptor but 0-2. One loop then polls its output and its exit. The exit
 * is noticed without reaping (WNOWAIT), so the group id stays ours until the
 * last signal is sent. Standard input is a memory file: it can neither block us
 * nor raise SIGPIPE.
 */
#include "base/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/auto.h"
#include "base/capture.h"
#include "base/confine.h"
#include "base/file.h"

#define DRAIN_GRACE_MS 1000 /* output after the program's exit */
#define POLL_SLICE_MS  200  /* a stop signal just before poll() is noticed this late */
#define NO_PIDFD_MS    20   /* kernels without pidfd: how often the exit is looked for */

struct child {
    pid_t pid;  /* also the process group */
    int pidfd;  /* -1: not supported by this kernel */
    int out_fd; /* read ends; -1 when closed */
    int err_fd; /* -1 unless separate */
    struct capture out;
    struct capture err;
    bool is_exited;        /* a zombie, not reaped yet */
    bool timed_out;        /* SIGTERM went out because of the deadline */
    bool is_stopped;       /* SIGTERM went out because of a stop signal */
    bool is_killed;        /* SIGKILL went out */
    int64_t kill_at_ms;    /* real clock; CLOCK_NEVER before SIGTERM */
    int64_t give_up_at_ms; /* real clock; CLOCK_NEVER while it runs */
};

static void child_done(struct child *c)
{
    int *fds[] = {&c->pidfd, &c->out_fd, &c->err_fd};

    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        auto_close_(fds[i]);
    capture_done(&c->out);
    capture_done(&c->err);
}

/* ---- start ---- */

/* Descriptors the child gets as 0, 1 and 2; owned. */
struct stdio_fds {
    int in, out, err;
};

static void stdio_done(struct stdio_fds *s)
{
    auto_close_(&s->in);
    auto_close_(&s->out);
    auto_close_(&s->err);
}

static int open_input(const char *text, struct ship_error *err)
{
    AUTO_FD int fd = -1;

    if (text == NULL)
        fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    else
        fd = memfd_create("stdin", MFD_CLOEXEC);
    if (fd < 0)
        return ship_fail_errno(err, SHIP_IO, "cannot open standard input for a program");
    if (text != NULL && (file_write_all(fd, text, strlen(text)) < 0 || lseek(fd, 0, SEEK_SET) < 0))
        return ship_fail_errno(err, SHIP_IO, "cannot write standard input for a program");
    return steal_fd(&fd);
}

static int open_pipe(int *ret_read, int *ret_write, struct ship_error *err)
{
    int fds[2];

    if (pipe2(fds, O_CLOEXEC) < 0)
        return ship_fail_errno(err, SHIP_IO, "cannot make a pipe");
    /* Only our end: the child expects blocking output. */
    (void)fcntl(fds[0], F_SETFL, O_NONBLOCK);
    *ret_read = fds[0];
    *ret_write = fds[1];
    return 0;
}

static int open_stdio(const struct proc_spec *spec, struct child *c, struct stdio_fds *ret,
                      struct ship_error *err)
{
    ret->in = open_input(spec->input, err);
    if (ret->in < 0 || open_pipe(&c->out_fd, &ret->out, err) < 0)
        return -1;
    return spec->separate_stderr ? open_pipe(&c->err_fd, &ret->err, err) : 0;
}

/* What the child does between fork and exec. Returns an errno value. */
static int plan_actions(posix_spawn_file_actions_t *actions, const struct proc_spec *spec,
                        const struct stdio_fds *s)
{
    int e = posix_spawn_file_actions_adddup2(actions, s->in, STDIN_FILENO);

    if (e == 0)
        e = posix_spawn_file_actions_adddup2(actions, s->out, STDOUT_FILENO);
    if (e == 0)
        e = posix_spawn_file_actions_adddup2(actions, s->err >= 0 ? s->err : s->out, STDERR_FILENO);
    if (e == 0)
        e = posix_spawn_file_actions_addclosefrom_np(actions, STDERR_FILENO + 1);
    if (e == 0 && spec->dir != NULL)
        e = posix_spawn_file_actions_addchdir_np(actions, spec->dir);
    return e;
}

/* Own group, no blocked signals, default handlers (ours may ignore SIGPIPE). */
static int plan_attributes(posix_spawnattr_t *attr)
{
    sigset_t none, all;
    int e;

    sigemptyset(&none);
    sigfillset(&all);
    e = posix_spawnattr_setflags(attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
                                           POSIX_SPAWN_SETSIGDEF);
    if (e == 0)
        e = posix_spawnattr_setpgroup(attr, 0);
    if (e == 0)
        e = posix_spawnattr_setsigmask(attr, &none);
    return e == 0 ? posix_spawnattr_setsigdefault(attr, &all) : e;
}

/* Returns an errno value. */
static int spawn(const struct proc_spec *spec, const struct stdio_fds *s, pid_t *ret_pid)
{
    /* posix_spawn takes char *const[] for historical reasons and does not write */
    char *const *argv = (char *const *)(uintptr_t)spec->argv;
    char *const *envp = spec->envp != NULL ? (char *const *)(uintptr_t)spec->envp : environ;
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    int e;

    if (spec->confined)
        return confine_spawn(spec, (const int[]){s->in, s->out, s->err >= 0 ? s->err : s->out},
                             ret_pid);
    e = posix_spawn_file_actions_init(&actions);
    if (e != 0)
        return e;
    e = posix_spawnattr_init(&attr);
    if (e == 0) {
        e = plan_actions(&actions, spec, s);
        if (e == 0)
            e = plan_attributes(&attr);
        if (e == 0)
            e = posix_spawnp(ret_pid, argv[0], &actions, &attr, argv, envp);
        posix_spawnattr_destroy(&attr);
    }
    posix_spawn_file_actions_destroy(&actions);
    return e;
}

static int fail_start(const struct proc_spec *spec, int e, struct ship_error *err)
{
    struct stat st;

    /* ENOENT alone does not say whether the program or its directory is missing. */
    if (spec->dir != NULL && (stat(spec->dir, &st) < 0 || !S_ISDIR(st.st_mode))) {
        errno = e;
        return ship_fail_errno(err, SHIP_IO, "cannot run '%s' in directory '%s'", spec->argv[0],
                               spec->dir);
    }
    errno = e;
    return ship_fail_errno(err, e == ENOENT ? SHIP_NOT_FOUND : SHIP_IO, "cannot run '%s'",
                           spec->argv[0]);
}

static int start(const struct proc_spec *spec, struct child *c, struct ship_error *err)
{
    AUTO(stdio_done) struct stdio_fds s = {.in = -1, .out = -1, .err = -1};
    int e;

    if (open_stdio(spec, c, &s, err) < 0)
        return -1;
    e = spawn(spec, &s, &c->pid);
    if (e != 0)
        return fail_start(spec, e, err);
    c->pidfd = (int)syscall(SYS_pidfd_open, c->pid, 0);
    return 0;
}

/* ---- run ---- */

static int64_t earliest(int64_t a, int64_t b, int64_t c)
{
    return clock_earlier(a, clock_earlier(b, c));
}

/* Grace periods run on the real clock: a fake one may stand still. */
static int64_t real_now(void)
{
    return clock_now_ms(&clock_real);
}

static void terminate(const struct proc_spec *spec, struct child *c)
{
    (void)kill(-c->pid, SIGTERM);
    c->kill_at_ms = real_now() + (spec->grace_ms > 0 ? spec->grace_ms : PROC_GRACE_MS);
}

static bool is_terminated(const struct child *c)
{
    return c->timed_out || c->is_stopped;
}

/* Send what the deadline, a stop signal or the end of the grace period asks for. */
static void enforce_limits(const struct proc_spec *spec, struct child *c)
{
    if (!is_terminated(c) && !c->is_exited) {
        c->is_stopped = !spec->ignore_stop && clock_stop_signal(spec->clock) != 0;
        c->timed_out = !c->is_stopped && clock_left_ms(spec->clock, spec->deadline_ms) == 0;
        if (is_terminated(c))
            terminate(spec, c);
    }
    if (!c->is_killed && real_now() >= c->kill_at_ms) {
        (void)kill(-c->pid, SIGKILL);
        c->is_killed = true;
    }
}

/* Read what is there; closes the descriptor at its end. */
static void drain(int *fd, struct capture *into)
{
    char chunk[16 * 1024];
    ssize_t n = read(*fd, chunk, sizeof chunk);

    if (n > 0) {
        capture_add(into, chunk, (size_t)n);
    } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
        close(*fd);
        *fd = -1;
    }
}

static void note_exit(struct child *c)
{
    siginfo_t info = {0};

    if (c->is_exited || waitid(P_PID, (id_t)c->pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 ||
        info.si_pid == 0)
        return;
    c->is_exited = true;
    c->give_up_at_ms = real_now() + DRAIN_GRACE_MS;
    /* Members of a terminated group have the whole grace period, not just the leader. */
    if (is_terminated(c) && !c->is_killed && c->give_up_at_ms < c->kill_at_ms)
        c->give_up_at_ms = c->kill_at_ms;
}

static int poll_timeout(const struct proc_spec *spec, const struct child *c)
{
    int64_t slice = c->pidfd >= 0 ? POLL_SLICE_MS : NO_PIDFD_MS;
    int64_t limit =
        earliest(c->give_up_at_ms, c->is_killed ? CLOCK_NEVER : c->kill_at_ms, CLOCK_NEVER);
    int64_t left = clock_left_ms(&clock_real, limit);

    if (!is_terminated(c) && !c->is_exited)
        left = clock_earlier(left, clock_left_ms(spec->clock, spec->deadline_ms));
    return (int)clock_earlier(left, slice);
}

static void wait_for_news(const struct proc_spec *spec, struct child *c)
{
    struct pollfd fds[] = {
        {.fd = c->out_fd,                    .events = POLLIN},
        {.fd = c->err_fd,                    .events = POLLIN},
        {.fd = c->is_exited ? -1 : c->pidfd, .events = POLLIN},
    };

    if (poll(fds, ARRAY_LEN(fds), poll_timeout(spec, c)) > 0) {
        if (fds[0].revents != 0)
            drain(&c->out_fd, &c->out);
        if (fds[1].revents != 0)
            drain(&c->err_fd, &c->err);
    }
    note_exit(c);
}

static bool is_over(const struct child *c)
{
    bool is_drained = c->out_fd < 0 && c->err_fd < 0;

    return c->is_exited && (is_drained || real_now() >= c->give_up_at_ms);
}

/* Reap and translate. Only here does the process id become free again. */
static int reap(struct child *c, struct proc_result *ret, struct ship_error *err)
{
    int status = 0;

    /* Nothing of a terminated group may stay, also when it closed its output. */
    if (is_terminated(c))
        (void)kill(-c->pid, SIGKILL);
    while (waitpid(c->pid, &status, 0) < 0) {
        if (errno != EINTR)
            return ship_fail_errno(err, SHIP_IO, "cannot learn how process %d ended", (int)c->pid);
    }
    ret->exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    ret->term_signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    ret->timed_out = c->timed_out;
    return 0;
}

int proc_run(const struct proc_spec *spec, struct proc_result *ret, struct ship_error *err)
{
    AUTO(child_done)
    struct child c = {.pidfd = -1,
                      .out_fd = -1,
                      .err_fd = -1,
                      .kill_at_ms = CLOCK_NEVER,
                      .give_up_at_ms = CLOCK_NEVER};
    int64_t started_ms = clock_now_ms(spec->clock);
    struct proc_result result = {0};

    capture_init(&c.out, PROC_HEAD_MAX, PROC_TAIL_MAX, spec->redact);
    capture_init(&c.err, PROC_HEAD_MAX, PROC_TAIL_MAX, spec->redact);
    if (!spec->ignore_stop && clock_stop_signal(spec->clock) != 0)
        return ship_fail(err, SHIP_INTERRUPTED, "'%s' not started: stopped by signal %d",
                         spec->argv[0], clock_stop_signal(spec->clock));
    if (start(spec, &c, err) < 0)
        return -1;
    while (!is_over(&c)) {
        enforce_limits(spec, &c);
        wait_for_news(spec, &c);
    }
    if (reap(&c, &result, err) < 0)
        return -1;
    if (c.is_stopped)
        return ship_fail(err, SHIP_INTERRUPTED, "'%s' ended: stopped by signal %d", spec->argv[0],
                         clock_stop_signal(spec->clock));
    result.duration_ms = clock_now_ms(spec->clock) - started_ms;
    capture_finish(&c.out, &result.out);
    capture_finish(&c.err, &result.err);
    *ret = result;
    return 0;
}

void proc_result_done(struct proc_result *r)
{
    buf_done(&r->out);
    buf_done(&r->err);
    *r = (struct proc_result){0};
}
