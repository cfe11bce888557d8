/* Tries, waits, giving up; decoding of a phase; the table of types. */
#include <stdio.h>

#include "support/check_case.h"
#include "unit/assert.h"

/* A check type whose tries are written down by the test. */
struct script {
    struct check_result tries[64]; /* the last one repeats */
    size_t n, at;
    int64_t deadlines[64], starts[64];
    int64_t takes_ms; /* time one try takes */
    const struct clock *clock;
    struct fake_clock *fake;
    bool fails; /* run() returns -1 */
};
static struct script script;

static int script_run(const struct check_env *env, const void *config, int64_t deadline_ms,
                      struct check_result *ret, struct ship_error *err)
{
    size_t i = script.at < script.n ? script.at : script.n - 1;

    (void)config;
    if (script.at < 64) {
        script.starts[script.at] = clock_now_ms(env->clock);
        script.deadlines[script.at] = deadline_ms;
    }
    script.at++;
    if (script.fails)
        return ship_fail(err, SHIP_INTERRUPTED, "stopped by signal 15");
    fake_clock_advance(script.fake, script.takes_ms);
    *ret = script.tries[i];
    return 0;
}

static int64_t extra_ms(const void *config)
{
    (void)config;
    return 7000;
}

static const struct field no_fields[] = {{0}};
static const struct check_type script_type = {
    .name = "script", .fields = no_fields, .config_size = 1, .run = script_run};
static const struct check_type long_type = {
    .name = "long", .fields = no_fields, .config_size = 1, .takes_ms = extra_ms, .run = script_run};

struct runner_case {
    struct fake_clock clock;
    struct check_env env;
    struct check check;
    struct check_outcome outcome;
    struct ship_error err;
};

static void runner_init(struct runner_case *r, int64_t retries)
{
    memset(r, 0, sizeof *r);
    fake_clock_init(&r->clock);
    r->env.clock = &r->clock.clock;
    r->check = (struct check){.type = &script_type,
                              .id = "web",
                              .required = true,
                              .timeout_ms = 5000,
                              .interval_ms = 2000,
                              .retries = retries};
    script = (struct script){.fake = &r->clock};
}

static void script_add(enum check_status status, bool refused, const char *message)
{
    struct check_result *t = &script.tries[script.n++];

    *t = (struct check_result){.status = status, .refused = refused};
    (void)snprintf(t->message, sizeof t->message, "%s", message);
}

static int runner_run(struct runner_case *r, int64_t limit_ms)
{
    return check_run(&r->check, &r->env, "health", clock_deadline(r->env.clock, limit_ms), NULL,
                     NULL, &r->outcome, &r->err);
}

static void test_check_run_ten_tries_take_eighteen_seconds_and_no_time(void **state)
{
    struct runner_case r;

    (void)state;
    runner_init(&r, 10);
    script_add(CHECK_FAIL, false, "HTTP 502");
    assert_ok(runner_run(&r, 60000), &r.err);
    assert_int_equal(r.outcome.status, CHECK_FAIL);
    assert_int_equal(r.outcome.tries, 10);
    assert_int_equal(script.at, 10);
    /* nothing is waited for after the last one */
    assert_int_equal(r.outcome.duration_ms, 9 * 2000);
    assert_string_equal(r.outcome.message, "HTTP 502");
    assert_ptr_equal(r.outcome.check, &r.check);
}

static void test_check_run_pass_ends_it(void **state)
{
    struct runner_case r;

    (void)state;
    runner_init(&r, 10);
    script_add(CHECK_FAIL, false, "no");
    script_add(CHECK_UNKNOWN, false, "who knows");
    script_add(CHECK_PASS, false, "yes");
    assert_ok(runner_run(&r, 60000), &r.err);
    assert_int_equal(r.outcome.status, CHECK_PASS);
    assert_int_equal(r.outcome.tries, 3);
    assert_int_equal(r.outcome.duration_ms, 4000);
}

static void test_check_run_unknown_stays_unknown(void **state)
{
    struct runner_case r;

    (void)state;
    runner_init(&r, 2);
    script_add(CHECK_UNKNOWN, false, "no tool");
    assert_ok(runner_run(&r, 60000), &r.err);
    assert_int_equal(r.outcome.status, CHECK_UNKNOWN);
    assert_int_equal(r.outcome.tries, 2);
}

static void test_check_run_refused_port_is_tried_fast_and_uncounted(void **state)
{
    struct runner_case r;

    (void)state;
    runner_init(&r, 1);
    for (int i = 0; i < 20; i++)
        script_add(CHECK_FAIL, true, "refused");
    script_add(CHECK_PASS, false, "HTTP 200");
    assert_ok(runner_run(&r, 60000), &r.err);
    assert_int_equal(r.outcome.status, CHECK_PASS);
    assert_int_equal(r.outcome.tries, 1);
    assert_int_equal(r.outcome.duration_ms, 20 * 50);
}

static void test_check_run_refused_for_two_seconds_then_counts(void **state)
{
    struct runner_case r;

    (void)state;
    runner_init(&r, 3);
    script_add(CHECK_FAIL, true, "refused");
    assert_ok(runner_run(&r, 60000), &r.err);
    assert_int_equal(r.outcome.status, CHECK_FAIL);
    assert_int_equal(r.outcome.tries, 3);
    /* 2 s of fast tries, then three that count, 2 s apart */
    assert_int_equal(r.outcome.duration_ms, 2000 + 2 * 2000);
    assert_int_equal(script.at, 40 + 3);
}

static void test_check_run_final_verdict_ends_it(void **state)
{
    struct runner_case r;

    (void)state;
    runner_init(&r, 10);
    script_add(CHECK_FAIL, true, "exited");
    script.tries[0].final = true;
    assert_ok(runner_run(&r, 60000), &r.err);
    assert_int_equal(r.outcome.tries, 1);
    assert_int_equal(script.at, 1);
    assert_int_equal(r.clock.slept_ms, 0);
}

static void test_check_run_deadline_ends_the_waiting_and_bounds_a_try(void **state)
{
    struct runner_case r;

    (void)state;
    runner_init(&r, 10);
    script_add(CHECK_FAIL, false, "no");
    assert_ok(runner_run(&r, 3000), &r.err);
    assert_int_equal(r.outcome.status, CHECK_FAIL);
    assert_int_equal(r.outcome.tries, 2);
    assert_int_equal(r.outcome.duration_ms, 3000);
    /* 5 s of its own, but not beyond the end of all */
    assert_int_equal(script.deadlines[0], FAKE_START_MS + 3000);
    assert_ok(runner_run(&r, 0), &r.err);
    assert_int_equal(r.outcome.status, CHECK_UNKNOWN);
    assert_int_equal(r.outcome.tries, 0);
    assert_contains(r.outcome.message, "no time left");
}

static void test_check_run_try_has_its_timeout_and_what_the_type_takes(void **state)
{
    struct runner_case r;

    (void)state;
    runner_init(&r, 1);
    script_add(CHECK_PASS, false, "");
    assert_ok(runner_run(&r, 60000), &r.err);
    assert_int_equal(script.deadlines[0], FAKE_START_MS + 5000);
    runner_init(&r, 1);
    script_add(CHECK_PASS, false, "");
    r.check.type = &long_type;
    assert_ok(runner_run(&r, 60000), &r.err);
    assert_int_equal(script.deadlines[0], FAKE_START_MS + 12000);
}

static void test_check_run_signal_while_waiting_ends_it(void **state)
{
    struct runner_case r;

    (void)state;
    runner_init(&r, 10);
    script_add(CHECK_FAIL, false, "no");
    r.clock.stop_at_ms = FAKE_START_MS + 3000;
    assert_fails(runner_run(&r, 60000), &r.err, SHIP_INTERRUPTED);
    assert_int_equal(script.at, 2);
    assert_in_range(r.clock.now_ms, FAKE_START_MS + 3000, FAKE_START_MS + 3250);
}

static void test_check_run_fault_names_the_check(void **state)
{
    struct runner_case r;

    (void)state;
    runner_init(&r, 10);
    script_add(CHECK_FAIL, false, "no");
    script.fails = true;
    assert_fails(runner_run(&r, 60000), &r.err, SHIP_INTERRUPTED);
    assert_contains(r.err.msg, "check 'web'");
    assert_int_equal(script.at, 1);
}

struct abort_at {
    const struct clock *clock;
    int64_t at_ms;
    unsigned asked;
};

static bool dies_at(void *ctx, char reason[512])
{
    struct abort_at *a = ctx;

    a->asked++;
    if (clock_now_ms(a->clock) < a->at_ms)
        return false;
    (void)snprintf(reason, 512, "container has exited");
    return true;
}

static void test_check_run_abort_is_seen_within_a_slice(void **state)
{
    struct runner_case r;
    struct abort_at a;

    (void)state;
    runner_init(&r, 10);
    script_add(CHECK_UNKNOWN, false, "no");
    a = (struct abort_at){.clock = &r.clock.clock, .at_ms = FAKE_START_MS + 2600};
    assert_ok(check_run(&r.check, &r.env, "health", CLOCK_NEVER, dies_at, &a, &r.outcome, &r.err),
              &r.err);
    assert_int_equal(r.outcome.status, CHECK_FAIL);
    assert_string_equal(r.outcome.message, "container has exited");
    assert_int_equal(r.outcome.tries, 2);
    assert_in_range(r.outcome.duration_ms, 2600, 2850);
    assert_true(a.asked >= 10);
}

static void test_check_run_abort_ends_fast_tries_too(void **state)
{
    struct runner_case r;
    struct abort_at a;

    (void)state;
    runner_init(&r, 10);
    script_add(CHECK_FAIL, true, "refused");
    a = (struct abort_at){.clock = &r.clock.clock, .at_ms = FAKE_START_MS + 120};
    assert_ok(check_run(&r.check, &r.env, "health", CLOCK_NEVER, dies_at, &a, &r.outcome, &r.err),
              &r.err);
    assert_string_equal(r.outcome.message, "container has exited");
    assert_in_range(r.outcome.duration_ms, 120, 150);
}

struct tries_seen {
    struct ship_sink sink;
    uint64_t done[16];
    size_t n;
};

static void see_try(struct ship_sink *sink, const struct ship_event *event)
{
    struct tries_seen *s = (struct tries_seen *)sink;

    assert_int_equal(event->kind, SHIP_EVENT_STEP_PROGRESS);
    assert_int_equal(event->unit, SHIP_UNIT_TRIES);
    assert_int_equal(event->total, 3);
    assert_string_equal(event->step, "health");
    assert_string_equal(event->text, "no");
    s->done[s->n++] = event->done;
}

static void test_check_run_reports_each_counted_try(void **state)
{
    struct runner_case r;
    struct tries_seen seen = {.sink = {.emit = see_try}};
    struct ship_events events = {.sinks = {&seen.sink}, .n_sinks = 1};

    (void)state;
    runner_init(&r, 3);
    r.env.events = &events;
    script_add(CHECK_FAIL, false, "no");
    assert_ok(runner_run(&r, 60000), &r.err);
    assert_int_equal(seen.n, 3);
    assert_int_equal(seen.done[0], 1);
    assert_int_equal(seen.done[2], 3);
}

static void test_check_run_all_runs_each_and_blocking_finds_the_first_required(void **state)
{
    struct runner_case r;
    struct check items[3];
    struct checks cs = {.items = items, .n = 3};
    struct check_outcome outcomes[3];
    struct check_run_options options;

    (void)state;
    runner_init(&r, 1);
    for (size_t i = 0; i < 3; i++)
        items[i] = r.check;
    items[0].required = false;
    script_add(CHECK_FAIL, false, "a");
    script_add(CHECK_UNKNOWN, false, "b");
    script_add(CHECK_PASS, false, "c");
    options = (struct check_run_options){.env = &r.env, .step = "pre", .deadline_ms = CLOCK_NEVER};
    assert_ok(check_run_all(&cs, &options, outcomes, &r.err), &r.err);
    assert_int_equal(script.at, 3);
    assert_ptr_equal(check_blocking(outcomes, 3), &outcomes[1]);
    items[1].required = false;
    assert_null(check_blocking(outcomes, 3));
    assert_null(check_blocking(outcomes, 0));
}

/* ---- table and decoding ---- */

static void test_check_types_are_complete_and_sorted(void **state)
{
    (void)state;
    for (size_t i = 0; check_types[i]; i++) {
        const struct check_type *t = check_types[i];

        row_check(i == 0 || strcmp(check_types[i - 1]->name, t->name) < 0, t->name);
        row_check(t->phases != 0 && t->run && t->fields && t->config_size > 0, t->name);
        row_check(t->summary && t->summary[strlen(t->summary) - 1] == '.', t->name);
        row_check(check_type_find(t->name) == t, t->name);
    }
    assert_null(check_type_find("htt"));
    assert_null(check_type_find(NULL));
}

static void test_checks_prepare_problem_rows(void **state)
{
    static const struct {
        const char *yaml;
        unsigned phase;
        const char *part, *why;
    } rows[] = {
        {"{type: htpt, url: x}",        CHECK_PRE, "unknown check type 'htpt'; did you mean 'http'?",
         "typo"                                                                                                              },
        {"{type: zzzzzzzz}",            CHECK_PRE, "unknown check type 'zzzzzzzz'",                   "nothing near"         },
        {"{type: log, deny: x}",        CHECK_PRE, "can not be in checks.pre",                        "no new log yet"       },
        {"{type: disk, min_fre: 1GB}",  CHECK_PRE, "did you mean 'min_free'",                         "unknown key"          },
        {"{type: disk, retrys: 2}",     CHECK_PRE, "did you mean 'retries'",                          "common keys are known"},
        {"{type: tcp}",                 CHECK_PRE, "port",                                            "required key"         },
        {"{type: disk, min_free: big}", CHECK_PRE, "min_free",                                        "bad value"            },
    };
    struct check_case c;

    (void)state;
    check_case_init(&c);
    for (size_t i = 0; i < ROWS(rows); i++) {
        c.phase = rows[i].phase;
        check_case_decode(&c, rows[i].yaml);
        row_check(c.problems.n_errors == 1, rows[i].why);
        if (!strstr(check_case_problem(&c), rows[i].part))
            fail_msg("row '%s': '%s'", rows[i].why, check_case_problem(&c));
        row_check(strstr(c.problems.list[0].where, "shipctl.yaml:1:"), rows[i].why);
    }
    check_case_done(&c);
}

static void test_checks_prepare_common_keys_are_taken_from_the_plan(void **state)
{
    struct check_case c;
    const struct check *check;

    (void)state;
    check_case_init(&c);
    check_case_load(&c, "{id: x, type: disk, required: false, timeout: 1s, retries: 4, "
                        "interval: 3s, x-note: mine}");
    check = &c.checks.items[0];
    assert_int_equal(check->timeout_ms, 5000);
    assert_int_equal(check->interval_ms, 2000);
    assert_true(check->required);
    assert_string_equal(check->type->name, "disk");
    check_case_done(&c);
}

static void test_check_status_text_is_stable(void **state)
{
    (void)state;
    assert_string_equal(check_status_text(CHECK_PASS), "pass");
    assert_string_equal(check_status_text(CHECK_FAIL), "fail");
    assert_string_equal(check_status_text(CHECK_UNKNOWN), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_check_run_ten_tries_take_eighteen_seconds_and_no_time),
        cmocka_unit_test(test_check_run_pass_ends_it),
        cmocka_unit_test(test_check_run_unknown_stays_unknown),
        cmocka_unit_test(test_check_run_refused_port_is_tried_fast_and_uncounted),
        cmocka_unit_test(test_check_run_refused_for_two_seconds_then_counts),
        cmocka_unit_test(test_check_run_final_verdict_ends_it),
        cmocka_unit_test(test_check_run_deadline_ends_the_waiting_and_bounds_a_try),
        cmocka_unit_test(test_check_run_try_has_its_timeout_and_what_the_type_takes),
        cmocka_unit_test(test_check_run_signal_while_waiting_ends_it),
        cmocka_unit_test(test_check_run_fault_names_the_check),
        cmocka_unit_test(test_check_run_abort_is_seen_within_a_slice),
        cmocka_unit_test(test_check_run_abort_ends_fast_tries_too),
        cmocka_unit_test(test_check_run_reports_each_counted_try),
        cmocka_unit_test(test_check_run_all_runs_each_and_blocking_finds_the_first_required),
        cmocka_unit_test(test_check_types_are_complete_and_sorted),
        cmocka_unit_test(test_checks_prepare_problem_rows),
        cmocka_unit_test(test_checks_prepare_common_keys_are_taken_from_the_plan),
        cmocka_unit_test(test_check_status_text_is_stable),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
