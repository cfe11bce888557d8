/*
 * Allocation that cannot fail: out of memory ends the process with a message.
 *
 * Safe only because recovery does not depend on unwinding: each engine mutation
 * is journalled before it acts, so running out of memory takes the same tested
 * path as SIGKILL. Zero-size requests are bugs (asserted).
 */
#ifndef SHIP_BASE_ALLOC_H
#define SHIP_BASE_ALLOC_H

#include <stddef.h>

#include "shipctl/error.h"

void *xmalloc(size_t size) __attribute__((malloc, returns_nonnull, alloc_size(1)));
void *xcalloc(size_t n, size_t size) __attribute__((malloc, returns_nonnull, alloc_size(1, 2)));
void *xrealloc(void *p, size_t size) __attribute__((returns_nonnull, alloc_size(2)));
/* realloc(p, n * size) with overflow check */
void *xreallocarray(void *p, size_t n, size_t size) __attribute__((returns_nonnull));
char *xstrdup(const char *s) __attribute__((malloc, returns_nonnull));
/* NULL stays NULL */
char *xstrdup_or_null(const char *s);
char *xstrndup(const char *s, size_t n) __attribute__((malloc, returns_nonnull));
char *xasprintf(const char *fmt, ...) SHIP_PRINTF(1, 2) __attribute__((malloc, returns_nonnull));

/* For what a library could not allocate: the same end. */
_Noreturn void xalloc_failed(void);

/* Make room for one more element: ARRAY_GROW(v, n, cap); v[n++] = x; */
#define ARRAY_GROW(v, n, cap)                                                                      \
    do {                                                                                           \
        if ((n) == (cap)) {                                                                        \
            (cap) = (cap) ? (cap)*2 : 8;                                                           \
            (v) = xreallocarray((v), (cap), sizeof *(v));                                          \
        }                                                                                          \
    } while (0)

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#endif
