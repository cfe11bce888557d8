/*
 * What takes time or streams: pull, logs, exec, events, waiting for the end; each with its limits,
 * its deadline and the stop signal.
 */
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>

#include "component/engine_fixture.h"

#define OPS(f) ((f)->rt->ops)
#define NEW    "registry.example.com/new"

/* ---- pull ---- */

struct seen {
    uint64_t done, total;
    int calls;
    bool went_back;
};

static void watch(void *ctx, const struct pull_progress *p)
{
    struct seen *s = ctx;

    s->went_back = s->went_back || p->done_bytes < s->done;
    s->done = p->done_bytes;
    s->total = p->total_bytes;
    s->calls++;
}

static int pull(struct fixture *f, const char *ref)
{
    return OPS(f)->pull(f->rt, ref, NULL, NULL, NULL, 2000, in_ms(5000), &f->err);
}

static void test_pull_by_digest_brings_the_image(void **state)
{
    struct fixture *f = *state;
    struct fake_image image = {.repository = NEW, .tag = "v2"};
    const char *digest = fake_engine_image(f->engine, &image);
    AUTO_FREE char *ref = xasprintf("%s@%s", NEW, digest);
    struct seen seen = {0};

    assert_ok(OPS(f)->pull(f->rt, ref, "linux/amd64", watch, &seen, 2000, in_ms(5000), &f->err),
              &f->err);
    assert_int_equal(seen.done, 1000);
    assert_int_equal(seen.total, 1000);
    assert_true(seen.calls >= 3);
    assert_false(seen.went_back);
    const struct fake_call *call = fake_engine_call(f->engine, 1);
    assert_contains(call->path, "fromImage=registry.example.com%2Fnew&tag=sha256%3A");
    assert_contains(call->path, "&platform=linux%2Famd64");
    assert_string_equal(call->registry_auth, "");
}

static void test_pull_without_tag_asks_for_latest_only(void **state)
{
    struct fixture *f = *state;

    assert_fails(pull(f, NEW), &f->err, SHIP_NOT_FOUND);
    assert_contains(fake_engine_call(f->engine, 1)->path, "&tag=latest");
}

/* Texts as dockerd 20.10 gave them for each registry fault. */
static const struct {
    int status; /* 0 = inside a stream with status 200 */
    const char *text;
    enum ship_code code;
} registry_faults[] = {
    {500, "Head \\\"https://r/v2/a/manifests/1\\\": no basic auth credentials",           SHIP_DENIED     },
    {404,
     "pull access denied for r/a, repository does not exist or may require 'docker login': denied: "
     "x",                                                                                 SHIP_DENIED     },
    {404, "manifest for r/a:1 not found: manifest unknown: manifest unknown",             SHIP_NOT_FOUND  },
    {500, "toomanyrequests: You have reached your pull rate limit",                       SHIP_UNREACHABLE},
    {500, "received unexpected HTTP status: 500 Internal Server Error",                   SHIP_UNREACHABLE},
    {500, "Get \\\"https://r/v2/\\\": dial tcp 1.2.3.4:443: connect: connection refused",
     SHIP_UNREACHABLE                                                                                     },
    {500, "Get \\\"https://r/v2/\\\": dial tcp: lookup r: no such host",                  SHIP_UNREACHABLE},
    {500, "Get \\\"https://r/v2/\\\": x509: certificate signed by unknown authority",
     SHIP_UNREACHABLE                                                                                     },
    {0,   "manifest verification failed for digest sha256:1",                             SHIP_ENGINE     },
    {0,   "filesystem layer verification failed for digest sha256:1",                     SHIP_ENGINE     },
    {0,   "error pulling image configuration: download failed after attempts=6: x",       SHIP_UNREACHABLE},
    {0,   "failed to register layer: write /x: no space left on device",                  SHIP_IO         },
    {0,   "no matching manifest for linux/arm64 in the manifest list entries",            SHIP_INVALID    },
    {500, "image with reference r/a was found but does not match the specified platform",
     SHIP_INVALID                                                                                         },
    {500, "something new",                                                                SHIP_ENGINE     },
};

static void test_pull_fault_of_registry_becomes_its_code(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < ROWS(registry_faults); i++) {
        int status = registry_faults[i].status;
        AUTO_FREE char *body =
            status ? xasprintf("{\"message\":\"%s\"}", registry_faults[i].text)
                   : xasprintf("{\"status\":\"Pulling\"}\r\n{\"errorDetail\":{\"message\":\"%s\"},"
                               "\"error\":\"%s\"}\r\n",
                               registry_faults[i].text, registry_faults[i].text);
        struct fake_rule rule = {.path = "/images/create",
                                 .fault = FAKE_ANSWER,
                                 .status = status ? status : 200,
                                 .body = body};
        fake_engine_unscript(f->engine);
        fake_engine_script(f->engine, &rule);
        row_check(pull(f, "r.example.com/a:1") == -1, registry_faults[i].text);
        row_check(f->err.code == registry_faults[i].code, registry_faults[i].text);
        row_check(!f->rt->unknown, registry_faults[i].text);
    }
}

static void test_pull_denied_names_credentials_and_login(void **state)
{
    struct fixture *f = *state;
    struct fake_rule rule = {.path = "/images/create",
                             .fault = FAKE_ANSWER,
                             .status = 500,
                             .body = "{\"message\":\"no basic auth credentials\"}"};

    fake_engine_script(f->engine, &rule);
    assert_fails(pull(f, "r.example.com:5000/a:1"), &f->err, SHIP_DENIED);
    assert_contains(f->err.hint, "credentials used: none");
    assert_contains(f->err.hint, "docker login r.example.com:5000");
}

static void test_pull_with_bad_stream_is_no_success(void **state)
{
    static const struct {
        const char *why;
        struct fake_rule rule;
        enum ship_code code;
    } rows[] = {
        {"garbage",               {.fault = FAKE_ANSWER, .status = 200, .body = "garbage"},  SHIP_ENGINE     },
        {"object cut",            {.fault = FAKE_ANSWER, .status = 200, .body = "{\"sta"},   SHIP_ENGINE     },
        {"nothing, and no image",
         {.fault = FAKE_ANSWER, .status = 200, .body = ""},
         SHIP_NOT_FOUND                                                                                      },
        {"error without a text",
         {.fault = FAKE_ANSWER, .status = 200, .body = "{\"errorDetail\":{}}"},
         SHIP_ENGINE                                                                                         },
        {"chunks end early",      {.fault = FAKE_CUT, .n = 300},                             SHIP_UNREACHABLE},
        {"endless object",        {.fault = FAKE_ENDLESS, .body = "{\"a\":["},               SHIP_ENGINE     },
        {"endless string",        {.fault = FAKE_ENDLESS, .body = "{\"aaaaaaaaaaaaaaaaaaa"}, SHIP_ENGINE     },
    };
    struct fixture *f = *state;
    struct fake_image image = {.repository = NEW, .tag = "v2"};

    for (size_t i = 0; i < ROWS(rows); i++) {
        struct fake_rule rule = rows[i].rule;
        rule.path = "/images/create";
        fake_engine_unscript(f->engine);
        fake_engine_script(f->engine, &rule);
        if (rule.fault == FAKE_CUT)
            (void)fake_engine_image(f->engine, &image);
        row_check(pull(f, NEW ":v2") == -1, rows[i].why);
        row_check(f->err.code == rows[i].code, rows[i].why);
    }
}

static void test_pull_that_goes_silent_ends_after_the_idle_limit(void **state)
{
    struct fixture *f = *state;
    struct fake_rule rule = {.path = "/images/create", .fault = FAKE_STALL, .n = 200};
    struct fake_image image = {.repository = NEW, .tag = "v2"};

    (void)fake_engine_image(f->engine, &image);
    fake_engine_script(f->engine, &rule);
    assert_fails(OPS(f)->pull(f->rt, NEW ":v2", NULL, NULL, NULL, 100, in_ms(60000), &f->err),
                 &f->err, SHIP_TIMEOUT);
    assert_contains(f->err.msg, "silent");
}

static void test_pull_ends_on_a_stop_signal(void **state)
{
    struct fixture *f = *state;
    struct fake_rule rule = {.path = "/images/create", .fault = FAKE_STALL};

    fake_engine_script(f->engine, &rule);
    f->stop = SIGINT;
    assert_fails(pull(f, NEW ":v2"), &f->err, SHIP_INTERRUPTED);
}

static void test_resolve_gives_digest_and_platforms(void **state)
{
    struct fixture *f = *state;
    struct fake_image image = {.repository = NEW, .tag = "v2"};
    const char *digest = fake_engine_image(f->engine, &image);
    AUTO(remote_image_done) struct remote_image remote = {0};

    assert_ok(OPS(f)->resolve(f->rt, NEW ":v2", &remote, in_ms(5000), &f->err), &f->err);
    assert_string_equal(remote.digest, digest);
    assert_int_equal(remote.platforms.n, 1);
    assert_string_equal(remote.platforms.v[0], "linux/amd64");
}

static void test_resolve_of_bad_answers_fails(void **state)
{
    static const struct {
        const char *why;
        int status;
        const char *body;
        enum ship_code code;
    } rows[] = {
        {"no such tag",       404, "{\"message\":\"manifest unknown: manifest unknown\"}",
         SHIP_NOT_FOUND                                                                                  },
        {"unauthorized",      401, "{\"message\":\"unauthorized: authentication required\"}",
         SHIP_DENIED                                                                                     },
        {"no descriptor",     200, "{}",                                                      SHIP_ENGINE},
        {"digest of no kind", 200, "{\"Descriptor\":{\"digest\":\"md5:1\"}}",                 SHIP_ENGINE},
        {"no JSON",           200, "x",                                                       SHIP_ENGINE},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < ROWS(rows); i++) {
        struct fake_rule rule = {.path = "/distribution/",
                                 .fault = FAKE_ANSWER,
                                 .status = rows[i].status,
                                 .body = rows[i].body};
        struct remote_image remote;
        fake_engine_unscript(f->engine);
        fake_engine_script(f->engine, &rule);
        int rc = OPS(f)->resolve(f->rt, NEW ":v2", &remote, in_ms(5000), &f->err);
        row_check(rc == -1 && f->err.code == rows[i].code, rows[i].why);
    }
}

/* ---- logs ---- */

struct text {
    struct buf out;
    uint64_t bytes;
    int stop_after; /* calls; 0 = never */
};

static int collect(void *ctx, int is_stderr, const char *p, size_t len)
{
    struct text *t = ctx;

    t->bytes += len;
    (void)buf_addf(&t->out, "%d:", is_stderr);
    (void)buf_add(&t->out, p, len);
    return t->stop_after > 0 && --t->stop_after == 0;
}

static void test_logs_keep_order_and_stream(void **state)
{
    struct fixture *f = *state;
    AUTO_FREE char *id = fixture_start(f, "web");
    struct log_request req = {.tail = 20, .since = "2026-01-02T03:04:05.123456789Z"};
    struct text text = {.out = BUF_INIT(1000)};

    assert_ok(OPS(f)->logs(f->rt, id, &req, collect, &text, in_ms(5000), &f->err), &f->err);
    assert_string_equal(text.out.p, "0:hello\n1:bad\n");
    const struct fake_call *call = fake_engine_call(f->engine, fake_engine_calls(f->engine) - 1);
    assert_contains(call->path, "stdout=1&stderr=1&since=1767323045.123456789&tail=20");
    buf_done(&text.out);
}

static void test_logs_stop_when_the_sink_says_so(void **state)
{
    struct fixture *f = *state;
    AUTO_FREE char *id = fixture_start(f, "web");
    struct log_request req = {.tail = -1, .follow = true};
    struct text text = {.out = BUF_INIT(1000), .stop_after = 1};

    assert_ok(OPS(f)->logs(f->rt, id, &req, collect, &text, in_ms(5000), &f->err), &f->err);
    assert_string_equal(text.out.p, "0:hello\n");
    buf_done(&text.out);
}

static void test_logs_follow_until_deadline_or_end_is_success(void **state)
{
    struct fixture *f = *state;
    AUTO_FREE char *id = fixture_start(f, "web");
    struct log_request req = {.tail = -1, .follow = true};
    struct text text = {.out = BUF_INIT(1000)};

    assert_ok(OPS(f)->logs(f->rt, id, &req, collect, &text, in_ms(100), &f->err), &f->err);
    fake_engine_log(f->engine, "web", "more\n");
    fake_engine_kill(f->engine, "web", 1);
    buf_reset(&text.out);
    assert_ok(OPS(f)->logs(f->rt, id, &req, collect, &text, in_ms(5000), &f->err), &f->err);
    assert_contains(text.out.p, "0:more\n");
    buf_done(&text.out);
}

static void test_logs_with_bad_frames_fail(void **state)
{
    static const struct {
        const char *why, *raw;
        size_t len;
    } rows[] = {
        {"stream number", "\x07\0\0\0\0\0\0\1x",      9 },
        {"reserved byte", "\1\1\0\0\0\0\0\1x",        9 },
        {"huge length",   "\1\0\0\0\xff\xff\xff\xff", 8 },
        {"header cut",    "\1\0\0",                   3 },
        {"payload cut",   "\1\0\0\0\0\0\0\5abc",      11},
    };
    struct fixture *f = *state;
    AUTO_FREE char *id = fixture_start(f, "web");

    for (size_t i = 0; i < ROWS(rows); i++) {
        AUTO(buf_done) struct buf raw = BUF_INIT(1000);
        struct log_request req = {.tail = -1};
        struct text text = {.out = BUF_INIT(1000)};
        AUTO_FREE char *path = xasprintf("/containers/%s/logs", id);
        (void)buf_addf(&raw, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", rows[i].len);
        (void)buf_add(&raw, rows[i].raw, rows[i].len);
        struct fake_rule rule = {.path = path, .fault = FAKE_RAW, .body = raw.p, .n = raw.len};
        fake_engine_unscript(f->engine);
        fake_engine_script(f->engine, &rule);
        int rc = OPS(f)->logs(f->rt, id, &req, collect, &text, in_ms(5000), &f->err);
        row_check(rc == -1 && f->err.code == SHIP_ENGINE, rows[i].why);
        buf_done(&text.out);
    }
}

static void test_logs_of_one_endless_line_take_no_memory(void **state)
{
    struct fixture *f = *state;
    AUTO_FREE char *id = fixture_start(f, "web");
    AUTO(buf_done) struct buf frame = BUF_INIT(2u * 1024 * 1024);
    AUTO_FREE char *path = xasprintf("/containers/%s/logs", id);
    AUTO_FREE char *payload = xmalloc(1024 * 1024);
    struct log_request req = {.tail = -1};
    struct text text = {.out = BUF_INIT(16), .stop_after = 0};
    struct rusage before, after;

    memset(payload, 'x', 1024 * 1024);
    (void)buf_adds(&frame, "HTTP/1.1 200 OK\r\n\r\n");
    (void)buf_add(&frame, "\1\0\0\0\0\x10\0\0", 8);
    (void)buf_add(&frame, payload, 1024 * 1024);
    struct fake_rule rule = {.path = path, .fault = FAKE_RAW, .body = frame.p, .n = frame.len};
    fake_engine_script(f->engine, &rule);
    assert_int_equal(getrusage(RUSAGE_SELF, &before), 0);
    for (int i = 0; i < 64; i++)
        assert_ok(OPS(f)->logs(f->rt, id, &req, collect, &text, in_ms(20000), &f->err), &f->err);
    assert_int_equal(getrusage(RUSAGE_SELF, &after), 0);
    assert_true(text.bytes == UINT64_C(64) * 1024 * 1024);
    assert_true(after.ru_maxrss - before.ru_maxrss < 32 * 1024);
    buf_done(&text.out);
}

/* ---- exec ---- */

static void test_exec_gives_output_and_exit_code(void **state)
{
    struct fixture *f = *state;
    AUTO_FREE char *id = fixture_start(f, "web");
    const char *const argv[] = {"pg_isready", "-U", "postgres", NULL};
    const char *const envp[] = {"A=b", NULL};
    struct exec_request req = {.argv = argv, .envp = envp, .user = "postgres"};
    AUTO(exec_result_done) struct exec_result r = {0};

    fake_engine_exec(f->engine, "pg_isready", 2, "no\n!response\n");
    assert_ok(OPS(f)->exec(f->rt, id, &req, &r, in_ms(5000), &f->err), &f->err);
    assert_int_equal(r.exit_code, 2);
    assert_string_equal(r.out.p, "no\nresponse\n");
    assert_false(r.timed_out);
    assert_false(f->rt->unknown);
    assert_contains(fake_engine_call(f->engine, 3)->body, "\"User\":\"postgres\"");
}

static void test_exec_keeps_head_and_tail_of_long_output(void **state)
{
    struct fixture *f = *state;
    AUTO_FREE char *id = fixture_start(f, "web");
    AUTO_FREE char *text = xmalloc(1024 * 1024 + 1);
    const char *const argv[] = {"yes", NULL};
    struct exec_request req = {.argv = argv};
    AUTO(exec_result_done) struct exec_result r = {0};

    memset(text, 'y', 1024 * 1024);
    text[0] = 'A';
    text[1024 * 1024 - 1] = 'Z';
    text[1024 * 1024] = '\0';
    fake_engine_exec(f->engine, "yes", 0, text);
    assert_ok(OPS(f)->exec(f->rt, id, &req, &r, in_ms(5000), &f->err), &f->err);
    assert_true(r.out.len < 300 * 1024);
    assert_int_equal(r.out.p[0], 'A');
    assert_int_equal(r.out.p[r.out.len - 1], 'Z');
    assert_contains(r.out.p, "[... 786432 bytes left out ...]");
}

static void test_exec_past_its_deadline_is_timed_out(void **state)
{
    struct fixture *f = *state;
    AUTO_FREE char *id = fixture_start(f, "web");
    const char *const argv[] = {"sleep", NULL};
    struct exec_request req = {.argv = argv};
    AUTO(exec_result_done) struct exec_result r = {0};
    struct fake_rule rule = {.method = "POST", .path = "/exec/", .fault = FAKE_STALL};

    fake_engine_script(f->engine, &rule);
    assert_ok(OPS(f)->exec(f->rt, id, &req, &r, in_ms(200), &f->err), &f->err);
    assert_true(r.timed_out);
    assert_int_equal(r.exit_code, -1);
}

static void test_exec_in_stopped_container_is_a_conflict(void **state)
{
    struct fixture *f = *state;
    AUTO_FREE char *id = fixture_create(f, "web");
    const char *const argv[] = {"true", NULL};
    struct exec_request req = {.argv = argv};
    struct exec_result r;

    assert_fails(OPS(f)->exec(f->rt, id, &req, &r, in_ms(5000), &f->err), &f->err, SHIP_CONFLICT);
}

/* ---- events and the end of containers ---- */

static void expect_event(struct fixture *f, const char *id, const char *action)
{
    const char *const ids[] = {id};
    struct engine_event event = {0};

    assert_int_equal(OPS(f)->wait_event(f->rt, ids, 1, &event, in_ms(5000), &f->err), 0);
    assert_string_equal(event.action, action);
    assert_string_equal(event.container_id, id);
    assert_true(event.time_ms > 0);
}

static void expect_silence(struct fixture *f, const char *id)
{
    const char *const ids[] = {id};
    struct engine_event event;

    assert_int_equal(OPS(f)->wait_event(f->rt, ids, 1, &event, in_ms(50), &f->err), 1);
}

static void test_wait_event_sees_what_followed_the_last_change(void **state)
{
    struct fixture *f = *state;
    AUTO_FREE char *id = fixture_start(f, "web");

    fake_engine_kill(f->engine, "web", 3); /* before anybody subscribed */
    expect_event(f, id, "start");
    expect_event(f, id, "die");
    expect_silence(f, id);
}

static void test_wait_event_keeps_events_of_others_for_later(void **state)
{
    struct fixture *f = *state;
    AUTO_FREE char *a = fixture_start(f, "web");
    AUTO_FREE char *b = NULL;

    expect_event(f, a, "start");
    b = fixture_create(f, "worker");
    expect_silence(f, b);
    fake_engine_kill(f->engine, "web", 1);
    assert_ok(OPS(f)->start(f->rt, b, in_ms(5000), &f->err), &f->err);
    expect_event(f, b, "start");
    expect_event(f, a, "die");
}

static void test_wait_event_reports_health(void **state)
{
    struct fixture *f = *state;
    struct fake_image image = {
        .repository = "r/h", .tag = "1", .is_local = true, .health = "healthy"};
    AUTO_PTR(json_free) struct json *body = json_object();
    AUTO_FREE char *id = NULL;

    (void)fake_engine_image(f->engine, &image);
    json_set_str(body, "Image", "r/h:1");
    assert_ok(OPS(f)->create(f->rt, "h", NULL, body, &id, NULL, in_ms(5000), &f->err), &f->err);
    assert_ok(OPS(f)->start(f->rt, id, in_ms(5000), &f->err), &f->err);
    expect_event(f, id, "start");
    expect_event(f, id, "health_status: healthy");
}

static void test_wait_event_reopens_a_lost_stream_without_repeating(void **state)
{
    struct fixture *f = *state;
    AUTO_FREE char *id = fixture_start(f, "web");
    struct fake_rule lost = {.path = "/events", .nth = 1, .fault = FAKE_CLOSE_BEFORE};

    fake_engine_script(f->engine, &lost);
    expect_event(f, id, "start");
    assert_int_equal(fake_engine_count(f->engine, "GET", "/events"), 2);
    expect_silence(f, id);
}

static void test_wait_event_fails_when_the_stream_cannot_be_had(void **state)
{
    struct fixture *f = *state;
    AUTO_FREE char *id = fixture_start(f, "web");
    const char *const ids[] = {id};
    struct engine_event event;
    struct fake_rule rules[] = {
        {.path = "/events",     .fault = FAKE_CLOSE_BEFORE},
        {                              .path = "/events", .fault = FAKE_ANSWER,              .status = 500, .body = "{\"message\":\"x\"}"},
        { .path = "/events",     .fault = FAKE_ENDLESS,      .body = "garbage"},
    };
    static const enum ship_code codes[] = {SHIP_UNREACHABLE, SHIP_ENGINE, SHIP_ENGINE};

    for (size_t i = 0; i < ROWS(rules); i++) {
        fake_engine_unscript(f->engine);
        fake_engine_script(f->engine, &rules[i]);
        assert_fails(OPS(f)->wait_event(f->rt, ids, 1, &event, in_ms(5000), &f->err), &f->err,
                     codes[i]);
    }
}

static void test_wait_event_and_wait_exit_end_on_a_stop_signal(void **state)
{
    struct fixture *f = *state;
    AUTO_FREE char *id = fixture_start(f, "web");
    const char *const ids[] = {id};
    struct engine_event event;
    int64_t code;

    expect_event(f, id, "start");
    f->stop = SIGTERM;
    assert_fails(OPS(f)->wait_event(f->rt, ids, 1, &event, in_ms(5000), &f->err), &f->err,
                 SHIP_INTERRUPTED);
    assert_fails(OPS(f)->wait_exit(f->rt, id, &code, in_ms(5000), &f->err), &f->err,
                 SHIP_INTERRUPTED);
}

static void test_wait_exit_gives_the_exit_code(void **state)
{
    struct fixture *f = *state;
    struct fake_image image = {
        .repository = "r/job", .tag = "1", .is_local = true, .exits_after_ms = 30, .exit_code = 7};
    AUTO_PTR(json_free) struct json *body = json_object();
    AUTO_FREE char *id = NULL;
    int64_t code = -1;

    (void)fake_engine_image(f->engine, &image);
    json_set_str(body, "Image", "r/job:1");
    assert_ok(OPS(f)->create(f->rt, "job", NULL, body, &id, NULL, in_ms(5000), &f->err), &f->err);
    assert_ok(OPS(f)->start(f->rt, id, in_ms(5000), &f->err), &f->err);
    assert_ok(OPS(f)->wait_exit(f->rt, id, &code, in_ms(5000), &f->err), &f->err);
    assert_int_equal(code, 7);
}

static void test_wait_exit_of_running_container_ends_at_its_deadline(void **state)
{
    struct fixture *f = *state;
    AUTO_FREE char *id = fixture_start(f, "web");
    int64_t code;

    assert_fails(OPS(f)->wait_exit(f->rt, id, &code, in_ms(50), &f->err), &f->err, SHIP_TIMEOUT);
    assert_false(f->rt->unknown);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        engine_test(test_pull_by_digest_brings_the_image),
        engine_test(test_pull_without_tag_asks_for_latest_only),
        engine_test(test_pull_fault_of_registry_becomes_its_code),
        engine_test(test_pull_denied_names_credentials_and_login),
        engine_test(test_pull_with_bad_stream_is_no_success),
        engine_test(test_pull_that_goes_silent_ends_after_the_idle_limit),
        engine_test(test_pull_ends_on_a_stop_signal),
        engine_test(test_resolve_gives_digest_and_platforms),
        engine_test(test_resolve_of_bad_answers_fails),
        engine_test(test_logs_keep_order_and_stream),
        engine_test(test_logs_stop_when_the_sink_says_so),
        engine_test(test_logs_follow_until_deadline_or_end_is_success),
        engine_test(test_logs_with_bad_frames_fail),
        engine_test(test_logs_of_one_endless_line_take_no_memory),
        engine_test(test_exec_gives_output_and_exit_code),
        engine_test(test_exec_keeps_head_and_tail_of_long_output),
        engine_test(test_exec_past_its_deadline_is_timed_out),
        engine_test(test_exec_in_stopped_container_is_a_conflict),
        engine_test(test_wait_event_sees_what_followed_the_last_change),
        engine_test(test_wait_event_keeps_events_of_others_for_later),
        engine_test(test_wait_event_reports_health),
        engine_test(test_wait_event_reopens_a_lost_stream_without_repeating),
        engine_test(test_wait_event_fails_when_the_stream_cannot_be_had),
        engine_test(test_wait_event_and_wait_exit_end_on_a_stop_signal),
        engine_test(test_wait_exit_gives_the_exit_code),
        engine_test(test_wait_exit_of_running_container_ends_at_its_deadline),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
