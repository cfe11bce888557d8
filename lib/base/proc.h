/*
 * Run a program: argv without a shell, own process group, deadline, bounded
 * output, nothing inherited but descriptors 0-2.
 *
 * On the deadline or on a stop signal the group gets SIGTERM, after the grace
 * period SIGKILL. Output past the limits is drained, not stored: the first
 * PROC_HEAD_MAX and the last PROC_TAIL_MAX bytes are kept. Our end of the
 * pipes is closed 1 s after the program exits, so a daemon it left behind
 * cannot hold us.
 */
#ifndef SHIP_BASE_PROC_H
#define SHIP_BASE_PROC_H

#include <stdbool.h>
#include <stdint.h>

#include "shipctl/error.h"

#include "base/buf.h"
#include "base/clock.h"

#define PROC_HEAD_MAX (64u * 1024)
#define PROC_TAIL_MAX (192u * 1024)
#define PROC_GRACE_MS 5000

struct proc_spec {
    const char *const *argv; /* NULL-terminated; argv[0] searched in PATH when it has no slash */
    const char *const *envp; /* NULL-terminated complete environment; NULL = ours */
    const char *dir;         /* working directory; NULL = ours */
    const char *input;       /* text for stdin; NULL = /dev/null */
    int64_t deadline_ms;     /* absolute, clock */
    const struct clock *clock;
    int64_t grace_ms;      /* between SIGTERM and SIGKILL; 0 = PROC_GRACE_MS */
    bool separate_stderr;  /* false: stderr goes into the same output */
    bool ignore_stop;      /* true: a stop signal does not end it (rollback's own hooks) */
    struct redact *redact; /* of the output; NULL = as it is */
    bool confined;         /* umask 077, no new privileges, no core dumps, 1024 descriptors */
};

struct proc_result {
    int exit_code;   /* 0-255; -1 when a signal ended it */
    int term_signal; /* 0 or the signal */
    bool timed_out;
    struct buf out; /* stdout (and stderr); "[... N bytes left out ...]" marks a cut */
    struct buf err; /* with separate_stderr */
    int64_t duration_ms;
};

/*
 * 0 when the program was started and has ended, however it ended (a verdict: look at ret).
 * -1: SHIP_NOT_FOUND (no such program), SHIP_IO, SHIP_INTERRUPTED (a stop signal; program ended).
 */
SHIP_CHECKED int proc_run(const struct proc_spec *spec, struct proc_result *ret,
                          struct ship_error *err);

void proc_result_done(struct proc_result *r);

#endif
