/* lib/plan: the schema with good and bad text, overlays, files, the starter. */
/* cmocka.h needs the four before it */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/str.h"
#include "plan/plan.h"
#include "plan/starter.h"

#define HEAD "version: 1\napp: shop\nimage: reg.io/shop\n" /* three lines */

static struct plan *parse_env(const char *text, const char *environment)
{
    struct ship_error err = {0};
    AUTO(yaml_problems_done) struct yaml_problems problems = {0};
    struct plan *p = plan_parse("shipctl.yaml", text, strlen(text), environment, &problems, &err);
    if (!p)
        fail_msg("%s\nin:\n%s", err.msg, text);
    return p;
}

static struct plan *parse(const char *text)
{
    return parse_env(text, NULL);
}

/* The message of the error, which must come. Heap string. */
static char *refusal(const char *text, const char *environment)
{
    struct ship_error err = {0};
    AUTO(yaml_problems_done) struct yaml_problems problems = {0};
    AUTO_PTR(plan_free)
    struct plan *p = plan_parse("shipctl.yaml", text, strlen(text), environment, &problems, &err);
    if (p)
        fail_msg("accepted:\n%s", text);
    assert_int_equal(err.code, SHIP_INVALID);
    return xstrdup(err.msg);
}

static void test_plan_parse_smallest_plan_has_contract_defaults(void **state)
{
    (void)state;
    AUTO_PTR(plan_free) struct plan *p = parse(HEAD);
    assert_string_equal(p->app, "shop");
    assert_string_equal(p->environment, "production");
    assert_string_equal(p->image, "reg.io/shop");
    assert_int_equal(p->compose.n, 0);
    assert_int_equal(p->profiles.n, 0);
    assert_null(p->project);
    assert_null(p->engine_host);
    assert_int_equal(p->n_services, 0);
    assert_int_equal(p->pull, PLAN_PULL_ALWAYS);
    assert_int_equal(p->pin, PLAN_PIN_AUTO);
    assert_int_equal(p->strategy.type, PLAN_RECREATE);
    assert_int_equal(p->strategy.order, PLAN_STOP_FIRST);
    assert_int_equal(p->strategy.parallelism, 1);
    assert_int_equal(p->strategy.delay_ms, 0);
    assert_int_equal(p->strategy.min_healthy_ms, 5000);
    assert_int_equal(p->strategy.bake_time_ms, 0);
    assert_int_equal(p->timeouts.total_ms, 600000);
    assert_int_equal(p->timeouts.pull_ms, 300000);
    assert_int_equal(p->timeouts.start_ms, 30000);
    assert_int_equal(p->timeouts.rollback_ms, 120000);
    assert_int_equal(p->timeouts.hook_ms, 300000);
    assert_int_equal(p->hooks.backup.n + p->hooks.migrate.n + p->hooks.on_failure.n, 0);
    assert_int_equal(p->checks.pre.n + p->checks.health.n + p->checks.post.n, 0);
    assert_true(p->rollback.automatic);
    assert_int_equal(p->rollback.if_migrated, PLAN_MIGRATED_REFUSE);
    assert_int_equal(p->prune.keep, 3);
    assert_true(p->prune.after_deploy);
    assert_int_equal(strlen(p->hash), 64);
}

static void test_plan_parse_full_plan_is_decoded(void **state)
{
    (void)state;
    static const char text[] =
        "version: 1\n"
        "x-note: {any: [thing]}\n"
        "app: shop\n"
        "environment: live\n"
        "compose: [a.yml, b.yml]\n"
        "profiles: [web]\n"
        "project: shop_1\n"
        "engine: {type: docker, host: unix:///run/docker.sock}\n"
        "services:\n"
        "  app: {image: localhost:5000/acme/shop, strategy: {type: recreate}}\n"
        "  worker: {image: acme/worker}\n"
        "pull: missing\n"
        "pin: compose\n"
        "permissions: {}\n"
        "windows:\n"
        "verify: {mode: off, keys: []}\n"
        "policy: {non_root: off, read_only: off}\n"
        "strategy: {type: recreate, order: stop-first, parallelism: 1, delay: 1s, drain: 5s,\n"
        "  min_healthy: 2s, bake_time: 1m, auto_promotion: true, steps: [], router: {}}\n"
        "timeouts: {total: 20m, pull: 1m, start: 10s, rollback: 90s, hook: 1h}\n"
        "hooks:\n"
        "  backup: [{exec: {service: db, command: [pg_dump, \"/b/${old.version}\"]}, timeout: "
        "5m}]\n"
        "  migrate: [{run_image: new, service: worker, command: [./m, up], reversible: true}]\n"
        "  pre_deploy: []\n"
        "  post_deploy: [{command: [./notify.sh, \"$$5\", '']}, {command: [true]}]\n"
        "checks:\n"
        "  defaults: {required: false, timeout: 3s, interval: 1s}\n"
        "  pre: [{id: disk, type: disk, min_free: 1GB}]\n"
        "  health: [{type: http, url: 'http://x/${version}', retries: 5}, {type: http}]\n"
        "  post: [{id: http-2, type: log, deny: [ERROR], required: true, timeout: 1m}]\n"
        "analysis: []\n"
        "rollback: {auto: false, if_migrated: allow}\n"
        "prune: {keep: 5, pin: ['*-lts'], after_deploy: false}\n"
        "notify: {}\n"
        "environments: {staging: ~}\n";
    AUTO_PTR(plan_free) struct plan *p = parse(text);
    assert_string_equal(p->environment, "live");
    assert_null(p->image);
    assert_string_equal(p->compose.v[1], "b.yml");
    assert_string_equal(p->profiles.v[0], "web");
    assert_string_equal(p->project, "shop_1");
    assert_string_equal(p->engine_host, "unix:///run/docker.sock");
    assert_int_equal(p->n_services, 2);
    assert_string_equal(p->services[0].name, "app");
    assert_string_equal(p->services[0].image, "localhost:5000/acme/shop");
    assert_int_equal(p->pull, PLAN_PULL_MISSING);
    assert_int_equal(p->pin, PLAN_PIN_COMPOSE);
    assert_int_equal(p->strategy.bake_time_ms, 60000);
    assert_int_equal(p->timeouts.hook_ms, 3600000);

    const struct plan_hook *backup = &p->hooks.backup.items[0];
    assert_int_equal(backup->kind, PLAN_HOOK_EXEC);
    assert_string_equal(backup->service, "db");
    assert_int_equal(backup->command.n, 2);
    assert_string_equal(backup->command.v[1], "/b/${old.version}");
    assert_int_equal(backup->timeout_ms, 300000);
    assert_int_equal(backup->mark.line, 22);
    const struct plan_hook *migrate = &p->hooks.migrate.items[0];
    assert_int_equal(migrate->kind, PLAN_HOOK_RUN_IMAGE);
    assert_string_equal(migrate->service, "worker");
    assert_true(migrate->reversible);
    assert_int_equal(migrate->timeout_ms, 0);
    assert_int_equal(p->hooks.post_deploy.n, 2);
    assert_int_equal(p->hooks.post_deploy.items[0].kind, PLAN_HOOK_COMMAND);
    assert_string_equal(p->hooks.post_deploy.items[0].command.v[2], "");

    const struct plan_check *health = p->checks.health.items;
    assert_string_equal(p->checks.pre.items[0].id, "disk");
    assert_int_equal(p->checks.pre.items[0].retries, 1);
    assert_int_equal(p->checks.health.n, 2);
    assert_string_equal(health[0].id, "http");
    assert_string_equal(health[1].id, "http-3"); /* http-2 is written elsewhere */
    assert_int_equal(health[0].retries, 5);
    assert_int_equal(health[1].retries, 10);
    assert_int_equal(health[1].interval_ms, 1000);
    assert_int_equal(health[1].timeout_ms, 3000);
    assert_false(health[0].required);
    assert_non_null(yaml_get(health[0].node, "url"));
    assert_true(p->checks.post.items[0].required);
    assert_int_equal(p->checks.post.items[0].timeout_ms, 60000);
    assert_false(p->rollback.automatic);
    assert_int_equal(p->rollback.if_migrated, PLAN_MIGRATED_ALLOW);
    assert_int_equal(p->prune.keep, 5);
    assert_string_equal(p->prune.pin.v[0], "*-lts");
    assert_false(p->prune.after_deploy);
}

static void test_plan_parse_health_phase_tries_ten_times(void **state)
{
    (void)state;
    AUTO_PTR(plan_free)
    struct plan *p = parse(HEAD "checks: {pre: [{type: disk}], health: [{type: tcp}]}\n");
    const struct plan_check *pre = p->checks.pre.items, *health = p->checks.health.items;
    assert_int_equal(pre->retries, 1);
    assert_int_equal(health->retries, 10);
    assert_int_equal(health->interval_ms, 2000);
    assert_int_equal(health->timeout_ms, 5000);
    assert_true(health->required);
    AUTO_PTR(plan_free)
    struct plan *q = parse(HEAD "checks: {defaults: {retries: 2}, health: [{type: tcp}]}\n");
    assert_int_equal(q->checks.health.items->retries, 2);
}

static void test_plan_parse_bad_plan_is_refused_with_position(void **state)
{
    (void)state;
#define AFTER_HEAD(at, message) "shipctl.yaml:" at ": " message
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"",                                                             AFTER_HEAD("1:1",  "the plan is empty; it needs version, app and image")              },
        {"~\n",                                                          AFTER_HEAD("1:1",  "the plan is empty; it needs version, app and image")              },
        {"[1]\n",                                                        AFTER_HEAD("1:1",  "the file must be a mapping, not a list")                          },
        {HEAD "---\nb: 1\n",                                             AFTER_HEAD("1:1",  "a plan is one YAML document, this has 2")                         },
        {"app: shop\nimage: x\n",                                        AFTER_HEAD("1:1",  "version is missing")                                              },
        {"version: 2\napp: shop\nimage: x\n",
         AFTER_HEAD("1:10",                                                                 "version '2' is not known; this version reads plans of version 1") },
        {"version: 1\nimage: x\n",                                       AFTER_HEAD("1:1",  "app is missing")                                                  },
        {"version: 1\napp: Shop\nimage: x\n",
         AFTER_HEAD("2:6",                                                                  "app 'Shop' must be 1 to 63 lower-case letters, digits and dashes, no "
                           "dash first")                                                                                             },
        {"version: 1\napp: shop\n",
         AFTER_HEAD("1:1",                                                                  "image is missing: the repository to deploy, or one for each of "
                           "services")                                                                                               },
        {"version: 1\napp: shop\nservices:\n  a: {image: x}\n  b: {}\n",
         AFTER_HEAD("5:3",                                                                  "services.b needs an image, because the plan has none")            },
        {HEAD "app: other\n",                                            AFTER_HEAD("4:1",  "key 'app' is given twice, first in line 2")                       },
        {HEAD "imagee: x\n",                                             AFTER_HEAD("4:1",  "unknown key 'imagee'; did you mean 'image'?")                     },
        {HEAD "pull: !x always\n",                                       AFTER_HEAD("4:10", "tag '!x' has no meaning in a plan")                               },
        {HEAD "pull: sometimes\n",
         AFTER_HEAD("4:7",                                                                  "pull 'sometimes' must be always, missing or never")               },
        {HEAD "pin: yes\n",                                              AFTER_HEAD("4:6",  "pin 'yes' must be auto, env, compose or none")                    },
        {HEAD "compose: ''\n",                                           AFTER_HEAD("4:10", "compose must not hold an empty text")                             },
        {HEAD "compose: {a: b}\n",                                       AFTER_HEAD("4:10", "compose must be a list, not a mapping")                           },
        {HEAD "project: -x\n",
         AFTER_HEAD("4:10",                                                                 "project '-x' must be lower-case letters, digits, dashes and "
                            "underscores, a letter or digit first")                                                                 },
        {HEAD "engine: {type: swarm}\n",
         AFTER_HEAD("4:16",                                                                 "engine.type 'swarm' is not supported by this version; use docker")},
        {HEAD "engine: {host: tcp://1.2.3.4:2375}\n",
         AFTER_HEAD("4:16",
         "engine.host 'tcp://1.2.3.4:2375' is not supported; shipctl runs on the "
                    "machine of its engine: use unix:///var/run/docker.sock")                                                                                  },
        {HEAD "services: [a]\n",
         AFTER_HEAD("4:11",                                                                 "services must be a mapping of at most 64 compose services")       },
        {HEAD "services: {'a b': {}}\n",
         AFTER_HEAD("4:12",                                                                 "'a b' is not a name of a compose service")                        },
        {HEAD "services: {a: {imag: x}}\n",
         AFTER_HEAD("4:16",                                                                 "unknown key 'imag' in services.a; did you mean 'image'?")         },
        {HEAD "services: {a: {strategy: {type: rolling}}}\n",
         AFTER_HEAD("4:33",                                                                 "services.a.strategy.type 'rolling' is not supported by this version; "
                            "use recreate")                                                                                         },
        {HEAD "timeouts: {total: 90}\n",
         AFTER_HEAD("4:19",                                                                 "timeouts.total '90' needs a unit, such as 90s")                   },
        {HEAD "timeouts: {pull: 0s}\n",
         AFTER_HEAD("4:18",                                                                 "timeouts.pull '0s' must be from 1.0 s to 1 d")                    },
        {HEAD "prune: {keep: 0}\n",                                      AFTER_HEAD("4:15", "prune.keep '0' must be from 1 to 1000")                           },
        {HEAD "rollback: {auto: on}\n",                                  AFTER_HEAD("4:18", "rollback.auto 'on' must be true or "
                                                           "false") },
        {"version: 1\napp: shop\nimage: reg.io/shop:v1\n",
         AFTER_HEAD("3:8",                                                                  "image 'reg.io/shop:v1' must not carry a tag; the version is given to "
                           "'shipctl deploy'")                                                                                       },
        {"version: 1\napp: shop\nimage: a@sha256:0\n",
         AFTER_HEAD("3:8",                                                                  "image 'a@sha256:0' must not carry a digest; the version is given to "
                           "'shipctl deploy'")                                                                                       },
        {"version: 1\napp: shop\nimage: a${TAG}\n",
         AFTER_HEAD("3:8",
         "image 'a${TAG}' must be a repository, such as registry.example.com/app, "
                    "without variables")                                                                                                                       },
        {"version: 1\napp: shop\nimage: reg.io/\n",
         AFTER_HEAD("3:8",                                                                  "image 'reg.io/' must be a repository, such as "
                           "registry.example.com/app")                                                                               },
        {"version: 1\napp: shop\nimage: [a]\n",
         AFTER_HEAD("3:8",                                                                  "image must be a single value, not a list")                        },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_FREE char *got = refusal(rows[i].text, NULL);
        if (!str_eq(got, rows[i].want))
            fail_msg("%s\n got <%s>\nwant <%s>", rows[i].text, got, rows[i].want);
    }
}

static void test_plan_parse_unsupported_keys_are_refused_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *line, *want;
    } rows[] = {
        {"permissions: {deploy: {users: [a]}}",                 "4:1: 'permissions' is not supported"                        },
        {"windows: {outside: refuse}",                          "4:1: 'windows' is not supported"                            },
        {"verify: {mode: enforce}",                             "4:16: verify.mode 'enforce' is not supported by this version; "
                                    "use off"                                             },
        {"verify: {keys: [a]}",                                 "4:10: 'verify.keys' is not supported"                       },
        {"verify: enforce",                                     "4:1: 'verify' is not supported"                             },
        {"policy: {non_root: warn}",                            "4:20: policy.non_root 'warn' is not supported"              },
        {"promote: {from: staging}",                            "4:1: 'promote' is not supported"                            },
        {"strategy: {type: canary}",
         "4:18: strategy.type 'canary' is not supported by this version; "
         "use recreate"                                                                                                      },
        {"strategy: {order: start-first}",                      "4:19: strategy.order 'start-first' is not supported"        },
        {"strategy: {parallelism: 2}",                          "4:25: strategy.parallelism '2' is not supported"            },
        {"strategy: {auto_promotion: false}",                   "4:28: strategy.auto_promotion 'false' is not"               },
        {"strategy: {steps: [{set_weight: 1}]}",                "4:12: 'strategy.steps' is not supported"                    },
        {"strategy: {drain: 9s}",                               "4:19: strategy.drain '9s' is not supported"                 },
        {"strategy: {router: {type: nginx}}",                   "4:12: 'strategy.router' is not supported"                   },
        {"analysis: [{name: a}]",                               "4:1: 'analysis' is not supported by this version; remove it"},
        {"notify: {routes: [{to: [a]}]}",                       "4:1: 'notify' is not supported"                             },
        {"metrics: {textfile: /x}",                             "4:1: 'metrics' is not supported"                            },
        {"environments: {staging: {windows: {outside: warn}}}", "4:26: 'windows' is not supported"                           },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_FREE char *text = xasprintf("%s%s\n", HEAD, rows[i].line);
        AUTO_FREE char *got = refusal(text, NULL);
        if (!strstr(got, rows[i].want))
            fail_msg("%s\n got <%s>\nwant <%s>", rows[i].line, got, rows[i].want);
    }
}

static void test_plan_parse_bad_hooks_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *hooks, *want;
    } rows[] = {
        {"{backup: {command: [a]}}",                                        "4:17: hooks.backup must be a list of at most 64 hooks"         },
        {"{backup: [./x.sh]}",                                              "4:18: hooks.backup[0] must be a mapping such as {command: "
                               "[./task.sh]}, not text"                                                       },
        {"{backup: [{command: ./x.sh --all}]}",
         "4:28: hooks.backup[0].command must be a list of arguments"                                                                        },
        {"{backup: [{command: []}]}",                                       "4:28: hooks.backup[0].command must be a list of arguments"     },
        {"{backup: [{command: ['', a]}]}",                                  "4:29: hooks.backup[0].command[0] must be text, not "
                                           "empty"                                                },
        {"{backup: [{command: [a, [b]]}]}",                                 "4:32: hooks.backup[0].command[1] must be text, not a "
                                            "list"                                               },
        {"{backup: [{command: [a, ~]}]}",                                   "4:32: hooks.backup[0].command[1] must be text, not "
                                          "empty"                                                  },
        {"{backup: [{command: [a], commandd: [b]}]}",
         "4:33: unknown key 'commandd' in hooks.backup[0]; "
         "did you mean 'command'?"                                                                                                          },
        {"{backup: [{timeout: 5m}]}",                                       "hooks.backup[0] needs one of command, exec, or run_image"      },
        {"{backup: [{exec: {service: db, command: [a]}, service: x}]}",
         "hooks.backup[0] has exec, so command and service belong inside it"                                                                },
        {"{backup: [{command: [x], exec: {service: db, command: [a]}}]}",
         "hooks.backup[0] has exec, so command and service belong inside it"                                                                },
        {"{backup: [{exec: {service: db, command: [a]}, run_image: new}]}",
         "hooks.backup[0] has both exec and run_image"                                                                                      },
        {"{backup: [{exec: {command: [a]}}]}",                              "4:25: hooks.backup[0].exec.service is missing"                 },
        {"{backup: [{exec: {service: db}}]}",                               "4:25: hooks.backup[0].exec.command is missing"                 },
        {"{backup: [{exec: [a]}]}",                                         "4:25: hooks.backup[0].exec must be a mapping, not a list"      },
        {"{backup: [{run_image: new}]}",                                    "hooks.backup[0] has run_image, so it needs command too"        },
        {"{backup: [{run_image: old, command: [a]}]}",                      "4:30: hooks.backup[0].run_image must be "
                                                       "'new'"                        },
        {"{backup: [{command: [a], service: x}]}",                          "hooks.backup[0] has service, which goes with"                  },
        {"{backup: [{command: [a], reversible: true}]}",                    "hooks.backup[0] has reversible, which"                         },
        {"{migrate: [{command: [a], reversible: maybe}]}",                  "hooks.migrate[0].reversible 'maybe' "
                                                           "must be true or false"},
        {"{backup: [{command: [a], timeout: 5}]}",                          "hooks.backup[0].timeout '5' needs a unit, such "
                                                   "as 5s"                                },
        {"{backup: [{command: [a, '${versionn}']}]}",
         "4:32: unknown variable '${versionn}'; did you mean '${version}'?"                                                                 },
        {"{backup: [{command: [a, '${version']}]}",                         "4:32: '${version' is not a complete"                           },
        {"{before: []}",                                                    "4:9: unknown key 'before' in hooks"                            },
        {"[a]",                                                             "4:8: hooks must be a mapping, not a list"                      },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_FREE char *text = xasprintf("%shooks: %s\n", HEAD, rows[i].hooks);
        AUTO_FREE char *got = refusal(text, NULL);
        if (!strstr(got, rows[i].want))
            fail_msg("%s\n got <%s>\nwant <%s>", rows[i].hooks, got, rows[i].want);
    }
}

static void test_plan_parse_bad_checks_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *checks, *want;
    } rows[] = {
        {"{pre: {type: disk}}",                                 "4:15: checks.pre must be a list of at most 64 checks"},
        {"{pre: [disk]}",                                       "4:16: checks.pre[0] must be a mapping, not text"     },
        {"{pre: [~]}",                                          "4:16: checks.pre[0].type is missing"                 },
        {"{pre: [{id: a}]}",                                    "4:16: checks.pre[0].type is missing"                 },
        {"{pre: [{type: Disk}]}",                               "4:23: checks.pre[0].type 'Disk' must be"             },
        {"{pre: [{type: disk, timeout: 5}]}",                   "checks.pre[0].timeout '5' needs a unit"              },
        {"{pre: [{type: disk, retries: 0}]}",                   "checks.pre[0].retries '0' must be from 1 to 1000"    },
        {"{pre: [{type: disk, interval: 0s}]}",                 "checks.pre[0].interval '0s' must be from 10 ms"      },
        {"{pre: [{type: disk, required: 1}]}",                  "checks.pre[0].required '1' must be true or false"    },
        {"{pre: [{type: a, id: x}, {type: b, id: x}]}",
         "4:48: check id 'x' is used twice, first in line 4"                                                          },
        {"{pre: [{type: a, id: x}], post: [{type: b, id: x}]}", "check id 'x' is used twice"                          },
        {"{health: [{type: http, url: 'http://${host}/'}]}",    "4:37: unknown variable '${host}'"                    },
        {"{health: [{type: http, headers: {a: '${env:}'}}]}",   "'${env:}' does not name an"                          },
        {"{defaults: {id: x}}",                                 "4:21: unknown key 'id' in checks.defaults"           },
        {"{defaults: [a]}",                                     "4:20: checks.defaults must be a mapping, not a list" },
        {"{during: []}",                                        "4:10: unknown key 'during' in checks"                },
        {"http",                                                "4:9: checks must be a mapping, not text"             },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_FREE char *text = xasprintf("%schecks: %s\n", HEAD, rows[i].checks);
        AUTO_FREE char *got = refusal(text, NULL);
        if (!strstr(got, rows[i].want))
            fail_msg("%s\n got <%s>\nwant <%s>", rows[i].checks, got, rows[i].want);
    }
}

#define OVERLAYS                                                                                   \
    HEAD "timeouts: {total: 10m, pull: 1m}\ncompose: [a.yml, b.yml]\n"                             \
         "environments:\n"                                                                         \
         "  production: {timeouts: {pull: 2m}}\n"                                                  \
         "  staging:\n"                                                                            \
         "    timeouts: {total: 5m}\n"                                                             \
         "    compose: c.yml\n"                                                                    \
         "    image: reg.io/staging\n"

static void test_plan_parse_overlay_is_merged(void **state)
{
    (void)state;
    static const struct {
        const char *wanted, *environment, *image;
        int64_t total_ms, pull_ms;
        size_t n_compose;
        const char *why;
    } rows[] = {
        {NULL,         "production", "reg.io/shop",    600000, 120000, 2, "the default has an overlay too"},
        {"production", "production", "reg.io/shop",    600000, 120000, 2, "the same by name"              },
        {"staging",    "staging",    "reg.io/staging", 300000, 60000,  1,
         "mappings merge, lists are replaced"                                                             },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_PTR(plan_free) struct plan *p = parse_env(OVERLAYS, rows[i].wanted);
        if (!str_eq(p->environment, rows[i].environment) || !str_eq(p->image, rows[i].image) ||
            p->timeouts.total_ms != rows[i].total_ms || p->timeouts.pull_ms != rows[i].pull_ms ||
            p->compose.n != rows[i].n_compose)
            fail_msg("%s: %s %s", rows[i].why, p->environment, p->image);
    }
}

static void test_plan_parse_own_environment_needs_no_overlay(void **state)
{
    (void)state;
    AUTO_PTR(plan_free) struct plan *p = parse_env(HEAD "environment: live\n", "live");
    assert_string_equal(p->environment, "live");
}

static void test_plan_parse_bad_environments_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *wanted, *want;
    } rows[] = {
        {OVERLAYS,                                            "stagin",  "6:1: unknown environment 'stagin'; the plan has production, staging"},
        {HEAD,                                                "staging", "1:1: unknown environment 'staging'; the plan has production"        },
        {HEAD "environments: [a]\n",                          NULL,      "4:15: environments must be a mapping, not a list"                   },
        {HEAD "environments: {a: b}\n",                       NULL,      "4:19: environments.a must be a mapping, not text"                   },
        {HEAD "environments: {A b: {}}\n",                    NULL,      "4:16: 'A b' cannot name an environment"                             },
        {HEAD "environments: {a: {version: 1}}\n",            NULL,
         "4:20: 'version' cannot be changed by an environment"                                                                                },
        {HEAD "environments: {a: {environment: b}}\n",        NULL,      "'environment' cannot be changed"                                    },
        {HEAD "environments: {a: {environments: {}}}\n",      NULL,      "'environments' cannot be changed"                                   },
        {HEAD "environments:\n  a: {timeouts: {total: 5}}\n", NULL,
         "5:25: timeouts.total '5' needs a unit"                                                                                              },
        {HEAD "environment: A\n",                             NULL,      "4:14: environment 'A' must be"                                      },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_FREE char *got = refusal(rows[i].text, rows[i].wanted);
        if (!strstr(got, rows[i].want))
            fail_msg("%s\n got <%s>\nwant <%s>", rows[i].text, got, rows[i].want);
    }
}

static void test_plan_parse_reports_many_problems_with_snippets(void **state)
{
    (void)state;
    struct ship_error err = {0};
    AUTO(yaml_problems_done) struct yaml_problems problems = {0};
    static const char text[] = HEAD "pull: x\npin: y\nwindows: {a: 1}\n";
    assert_null(plan_parse("shipctl.yaml", text, strlen(text), NULL, &problems, &err));
    assert_int_equal(problems.n_errors, 3);
    assert_string_equal(problems.list[1].where, "shipctl.yaml:5:6");
    assert_string_equal(problems.list[1].snippet, "   5 | pin: y\n     |      ^");
    assert_non_null(strstr(err.msg, "(and 2 more problems)"));
}

/* ---- files ---- */

struct folder {
    char path[64];
};

static void folder_make(struct folder *f)
{
    *f = (struct folder){.path = "/tmp/test_plan.XXXXXX"};
    assert_non_null(mkdtemp(f->path));
}

static void folder_done(struct folder *f)
{
    static const char *const names[] = {"shipctl.yaml", "shipctl.yml", "other.yaml"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        AUTO_FREE char *path = file_path_join(f->path, names[i]);
        unlink(path);
    }
    rmdir(f->path);
}

static char *folder_write(const struct folder *f, const char *name, const char *text, mode_t mode)
{
    struct ship_error err = {0};
    char *path = file_path_join(f->path, name);
    assert_int_equal(file_replace(path, text, strlen(text), 0600, &err), 0);
    assert_int_equal(chmod(path, mode), 0);
    return path;
}

static struct plan *load(const char *dir, const char *path, struct ship_error *err)
{
    AUTO(yaml_problems_done) struct yaml_problems problems = {0};
    return plan_load(dir, path, NULL, &problems, err);
}

static void test_plan_load_finds_yaml_before_yml(void **state)
{
    (void)state;
    AUTO(folder_done) struct folder f;
    folder_make(&f);
    struct ship_error err = {0};
    AUTO_FREE char *yml = folder_write(&f, "shipctl.yml", HEAD "pull: never\n", 0644);
    AUTO_PTR(plan_free) struct plan *p = load(f.path, NULL, &err);
    assert_non_null(p);
    assert_string_equal(p->path, yml);
    assert_string_equal(p->dir, f.path);
    assert_int_equal(p->pull, PLAN_PULL_NEVER);
    AUTO_FREE char *yaml = folder_write(&f, "shipctl.yaml", HEAD, 0600);
    AUTO_PTR(plan_free) struct plan *q = load(f.path, NULL, &err);
    assert_string_equal(q->path, yaml);
    assert_string_not_equal(q->hash, p->hash);
    AUTO_FREE char *other = folder_write(&f, "other.yaml", HEAD, 0600);
    AUTO_PTR(plan_free) struct plan *r = load(NULL, other, &err);
    assert_string_equal(r->path, other);
    assert_string_equal(r->hash, q->hash);
}

static void test_plan_load_missing_plan_points_to_init(void **state)
{
    (void)state;
    AUTO(folder_done) struct folder f;
    folder_make(&f);
    struct ship_error err = {0};
    assert_null(load(f.path, NULL, &err));
    assert_int_equal(err.code, SHIP_INVALID);
    assert_non_null(strstr(err.msg, "/shipctl.yaml'"));
    assert_non_null(strstr(err.hint, "shipctl init"));
}

static void test_plan_load_plan_others_can_write_is_refused(void **state)
{
    (void)state;
    static const mode_t modes[] = {0620, 0602, 0666};
    AUTO(folder_done) struct folder f;
    folder_make(&f);
    for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
        struct ship_error err = {0};
        AUTO_FREE char *path = folder_write(&f, "shipctl.yaml", HEAD, modes[i]);
        assert_null(load(f.path, NULL, &err));
        assert_int_equal(ship_code_exit_status(err.code), 10);
        assert_true(err.hint[0] != '\0');
    }
}

static void test_plan_load_directory_or_huge_file_is_refused(void **state)
{
    (void)state;
    AUTO(folder_done) struct folder f;
    folder_make(&f);
    struct ship_error err = {0};
    assert_null(load(NULL, f.path, &err));
    assert_int_equal(err.code, SHIP_INVALID);
    AUTO_FREE char *path = folder_write(&f, "shipctl.yaml", HEAD, 0600);
    assert_int_equal(truncate(path, PLAN_BYTES_MAX + 1), 0);
    assert_null(load(f.path, NULL, &err));
    assert_int_equal(err.code, SHIP_INVALID);
}

/* ---- starter ---- */

static void test_plan_starter_loads_as_it_is(void **state)
{
    (void)state;
    static const struct {
        const char *app, *image, *url;
        size_t n_health;
    } rows[] = {
        {"shop", "registry.example.com/acme/shop", "http://127.0.0.1:8080/health", 1},
        {"shop", "localhost:5000/shop",            NULL,                           0},
        {"1",    "123",                            "http://[::1]:80/?a=\"b\\c#",   1},
        {"true", "null",                           NULL,                           0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_FREE char *text = plan_starter(rows[i].app, rows[i].image, rows[i].url);
        AUTO_PTR(plan_free) struct plan *p = parse(text);
        assert_string_equal(p->app, rows[i].app);
        assert_string_equal(p->image, rows[i].image);
        assert_int_equal(p->checks.health.n, rows[i].n_health);
        if (rows[i].url)
            assert_string_equal(yaml_get(p->checks.health.items[0].node, "url")->text, rows[i].url);
    }
}

/* Taking "# " away from lines that look like YAML gives the examples the comments promise. */
static void test_plan_starter_commented_examples_are_valid(void **state)
{
    (void)state;
    AUTO_FREE char *text = plan_starter("shop", "reg.io/shop", NULL);
    AUTO(buf_done) struct buf out = BUF_INIT(1u << 16);
    char *rest = text;
    for (char *line = strsep(&rest, "\n"); line; line = strsep(&rest, "\n")) {
        bool is_key = str_starts(line, "#   ") ||
                      (str_starts(line, "# ") && strchr("abcdefghijklmnopqrstuvwxyz", line[2]) &&
                       strchr(line, ':'));
        buf_addf(&out, "%s\n", is_key ? line + 2 : line);
    }
    AUTO_PTR(plan_free) struct plan *p = parse(out.p);
    assert_int_equal(p->hooks.backup.n, 1);
    assert_int_equal(p->hooks.migrate.n, 1);
    assert_int_equal(p->checks.health.n, 1);
    assert_int_equal(p->compose.n, 1);
    assert_int_equal(p->timeouts.total_ms, 600000);
    assert_int_equal(p->prune.keep, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plan_parse_smallest_plan_has_contract_defaults),
        cmocka_unit_test(test_plan_parse_full_plan_is_decoded),
        cmocka_unit_test(test_plan_parse_health_phase_tries_ten_times),
        cmocka_unit_test(test_plan_parse_bad_plan_is_refused_with_position),
        cmocka_unit_test(test_plan_parse_unsupported_keys_are_refused_by_name),
        cmocka_unit_test(test_plan_parse_bad_hooks_are_refused),
        cmocka_unit_test(test_plan_parse_bad_checks_are_refused),
        cmocka_unit_test(test_plan_parse_overlay_is_merged),
        cmocka_unit_test(test_plan_parse_own_environment_needs_no_overlay),
        cmocka_unit_test(test_plan_parse_bad_environments_are_refused),
        cmocka_unit_test(test_plan_parse_reports_many_problems_with_snippets),
        cmocka_unit_test(test_plan_load_finds_yaml_before_yml),
        cmocka_unit_test(test_plan_load_missing_plan_points_to_init),
        cmocka_unit_test(test_plan_load_plan_others_can_write_is_refused),
        cmocka_unit_test(test_plan_load_directory_or_huge_file_is_refused),
        cmocka_unit_test(test_plan_starter_loads_as_it_is),
        cmocka_unit_test(test_plan_starter_commented_examples_are_valid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
