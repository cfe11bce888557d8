/*
 * Opening the SQLite file with the settings the ledger is built on.
 *
 * The file may have been handed to us by somebody: no extensions, no trusted
 * schema, no symbolic link, limits far below SQLite's own. A rollback journal and
 * not WAL: SQLite 3.7.0 to 3.51.2 can corrupt a WAL file on a reset race, and
 * a single file can be copied. PERSIST and not DELETE: a commit overwrites the
 * header of the journal, which costs a fifth less than making and unlinking a
 * file. The writer unlinks it when it is done: it holds pages that a prune may
 * have overwritten, and a later chmod of the ledger would not reach it.
 * synchronous=EXTRA is for the commits that do unlink.
 */
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/str.h"
#include "ledger/db.h"

static const struct {
    int id;
    int value;
} limits[] = {
    {SQLITE_LIMIT_LENGTH,              LEDGER_VALUE_MAX },
    {SQLITE_LIMIT_SQL_LENGTH,          LEDGER_SQL_MAX   },
    {SQLITE_LIMIT_COLUMN,              LEDGER_COLUMN_MAX},
    {SQLITE_LIMIT_EXPR_DEPTH,          50               },
    {SQLITE_LIMIT_COMPOUND_SELECT,     4                },
    {SQLITE_LIMIT_VDBE_OP,             100000           },
    {SQLITE_LIMIT_FUNCTION_ARG,        8                },
    {SQLITE_LIMIT_ATTACHED,            1                }, /* VACUUM INTO attaches its target */
    {SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 100              },
    {SQLITE_LIMIT_VARIABLE_NUMBER,     LEDGER_COLUMN_MAX},
    {SQLITE_LIMIT_TRIGGER_DEPTH,       2                },
    {SQLITE_LIMIT_WORKER_THREADS,      0                },
};

static const struct {
    int id;
    int on;
} switches[] = {
    {SQLITE_DBCONFIG_DEFENSIVE,             1},
    {SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0},
    {SQLITE_DBCONFIG_TRUSTED_SCHEMA,        0},
    {SQLITE_DBCONFIG_DQS_DML,               0},
    {SQLITE_DBCONFIG_DQS_DDL,               0},
    {SQLITE_DBCONFIG_ENABLE_FKEY,           1},
    {SQLITE_DBCONFIG_ENABLE_VIEW,           0},
};

/*
 * cache_spill: a large transaction must not take the exclusive lock before its commit, so that
 * readers are held up for that instant only. temp_store: nothing of ours in /tmp.
 */
static const char settings[] = "PRAGMA mmap_size=0;"
                               "PRAGMA cell_size_check=ON;"
                               "PRAGMA temp_store=MEMORY;";
static const char settings_write[] = "PRAGMA cache_spill=OFF;"
                                     "PRAGMA secure_delete=ON;"
                                     "PRAGMA journal_size_limit=1048576;"
                                     "PRAGMA synchronous=EXTRA;";
static const char settings_read[] = "PRAGMA query_only=ON;"
                                    "SELECT count(*) FROM sqlite_schema;"; /* touches the file */

static void harden(sqlite3 *db)
{
    for (size_t i = 0; i < ARRAY_LEN(limits); i++)
        (void)sqlite3_limit(db, limits[i].id, limits[i].value);
    for (size_t i = 0; i < ARRAY_LEN(switches); i++)
        (void)sqlite3_db_config(db, switches[i].id, switches[i].on, NULL);
}

/* A ledger that somebody switched to WAL is switched back; nobody may hold it open meanwhile. */
static int require_rollback_journal(struct ledger *l, struct ship_error *err)
{
    AUTO_FREE char *mode = NULL;

    if (db_text(l, "PRAGMA journal_mode=PERSIST", NO_VALS, &mode, err))
        return -1;
    if (!str_eq(mode, "persist"))
        return ship_fail(err, SHIP_UNREACHABLE, "ledger '%s': journal mode is '%s', not 'persist'",
                         l->path, mode ? mode : "");
    return 0;
}

static int configure(struct ledger *l, struct ship_error *err)
{
    (void)sqlite3_busy_timeout(l->db, l->busy_ms);
    harden(l->db);
    if (db_exec(l, settings, err))
        return -1;
    if (l->mode == LEDGER_READ)
        return db_exec(l, settings_read, err);
    /* SQLite quietly opens a file it may not write for reading. */
    if (sqlite3_db_readonly(l->db, "main") != 0) {
        ship_fail(err, SHIP_UNREACHABLE, "ledger '%s' cannot be written", l->path);
        return ship_error_hint(err, "run as the owner of the state directory");
    }
    if (require_rollback_journal(l, err))
        return -1;
    return db_exec(l, settings_write, err);
}

static int connect_once(struct ledger *l, struct ship_error *err)
{
    int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_EXRESCODE;

    flags |= l->mode == LEDGER_WRITE ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY;
    l->is_half_way = false;
    if (sqlite3_open_v2(l->path, &l->db, flags, NULL) != SQLITE_OK)
        db_fail(l, err);
    else if (configure(l, err) == 0)
        return 0;
    db_disconnect(l);
    return -1;
}

/* Nobody reads SQLite's statistics of memory; they cost a lock at every allocation. */
static void without_statistics(void)
{
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); /* refused when SQLite is in use already */
}

int db_connect(struct ledger *l, struct ship_error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct ship_error first = {0};

    (void)pthread_once(&once, without_statistics);

    if (connect_once(l, &first) == 0)
        return 0;
    if (l->is_half_way && db_undo_half_way(l) == 0)
        return connect_once(l, err);
    *err = first;
    return -1;
}

void db_disconnect(struct ledger *l)
{
    /*
     * In a forked child the connection stays untouched: closing would roll the parent's
     * transaction back and unlink its journal.
     */
    if (l->pid == getpid() && l->db) {
        for (sqlite3_stmt *s; (s = sqlite3_next_stmt(l->db, NULL));)
            (void)sqlite3_finalize(s);
        if (l->mode == LEDGER_WRITE) /* unlinks the journal; left when somebody else writes */
            (void)sqlite3_exec(l->db, "PRAGMA journal_mode=DELETE", NULL, NULL, NULL);
        (void)sqlite3_close_v2(l->db);
    }
    l->db = NULL;
}

int db_undo_half_way(struct ledger *l)
{
    int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_READWRITE;
    sqlite3 *db = NULL;
    int rc = sqlite3_open_v2(l->path, &db, flags, NULL);

    if (rc == SQLITE_OK && sqlite3_db_readonly(db, "main") == 0) {
        (void)sqlite3_busy_timeout(db, l->busy_ms);
        harden(db);
        /* Reading is what rolls the journal back. */
        rc = sqlite3_exec(db, "SELECT count(*) FROM sqlite_schema", NULL, NULL, NULL);
    } else {
        rc = SQLITE_READONLY;
    }
    (void)sqlite3_close_v2(db);
    return rc == SQLITE_OK ? 0 : -1;
}
