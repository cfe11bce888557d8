/*
 * Name lookup and TCP connect under a deadline, ended by a stop signal.
 *
 * getaddrinfo can not be cancelled: it runs in a detached thread that owns a
 * share of its request, so that a try which gives up leaks nothing.
 * Return values as in support.h: 1 go on, 0 verdict written, -1 ended.
 */
#ifndef SHIP_CHECK_NET_H
#define SHIP_CHECK_NET_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "check/support.h"

#define CHECK_ADDRESSES_MAX 32

struct check_addresses {
    struct sockaddr_storage list[CHECK_ADDRESSES_MAX]; /* port 0 */
    size_t n;
};

/*
 * Resolve host (or take a literal address). FAIL: the name does not exist. UNKNOWN: the resolver
 * did not answer.
 */
int check_lookup(const struct check_env *env, const char *host, int64_t deadline_ms,
                 struct check_addresses *found, struct check_result *ret, struct ship_error *err);

/* Wait for a descriptor: 1 ready, 0 deadline passed, -1 SHIP_INTERRUPTED or SHIP_IO. */
int check_poll(const struct clock *clock, int fd, short events, int64_t deadline_ms,
               struct ship_error *err);

/* Numeric text of an address. */
#define CHECK_ADDRESS_TEXT INET6_ADDRSTRLEN
const char *check_address_text(const struct sockaddr_storage *address,
                               char out[CHECK_ADDRESS_TEXT]);

#endif
