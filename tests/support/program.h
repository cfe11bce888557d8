/*
 * The real program on a scripted engine: started with pipes or on a terminal of its own, watched
 * from the other end.
 *
 *     struct program p = {.args = {"deploy", "v2"}, .tty = true};
 *     program_start(&p, f);
 *     ... signals; program_hang_up(&p) ...
 *     program_wait(&p);
 *     ... p.status; p.out, p.err: what it said ...
 *     program_done(&p);
 *
 * Nothing is read before its end: a reader that is slow, or gone, is the usual case here.
 */
#ifndef TESTS_SUPPORT_PROGRAM_H
#define TESTS_SUPPORT_PROGRAM_H

#include <stdbool.h>
#include <sys/types.h>

#include "support/deploy_fixture.h"

#define PROGRAM_ARGS 10

struct program {
    const char *args[PROGRAM_ARGS]; /* NULL-terminated, without the name */
    bool tty;                       /* all three descriptors are a terminal, and it leads there */
    bool is_blocked;                /* both pipes are full from the beginning */
    bool is_held;                   /* its process waits for program_release */
    pid_t pid;
    int hold_fd;
    volatile sig_atomic_t out_fd, err_fd; /* our ends; one for both with tty; -1 = closed */
    char *out, *err;                      /* after its end; with tty all is in err */
    bool has_ended;
    int status; /* after its end: exit status, or -signal */
};

/* SHIPCTL_BINARY, or the one beside the tests. */
void program_start(struct program *p, const struct deploy_fixture *f);
/* Close our ends: the reader, or the terminal, is gone. Safe in a signal handler. */
void program_hang_up(struct program *p);
void program_release(struct program *p);
/* Does not wait. */
bool program_has_ended(struct program *p);
int program_wait(struct program *p);
void program_done(struct program *p);

#endif
