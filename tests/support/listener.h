/* Sockets on loopback for tests: the engine of "something listens here". */
#ifndef TESTS_SUPPORT_LISTENER_H
#define TESTS_SUPPORT_LISTENER_H

/* A TCP socket on 127.0.0.1 with a port of its own; listens when asked to. Caller closes. */
int listener_open(int listens, int *ret_port);
/* A UDP socket likewise. */
int listener_open_udp(int *ret_port);

#endif
