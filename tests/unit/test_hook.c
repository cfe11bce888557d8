/* Hooks: host programs that misbehave, commands in containers, one-off containers. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/proc.h"
#include "hook/hook.h"
#include "support/fake_clock.h"
#include "support/fake_runtime.h"
#include "unit/assert.h"

struct hook_case {
    struct fake_clock fake_clock;
    struct fake_runtime fake;
    struct clock clock; /* the real one, with a stop flag */
    volatile sig_atomic_t stop;
    struct tmpl_var vars[3];
    struct hook_target targets[2];
    struct hook_env env;
    struct plan_hook hook;
    struct hook_result result;
    struct ship_error err;
};

static void hook_case_init(struct hook_case *c, enum plan_hook_kind kind)
{
    memset(c, 0, sizeof *c);
    fake_clock_init(&c->fake_clock);
    c->clock = clock_real;
    c->clock.stop = &c->stop;
    fake_runtime_init(&c->fake, &c->clock);
    c->vars[0] = (struct tmpl_var){"version", "v2"};
    c->vars[1] = (struct tmpl_var){"old.version", "v1"};
    c->vars[2] = (struct tmpl_var){"digest", NULL};
    c->hook.kind = kind;
    c->env = (struct hook_env){
        .runtime = &c->fake.rt,
        .clock = &c->clock,
        .name = "backup[0]",
        .dir = "/",
        .vars = c->vars,
        .n_vars = 3,
        .targets = c->targets,
        .timeout_ms = 20000,
        .deadline_ms = CLOCK_NEVER,
    };
}

static void hook_case_done(struct hook_case *c)
{
    hook_result_done(&c->result);
    strv_done(&c->hook.command);
    fake_runtime_done(&c->fake);
}

static void set_shell(struct hook_case *c, const char *script)
{
    strv_done(&c->hook.command);
    c->hook.command = (struct strv){0};
    strv_add(&c->hook.command, "sh");
    strv_add(&c->hook.command, "-c");
    strv_add(&c->hook.command, script);
}

static int run(struct hook_case *c)
{
    hook_result_done(&c->result);
    return hook_run(&c->hook, &c->env, &c->result, &c->err);
}

/* ---- on the host ---- */

static void test_hook_command_exit_rows(void **state)
{
    static const struct {
        const char *script;
        int exit_code, term_signal;
        const char *output, *text, *why;
    } rows[] = {
        {"echo done",                                     0,  0, "done\n",      "ended with exit status 0", "fine"               },
        {"echo no space >&2; exit 3",                     3,  0, "no space\n",  "ended with exit status 3",
         "stderr counts"                                                                                                         },
        {"kill -KILL $$$$",                               -1, 9, "",            "was ended by signal 9",    "a signal"           },
        {"printf 'a\\033[31mb\\377'",                     0,  0, "ab\\xFF",     "ended with exit status 0", "made safe"          },
        {"pwd",                                           0,  0, "/\n",         "ended with exit status 0", "plan directory"     },
        {"umask",                                         0,  0, "0077\n",      "ended with exit status 0", "private files"      },
        {"ulimit -c; ulimit -Hc",                         0,  0, "0\n0\n",      "ended with exit status 0", "no core dumps"      },
        {"ulimit -n",                                     0,  0, "1024\n",      "ended with exit status 0", "bounded descriptors"},
        {"sed -n 's/^NoNewPrivs:.//p' /proc/self/status", 0,  0, "1\n",         "ended with exit status 0",
         "no new privileges"                                                                                                     },
        {"read x || echo empty",                          0,  0, "empty\n",     "ended with exit status 0", "stdin is empty"     },
        {"test $$(ps -o pgid= -p $$$$) = $$$$",           0,  0, "",            "ended with exit status 0",
         "own process group"                                                                                                     },
        {"echo $SHIPCTL_HOOK",                            0,  0, "backup[0]\n", "ended with exit status 0", "knows its name"     },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct hook_case c;
        char text[HOOK_TEXT_MAX];

        hook_case_init(&c, PLAN_HOOK_COMMAND);
        set_shell(&c, rows[i].script);
        assert_ok(run(&c), &c.err);
        row_check(c.result.exit_code == rows[i].exit_code, rows[i].why);
        row_check(c.result.term_signal == rows[i].term_signal, rows[i].why);
        row_check(hook_ok(&c.result) == (rows[i].exit_code == 0), rows[i].why);
        if (strcmp(c.result.output, rows[i].output) != 0)
            fail_msg("row '%s': output '%s'", rows[i].why, c.result.output);
        assert_string_equal(hook_result_text(&c.result, text), rows[i].text);
        hook_case_done(&c);
    }
}

static void test_hook_command_environment_is_the_allow_list(void **state)
{
    struct hook_case c;

    (void)state;
    (void)setenv("SHIP_TEST_SECRET", "hunter2", 1);
    (void)setenv("LC_TIME", "C", 1);
    hook_case_init(&c, PLAN_HOOK_COMMAND);
    set_shell(&c, "env");
    assert_ok(run(&c), &c.err);
    assert_contains(c.result.output, "PATH=");
    assert_contains(c.result.output, "LC_TIME=C\n");
    assert_contains(c.result.output, "SHIPCTL_VERSION=v2\n");
    assert_contains(c.result.output, "SHIPCTL_OLD_VERSION=v1\n");
    assert_null(strstr(c.result.output, "hunter2"));
    assert_null(strstr(c.result.output, "SHIPCTL_DIGEST"));
    hook_case_done(&c);
}

static void test_hook_command_inherits_no_descriptor(void **state)
{
    struct hook_case c;
    int open_one = open("/", O_RDONLY | O_DIRECTORY); /* NOLINT(android-cloexec-open): on purpose */

    (void)state;
    hook_case_init(&c, PLAN_HOOK_COMMAND);
    set_shell(&c, "ls -m /proc/$$$$/fd; :");
    assert_ok(run(&c), &c.err);
    assert_string_equal(c.result.output, "0, 1, 2\n");
    close(open_one);
    hook_case_done(&c);
}

static void test_hook_command_argv_is_expanded_and_not_by_a_shell(void **state)
{
    struct hook_case c;

    (void)state;
    hook_case_init(&c, PLAN_HOOK_COMMAND);
    strv_add(&c.hook.command, "echo");
    strv_add(&c.hook.command, "${old.version}->${version}; $$(id) *");
    assert_ok(run(&c), &c.err);
    assert_string_equal(c.result.output, "v1->v2; $(id) *\n");
    hook_case_done(&c);
}

static void test_hook_command_that_can_not_run_is_an_error(void **state)
{
    static const struct {
        const char *program, *dir, *part;
        enum ship_code code;
    } rows[] = {
        {"no-such-program", "/",            "no-such-program",   SHIP_HOOK},
        {"/etc/passwd",     "/",            "Permission denied", SHIP_IO  },
        {"true",            "/no/such/dir", "/no/such/dir",      SHIP_IO  },
        {"${digest}",       "/",            "digest",            SHIP_HOOK},
        {"${nope}",         "/",            "nope",              SHIP_HOOK},
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct hook_case c;

        hook_case_init(&c, PLAN_HOOK_COMMAND);
        c.env.dir = rows[i].dir;
        strv_add(&c.hook.command, rows[i].program);
        assert_fails(run(&c), &c.err, rows[i].code);
        assert_contains(c.err.msg, "hook 'backup[0]'");
        assert_contains(c.err.msg, rows[i].part);
        hook_case_done(&c);
    }
}

static void test_hook_command_that_hangs_is_timed_out(void **state)
{
    struct hook_case c;
    char text[HOOK_TEXT_MAX];

    (void)state;
    hook_case_init(&c, PLAN_HOOK_COMMAND);
    set_shell(&c, "echo begun; sleep 600");
    c.hook.timeout_ms = 200;
    assert_ok(run(&c), &c.err);
    assert_true(c.result.timed_out);
    assert_int_equal(c.result.exit_code, -1);
    assert_false(hook_ok(&c.result));
    assert_string_equal(c.result.output, "begun\n");
    assert_contains(hook_result_text(&c.result, text), "did not end within 200 ms");
    hook_case_done(&c);
}

static void test_hook_command_that_ignores_term_is_killed_after_the_grace_period(void **state)
{
    struct hook_case c;

    (void)state;
    hook_case_init(&c, PLAN_HOOK_COMMAND);
    set_shell(&c, "trap '' TERM; while :; do sleep 1; done");
    c.hook.timeout_ms = 200;
    c.env.grace_ms = 300;
    assert_ok(run(&c), &c.err);
    assert_true(c.result.timed_out);
    assert_in_range(c.result.duration_ms, 500, PROC_GRACE_MS - 1);
    hook_case_done(&c);
}

static void test_hook_command_flood_is_bounded(void **state)
{
    struct hook_case c;

    (void)state;
    hook_case_init(&c, PLAN_HOOK_COMMAND);
    set_shell(&c, "echo first; head -c 67108864 /dev/zero | tr '\\0' x; echo; echo last");
    c.hook.timeout_ms = 60000;
    assert_ok(run(&c), &c.err);
    assert_true(hook_ok(&c.result));
    assert_true(strncmp(c.result.output, "first\n", 6) == 0);
    assert_contains(c.result.output, "bytes left out");
    assert_string_equal(c.result.output + strlen(c.result.output) - 5, "last\n");
    assert_in_range(strlen(c.result.output), 256 * 1024, 257 * 1024);
    hook_case_done(&c);
}

static void test_hook_command_daemon_that_holds_the_pipes_does_not_hold_us(void **state)
{
    struct hook_case c;

    (void)state;
    hook_case_init(&c, PLAN_HOOK_COMMAND);
    set_shell(&c, "sleep 15 & echo started");
    assert_ok(run(&c), &c.err);
    assert_true(hook_ok(&c.result));
    assert_string_equal(c.result.output, "started\n");
    assert_true(c.result.duration_ms < 10000);
    hook_case_done(&c);
}

static void test_hook_command_stop_signal_ends_it_unless_ignored(void **state)
{
    struct hook_case c;

    (void)state;
    hook_case_init(&c, PLAN_HOOK_COMMAND);
    set_shell(&c, "echo on");
    c.stop = SIGTERM;
    assert_fails(run(&c), &c.err, SHIP_INTERRUPTED);
    c.env.ignore_stop = true;
    assert_ok(run(&c), &c.err);
    assert_string_equal(c.result.output, "on\n");
    hook_case_done(&c);
}

static void test_hook_empty_command_is_an_error(void **state)
{
    struct hook_case c;

    (void)state;
    hook_case_init(&c, PLAN_HOOK_COMMAND);
    assert_fails(run(&c), &c.err, SHIP_HOOK);
    hook_case_done(&c);
}

struct output_seen {
    struct ship_sink sink;
    unsigned n;
};

static void see_output(struct ship_sink *sink, const struct ship_event *event)
{
    struct output_seen *s = (struct output_seen *)sink;

    assert_int_equal(event->kind, SHIP_EVENT_OUTPUT);
    assert_string_equal(event->origin, "hook backup[0]");
    assert_string_equal(event->text, "hello\n");
    s->n++;
}

static void test_hook_output_is_an_event_when_there_is_any(void **state)
{
    struct hook_case c;
    struct output_seen seen = {.sink = {.emit = see_output}};
    struct ship_events events = {.sinks = {&seen.sink}, .n_sinks = 1};

    (void)state;
    hook_case_init(&c, PLAN_HOOK_COMMAND);
    c.env.events = &events;
    set_shell(&c, "echo hello");
    assert_ok(run(&c), &c.err);
    set_shell(&c, ":");
    assert_ok(run(&c), &c.err);
    assert_int_equal(seen.n, 1);
    hook_case_done(&c);
}

/* ---- in a container ---- */

static void exec_case_init(struct hook_case *c)
{
    hook_case_init(c, PLAN_HOOK_EXEC);
    c->targets[0] = (struct hook_target){"db", fake_add(&c->fake, "db")->id, false};
    c->targets[1] = (struct hook_target){"app", fake_add(&c->fake, "app")->id, true};
    c->env.n_targets = 2;
    strv_add(&c->hook.command, "dump");
    strv_add(&c->hook.command, "${old.version}");
}

static void test_hook_exec_runs_in_the_named_or_deployed_service(void **state)
{
    struct hook_case c;
    char db[] = "db";

    (void)state;
    exec_case_init(&c);
    fake_exec(&c.fake, "dump", 2, "no\033[1m space\n");
    c.hook.service = db;
    assert_ok(run(&c), &c.err);
    assert_true(fake_called(&c.fake, "exec db dump v1"));
    assert_true(strv_has(&c.fake.envp, "SHIPCTL_VERSION=v2"));
    assert_int_equal(c.result.exit_code, 2);
    assert_string_equal(c.result.output, "no space\n");
    c.hook.service = NULL;
    assert_ok(run(&c), &c.err);
    assert_true(fake_called(&c.fake, "exec app dump v1"));
    hook_case_done(&c);
}

static void test_hook_exec_error_rows(void **state)
{
    static const struct {
        enum ship_code engine, code;
        const char *why;
    } rows[] = {
        {SHIP_NOT_FOUND,   SHIP_HOOK,        "container is gone"},
        {SHIP_UNREACHABLE, SHIP_UNREACHABLE, "no engine"        },
        {SHIP_INTERRUPTED, SHIP_INTERRUPTED, "signal"           },
    };
    struct hook_case c;
    char none[] = "none";

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        exec_case_init(&c);
        fake_fail(&c.fake, "exec", rows[i].engine, "trouble");
        row_check(run(&c) == -1 && c.err.code == rows[i].code, rows[i].why);
        hook_case_done(&c);
    }
    exec_case_init(&c);
    c.hook.service = none;
    assert_fails(run(&c), &c.err, SHIP_HOOK);
    assert_contains(c.err.msg, "no running container of service 'none'");
    hook_case_done(&c);
}

static void test_hook_exec_out_of_time_is_a_verdict(void **state)
{
    struct hook_case c;

    (void)state;
    exec_case_init(&c);
    fake_exec(&c.fake, "dump", 0, "");
    c.fake.execs[0].timed_out = true;
    assert_ok(run(&c), &c.err);
    assert_true(c.result.timed_out);
    assert_false(hook_ok(&c.result));
    hook_case_done(&c);
}

/* ---- one-off container ---- */

static int build(void *ctx, const struct plan_hook *hook, struct hook_container *ret,
                 struct ship_error *err)
{
    const bool *fails = ctx;

    (void)hook;
    if (fails && *fails)
        return ship_fail(err, SHIP_NOT_FOUND, "no image");
    *ret = (struct hook_container){.name = xstrdup("shop-hook-1"), .body = json_object()};
    json_set_str(ret->body, "Image", "r.example/shop:v2");
    json_append_str(json_set_array(ret->body, "Env"), "MODE=x");
    ret->networks = xcalloc(1, sizeof *ret->networks);
    ret->networks[0].name = xstrdup("shop_back");
    ret->n_networks = 1;
    return 0;
}

static void image_case_init(struct hook_case *c)
{
    hook_case_init(c, PLAN_HOOK_RUN_IMAGE);
    c->env.build = build;
    strv_add(&c->hook.command, "./migrate");
    strv_add(&c->hook.command, "${version}");
}

static void test_hook_image_is_created_run_read_and_removed(void **state)
{
    struct hook_case c;
    static const char *const order[] = {"create shop-hook-1", "network_connect shop_back",
                                        "start shop-hook-1",  "wait_exit shop-hook-1",
                                        "logs shop-hook-1",   "remove shop-hook-1 force"};
    AUTO_FREE char *body = NULL;

    (void)state;
    image_case_init(&c);
    c.fake.wait_exit_code = 3;
    assert_ok(run(&c), &c.err);
    assert_int_equal(c.result.exit_code, 3);
    assert_string_equal(c.result.output, "");
    assert_int_equal(c.fake.calls.n, ROWS(order));
    for (size_t i = 0; i < ROWS(order); i++)
        row_check(str_starts(c.fake.calls.v[i], order[i]), order[i]);
    body = json_print(c.fake.created);
    assert_contains(body, "\"Cmd\":[\"./migrate\",\"v2\"]");
    assert_contains(body, "\"MODE=x\",\"SHIPCTL_VERSION=v2\"");
    hook_case_done(&c);
}

static void test_hook_image_is_removed_after_each_failure(void **state)
{
    static const struct {
        const char *op;
        enum ship_code code;
        bool removed;
    } rows[] = {
        {"create",          SHIP_CONFLICT,    false},
        {"network_connect", SHIP_NOT_FOUND,   true },
        {"start",           SHIP_ENGINE,      true },
        {"wait_exit",       SHIP_INTERRUPTED, true },
        {"wait_exit",       SHIP_UNREACHABLE, true },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct hook_case c;

        image_case_init(&c);
        fake_fail(&c.fake, rows[i].op, rows[i].code, "trouble");
        row_check(run(&c) == -1 && c.err.code == rows[i].code, rows[i].op);
        row_check(fake_called(&c.fake, "remove shop-hook-1 force") == rows[i].removed, rows[i].op);
        hook_case_done(&c);
    }
}

/* NOLINTNEXTLINE(readability-function-size): the table's signature */
static int lost_create(struct runtime *rt, const char *name, const char *platform,
                       const struct json *body, char **ret_id, struct strv *ret_warnings,
                       int64_t deadline_ms, struct ship_error *err)
{
    (void)name, (void)platform, (void)body, (void)ret_id, (void)ret_warnings, (void)deadline_ms;
    rt->unknown = true;
    return ship_fail(err, SHIP_TIMEOUT, "no answer");
}

static void test_hook_image_whose_create_answer_is_lost_is_removed_by_name(void **state)
{
    struct hook_case c;

    (void)state;
    image_case_init(&c);
    c.fake.ops.create = lost_create;
    assert_fails(run(&c), &c.err, SHIP_TIMEOUT);
    assert_true(fake_called(&c.fake, "remove shop-hook-1 force"));
    hook_case_done(&c);
}

static void test_hook_image_out_of_time_is_a_verdict_with_log(void **state)
{
    struct hook_case c;

    (void)state;
    image_case_init(&c);
    fake_fail(&c.fake, "wait_exit", SHIP_TIMEOUT, "still running");
    assert_ok(run(&c), &c.err);
    assert_true(c.result.timed_out);
    assert_true(fake_called(&c.fake, "logs shop-hook-1"));
    assert_true(fake_called(&c.fake, "remove shop-hook-1 force"));
    hook_case_done(&c);
}

static void see_warning(struct ship_sink *sink, const struct ship_event *event)
{
    struct output_seen *s = (struct output_seen *)sink;

    if (event->kind == SHIP_EVENT_MESSAGE && event->level == SHIP_LEVEL_WARNING)
        s->n++;
}

static void test_hook_image_left_behind_is_a_warning(void **state)
{
    struct hook_case c;
    struct output_seen seen = {.sink = {.emit = see_warning}};
    struct ship_events events = {.sinks = {&seen.sink}, .n_sinks = 1};

    (void)state;
    image_case_init(&c);
    c.env.events = &events;
    fake_fail(&c.fake, "remove", SHIP_TIMEOUT, "engine is slow");
    assert_ok(run(&c), &c.err);
    assert_int_equal(seen.n, 1);
    hook_case_done(&c);
}

static void test_hook_image_that_can_not_be_built_is_an_error(void **state)
{
    struct hook_case c;
    bool fails = true;

    (void)state;
    image_case_init(&c);
    c.env.ctx = &fails;
    assert_fails(run(&c), &c.err, SHIP_NOT_FOUND);
    c.env.build = NULL;
    assert_fails(run(&c), &c.err, SHIP_HOOK);
    assert_int_equal(c.fake.calls.n, 0);
    hook_case_done(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hook_command_exit_rows),
        cmocka_unit_test(test_hook_command_environment_is_the_allow_list),
        cmocka_unit_test(test_hook_command_inherits_no_descriptor),
        cmocka_unit_test(test_hook_command_argv_is_expanded_and_not_by_a_shell),
        cmocka_unit_test(test_hook_command_that_can_not_run_is_an_error),
        cmocka_unit_test(test_hook_command_that_hangs_is_timed_out),
        cmocka_unit_test(test_hook_command_that_ignores_term_is_killed_after_the_grace_period),
        cmocka_unit_test(test_hook_command_flood_is_bounded),
        cmocka_unit_test(test_hook_command_daemon_that_holds_the_pipes_does_not_hold_us),
        cmocka_unit_test(test_hook_command_stop_signal_ends_it_unless_ignored),
        cmocka_unit_test(test_hook_empty_command_is_an_error),
        cmocka_unit_test(test_hook_output_is_an_event_when_there_is_any),
        cmocka_unit_test(test_hook_exec_runs_in_the_named_or_deployed_service),
        cmocka_unit_test(test_hook_exec_error_rows),
        cmocka_unit_test(test_hook_exec_out_of_time_is_a_verdict),
        cmocka_unit_test(test_hook_image_is_created_run_read_and_removed),
        cmocka_unit_test(test_hook_image_is_removed_after_each_failure),
        cmocka_unit_test(test_hook_image_whose_create_answer_is_lost_is_removed_by_name),
        cmocka_unit_test(test_hook_image_out_of_time_is_a_verdict_with_log),
        cmocka_unit_test(test_hook_image_left_behind_is_a_warning),
        cmocka_unit_test(test_hook_image_that_can_not_be_built_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
