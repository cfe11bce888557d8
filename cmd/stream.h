/*
 * Writing to standard output and standard error without ever delaying a
 * deployment.
 *
 * Progress goes to a stream: a bounded buffer in front of a descriptor that is
 * written only while it takes bytes. A stopped terminal, a full pipe or a full
 * disk cost lines of progress (counted), never time. The answer is written
 * once, at the end, completely or until a deadline.
 */
#ifndef SHIPCTL_CMD_STREAM_H
#define SHIPCTL_CMD_STREAM_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "text.h"

#define STREAM_MAX (64u * 1024) /* bytes waiting; more are dropped, whole writes at a time */

struct stream {
    int fd;
    bool is_dead; /* nobody reads: everything is thrown away */
    bool owns_fd;
    struct text waiting;
    size_t n_dropped;
    volatile sig_atomic_t *stop; /* set to SIGPIPE when the reader went away; or NULL */
};

/*
 * A terminal is opened a second time for a private non-blocking description: O_NONBLOCK on fd
 * itself would reach the shell, which shares it.
 */
void stream_open(struct stream *s, int fd, volatile sig_atomic_t *stop);
void stream_write(struct stream *s, const char *p, size_t len);
void stream_flush(struct stream *s);
/* Wait until everything is written, at most deadline_ms; then close. */
void stream_close(struct stream *s, int64_t wait_ms);

/*
 * Write all of it to fd; gives up after idle_ms without progress. 0, or -1 with errno (ETIMEDOUT
 * when the other end does not read, EINTR when *stop was set). stop may be NULL.
 */
int stream_write_all(int fd, const char *p, size_t len, int64_t idle_ms,
                     const volatile sig_atomic_t *stop);

/* CLOCK_MONOTONIC in ms. */
int64_t stream_now_ms(void);

#endif
