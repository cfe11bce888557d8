/* The loader: where errors point, what is refused, what warns, limits. */
#include "base/auto.h"
#include "support/compose_project.h"
#include "unit/assert.h"

static void test_load_errors_point_at_line_and_column(void **state)
{
    struct compose_fixture *f = *state;
    static const struct {
        const char *text; /* of the service app, from line 3 on */
        enum compose_class class_wanted;
        const char *where, *part, *why;
    } rows[] = {
        {"    imagee: x\n",                                         COMPOSE_CLASS_schema_unknown_key,   ":3:5",  "did you mean 'image'",
         "unknown key"                                                                                                                                                 },
        {"    image: x\n    ports: [\"99999:80\"]\n",               COMPOSE_CLASS_bad_port,             ":4:13",
         "services.app.ports[0]",                                                                                                        "item of a list"              },
        {"    image: x\n    user: 1000\n",                          COMPOSE_CLASS_schema,               ":4:11", "put it in quotes",
         "number where a string is wanted"                                                                                                                             },
        {"    image: x\n    mem_limit: 5x\n",                       COMPOSE_CLASS_bad_size,             ":4:16", "'5x'",                 "size"                        },
        {"    image: x\n    stop_grace_period: 10\n",               COMPOSE_CLASS_schema,               ":4:24", "unit",
         "duration without unit"                                                                                                                                       },
        {"    image: x\n    stop_grace_period: 10q\n",              COMPOSE_CLASS_bad_duration,         ":4:24", "10q",
         "duration with a wrong unit"                                                                                                                                  },
        {"    image: x\n    tty: maybe\n",                          COMPOSE_CLASS_bad_boolean,          ":4:10", "true or false",
         "boolean"                                                                                                                                                     },
        {"    image: x\n    healthcheck: {retries: many}\n",        COMPOSE_CLASS_schema,               ":4:28",
         "integer",                                                                                                                      "member of an object"         },
        {"    image: x\n    command: \"a 'b\"\n",                   COMPOSE_CLASS_bad_command_string,   ":4:14",
         "quote",                                                                                                                        "command"                     },
        {"    image: x\n    environment: {A: \"${\"}\n",            COMPOSE_CLASS_bad_interpolation,    ":4:22",
         "services.app.environment.A",                                                                                                   "interpolation names the path"},
        {"    image: x\n    networks: [nope]\n",                    COMPOSE_CLASS_undefined_network,    ":4:16", "'nope'",
         "undeclared network"                                                                                                                                          },
        {"    image: x\n    depends_on: [ghost]\n",                 COMPOSE_CLASS_undefined_dependency, ":4:18",
         "'ghost'",                                                                                                                      "unknown dependency"          },
        {"    image: x\n    volumes: [{type: bind, target: /a}]\n", COMPOSE_CLASS_bad_volume,
         ":4:15",                                                                                                "source",               "bind without source"         },
        {"    image: x\n    volumes: [\"data:rel\"]\n",             COMPOSE_CLASS_bad_volume,           ":4:15",
         "absolute",                                                                                                                     "relative container path"     },
        {"    image: x\n    ulimits: {nofile: {soft: 1}}\n",        COMPOSE_CLASS_schema,               ":4:23", "hard",
         "half a limit"                                                                                                                                                },
        {"    image: x\n    env_file: nope.env\n",                  COMPOSE_CLASS_env_file_not_found,   ":4:15",
         "nope.env",                                                                                                                     "missing env file"            },
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        AUTO_FREE char *text = xasprintf("services:\n  app:\n%s", rows[i].text);
        compose_fixture_load_text(f, text);
        row_check(!f->project && f->err.code == SHIP_INVALID, rows[i].why);
        if (f->report.first != rows[i].class_wanted)
            fail_msg("row '%s': class %s: %s", rows[i].why, compose_class_name(f->report.first),
                     f->err.msg);
        const struct yaml_problem *problem = compose_fixture_problem(f, rows[i].part);
        row_check(problem != NULL, rows[i].why);
        AUTO_FREE char *where = xasprintf("%s/docker-compose.yml%s", f->root, rows[i].where);
        if (strcmp(problem->where, where) != 0)
            fail_msg("row '%s': at %s, expected %s", rows[i].why, problem->where, where);
    }
}

static void test_load_several_errors_are_found_in_one_run(void **state)
{
    struct compose_fixture *f = *state;

    compose_fixture_load_text(f, "services:\n"
                                 "  a: {imagee: x, tty: 7}\n"
                                 "  b: {image: y, ports: [\"1:2:3:4:5\", \"0\"], mem_limit: 1zz}\n"
                                 "volumez: {}\n");
    compose_fixture_expect_refused(f, COMPOSE_CLASS_schema_unknown_key);
    assert_int_equal(f->problems.n_errors, 6);
    assert_contains(f->err.msg, "and 5 more problems");
}

static void test_load_more_than_twenty_errors_are_counted(void **state)
{
    struct compose_fixture *f = *state;
    AUTO(buf_done) struct buf text = BUF_INIT(64 * 1024);

    buf_adds(&text, "services:\n");
    for (int i = 0; i < 30; i++)
        buf_addf(&text, "  s%d: {image: x, nope%d: 1}\n", i, i);
    compose_fixture_load_text(f, text.p);
    compose_fixture_expect_refused(f, COMPOSE_CLASS_schema_unknown_key);
    assert_int_equal(f->problems.n, YAML_PROBLEMS_MAX);
    assert_int_equal(f->problems.n_errors, 30);
}

static void test_load_warnings_do_not_hide_an_error(void **state)
{
    struct compose_fixture *f = *state;
    AUTO(buf_done) struct buf text = BUF_INIT(64 * 1024);

    buf_adds(&text, "services:\n");
    for (int i = 0; i < 30; i++)
        buf_addf(&text, "  s%d: {image: x, attach: true}\n", i);
    buf_adds(&text, "  last: {image: x, tty: 7}\n");
    compose_fixture_load_text(f, text.p);
    compose_fixture_expect_refused(f, COMPOSE_CLASS_schema);
    assert_int_equal(f->problems.list[0].severity, YAML_ERROR);
}

static void test_load_unsupported_attributes_are_refused_by_name(void **state)
{
    struct compose_fixture *f = *state;
    size_t refused = 0;

    for (const struct compose_attribute *a = compose_attributes; a->name; a++) {
        if (a->status != ATTRIBUTE_REFUSED)
            continue;
        AUTO_FREE char *text = xasprintf("services:\n  app:\n    image: x\n    %s: y\n", a->name);
        compose_fixture_load_text(f, text);
        row_check(!f->project && f->report.first == COMPOSE_CLASS_refused, a->name);
        row_check(compose_fixture_problem(f, a->note) != NULL, a->name);
        refused++;
    }
    assert_true(refused >= 15);
}

static void test_load_other_refusals_name_the_reason(void **state)
{
    struct compose_fixture *f = *state;
    static const struct {
        const char *text;
        enum compose_class class_wanted;
        const char *part, *why;
    } rows[] = {
        {"services: {a: {image: x, volumes: [\"a:/a\"]}}\nvolumes: {a: }\n",
         COMPOSE_CLASS_bad_volume,                                                                                               "Windows drive",    "one-letter volume"           },
        {"services: {a: {image: x, volumes: [{type: npipe, source: a, target: /a}]}}\n",
         COMPOSE_CLASS_bad_volume,                                                                                               "npipe",            "mount type"                  },
        {"services: {a: {image: x, secrets: [s]}}\nsecrets: {s: {external: true}}\n",
         COMPOSE_CLASS_refused,                                                                                                  "Swarm",            "external secret"             },
        {"services: {a: {image: x}}\nconfigs: {c: {file: ./x, template_driver: y}}\n",
         COMPOSE_CLASS_refused,                                                                                                  "Swarm",            "template driver"             },
        {"services: {a: {image: x}}\nmodels: {m: {model: y}}\n",                               COMPOSE_CLASS_refused,            "models",
         "models"                                                                                                                                                                  },
        {"include: [\"https://example.com/x.git\"]\nservices: {a: {image: x}}\n",
         COMPOSE_CLASS_refused,                                                                                                  "remote",           "remote include"              },
        {"services: {a: {extends: {service: b, file: \"oci://x\"}}}\n",                        COMPOSE_CLASS_refused,
         "remote",                                                                                                                                   "remote extends"              },
        {"services: {a: {image: !custom x}}\n",                                                COMPOSE_CLASS_refused,            "!custom",          "unknown tag"                 },
        {"web: {image: x}\n",                                                                  COMPOSE_CLASS_schema_unknown_key, "version 1",        "version 1 file"              },
        {"services: {a: {image: x, container_name: cc}, b: {image: x, container_name: cc}}\n",
         COMPOSE_CLASS_duplicate_container_name,                                                                                 "'cc'",             "same container_name"         },
        {"services: {a: {image: x, healthcheck: {test: t, start_interval: 1s}}}\n",
         COMPOSE_CLASS_schema,                                                                                                   "start_period",     "start_interval alone"        },
        {"services: {a: {image: x, depends_on: {b: {restart: true}}}, b: {image: x}}\n",
         COMPOSE_CLASS_schema,                                                                                                   "condition",        "dependency without condition"},
        {"services: {a: {extends: b}, b: {extends: a, image: x}}\n",                           COMPOSE_CLASS_extends_cycle,
         "itself",                                                                                                                                   "extends cycle"               },
        {"include: [docker-compose.yml]\nservices: {a: {image: x}}\n",                         COMPOSE_CLASS_include_cycle,
         "includes itself",                                                                                                                          "include cycle"               },
        {"services: {a: {image: x, ports: [\"1-65535:1-65535\", \"1-65535:1-65535/udp\"]}}\n",
         COMPOSE_CLASS_too_large,                                                                                                "100000 ports",     "port explosion"              },
        {"services: {a: {image: x, profiles: [p]}}\n",                                         COMPOSE_CLASS_schema,             "COMPOSE_PROFILES",
         "every service is off"                                                                                                                                                    },
        {"!reset\n---\n",                                                                      COMPOSE_CLASS_schema,             "no services",      "nothing but empty documents" },
        {"services: {}\n",                                                                     COMPOSE_CLASS_schema,             "no services",      "nothing to deploy"           },
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        compose_fixture_load_text(f, rows[i].text);
        if (f->project || f->report.first != rows[i].class_wanted)
            fail_msg("row '%s': class %s: %s", rows[i].why, compose_class_name(f->report.first),
                     f->err.msg);
        row_check(compose_fixture_problem(f, rows[i].part) != NULL, rows[i].why);
    }
}

static void test_load_silently_ignored_things_warn(void **state)
{
    struct compose_fixture *f = *state;
    static const struct {
        const char *text, *part, *why;
    } rows[] = {
        {"version: '3'\nservices: {a: {image: x}}\n",                                "obsolete",          "version"             },
        {"services: {a: {image: x, deploy: {update_config: {parallelism: 1}}}}\n",
         "services.a.deploy.update_config",                                                               "swarm settings"      },
        {"services: {a: {image: x, deploy: {mode: global}}}\n",                      "deploy.mode",       "mode global"         },
        {"services: {a: {image: x, command: a && b}}\n",                             "no shell",          "dropped text"        },
        {"services: {a: {image: x, volumes: [\"vv:/a:bogus\"]}}\nvolumes: {vv: }\n", "'bogus'",
         "volume option"                                                                                                        },
        {"services: {a: {image: x, environment: {V: 1.10}}}\n",                      "becomes '1.1'",     "float"               },
        {"services: {a: {image: x, environment: {V: 0123}}}\n",                      "becomes '83'",      "octal"               },
        {"services: {a: {image: x, environment: {V: 2024-01-01}}}\n",                "timestamp",         "date"                },
        {"services: {a: {image: x, stop_grace_period: 500ms}}\n",                    "killed at once",    "grace"               },
        {"services: {a: {image: x, volumes: [\"./nope:/a\"]}}\n",                    "does not exist",    "bind source"         },
        {"services: {a: {image: x, ports: [\"1:1\"], scale: 2}}\n",                  "2 replicas",        "port, scale"         },
        {"services: {a: {image: x, environment: {V: \"$NOPE\"}}}\n",                 "'NOPE' is not set", "unset"               },
        {"services: {a: {image: x, restart: sometimes}}\n",                          "'sometimes'",       "restart policy"      },
        {"services: {a: {image: x, tty: \"yes\"}}\n",                                "write 'true'",      "YAML 1.1 boolean"    },
        {"services: {a: {image: x, ports: }}\n",                                     "has no value",      "empty attribute"     },
        {"services: {a: {image: x, secrets: [{source: s, uid: \"1\"}]}}\n"
         "secrets: {s: {file: ./docker-compose.yml}}\n",                    "uid, gid and mode", "uid of a file secret"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        compose_fixture_load_text(f, rows[i].text);
        if (!f->project)
            fail_msg("row '%s': %s", rows[i].why, f->err.msg);
        const struct yaml_problem *problem = compose_fixture_problem(f, rows[i].part);
        row_check(problem && problem->severity == YAML_WARNING, rows[i].why);
        row_check(strstr(problem->where, "docker-compose.yml:") != NULL, rows[i].why);
    }
}

static void test_load_unset_variable_of_an_env_file_says_so(void **state)
{
    struct compose_fixture *f = *state;

    compose_fixture_write(f, "app.env", "TOKEN=x\n");
    compose_fixture_load_text(f, "services:\n  a:\n    image: x\n    env_file: app.env\n"
                                 "    command: run $TOKEN\n");
    compose_fixture_expect_loaded(f);
    const struct yaml_problem *problem = compose_fixture_problem(f, "TOKEN");
    assert_non_null(problem);
    assert_contains(problem->text, "app.env");
    assert_contains(problem->text, ".env");
}

static void test_load_alias_and_extends_bombs_end_early(void **state)
{
    struct compose_fixture *f = *state;
    AUTO(buf_done) struct buf text = BUF_INIT(1024 * 1024);

    buf_adds(&text, "x-a0: &a0 [x, x, x, x, x, x, x, x]\n");
    for (int i = 1; i < 9; i++)
        buf_addf(&text, "x-a%d: &a%d [*a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d]\n", i, i, i - 1,
                 i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
    compose_fixture_load_text(f, text.p);
    compose_fixture_expect_refused(f, COMPOSE_CLASS_yaml_syntax);
    buf_reset(&text);
    buf_adds(&text, "services:\n  base:\n    image: x\n    cap_add: [");
    for (int i = 0; i < 4000; i++)
        buf_addf(&text, "C%d,", i);
    buf_adds(&text, "]\n");
    for (int i = 0; i < 400; i++)
        buf_addf(&text, "  s%d: {extends: base}\n", i);
    compose_fixture_load_text(f, text.p);
    compose_fixture_expect_refused(f, COMPOSE_CLASS_too_large);
}

#define LOAD_TEST(name)                                                                            \
    cmocka_unit_test_setup_teardown(name, compose_fixture_setup, compose_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOAD_TEST(test_load_errors_point_at_line_and_column),
        LOAD_TEST(test_load_several_errors_are_found_in_one_run),
        LOAD_TEST(test_load_more_than_twenty_errors_are_counted),
        LOAD_TEST(test_load_warnings_do_not_hide_an_error),
        LOAD_TEST(test_load_unsupported_attributes_are_refused_by_name),
        LOAD_TEST(test_load_other_refusals_name_the_reason),
        LOAD_TEST(test_load_silently_ignored_things_warn),
        LOAD_TEST(test_load_unset_variable_of_an_env_file_says_so),
        LOAD_TEST(test_load_alias_and_extends_bombs_end_early),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
