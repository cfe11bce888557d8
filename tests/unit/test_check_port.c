/* Ports that are free, ours, or somebody else's. */
#include <stdio.h>

#include "check/holder.h"
#include "support/check_case.h"
#include "support/listener.h"
#include "unit/assert.h"

static void test_holder_line_rows(void **state)
{
    /* clang-format off */
    static const struct {
        const char *line;
        bool tcp;
        const char *address;
        int port;
        bool holds;
        const char *why;
    } rows[] = {
        {"   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 77 1 0",
         true, "", 8080, true, "listens on loopback"},
        {"   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 77 1 0",
         true, "127.0.0.1", 8080, true, "the same address"},
        {"   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 77 1 0",
         true, "127.0.0.2", 8080, false, "another address"},
        {"   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 77 1 0",
         true, "", 8081, false, "another port"},
        {"   0: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 77 1 0",
         true, "192.0.2.1", 8080, true, "bound to every address"},
        {"   0: 0100007F:1F90 0100007F:D431 01 00000000:00000000 00:00000000 00000000     0        0 77 1 0",
         true, "", 8080, false, "a connection, not a listener"},
        {"   0: 0100007F:1F90 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 77 2 0",
         false, "", 8080, true, "udp does not listen, it is bound"},
        {"   0: 00000000000000000000000000000000:1F90 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 77 1 0",
         true, "127.0.0.1", 8080, true, "IPv6 any takes IPv4 as well"},
        {"   0: 0000000000000000FFFF00000100007F:1F90 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 77 1 0",
         true, "127.0.0.1", 8080, true, "IPv4 mapped into IPv6"},
        {"   0: 00000000000000000000000001000000:1F90 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 77 1 0",
         true, "::1", 8080, true, "IPv6 loopback"},
        {"   0: 00000000000000000000000001000000:1F90 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 77 1 0",
         true, "127.0.0.1", 8080, false, "IPv6 loopback is not IPv4 loopback"},
        {"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid", true, "",
         8080, false, "the headline"},
        {"", true, "", 8080, false, "empty"},
        {"   0: 01007F:1F90 00000000:0000 0A", true, "", 8080, false, "cut"},
    };
    /* clang-format on */

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        uint64_t inode = 0;
        bool holds =
            holder_line_holds(rows[i].line, rows[i].tcp, rows[i].address, rows[i].port, &inode);

        row_check(holds == rows[i].holds, rows[i].why);
        row_check(!holds || inode == 77, rows[i].why);
    }
}

static void test_port_held_by_this_process_is_named(void **state)
{
    static const char *const protocols[] = {"tcp", "udp"};

    (void)state;
    for (size_t i = 0; i < ROWS(protocols); i++) {
        struct check_case c;
        struct check_result r;
        int port, fd = i == 0 ? listener_open(1, &port) : listener_open_udp(&port);
        AUTO_FREE char *yaml =
            xasprintf("{type: port, port: %d, protocol: %s}", port, protocols[i]);
        AUTO_FREE char *pid = xasprintf("(pid %d)", (int)getpid());

        check_case_init(&c);
        check_case_load(&c, yaml);
        r = check_case_try(&c);
        assert_int_equal(r.status, CHECK_FAIL);
        assert_contains(r.message, pid);
        close(fd);
        check_case_expect(&c, yaml, CHECK_PASS, "is free", "closed");
        check_case_done(&c);
    }
}

static void test_port_container_rows(void **state)
{
    /* clang-format off */
    static const struct {
        const char *ports;
        const char *keys;
        enum check_status status;
        const char *part, *why;
    } rows[] = {
        {"[{\"IP\":\"0.0.0.0\",\"PrivatePort\":80,\"PublicPort\":9,\"Type\":\"tcp\"}]", "", CHECK_FAIL,
         "held by container 'other'", "published by another container"},
        {"[{\"IP\":\"0.0.0.0\",\"PrivatePort\":9,\"PublicPort\":10,\"Type\":\"tcp\"}]", "", CHECK_PASS,
         "free", "9 inside is not 9 outside"},
        {"[{\"PrivatePort\":9,\"Type\":\"tcp\"}]", "", CHECK_PASS, "free", "exposed only"},
        {"[{\"IP\":\"0.0.0.0\",\"PrivatePort\":80,\"PublicPort\":9,\"Type\":\"udp\"}]", "", CHECK_PASS,
         "free", "the other protocol"},
        {"[{\"IP\":\"127.0.0.1\",\"PrivatePort\":80,\"PublicPort\":9,\"Type\":\"tcp\"}]",
         ", address: 192.0.2.1", CHECK_PASS, "free", "on another address"},
        {"[{\"IP\":\"127.0.0.1\",\"PrivatePort\":80,\"PublicPort\":9,\"Type\":\"tcp\"}]",
         ", address: 127.0.0.1", CHECK_FAIL, "other", "on this address"},
    };
    /* clang-format on */

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        AUTO_FREE char *yaml = xasprintf("{type: port, port: 9%s}", rows[i].keys);
        struct check_case c;

        check_case_init(&c);
        fake_add(&c.fake, "other")->ports = rows[i].ports;
        check_case_expect(&c, yaml, rows[i].status, rows[i].part, rows[i].why);
        check_case_done(&c);
    }
}

static void test_port_held_by_our_own_container_passes(void **state)
{
    struct check_case c;

    (void)state;
    check_case_init(&c);
    check_case_target(&c, "app", true)->ports =
        "[{\"IP\":\"0.0.0.0\",\"PrivatePort\":80,\"PublicPort\":9,\"Type\":\"tcp\"}]";
    check_case_expect(&c, "{type: port, port: 9}", CHECK_PASS, "our container 'app'", "ours");
    check_case_done(&c);
}

static void test_port_silent_engine_is_unknown(void **state)
{
    struct check_case c;

    (void)state;
    check_case_init(&c);
    fake_fail(&c.fake, "list", SHIP_UNREACHABLE, "no engine");
    check_case_expect(&c, "{type: port, port: 9}", CHECK_UNKNOWN, "no engine", "engine");
    check_case_decode(&c, "{type: port}");
    assert_contains(check_case_problem(&c), "port");
    check_case_done(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_holder_line_rows),
        cmocka_unit_test(test_port_held_by_this_process_is_named),
        cmocka_unit_test(test_port_container_rows),
        cmocka_unit_test(test_port_held_by_our_own_container_passes),
        cmocka_unit_test(test_port_silent_engine_is_unknown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
