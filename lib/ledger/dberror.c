/*
 * SQLite result codes to errors of ours: one table.
 *
 * In: the connection after a failure. SQL errors count as damage, because all
 * SQL here is constant: it fails only when the file does not hold our schema.
 */
#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "ledger/db.h"

#define HINT_DAMAGED                                                                               \
    "copy the state directory aside, move ledger.db away and run 'shipctl recover': it rebuilds "  \
    "the ledger from the labels of the containers"
#define HINT_HALF_WAY "a writer was killed; run 'shipctl recover' as the owner of the ledger"
#define HINT_SPACE    "free some space on the file system of the state directory"
#define HINT_DISK                                                                                  \
    "the disk under the state directory reports errors: read 'dmesg', repair or replace it, then " \
    "run 'shipctl recover'"
#define HINT_BUSY   "another shipctl is writing; try again when it is done"
#define HINT_ACCESS "run as the owner of the state directory, or set SHIPCTL_STATE_DIR"

struct mapping {
    int rc; /* an extended code, or a primary one that stands for the rest of its family */
    enum ship_code code;
    const char *text;
    const char *hint; /* NULL = none */
};

/* Extended codes first: the first match wins. */
static const struct mapping mappings[] = {
    {SQLITE_READONLY_ROLLBACK,     SHIP_UNREACHABLE, "left in the middle of a write",     HINT_HALF_WAY},
    {SQLITE_READONLY_RECOVERY,     SHIP_UNREACHABLE, "left in the middle of a write",     HINT_HALF_WAY},
    {SQLITE_CANTOPEN_SYMLINK,      SHIP_UNREACHABLE, "is a symbolic link",                NULL         },
    {SQLITE_CONSTRAINT_FOREIGNKEY, SHIP_NOT_FOUND,   "no such deployment",                NULL         },
    {SQLITE_CONSTRAINT_PRIMARYKEY, SHIP_CONFLICT,    "row exists already",                NULL         },
    {SQLITE_CONSTRAINT_UNIQUE,     SHIP_CONFLICT,    "row exists already",                NULL         },
    {SQLITE_CONSTRAINT_ROWID,      SHIP_CONFLICT,    "row exists already",                NULL         },
    {SQLITE_CONSTRAINT,            SHIP_INTERNAL,    "value refused",                     NULL         },
    {SQLITE_BUSY,                  SHIP_UNREACHABLE, "locked by another process",         HINT_BUSY    },
    {SQLITE_LOCKED,                SHIP_UNREACHABLE, "locked by another statement",       HINT_BUSY    },
    {SQLITE_PROTOCOL,              SHIP_UNREACHABLE, "locked by another process",         HINT_BUSY    },
    {SQLITE_READONLY,              SHIP_UNREACHABLE, "cannot be written",                 HINT_ACCESS  },
    {SQLITE_CANTOPEN,              SHIP_UNREACHABLE, "cannot be opened",                  HINT_ACCESS  },
    {SQLITE_PERM,                  SHIP_UNREACHABLE, "cannot be opened",                  HINT_ACCESS  },
    {SQLITE_FULL,                  SHIP_IO,          "no space",                          HINT_SPACE   },
    {SQLITE_IOERR,                 SHIP_IO,          "input/output error",                HINT_DISK    },
    {SQLITE_CORRUPT,               SHIP_UNREACHABLE, "damaged",                           HINT_DAMAGED },
    {SQLITE_NOTADB,                SHIP_UNREACHABLE, "not a ledger",                      HINT_DAMAGED },
    {SQLITE_ERROR,                 SHIP_UNREACHABLE, "does not hold the expected tables", HINT_DAMAGED },
    {SQLITE_SCHEMA,                SHIP_UNREACHABLE, "does not hold the expected tables", HINT_DAMAGED },
    {SQLITE_TOOBIG,                SHIP_INTERNAL,    "value too large",                   NULL         },
    {SQLITE_MISMATCH,              SHIP_UNREACHABLE, "damaged",                           HINT_DAMAGED },
};

static const struct mapping unknown = {SQLITE_INTERNAL, SHIP_INTERNAL, "failed", NULL};

static const struct mapping *find_mapping(int rc)
{
    for (size_t i = 0; i < ARRAY_LEN(mappings); i++)
        if (mappings[i].rc == rc || mappings[i].rc == (rc & 0xff))
            return &mappings[i];
    return &unknown;
}

/* The system says "no space" in more ways than SQLite knows: quota, failed journal creation. */
static bool is_no_space(int rc, int sys_errno)
{
    int family = rc & 0xff;

    return family == SQLITE_FULL || ((family == SQLITE_IOERR || family == SQLITE_CANTOPEN) &&
                                     (sys_errno == ENOSPC || sys_errno == EDQUOT));
}

int db_fail(struct ledger *l, struct ship_error *err)
{
    int rc = l->db ? sqlite3_extended_errcode(l->db) : SQLITE_NOMEM;
    int family = rc & 0xff;
    int sys_errno =
        family == SQLITE_IOERR || family == SQLITE_CANTOPEN ? sqlite3_system_errno(l->db) : 0;
    const struct mapping *m;

    l->is_full = is_no_space(rc, sys_errno);
    l->is_stale = l->is_stale || family == SQLITE_IOERR;
    l->is_half_way = rc == SQLITE_READONLY_ROLLBACK || rc == SQLITE_READONLY_RECOVERY;
    /* A file that the disk cannot find is no matter of permissions. */
    bool is_disk = family == SQLITE_CANTOPEN && sys_errno == EIO;
    m = find_mapping(l->is_full ? SQLITE_FULL : is_disk ? SQLITE_IOERR : rc);
    ship_fail_at(err, SHIP_WHERE, m->code, sys_errno, "ledger '%s': %s: %s (%d)", l->path, m->text,
                 l->db ? sqlite3_errmsg(l->db) : "out of memory", rc);
    if (m->hint)
        ship_error_hint(err, "%s", m->hint);
    return -1;
}
