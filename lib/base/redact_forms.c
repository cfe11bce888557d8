/*
 * The forms in which a secret shows up in other programs' texts.
 *
 * Encoders differ in what they leave alone, so there are several percent and JSON forms; for a
 * value of letters and digits all of them are the value itself. In base64 a value is found inside
 * a longer text, too: of each of the three offsets the characters that depend on it alone.
 */
#include <stdint.h>
#include <string.h>

#include "base/alloc.h"
#include "base/auto.h"
#include "base/buf.h"
#include "base/encode.h"
#include "base/redact.h"
#include "base/redact_parts.h"
#include "base/str.h"
#include "base/utf8.h"

#define FORM_MAX ((size_t)REDACT_PIECE_MAX * 6) /* \u00xx for each byte */

static bool is_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* ---- hex ---- */

static void hex_form(const char *v, size_t len, const char *digits, redact_take *take, void *ctx)
{
    AUTO(buf_done) struct buf out = BUF_INIT(FORM_MAX);

    for (size_t i = 0; i < len; i++) {
        (void)buf_addc(&out, digits[(unsigned char)v[i] >> 4]);
        (void)buf_addc(&out, digits[(unsigned char)v[i] & 15]);
    }
    take(ctx, out.p, out.len);
}

/* ---- base64 ---- */

static void base64_forms(const char *v, size_t len, char *(*encode)(const void *p, size_t len),
                         redact_take *take, void *ctx)
{
    for (size_t offset = 0; offset < 3; offset++) {
        AUTO_FREE char *shifted = xcalloc(1, offset + len);
        AUTO_FREE char *text = NULL;
        size_t from = (8 * offset + 5) / 6, to = 8 * (offset + len) / 6;

        memcpy(shifted + offset, v, len);
        text = encode(shifted, offset + len);
        take(ctx, text + from, to - from);
    }
}

/* ---- percent ---- */

static const struct percent {
    const char *safe;
    const char *digits;
    bool has_plus; /* for a space */
} percents[] = {
    {"-._~",            "0123456789ABCDEF", false}, /* RFC 3986 */
    {"-._~",            "0123456789abcdef", false},
    {"-._~",            "0123456789ABCDEF", true }, /* forms */
    {"-._~!*'()",       "0123456789ABCDEF", false}, /* encodeURIComponent */
    {"-._~/",           "0123456789ABCDEF", false}, /* Python's quote */
    {"-._~$&+,;=",      "0123456789ABCDEF", false}, /* Go's userinfo */
    {"-._~!$&'()*+,;=", "0123456789ABCDEF", false}, /* userinfo, as it may be */
};

static void percent_form(const char *v, size_t len, const struct percent *how, redact_take *take,
                         void *ctx)
{
    AUTO(buf_done) struct buf out = BUF_INIT(FORM_MAX);

    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)v[i];
        if (is_alnum(v[i]) || (c != '\0' && strchr(how->safe, c))) {
            (void)buf_addc(&out, v[i]);
        } else if (how->has_plus && c == ' ') {
            (void)buf_addc(&out, '+');
        } else {
            const char escape[] = {'%', how->digits[c >> 4], how->digits[c & 15]};
            (void)buf_add(&out, escape, sizeof escape);
        }
    }
    take(ctx, out.p, out.len);
}

/* ---- JSON ---- */

enum json_escape { ESCAPE_HTML = 1, ESCAPE_SLASH = 2, ESCAPE_ASCII = 4 };

static void add_unicode(struct buf *out, uint32_t c)
{
    if (c >= 0x10000) {
        c -= 0x10000;
        (void)buf_addf(out, "\\u%04x", (unsigned)(0xD800 + (c >> 10)));
        c = 0xDC00 + (c & 0x3FF);
    }
    (void)buf_addf(out, "\\u%04x", (unsigned)c);
}

static void add_json_char(struct buf *out, const char *p, size_t n, uint32_t c, unsigned flags)
{
    static const char special[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
    const char *at = c > 0 && c < 0x80 ? strchr(special, (int)c) : NULL;

    if (at)
        (void)buf_addf(out, "\\%c", letters[at - special]);
    else if (c < 0x20 || ((flags & ESCAPE_HTML) && (c == '<' || c == '>' || c == '&')) ||
             ((flags & ESCAPE_ASCII) && c >= 0x80))
        add_unicode(out, c);
    else if ((flags & ESCAPE_SLASH) && c == '/')
        (void)buf_adds(out, "\\/");
    else
        (void)buf_add(out, p, n);
}

static void json_form(const char *v, size_t len, unsigned flags, redact_take *take, void *ctx)
{
    AUTO(buf_done) struct buf out = BUF_INIT(FORM_MAX);
    uint32_t c;

    for (size_t i = 0, n; i < len; i += n) {
        n = utf8_decode(v + i, len - i, &c);
        if (n == 0)
            (void)buf_addc(&out, v[i]);
        else
            add_json_char(&out, v + i, n, c, flags);
        n = n ? n : 1;
    }
    take(ctx, out.p, out.len);
}

static void safe_form(const char *v, size_t len, redact_take *take, void *ctx)
{
    AUTO(buf_done) struct buf out = BUF_INIT(FORM_MAX);

    str_sanitize(&out, v, len);
    take(ctx, out.p, out.len);
}

/* ---- all ---- */

/* The same in every text form. */
static bool is_simple(const char *v, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!is_alnum(v[i]) && !strchr("-._~", v[i]))
            return false;
    return true;
}

void redact_forms(const char *value, size_t len, redact_take *take, void *ctx)
{
    static const unsigned json[] = {0, ESCAPE_HTML, ESCAPE_SLASH, ESCAPE_ASCII,
                                    ESCAPE_ASCII | ESCAPE_SLASH};

    take(ctx, value, len);
    hex_form(value, len, "0123456789abcdef", take, ctx);
    hex_form(value, len, "0123456789ABCDEF", take, ctx);
    base64_forms(value, len, base64_encode, take, ctx);
    base64_forms(value, len, base64url_encode, take, ctx);
    if (is_simple(value, len))
        return;
    for (size_t i = 0; i < ARRAY_LEN(percents); i++)
        percent_form(value, len, &percents[i], take, ctx);
    for (size_t i = 0; i < ARRAY_LEN(json); i++)
        json_form(value, len, json[i], take, ctx);
    safe_form(value, len, take, ctx);
}
