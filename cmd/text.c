/* Growing text. Never fails: out of memory ends the process with a message. */
#include "text.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "shipctl/text.h"

#define CAP_FIRST     256
#define UTF8_CHAR_MAX 4

static void out_of_memory(void)
{
    static const char message[] = "shipctl: out of memory\n";

    if (write(STDERR_FILENO, message, sizeof message - 1) < 0) {
        /* nobody is left to tell */
    }
    _exit(ship_code_exit_status(SHIP_INTERNAL));
}

void *mem_grow(void *p, size_t n, size_t size)
{
    void *grown = n > SIZE_MAX / size ? NULL : realloc(p, n * size + 1);

    if (grown == NULL)
        out_of_memory();
    return grown;
}

char *mem_strdup(const char *s)
{
    size_t size = strlen(s) + 1;
    char *copy = mem_grow(NULL, size, 1);

    memcpy(copy, s, size);
    return copy;
}

void text_done(struct text *t)
{
    free(t->p);
    *t = (struct text){0};
}

void text_clear(struct text *t)
{
    t->len = 0;
    if (t->p != NULL)
        t->p[0] = '\0';
}

const char *text_str(const struct text *t)
{
    return t->p != NULL ? t->p : "";
}

static void reserve(struct text *t, size_t more)
{
    size_t cap = t->cap > 0 ? t->cap : CAP_FIRST;

    while (cap - t->len <= more)
        cap *= 2;
    if (cap != t->cap) {
        t->p = mem_grow(t->p, cap, 1);
        t->cap = cap;
    }
}

void text_addn(struct text *t, const char *s, size_t len)
{
    reserve(t, len);
    memcpy(t->p + t->len, s, len);
    t->len += len;
    t->p[t->len] = '\0';
}

void text_add(struct text *t, const char *s)
{
    text_addn(t, s, strlen(s));
}

void text_addf(struct text *t, const char *fmt, ...)
{
    va_list ap;
    va_list again;
    int n;

    va_start(ap, fmt);
    va_copy(again, ap);
    n = vsnprintf(NULL, 0, fmt, ap);
    if (n > 0) {
        reserve(t, (size_t)n);
        (void)vsnprintf(t->p + t->len, (size_t)n + 1, fmt, again);
        t->len += (size_t)n;
    }
    va_end(again);
    va_end(ap);
}

void text_pad(struct text *t, size_t n_spaces)
{
    for (size_t i = 0; i < n_spaces; i++)
        text_addn(t, " ", 1);
}

static char *safe_line(const char *foreign)
{
    char *safe = ship_text_sanitize(foreign, strlen(foreign));

    for (char *c = safe; *c != '\0'; c++)
        if (*c == '\n' || *c == '\t')
            *c = ' ';
    return safe;
}

void text_add_safe(struct text *t, const char *foreign)
{
    AUTO_FREE char *safe = safe_line(foreign);

    text_add(t, safe);
}

void text_add_safe_lines(struct text *t, const char *prefix, const char *foreign)
{
    AUTO_FREE char *safe = ship_text_sanitize(foreign, strlen(foreign));
    const char *line = safe;

    while (*line != '\0') {
        size_t len = strcspn(line, "\n");

        text_add(t, prefix);
        text_addn(t, line, len);
        text_add(t, "\n");
        line += len + (line[len] == '\n' ? 1 : 0);
    }
}

/* Bytes of the character at s: the lead byte and what continues it. */
static size_t char_len(const char *s)
{
    size_t n = 1;

    while (n < UTF8_CHAR_MAX && ((unsigned char)s[n] & 0xC0) == 0x80)
        n++;
    return n;
}

void text_add_clipped(struct text *t, const char *foreign, size_t max_cells, const char *ellipsis)
{
    AUTO_FREE char *safe = safe_line(foreign);
    size_t used;
    size_t end = 0;

    if (ship_text_cells(safe) <= max_cells) {
        text_add(t, safe);
        return;
    }
    if (ship_text_cells(ellipsis) > max_cells)
        ellipsis = "";
    used = ship_text_cells(ellipsis);
    while (safe[end] != '\0') {
        char one[UTF8_CHAR_MAX + 1] = {0};
        size_t n = char_len(safe + end);

        memcpy(one, safe + end, n);
        used += ship_text_cells(one);
        if (used > max_cells)
            break;
        end += n;
    }
    text_addn(t, safe, end);
    text_add(t, ellipsis);
}
