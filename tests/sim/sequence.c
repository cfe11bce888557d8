/* See sequence.h. */
#include "sim/sequence.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/auto.h"
#include "base/file.h"
#include "ledger/db.h"
#include "ledger/schema.h"
#include "sim/sim.h"

#define EVIDENCE_BYTES (200u * 1024)
#define EVIDENCE_ROWS  3

char *sequence_ledger(const struct story *s)
{
    return file_path_join(s->state, "ledger.db");
}

/* Pages are added, freed pages used again: a row of many pages in one transaction with others. */
struct growth {
    struct ledger *l;
    int64_t id;
    char *text;
};

static int grow_rows(void *ctx, struct ship_error *err)
{
    const struct growth *g = ctx;

    for (int i = 0; i < EVIDENCE_ROWS; i++)
        if (ledger_put_evidence(g->l, g->id, "log", "app", g->text, err))
            return -1;
    return 0;
}

static int grow(struct story *s)
{
    struct ship_error err = {0};
    struct ledger_deployment d = {.app = ledger_lend("shop"),
                                  .environment = ledger_lend("production"),
                                  .action = ledger_lend("deploy"),
                                  .started_at_ms = SIM_EPOCH_MS};
    struct ledger_end end = {
        .state = LEDGER_ABANDONED, .outcome = "failed", .exit_code = 1, .downtime_ms = -1};
    AUTO_PTR(ledger_close) struct ledger *l = ledger_open(s->state, LEDGER_WRITE, &err);
    AUTO_FREE char *text = xcalloc(1, EVIDENCE_BYTES + 1);
    struct growth g = {.l = l, .text = text};

    memset(text, 'x', EVIDENCE_BYTES);
    if (l && ledger_begin(l, &d, &err) == 0 && (g.id = d.id) > 0 &&
        ledger_batch(l, grow_rows, &g, &err) == 0 && ledger_end(l, d.id, &end, &err) == 0)
        return 0;
    s->res.error = err;
    return ship_code_exit_status(err.code);
}

/* From the schema of today to one that does not exist yet. */
#define NEXT_SCHEMA (schema_migrations[schema_migration_count - 1].version + 1)

static int migrate(struct story *s)
{
    static const char *const next[] = {
        "ALTER TABLE deployments ADD COLUMN team TEXT", "CREATE TABLE teams (name TEXT) STRICT",
        "INSERT INTO teams (name) SELECT app FROM deployments", NULL};
    struct migration steps[] = {
        schema_migrations[schema_migration_count - 1], {NEXT_SCHEMA, next}
    };
    struct ship_error err = {0};
    AUTO_PTR(ledger_close) struct ledger *l = ledger_open(s->state, LEDGER_WRITE, &err);

    if (l && schema_migrate(l, steps, ARRAY_LEN(steps), &err) == 0)
        return 0;
    s->res.error = err;
    return ship_code_exit_status(err.code);
}

static bool is_migrated(const struct story *s)
{
    struct ship_error err = {0};
    AUTO_PTR(ledger_close) struct ledger *l = ledger_open(s->state, LEDGER_READ, &err);
    int64_t version = 0;

    return l && db_number(l, "PRAGMA user_version", NO_VALS, &version, &err) == 0 &&
           version == NEXT_SCHEMA;
}

/* clang-format off */
const struct sequence sequences[] = {
    {.name = "first deploy", .seed = 3, .verb = DEPLOY, .version = "v1"},
    {.name = "deploy", .seed = 3, .deployed = {"v1"}, .verb = DEPLOY, .version = "v2"},
    {.name = "deploy, rolled back", .seed = 3, .deployed = {"v1", "v2"}, .verb = DEPLOY, .version = "sick"},
    {.name = "rollback", .seed = 3, .deployed = {"v1", "v2"}, .verb = ROLLBACK, .version = ""},
    {.name = "prune", .seed = 2, .deployed = {"v1", "v2", "v3", "v4"}, .verb = PRUNE, .version = ""},
    {.name = "recover", .seed = 3, .deployed = {"v1"}, .killed = "v2", .killed_at = 20, .verb = RECOVER, .version = ""},
    {.name = "rows of many pages", .seed = 3, .deployed = {"v1"}, .verb = STATUS, .version = "", .instead = grow},
    {.name = "migration", .seed = 3, .deployed = {"v1", "v2"}, .verb = STATUS, .version = "", .instead = migrate, .is_migration = true},
};
/* clang-format on */
const size_t sequence_count = ARRAY_LEN(sequences);

void sequence_prepare(struct story *s, const struct sequence *q)
{
    story_begin(s, q->seed);
    for (size_t i = 0; q->deployed[i]; i++)
        story_command(s, DEPLOY, q->deployed[i], 0);
    if (q->killed)
        story_command(s, DEPLOY, q->killed, q->killed_at);
}

void sequence_run(struct story *s, const struct sequence *q)
{
    s->instead = q->instead;
    story_command(s, q->verb, q->version, 0);
    s->instead = NULL;
}

void sequence_recover(struct story *s, const struct sequence *q)
{
    if (!q->is_migration) {
        story_recover(s);
        return;
    }
    /* The schema is one that no command knows yet. */
    sim.is_calm = true;
    int status = is_migrated(s) ? 0 : q->instead(s);
    if (status != 0)
        sim_break("the next migration ends with %d: %s", status, s->res.error.msg);
    sim.is_calm = false;
}
