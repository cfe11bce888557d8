/* The owned, NULL-terminated vector of strings. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"

void strv_take(struct strv *sv, char *s)
{
    assert(s != NULL);
    /* One slot more than counted is needed for the NULL at the end. */
    if (sv->n + 1 >= sv->cap) {
        sv->cap = sv->cap > 0 ? sv->cap * 2 : 8;
        sv->v = xreallocarray(sv->v, sv->cap, sizeof *sv->v);
    }
    sv->v[sv->n++] = s;
    sv->v[sv->n] = NULL;
}

void strv_add(struct strv *sv, const char *s)
{
    strv_take(sv, xstrdup(s));
}

bool strv_has(const struct strv *sv, const char *s)
{
    for (size_t i = 0; i < sv->n; i++) {
        if (strcmp(sv->v[i], s) == 0)
            return true;
    }
    return false;
}

void strv_done(struct strv *sv)
{
    for (size_t i = 0; i < sv->n; i++)
        free(sv->v[i]);
    free(sv->v);
    *sv = (struct strv){0};
}

void strv_copy(struct strv *dst, const struct strv *src)
{
    assert(dst != src);
    strv_done(dst);
    for (size_t i = 0; i < src->n; i++)
        strv_add(dst, src->v[i]);
}
