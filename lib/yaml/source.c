/*
 * The text of a YAML file and where its characters are (see source.h).
 *
 * Input is any bytes; bad UTF-8, NUL and control characters are found here,
 * with position, before libyaml sees them.
 */
#include "yaml/source.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/utf8.h"

#define SOURCE_STEP 128

/* c-printable of the YAML specification; a byte order mark inside the text is not data either. */
static bool is_allowed(uint32_t c)
{
    if (c < 0x20)
        return c == '\t' || c == '\n' || c == '\r';
    if (c < 0xa0)
        return c < 0x7f || c == 0x85;
    return c != 0xfeff && c != 0xfffe && c != 0xffff;
}

static void add_line(struct source *s, size_t byte)
{
    ARRAY_GROW(s->lines, s->n_lines, s->cap_lines);
    s->lines[s->n_lines++] = (struct source_line){.chr = s->n_chars, .byte = byte};
}

static void add_step(struct source *s, size_t byte)
{
    if (s->n_chars % SOURCE_STEP != 0)
        return;
    ARRAY_GROW(s->steps, s->n_steps, s->cap_steps);
    s->steps[s->n_steps++] = byte;
}

const char *source_init(struct source *s, const char *text, size_t len)
{
    *s = (struct source){.text = xmalloc(len + 1), .len = len};
    if (len > 0)
        memcpy(s->text, text, len);
    s->text[len] = '\0';
    s->start = len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    add_line(s, s->start);
    add_step(s, s->start);

    for (size_t at = s->start, n; at < len; at += n) {
        uint32_t code = (unsigned char)s->text[at];
        /* nearly every character is ASCII: no call for those */
        n = code < 0x80 ? 1 : utf8_decode(s->text + at, len - at, &code);
        if (n == 0)
            return "the file is not UTF-8 text";
        if (!is_allowed(code))
            return "control characters are not allowed in YAML";
        s->n_chars++;
        add_step(s, at + n);
        /* CR of CRLF does not end the line, a lone CR does */
        if (code == '\n' || (code == '\r' && s->text[at + 1] != '\n'))
            add_line(s, at + n);
    }
    return NULL;
}

void source_done(struct source *s)
{
    free(s->text);
    free(s->lines);
    free(s->steps);
    *s = (struct source){0};
}

size_t source_byte(const struct source *s, size_t chr)
{
    if (chr > s->n_chars)
        chr = s->n_chars;
    if (s->n_chars == s->len - s->start) /* ASCII only: a character is a byte */
        return s->start + chr;
    size_t byte = s->steps[chr / SOURCE_STEP];
    for (size_t left = chr % SOURCE_STEP; left > 0; left--) {
        uint32_t code;
        byte += utf8_decode(s->text + byte, s->len - byte, &code);
    }
    return byte;
}

static const struct source_line *find_line(const struct source *s, size_t chr)
{
    size_t low = 0, high = s->n_lines;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (s->lines[middle].chr <= chr)
            low = middle;
        else
            high = middle;
    }
    return &s->lines[low];
}

void source_mark(const struct source *s, size_t chr, struct yaml_mark *ret)
{
    if (chr > s->n_chars)
        chr = s->n_chars;
    const struct source_line *line = find_line(s, chr);
    ret->line = (unsigned)(line - s->lines) + 1;
    ret->column = (unsigned)(chr - line->chr) + 1;
    ret->offset = ret->end_offset = source_byte(s, chr);
}
