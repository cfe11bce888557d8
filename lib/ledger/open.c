/*
 * Opening and closing a ledger; checks of place and file before SQLite sees it.
 *
 * Order: directory, file system, file, connection, schema, identity, ballast.
 * The file itself is never opened outside SQLite once it exists: closing such
 * a descriptor would end the locks this process holds on it.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "ledger/db.h"
#include "ledger/schema.h"
#include "ledger/space.h"

#define HINT_OWNER "run as the owner of the state directory, or set SHIPCTL_STATE_DIR"

static int fail_missing(const char *path, struct ship_error *err)
{
    ship_fail(err, SHIP_NOT_FOUND, "no ledger at '%s': nothing was ever deployed from here", path);
    return ship_error_hint(err, "run 'shipctl deploy VERSION', or set SHIPCTL_STATE_DIR");
}

static int make_state_dir(const char *state_dir, struct ship_error *err)
{
    if (file_make_dirs(state_dir, 0700, err) == 0)
        return 0;
    if (err->sys_errno != ENOSPC && err->sys_errno != EDQUOT)
        err->code = SHIP_UNREACHABLE;
    ship_error_wrap(err, "state directory '%s'", state_dir);
    return ship_error_hint(err, HINT_OWNER);
}

/* SQLite refuses symbolic links anywhere in the path; only the last part must not be one. */
static int find_dir(struct ledger *l, const char *state_dir, struct ship_error *err)
{
    if (l->mode == LEDGER_WRITE && make_state_dir(state_dir, err))
        return -1;
    l->dir = realpath(state_dir, NULL);
    if (!l->dir && errno == ENOENT)
        return fail_missing(state_dir, err);
    if (!l->dir)
        return ship_fail_errno(err, SHIP_UNREACHABLE, "state directory '%s'", state_dir);
    l->path = file_path_join(l->dir, LEDGER_FILE);
    l->ballast = file_path_join(l->dir, LEDGER_BALLAST);
    return space_check_filesystem(l->dir, err);
}

/* SQLite would make the file readable for everybody; it holds secrets. */
static int create_file(const struct ledger *l, struct ship_error *err)
{
    AUTO_FD int fd = open(l->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    enum ship_code code = errno == ENOSPC || errno == EDQUOT ? SHIP_IO : SHIP_UNREACHABLE;

    if (fd >= 0 || errno == EEXIST)
        return 0;
    ship_fail_errno(err, code, "cannot create ledger '%s'", l->path);
    return ship_error_hint(err, HINT_OWNER);
}

static int find_file(const struct ledger *l, struct ship_error *err)
{
    struct stat st;

    if (lstat(l->path, &st) == 0) {
        if (!S_ISREG(st.st_mode))
            return ship_fail(err, SHIP_UNREACHABLE, "ledger '%s' is not a regular file", l->path);
        /* Empty: the first writer was killed before its first commit. */
        return l->mode == LEDGER_READ && st.st_size == 0 ? fail_missing(l->path, err) : 0;
    }
    if (errno != ENOENT)
        return ship_fail_errno(err, SHIP_UNREACHABLE, "ledger '%s'", l->path);
    return l->mode == LEDGER_READ ? fail_missing(l->path, err) : create_file(l, err);
}

/* The journal is a file beside the ledger, so a writer needs the directory as well. */
static int check_access(const struct ledger *l, struct ship_error *err)
{
    bool is_writer = l->mode == LEDGER_WRITE;

    if (faccessat(AT_FDCWD, l->path, is_writer ? R_OK | W_OK : R_OK, AT_EACCESS) == 0 &&
        (!is_writer || faccessat(AT_FDCWD, l->dir, W_OK | X_OK, AT_EACCESS) == 0))
        return 0;
    ship_fail_errno(err, SHIP_UNREACHABLE, "ledger '%s' cannot be %s", l->path,
                    is_writer ? "written" : "read");
    return ship_error_hint(err, HINT_OWNER);
}

static int read_uuid(struct ledger *l, struct ship_error *err)
{
    AUTO_FREE char *uuid = NULL;

    if (db_text(l, "SELECT value FROM meta WHERE key = 'uuid'", NO_VALS, &uuid, err))
        return -1;
    if (!uuid || strlen(uuid) != LEDGER_UUID_SIZE - 1)
        return ship_fail(err, SHIP_UNREACHABLE, "ledger '%s' has no identity", l->path);
    memcpy(l->uuid, uuid, LEDGER_UUID_SIZE);
    return 0;
}

static int open_ledger(struct ledger *l, const char *state_dir, struct ship_error *err)
{
    if (find_dir(l, state_dir, err) || find_file(l, err) || check_access(l, err) ||
        db_connect(l, err))
        return -1;
    if (l->mode == LEDGER_READ) {
        if (schema_check(l, schema_migrations, schema_migration_count, err))
            return -1;
    } else if (schema_migrate(l, schema_migrations, schema_migration_count, err)) {
        return -1;
    }
    if (read_uuid(l, err))
        return -1;
    if (l->mode == LEDGER_WRITE)
        space_make_ballast(l);
    return 0;
}

struct ledger *ledger_open(const char *state_dir, enum ledger_mode mode, struct ship_error *err)
{
    AUTO_PTR(ledger_close) struct ledger *l = xcalloc(1, sizeof *l);

    l->mode = mode;
    l->busy_ms = LEDGER_BUSY_MS;
    l->pid = getpid();
    if (open_ledger(l, state_dir, err))
        return NULL;
    return steal_ptr(&l);
}

void ledger_close(struct ledger *l)
{
    struct ship_error ignored = {0};

    if (!l)
        return;
    /* What is not recorded here is what a crash would leave: recovery observes it. */
    if (l->pid == getpid())
        (void)!ledger_settle(l, &ignored);
    journal_drop_later(l);
    db_disconnect(l);
    free(l->dir);
    free(l->path);
    free(l->ballast);
    free(l);
}

const char *ledger_path(const struct ledger *l)
{
    return l->path;
}

const char *ledger_uuid(const struct ledger *l)
{
    return l->uuid;
}
