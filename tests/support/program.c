/* The real program, seen from the other end of its descriptors (see program.h). */
#include "support/program.h"

#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "support/ledger_fixture.h"

#define SAID_MAX (1024u * 1024)

struct ends {
    int in, out, err; /* the program's */
};

static void must(bool ok, const char *what)
{
    fixture_must(ok, what, NULL);
}

static void fill(int fd)
{
    static const char zeros[4096];

    must(fcntl(fd, F_SETFL, O_NONBLOCK) == 0, "fcntl");
    while (write(fd, zeros, sizeof zeros) > 0)
        ;
    must(errno == EAGAIN, "fill the pipe");
    must(fcntl(fd, F_SETFL, 0) == 0, "fcntl"); /* shared with the program, which finds it so */
}

static int open_pipe(volatile sig_atomic_t *ret_ours, bool is_full)
{
    int fds[2];

    must(pipe2(fds, O_CLOEXEC) == 0, "pipe");
    *ret_ours = fds[0];
    if (is_full)
        fill(fds[1]);
    return fds[1];
}

static struct ends open_ends(struct program *p)
{
    int ours, theirs;
    const struct winsize size = {.ws_row = 24, .ws_col = 80};

    if (!p->tty)
        return (struct ends){.in = open("/dev/null", O_RDONLY | O_CLOEXEC),
                             .out = open_pipe(&p->out_fd, p->is_blocked),
                             .err = open_pipe(&p->err_fd, p->is_blocked)};
    must(openpty(&ours, &theirs, NULL, NULL, &size) == 0, "openpty");
    must(fcntl(ours, F_SETFD, FD_CLOEXEC) == 0 && fcntl(theirs, F_SETFD, FD_CLOEXEC) == 0, "fcntl");
    p->out_fd = -1;
    p->err_fd = ours;
    return (struct ends){theirs, fcntl(theirs, F_DUPFD_CLOEXEC, 3),
                         fcntl(theirs, F_DUPFD_CLOEXEC, 3)};
}

static const char *binary(void)
{
    const char *path = getenv("SHIPCTL_BINARY");

    return path ? path : TESTS_DIR "/../build-asan/shipctl";
}

/* Between fork and exec: this process may have threads. */
static _Noreturn void become(const struct program *p, const char *dir, const struct ends *e,
                             char *const *argv, char *const *envp)
{
    for (int sig = 1; sig < SIGSYS; sig++)
        (void)signal(sig, SIG_DFL); /* a caller of the tests may ignore some */
    (void)setsid();
    if (p->tty)
        (void)ioctl(e->in, TIOCSCTTY, 0);
    if (dup2(e->in, 0) < 0 || dup2(e->out, 1) < 0 || dup2(e->err, 2) < 0 || chdir(dir) < 0)
        _exit(99);
    (void)execve(argv[0], argv, envp);
    _exit(99);
}

void program_start(struct program *p, const struct deploy_fixture *f)
{
    AUTO(strv_done) struct strv argv = {0}, env = {0};
    struct ends e = open_ends(p);
    int hold[2];

    must(pipe2(hold, O_CLOEXEC) == 0, "pipe");
    strv_copy(&env, &f->environ);
    strv_add(&env, "TERM=xterm");
    strv_add(&env, "LC_ALL=C.UTF-8");
    strv_add(&argv, binary());
    for (size_t i = 0; p->args[i]; i++)
        strv_add(&argv, p->args[i]);
    p->pid = fork();
    if (p->pid == 0) {
        char byte;
        (void)close(hold[1]);
        (void)!read(hold[0], &byte, 1); /* until it is released */
        become(p, f->project, &e, argv.v, env.v);
    }
    must(p->pid > 0, "fork");
    p->hold_fd = hold[1];
    if (!p->is_held)
        program_release(p);
    (void)close(hold[0]);
    (void)close(e.in);
    (void)close(e.out);
    (void)close(e.err);
}

void program_release(struct program *p)
{
    (void)close(p->hold_fd);
}

void program_hang_up(struct program *p)
{
    if (p->out_fd >= 0)
        (void)close(p->out_fd);
    if (p->err_fd >= 0)
        (void)close(p->err_fd);
    p->out_fd = p->err_fd = -1;
}

static char *read_end(int fd)
{
    struct buf text = BUF_INIT(SAID_MAX);
    char chunk[4096];
    ssize_t n;

    /* the guardian may hold the other end for a moment: what is there is all */
    must(fd < 0 || fcntl(fd, F_SETFL, O_NONBLOCK) == 0, "fcntl");
    while (fd >= 0 && (n = read(fd, chunk, sizeof chunk)) > 0)
        must(buf_add(&text, chunk, (size_t)n) == 0, "what it said is too long");
    char *all = xstrdup(text.p ? text.p : "");
    buf_done(&text);
    return all;
}

static bool ended(struct program *p, int options)
{
    int how;

    if (p->has_ended)
        return true;
    if (waitpid(p->pid, &how, options) != p->pid)
        return false;
    p->has_ended = true;
    p->status = WIFSIGNALED(how) ? -WTERMSIG(how) : WEXITSTATUS(how);
    p->out = read_end(p->out_fd);
    p->err = read_end(p->err_fd);
    return true;
}

bool program_has_ended(struct program *p)
{
    return ended(p, WNOHANG);
}

int program_wait(struct program *p)
{
    while (!ended(p, 0))
        must(errno == EINTR, "waitpid");
    return p->status;
}

void program_done(struct program *p)
{
    program_hang_up(p);
    free(p->out);
    free(p->err);
}
