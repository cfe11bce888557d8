/*
 * The engine client under faults: what each kind of bad answer becomes, what is retried and what
 * never is, and that no answer is stored without limit.
 */
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "component/engine_fixture.h"
#include "docker/client.h"

/* ---- connection ---- */

static void probe_fails(const char *host, enum ship_code code, const char *text)
{
    struct ship_error err = {0};
    struct engine_info info;
    AUTO_PTR(runtime_close)
    struct runtime *rt = runtime_open_docker(host, NULL, &clock_real, &err);

    assert_not_null_ok(rt, &err);
    assert_fails(rt->ops->probe(rt, &info, in_ms(5000), &err), &err, code);
    assert_contains(err.msg, text);
    assert_true(err.hint[0] != '\0');
    assert_false(rt->unknown);
}

static void test_probe_without_socket_says_how_to_start_docker(void **state)
{
    (void)state;
    probe_fails("unix:///nonexistent/docker.sock", SHIP_UNREACHABLE, "does not exist");
}

static void test_probe_of_dead_socket_says_docker_is_not_running(void **state)
{
    char dir[] = "/tmp/client-XXXXXX";
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    (void)state;
    assert_non_null(mkdtemp(dir));
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s/s", dir);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    (void)close(fd);
    AUTO_FREE char *host = xasprintf("unix://%s", address.sun_path);
    probe_fails(host, SHIP_UNREACHABLE, "docker is not running");
    (void)unlink(address.sun_path);
    (void)rmdir(dir);
}

static void test_open_with_unsupported_host_is_refused(void **state)
{
    static const struct {
        const char *host, *why;
    } rows[] = {
        {"tcp://127.0.0.1:2375",               "not on this machine"               },
        {"ssh://user@host",                    "not on this machine"               },
        {"/var/run/docker.sock",               "no scheme"                         },
        {"unix://",                            "no path"                           },
        {"unix://relative",                    "path not absolute"                 },
        {"",                                   "empty"                             },
        {"unix:///"
         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
         "aaaaaaaaaaaaaaaaaaaaaaaaa", "longer than a socket address holds"},
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct ship_error err = {0};
        const struct runtime *rt = runtime_open_docker(rows[i].host, NULL, &clock_real, &err);
        row_check(rt == NULL && err.code == SHIP_INVALID, rows[i].why);
    }
}

static void test_open_touches_nothing(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(fake_engine_calls(f->engine), 0);
}

/* ---- version ---- */

static void test_negotiate_takes_the_lower_version(void **state)
{
    static const struct {
        int engine, used;
        const char *why;
    } rows[] = {
        {41, 41,             "the oldest engine" },
        {44, 44,             "between"           },
        {99, DOCKER_API_MAX, "newer than we know"},
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct ship_error err = {0};
        struct fake_engine *e = fake_engine_start(rows[i].engine);
        struct runtime *rt = runtime_open_docker(fake_engine_host(e), NULL, &clock_real, &err);
        struct engine_info info = {0};
        assert_ok(rt->ops->probe(rt, &info, in_ms(5000), &err), &err);
        row_check(info.api_minor == rows[i].used, rows[i].why);
        row_check(fake_engine_call(e, 1)->version == rows[i].used, rows[i].why);
        assert_string_equal(info.arch, "amd64");
        engine_info_done(&info);
        runtime_close(rt);
        fake_engine_stop(e);
    }
}

static void test_negotiate_with_old_engine_names_both_versions(void **state)
{
    struct ship_error err = {0};
    struct engine_info info;
    struct fake_engine *e = fake_engine_start(40);
    struct runtime *rt = runtime_open_docker(fake_engine_host(e), NULL, &clock_real, &err);

    (void)state;
    assert_fails(rt->ops->probe(rt, &info, in_ms(5000), &err), &err, SHIP_UNREACHABLE);
    assert_contains(err.msg, "1.40");
    assert_contains(err.msg, "1.41");
    runtime_close(rt);
    fake_engine_stop(e);
}

static void test_call_refused_for_its_version_negotiates_once_more(void **state)
{
    struct fixture *f = *state;
    struct fake_rule rule = {.path = "/info",
                             .nth = 1,
                             .fault = FAKE_ANSWER,
                             .status = 400,
                             .body = "{\"message\":\"client version 1.41 is too new. Maximum "
                                     "supported API version is 1.40\"}"};
    struct engine_info info = {0};

    fake_engine_script(f->engine, &rule);
    assert_ok(f->rt->ops->probe(f->rt, &info, in_ms(5000), &f->err), &f->err);
    assert_int_equal(fake_engine_count(f->engine, "GET", "/_ping"), 2);
    engine_info_done(&info);
}

static void test_call_refused_for_its_version_twice_fails(void **state)
{
    struct fixture *f = *state;
    struct fake_rule rule = {.path = "/info",
                             .fault = FAKE_ANSWER,
                             .status = 400,
                             .body = "{\"message\":\"client version 1.41 is too old\"}"};
    struct engine_info info;

    fake_engine_script(f->engine, &rule);
    assert_fails(f->rt->ops->probe(f->rt, &info, in_ms(5000), &f->err), &f->err, SHIP_UNREACHABLE);
    assert_int_equal(fake_engine_count(f->engine, "GET", "/info"), 2);
}

static void test_probe_of_something_else_than_docker_fails(void **state)
{
    struct fixture *f = *state;
    struct fake_rule rule = {.path = "/_ping",
                             .fault = FAKE_RAW,
                             .body = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"};
    struct engine_info info;

    fake_engine_script(f->engine, &rule);
    assert_fails(f->rt->ops->probe(f->rt, &info, in_ms(5000), &f->err), &f->err, SHIP_UNREACHABLE);
    assert_contains(f->err.msg, "no docker engine");
}

/* ---- answers to a read ---- */

static const struct {
    const char *why;
    struct fake_rule rule;
    enum ship_code code;
    const char *text;
} bad_reads[] = {
    {"404",
     {.fault = FAKE_ANSWER, .status = 404, .body = "{\"message\":\"No such container: web\"}"},
     SHIP_NOT_FOUND,                                                                                                 "No such container" },
    {"409",
     {.fault = FAKE_ANSWER, .status = 409, .body = "{\"message\":\"busy\"}"},
     SHIP_CONFLICT,                                                                                                  "answered 409: busy"},
    {"500 in plain text",
     {.fault = FAKE_ANSWER, .status = 500, .body = "boom\n", .content_type = "text/plain"},
     SHIP_ENGINE,                                                                                                    "answered 500: boom"},
    {"500 without a body",           {.fault = FAKE_ANSWER, .status = 500},                        SHIP_ENGINE,      "no message"        },
    {"a redirect is not followed",
     {.fault = FAKE_ANSWER, .status = 301, .body = ""},
     SHIP_ENGINE,                                                                                                    "answered 301"      },
    {"terminal escapes are dropped",
     {.fault = FAKE_ANSWER, .status = 500, .body = "{\"message\":\"a\\u001b[31mb\\nc\"}"},
     SHIP_ENGINE,                                                                                                    "c"                 },
    {"no JSON",                      {.fault = FAKE_ANSWER, .status = 200, .body = "<html>"},      SHIP_ENGINE,      "cannot"            },
    {"half JSON",                    {.fault = FAKE_ANSWER, .status = 200, .body = "{\"Id\":\"1"}, SHIP_ENGINE,      ""                  },
    {"JSON without an id",           {.fault = FAKE_ANSWER, .status = 200, .body = "{}"},          SHIP_ENGINE,      "id"                },
    {"empty body",                   {.fault = FAKE_ANSWER, .status = 200, .body = ""},            SHIP_ENGINE,      ""                  },
    {"not HTTP",                     {.fault = FAKE_RAW, .body = "SSH-2.0-OpenSSH\r\n"},           SHIP_UNREACHABLE, "lost"              },
    {"bad chunk size",
     {.fault = FAKE_RAW,
      .body = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n"},
     SHIP_UNREACHABLE,                                                                                               "lost"              },
    {"chunk cut",
     {.fault = FAKE_RAW, .body = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n{}"},
     SHIP_UNREACHABLE,                                                                                               "lost"              },
    {"body shorter than its length",
     {.fault = FAKE_RAW, .body = "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{}"},
     SHIP_UNREACHABLE,                                                                                               "lost"              },
    {"closed at once",               {.fault = FAKE_CLOSE_BEFORE},                                 SHIP_UNREACHABLE, "lost"              },
    {"body without end",             {.fault = FAKE_ENDLESS, .body = "[[[[[[[[[[[[[[[["},          SHIP_ENGINE,      "large"             },
};

static void test_inspect_of_bad_answer_fails_with_its_code(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < ROWS(bad_reads); i++) {
        struct fake_rule rule = bad_reads[i].rule;
        struct container c;
        rule.path = "/containers/";
        f->err = (struct ship_error){0};
        fake_engine_unscript(f->engine);
        fake_engine_script(f->engine, &rule);
        int rc = f->rt->ops->inspect(f->rt, "web", &c, in_ms(10000), &f->err);
        row_check(rc == -1, bad_reads[i].why);
        row_check(f->err.code == bad_reads[i].code, bad_reads[i].why);
        row_check(strstr(f->err.msg, bad_reads[i].text) != NULL, bad_reads[i].why);
        row_check(strchr(f->err.msg, '\033') == NULL && !strchr(f->err.msg, '\n'),
                  bad_reads[i].why);
        row_check(!f->rt->unknown, bad_reads[i].why);
    }
}

static void test_limit_of_the_runtime_ends_a_call_before_its_own_deadline(void **state)
{
    struct fixture *f = *state;
    struct fake_rule rule = {.path = "/containers/", .fault = FAKE_STALL};
    AUTO_PTR(runtime_close) struct runtime *other = NULL;
    struct container c;

    fake_engine_script(f->engine, &rule);
    f->rt->limit_ms = in_ms(200);
    assert_ok(f->rt->ops->another(f->rt, &other, &f->err), &f->err);
    assert_fails(f->rt->ops->inspect(f->rt, "web", &c, in_ms(60000), &f->err), &f->err,
                 SHIP_TIMEOUT);
    assert_contains(f->err.msg, "the time of the operation is over");
    assert_contains(f->err.hint, "docker info");
    assert_fails(other->ops->inspect(other, "web", &c, in_ms(60000), &f->err), &f->err,
                 SHIP_TIMEOUT);
    assert_true(clock_now_ms(&clock_real) < f->rt->limit_ms + 10000);
    f->rt->limit_ms = 0;
    fake_engine_unscript(f->engine);
    assert_fails(f->rt->ops->inspect(f->rt, "web", &c, in_ms(60000), &f->err), &f->err,
                 SHIP_NOT_FOUND);
}

static void test_ping_that_is_refused_means_not_reachable(void **state)
{
    struct fixture *f = *state;
    struct fake_rule rule = {.path = "/_ping", .fault = FAKE_ANSWER, .status = 500};
    struct engine_info info;

    fake_engine_script(f->engine, &rule);
    assert_fails(f->rt->ops->probe(f->rt, &info, in_ms(5000), &f->err), &f->err, SHIP_UNREACHABLE);
    assert_contains(f->err.msg, "answered 500");
    assert_contains(f->err.hint, "docker info");
}

static void test_message_of_engine_is_bounded(void **state)
{
    struct fixture *f = *state;
    AUTO_FREE char *body = xmalloc(5001);
    struct container c;

    memset(body, 'x', 5000);
    body[5000] = '\0';
    struct fake_rule rule = {
        .path = "/containers/", .fault = FAKE_ANSWER, .status = 500, .body = body};
    fake_engine_script(f->engine, &rule);
    assert_fails(f->rt->ops->inspect(f->rt, "web", &c, in_ms(5000), &f->err), &f->err, SHIP_ENGINE);
    assert_true(strlen(f->err.msg) < DOCKER_MESSAGE_MAX + 100);
}

static void test_headers_without_end_are_refused(void **state)
{
    struct fixture *f = *state;
    AUTO(buf_done) struct buf raw = BUF_INIT(8u * 1024 * 1024);
    struct container c;

    (void)buf_adds(&raw, "HTTP/1.1 200 OK\r\n");
    for (int i = 0; i < 20000; i++)
        (void)buf_addf(&raw, "X-Header-%d: some value of a length\r\n", i);
    struct fake_rule rule = {.path = "/containers/", .fault = FAKE_RAW, .body = raw.p};
    fake_engine_script(f->engine, &rule);
    assert_fails(f->rt->ops->inspect(f->rt, "web", &c, in_ms(5000), &f->err), &f->err, SHIP_ENGINE);
}

/* ---- retries ---- */

static void test_read_lost_twice_is_sent_three_times(void **state)
{
    struct fixture *f = *state;
    AUTO_FREE char *id = fixture_create(f, "web");
    struct container c = {0};

    for (int k = 1; k <= 2; k++) {
        struct fake_rule rule = {
            .method = "GET", .path = "/containers/", .nth = k, .fault = FAKE_CLOSE_AFTER};
        fake_engine_script(f->engine, &rule);
    }
    assert_ok(f->rt->ops->inspect(f->rt, "web", &c, in_ms(5000), &f->err), &f->err);
    assert_string_equal(c.id, id);
    assert_true(fake_engine_count(f->engine, "GET", "/containers/") >= 3);
    container_done(&c);
}

static void test_change_lost_after_sending_is_unknown_and_never_sent_again(void **state)
{
    static const struct {
        struct fake_rule rule;
        const char *why;
    } rows[] = {
        {{.fault = FAKE_CLOSE_AFTER},                "done, no answer"        },
        {{.fault = FAKE_CLOSE_BEFORE},               "not done, no answer"    },
        {{.fault = FAKE_CUT, .n = 5},                "cut in the status line" },
        {{.fault = FAKE_CUT, .n = 20},               "cut in the headers"     },
        {{.fault = FAKE_CUT, .n = 12},               "status line without end"},
        {{.fault = FAKE_RAW, .body = "garbage\r\n"}, "no HTTP"                },
    };
    struct fixture *f = *state;
    AUTO_FREE char *id = fixture_create(f, "web");

    for (size_t i = 0; i < ROWS(rows); i++) {
        struct fake_rule rule = rows[i].rule;
        size_t before = fake_engine_count(f->engine, "POST", "/containers/web/start");
        rule.method = "POST";
        fake_engine_unscript(f->engine);
        fake_engine_script(f->engine, &rule);
        int rc = f->rt->ops->start(f->rt, "web", in_ms(5000), &f->err);
        row_check(id && rc == -1 && f->err.code == SHIP_UNREACHABLE, rows[i].why);
        row_check(f->rt->unknown, rows[i].why);
        row_check(fake_engine_count(f->engine, "POST", "/containers/web/start") == before + 1,
                  rows[i].why);
    }
    fake_engine_unscript(f->engine);
    assert_ok(f->rt->ops->start(f->rt, "web", in_ms(5000), &f->err), &f->err);
    assert_false(f->rt->unknown);
}

static void test_change_stalled_until_deadline_is_unknown(void **state)
{
    struct fixture *f = *state;
    AUTO_FREE char *id = fixture_create(f, "web");
    struct fake_rule rule = {.method = "POST", .fault = FAKE_STALL};

    fake_engine_script(f->engine, &rule);
    assert_fails(f->rt->ops->start(f->rt, id, in_ms(100), &f->err), &f->err, SHIP_TIMEOUT);
    assert_true(f->rt->unknown);
    assert_string_equal(fake_engine_state(f->engine, "web"), "running");
}

static void test_change_refused_by_engine_is_known(void **state)
{
    struct fixture *f = *state;

    assert_fails(f->rt->ops->start(f->rt, "absent", in_ms(5000), &f->err), &f->err, SHIP_NOT_FOUND);
    assert_false(f->rt->unknown);
}

static void test_create_with_unreadable_answer_is_unknown(void **state)
{
    struct fixture *f = *state;
    AUTO_PTR(json_free) struct json *body = json_object();
    struct fake_rule rule = {.method = "POST", .fault = FAKE_ANSWER, .status = 201, .body = "{\"I"};
    char *id = NULL;

    fake_engine_script(f->engine, &rule);
    assert_fails(f->rt->ops->create(f->rt, "web", NULL, body, &id, NULL, in_ms(5000), &f->err),
                 &f->err, SHIP_ENGINE);
    assert_true(f->rt->unknown);
    assert_null(id);
}

/* ---- time, signals, connections ---- */

static void test_read_stalled_ends_at_its_deadline(void **state)
{
    struct fixture *f = *state;
    struct fake_rule rule = {.path = "/containers/", .fault = FAKE_STALL, .n = 30};
    struct container c;

    fake_engine_script(f->engine, &rule);
    assert_fails(f->rt->ops->inspect(f->rt, "web", &c, in_ms(100), &f->err), &f->err, SHIP_TIMEOUT);
    assert_false(f->rt->unknown);
}

static void test_change_is_not_cut_short_by_a_signal(void **state)
{
    struct fixture *f = *state;
    AUTO_FREE char *id = fixture_create(f, "web");
    struct fake_rule rule = {.method = "POST", .fault = FAKE_DELAY, .n = 300};

    f->stop = SIGTERM;
    fake_engine_script(f->engine, &rule);
    assert_ok(f->rt->ops->start(f->rt, id, in_ms(5000), &f->err), &f->err);
    assert_string_equal(fake_engine_state(f->engine, "web"), "running");
}

static void test_calls_share_one_connection(void **state)
{
    struct fixture *f = *state;
    AUTO_FREE char *id = fixture_start(f, "web");

    assert_ok(f->rt->ops->stop(f->rt, id, 1, in_ms(5000), &f->err), &f->err);
    for (size_t i = 0; i < fake_engine_calls(f->engine); i++)
        assert_int_equal(fake_engine_call(f->engine, i)->connection, 0);
}

static void test_call_after_engine_closed_idle_connection_reconnects(void **state)
{
    struct fixture *f = *state;
    AUTO_FREE char *id = fixture_create(f, "web");
    struct fake_rule rule = {.path = "/info",
                             .fault = FAKE_RAW,
                             .body = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"};
    struct engine_info info = {0};

    fake_engine_script(f->engine, &rule); /* answers, then closes although it did not say so */
    assert_ok(f->rt->ops->probe(f->rt, &info, in_ms(5000), &f->err), &f->err);
    engine_info_done(&info);
    while (fake_engine_open_connections(f->engine) > 0)
        clock_real.sleep_ms(&clock_real, 1);
    assert_ok(f->rt->ops->start(f->rt, id, in_ms(5000), &f->err), &f->err);
    assert_int_equal(fake_engine_count(f->engine, "POST", "/containers/"), 2);
}

static void test_requests_carry_no_expect_header_and_work_in_chunks(void **state)
{
    struct fixture *f = *state;
    AUTO_FREE char *id = fixture_create(f, "web");
    struct container c = {0};

    for (size_t n = 1; n <= 3; n++) {
        struct fake_rule rule = {.path = "/containers/", .fault = FAKE_CHUNKED, .n = n};
        fake_engine_unscript(f->engine);
        fake_engine_script(f->engine, &rule);
        assert_ok(f->rt->ops->inspect(f->rt, id, &c, in_ms(5000), &f->err), &f->err);
        assert_string_equal(c.name, "web");
        container_done(&c);
    }
}

/* EOF at each byte of the answer: always an error, never a wrong success, never a crash. */
static void test_inspect_with_answer_cut_anywhere_fails(void **state)
{
    struct fixture *f = *state;
    AUTO_FREE char *id = fixture_create(f, "web");
    struct container c = {0};

    for (size_t n = 0; n < 200; n += 7) {
        struct fake_rule rule = {.path = "/containers/", .fault = FAKE_CUT, .n = n};
        fake_engine_unscript(f->engine);
        fake_engine_script(f->engine, &rule);
        assert_fails(f->rt->ops->inspect(f->rt, id, &c, in_ms(5000), &f->err), &f->err,
                     SHIP_UNREACHABLE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_probe_without_socket_says_how_to_start_docker),
        cmocka_unit_test(test_probe_of_dead_socket_says_docker_is_not_running),
        cmocka_unit_test(test_open_with_unsupported_host_is_refused),
        engine_test(test_open_touches_nothing),
        cmocka_unit_test(test_negotiate_takes_the_lower_version),
        cmocka_unit_test(test_negotiate_with_old_engine_names_both_versions),
        engine_test(test_call_refused_for_its_version_negotiates_once_more),
        engine_test(test_call_refused_for_its_version_twice_fails),
        engine_test(test_probe_of_something_else_than_docker_fails),
        engine_test(test_inspect_of_bad_answer_fails_with_its_code),
        engine_test(test_limit_of_the_runtime_ends_a_call_before_its_own_deadline),
        engine_test(test_ping_that_is_refused_means_not_reachable),
        engine_test(test_message_of_engine_is_bounded),
        engine_test(test_headers_without_end_are_refused),
        engine_test(test_read_lost_twice_is_sent_three_times),
        engine_test(test_change_lost_after_sending_is_unknown_and_never_sent_again),
        engine_test(test_change_stalled_until_deadline_is_unknown),
        engine_test(test_change_refused_by_engine_is_known),
        engine_test(test_create_with_unreadable_answer_is_unknown),
        engine_test(test_read_stalled_ends_at_its_deadline),
        engine_test(test_change_is_not_cut_short_by_a_signal),
        engine_test(test_calls_share_one_connection),
        engine_test(test_call_after_engine_closed_idle_connection_reconnects),
        engine_test(test_requests_carry_no_expect_header_and_work_in_chunks),
        engine_test(test_inspect_with_answer_cut_anywhere_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
