/* The clients inside database containers, their passwords and their answers. */
#include "support/check_case.h"
#include "unit/assert.h"

#define POSTGRES "{type: database, engine: postgres, service: db}"
#define MYSQL    "{type: database, engine: mysql, service: db}"
#define REDIS    "{type: database, engine: redis, service: db}"

static void test_database_rows(void **state)
{
    /* clang-format off */
    static const struct {
        const char *yaml;
        struct fake_exec_answer execs[4];
        enum check_status status;
        const char *part, *why;
    } rows[] = {
        {POSTGRES,
         {{"pg_isready", 0, "", false}, {"psql", 0, "1\n", false}},
         CHECK_PASS,                                                                                  "answers",
         "all well"                                                                                                                                                                       },
        {POSTGRES,
         {{"pg_isready", 1, "rejecting connections", false}},
         CHECK_FAIL,                                                                                  "rejecting",
         "starting up"                                                                                                                                                                    },
        {POSTGRES, {{"pg_isready", 2, "no response", false}},                          CHECK_FAIL,    "no response",                                              "not up"                },
        {POSTGRES,
         {{"pg_isready", 0, "", false}, {"psql", 2, "role does not exist", false}},
         CHECK_FAIL,                                                                                  "query in service 'db' failed (psql: exit status 2): role",
         "ready, but not for us"                                                                                                                                                          },
        {POSTGRES, {{"psql", 0, "", false}},                                           CHECK_UNKNOWN, "pg_isready",                                               "no client in the image"},
        {POSTGRES, {{"pg_isready", 0, "", false}},                                     CHECK_UNKNOWN, "psql",                                                     "half a client"         },
        {POSTGRES, {{"pg_isready", 0, "", true}},                                      CHECK_FAIL,    "did not end in time",                                      "hangs"                 },
        {MYSQL,
         {{"mysqladmin", 0, "alive", false}, {"mysql", 0, "1", false}},
         CHECK_PASS,                                                                                  "answers",
         "mysql"                                                                                                                                                                          },
        {MYSQL,
         {{"mariadb-admin", 0, "alive", false}, {"mariadb", 0, "1", false}},
         CHECK_PASS,                                                                                  "answers",
         "new names of mariadb images"                                                                                                                                                    },
        {MYSQL,
         {{"mysqladmin", 0, "alive", false}, {"mysql", 1, "Access denied", false}},
         CHECK_FAIL,                                                                                  "Access denied",
         "ping does not prove a login"                                                                                                                                                    },
        {MYSQL,
         {{"mysqladmin", 1, "can't connect", false}, {"mariadb-admin", 0, "", false}},
         CHECK_FAIL,                                                                                  "can't connect",
         "a no is not a missing program"                                                                                                                                                  },
        {REDIS,    {{"redis-cli", 0, "PONG\n", false}},                                CHECK_PASS,    "answers",                                                  "redis"                 },
        {REDIS,    {{"valkey-cli", 0, "PONG\n", false}},                               CHECK_PASS,    "answers",                                                  "valkey"                },
        {REDIS,
         {{"redis-cli", 0, "NOAUTH Authentication required.\n", false}},
         CHECK_FAIL,                                                                                  "NOAUTH",
         "status 0 is not enough"                                                                                                                                                         },
        {REDIS,    {{"redis-cli", 0, "LOADING\n", false}},                             CHECK_FAIL,    "LOADING",                                                  "not ready"             },
        {REDIS,
         {{"redis-cli", 1, "Could not connect", false}},
         CHECK_FAIL,                                                                                  "Could not connect",
         "down"                                                                                                                                                                           },
        {REDIS,    {{NULL, 0, NULL, false}},                                           CHECK_UNKNOWN, "can not be run",                                           "neither client"        },
    };
    /* clang-format on */

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct check_case c;

        check_case_init(&c);
        check_case_target(&c, "db", false);
        for (size_t k = 0; k < 4 && rows[i].execs[k].program; k++)
            c.fake.execs[c.fake.n_execs++] = rows[i].execs[k];
        check_case_expect(&c, rows[i].yaml, rows[i].status, rows[i].part, rows[i].why);
        check_case_done(&c);
    }
}

static void test_database_password_is_handed_over_in_the_environment_only(void **state)
{
    static const struct {
        const char *yaml, *env, *want, *why;
    } rows[] = {
        {POSTGRES,                                                              "POSTGRES_PASSWORD=s3cret",        "PGPASSWORD=s3cret",    "postgres"},
        {MYSQL,                                                                 "A=b\nMYSQL_ROOT_PASSWORD=s3cret", "MYSQL_PWD=s3cret",     "mysql"   },
        {MYSQL,                                                                 "MARIADB_ROOT_PASSWORD=s3cret",    "MYSQL_PWD=s3cret",     "mariadb" },
        {REDIS,                                                                 "REDIS_PASSWORD=s3cret",           "REDISCLI_AUTH=s3cret", "redis"   },
        {"{type: database, engine: redis, service: db, password_env: MY_PASS}", "MY_PASS=s3cret",
         "REDISCLI_AUTH=s3cret",                                                                                                           "own name"},
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct check_case c;

        check_case_init(&c);
        check_case_target(&c, "db", false)->env = rows[i].env;
        fake_exec(&c.fake, "pg_isready", 0, "");
        fake_exec(&c.fake, "psql", 0, "1");
        fake_exec(&c.fake, "mysqladmin", 0, "");
        fake_exec(&c.fake, "mysql", 0, "1");
        fake_exec(&c.fake, "redis-cli", 0, "PONG");
        check_case_expect(&c, rows[i].yaml, CHECK_PASS, "answers", rows[i].why);
        row_check(strv_has(&c.fake.envp, rows[i].want), rows[i].why);
        for (size_t k = 0; k < c.fake.calls.n; k++)
            row_check(!strstr(c.fake.calls.v[k], "s3cret"), rows[i].why);
        check_case_done(&c);
    }
}

static void test_database_user_and_database_come_from_plan_or_container(void **state)
{
    struct check_case c;
    struct fake_container *db;

    (void)state;
    check_case_init(&c);
    db = check_case_target(&c, "db", false);
    fake_exec(&c.fake, "pg_isready", 0, "");
    fake_exec(&c.fake, "psql", 0, "1");
    check_case_expect(&c, POSTGRES, CHECK_PASS, "", "image default");
    assert_true(fake_called(&c.fake, "exec db psql -X -A -t -w -U postgres -c select 1"));
    db->env = "POSTGRES_USER=shop\nPOSTGRES_DB=orders";
    check_case_expect(&c, POSTGRES, CHECK_PASS, "", "container");
    assert_true(fake_called(&c.fake, "exec db psql -X -A -t -w -U shop -d orders -c select 1"));
    check_case_expect(&c,
                      "{type: database, engine: postgres, service: db, user: \"${app}_ro\", "
                      "database: x, query: \"table t\"}",
                      CHECK_PASS, "", "plan");
    assert_true(fake_called(&c.fake, "exec db psql -X -A -t -w -U shop_ro -d x -c table t"));
    check_case_done(&c);
}

static void test_database_without_container_is_unknown_and_stopped_one_fails(void **state)
{
    struct check_case c;

    (void)state;
    check_case_init(&c);
    check_case_expect(&c, POSTGRES, CHECK_UNKNOWN, "no container of service 'db'", "none");
    check_case_target(&c, "db", false)->state = CONTAINER_EXITED;
    check_case_expect(&c, POSTGRES, CHECK_FAIL, "exited", "stopped");
    c.fake.containers[0].state = CONTAINER_RUNNING;
    check_case_expect(&c, "{type: database, engine: redis, service: db, password_env: NOPE}",
                      CHECK_UNKNOWN, "no variable 'NOPE'", "password is not there");
    fake_fail(&c.fake, "inspect", SHIP_TIMEOUT, "engine is slow");
    check_case_expect(&c, POSTGRES, CHECK_UNKNOWN, "engine is slow", "engine");
    check_case_done(&c);
}

static void test_database_bad_keys_are_problems(void **state)
{
    static const char *const rows[] = {
        "{type: database, service: db}",
        "{type: database, engine: postgres}",
        "{type: database, engine: oracle, service: db}",
        "{type: database, engine: redis, service: db, user: x}",
        "{type: database, engine: postgres, service: db, password: x}",
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
        cmocka_unit_test(test_database_rows),
        cmocka_unit_test(test_database_password_is_handed_over_in_the_environment_only),
        cmocka_unit_test(test_database_user_and_database_come_from_plan_or_container),
        cmocka_unit_test(test_database_without_container_is_unknown_and_stopped_one_fails),
        cmocka_unit_test(test_database_bad_keys_are_problems),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
