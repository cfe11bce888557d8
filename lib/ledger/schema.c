/*
 * Schema and migrations.
 *
 * user_version numbers the schema, application_id marks the file as ours; both
 * change in the same transaction as the tables, so a crash leaves the old
 * schema or the new one. Forward only. `min_reader` in meta is the oldest
 * schema a program must know to read the file: it rises only when a migration
 * takes something away that older readers use.
 */
#include "ledger/schema.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"

/* clang-format off */
static const char *const schema_1[] = {
    "CREATE TABLE meta ("
    " key TEXT NOT NULL PRIMARY KEY,"
    " value TEXT NOT NULL"
    ") STRICT, WITHOUT ROWID",
    "CREATE TABLE deployments ("
    " id INTEGER PRIMARY KEY,"
    " app TEXT NOT NULL,"
    " environment TEXT NOT NULL,"
    " project TEXT,"
    " action TEXT NOT NULL CHECK (action IN ('deploy','rollback')),"
    " state TEXT NOT NULL CHECK (state IN ('preparing','prepared','switching','verifying',"
    "  'committed','rolling_back','needs_operator','cleaned','rolled_back','refused','cancelled',"
    "  'abandoned','failed')),"
    " outcome TEXT CHECK (outcome IN ('succeeded','rolled_back','failed','refused','interrupted',"
    "  'paused','noop')),"
    " exit_code INTEGER NOT NULL DEFAULT -1,"
    " from_version TEXT, from_digest TEXT, to_version TEXT, to_digest TEXT,"
    " from_id INTEGER REFERENCES deployments(id),"
    " target_id INTEGER REFERENCES deployments(id),"
    " actor TEXT, actor_json TEXT, host TEXT, reason TEXT, strategy TEXT,"
    " plan_hash TEXT, compose_hash TEXT, git_sha TEXT, ci_run TEXT,"
    " error TEXT, last_step TEXT, signature TEXT, warnings_json TEXT,"
    " started_at_ms INTEGER NOT NULL DEFAULT 0,"
    " finished_at_ms INTEGER NOT NULL DEFAULT 0,"
    " downtime_ms INTEGER NOT NULL DEFAULT -1,"
    " is_current INTEGER NOT NULL DEFAULT 0 CHECK (is_current IN (0,1)),"
    " pruned INTEGER NOT NULL DEFAULT 0 CHECK (pruned IN (0,1)),"
    /* A closed row says how it ended; only a success serves, and what serves is not pruned. */
    " CHECK (outcome IS NOT NULL OR " SQL_IS_OPEN "),"
    " CHECK (is_current = 0 OR (outcome IS NOT NULL AND outcome = 'succeeded' AND pruned = 0))"
    ") STRICT",
    "CREATE INDEX deployments_of ON deployments (app, environment)",
    "CREATE UNIQUE INDEX deployments_current ON deployments (app, environment)"
    " WHERE is_current = 1",
    "CREATE INDEX deployments_open ON deployments (app, environment) WHERE " SQL_IS_OPEN "",
    "CREATE INDEX deployments_failed ON deployments (app, environment) WHERE " SQL_IS_FAILED "",
    "CREATE INDEX deployments_target ON deployments (app, environment) WHERE " SQL_IS_TARGET "",
    "CREATE INDEX deployments_kept ON deployments (pruned) WHERE pruned = 0",
    "CREATE TABLE services ("
    " deployment_id INTEGER NOT NULL REFERENCES deployments(id),"
    " service TEXT NOT NULL,"
    " image TEXT, repository TEXT, version TEXT, digest TEXT, image_id TEXT, platform TEXT,"
    " spec_json TEXT, spec_sha256 TEXT,"
    " PRIMARY KEY (deployment_id, service)"
    ") STRICT",
    "CREATE TABLE steps ("
    " deployment_id INTEGER NOT NULL REFERENCES deployments(id),"
    " seq INTEGER NOT NULL,"
    " name TEXT NOT NULL, status TEXT NOT NULL, message TEXT,"
    " started_at_ms INTEGER NOT NULL, duration_ms INTEGER NOT NULL,"
    " PRIMARY KEY (deployment_id, seq)"
    ") STRICT, WITHOUT ROWID",
    "CREATE TABLE checks ("
    " id INTEGER PRIMARY KEY,"
    " deployment_id INTEGER NOT NULL REFERENCES deployments(id),"
    " phase TEXT NOT NULL CHECK (phase IN ('pre','health','post')),"
    " check_id TEXT NOT NULL, type TEXT NOT NULL,"
    " status TEXT NOT NULL CHECK (status IN ('pass','fail','unknown')),"
    " message TEXT,"
    " required INTEGER NOT NULL CHECK (required IN (0,1)),"
    " tries INTEGER NOT NULL, duration_ms INTEGER NOT NULL"
    ") STRICT",
    "CREATE INDEX checks_of ON checks (deployment_id)",
    "CREATE TABLE evidence ("
    " id INTEGER PRIMARY KEY,"
    " deployment_id INTEGER NOT NULL REFERENCES deployments(id),"
    " kind TEXT NOT NULL CHECK (kind IN ('log','health','state','hook')),"
    " service TEXT, text TEXT NOT NULL"
    ") STRICT",
    "CREATE INDEX evidence_of ON evidence (deployment_id)",
    "CREATE TABLE journal ("
    " deployment_id INTEGER NOT NULL REFERENCES deployments(id),"
    " seq INTEGER NOT NULL,"
    " kind TEXT NOT NULL, service TEXT, args_json TEXT, observed_json TEXT,"
    " outcome TEXT CHECK (outcome IN ('done','failed','undone')),"
    " intent_at_ms INTEGER NOT NULL, done_at_ms INTEGER NOT NULL,"
    " PRIMARY KEY (deployment_id, seq)"
    ") STRICT",
    "CREATE TABLE audit ("
    " seq INTEGER PRIMARY KEY,"
    " at_ms INTEGER NOT NULL,"
    " deployment_id INTEGER NOT NULL REFERENCES deployments(id),"
    " event TEXT NOT NULL, actor_json TEXT, body_json TEXT NOT NULL,"
    " prev_hash TEXT NOT NULL, hash TEXT NOT NULL"
    ") STRICT",
    "CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit"
    " BEGIN SELECT RAISE(ABORT, 'audit rows are never changed'); END",
    "CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit"
    " BEGIN SELECT RAISE(ABORT, 'audit rows are never deleted'); END",
    "CREATE TRIGGER deployments_no_delete BEFORE DELETE ON deployments"
    " BEGIN SELECT RAISE(ABORT, 'deployments are never deleted'); END",
    NULL,
};
/* clang-format on */

const struct migration schema_migrations[] = {
    {1, schema_1},
};
const size_t schema_migration_count = ARRAY_LEN(schema_migrations);

/* What the header of the file says. */
struct identity {
    int64_t pages, application_id, version;
};

static int read_identity(struct ledger *l, struct identity *ret, struct ship_error *err)
{
    if (db_number(l, "PRAGMA page_count", NO_VALS, &ret->pages, err) ||
        db_number(l, "PRAGMA application_id", NO_VALS, &ret->application_id, err) ||
        db_number(l, "PRAGMA user_version", NO_VALS, &ret->version, err))
        return -1;
    return 0;
}

static int require_ours(struct ledger *l, const struct identity *id, struct ship_error *err)
{
    if (id->application_id == LEDGER_APPLICATION_ID && id->version >= 1)
        return 0;
    ship_fail(err, SHIP_UNREACHABLE, "'%s' is not a ledger: application id %lld, schema %lld",
              l->path, (long long)id->application_id, (long long)id->version);
    return ship_error_hint(err, "move the file away, or set SHIPCTL_STATE_DIR");
}

static int fail_newer(struct ledger *l, int64_t version, int known, struct ship_error *err)
{
    ship_fail(err, SHIP_UNREACHABLE, "ledger '%s' has schema %lld, this shipctl knows schema %d",
              l->path, (long long)version, known);
    return ship_error_hint(err, "install the shipctl that wrote the ledger, or a newer one");
}

static int check_newer(struct ledger *l, const struct identity *id, int known,
                       struct ship_error *err)
{
    int64_t min_reader = INT64_MAX;

    if (db_number(l, "SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'min_reader'", NO_VALS,
                  &min_reader, err))
        return -1;
    return min_reader <= known ? 0 : fail_newer(l, id->version, known, err);
}

int schema_check(struct ledger *l, const struct migration *steps, size_t n, struct ship_error *err)
{
    struct identity id = {0};
    int known = steps[n - 1].version;

    if (read_identity(l, &id, err))
        return -1;
    if (id.pages == 0)
        return ship_fail(err, SHIP_NOT_FOUND, "ledger '%s' is empty", l->path);
    if (require_ours(l, &id, err))
        return -1;
    if (id.version > known)
        return check_newer(l, &id, known, err);
    if (id.version == known)
        return 0;
    ship_fail(err, SHIP_UNREACHABLE, "ledger '%s' has schema %lld, this shipctl reads schema %d",
              l->path, (long long)id.version, known);
    return ship_error_hint(err, "run 'shipctl recover' once: it brings the ledger up to date");
}

/* Random (version 4) UUID in lower-case text. */
static int make_uuid(char out[LEDGER_UUID_SIZE], struct ship_error *err)
{
    unsigned char b[16];

    if (getrandom(b, sizeof b, 0) != (ssize_t)sizeof b)
        return ship_fail_errno(err, SHIP_IO, "cannot get random bytes");
    b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
    b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
    (void)snprintf(out, LEDGER_UUID_SIZE,
                   "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0],
                   b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13],
                   b[14], b[15]);
    return 0;
}

static int fill_meta(struct ledger *l, struct ship_error *err)
{
    char uuid[LEDGER_UUID_SIZE];

    if (make_uuid(uuid, err))
        return -1;
    return db_run(l,
                  "INSERT INTO meta (key, value) VALUES ('uuid', ?1), ('min_reader', '1'),"
                  " ('created_at_ms', CAST(?2 AS TEXT))",
                  VALS(VAL_T(uuid), VAL_I(clock_epoch_ms(&clock_real))), NULL, err);
}

/* One migration in the transaction db_tx opened; another process may have been faster. */
static int apply(struct ledger *l, void *arg, struct ship_error *err)
{
    const struct migration *m = arg;
    struct identity id = {0};
    char header[128];

    if (read_identity(l, &id, err))
        return -1;
    if (id.version >= m->version)
        return 0;
    for (const char *const *sql = m->sql; *sql; sql++)
        if (db_exec(l, *sql, err))
            return -1;
    if (m->version == 1 && fill_meta(l, err))
        return -1;
    (void)snprintf(header, sizeof header, "PRAGMA application_id=%d; PRAGMA user_version=%d",
                   LEDGER_APPLICATION_ID, m->version);
    return db_exec(l, header, err);
}

/* Copy the ledger as it is to <path>.v<N>, readable by us only: it holds secrets. */
static int keep_copy(struct ledger *l, int64_t version, struct ship_error *err)
{
    AUTO_FREE char *copy = xasprintf("%s.v%lld", l->path, (long long)version);
    AUTO_FD int fd = open(copy, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0)
        return ship_fail_errno(err, SHIP_IO, "cannot make '%s'", copy);
    if (db_run(l, "VACUUM INTO ?1", VALS(VAL_T(copy)), NULL, err))
        return ship_error_wrap(err, "copy before the migration");
    if (fsync(fd))
        return ship_fail_errno(err, SHIP_IO, "cannot sync '%s'", copy);
    return 0;
}

int schema_migrate(struct ledger *l, const struct migration *steps, size_t n,
                   struct ship_error *err)
{
    struct identity id = {0};
    int known = steps[n - 1].version;

    if (read_identity(l, &id, err))
        return -1;
    if (id.pages > 0 && require_ours(l, &id, err))
        return -1;
    if (id.version > known)
        return fail_newer(l, id.version, known, err);
    if (id.pages > 0 && id.version < known && keep_copy(l, id.version, err))
        return -1;
    for (size_t i = 0; i < n; i++) {
        struct migration m = steps[i];

        if (m.version > id.version && db_tx(l, apply, &m, err))
            return -1;
    }
    return 0;
}
