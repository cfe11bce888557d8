/*
 * Foreign text made safe for a terminal.
 *
 * Container logs, registry errors and labels are hostile: an escape sequence
 * can rewrite the screen, a bidi control can reverse a name. Complete escape
 * sequences disappear as a whole; of an unfinished one only the introducer
 * does, so that hostile text cannot swallow what follows it.
 */
#include <string.h>

#include "base/str.h"
#include "base/utf8.h"

#define ESC 0x1B
#define BEL 0x07

static bool in_range(char c, unsigned char first, unsigned char last)
{
    return (unsigned char)c >= first && (unsigned char)c <= last;
}

/* Parameter and intermediate bytes, then one final byte. Bytes eaten, 0 when unfinished. */
static size_t control_sequence_len(const char *s, size_t len)
{
    size_t i = 0;

    while (i < len && in_range(s[i], 0x20, 0x3F))
        i++;
    return i < len && in_range(s[i], 0x40, 0x7E) ? i + 1 : 0;
}

/* A string (title, hyperlink ...) up to BEL or ESC \ on the same line. */
static size_t control_string_len(const char *s, size_t len)
{
    for (size_t i = 0; i < len && s[i] != '\n'; i++) {
        if (s[i] == BEL)
            return i + 1;
        if (s[i] == ESC && i + 1 < len && s[i + 1] == '\\')
            return i + 2;
    }
    return 0;
}

/* Bytes of the escape sequence at s, which begins with ESC; at least 1. */
static size_t escape_len(const char *s, size_t len)
{
    size_t i = 1;

    if (len < 2)
        return 1;
    if (s[1] == '[')
        return 2 + control_sequence_len(s + 2, len - 2);
    if (strchr("]PX^_", s[1]) != NULL && s[1] != '\0')
        return 2 + control_string_len(s + 2, len - 2);
    while (i < len && in_range(s[i], 0x20, 0x2F))
        i++;
    return i < len && in_range(s[i], 0x30, 0x7E) ? i + 1 : 1;
}

static bool is_bidi_control(uint32_t c)
{
    return c == 0x061C || c == 0x200E || c == 0x200F || (c >= 0x202A && c <= 0x202E) ||
           (c >= 0x2066 && c <= 0x2069);
}

static bool may_be_shown(uint32_t c)
{
    if (c == '\n' || c == '\t')
        return true;
    return c >= 0x20 && !(c >= 0x7F && c <= 0x9F) && !is_bidi_control(c);
}

void str_sanitize(struct buf *out, const char *text, size_t len)
{
    for (size_t i = 0; i < len;) {
        uint32_t c;
        size_t n = utf8_decode(text + i, len - i, &c);

        if (n == 0) {
            (void)buf_addf(out, "\\x%02X", (unsigned)(unsigned char)text[i]);
            n = 1;
        } else if (c == ESC) {
            n = escape_len(text + i, len - i);
        } else if (c == 0x9B) { /* the one-character form of ESC [ */
            n += control_sequence_len(text + i + n, len - i - n);
        } else if (may_be_shown(c)) {
            (void)buf_add(out, text + i, n);
        }
        i += n;
    }
}
