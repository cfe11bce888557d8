/*
 * Scope-bound ownership: AUTO locals are freed when they go out of scope.
 *
 * Initialise at declaration. A function uses either AUTO locals with early
 * return, or goto, never both (clang rejects the jump, gcc frees garbage).
 */
#ifndef SHIP_BASE_AUTO_H
#define SHIP_BASE_AUTO_H

#include <stdlib.h>
#include <unistd.h>

static inline void auto_free_(void *p)
{
    free(*(void **)p);
}

/* the attribute wants a pointer to the variable: NOLINTNEXTLINE(readability-non-const-parameter) */
static inline void auto_close_(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

#define AUTO_FREE __attribute__((cleanup(auto_free_)))
#define AUTO_FD   __attribute__((cleanup(auto_close_)))
/* AUTO(buf_done) struct buf b = ...; the function takes a pointer to the variable. */
#define AUTO(fn) __attribute__((cleanup(fn)))

/*
 * For heap objects freed by `void x_free(struct x *)`: AUTO_PTR_DEFINE(x_free, struct x) once in
 * the header, then `AUTO_PTR(x_free) struct x *p = NULL;`.
 */
#define AUTO_PTR_DEFINE(fn, type)                                                                  \
    static inline void auto_##fn##_(type **p) /* NOLINT(bugprone-macro-parentheses) */             \
    {                                                                                              \
        fn(*p);                                                                                    \
    }
#define AUTO_PTR(fn) __attribute__((cleanup(auto_##fn##_)))

/* Give a pointer away: returns it and leaves NULL behind. */
#define steal_ptr(pp)                                                                              \
    __extension__({                                                                                \
        __auto_type steal_p_ = (pp);                                                               \
        __auto_type steal_v_ = *steal_p_;                                                          \
        *steal_p_ = NULL;                                                                          \
        steal_v_;                                                                                  \
    })

static inline int steal_fd(int *fd)
{
    int v = *fd;
    *fd = -1;
    return v;
}

#endif
