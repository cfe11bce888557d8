/* Hex, base64 and SHA-256 (OpenSSL's libcrypto behind it). */
#ifndef SHIP_BASE_ENCODE_H
#define SHIP_BASE_ENCODE_H

#include <stddef.h>

#include "shipctl/error.h"

#include "base/buf.h"

#define SHA256_HEX_SIZE 65 /* 64 hex digits + NUL */

/* Lower-case hex SHA-256 of the bytes. */
void sha256_hex(const void *p, size_t len, char out[SHA256_HEX_SIZE]);

/* Streaming form, for length-prefixed fields. */
struct sha256;
struct sha256 *sha256_new(void);
void sha256_add(struct sha256 *s, const void *p, size_t len);
void sha256_finish_hex(struct sha256 *s, char out[SHA256_HEX_SIZE]); /* frees s */

/* RFC 4648 section 4 / 5 with padding; heap string, caller frees. */
char *base64_encode(const void *p, size_t len);
char *base64url_encode(const void *p, size_t len);
/* Standard alphabet, padding required; appends to out. -1 when not base64 or too large. */
int base64_decode(const char *s, size_t len, struct buf *out);

#endif
