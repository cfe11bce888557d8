/* Decoding of UTF-8 that may be hostile: strict, one code point at a time. */
#ifndef SHIP_BASE_UTF8_H
#define SHIP_BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

/*
 * Decode the code point at s (len bytes left, at least 1). Returns the bytes it takes, 1-4, and
 * sets *ret; 0 when the bytes are not valid UTF-8 (overlong forms and surrogates included).
 */
size_t utf8_decode(const char *s, size_t len, uint32_t *ret);

#endif
