/*
 * Who listens on a port of this host, from /proc.
 */
#ifndef SHIP_CHECK_HOLDER_H
#define SHIP_CHECK_HOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum holder_result { HOLDER_NONE, HOLDER_FOUND, HOLDER_UNREADABLE };

/*
 * One line of /proc/net/{tcp,tcp6,udp,udp6}: does its socket hold `port`? address: "" or "0.0.0.0"
 * or "::" = any. tcp sockets count when they listen. *ret_inode on true.
 */
bool holder_line_holds(const char *line, bool tcp, const char *address, int64_t port,
                       uint64_t *ret_inode);

/*
 * Find the process. *ret_name: "nginx (pid 812)", or "another process" when it can not be named
 * (not permitted, or in the kernel).
 */
enum holder_result holder_find(bool tcp, const char *address, int64_t port, char *ret_name,
                               size_t cap);

#endif
