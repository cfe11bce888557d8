/*
 * Allocation that ends the process when memory runs out.
 *
 * The message is written with write(2): stdio might want memory itself.
 */
#include "base/alloc.h"

#include <assert.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

_Noreturn void xalloc_failed(void)
{
    static const char text[] = "shipctl: out of memory\n";
    ssize_t ignored = write(STDERR_FILENO, text, sizeof text - 1);

    (void)ignored;
    _exit(ship_code_exit_status(SHIP_INTERNAL));
}

void *xmalloc(size_t size)
{
    void *p;

    assert(size > 0);
    p = malloc(size);
    if (p == NULL)
        xalloc_failed();
    return p;
}

void *xcalloc(size_t n, size_t size)
{
    void *p;

    assert(n > 0 && size > 0);
    p = calloc(n, size);
    if (p == NULL)
        xalloc_failed();
    return p;
}

void *xrealloc(void *p, size_t size)
{
    void *q;

    assert(size > 0);
    q = realloc(p, size);
    if (q == NULL)
        xalloc_failed();
    return q;
}

void *xreallocarray(void *p, size_t n, size_t size)
{
    assert(n > 0 && size > 0);
    if (n > SIZE_MAX / size)
        xalloc_failed();
    return xrealloc(p, n * size);
}

char *xstrdup(const char *s)
{
    return xstrndup(s, strlen(s));
}

char *xstrdup_or_null(const char *s)
{
    return s != NULL ? xstrdup(s) : NULL;
}

char *xstrndup(const char *s, size_t n)
{
    size_t len = strnlen(s, n);
    char *p = xmalloc(len + 1);

    memcpy(p, s, len);
    p[len] = '\0';
    return p;
}

char *xasprintf(const char *fmt, ...)
{
    va_list ap;
    char *p = NULL;
    int n;

    va_start(ap, fmt);
    n = vasprintf(&p, fmt, ap);
    va_end(ap);
    if (n < 0)
        xalloc_failed();
    return p;
}
