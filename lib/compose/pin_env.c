/*
 * One value in the text of an env file, every other byte untouched.
 *
 * Walks the file with the grammar of dotenv.c but keeps positions instead of values: the
 * last assignment wins, as when the file is read.
 */
#include <string.h>

#include "compose/pin.h"

struct slot {
    bool found;
    size_t start, end; /* bytes of the value inside its quotes; start == end when empty */
    bool needs_equals; /* `KEY` alone: inherits so far */
};

struct cursor {
    const char *p, *end;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

static void skip_blanks(struct cursor *c)
{
    while (c->p < c->end && is_blank(*c->p))
        c->p++;
}

static void skip_line(struct cursor *c)
{
    const char *nl = memchr(c->p, '\n', (size_t)(c->end - c->p));

    c->p = nl ? nl + 1 : c->end;
}

static bool is_key_byte(char ch)
{
    return (ch >= 'A' && ch <= 'Z') || (ch >= 'a' && ch <= 'z') || (ch >= '0' && ch <= '9') ||
           (ch && strchr("_.-[]", ch)) || (unsigned char)ch >= 0x80;
}

static void skip_export(struct cursor *c)
{
    static const char word[] = "export";
    size_t n = sizeof word - 1;

    if ((size_t)(c->end - c->p) > n && memcmp(c->p, word, n) == 0 && is_blank(c->p[n])) {
        c->p += n;
        skip_blanks(c);
    }
}

/* NULL when the quote is never closed. */
static const char *closing_quote(const struct cursor *c, char quote)
{
    for (const char *s = c->p + 1; s < c->end; s++) {
        if (*s == '\\' && s + 1 < c->end && (quote == '"' || s[1] == '\''))
            s++;
        else if (*s == quote)
            return s;
    }
    return NULL;
}

/* End of an unquoted value: before a comment, without trailing blanks. */
static const char *plain_end(const struct cursor *c)
{
    const char *nl = memchr(c->p, '\n', (size_t)(c->end - c->p));
    const char *stop = nl ? nl : c->end;

    for (const char *s = c->p; s < stop; s++) {
        if (*s == '#' && (s == c->p || is_blank(s[-1]))) {
            stop = s;
            break;
        }
    }
    while (stop > c->p && is_blank(stop[-1]))
        stop--;
    return stop;
}

/* The value behind a separator; the cursor ends on the next line. */
static int read_value(struct cursor *c, const char *text, struct slot *slot)
{
    const char *after_separator = c->p;

    skip_blanks(c);
    char quote = '\0';
    if (c->p < c->end)
        quote = *c->p;
    if (quote == '"' || quote == '\'') {
        const char *close = closing_quote(c, quote);
        if (!close)
            return -1;
        slot->start = (size_t)(c->p + 1 - text);
        slot->end = (size_t)(close - text);
        c->p = close + 1;
    } else {
        const char *stop = plain_end(c);
        const char *start = stop > c->p ? c->p : after_separator;
        slot->start = (size_t)(start - text);
        slot->end = stop > c->p ? (size_t)(stop - text) : slot->start;
    }
    skip_line(c);
    return 0;
}

static int read_entry(struct cursor *c, const char *text, const char *variable, struct slot *ret)
{
    struct slot slot = {.found = true};
    const char *key = c->p;

    while (c->p < c->end && is_key_byte(*c->p))
        c->p++;
    const char *key_end = c->p;
    bool match =
        (size_t)(key_end - key) == strlen(variable) && memcmp(key, variable, strlen(variable)) == 0;
    skip_blanks(c);
    if (c->p < c->end && (*c->p == '=' || *c->p == ':')) {
        c->p++;
        if (read_value(c, text, &slot) != 0)
            return -1;
    } else if (c->p < c->end && *c->p != '\n' && (*c->p != '#' || c->p == key_end)) {
        return -1;
    } else {
        slot.start = slot.end = (size_t)(key_end - text);
        slot.needs_equals = true;
        skip_line(c);
    }
    if (match)
        *ret = slot;
    return 0;
}

static int find_slot(const struct pin_text *text, const char *variable, struct slot *ret)
{
    struct cursor c = {text->p, text->p + text->len};

    *ret = (struct slot){.found = false};
    if (text->len >= 3 && memcmp(c.p, "\xef\xbb\xbf", 3) == 0)
        c.p += 3;
    while (c.p < c.end) {
        skip_blanks(&c);
        if (c.p == c.end)
            break;
        if (*c.p == '\n' || *c.p == '#') {
            skip_line(&c);
            continue;
        }
        skip_export(&c);
        if (read_entry(&c, text->p, variable, ret) != 0)
            return -1;
    }
    return 0;
}

static const char *line_end(const struct pin_text *text)
{
    const char *nl = text->len ? memchr(text->p, '\n', text->len) : NULL;

    return nl && nl > text->p && nl[-1] == '\r' ? "\r\n" : "\n";
}

static void append_line(const struct pin_text *text, const char *variable, const char *value,
                        struct buf *out)
{
    const char *eol = line_end(text);

    buf_add(out, text->p, text->len);
    if (text->len > 0 && text->p[text->len - 1] != '\n')
        buf_adds(out, eol);
    buf_addf(out, "%s=%s%s", variable, value, eol);
}

int pin_env_edit(const struct pin_text *text, const char *variable, const char *value,
                 struct buf *out, struct ship_error *err)
{
    struct slot slot;

    if (find_slot(text, variable, &slot) != 0)
        return ship_fail(err, SHIP_INVALID,
                         "a line is not an assignment, or a quote is never closed");
    if (!slot.found) {
        append_line(text, variable, value, out);
    } else {
        buf_add(out, text->p, slot.start);
        buf_addf(out, "%s%s", slot.needs_equals ? "=" : "", value);
        /* an empty value may touch its comment */
        if (slot.end < text->len && text->p[slot.end] == '#')
            buf_addc(out, ' ');
        buf_add(out, text->p + slot.end, text->len - slot.end);
    }
    if (out->overflow)
        return ship_fail(err, SHIP_INVALID, "file is larger than %zu bytes", out->max);
    return 0;
}
