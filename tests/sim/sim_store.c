/* A VFS in memory: see sim_store.h. One process at a time, so locks are always granted. */
#include "sim/sim_store.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/auto.h"
#include "base/str.h"
#include "sim/sim.h"

#define FILES_MAX 8
#define PATH_MAX_ 512

/* A write that a power loss may undo. */
struct pending {
    sqlite3_int64 at;
    size_t len; /* of data; data NULL: truncation to `at` */
    unsigned char *data;
};

struct bytes {
    unsigned char *p;
    size_t len, cap;
};

struct file {
    char name[PATH_MAX_]; /* "" = free */
    bool exists;
    struct bytes now, synced;
    struct pending *pending;
    size_t n_pending, cap_pending;
};

struct handle {
    sqlite3_file base;
    struct file *file;
};

static struct file files[FILES_MAX], saved[FILES_MAX];

/* ---- bytes ---- */

static void bytes_resize(struct bytes *b, size_t len)
{
    if (len > b->cap) {
        b->cap = len * 2 < 4096 ? 4096 : len * 2;
        b->p = xrealloc(b->p, b->cap);
    }
    if (len > b->len)
        memset(b->p + b->len, 0, len - b->len);
    b->len = len;
}

static void bytes_copy(struct bytes *to, const struct bytes *from)
{
    bytes_resize(to, from->len);
    if (from->len)
        memcpy(to->p, from->p, from->len);
}

static void bytes_apply(struct bytes *b, const struct pending *w)
{
    if (w->data == NULL) {
        bytes_resize(b, (size_t)w->at);
        return;
    }
    if ((size_t)w->at + w->len > b->len)
        bytes_resize(b, (size_t)w->at + w->len);
    memcpy(b->p + w->at, w->data, w->len);
}

/* ---- files ---- */

static void forget_pending(struct file *f)
{
    for (size_t i = 0; i < f->n_pending; i++)
        free(f->pending[i].data);
    f->n_pending = 0;
}

static void file_clear(struct file *f)
{
    forget_pending(f);
    f->exists = false;
    f->now.len = f->synced.len = 0;
}

static struct file *find(const char *name)
{
    for (size_t i = 0; i < FILES_MAX; i++)
        if (str_eq(files[i].name, name))
            return &files[i];
    return NULL;
}

static struct file *find_or_make(const char *name)
{
    struct file *f = find(name);

    for (size_t i = 0; f == NULL && i < FILES_MAX; i++)
        if (files[i].name[0] == '\0')
            f = &files[i];
    if (f == NULL)
        abort();
    (void)snprintf(f->name, sizeof f->name, "%s", name);
    return f;
}

static void write_now(struct file *f, struct pending w)
{
    bytes_apply(&f->now, &w);
    if (f->n_pending == f->cap_pending) {
        f->cap_pending = f->cap_pending ? f->cap_pending * 2 : 16;
        f->pending = xreallocarray(f->pending, f->cap_pending, sizeof *f->pending);
    }
    f->pending[f->n_pending++] = w;
}

static void sync_now(struct file *f)
{
    for (size_t i = 0; i < f->n_pending; i++)
        bytes_apply(&f->synced, &f->pending[i]);
    forget_pending(f);
}

void store_reset(void)
{
    for (size_t i = 0; i < FILES_MAX; i++)
        file_clear(&files[i]);
}

/* What the disk holds after the power went: of unsynced writes each one or not. */
static void lose_power(struct file *f)
{
    for (size_t i = 0; i < f->n_pending; i++)
        if (sim_one_in(&sim.random, 2))
            bytes_apply(&f->synced, &f->pending[i]);
    bytes_copy(&f->now, &f->synced);
    forget_pending(f);
}

void store_crash(bool is_power)
{
    for (size_t i = 0; i < FILES_MAX; i++) {
        struct file *f = &files[i];
        (void)snprintf(saved[i].name, sizeof saved[i].name, "%s", f->name);
        if (is_power && f->exists)
            lose_power(f);
        saved[i].exists = f->exists;
        bytes_copy(&saved[i].now, &f->now);
    }
}

void store_revive(void)
{
    for (size_t i = 0; i < FILES_MAX; i++) {
        file_clear(&files[i]);
        files[i].exists = saved[i].exists;
        bytes_copy(&files[i].now, &saved[i].now);
        bytes_copy(&files[i].synced, &saved[i].now);
    }
}

/* ---- what goes wrong ---- */

/* SQLITE_OK, or the error; *ret_after: what to do when the effect is there. */
static int fault(enum sim_fault *ret_after)
{
    enum sim_fault f = sim_fault(SIM_STORE);

    *ret_after = f;
    switch ((int)f) {
    case SIM_CRASH:
        sim_crash(false);
        return SQLITE_OK;
    case SIM_POWER:
        sim_crash(true);
        return SQLITE_OK;
    case SIM_FULL:
    case SIM_FULL_ON:
        return SQLITE_FULL;
    case SIM_EIO:
    case SIM_EIO_ON:
        return SQLITE_IOERR_WRITE;
    case SIM_SIGNAL:
        sim.stop = SIGTERM;
        return SQLITE_OK;
    default:
        return SQLITE_OK;
    }
}

static int done(enum sim_fault after)
{
    if (after == SIM_CRASH_AFTER || after == SIM_POWER_AFTER)
        sim_crash(after == SIM_POWER_AFTER);
    return SQLITE_OK;
}

/* ---- methods of a file ---- */

static struct file *file_of(sqlite3_file *h)
{
    return ((struct handle *)h)->file;
}

static int do_close(sqlite3_file *h)
{
    (void)h;
    return SQLITE_OK;
}

static int do_read(sqlite3_file *h, void *to, int len, sqlite3_int64 at)
{
    const struct file *f = file_of(h);
    size_t have = (size_t)at < f->now.len ? f->now.len - (size_t)at : 0;

    have = have < (size_t)len ? have : (size_t)len;
    if (have)
        memcpy(to, f->now.p + at, have);
    if (have == (size_t)len)
        return SQLITE_OK;
    memset((char *)to + have, 0, (size_t)len - have);
    return SQLITE_IOERR_SHORT_READ;
}

static int do_write(sqlite3_file *h, const void *from, int len, sqlite3_int64 at)
{
    enum sim_fault after;
    int rc = fault(&after);

    if (rc != SQLITE_OK)
        return rc;
    sim.depth++;
    struct pending w = {.at = at, .len = (size_t)len, .data = xmalloc((size_t)len)};
    memcpy(w.data, from, (size_t)len);
    write_now(file_of(h), w);
    sim.depth--;
    return done(after);
}

static int do_truncate(sqlite3_file *h, sqlite3_int64 size)
{
    enum sim_fault after;
    int rc = fault(&after);

    if (rc != SQLITE_OK)
        return rc;
    sim.depth++;
    write_now(file_of(h), (struct pending){.at = size});
    sim.depth--;
    return done(after);
}

static int do_sync(sqlite3_file *h, int flags)
{
    enum sim_fault after;
    int rc = fault(&after);

    (void)flags;
    if (rc != SQLITE_OK)
        return SQLITE_IOERR_FSYNC;
    sim.depth++;
    sync_now(file_of(h));
    sim.depth--;
    return done(after);
}

static int do_size(sqlite3_file *h, sqlite3_int64 *ret)
{
    *ret = (sqlite3_int64)file_of(h)->now.len;
    return SQLITE_OK;
}

static int do_lock(sqlite3_file *h, int kind)
{
    (void)h, (void)kind;
    return SQLITE_OK;
}

static int do_check_reserved(sqlite3_file *h, int *ret)
{
    (void)h;
    *ret = 0;
    return SQLITE_OK;
}

static int do_control(sqlite3_file *h, int op, void *arg)
{
    (void)h, (void)op, (void)arg;
    return SQLITE_NOTFOUND;
}

static int do_sector_size(sqlite3_file *h)
{
    (void)h;
    return 512;
}

static int do_characteristics(sqlite3_file *h)
{
    (void)h;
    return 0;
}

static const sqlite3_io_methods methods = {
    .iVersion = 1,
    .xClose = do_close,
    .xRead = do_read,
    .xWrite = do_write,
    .xTruncate = do_truncate,
    .xSync = do_sync,
    .xFileSize = do_size,
    .xLock = do_lock,
    .xUnlock = do_lock,
    .xCheckReservedLock = do_check_reserved,
    .xFileControl = do_control,
    .xSectorSize = do_sector_size,
    .xDeviceCharacteristics = do_characteristics,
};

/* ---- methods of the VFS ---- */

/* The ledger's own code looks at the real file: it must not be empty once there is a ledger. */
static int do_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *h, int flags, int *ret_flags)
{
    struct handle *handle = (struct handle *)h;
    struct file *f = find_or_make(name ? name : "(temporary)");

    (void)vfs;
    handle->base.pMethods = NULL;
    if (!f->exists && !(flags & SQLITE_OPEN_CREATE) && access(f->name, F_OK) != 0)
        return SQLITE_CANTOPEN;
    if (!f->exists)
        file_clear(f);
    f->exists = true;
    if ((flags & SQLITE_OPEN_MAIN_DB) && truncate(f->name, 1) != 0)
        return SQLITE_CANTOPEN;
    handle->base.pMethods = &methods;
    handle->file = f;
    if (ret_flags)
        *ret_flags = flags;
    return SQLITE_OK;
}

static int do_delete(sqlite3_vfs *vfs, const char *name, int sync_dir)
{
    struct file *f = find(name);
    enum sim_fault after;

    (void)vfs, (void)sync_dir;
    if (f == NULL || !f->exists)
        return SQLITE_IOERR_DELETE_NOENT;
    if (fault(&after) != SQLITE_OK)
        return SQLITE_IOERR_DELETE;
    file_clear(f);
    return done(after);
}

static int do_access(sqlite3_vfs *vfs, const char *name, int flags, int *ret)
{
    const struct file *f = find(name);

    (void)vfs, (void)flags;
    *ret = f && f->exists;
    return SQLITE_OK;
}

static int do_full_path(sqlite3_vfs *vfs, const char *name, int size, char *ret)
{
    (void)vfs;
    (void)snprintf(ret, (size_t)size, "%s", name);
    return SQLITE_OK;
}

static int do_randomness(sqlite3_vfs *vfs, int len, char *ret)
{
    (void)vfs;
    for (int i = 0; i < len; i++)
        ret[i] = (char)(i * 37 + 11);
    return len;
}

static int do_sleep(sqlite3_vfs *vfs, int us)
{
    (void)vfs;
    sim_sleep(us / 1000 + 1);
    return us;
}

static int do_now(sqlite3_vfs *vfs, double *ret)
{
    (void)vfs;
    *ret = 2440587.5 + (double)(SIM_EPOCH_MS + sim.now_ms) / 86400000.0;
    return SQLITE_OK;
}

/* NOLINTNEXTLINE(readability-non-const-parameter): SQLite's signature */
static int do_last_error(sqlite3_vfs *vfs, int len, char *text)
{
    (void)vfs, (void)len, (void)text;
    return 0;
}

static sqlite3_vfs vfs_memory = {
    .iVersion = 1,
    .szOsFile = sizeof(struct handle),
    .mxPathname = PATH_MAX_,
    .zName = "sim",
    .xOpen = do_open,
    .xDelete = do_delete,
    .xAccess = do_access,
    .xFullPathname = do_full_path,
    .xRandomness = do_randomness,
    .xSleep = do_sleep,
    .xCurrentTime = do_now,
    .xGetLastError = do_last_error,
};

void store_register(void)
{
    if (sqlite3_config(SQLITE_CONFIG_SINGLETHREAD) != SQLITE_OK ||
        sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0) != SQLITE_OK ||
        sqlite3_vfs_register(&vfs_memory, 1) != SQLITE_OK)
        abort();
}
