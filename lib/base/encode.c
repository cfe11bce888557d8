/*
 * SHA-256, base64.
 *
 * libcrypto's digest calls fail only when memory runs out or the library is
 * broken; both end the process, as running out of memory does everywhere.
 */
#include "base/encode.h"

#include <assert.h>
#include <openssl/evp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#define SHA256_SIZE 32

struct sha256 {
    EVP_MD_CTX *ctx; /* owned */
};

struct sha256 *sha256_new(void)
{
    struct sha256 *s = xcalloc(1, sizeof *s);
    int ok;

    s->ctx = EVP_MD_CTX_new();
    ok = s->ctx != NULL && EVP_DigestInit_ex(s->ctx, EVP_sha256(), NULL) == 1;
    assert(ok);
    (void)ok;
    return s;
}

void sha256_add(struct sha256 *s, const void *p, size_t len)
{
    int ok = EVP_DigestUpdate(s->ctx, p, len);

    assert(ok == 1);
    (void)ok;
}

void sha256_finish_hex(struct sha256 *s, char out[SHA256_HEX_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    int ok = EVP_DigestFinal_ex(s->ctx, digest, &len);

    assert(ok == 1 && len == SHA256_SIZE);
    (void)ok;
    for (size_t i = 0; i < SHA256_SIZE; i++) {
        out[2 * i] = digits[digest[i] >> 4];
        out[2 * i + 1] = digits[digest[i] & 15];
    }
    out[SHA256_HEX_SIZE - 1] = '\0';
    EVP_MD_CTX_free(s->ctx);
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
