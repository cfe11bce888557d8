/* Sockets on loopback (see listener.h). */
#include "support/listener.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <sys/socket.h>

static int open_bound(int type, int *ret_port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    int rc = bind(fd, (const struct sockaddr *)&a, sizeof a);

    assert(fd >= 0 && rc == 0);
    rc = getsockname(fd, (struct sockaddr *)&a, &len);
    assert(rc == 0);
    (void)rc;
    *ret_port = ntohs(a.sin_port);
    return fd;
}

int listener_open(int listens, int *ret_port)
{
    int fd = open_bound(SOCK_STREAM, ret_port);
    int rc = listens ? listen(fd, 16) : 0;

    assert(rc == 0);
    (void)rc;
    return fd;
}

int listener_open_udp(int *ret_port)
{
    return open_bound(SOCK_DGRAM, ret_port);
}
