/* Which libcurl is linked. */
#ifndef SHIP_NET_VERSION_H
#define SHIP_NET_VERSION_H

const char *net_library_version(void); /* "libcurl 7.88.1 (OpenSSL/3.0.15)"; static */

#endif
