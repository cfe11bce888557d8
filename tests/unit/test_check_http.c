/* HTTP answers of all sorts, from a small server in a thread of this test. */
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>

#include "support/check_case.h"
#include "support/listener.h"
#include "unit/assert.h"

/* One answer for every request; the last request is kept. */
struct server {
    int fd, port;
    const char *answer;
    size_t filler; /* bytes of 'x' after the answer */
    int delay_ms;
    char request[8192];
    atomic_bool stop;
    pthread_t thread;
};

static void sleep_ms(int ms)
{
    (void)poll(NULL, 0, ms);
}

static void send_all(int fd, const char *p, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, p, len, MSG_NOSIGNAL);

        if (n <= 0)
            return;
        p += n;
        len -= (size_t)n;
    }
}

static void read_request(struct server *s, int fd)
{
    size_t len = 0;
    ssize_t n;

    while (len < sizeof s->request - 1 &&
           (n = recv(fd, s->request + len, sizeof s->request - 1 - len, 0)) > 0) {
        len += (size_t)n;
        s->request[len] = '\0';
        if (strstr(s->request, "\r\n\r\n"))
            break;
    }
    /* A body follows at once on loopback. */
    n = recv(fd, s->request + len, sizeof s->request - 1 - len, MSG_DONTWAIT);
    s->request[len + (n > 0 ? (size_t)n : 0)] = '\0';
}

static void serve(struct server *s, int fd)
{
    static char filler[65536];

    memset(filler, 'x', sizeof filler);
    read_request(s, fd);
    for (int waited = 0; waited < s->delay_ms && !s->stop; waited += 10)
        sleep_ms(10);
    send_all(fd, s->answer, strlen(s->answer));
    for (size_t left = s->filler; left > 0;) {
        size_t n = left < sizeof filler ? left : sizeof filler;

        send_all(fd, filler, n);
        left -= n;
    }
    close(fd);
}

static void *server_thread(void *arg)
{
    struct server *s = arg;

    while (!s->stop) {
        struct pollfd p = {.fd = s->fd, .events = POLLIN};

        if (poll(&p, 1, 20) > 0) {
            int fd = accept(s->fd, NULL, NULL);

            if (fd >= 0)
                serve(s, fd);
        }
    }
    return NULL;
}

struct http_case {
    struct check_case c;
    struct server s;
    char yaml[1024];
};

static void http_init(struct http_case *h, const char *answer)
{
    memset(h, 0, sizeof *h);
    check_case_init(&h->c);
    h->c.env.clock = &clock_real;
    h->s.answer = answer;
    h->s.fd = listener_open(1, &h->s.port);
    assert_int_equal(pthread_create(&h->s.thread, NULL, server_thread, &h->s), 0);
}

static void http_done(struct http_case *h)
{
    h->s.stop = true;
    (void)pthread_join(h->s.thread, NULL);
    close(h->s.fd);
    check_case_done(&h->c);
}

static const char *yaml_of(struct http_case *h, const char *keys)
{
    (void)snprintf(h->yaml, sizeof h->yaml, "{type: http, url: \"http://127.0.0.1:%d/health\"%s}",
                   h->s.port, keys);
    return h->yaml;
}

#define ANSWER(status, headers, body)                                                              \
    "HTTP/1.1 " status "\r\nConnection: close\r\n" headers "\r\n" body

static void test_http_answer_rows(void **state)
{
    static const struct {
        const char *answer, *keys;
        enum check_status status;
        const char *part, *why;
    } rows[] = {
        {ANSWER("200 OK",            "",                                        "ok"),                                          "",                                                                                                                         CHECK_PASS,"HTTP 200 from", "2xx by default"},
        {ANSWER("204 No Content",          "",                                                   ""),                                                                           "",                                                                                                                                                                                          CHECK_PASS,"HTTP 204", "2xx by default"},
        {ANSWER("301 Moved",                "Location: /x\r\n",                                               ""),                                                                             "",              CHECK_FAIL,"HTTP 301", "not followed"},
        {ANSWER("502 Bad Gateway",                       "",                ""),"",                                                                           CHECK_FAIL,"want 2xx", "not 2xx"},
        {ANSWER("401 No",   "",                    ""),                                                ", status: [200, 401]",                                                                                                                                                                                                 CHECK_PASS,"HTTP 401", "listed"},
        {ANSWER("404 No",                 "",                                                          ""),                                                                                          ", status: [200, 401]",                                                                                                                                                                                                                CHECK_FAIL,"want 200, 401",
         "not listed"},
        {ANSWER("302 No",                "",                                               ""),                                                                                     ", status: 300-307",               CHECK_PASS,"HTTP 302", "a range"},
        {ANSWER("308 No",                       "",""),", status: 300-307",CHECK_FAIL,"want 300-307", "out of range"},
        {ANSWER("503 No",            "",                                    ""),                                 ", status: 5xx",                                                    CHECK_PASS,"HTTP 503", "a class"},
        {ANSWER("200 OK",                 "",                                                          "version=v2"),                                                                                          ", contains: \"${version}\"",                                                                                                                                                                                            CHECK_PASS,"", "text"},
        {ANSWER("200 OK",                "",                                           "version=v1"),                                                                           ", contains: \"${version}\"",                                                                                                                                                                                                                                                                                                                                                                              CHECK_FAIL,                                                                                                                         "lacks 'v2'",
         "text is missing"},
        {ANSWER("200 OK",                       "",              "a\nup 12 s\n"),                  ", matches: \"^up [0-9]+ s$\"",                                                                               CHECK_PASS,                                           "",
         "regex"},
        {ANSWER("200 OK",            "",                                   "a\nup x s\n"),           ", matches: \"^up [0-9]+ s$\"",                CHECK_FAIL,"lacks",
         "regex does not match"},
        {ANSWER("200 OK",                    "X-Version: v2\r\n",                                                             ""),                                                                                             ", header: {x-version: \"${version}\"}",
         CHECK_PASS,"", "header, any case"},
        {ANSWER("200 OK",                "X-Version: v1\r\n",                                             ""),                                                                                                     ", header: {X-Version: v2}",                                                                                                                                                                                                                               CHECK_FAIL,
         "is 'v1', want 'v2'", "another value"},
        {ANSWER("200 OK",           "",         ""),                            ", header: {X-Version: v2}",                                                                      CHECK_FAIL,"no header 'X-Version'",
         "no header"},
        {ANSWER("200 OK",            "X-Version: v9\r\n",                                        ""),                                      ", header: {X-Version: \"\"}",                                                                                                                        CHECK_PASS,"",
         "any value"},
        {ANSWER("200 OK",     "",                                              "{\"db\":{\"up\":true}}"),                                                                              ", json: {pointer: /db/up, equals: true}",
         CHECK_PASS,"", "a boolean"},
        {ANSWER("200 OK",                 "",                                                        "{\"db\":[{\"n\":1.0}]}"),                                                                                    ", json: {pointer: /db/0/n, equals: 1}",
         CHECK_PASS,                                                  "", "a number by value"},
        {ANSWER("200 OK",                       "","{\"v\":\"v2\"}"),", json: {pointer: /v, equals: \"${version}\"}",
         CHECK_PASS,"", "a string"},
        {ANSWER("200 OK",            "",                                         "{\"v\":\"v1\"}"),                                                                            ", json: {pointer: /v, equals: v2}",                                                                                                                                                CHECK_FAIL,
         "has \"v1\" at '/v', want 'v2'", "another string"},
        {ANSWER("200 OK",                "",                                                         "{\"v\":null}"),                                                                                         ", json: {pointer: /v}",                                                                                                                                                                                     CHECK_PASS,"", "is there"},
        {ANSWER("200 OK",                "",                                                       "{\"a\":1}"),                                                                                                           ", json: {pointer: /v}",                                                                                                                                                                                                                                     CHECK_FAIL,"nothing at '/v'",
         "is not there"},
        {ANSWER("200 OK", "","<html>"),                                                                                                            ", json: {pointer: /v}",                                                                                                                                                                                                                                    CHECK_FAIL,
         "did not answer with JSON", "not JSON"},
        {ANSWER("200 OK",            "",                                   ""), ", min_tls_days: 10", CHECK_UNKNOWN,"no TLS", "plain http"},
        {"",       "",                                                CHECK_FAIL,                                                                                "no answer",                                                                                                                                                                                  "closed without an answer"},
        {"SSH-2.0-OpenSSH\r\n",                 "",                                                        CHECK_FAIL,                                                                                            "",                                                                                                                                                                                                                      "not HTTP"},
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct http_case h;

        http_init(&h, rows[i].answer);
        check_case_expect(&h.c, yaml_of(&h, rows[i].keys), rows[i].status, rows[i].part,
                          rows[i].why);
        http_done(&h);
    }
}

static void test_http_request_is_as_configured(void **state)
{
    struct http_case h;

    (void)state;
    http_init(&h, ANSWER("200 OK", "", ""));
    (void)setenv("SHIP_TEST_TOKEN", "t0k", 1);
    check_case_expect(&h.c,
                      yaml_of(&h, ", method: PUT, headers: {Authorization: \"Bearer "
                                  "${env:SHIP_TEST_TOKEN}\", Host: shop.example}, "
                                  "body: \"v=${version}\""),
                      CHECK_PASS, "HTTP 200", "all of the request");
    assert_contains(h.s.request, "PUT /health HTTP/1.1\r\n");
    assert_contains(h.s.request, "Authorization: Bearer t0k\r\n");
    assert_contains(h.s.request, "Host: shop.example\r\n");
    assert_contains(h.s.request, "User-Agent: shipctl");
    assert_contains(h.s.request, "v=v2");
    http_done(&h);
}

static void test_http_resolve_and_via_container_connect_elsewhere(void **state)
{
    struct http_case h;
    struct fake_container *app;

    (void)state;
    http_init(&h, ANSWER("200 OK", "", ""));
    (void)snprintf(h.yaml, sizeof h.yaml,
                   "{type: http, url: \"http://shop.invalid:%d/\", resolve: 127.0.0.1}", h.s.port);
    check_case_expect(&h.c, h.yaml, CHECK_PASS, "shop.invalid", "resolve");
    assert_contains(h.s.request, "Host: shop.invalid");
    (void)snprintf(h.yaml, sizeof h.yaml,
                   "{type: http, url: \"http://shop.invalid:%d/\", via: container}", h.s.port);
    check_case_expect(&h.c, h.yaml, CHECK_UNKNOWN, "no container", "nothing deployed");
    app = check_case_target(&h.c, "app", true);
    check_case_expect(&h.c, h.yaml, CHECK_FAIL, "no address", "not on a network");
    app->address = "127.0.0.1";
    check_case_expect(&h.c, h.yaml, CHECK_PASS, "HTTP 200", "the container's address");
    http_done(&h);
}

static void test_http_redirect_is_followed_when_asked(void **state)
{
    struct http_case to, from;
    char answer[256];

    (void)state;
    http_init(&to, ANSWER("200 OK", "", "here"));
    (void)snprintf(answer, sizeof answer,
                   ANSWER("302 Found", "Location: http://127.0.0.1:%d/new\r\n", ""), to.s.port);
    http_init(&from, answer);
    check_case_expect(&from.c, yaml_of(&from, ", follow_redirects: true, contains: here"),
                      CHECK_PASS, "HTTP 200", "followed");
    assert_contains(to.s.request, "GET /new");
    http_done(&from);
    http_done(&to);
}

static void test_http_refused_port_may_be_tried_again_soon(void **state)
{
    struct check_case c;
    struct check_result r;
    int port, fd = listener_open(0, &port);
    char yaml[128];

    (void)state;
    check_case_init(&c);
    c.env.clock = &clock_real;
    (void)snprintf(yaml, sizeof yaml, "{type: http, url: \"http://127.0.0.1:%d/\"}", port);
    check_case_load(&c, yaml);
    r = check_case_try(&c);
    assert_int_equal(r.status, CHECK_FAIL);
    assert_true(r.refused);
    assert_contains(r.message, "refused");
    close(fd);
    check_case_done(&c);
}

static void test_http_slow_answer_fails_by_timeout_or_latency(void **state)
{
    struct http_case h;

    (void)state;
    http_init(&h, ANSWER("200 OK", "", ""));
    h.s.delay_ms = 60;
    check_case_expect(&h.c, yaml_of(&h, ", max_latency: 20ms"), CHECK_FAIL, "want at most 20 ms",
                      "too slow");
    check_case_expect(&h.c, yaml_of(&h, ", max_latency: 4s"), CHECK_PASS, "", "fast enough");
    h.s.delay_ms = 5000;
    h.c.timeout_ms = 150;
    check_case_expect(&h.c, yaml_of(&h, ""), CHECK_FAIL, "no complete answer", "too late");
    http_done(&h);
}

static void test_http_large_body_is_cut_and_absence_unknown(void **state)
{
    struct http_case h;

    (void)state;
    http_init(&h, ANSWER("200 OK", "", "head "));
    h.s.filler = 3u << 20;
    check_case_expect(&h.c, yaml_of(&h, ", contains: head"), CHECK_PASS, "", "in the first MiB");
    check_case_expect(&h.c, yaml_of(&h, ", contains: tail"), CHECK_UNKNOWN, "larger than 1 MiB",
                      "maybe later");
    check_case_expect(&h.c, yaml_of(&h, ", json: {pointer: /a}"), CHECK_UNKNOWN, "1 MiB",
                      "half a document");
    http_done(&h);
}

static void test_http_secret_in_the_url_is_not_shown(void **state)
{
    struct http_case h;

    (void)state;
    (void)setenv("SHIP_TEST_TOKEN", "t0k", 1);
    http_init(&h, ANSWER("500 No", "", ""));
    (void)snprintf(h.yaml, sizeof h.yaml,
                   "{type: http, url: \"http://127.0.0.1:%d/?t=${env:SHIP_TEST_TOKEN}\"}",
                   h.s.port);
    check_case_load(&h.c, h.yaml);
    assert_null(strstr(check_case_try(&h.c).message, "t0k"));
    assert_contains(h.s.request, "t=t0k");
    h.s.answer = "";
    assert_null(strstr(check_case_try(&h.c).message, "t0k"));
    http_done(&h);
}

static void test_http_bad_url_is_unknown(void **state)
{
    struct check_case c;

    (void)state;
    check_case_init(&c);
    c.env.clock = &clock_real;
    check_case_expect(&c, "{type: http, url: \"ftp://127.0.0.1/\"}", CHECK_UNKNOWN, "ftp",
                      "scheme");
    check_case_expect(&c, "{type: http, url: \"http://${digest}/\"}", CHECK_UNKNOWN, "digest",
                      "no value");
    check_case_done(&c);
}

static void test_http_stop_signal_ends_it(void **state)
{
    struct http_case h;
    struct clock clock = clock_real;
    volatile sig_atomic_t stop = SIGTERM;

    (void)state;
    http_init(&h, ANSWER("200 OK", "", ""));
    clock.stop = &stop;
    h.c.env.clock = &clock;
    h.s.delay_ms = 3000;
    check_case_load(&h.c, yaml_of(&h, ""));
    assert_int_equal(check_case_try_fails(&h.c), SHIP_INTERRUPTED);
    h.c.env.clock = &h.c.clock.clock;
    http_done(&h);
}

static void test_http_bad_keys_are_problems(void **state)
{
    static const char *const rows[] = {
        "{type: http}",
        "{type: http, url: x, status: 600}",
        "{type: http, url: x, status: 6xx}",
        "{type: http, url: x, status: 300-200}",
        "{type: http, url: x, status: [ok]}",
        "{type: http, url: x, status: []}",
        "{type: http, url: x, matches: \"(\"}",
        "{type: http, url: x, json: {pointer: a}}",
        "{type: http, url: x, json: {equals: a}}",
        "{type: http, url: x, json: {point: a}}",
        "{type: http, url: x, service: a}",
        "{type: http, url: x, via: container, resolve: a}",
        "{type: http, url: x, via: air}",
        "{type: http, url: x, max_latency: 20}",
        "{type: http, url: x, headers: [a]}",
    };
    struct check_case c;

    (void)state;
    check_case_init(&c);
    for (size_t i = 0; i < ROWS(rows); i++) {
        check_case_decode(&c, rows[i]);
        row_check(c.problems.n_errors == 1, rows[i]);
    }
    check_case_done(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_http_answer_rows),
        cmocka_unit_test(test_http_request_is_as_configured),
        cmocka_unit_test(test_http_resolve_and_via_container_connect_elsewhere),
        cmocka_unit_test(test_http_redirect_is_followed_when_asked),
        cmocka_unit_test(test_http_refused_port_may_be_tried_again_soon),
        cmocka_unit_test(test_http_slow_answer_fails_by_timeout_or_latency),
        cmocka_unit_test(test_http_large_body_is_cut_and_absence_unknown),
        cmocka_unit_test(test_http_secret_in_the_url_is_not_shown),
        cmocka_unit_test(test_http_bad_url_is_unknown),
        cmocka_unit_test(test_http_stop_signal_ends_it),
        cmocka_unit_test(test_http_bad_keys_are_problems),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
