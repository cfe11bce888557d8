/*
 * Name lookup in a thread of its own, and the interruptible poll.
 *
 * Two owners share a lookup: the thread and the try that waits for it. The
 * last one to let go frees it, whichever that is. The thread has all signals
 * blocked, so that a stop signal reaches the thread that waits.
 */
#include "check/net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>

#include "base/alloc.h"

#define POLL_SLICE_MS     200 /* a signal that arrives just before poll() is seen this late */
#define LOOKUP_STACK_SIZE (512u * 1024)

struct lookup {
    atomic_int owners;
    int done_fd; /* eventfd: readable when rc and list are set */
    int rc;
    struct addrinfo *list;
    char *host;
};

static void lookup_drop(struct lookup *l)
{
    if (!l || atomic_fetch_sub(&l->owners, 1) != 1)
        return;
    if (l->list)
        freeaddrinfo(l->list);
    if (l->done_fd >= 0)
        close(l->done_fd);
    free(l->host);
    free(l);
}

static void auto_lookup_drop(struct lookup **l)
{
    lookup_drop(*l);
}

static void *lookup_thread(void *arg)
{
    struct lookup *l = arg;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};

    l->rc = getaddrinfo(l->host, NULL, &hints, &l->list);
    (void)eventfd_write(l->done_fd, 1);
    lookup_drop(l);
    return NULL;
}

static int start_thread(struct lookup *l)
{
    pthread_attr_t attr;
    pthread_t thread;
    sigset_t all, old;
    int rc;

    (void)sigfillset(&all);
    (void)pthread_attr_init(&attr);
    (void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    (void)pthread_attr_setstacksize(&attr, LOOKUP_STACK_SIZE);
    atomic_fetch_add(&l->owners, 1);
    (void)pthread_sigmask(SIG_SETMASK, &all, &old);
    rc = pthread_create(&thread, &attr, lookup_thread, l);
    (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
    (void)pthread_attr_destroy(&attr);
    if (rc != 0)
        atomic_fetch_sub(&l->owners, 1);
    return rc == 0 ? 0 : -1;
}

static struct lookup *lookup_start(const char *host, struct ship_error *err)
{
    struct lookup *l = xcalloc(1, sizeof *l);

    atomic_init(&l->owners, 1);
    l->host = xstrdup(host);
    l->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (l->done_fd >= 0 && start_thread(l) == 0)
        return l;
    lookup_drop(l);
    ship_fail(err, SHIP_IO, "no resources to look up '%s'", host);
    return NULL;
}

int check_poll(const struct clock *clock, int fd, short events, int64_t deadline_ms,
               struct ship_error *err)
{
    int64_t left = clock_left_ms(clock, deadline_ms);

    for (;;) {
        struct pollfd p = {.fd = fd, .events = events};
        int64_t slice = clock_earlier(left, POLL_SLICE_MS);
        int n;

        if (clock_wait(clock, 0, CLOCK_NEVER, err) < 0)
            return -1;
        n = poll(&p, 1, (int)slice);
        if (n > 0)
            return 1;
        if (n < 0 && errno != EINTR)
            return ship_fail_errno(err, SHIP_IO, "poll");
        /* Counted down by what was asked for: a clock that stands still ends the loop, too. */
        if (n == 0)
            left -= slice;
        if (left <= 0)
            return 0;
    }
}

static void collect(const struct addrinfo *list, struct check_addresses *found)
{
    found->n = 0;
    for (; list && found->n < CHECK_ADDRESSES_MAX; list = list->ai_next) {
        struct sockaddr_storage *to = &found->list[found->n];

        if (list->ai_addrlen > sizeof *to)
            continue;
        memset(to, 0, sizeof *to);
        memcpy(to, list->ai_addr, list->ai_addrlen);
        found->n++;
    }
}

/* A literal address needs no resolver and no thread. */
static bool take_literal(const char *host, struct check_addresses *found)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST};
    struct addrinfo *list = NULL;

    if (getaddrinfo(host, NULL, &hints, &list) != 0)
        return false;
    collect(list, found);
    freeaddrinfo(list);
    return found->n > 0;
}

static int lookup_verdict(const char *host, int rc, struct check_result *ret)
{
    bool absent = rc == EAI_NONAME;

#ifdef EAI_NODATA
    absent = absent || rc == EAI_NODATA;
#endif
    return check_say(ret, absent ? CHECK_FAIL : CHECK_UNKNOWN, "can not resolve '%s': %s", host,
                     gai_strerror(rc));
}

int check_lookup(const struct check_env *env, const char *host, int64_t deadline_ms,
                 struct check_addresses *found, struct check_result *ret, struct ship_error *err)
{
    __attribute__((cleanup(auto_lookup_drop))) struct lookup *l = NULL;
    int ready;

    if (take_literal(host, found))
        return 1;
    l = lookup_start(host, err);
    if (!l)
        return check_unknown(ret, err);
    ready = check_poll(env->clock, l->done_fd, POLLIN, deadline_ms, err);
    if (ready < 0)
        return check_unknown(ret, err);
    if (ready == 0)
        return check_say(ret, CHECK_UNKNOWN, "can not resolve '%s': no answer in time", host);
    if (l->rc != 0)
        return lookup_verdict(host, l->rc, ret);
    collect(l->list, found);
    if (found->n == 0)
        return check_say(ret, CHECK_FAIL, "'%s' has no address", host);
    return 1;
}

const char *check_address_text(const struct sockaddr_storage *address, char out[CHECK_ADDRESS_TEXT])
{
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;

    out[0] = '\0';
    if (address->ss_family == AF_INET) {
        memcpy(&v4, address, sizeof v4);
        (void)inet_ntop(AF_INET, &v4.sin_addr, out, CHECK_ADDRESS_TEXT);
    } else if (address->ss_family == AF_INET6) {
        memcpy(&v6, address, sizeof v6);
        (void)inet_ntop(AF_INET6, &v6.sin6_addr, out, CHECK_ADDRESS_TEXT);
    }
    return out;
}
