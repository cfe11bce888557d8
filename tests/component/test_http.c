/*
 * The HTTP client of checks, against the scripted engine's socket: answers, limits, redirects,
 * faults.
 */
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "component/engine_fixture.h"
#include "net/http.h"

#define URL "http://app.example.com/health"

static const char *socket_of(const struct fixture *f)
{
    return fake_engine_host(f->engine) + strlen("unix://");
}

static struct http_request request(const struct fixture *f)
{
    return (struct http_request){
        .url = URL, .unix_path = socket_of(f), .deadline_ms = in_ms(5000), .clock = &f->clock};
}

static void answer(struct fixture *f, const char *path, const char *raw)
{
    struct fake_rule rule = {.path = path, .fault = FAKE_RAW, .body = raw};

    fake_engine_script(f->engine, &rule);
}

static void test_fetch_gives_status_body_and_headers(void **state)
{
    struct fixture *f = *state;
    struct http_request req = request(f);
    AUTO(http_response_done) struct http_response r = {0};
    bool refused = true;

    answer(f, "/health",
           "HTTP/1.1 503 Busy\r\nContent-Type: text/plain\r\nX-Version:  v1 \r\nContent-Length: 4"
           "\r\n\r\nwait");
    assert_ok(http_fetch(&req, &r, &refused, &f->err), &f->err);
    assert_int_equal(r.status, 503);
    assert_string_equal(r.body.p, "wait");
    assert_string_equal(http_header(&r, "x-VERSION"), "v1");
    assert_null(http_header(&r, "X-Vers"));
    assert_true(r.cert_days == HTTP_CERT_NONE && r.elapsed_ms >= 0);
    assert_string_equal(r.url, URL);
    assert_false(refused);
    assert_string_equal(fake_engine_call(f->engine, 0)->method, "GET");
}

static void test_fetch_sends_method_headers_and_body(void **state)
{
    struct fixture *f = *state;
    AUTO(strv_done) struct strv headers = {0};
    AUTO(http_response_done) struct http_response r = {0};
    struct http_request req = request(f);

    strv_add(&headers, "X-Registry-Auth: seen");
    req.headers = &headers;
    req.body = "ping";
    req.body_len = 4;
    answer(f, "/health", "HTTP/1.1 204 No Content\r\n\r\n");
    assert_ok(http_fetch(&req, &r, NULL, &f->err), &f->err);
    assert_int_equal(r.status, 204);
    const struct fake_call *call = fake_engine_call(f->engine, 0);
    assert_string_equal(call->method, "POST");
    assert_string_equal(call->body, "ping");
    assert_string_equal(call->registry_auth, "seen");
}

static void test_fetch_of_bad_requests_is_refused_before_sending(void **state)
{
    static const struct {
        const char *url, *header, *why;
    } rows[] = {
        {"ftp://x/",           NULL,           "other scheme"     },
        {"file:///etc/passwd", NULL,           "file"             },
        {"x",                  NULL,           "no scheme"        },
        {"",                   NULL,           "empty"            },
        {"http://",            NULL,           "no host"          },
        {"http://a b/",        NULL,           "blank in the host"},
        {URL,                  "A: b\r\nC: d", "header injection" },
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < ROWS(rows); i++) {
        AUTO(strv_done) struct strv headers = {0};
        struct http_request req = request(f);
        struct http_response r;
        req.url = rows[i].url;
        if (rows[i].header)
            strv_add(&headers, rows[i].header);
        req.headers = &headers;
        row_check(http_fetch(&req, &r, NULL, &f->err) == -1, rows[i].why);
        row_check(f->err.code == SHIP_INVALID, rows[i].why);
    }
    assert_int_equal(fake_engine_calls(f->engine), 0);
}

static void test_fetch_from_closed_port_says_refused(void **state)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof address;
    struct ship_error err = {0};
    struct http_response r;
    bool refused = false;

    (void)state;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    /* bound but not listening: nobody else can take the port meanwhile */
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    AUTO_FREE char *url = xasprintf("http://127.0.0.1:%d/", ntohs(address.sin_port));
    struct http_request req = {.url = url, .deadline_ms = in_ms(5000), .clock = &clock_real};
    assert_fails(http_fetch(&req, &r, &refused, &err), &err, SHIP_UNREACHABLE);
    assert_true(refused);
    assert_contains(err.msg, "refused");
    (void)close(fd);
}

static void test_fetch_of_faulty_answers_fails(void **state)
{
    static const struct {
        struct fake_rule rule;
        enum ship_code code;
        const char *why;
    } rows[] = {
        {{.fault = FAKE_CLOSE_BEFORE},                                                 SHIP_UNREACHABLE, "closed"      },
        {{.fault = FAKE_RAW, .body = "garbage\r\n\r\n"},                               SHIP_UNREACHABLE, "not HTTP"    },
        {{.fault = FAKE_RAW, .body = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"},
         SHIP_UNREACHABLE,                                                                               "body cut"    },
        {{.fault = FAKE_STALL},                                                        SHIP_TIMEOUT,     "silence"     },
        {{.fault = FAKE_ENDLESS, .body = "xxxxxxxxxxxx"},                              SHIP_ENGINE,      "endless body"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < ROWS(rows); i++) {
        struct http_request req = request(f);
        struct http_response r;
        bool refused = true;
        req.deadline_ms = in_ms(rows[i].code == SHIP_TIMEOUT ? 50 : 5000);
        fake_engine_unscript(f->engine);
        fake_engine_script(f->engine, &rows[i].rule);
        row_check(http_fetch(&req, &r, &refused, &f->err) == -1, rows[i].why);
        row_check(f->err.code == rows[i].code && !refused, rows[i].why);
    }
}

static void test_fetch_may_cut_a_long_body(void **state)
{
    struct fixture *f = *state;
    AUTO(http_response_done) struct http_response r = {0};
    struct http_request req = request(f);
    struct fake_rule rule = {.fault = FAKE_ENDLESS, .body = "0123456789"};

    fake_engine_script(f->engine, &rule);
    req.flags = HTTP_CUT_BODY;
    req.max_body_bytes = 15;
    assert_ok(http_fetch(&req, &r, NULL, &f->err), &f->err);
    assert_true(r.body_cut);
    assert_string_equal(r.body.p, "012345678901234");
}

static void test_fetch_ends_on_a_stop_signal_only_when_asked(void **state)
{
    struct fixture *f = *state;
    struct http_request req = request(f);
    struct http_response r;
    struct fake_rule rule = {.fault = FAKE_STALL};

    fake_engine_script(f->engine, &rule);
    f->stop = SIGTERM;
    req.deadline_ms = in_ms(50);
    assert_fails(http_fetch(&req, &r, NULL, &f->err), &f->err, SHIP_TIMEOUT);
    req.deadline_ms = in_ms(5000);
    req.flags = HTTP_UNTIL_STOP;
    assert_fails(http_fetch(&req, &r, NULL, &f->err), &f->err, SHIP_INTERRUPTED);
}

/* ---- redirects ---- */

#define TO(where) "HTTP/1.1 302 Found\r\nLocation: " where "\r\nContent-Length: 0\r\n\r\n"
#define FINE      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

static void test_redirect_is_an_answer_unless_following(void **state)
{
    struct fixture *f = *state;
    AUTO(http_response_done) struct http_response r = {0};
    struct http_request req = request(f);

    answer(f, "/health", TO("/next"));
    answer(f, "/next", FINE);
    assert_ok(http_fetch(&req, &r, NULL, &f->err), &f->err);
    assert_int_equal(r.status, 302);
    http_response_done(&r);
    req.flags = HTTP_FOLLOW;
    assert_ok(http_fetch(&req, &r, NULL, &f->err), &f->err);
    assert_int_equal(r.status, 200);
    assert_string_equal(r.url, "http://app.example.com/next");
}

static void test_redirect_resolves_relative_addresses(void **state)
{
    static const struct {
        const char *url, *location, *want;
    } rows[] = {
        {"http://a.example.com/x/y?q=1", "z",                         "http://a.example.com/x/z" },
        {"http://a.example.com/x/y",     "/z",                        "http://a.example.com/z"   },
        {"http://a.example.com",         "z",                         "http://a.example.com/z"   },
        {"http://a.example.com/x",       "//b.example.com/z",         "http://b.example.com/z"   },
        {"http://a.example.com/x",       "http://b.example.com:81/z", "http://b.example.com:81/z"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < ROWS(rows); i++) {
        AUTO(http_response_done) struct http_response r = {0};
        AUTO_FREE char *raw = xasprintf(
            "HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n", rows[i].location);
        struct http_request req = request(f);
        req.url = rows[i].url;
        req.flags = HTTP_FOLLOW;
        fake_engine_unscript(f->engine);
        struct fake_rule first = {.nth = 1, .fault = FAKE_RAW, .body = raw};
        fake_engine_script(f->engine, &first);
        answer(f, NULL, FINE);
        assert_ok(http_fetch(&req, &r, NULL, &f->err), &f->err);
        row_check(strcmp(r.url, rows[i].want) == 0, rows[i].location);
    }
}

static void test_redirect_to_another_host_drops_credentials(void **state)
{
    struct fixture *f = *state;
    AUTO(strv_done) struct strv headers = {0};
    AUTO(http_response_done) struct http_response r = {0};
    struct http_request req = request(f);

    strv_add(&headers, "authorization: Bearer secret");
    strv_add(&headers, "X-Registry-Auth: plain header");
    req.headers = &headers;
    req.flags = HTTP_FOLLOW;
    answer(f, "/health", TO("http://other.example.com/next"));
    answer(f, "/next", FINE);
    assert_ok(http_fetch(&req, &r, NULL, &f->err), &f->err);
    assert_string_equal(fake_engine_call(f->engine, 1)->registry_auth, "plain header");
    assert_string_equal(fake_engine_call(f->engine, 0)->authorization, "Bearer secret");
    assert_string_equal(fake_engine_call(f->engine, 1)->authorization, "");
}

static void test_redirect_to_forbidden_places_is_refused(void **state)
{
    static const struct {
        const char *raw, *why;
    } rows[] = {
        {TO("file:///etc/passwd"), "other scheme"},
        {TO("ftp://x/"),           "ftp"         },
        {TO("/health"),            "loop"        },
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < ROWS(rows); i++) {
        struct http_request req = request(f);
        struct http_response r;
        req.flags = HTTP_FOLLOW;
        fake_engine_unscript(f->engine);
        answer(f, "/health", rows[i].raw);
        row_check(http_fetch(&req, &r, NULL, &f->err) == -1, rows[i].why);
        row_check(f->err.code == SHIP_ENGINE, rows[i].why);
    }
    assert_int_equal(fake_engine_count(f->engine, "GET", "/health"), 2 + 1 + HTTP_REDIRECTS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        engine_test(test_fetch_gives_status_body_and_headers),
        engine_test(test_fetch_sends_method_headers_and_body),
        engine_test(test_fetch_of_bad_requests_is_refused_before_sending),
        cmocka_unit_test(test_fetch_from_closed_port_says_refused),
        engine_test(test_fetch_of_faulty_answers_fails),
        engine_test(test_fetch_may_cut_a_long_body),
        engine_test(test_fetch_ends_on_a_stop_signal_only_when_asked),
        engine_test(test_redirect_is_an_answer_unless_following),
        engine_test(test_redirect_resolves_relative_addresses),
        engine_test(test_redirect_to_another_host_drops_credentials),
        engine_test(test_redirect_to_forbidden_places_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
