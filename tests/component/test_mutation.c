/*
 * The write-ahead runner on a scripted engine with a real ledger: lost answers, lost requests, a
 * journal that cannot be written, and a way back that may be walked twice.
 */
#include <stdlib.h>

#include "strategy/recreate.h"
#include "support/deploy_fixture.h"
#include "unit/assert.h"

struct bench {
    struct deploy_fixture *f;
    struct runtime *rt;
    struct clock clock;
    struct ledger *l;
    struct mutation_env env;
    struct ship_error err;
};

/* ---- set-up: v1 runs as "live", nothing of it is ours; operation 1 is open ---- */

static struct json *body_of(const char *tag, const char *operation)
{
    struct json *body = json_object();
    AUTO_FREE char *image = xasprintf(FIX_APP ":%s", tag);

    json_set_str(body, "Image", image);
    json_set_str(json_set_object(json_set_object(body, "HostConfig"), "RestartPolicy"), "Name",
                 "always");
    if (operation)
        json_set_str(json_set_object(body, "Labels"), LABEL_OPERATION, operation);
    return body;
}

static int64_t in_ms(int64_t ms)
{
    return clock_deadline(&clock_real, ms);
}

static char *create(struct bench *b, const char *name, const char *tag, const char *operation)
{
    AUTO_PTR(json_free) struct json *body = body_of(tag, operation);
    char *id = NULL;

    assert_ok(b->rt->ops->create(b->rt, name, NULL, body, &id, NULL, in_ms(5000), &b->err),
              &b->err);
    return id;
}

static void begin(struct bench *b)
{
    struct ledger_deployment d = {.app = ledger_lend("shop"),
                                  .environment = ledger_lend("production"),
                                  .action = ledger_lend("deploy"),
                                  .actor = ledger_lend("wei"),
                                  .to_version = ledger_lend("v2")};

    b->l = ledger_open(b->f->state, LEDGER_WRITE, &b->err);
    assert_not_null_ok(b->l, &b->err);
    assert_ok(ledger_begin(b->l, &d, &b->err), &b->err);
    b->env = (struct mutation_env){.runtime = b->rt,
                                   .ledger = b->l,
                                   .patient = &b->clock,
                                   .operation = d.id,
                                   .deadline_ms = in_ms(60000),
                                   .events = &b->f->events};
}

static int setup(void **state)
{
    struct bench *b = xcalloc(1, sizeof *b);
    struct fake_image slow = {
        .repository = FIX_APP, .tag = "slow", .is_local = true, .stop_ms = 700};

    b->f = deploy_fixture_new(FIX_PLAN, FIX_COMPOSE);
    (void)fake_engine_image(b->f->engine, &slow);
    b->clock = clock_real;
    b->rt = runtime_open_docker(fake_engine_host(b->f->engine), NULL, &b->clock, &b->err);
    assert_not_null_ok(b->rt, &b->err);
    static const char *const refs[] = {FIX_APP ":v1", FIX_APP ":v2"};
    for (size_t i = 0; i < ROWS(refs); i++)
        assert_ok(b->rt->ops->pull(b->rt, refs[i], NULL, NULL, NULL, 5000, in_ms(5000), &b->err),
                  &b->err);
    begin(b);
    *state = b;
    return 0;
}

static int teardown(void **state)
{
    struct bench *b = *state;

    mutation_env_done(&b->env);
    ledger_close(b->l);
    runtime_close(b->rt);
    deploy_fixture_free(b->f);
    free(b);
    return 0;
}

static char *run_live(struct bench *b, const char *tag)
{
    char *id = create(b, "live", tag, NULL);

    assert_ok(b->rt->ops->start(b->rt, id, in_ms(5000), &b->err), &b->err);
    return id;
}

static void fault(struct bench *b, const char *method, const char *path, enum fake_fault fault,
                  int nth)
{
    struct fake_rule rule = {.method = method,
                             .path = path,
                             .nth = nth,
                             .fault = fault,
                             .status = 500,
                             .body = "{\"message\":\"scripted\"}"};

    fake_engine_script(b->f->engine, &rule);
}

static void assert_host(struct bench *b, const char *want)
{
    AUTO_FREE char *summary = fake_engine_summary(b->f->engine);

    assert_string_equal(summary, want);
}

/* Kind and outcome of each row of the journal: "create done, stop -". */
static void assert_journal(struct bench *b, const char *want)
{
    AUTO(ledger_journals_done) struct ledger_journals js = {0};
    AUTO(buf_done) struct buf text = BUF_INIT(4096);

    if (!b->env.is_journal_lost)
        assert_ok(ledger_settle(b->l, &b->err), &b->err);
    assert_ok(ledger_journal_read(b->l, b->env.operation, &js, &b->err), &b->err);
    for (size_t i = 0; i < js.n; i++)
        (void)buf_addf(&text, "%s%s %s", i ? ", " : "", js.rows[i].kind,
                       js.rows[i].outcome ? js.rows[i].outcome : "-");
    assert_string_equal(text.p ? text.p : "", want);
}

static int create_candidate(struct bench *b, char **ret_id)
{
    AUTO_PTR(json_free) struct json *body = body_of("v2", "1");
    struct mutation_create m = {.service = "app", .name = "candidate", .body = body};

    return mutate_create(&b->env, &m, ret_id, &b->err);
}

/* ---- outcomes ---- */

static void test_mutate_create_without_answer_is_observed(void **state)
{
    struct bench *b = *state;
    AUTO_FREE char *id = NULL;

    fault(b, "POST", "/containers/create", FAKE_CLOSE_AFTER, 1);
    assert_ok(create_candidate(b, &id), &b->err);
    assert_int_equal(strlen(id), 64);
    assert_int_equal(fake_engine_count(b->f->engine, "POST", "/containers/create"), 1);
    assert_journal(b, "create done");
}

static void test_mutate_request_that_was_lost_is_sent_again_once(void **state)
{
    static const struct {
        int nth, rc;
        size_t requests;
        const char *journal, *why;
    } rows[] = {
        {1, 0,  2, "create done",   "the first is lost"},
        {0, -1, 2, "create failed", "all are lost"     },
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        assert_int_equal(i == 0 ? 0 : setup(state), 0);
        struct bench *b = *state;
        AUTO_FREE char *id = NULL;
        fault(b, "POST", "/containers/create", FAKE_CLOSE_BEFORE, rows[i].nth);
        row_check(create_candidate(b, &id) == rows[i].rc, rows[i].why);
        row_check(fake_engine_count(b->f->engine, "POST", "/containers/create") == rows[i].requests,
                  rows[i].why);
        assert_journal(b, rows[i].journal);
        if (i + 1 < ROWS(rows))
            (void)teardown(state);
    }
}

static void test_mutate_refused_is_recorded_and_not_repeated(void **state)
{
    struct bench *b = *state;
    AUTO_FREE char *id = NULL;

    fault(b, "POST", "/containers/create", FAKE_ANSWER, 0);
    assert_fails(create_candidate(b, &id), &b->err, SHIP_ENGINE);
    assert_int_equal(fake_engine_count(b->f->engine, "POST", "/containers/create"), 1);
    assert_journal(b, "create failed");
}

static void test_mutate_stop_in_progress_is_not_repeated_before_its_grace(void **state)
{
    struct bench *b = *state;
    AUTO_FREE char *id = run_live(b, "slow");
    AUTO_FREE char *path = xasprintf("/containers/%s/stop", id);

    b->env.deadline_ms = in_ms(20000);
    fault(b, "POST", path, FAKE_CLOSE_AFTER, 1);
    assert_ok(mutate_stop(&b->env, "app", id, 1000, true, &b->err), &b->err);
    assert_int_equal(fake_engine_count(b->f->engine, "POST", path), 1);
    assert_string_equal(fake_engine_state(b->f->engine, "live"), "exited");
}

/* ---- the journal ---- */

#define NO_INTENT                                                                                  \
    "CREATE TRIGGER no_intent BEFORE INSERT ON journal BEGIN SELECT RAISE(ABORT, 'full'); END"
#define NO_OUTCOME                                                                                 \
    "CREATE TRIGGER no_outcome BEFORE UPDATE ON journal BEGIN SELECT RAISE(ABORT, 'full'); END"

static void test_mutate_without_journal_does_not_start(void **state)
{
    struct bench *b = *state;
    AUTO_FREE char *id = NULL;

    deploy_fixture_sql(b->f, NO_INTENT);
    assert_int_equal(create_candidate(b, &id), -1);
    assert_contains(b->err.msg, "journal of 'create'");
    assert_int_equal(fake_engine_count(b->f->engine, "POST", "/containers/create"), 0);
}

static void test_mutate_after_an_outcome_that_cannot_be_recorded_fails_and_is_undone(void **state)
{
    struct bench *b = *state;
    AUTO_FREE char *live = run_live(b, "v1");

    deploy_fixture_sql(b->f, NO_OUTCOME);
    assert_ok(mutate_stop(&b->env, "app", live, 1000, true, &b->err), &b->err);
    /* its outcome goes to the disk with the next intent, which therefore does not start */
    assert_int_equal(mutate_rename(&b->env, "app", live, "live", "parked", &b->err), -1);
    assert_string_equal(fake_engine_state(b->f->engine, "live"), "exited");
    b->env.journal_optional = true;
    assert_ok(mutation_undo_all(&b->env, &b->err), &b->err);
    assert_host(b, "live running always " FIX_APP ":v1\n");
    assert_true(b->env.is_journal_lost);
    assert_journal(b, "stop -");
}

/* ---- the way back ---- */

static void swap(struct bench *b, const char *live)
{
    AUTO_FREE char *id = NULL;
    struct mutation_policy policy = {
        .service = "app", .id = live, .from = "always", .to = "unless-stopped"};

    assert_ok(create_candidate(b, &id), &b->err);
    assert_ok(mutate_policy(&b->env, &policy, &b->err), &b->err);
    assert_ok(mutate_stop(&b->env, "app", live, 1000, true, &b->err), &b->err);
    assert_ok(mutate_rename(&b->env, "app", live, "live", "parked", &b->err), &b->err);
    assert_ok(mutate_rename(&b->env, "app", id, "candidate", "live", &b->err), &b->err);
    assert_ok(mutate_start(&b->env, "app", id, false, &b->err), &b->err);
    assert_host(b, "live running always " FIX_APP ":v2\n"
                   "parked exited unless-stopped " FIX_APP ":v1\n");
}

static void test_undo_all_restores_everything_and_twice_is_the_same(void **state)
{
    static const char undone[] = "create undone, policy undone, stop undone, rename undone, "
                                 "rename undone, start undone",
                      before[] = "live running always " FIX_APP ":v1\n";
    struct bench *b = *state;
    AUTO_FREE char *live = run_live(b, "v1");

    swap(b, live);
    assert_ok(mutation_undo_all(&b->env, &b->err), &b->err);
    assert_host(b, before);
    assert_journal(b, undone);
    size_t calls = fake_engine_calls(b->f->engine);
    assert_ok(mutation_undo_all(&b->env, &b->err), &b->err);
    assert_int_equal(fake_engine_calls(b->f->engine), calls);
    /* also when the ledger has forgotten that it was done */
    deploy_fixture_sql(b->f, "UPDATE journal SET outcome = 'done'");
    assert_ok(mutation_undo_all(&b->env, &b->err), &b->err);
    assert_host(b, before);
}

static void test_undo_all_of_a_journal_that_cannot_be_read_goes_by_memory(void **state)
{
    struct bench *b = *state;
    AUTO_FREE char *live = run_live(b, "v1");

    swap(b, live);
    deploy_fixture_sql(b->f, "ALTER TABLE journal RENAME TO lost");
    assert_fails(mutation_undo_all(&b->env, &b->err), &b->err, SHIP_UNREACHABLE);
    b->env.journal_optional = true;
    assert_ok(mutation_undo_all(&b->env, &b->err), &b->err);
    assert_host(b, "live running always " FIX_APP ":v1\n");
    size_t calls = fake_engine_calls(b->f->engine);
    assert_ok(mutation_undo_all(&b->env, &b->err), &b->err);
    assert_int_equal(fake_engine_calls(b->f->engine), calls);
    /* whoever comes later has no such memory */
    struct mutation_env other = b->env;
    other.written = (struct ledger_journals){0};
    assert_fails(mutation_undo_all(&other, &b->err), &b->err, SHIP_UNREACHABLE);
}

static void test_undo_all_goes_on_after_a_failure_and_continues_later(void **state)
{
    struct bench *b = *state;
    AUTO_FREE char *live = run_live(b, "v1");
    AUTO_FREE char *update = xasprintf("/containers/%s/update", live);

    swap(b, live);
    fault(b, "POST", update, FAKE_ANSWER, 0);
    assert_fails(mutation_undo_all(&b->env, &b->err), &b->err, SHIP_ENGINE);
    assert_contains(b->err.msg, "undo of 'policy'");
    assert_host(b, "live running unless-stopped " FIX_APP ":v1\n");
    fake_engine_unscript(b->f->engine);
    assert_ok(mutation_undo_all(&b->env, &b->err), &b->err);
    assert_host(b, "live running always " FIX_APP ":v1\n");
}

static void test_undo_of_create_leaves_what_cannot_be_removed_and_says_so(void **state)
{
    struct bench *b = *state;
    AUTO_FREE char *id = NULL;

    assert_ok(create_candidate(b, &id), &b->err);
    fault(b, "DELETE", "/containers/", FAKE_ANSWER, 0);
    assert_ok(mutation_undo_all(&b->env, &b->err), &b->err);
    assert_contains(b->f->messages.text.p, "cannot remove container 'candidate'");
    assert_journal(b, "create done");
    fake_engine_unscript(b->f->engine);
    assert_ok(mutation_undo_all(&b->env, &b->err), &b->err);
    assert_host(b, "");
}

static void test_undo_of_create_leaves_a_container_of_somebody_else(void **state)
{
    static const struct {
        const char *operation, *why;
    } rows[] = {
        {NULL, "no label"         },
        {"7",  "another operation"},
        {"1x", "not a number"     },
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        assert_int_equal(i == 0 ? 0 : setup(state), 0);
        struct bench *b = *state;
        AUTO_FREE char *foreign = create(b, "candidate", "v1", rows[i].operation);
        AUTO_FREE char *id = NULL;
        /* our request fails: the name is taken */
        assert_fails(create_candidate(b, &id), &b->err, SHIP_CONFLICT);
        assert_ok(mutation_undo_all(&b->env, &b->err), &b->err);
        row_check(str_eq(fake_engine_state(b->f->engine, "candidate"), "created"), rows[i].why);
        if (i + 1 < ROWS(rows))
            (void)teardown(state);
    }
}

static void test_undo_of_a_kept_container_removes_it_only_if_it_never_ran(void **state)
{
    static const struct {
        bool starts;
        const char *host, *why;
    } rows[] = {
        {false, "",                                   "never ran"},
        {true,  "db running always " FIX_APP ":v1\n", "ran"      },
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        assert_int_equal(i == 0 ? 0 : setup(state), 0);
        struct bench *b = *state;
        AUTO_PTR(json_free) struct json *body = body_of("v1", "1");
        AUTO_FREE char *id = NULL;
        struct mutation_create m = {.service = "db", .name = "db", .body = body, .keep = true};
        assert_ok(mutate_create(&b->env, &m, &id, &b->err), &b->err);
        if (rows[i].starts)
            assert_ok(mutate_start(&b->env, "db", id, true, &b->err), &b->err);
        assert_ok(mutation_undo_all(&b->env, &b->err), &b->err);
        assert_host(b, rows[i].host);
        if (i + 1 < ROWS(rows))
            (void)teardown(state);
    }
}

/*
 * The sender of a stop died, the engine is still at it: a start now would be answered with "runs
 * already", and then the stop ends the container.
 */
static void test_undo_of_a_stop_on_its_way_waits_for_it(void **state)
{
    struct bench *b = *state;
    AUTO_FREE char *id = run_live(b, "slow");
    AUTO_FREE char *args = xasprintf("{\"id\":\"%s\",\"grace_ms\":1000,\"was_running\":true}", id);
    struct ledger_journal row = {.kind = ledger_lend("stop"),
                                 .service = ledger_lend("app"),
                                 .args_json = args,
                                 .intent_at_ms = clock_epoch_ms(&clock_real)};

    assert_ok(ledger_intent(b->l, b->env.operation, &row, &b->err), &b->err);
    assert_int_equal(b->rt->ops->stop(b->rt, id, 1, in_ms(100), &b->err), -1);
    assert_string_equal(fake_engine_state(b->f->engine, "live"), "running");
    assert_ok(mutation_undo_all(&b->env, &b->err), &b->err);
    clock_real.sleep_ms(&clock_real, 100); /* the answer to the stop is given, nothing is left */
    assert_host(b, "live running always " FIX_APP ":slow\n");
    assert_journal(b, "stop undone");
}

#define mutation_test(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        mutation_test(test_mutate_create_without_answer_is_observed),
        mutation_test(test_mutate_request_that_was_lost_is_sent_again_once),
        mutation_test(test_mutate_refused_is_recorded_and_not_repeated),
        mutation_test(test_mutate_stop_in_progress_is_not_repeated_before_its_grace),
        mutation_test(test_mutate_without_journal_does_not_start),
        mutation_test(test_mutate_after_an_outcome_that_cannot_be_recorded_fails_and_is_undone),
        mutation_test(test_undo_all_restores_everything_and_twice_is_the_same),
        mutation_test(test_undo_all_of_a_journal_that_cannot_be_read_goes_by_memory),
        mutation_test(test_undo_all_goes_on_after_a_failure_and_continues_later),
        mutation_test(test_undo_of_create_leaves_what_cannot_be_removed_and_says_so),
        mutation_test(test_undo_of_create_leaves_a_container_of_somebody_else),
        mutation_test(test_undo_of_a_kept_container_removes_it_only_if_it_never_ran),
        mutation_test(test_undo_of_a_stop_on_its_way_waits_for_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
