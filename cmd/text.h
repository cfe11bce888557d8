/*
 * Text under construction, and the memory helpers of the program.
 *
 * A struct text grows as needed and is always NUL-terminated once something
 * was added. Out of memory ends the process: nothing the program builds is
 * large, and the library does not depend on unwinding. Foreign text (from the
 * command line, containers, registries, the ledger) enters through the *_safe
 * functions only.
 */
#ifndef SHIPCTL_CMD_TEXT_H
#define SHIPCTL_CMD_TEXT_H

#include <stddef.h>
#include <stdlib.h>

#include "shipctl/error.h"

/* AUTO_FREE char *s: freed at the end of the scope. AUTO(text_done) struct text t = {0}. */
static inline void auto_free_(void *p)
{
    free(*(void **)p);
}
#define AUTO_FREE    __attribute__((cleanup(auto_free_)))
#define AUTO(fn)     __attribute__((cleanup(fn)))
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

struct text {
    char *p; /* NULL until something was added */
    size_t len, cap;
};

void text_done(struct text *t);
void text_clear(struct text *t);
/* The text so far, never NULL. */
const char *text_str(const struct text *t);

void text_add(struct text *t, const char *s);
void text_addn(struct text *t, const char *s, size_t len);
void text_addf(struct text *t, const char *fmt, ...) SHIP_PRINTF(2, 3);
void text_pad(struct text *t, size_t n_spaces);

/* Foreign text on one line: control sequences go, line breaks and tabs become spaces. */
void text_add_safe(struct text *t, const char *foreign);
/* Foreign text of many lines, each behind `prefix`, each ended by a line feed. */
void text_add_safe_lines(struct text *t, const char *prefix, const char *foreign);
/* One safe line of at most max_cells terminal cells; what is cut ends in `ellipsis`. */
void text_add_clipped(struct text *t, const char *foreign, size_t max_cells, const char *ellipsis);

/* These never return NULL. */
void *mem_grow(void *p, size_t n, size_t size);
char *mem_strdup(const char *s);

#endif
