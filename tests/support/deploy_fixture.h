/*
 * Everything a deployment needs, without a real engine: a scratch project (plan, compose file),
 * a state directory and a scripted engine with the images of two repositories.
 *
 *     struct deploy_fixture *f = deploy_fixture_new(PLAN, COMPOSE);
 *     assert_int_equal(deploy_fixture_deploy(f, "v1"), 0);
 *     ... f->res, f->messages, fake_engine_summary(f->engine) ...
 *     deploy_fixture_free(f);
 *
 * Every command runs in a session of its own, as a command of the program does.
 */
#ifndef TESTS_SUPPORT_DEPLOY_FIXTURE_H
#define TESTS_SUPPORT_DEPLOY_FIXTURE_H

#include "shipctl/deploy.h"

#include "base/buf.h"
#include "base/str.h"
#include "ledger/ledger.h"
#include "support/fake_engine.h"

#define FIX_APP    "registry.example.com/shop"
#define FIX_WORKER "registry.example.com/worker"

/* A health check that needs no network, and no waiting for stability. */
#define FIX_PLAN_QUICK                                                                             \
    "version: 1\napp: shop\nimage: " FIX_APP "\n"                                                  \
    "strategy: {min_healthy: 0s}\n"                                                                \
    "prune: {after_deploy: false}\n"
#define FIX_PLAN                                                                                   \
    FIX_PLAN_QUICK                                                                                 \
    "checks:\n"                                                                                    \
    "  health: [{id: up, type: container, retries: 3, interval: 20ms}]\n"
#define FIX_COMPOSE                                                                                \
    "name: shop\n"                                                                                 \
    "services:\n"                                                                                  \
    "  app:\n"                                                                                     \
    "    image: " FIX_APP ":${APP_VERSION:-v1}\n"                                                  \
    "    restart: always\n"                                                                        \
    "    stop_grace_period: 1s\n"

struct deploy_sink {
    struct ship_sink sink; /* first member */
    struct buf text;       /* every text of every event, a line each */
};

struct deploy_fixture {
    struct fake_engine *engine;
    char *dir, *project, *state; /* scratch; dir/project and dir/state */
    struct strv environ;
    struct ship_events events;
    struct deploy_sink messages;
    struct ship_options options; /* change between commands; the guardian is off */
    volatile sig_atomic_t stop;
    struct ship_result res; /* of the last command */
    size_t calls;           /* how many calls the engine had seen before it */
};

/* Images v1 v2 v3 of FIX_APP and FIX_WORKER are in the registry and healthy. */
struct deploy_fixture *deploy_fixture_new(const char *plan, const char *compose);
/* The same in two parts, so that children can be forked before the engine's threads run. */
struct deploy_fixture *deploy_fixture_files(const char *plan, const char *compose);
void deploy_fixture_start(struct deploy_fixture *f);
/* For a child that was forked before the start: talk to the engine at this host. */
void deploy_fixture_join(struct deploy_fixture *f, const char *host);
void deploy_fixture_free(struct deploy_fixture *f);

/* Files of the project. Read: heap, NULL when absent. */
void deploy_fixture_write(const struct deploy_fixture *f, const char *name, const char *text);
char *deploy_fixture_read(const struct deploy_fixture *f, const char *name);

/* One command each; returns the exit status; f->res is its result. */
int deploy_fixture_deploy(struct deploy_fixture *f, const char *version);
int deploy_fixture_request(struct deploy_fixture *f, const struct ship_deploy_request *request);
int deploy_fixture_rollback(struct deploy_fixture *f, const struct ship_rollback_request *request);
int deploy_fixture_recover(struct deploy_fixture *f);

/* Calls of the last command that may change something on the engine. */
size_t deploy_fixture_changes(const struct deploy_fixture *f);

/* The ledger: version that serves, heap, "" = none; state of the open operation, "" = none. */
char *deploy_fixture_current(const struct deploy_fixture *f);
const char *deploy_fixture_open(const struct deploy_fixture *f);
/* SQL behind the ledger's back. */
void deploy_fixture_sql(const struct deploy_fixture *f, const char *sql);
/* Can the lock be had? */
bool deploy_fixture_is_unlocked(const struct deploy_fixture *f);

#endif
