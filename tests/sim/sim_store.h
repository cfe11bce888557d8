/*
 * The ledger's files in memory: a VFS for SQLite. They outlive the simulated process; a power loss
 * drops a random part of what was not synced.
 */
#ifndef TESTS_SIM_STORE_H
#define TESTS_SIM_STORE_H

#include <stdbool.h>
#include <stddef.h>

void store_register(void); /* once: becomes SQLite's default */
void store_reset(void);    /* no files */
/* The process dies: what the files hold now is what the next one finds. */
void store_crash(bool is_power);
/* The ghost has ended: take back what it wrote. */
void store_revive(void);

/* ---- all of it, one by one ---- */

enum store_op {
    STORE_READ,
    STORE_OPEN,
    STORE_CREATE,
    STORE_WRITE,
    STORE_TRUNCATE,
    STORE_SYNC,
    STORE_DELETE,
};

/* Of the changes that wait for the disk, which a power loss lets through. */
enum store_cut_kind {
    STORE_PREFIX,  /* the first n */
    STORE_WITHOUT, /* all but number n */
    STORE_HEAD,    /* of number n only what is before a border of its sectors */
    STORE_TAIL,    /* of number n only what is behind it */
};
struct store_cut {
    enum store_cut_kind kind;
    size_t n, border;
};

/* Looks on while the process under test works, not the judge; members may be NULL. */
struct store_watch {
    /* 0, or the errno with which the operation fails. */
    int (*before)(void *ctx, enum store_op op, const char *path);
    /* A writer's transaction is over, either way. */
    void (*ended)(void *ctx);
    void *ctx;
    const struct store_cut *cut; /* NULL: chance decides */
};
/* NULL: nobody. */
void store_watch(const struct store_watch *w);
size_t store_pending(void);
/* Borders of sectors inside number n: 1 ... */
size_t store_borders(size_t n);
bool store_exists(const char *path);

/* Remember the files, and have them back as a process finds them that starts now. */
void store_hold(void);
void store_release(void);

#endif
