/*
 * SHA-256 (FIPS 180-4), base64.
 *
 * The hash is our own although libcrypto has one: its inputs are small and public, and loading and
 * setting up libcrypto takes longer than the rest of a short command.
 */
#include "base/encode.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#define BLOCK_BYTES  64
#define LENGTH_BYTES 8 /* at the end of the last block */

struct sha256 {
    uint32_t state[8];
    uint64_t bytes;
    unsigned char block[BLOCK_BYTES]; /* the first bytes % BLOCK_BYTES are waiting */
};

/* The first 32 bits of the fractions of the cube roots of the first 64 primes. */
static const uint32_t round_constants[BLOCK_BYTES] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

/* The same of the square roots of the first 8 primes. */
static const uint32_t first_state[8] = {
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
};

static uint32_t rotate(uint32_t x, unsigned n)
{
    return x >> n | x << (32 - n);
}

static uint32_t read_word(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void expand(const unsigned char *block, uint32_t w[BLOCK_BYTES])
{
    for (size_t i = 0; i < 16; i++)
        w[i] = read_word(block + 4 * i);
    for (size_t i = 16; i < BLOCK_BYTES; i++) {
        uint32_t a = w[i - 15], b = w[i - 2];
        uint32_t s0 = rotate(a, 7) ^ rotate(a, 18) ^ a >> 3;
        uint32_t s1 = rotate(b, 17) ^ rotate(b, 19) ^ b >> 10;
        w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
}

static void compress(struct sha256 *s, const unsigned char *block)
{
    uint32_t w[BLOCK_BYTES], v[8]; /* v: a b c d e f g h of the standard */

    expand(block, w);
    memcpy(v, s->state, sizeof v);
    for (size_t i = 0; i < BLOCK_BYTES; i++) {
        uint32_t s1 = rotate(v[4], 6) ^ rotate(v[4], 11) ^ rotate(v[4], 25);
        uint32_t choice = (v[4] & v[5]) ^ (~v[4] & v[6]);
        uint32_t t1 = v[7] + s1 + choice + round_constants[i] + w[i];
        uint32_t s0 = rotate(v[0], 2) ^ rotate(v[0], 13) ^ rotate(v[0], 22);
        uint32_t majority = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);
        memmove(v + 1, v, 7 * sizeof v[0]);
        v[4] += t1;
        v[0] = t1 + s0 + majority;
    }
    for (size_t i = 0; i < 8; i++)
        s->state[i] += v[i];
}

struct sha256 *sha256_new(void)
{
    struct sha256 *s = xcalloc(1, sizeof *s);

    memcpy(s->state, first_state, sizeof s->state);
    return s;
}

void sha256_add(struct sha256 *s, const void *p, size_t len)
{
    const unsigned char *from = p;

    while (len > 0) {
        size_t at = s->bytes % BLOCK_BYTES;
        size_t n = len < BLOCK_BYTES - at ? len : BLOCK_BYTES - at;
        memcpy(s->block + at, from, n);
        s->bytes += n;
        from += n;
        len -= n;
        if (at + n == BLOCK_BYTES)
            compress(s, s->block);
    }
}

/* A one bit, zeros to the end of a block, the length in bits. */
static void pad(struct sha256 *s)
{
    static const unsigned char fill[BLOCK_BYTES] = {0x80};
    unsigned char length[LENGTH_BYTES];
    uint64_t bits = s->bytes * 8;
    size_t at = s->bytes % BLOCK_BYTES;
    size_t room = at < BLOCK_BYTES - LENGTH_BYTES ? BLOCK_BYTES : 2 * BLOCK_BYTES;

    for (size_t i = 0; i < LENGTH_BYTES; i++)
        length[i] = (unsigned char)(bits >> (56 - 8 * i));
    sha256_add(s, fill, room - LENGTH_BYTES - at);
    sha256_add(s, length, LENGTH_BYTES);
}

void sha256_finish_hex(struct sha256 *s, char out[SHA256_HEX_SIZE])
{
    static const char digits[] = "0123456789abcdef";

    pad(s);
    for (size_t i = 0; i + 1 < SHA256_HEX_SIZE; i++)
        out[i] = digits[s->state[i / 8] >> (28 - 4 * (i % 8)) & 15];
    out[SHA256_HEX_SIZE - 1] = '\0';
    explicit_bzero(s, sizeof *s); /* environments of containers are hashed */
    free(s);
}

void sha256_hex(const void *p, size_t len, char out[SHA256_HEX_SIZE])
{
    struct sha256 *s = sha256_new();

    sha256_add(s, p, len);
    sha256_finish_hex(s, out);
}

static const char standard_alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url_alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* Encode up to three bytes as four characters. */
static void encode_group(const unsigned char *in, size_t n, const char *alphabet, char *out)
{
    uint32_t bits = (uint32_t)in[0] << 16;

    if (n > 1)
        bits |= (uint32_t)in[1] << 8;
    if (n > 2)
        bits |= in[2];
    out[0] = alphabet[bits >> 18];
    out[1] = alphabet[bits >> 12 & 63];
    out[2] = '=';
    out[3] = '=';
    if (n > 1)
        out[2] = alphabet[bits >> 6 & 63];
    if (n > 2)
        out[3] = alphabet[bits & 63];
}

static char *encode(const unsigned char *in, size_t len, const char *alphabet)
{
    size_t groups = len / 3 + (len % 3 != 0 ? 1 : 0);
    char *out;

    assert(groups <= (SIZE_MAX - 1) / 4);
    out = xmalloc(groups * 4 + 1);
    for (size_t i = 0; i < groups; i++) {
        size_t left = len - i * 3;

        encode_group(in + i * 3, left < 3 ? left : 3, alphabet, out + i * 4);
    }
    out[groups * 4] = '\0';
    return out;
}

char *base64_encode(const void *p, size_t len)
{
    return encode(p, len, standard_alphabet);
}

char *base64url_encode(const void *p, size_t len)
{
    return encode(p, len, url_alphabet);
}

/* 0-63, or -1 */
static int digit_value(char c)
{
    const char *at = c != '\0' ? strchr(standard_alphabet, c) : NULL;

    return at != NULL ? (int)(at - standard_alphabet) : -1;
}

/*
 * Decode four characters into up to three bytes; returns how many, or -1. Padding bits must be
 * zero: one text for one value, so that comparing texts is comparing values.
 */
static int decode_group(const char *s, bool is_last, unsigned char out[3])
{
    int padding = !is_last ? 0 : s[3] != '=' ? 0 : s[2] != '=' ? 1 : 2;
    uint32_t bits = 0;

    for (int i = 0; i < 4; i++) {
        int value = i >= 4 - padding ? 0 : digit_value(s[i]);

        if (value < 0)
            return -1;
        bits = bits << 6 | (uint32_t)value;
    }
    if ((padding == 1 && (bits & 0xFF) != 0) || (padding == 2 && (bits & 0xFFFF) != 0))
        return -1;
    out[0] = (unsigned char)(bits >> 16);
    out[1] = (unsigned char)(bits >> 8);
    out[2] = (unsigned char)bits;
    return 3 - padding;
}

int base64_decode(const char *s, size_t len, struct buf *out)
{
    size_t before = out->len;

    if (len % 4 != 0)
        return -1;
    for (size_t i = 0; i < len; i += 4) {
        unsigned char bytes[3];
        int n = decode_group(s + i, i + 4 == len, bytes);

        if (n < 0 || buf_add(out, bytes, (size_t)n) < 0) {
            buf_truncate(out, before);
            return -1;
        }
    }
    return 0;
}
