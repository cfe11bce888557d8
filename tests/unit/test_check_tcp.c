/* A TCP port that accepts, refuses, or belongs to a container. */
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

#include "support/check_case.h"
#include "support/listener.h"
#include "unit/assert.h"

struct tcp_case {
    struct check_case c;
    int fd, port;
    char yaml[256];
};

static void tcp_init(struct tcp_case *t, int listens, const char *keys)
{
    check_case_init(&t->c);
    t->fd = listener_open(listens, &t->port);
    (void)snprintf(t->yaml, sizeof t->yaml, "{type: tcp, port: %d%s}", t->port, keys);
}

static void tcp_done(struct tcp_case *t)
{
    close(t->fd);
    check_case_done(&t->c);
}

static void test_tcp_listening_port_passes(void **state)
{
    static const char *const keys[] = {"", ", host: 127.0.0.1", ", host: localhost"};

    (void)state;
    for (size_t i = 0; i < ROWS(keys); i++) {
        struct tcp_case t;

        tcp_init(&t, 1, keys[i]);
        check_case_expect(&t.c, t.yaml, CHECK_PASS, "accepts", keys[i]);
        tcp_done(&t);
    }
}

static void test_tcp_closed_port_fails_as_refused(void **state)
{
    struct tcp_case t;
    struct check_result r;

    (void)state;
    tcp_init(&t, 0, "");
    check_case_load(&t.c, t.yaml);
    r = check_case_try(&t.c);
    assert_int_equal(r.status, CHECK_FAIL);
    assert_true(r.refused);
    assert_false(r.final);
    assert_contains(r.message, "refused");
    tcp_done(&t);
}

static void test_tcp_full_backlog_times_out_as_failed(void **state)
{
    struct check_case c;
    char yaml[128];
    int port, fd = listener_open(0, &port), fill[8];
    struct check_result r;

    (void)state;
    check_case_init(&c);
    c.env.clock = &clock_real;
    assert_int_equal(listen(fd, 0), 0);
    (void)snprintf(yaml, sizeof yaml, "{type: tcp, port: %d}", port);
    check_case_load(&c, yaml);
    /* Nobody accepts: once the queue is full, the kernel no longer answers. */
    for (size_t i = 0; i < ROWS(fill); i++) {
        struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};

        a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        (void)connect(fill[i], (const struct sockaddr *)&a, sizeof a);
    }
    c.timeout_ms = 300;
    r = check_case_try(&c);
    assert_int_equal(r.status, CHECK_FAIL);
    assert_false(r.refused);
    assert_contains(r.message, "no answer in time");
    for (size_t i = 0; i < ROWS(fill); i++)
        close(fill[i]);
    close(fd);
    check_case_done(&c);
}

static void test_tcp_service_uses_the_container_address(void **state)
{
    struct tcp_case t;
    struct fake_container *box;

    (void)state;
    tcp_init(&t, 1, ", service: db");
    check_case_expect(&t.c, t.yaml, CHECK_UNKNOWN, "no container of service 'db'", "none");
    box = check_case_target(&t.c, "db", false);
    check_case_expect(&t.c, t.yaml, CHECK_FAIL, "no address", "not on a network");
    box->address = "127.0.0.1";
    check_case_expect(&t.c, t.yaml, CHECK_PASS, "accepts", "address of the container");
    fake_fail(&t.c.fake, "inspect", SHIP_UNREACHABLE, "engine is gone");
    check_case_expect(&t.c, t.yaml, CHECK_UNKNOWN, "engine is gone", "engine does not answer");
    tcp_done(&t);
}

static void test_tcp_stop_signal_ends_it(void **state)
{
    struct tcp_case t;

    (void)state;
    tcp_init(&t, 1, "");
    check_case_load(&t.c, t.yaml);
    t.c.clock.stop_value = SIGINT;
    assert_int_equal(check_case_try_fails(&t.c), SHIP_INTERRUPTED);
    tcp_done(&t);
}

static void test_tcp_bad_keys_are_problems(void **state)
{
    static const char *const rows[] = {
        "{type: tcp}",
        "{type: tcp, port: 0}",
        "{type: tcp, port: 65536}",
        "{type: tcp, port: http}",
        "{type: tcp, port: 80, host: a, service: b}",
        "{type: tcp, port: 80, hots: a}",
    };
    struct check_case c;

    (void)state;
    check_case_init(&c);
    for (size_t i = 0; i < ROWS(rows); i++) {
        check_case_decode(&c, rows[i]);
        row_check(c.problems.n_errors == 1, rows[i]);
    }
    assert_contains(check_case_problem(&c), "did you mean 'host'");
    check_case_done(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tcp_listening_port_passes),
        cmocka_unit_test(test_tcp_closed_port_fails_as_refused),
        cmocka_unit_test(test_tcp_full_backlog_times_out_as_failed),
        cmocka_unit_test(test_tcp_service_uses_the_container_address),
        cmocka_unit_test(test_tcp_stop_signal_ends_it),
        cmocka_unit_test(test_tcp_bad_keys_are_problems),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
