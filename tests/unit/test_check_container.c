/* State, health, restarts and memory of containers. */
#include <stdio.h>

#include "support/check_case.h"
#include "unit/assert.h"

/* NOLINTNEXTLINE(readability-function-size): a table of rows */
static void test_container_state_rows(void **state)
{
    static const struct {
        struct fake_container box;
        const char *keys;
        enum check_status status;
        bool final;
        const char *part, *why;
    } rows[] = {
        {{.state = CONTAINER_RUNNING},                                                       "", CHECK_PASS, false, "runs",                      "no health check: running"},
        {{.state = CONTAINER_RUNNING, .health = HEALTH_HEALTHY},
         "",                                                                                     CHECK_PASS,
         false,                                                                                                     "",
         "healthy"                                                                                                                                                         },
        {{.state = CONTAINER_RUNNING, .health = HEALTH_STARTING},
         "",                                                                                     CHECK_FAIL,
         false,                                                                                                     "starting",
         "not yet: may change"                                                                                                                                             },
        {{.state = CONTAINER_RUNNING,
          .health = HEALTH_UNHEALTHY,
          .health_failing = 3,
          .health_output = "HTTP 502\n"},
         "",                                                                                     CHECK_FAIL,
         false,                                                                                                     "(3 failures): HTTP 502",
         "the health log is shown"                                                                                                                                         },
        {{.state = CONTAINER_RUNNING, .health = HEALTH_UNHEALTHY},
         ", healthy: false",                                                                     CHECK_PASS,
         false,                                                                                                     "",
         "not looked at"                                                                                                                                                   },
        {{.state = CONTAINER_RUNNING},
         ", healthy: true",                                                                      CHECK_FAIL,
         false,                                                                                                     "no health check",
         "one is wanted"                                                                                                                                                   },
        {{.state = CONTAINER_EXITED, .exit_code = 3},
         "",                                                                                     CHECK_FAIL,
         true,                                                                                                      "exited with exit status 3",
         "no retry helps"                                                                                                                                                  },
        {{.state = CONTAINER_EXITED, .exit_code = 137, .oom_killed = true},
         "",                                                                                     CHECK_FAIL,
         true,                                                                                                      "out of memory",
         "reason is told"                                                                                                                                                  },
        {{.state = CONTAINER_EXITED, .exit_code = 127, .state_error = "exec: no such file"},
         "",                                                                                     CHECK_FAIL,
         true,                                                                                                      "exec: no such file",
         "the engine's words"                                                                                                                                              },
        {{.state = CONTAINER_RESTARTING},                                                    "", CHECK_FAIL, false, "restarting",                "crash loop"              },
        {{.state = CONTAINER_CREATED},                                                       "", CHECK_FAIL, false, "created",                   "not started yet"         },
        {{.state = CONTAINER_PAUSED},                                                        "", CHECK_FAIL, false, "paused",                    "paused is not running"   },
        {{.state = CONTAINER_RUNNING, .restart_count = 1},
         "",                                                                                     CHECK_FAIL,
         false,                                                                                                     "restarted 1 times",
         "a new container must not restart"                                                                                                                                },
        {{.state = CONTAINER_RUNNING, .restart_count = 1},
         ", max_restarts: 1",                                                                    CHECK_PASS,
         false,                                                                                                     "",
         "allowed"                                                                                                                                                         },
        {{.state = CONTAINER_RUNNING, .oom_killed = true},
         "",                                                                                     CHECK_FAIL,
         false,                                                                                                     "out of memory",
         "a child was killed"                                                                                                                                              },
        {{.state = CONTAINER_RUNNING, .oom_killed = true},
         ", allow_oom: true",                                                                    CHECK_PASS,
         false,                                                                                                     "",
         "allowed"                                                                                                                                                         },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct check_case c;
        struct fake_container *box;
        struct check_result r;
        AUTO_FREE char *yaml = xasprintf("{type: container%s}", rows[i].keys);

        check_case_init(&c);
        box = check_case_target(&c, "app", true);
        *box = rows[i].box;
        box->name = "app";
        (void)snprintf(box->id, sizeof box->id, "id-app");
        check_case_expect(&c, yaml, rows[i].status, rows[i].part, rows[i].why);
        r = check_case_try(&c);
        row_check(r.final == rows[i].final, rows[i].why);
        check_case_done(&c);
    }
}

static void test_container_other_services_may_have_restarted(void **state)
{
    struct check_case c;
    struct fake_container *db;

    (void)state;
    check_case_init(&c);
    db = check_case_target(&c, "db", false);
    db->restart_count = 7;
    check_case_expect(&c, "{type: container, service: db}", CHECK_PASS, "", "long ago");
    check_case_expect(&c, "{type: container, service: db, max_restarts: 6}", CHECK_FAIL, "7 times",
                      "a limit is given");
    check_case_done(&c);
}

static void test_container_every_deployed_service_is_looked_at(void **state)
{
    struct check_case c;

    (void)state;
    check_case_init(&c);
    check_case_target(&c, "api", true);
    check_case_target(&c, "db", false)->state = CONTAINER_EXITED;
    check_case_target(&c, "worker", true);
    check_case_expect(&c, "{type: container}", CHECK_PASS, "2 containers", "db is not deployed");
    c.fake.containers[2].state = CONTAINER_EXITED;
    check_case_expect(&c, "{type: container}", CHECK_FAIL, "'worker'", "the second one");
    check_case_done(&c);
}

static void test_container_absent_fails_and_silent_engine_is_unknown(void **state)
{
    struct check_case c;

    (void)state;
    check_case_init(&c);
    check_case_expect(&c, "{type: container, service: app}", CHECK_FAIL, "no container", "none");
    check_case_expect(&c, "{type: container}", CHECK_FAIL, "no container", "nothing deployed");
    check_case_target(&c, "app", true)->removed = true;
    check_case_expect(&c, "{type: container}", CHECK_FAIL, "gone", "removed under us");
    fake_fail(&c.fake, "inspect", SHIP_TIMEOUT, "engine is slow");
    check_case_expect(&c, "{type: container}", CHECK_UNKNOWN, "engine is slow", "engine");
    check_case_done(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_container_state_rows),
        cmocka_unit_test(test_container_other_services_may_have_restarted),
        cmocka_unit_test(test_container_every_deployed_service_is_looked_at),
        cmocka_unit_test(test_container_absent_fails_and_silent_engine_is_unknown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
