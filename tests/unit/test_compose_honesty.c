/*
 * What a file says and a deployment does not do: every row of the rule book's lists "warn and
 * continue" and "refuse" has a case here, and each is told with its position; one run tells them
 * all. What only an engine can answer (build without a local image, old API) is tested with it.
 */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "support/compose_project.h"
#include "unit/assert.h"

struct row {
    const char *text; /* the file; "%" before the line and column where the problem must be */
    const char *part; /* of the message */
    const char *why;  /* the row of the rule book */
};

#define SERVICE(members) "services:\n  a:\n    image: x\n" members
#define SECRETS(members) SERVICE("") "secrets:\n  s: " members "\n"
#define CONFIGS(members) SERVICE("") "configs:\n  c: " members "\n"

/* ---- warned ---- */

static const struct row warned[] = {
    {"%version: '3.8'\n" SERVICE(""),                                                                   "obsolete",              "version"                    },
    {SERVICE("    deploy: {%update_config: {order: start-first}}\n"),                                   "update_config",
     "update_config"                                                                                                                                          },
    {SERVICE("    deploy: {%rollback_config: {parallelism: 1}}\n"),                                     "rollback_config",
     "rollback_config"                                                                                                                                        },
    {SERVICE("    deploy: {%placement: {constraints: [node.role==manager]}}\n"),                        "placement",
     "placement"                                                                                                                                              },
    {SERVICE("    deploy: {mode: %global}\n"),                                                          "'global'",              "mode global"                },
    {SERVICE("    deploy: {%labels: {a: b}}\n"),                                                        "deploy.labels",         "deploy.labels"              },
    {SERVICE("    deploy: {%endpoint_mode: vip}\n"),                                                    "endpoint_mode",         "endpoint_mode"              },
    {SERVICE("    deploy: {resources: {reservations: {%cpus: '1'}}}\n"),                                "reservations.cpus",
     "reservations.cpus"                                                                                                                                      },
    {SERVICE("    deploy: {resources: {reservations: {%generic_resources: []}}}\n"),
     "generic_resources",                                                                                                        "generic_resources"          },
    {SERVICE("    deploy: {restart_policy: {%delay: 5s}}\n"),                                           "restart_policy.delay",
     "restart_policy.delay"                                                                                                                                   },
    {SERVICE("    deploy: {restart_policy: {%window: 5s}}\n"),                                          "restart_policy.window",
     "restart_policy.window"                                                                                                                                  },
    {SERVICE(
         "    secrets: [%{source: s, mode: 0400}]\nsecrets: {s: {file: ./docker-compose.yml}}\n"),
     "uid, gid and mode",                                                                                                        "mode of a file secret"      },
    {SERVICE("    configs: [%{source: c, gid: '7'}]\nconfigs: {c: {file: ./docker-compose.yml}}\n"),
     "uid, gid and mode",                                                                                                        "gid of a file config"       },
    {SERVICE("    environment: {V: %$NOPE}\n"),                                                         "'NOPE' is not set",     "unset variable"             },
    {SERVICE("    command: %a && b\n"),                                                                 "no shell",              "dropped command tail"       },
    {SERVICE("    entrypoint: %a > b\n"),                                                               "no shell",              "dropped entrypoint tail"    },
    {SERVICE("    volumes: [%\"vol:/a:bogus\"]\nvolumes: {vol: }\n"),                                   "'bogus'",
     "unknown volume option"                                                                                                                                  },
    {SERVICE("    environment: {V: %1.10}\n"),                                                          "becomes '1.1'",         "unquoted float"             },
    {SERVICE("    environment: {V: %2024-01-01}\n"),                                                    "timestamp",             "unquoted date"              },
    {SERVICE("    environment: {V: %0123}\n"),                                                          "becomes '83'",          "unquoted octal"             },
    {SERVICE("    stop_grace_period: %999ms\n"),                                                        "killed at once",        "stop_grace_period below 1 s"},
    {SERVICE("    volumes: [%\"./nope:/a\"]\n"),                                                        "does not exist",        "missing bind source"        },
    {SERVICE("    ports: [%\"8080:80\"]\n    scale: 2\n"),                                              "2 replicas",
     "published port, scale > 1"                                                                                                                              },
    {SERVICE("    %develop: {watch: []}\n"),                                                            "docker compose watch",  "develop"                    },
    {SERVICE("    %attach: false\n"),                                                                   "foreground",            "attach"                     },
    {SERVICE("    volumes: [{type: volume, target: /a, %consistency: cached}]\n"),                      "Linux",
     "consistency"                                                                                                                                            },
    {SERVICE("    tty: %\"on\"\n"),                                                                     "write 'true'",          "boolean of YAML 1.1"        },
    {SERVICE("    restart: %sometimes\n"),                                                              "'sometimes'",
     "restart policy the engine does not know"                                                                                                                },
};

/* ---- refused ---- */

static const struct row refused[] = {
    {"%servicez: {}\n" SERVICE(""),                                                "unknown key 'servicez'",      "unknown key of the file"    },
    {SERVICE("    %imagee: y\n"),                                                  "unknown key 'imagee'",        "unknown key of a service"   },
    {SERVICE("    healthcheck: {%tests: x}\n"),                                    "unknown key 'tests'",         "unknown key further down"   },
    {SERVICE("networks: {n: {%drivers: x}}\n"),                                    "unknown key 'drivers'",
     "unknown key of a network"                                                                                                                },
    {SECRETS("{external: %true}"),                                                 "needs Swarm",                 "external secret"            },
    {CONFIGS("{external: %true}"),                                                 "needs Swarm",                 "external config"            },
    {SECRETS("{file: ./x, %driver: y}"),                                           "needs Swarm",                 "driver of a secret"         },
    {SECRETS("{file: ./x, %template_driver: y}"),                                  "needs Swarm",                 "template_driver of a secret"},
    {CONFIGS("{file: ./x, %template_driver: y}"),                                  "needs Swarm",                 "template_driver of a config"},
    {SERVICE("    %provider: {type: y}\n"),                                        "must be a container",         "provider"                   },
    {SERVICE("    %models: [m]\n"),                                                "AI models",                   "models of a service"        },
    {SERVICE("") "%models: {m: {model: y}}\n",                                     "AI models",                   "models"                     },
    {SERVICE("    %pre_start: [{command: y}]\n"),                                  "hooks of the plan",           "pre_start"                  },
    {SERVICE("    %post_start: [{command: y}]\n"),                                 "hooks of the plan",           "post_start"                 },
    {SERVICE("    %pre_stop: [{command: y}]\n"),                                   "hooks of the plan",           "pre_stop"                   },
    {SERVICE("    %use_api_socket: true\n"),                                       "socket",                      "use_api_socket"             },
    {SERVICE("    %pull_refresh_after: 1h\n"),                                     "pull_policy",                 "pull_refresh_after"         },
    {SERVICE("    %credential_spec: {file: y}\n"),                                 "Windows",                     "credential_spec"            },
    {SERVICE("    %isolation: hyperv\n"),                                          "Windows",                     "isolation"                  },
    {SERVICE("    %cpu_count: 2\n"),                                               "Windows",                     "cpu_count"                  },
    {SERVICE("    %cpu_percent: 50\n"),                                            "Windows",                     "cpu_percent"                },
    {SERVICE("    volumes: [%{type: npipe, source: a, target: /a}]\n"),            "npipe",                       "npipe"                      },
    {SERVICE("    volumes: [%{type: cluster, source: a, target: /a}]\n"),          "cluster",                     "cluster"                    },
    {SERVICE("    %volume_driver: y\n"),                                           "volumes",                     "volume_driver"              },
    {SERVICE("    %log_driver: y\n"),                                              "logging",                     "log_driver"                 },
    {SERVICE("    %log_opt: {a: b}\n"),                                            "logging",                     "log_opt"                    },
    {SERVICE("    %net: host\n"),                                                  "network_mode",                "net"                        },
    {SERVICE("    %dockerfile: y\n"),                                              "build",                       "dockerfile"                 },
    {"include: [%\"https://example.com/x.git\"]\n" SERVICE(""),                    "remote",                      "include over git"           },
    {"include: [%\"oci://example.com/x\"]\n" SERVICE(""),                          "remote",                      "include over oci"           },
    {SERVICE("    extends: {service: b, file: %\"oci://example.com/x\"}\n"),       "remote",
     "extends over oci"                                                                                                                        },
    {SERVICE("    extends: {service: b, file: %\"https://example.com/x.git\"}\n"), "remote",
     "extends over git"                                                                                                                        },
    {"services:\n  %a: {environment: {A: b}}\n",                                   "neither 'image' nor 'build'", "no image"                   },
    {SERVICE("    user: !custom %x\n"),                                            "'!custom'",                   "unknown tag"                },
    {SERVICE("    volumes: [%\"v:/a\"]\nvolumes: {v: }\n"),                        "one-letter",                  "one-letter volume"          },
    {"%web:\n  image: x\n",                                                        "version 1",                   "file of Compose version 1"  },
};

/* The text without its mark, and where the mark was: ":line:column". */
static char *place(const char *marked, char where[32])
{
    const char *mark = strchr(marked, '%');
    unsigned line = 1, column = 1;

    for (const char *p = marked; p < mark; p++) {
        column = *p == '\n' ? 1 : column + 1;
        line += *p == '\n';
    }
    (void)snprintf(where, 32, ":%u:%u", line, column);
    return xasprintf("%.*s%s", (int)(mark - marked), marked, mark + 1);
}

static void check_row(struct compose_fixture *f, const struct row *row, enum yaml_severity severity)
{
    char where[32];
    AUTO_FREE char *text = place(row->text, where);

    compose_fixture_load_text(f, text);
    if ((f->project == NULL) != (severity == YAML_ERROR))
        fail_msg("row '%s': %s", row->why, f->project ? "loaded" : f->err.msg);
    const struct yaml_problem *problem = compose_fixture_problem(f, row->part);
    if (!problem || problem->severity != severity)
        fail_msg("row '%s': not told: %s", row->why, f->err.msg);
    if (!str_ends(problem->where, where))
        fail_msg("row '%s': at %s, not %s", row->why, problem->where, where);
    row_check(problem->snippet && strchr(problem->snippet, '^'), row->why);
}

static void test_load_warns_about_what_has_no_effect(void **state)
{
    for (size_t i = 0; i < ROWS(warned); i++)
        check_row(*state, &warned[i], YAML_WARNING);
}

static void test_load_refuses_what_would_change_behaviour(void **state)
{
    for (size_t i = 0; i < ROWS(refused); i++)
        check_row(*state, &refused[i], YAML_ERROR);
}

/* A row of the tables that is ignored or refused has a case above. */
static void test_tables_ignored_and_refused_rows_have_a_case(void **state)
{
    (void)state;
    for (const struct compose_attribute *a = compose_attributes; a->name; a++) {
        const struct row *rows = a->status == ATTRIBUTE_REFUSED ? refused : warned;
        size_t n = a->status == ATTRIBUTE_REFUSED ? ROWS(refused) : ROWS(warned), i = 0;
        AUTO_FREE char *member = xasprintf("    %%%s:", a->name);
        if (a->status != ATTRIBUTE_REFUSED && a->status != ATTRIBUTE_IGNORED)
            continue;
        while (i < n && !strstr(rows[i].text, member))
            i++;
        row_check(i < n, a->name);
    }
}

/* ---- everything at once ---- */

/* Each kind of problem at another stage of the load. */
static const char mixed[] = "version: '3'\n"
                            "services:\n"
                            "  a:\n"
                            "    image: x\n"
                            "    imagee: y\n"
                            "    ports: [\"1:2:3:4:5\"]\n"
                            "    networks: [ghost]\n"
                            "    attach: false\n"
                            "  b:\n"
                            "    image: ${NEEDED:?say which}\n"
                            "    depends_on: [nobody]\n"
                            "    volumes: [\"data:/data\"]\n"
                            "  c:\n"
                            "    image: x\n"
                            "    env_file: nope.env\n"
                            "    scale: 2\n"
                            "    container_name: fixed\n"
                            "    environment: {V: 1.10}\n"
                            "    depends_on: {a: {condition: service_started}}\n";

static void test_load_finds_problems_of_all_stages_in_one_run(void **state)
{
    static const struct {
        const char *part, *where;
    } rows[] = {
        {"unknown key 'imagee'", ":5:5"  },
        {"ports",                ":6:13" },
        {"network 'ghost'",      ":7:16" },
        {"say which",            ":10:12"},
        {"depends on 'nobody'",  ":11:18"},
        {"volume 'data'",        ":12:15"},
        {"nope.env",             ":15:15"},
        {"container_name",       ":17:21"},
        {"obsolete",             ":1:1"  },
        {"foreground",           ":8:5"  },
        {"becomes '1.1'",        ":18:22"},
    };
    struct compose_fixture *f = *state;

    compose_fixture_load_text(f, mixed);
    assert_null(f->project);
    for (size_t i = 0; i < ROWS(rows); i++) {
        const struct yaml_problem *problem = compose_fixture_problem(f, rows[i].part);
        row_check(problem && str_ends(problem->where, rows[i].where), rows[i].part);
    }
    assert_int_equal(f->problems.n_errors, 8);
    assert_int_equal(f->problems.n_warnings, 3);
}

/* What refers to something that was dropped is no problem of its own. */
static void test_load_tells_an_error_once(void **state)
{
    static const struct row rows[] = {
        {SERVICE("    networks: [n]\nnetworks: {n: 7}\n"),                           "networks.n",
         "declaration that is wrong"                                                                                                          },
        {SERVICE("    volumes: [\"vol:/v\"]\nvolumes: [vol]\n"),                     "volumes",
         "section that is wrong"                                                                                                              },
        {SERVICE("    secrets: [s]\nsecrets: {s: {file: [x]}}\n"),                   "secrets.s.file",
         "source that is wrong"                                                                                                               },
        {"services:\n  a: {imagee: x}\n",                                            "imagee",            "misspelt image"                    },
        {"services:\n  a: {image: [x]}\n",                                           "image",             "image of another kind"             },
        {"services:\n  a: {image: \"${\"}\n",                                        "image",             "image that can not be interpolated"},
        {SERVICE("    depends_on: [b]\n  b: 7\n"),                                   "must be a mapping", "service that is wrong"             },
        {SERVICE("    extends: {service: nope}\n") "  b: {extends: {service: a}}\n", "nope",
         "base that is not there"                                                                                                             },
        {SERVICE("    depends_on: {b: {condition: soon}}\n  b: {image: x}\n"),       "soon",              "condition"                         },
        {SERVICE("    ulimits: {nofile: {soft: 1, hard: x}}\n"),                     "ulimits",           "half of a limit"                   },
        {"include: [nope.yml]\n" SERVICE("    networks: [n]\n"),                     "nope.yml",
         "include that is not there"                                                                                                          },
    };
    struct compose_fixture *f = *state;

    for (size_t i = 0; i < ROWS(rows); i++) {
        compose_fixture_load_text(f, rows[i].text);
        const struct yaml_problem *problem = compose_fixture_problem(f, rows[i].part);
        row_check(!f->project && problem && problem->severity == YAML_ERROR, rows[i].why);
        if (f->problems.n_errors != 1)
            fail_msg("row '%s': %zu errors, the last: %s", rows[i].why, f->problems.n_errors,
                     f->problems.list[f->problems.n - 1].text);
    }
}

static void test_load_counts_what_the_list_does_not_hold(void **state)
{
    struct compose_fixture *f = *state;
    AUTO(buf_done) struct buf text = BUF_INIT(64 * 1024);

    buf_adds(&text, "services:\n");
    for (int i = 0; i < 30; i++)
        buf_addf(&text, "  s%d: {image: x, attach: true, nope: 1, networks: [ghost]}\n", i);
    compose_fixture_load_text(f, text.p);
    assert_null(f->project);
    assert_int_equal(f->problems.n, YAML_PROBLEMS_MAX);
    assert_int_equal(f->problems.n_errors, 60);
    assert_int_equal(f->problems.n_warnings, 30);
    for (size_t i = 0; i < f->problems.n; i++)
        assert_int_equal(f->problems.list[i].severity, YAML_ERROR);
}

#define HONESTY_TEST(name)                                                                         \
    cmocka_unit_test_setup_teardown(name, compose_fixture_setup, compose_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        HONESTY_TEST(test_load_warns_about_what_has_no_effect),
        HONESTY_TEST(test_load_refuses_what_would_change_behaviour),
        cmocka_unit_test(test_tables_ignored_and_refused_rows_have_a_case),
        HONESTY_TEST(test_load_finds_problems_of_all_stages_in_one_run),
        HONESTY_TEST(test_load_tells_an_error_once),
        HONESTY_TEST(test_load_counts_what_the_list_does_not_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
