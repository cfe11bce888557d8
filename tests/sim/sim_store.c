/* A VFS in memory: see sim_store.h. One process at a time, so locks are always granted. */
#include "sim/sim_store.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/auto.h"
#include "base/str.h"
#include "sim/sim.h"

#define FILES_MAX 8
#define PATH_MAX_ 512
#define SECTOR    512

struct bytes {
    unsigned char *p;
    size_t len, cap;
};

struct file {
    char name[PATH_MAX_]; /* "" = free */
    bool exists;          /* for the process */
    bool is_durable;      /* for the disk: its entry was synced */
    bool syncs_directory; /* with its first sync, as SQLite does for a new journal */
    bool is_lost;         /* while the power goes: its creation was */
    struct bytes now, synced;
};

/* A change that a power loss may undo. */
enum change { WRITE, TRUNCATE, CREATE, DELETE };
struct pending {
    enum change change;
    struct file *file;
    size_t at, len;
    unsigned char *data; /* of WRITE */
};

struct handle {
    sqlite3_file base;
    struct file *file;
    int lock;
};

static struct file files[FILES_MAX], saved[FILES_MAX], held[FILES_MAX];
static struct pending *pending; /* of all files, in order */
static size_t n_pending, cap_pending;
static struct store_watch watch;
static int last_errno;

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

static void bytes_write(struct bytes *b, size_t at, const unsigned char *data, size_t len)
{
    if (at + len > b->len)
        bytes_resize(b, at + len);
    memcpy(b->p + at, data, len);
}

/* ---- files ---- */

static bool is_of_directory(const struct pending *w)
{
    return w->change == CREATE || w->change == DELETE;
}

/* What the disk holds from now on; of a write only the bytes from..to. */
static void settle_part(const struct pending *w, size_t from, size_t to)
{
    struct file *f = w->file;

    if (is_of_directory(w))
        f->is_durable = w->change == CREATE;
    if (w->change == WRITE)
        bytes_write(&f->synced, w->at + from, w->data + from, to - from);
    else if (w->change != CREATE)
        bytes_resize(&f->synced, w->at);
}

static void settle(const struct pending *w)
{
    settle_part(w, 0, w->len);
}

/* Changes of this file (NULL: of the directory) no longer wait: they are on the disk, or void. */
static void end_waiting(const struct file *f, bool is_settled)
{
    size_t left = 0;

    for (size_t i = 0; i < n_pending; i++) {
        struct pending *w = &pending[i];
        if (is_of_directory(w) ? f != NULL : w->file != f) {
            pending[left++] = *w;
            continue;
        }
        if (is_settled)
            settle(w);
        free(w->data);
    }
    n_pending = left;
}

static void file_clear(struct file *f)
{
    f->exists = f->is_durable = f->syncs_directory = false;
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

static void change_now(struct pending w)
{
    if (w.change == WRITE)
        bytes_write(&w.file->now, w.at, w.data, w.len);
    else
        bytes_resize(&w.file->now, w.at);
    if (is_of_directory(&w))
        w.file->exists = w.change == CREATE;
    if (n_pending == cap_pending) {
        cap_pending = cap_pending ? cap_pending * 2 : 64;
        pending = xreallocarray(pending, cap_pending, sizeof *pending);
    }
    pending[n_pending++] = w;
}

static void sync_now(struct file *f)
{
    if (f->syncs_directory)
        end_waiting(NULL, true);
    f->syncs_directory = false;
    end_waiting(f, true);
}

static void forget_all(void)
{
    for (size_t i = 0; i < n_pending; i++)
        free(pending[i].data);
    n_pending = 0;
}

static void copy_files(struct file *to, const struct file *from)
{
    for (size_t i = 0; i < FILES_MAX; i++) {
        (void)snprintf(to[i].name, sizeof to[i].name, "%s", from[i].name);
        to[i].exists = from[i].exists;
        bytes_copy(&to[i].now, &from[i].now);
    }
}

/* What a new process finds is on the disk. */
static void load_files(const struct file *from)
{
    forget_all();
    copy_files(files, from);
    for (size_t i = 0; i < FILES_MAX; i++) {
        files[i].is_durable = files[i].exists;
        files[i].syncs_directory = false;
        bytes_copy(&files[i].synced, &files[i].now);
    }
}

void store_reset(void)
{
    forget_all();
    for (size_t i = 0; i < FILES_MAX; i++)
        file_clear(&files[i]);
}

void store_hold(void)
{
    copy_files(held, files);
}

void store_release(void)
{
    load_files(held);
}

bool store_exists(const char *path)
{
    for (size_t i = 0; i < FILES_MAX; i++)
        if (str_eq(files[i].name, path))
            return files[i].exists;
    return false;
}

/* ---- the power goes ---- */

/* Of unsynced writes each one or not; entries of the directory arrive. */
static void lose_by_chance(void)
{
    for (size_t f = 0; f < FILES_MAX; f++)
        for (size_t i = 0; i < n_pending; i++)
            if (pending[i].file == &files[f] &&
                (is_of_directory(&pending[i]) || sim_one_in(&sim.random, 2)))
                settle(&pending[i]);
}

size_t store_borders(size_t n)
{
    const struct pending *w = &pending[n];

    return w->change == WRITE ? (w->at + w->len - 1) / SECTOR - w->at / SECTOR : 0;
}

/* Bytes of the write before that border. */
static size_t bytes_before(const struct pending *w, size_t border)
{
    return (w->at / SECTOR + border) * SECTOR - w->at;
}

size_t store_pending(void)
{
    return n_pending;
}

/* A file system keeps the order of its directory: behind a lost entry all are lost. */
static void lose_by_plan(const struct store_cut *cut)
{
    bool is_behind = false;

    for (size_t i = 0; i < n_pending; i++) {
        const struct pending *w = &pending[i];
        size_t tear = bytes_before(w, cut->border);
        bool is_meant = i == cut->n;
        bool is_kept =
            cut->kind == STORE_PREFIX ? i < cut->n : !is_meant || cut->kind != STORE_WITHOUT;
        is_behind = is_behind || (is_of_directory(w) && !is_kept);
        if (w->change == CREATE)
            w->file->is_lost = is_behind;
        if (!is_kept || w->file->is_lost || (is_of_directory(w) && is_behind))
            continue;
        settle_part(w, is_meant && cut->kind == STORE_TAIL ? tear : 0,
                    is_meant && cut->kind == STORE_HEAD ? tear : w->len);
    }
    for (size_t i = 0; i < FILES_MAX; i++)
        files[i].is_lost = false;
}

static void lose_power(void)
{
    if (watch.cut)
        lose_by_plan(watch.cut);
    else
        lose_by_chance();
    forget_all();
    for (size_t i = 0; i < FILES_MAX; i++) {
        files[i].exists = files[i].is_durable;
        bytes_copy(&files[i].now, &files[i].synced);
    }
}

void store_crash(bool is_power)
{
    if (is_power)
        lose_power();
    copy_files(saved, files);
}

void store_revive(void)
{
    load_files(saved);
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
        last_errno = ENOSPC;
        return SQLITE_FULL;
    case SIM_EIO:
    case SIM_EIO_ON:
        last_errno = EIO;
        return SQLITE_IOERR_WRITE;
    case SIM_SIGNAL:
        sim.stop = SIGTERM;
        return SQLITE_OK;
    default:
        return SQLITE_OK;
    }
}

/* What the watch says: 0 or an errno, which stays as the system's does. */
static int look(enum store_op op, const struct file *f)
{
    if (watch.before == NULL || sim.is_dead || sim.is_calm)
        return 0;
    sim.depth++;
    int error = watch.before(watch.ctx, op, f->name);
    sim.depth--;
    if (error)
        last_errno = error;
    return error;
}

void store_watch(const struct store_watch *w)
{
    watch = w ? *w : (struct store_watch){0};
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

    if (look(STORE_READ, f))
        return SQLITE_IOERR_READ;
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
    int error = look(STORE_WRITE, file_of(h));
    if (error)
        return error == ENOSPC ? SQLITE_FULL : SQLITE_IOERR_WRITE;
    sim.depth++;
    struct pending w = {.change = WRITE,
                        .file = file_of(h),
                        .at = (size_t)at,
                        .len = (size_t)len,
                        .data = xmalloc((size_t)len)};
    memcpy(w.data, from, (size_t)len);
    change_now(w);
    sim.depth--;
    return done(after);
}

static int do_truncate(sqlite3_file *h, sqlite3_int64 size)
{
    enum sim_fault after;
    int rc = fault(&after);

    if (rc != SQLITE_OK)
        return rc;
    if (look(STORE_TRUNCATE, file_of(h)))
        return SQLITE_IOERR_TRUNCATE;
    sim.depth++;
    change_now((struct pending){.change = TRUNCATE, .file = file_of(h), .at = (size_t)size});
    sim.depth--;
    return done(after);
}

static int do_sync(sqlite3_file *h, int flags)
{
    enum sim_fault after;
    int rc = fault(&after);

    (void)flags;
    if (rc != SQLITE_OK || look(STORE_SYNC, file_of(h)))
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
    ((struct handle *)h)->lock = kind;
    return SQLITE_OK;
}

/* The lock of a writer goes: its transaction is over, on the disk as well. */
static int do_unlock(sqlite3_file *h, int kind)
{
    struct handle *handle = (struct handle *)h;
    bool was_writer = handle->lock >= SQLITE_LOCK_RESERVED && kind < SQLITE_LOCK_RESERVED;

    handle->lock = kind;
    if (was_writer && watch.ended && !sim.is_dead && !sim.is_calm) {
        sim.depth++;
        watch.ended(watch.ctx);
        sim.depth--;
    }
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
    .xUnlock = do_unlock,
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
    struct stat st;

    (void)vfs;
    handle->base.pMethods = NULL;
    if (!f->exists && !(flags & SQLITE_OPEN_CREATE) && access(f->name, F_OK) != 0)
        return SQLITE_CANTOPEN;
    if (look(f->exists ? STORE_OPEN : STORE_CREATE, f))
        return SQLITE_CANTOPEN;
    if (f->exists && stat(f->name, &st) == 0 && st.st_size == 0) {
        end_waiting(f, false);
        file_clear(f); /* somebody truncated it */
    }
    sim.depth++;
    if (!f->exists) {
        change_now((struct pending){.change = CREATE, .file = f});
        f->syncs_directory = (flags & SQLITE_OPEN_MAIN_JOURNAL) != 0;
    }
    sim.depth--;
    if ((flags & SQLITE_OPEN_MAIN_DB) && truncate(f->name, 1) != 0)
        return SQLITE_CANTOPEN;
    handle->base.pMethods = &methods;
    handle->file = f;
    handle->lock = 0;
    if (ret_flags)
        *ret_flags = flags;
    return SQLITE_OK;
}

static int do_delete(sqlite3_vfs *vfs, const char *name, int sync_dir)
{
    struct file *f = find(name);
    enum sim_fault after;

    (void)vfs;
    if (f == NULL || !f->exists)
        return SQLITE_IOERR_DELETE_NOENT;
    if (fault(&after) != SQLITE_OK || look(STORE_DELETE, f))
        return SQLITE_IOERR_DELETE;
    sim.depth++;
    end_waiting(f, false);
    change_now((struct pending){.change = DELETE, .file = f});
    if (sync_dir)
        end_waiting(NULL, true);
    sim.depth--;
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
    return last_errno;
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
