/*
 * A ledger with many deployments, made with one SQL statement: writing a million durable
 * transactions would measure the disk for a quarter of an hour.
 */
#ifndef TESTS_BENCH_ROWS_H
#define TESTS_BENCH_ROWS_H

#include "base/alloc.h"
#include "base/auto.h"
#include "base/str.h"
#include "support/ledger_fixture.h"

/* app is a plain word. One in ten failed; the last three succeeded ones are kept. */
static inline void make_rows(const char *path, const char *app, int64_t n)
{
    AUTO_FREE char *sql = xasprintf(
        "PRAGMA synchronous = OFF; PRAGMA journal_mode = OFF; BEGIN;"
        "WITH RECURSIVE c (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < %lld)"
        "INSERT INTO deployments (app, environment, project, action, state, outcome, exit_code,"
        " from_version, to_version, to_digest, actor, actor_json, host, strategy, started_at_ms,"
        " finished_at_ms, downtime_ms, pruned) SELECT '%s', 'production', '%s', 'deploy',"
        " CASE WHEN i %% 10 = 0 THEN 'rolled_back' ELSE 'cleaned' END,"
        " CASE WHEN i %% 10 = 0 THEN 'rolled_back' ELSE 'succeeded' END, 0,"
        " 'v1.0.' || (i - 1), 'v1.0.' || i, 'sha256:' || hex(randomblob(32)), 'wei (sudo root)',"
        " '{\"uid\":1000}', 'vps', 'recreate', i * 60000, i * 60000 + 9000, 250, 1 FROM c;"
        "UPDATE deployments SET pruned = 0 WHERE id IN (SELECT id FROM deployments"
        " WHERE outcome = 'succeeded' ORDER BY id DESC LIMIT 3);"
        "UPDATE deployments SET is_current = 1 WHERE id = (SELECT max(id) FROM deployments"
        " WHERE outcome = 'succeeded');"
        "INSERT INTO services (deployment_id, service, repository, version, digest)"
        " SELECT id, 'app', 'registry.example.com/shop', to_version, to_digest FROM deployments;"
        "COMMIT",
        (long long)n, app, app);

    fixture_raw(path, sql);
}

#endif
