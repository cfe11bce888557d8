/* Non-blocking progress, bounded answer; see stream.h. */
#include "stream.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* POSIX: after POLLOUT a pipe takes this much without blocking. */
#define CHUNK     4096
#define POLL_MS   100
#define MS_PER_S  1000
#define NS_PER_MS 1000000

int64_t stream_now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * MS_PER_S + now.tv_nsec / NS_PER_MS;
}

/* it is written through the struct: NOLINTNEXTLINE(readability-non-const-parameter) */
void stream_open(struct stream *s, int fd, volatile sig_atomic_t *stop)
{
    *s = (struct stream){.fd = fd, .stop = stop};
    if (isatty(fd)) {
        char name[64];
        int own = ttyname_r(fd, name, sizeof name) == 0
                      ? open(name, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
                      : -1;

        if (own >= 0) {
            s->fd = own;
            s->owns_fd = true;
        }
    }
}

/* Whether fd takes bytes now; waits at most wait_ms. Errors count as ready: write names them. */
static bool is_ready(int fd, int64_t wait_ms)
{
    struct pollfd p = {.fd = fd, .events = POLLOUT};

    return poll(&p, 1, (int)wait_ms) > 0;
}

static void die(struct stream *s)
{
    s->is_dead = true;
    text_clear(&s->waiting);
    /* EIO: the terminal is gone; the kernel sent SIGHUP for that already */
    if (errno == EPIPE && s->stop != NULL && *s->stop == 0)
        *s->stop = SIGPIPE;
}

static void drop_front(struct text *t, size_t n)
{
    memmove(t->p, t->p + n, t->len - n + 1);
    t->len -= n;
}

static void write_waiting(struct stream *s, int64_t wait_ms)
{
    while (!s->is_dead && s->waiting.len > 0 && is_ready(s->fd, wait_ms)) {
        size_t len = s->waiting.len < CHUNK ? s->waiting.len : CHUNK;
        ssize_t n = write(s->fd, s->waiting.p, len);

        if (n > 0)
            drop_front(&s->waiting, (size_t)n);
        else if (errno == EAGAIN)
            return;
        else if (errno != EINTR)
            die(s);
    }
}

void stream_flush(struct stream *s)
{
    write_waiting(s, 0);
    if (s->n_dropped > 0 && s->waiting.len == 0 && !s->is_dead) {
        text_addf(&s->waiting, "shipctl: %zu messages were dropped: the output was not read\n",
                  s->n_dropped);
        s->n_dropped = 0;
        write_waiting(s, 0);
    }
}

void stream_write(struct stream *s, const char *p, size_t len)
{
    if (s->is_dead)
        return;
    stream_flush(s);
    if (s->waiting.len + len > STREAM_MAX) {
        s->n_dropped++;
        return;
    }
    text_addn(&s->waiting, p, len);
    stream_flush(s);
}

void stream_close(struct stream *s, int64_t wait_ms)
{
    int64_t end = stream_now_ms() + wait_ms;

    stream_flush(s);
    while (!s->is_dead && s->waiting.len > 0 && stream_now_ms() < end &&
           (s->stop == NULL || *s->stop == 0))
        write_waiting(s, POLL_MS);
    if (s->owns_fd)
        close(s->fd);
    text_done(&s->waiting);
    *s = (struct stream){.fd = -1, .is_dead = true};
}

int stream_write_all(int fd, const char *p, size_t len, int64_t idle_ms,
                     const volatile sig_atomic_t *stop)
{
    int64_t end = stream_now_ms() + idle_ms;

    while (len > 0) {
        ssize_t n = 0;

        if (is_ready(fd, POLL_MS)) {
            n = write(fd, p, len < CHUNK ? len : CHUNK);
            if (n < 0 && errno != EINTR && errno != EAGAIN)
                return -1;
        }
        if (n > 0) {
            p += n;
            len -= (size_t)n;
            end = stream_now_ms() + idle_ms;
        } else if (stop != NULL && *stop != 0) {
            errno = EINTR;
            return -1;
        } else if (stream_now_ms() >= end) {
            errno = ETIMEDOUT;
            return -1;
        }
    }
    return 0;
}
