/*
 * One operation at a time per app and environment: a kernel lock.
 *
 * A lock on <state>/locks/<app>.<environment>: it dies with the last process
 * that holds the descriptor (shipctl or its guardian), so nothing is ever
 * stuck and no command to steal it exists. The file's text is information
 * only: who, what, since when.
 */
#ifndef SHIP_DEPLOY_LOCK_H
#define SHIP_DEPLOY_LOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "shipctl/error.h"

#include "base/clock.h"

struct lock_text {
    int64_t pid, since_ms;
    char actor[128], action[32], version[160], step[64];
};

struct lock {
    int fd; /* -1 = not held */
    bool is_held;
    char *path;
    struct lock_text text;
};
/* What one lock is for. */
struct lock_scope {
    const char *state_dir, *app, *environment;
};

#define LOCK_INIT                                                                                  \
    {                                                                                              \
        .fd = -1                                                                                   \
    }

/*
 * Take the lock, waiting at most wait_ms. SHIP_LOCKED names holder, version, step and age;
 * SHIP_UNREACHABLE when the state directory can not be used; SHIP_INTERRUPTED.
 */
SHIP_CHECKED int lock_take(struct lock *l, const struct lock_scope *scope,
                           const struct lock_text *text, int64_t wait_ms, const struct clock *clock,
                           struct ship_error *err);
/* Rewrite the text (best effort). */
void lock_describe(struct lock *l, const char *version, const char *step);
/* By a process that got the descriptor from the holder, which has died: this one holds it now. */
void lock_inherit(struct lock *l);
void lock_release(struct lock *l);

/* Who holds it? 1 held (ret filled as far as known), 0 free. Never blocks. */
int lock_peek(const struct lock_scope *scope, struct lock_text *ret);

#endif
