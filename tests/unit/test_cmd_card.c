/* Cards: what people read on standard output, as golden text. */
#include <stdlib.h>

#include "shipctl/text.h"

#include "card.h"
#include "history_card.h"
#include "status_card.h"
#include "unit/assert.h"

#define AT_MS INT64_C(1795224054000) /* 2026-11-21T01:20:54Z */
#define S(s)  ((char[]){s})

static const struct style plain = {false, false};

static void test_card_result_of_a_success(void **state)
{
    char *warnings[] = {S("disk is 90% full")};
    const struct ship_result r = {
        .deployment = 42,
        .app = S("shop"),
        .action = S("deploy"),
        .outcome = SHIP_OUTCOME_SUCCEEDED,
        .from = {S("v1"), S("sha256:1111111111111111")},
        .to = {S("v2"), S("sha256:2222222222222222")},
        .started_at_ms = AT_MS,
        .finished_at_ms = AT_MS,
        .duration_ms = 4200,
        .downtime_ms = 320,
        .actor = S("wei"),
        .reason = S("fix\033[2J login"),
        .warnings = warnings,
        .n_warnings = 1,
        .audit_head = "9fa0c1d2e3f4",
    };
    struct text t = {0};

    (void)state;
    card_result(&t, &plain, &r);
    assert_string_equal(text_str(&t),
                        "ok shop v2 serves\n"
                        "     version  v1 (sha256:111111111111) -> v2 (sha256:222222222222)\n"
                        "    duration  4.2 s, downtime 320 ms\n"
                        "  deployment  42 by wei, audit 9fa0c1d2e3f4\n"
                        "      reason  fix login\n"
                        "     warning  disk is 90% full\n");
    text_done(&t);
}

static void test_card_result_of_a_rollback_names_error_remedy_and_evidence(void **state)
{
    struct ship_result r = {
        .deployment = 43,
        .app = S("shop"),
        .action = S("deploy"),
        .outcome = SHIP_OUTCOME_ROLLED_BACK,
        .exit_code = 20,
        .from = {S("v1"), NULL},
        .to = {S("v2"), NULL},
        .finished_at_ms = AT_MS,
        .duration_ms = 25000,
        .downtime_ms = -1,
        .rollback = S("v1 is serving again, verified in 1.2 s"),
        .evidence = S("exit code 1\nERROR \033]0;title\007bad\n"),
    };
    struct text t = {0};

    (void)state;
    (void)ship_fail(&r.error, SHIP_UNPROVEN, "check 'web': status 503");
    (void)ship_error_hint(&r.error, "shipctl history 43");
    card_result(&t, &plain, &r);
    assert_string_equal(text_str(&t), "!! shop v2 failed: v1 serves again\n"
                                      "       error  check 'web': status 503\n"
                                      "        next  shipctl history 43\n"
                                      "    rollback  v1 is serving again, verified in 1.2 s\n"
                                      "     version  v1 -> v2\n"
                                      "    duration  25.0 s\n"
                                      "  deployment  43\n"
                                      "    evidence\n"
                                      "              | exit code 1\n"
                                      "              | ERROR bad\n");
    text_done(&t);
}

static void test_card_headline_says_what_serves(void **state)
{
    static char deploy[] = "deploy";
    static char rollback[] = "rollback";
    static char recover[] = "recover";
    static char check[] = "check";
    static const struct {
        char *action;
        enum ship_outcome outcome;
        int exit_code;
        const char *headline;
    } rows[] = {
        {deploy,   SHIP_OUTCOME_NOOP,        0,   "shop v2 already runs: nothing to do"           },
        {deploy,   SHIP_OUTCOME_FAILED,      17,  "shop v2 failed: what runs was not touched"     },
        {deploy,   SHIP_OUTCOME_FAILED,      30,
         "shop v2 failed, and so did the way back: look at it now"                                },
        {deploy,   SHIP_OUTCOME_FAILED,      31,  "shop v2 failed and was not rolled back"        },
        {deploy,   SHIP_OUTCOME_REFUSED,     13,  "shop v2 failed: what runs was not touched"     },
        {deploy,   SHIP_OUTCOME_INTERRUPTED, 130,
         "shop v2 was interrupted: what runs was not touched"                                     },
        {deploy,   SHIP_OUTCOME_INTERRUPTED, 32,  "shop v2 was interrupted with changes in flight"},
        {deploy,   SHIP_OUTCOME_PAUSED,      33,  "shop v2 is paused"                             },
        {rollback, SHIP_OUTCOME_FAILED,      16,
         "rollback of shop to v2 failed: what runs was not touched"                               },
        {recover,  SHIP_OUTCOME_NOOP,        0,   "shop: nothing to recover"                      },
        {check,    SHIP_OUTCOME_SUCCEEDED,   0,   "shop: plan and compose file are fine"          },
        {check,    SHIP_OUTCOME_FAILED,      15,  "shop: checks failed"                           },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        const struct ship_result r = {
            .app = S("shop"),
            .action = rows[i].action,
            .outcome = rows[i].outcome,
            .exit_code = rows[i].exit_code,
            .to = {S("v2"), NULL}
        };
        struct text t = {0};

        card_headline(&r, &t);
        assert_string_equal(text_str(&t), rows[i].headline);
        text_done(&t);
    }
}

static void test_card_preview_shows_names_never_values(void **state)
{
    struct ship_preview_image images[] = {
        {S("app"), S("r/app:v2"), NULL, S("sha256:2222222222222222"), false}
    };
    struct ship_preview_env env[] = {
        {S("app"), S("LOG_LEVEL"),   '~'},
        {S("app"), S("DB_PASSWORD"), '+'}
    };
    struct ship_preview_action actions[] = {
        {S("pull"), S("image r/app:v2"),     S("18 MB")},
        {S("stop"), S("container shop-app"), NULL      }
    };
    struct ship_preview preview = {.images = images,
                                   .n_images = 1,
                                   .env = env,
                                   .n_env = 2,
                                   .actions = actions,
                                   .n_actions = 2,
                                   .disk_free_bytes = 20000000000,
                                   .disk_need_bytes = 18000000,
                                   .disk_path = S("/var/lib/docker")};
    const struct ship_result r = {.preview = &preview};
    struct text t = {0};

    (void)state;
    card_preview(&t, &plain, &r);
    assert_string_equal(text_str(&t), "\nImages\n"
                                      "  SERVICE  IMAGE     NOW  THEN                 FROM\n"
                                      "  app      r/app:v2  -    sha256:222222222222  registry\n"
                                      "\nEnvironment\n"
                                      "  ~ app LOG_LEVEL\n"
                                      "  + app DB_PASSWORD\n"
                                      "\nActions\n"
                                      "   1. pull image r/app:v2: 18 MB\n"
                                      "   2. stop container shop-app\n"
                                      "\nDisk /var/lib/docker\n"
                                      "  18 MB to download, 20 GB free\n");
    text_done(&t);
}

static void test_status_card_shows_services_and_drift(void **state)
{
    struct ship_status_service services[] = {
        {.service = S("app"),
         .container = S("shop-app"),
         .version = S("v2"),
         .state = S("running"),
         .health = S("healthy"),
         .deployed = true,
         .started_at_ms = AT_MS,
         .cpu_pct = 1.25,
         .memory_bytes = 18000000,
         .memory_limit_bytes = 64000000},
        {.service = S("db"),
         .state = S("exited"),
         .health = S("none"),
         .exit_code = 137,
         .oom_killed = true,
         .restarts = 3,
         .cpu_pct = -1,
         .memory_bytes = -1  },
    };
    struct ship_drift drift[] = {
        {S("app"), S("version"), S("container runs v1"), S("shipctl deploy v2")}
    };
    struct ship_status st = {.app = S("shop"),
                             .environment = S("production"),
                             .deployment = 42,
                             .version = S("v2"),
                             .healthy = true,
                             .deployed_at_ms = AT_MS,
                             .actor = S("wei"),
                             .services = services,
                             .n_services = 2,
                             .drift = drift,
                             .n_drift = 1};
    struct text t = {0};

    (void)state;
    st.previous.version = S("v1");
    st.previous.deployment = 41;
    st.previous.image_is_local = true;
    status_card(&t, &plain, &st, AT_MS + 180000);
    assert_string_equal(
        text_str(&t),
        "* shop (production) v2: healthy\n"
        "     version  v2\n"
        "       since  2026-11-21T01:20:54Z (3 min ago)\n"
        "  deployment  42 by wei\n"
        "    previous  v1 (deployment 41), ready: shipctl rollback\n"
        "\n"
        "  SERVICE  CONTAINER  VERSION  STATE                        HEALTH     CPU         MEMORY"
        "  RESTARTS  UP\n"
        "  app *    shop-app   v2       running                      healthy  1.2 %  18 MB / 64 MB"
        "         0  3 min\n"
        "  db       -          -        exited (137, out of memory)  none         -              -"
        "         3  -\n"
        "\n"
        "  Drift\n"
        "  ! app: container runs v1; next: shipctl deploy v2\n");
    text_done(&t);
}

static void test_status_card_shouts_about_an_interrupted_operation(void **state)
{
    struct ship_status st = {.app = S("shop"), .deployment = 41, .version = S("v1")};
    struct text t = {0};

    (void)state;
    st.operation.action = S("deploy");
    st.operation.version = S("v2");
    st.operation.step = S("switch");
    st.operation.state = S("switching");
    st.operation.actor = S("wei");
    st.operation.since_ms = AT_MS;
    status_card(&t, &plain, &st, AT_MS + 5000);
    assert_contains(text_str(&t), "* shop v1: not healthy\n");
    assert_contains(text_str(&t), " interrupted  deploy v2, step switch by wei, began 5 s ago, "
                                  "state switching\n        next  shipctl recover\n");
    text_clear(&t);
    st.operation.pid = 77;
    status_card(&t, &plain, &st, AT_MS + 5000);
    assert_contains(text_str(&t), "     running  deploy v2, step switch by wei, began 5 s ago\n");
    assert_contains(text_str(&t), "     process  77\n");
    text_done(&t);
}

static void test_status_card_without_a_deployment_says_what_to_type(void **state)
{
    const struct ship_status st = {.app = S("shop")};
    struct text t = {0};

    (void)state;
    status_card(&t, &plain, &st, AT_MS);
    assert_string_equal(text_str(&t),
                        "* shop: never deployed\n        next  shipctl deploy VERSION\n");
    text_done(&t);
}

static void test_history_table_lists_newest_first_as_given(void **state)
{
    struct ship_history_entry entries[] = {
        {.result = {.deployment = 42,
                    .app = S("shop"),
                    .environment = S("production"),
                    .action = S("deploy"),
                    .outcome = SHIP_OUTCOME_ROLLED_BACK,
                    .from = {S("v1"), NULL},
                    .to = {S("v2"), NULL},
                    .started_at_ms = AT_MS,
                    .finished_at_ms = AT_MS,
                    .duration_ms = 25000,
                    .actor = S("wei")}},
        { .result = {.deployment = 7,
                    .app = S("shop"),
                    .action = S("deploy"),
                    .to = {S("v1"), NULL},
                    .outcome = SHIP_OUTCOME_SUCCEEDED,
                    .started_at_ms = AT_MS - 86400000},
         .is_current = true},
    };
    const struct ship_history h = {entries, 2};
    const struct ship_history none = {NULL, 0};
    struct text t = {0};

    (void)state;
    history_table(&t, &plain, &h, false, AT_MS + 60000);
    assert_string_equal(text_str(&t),
                        "ID  ACTION  FROM  TO  OUTCOME      WHEN         TOOK  BY   NOTE\n"
                        "42  deploy  v1    v2  rolled_back  1 min ago  25.0 s  wei  -\n"
                        " 7  deploy  -     v1  succeeded    1 d ago         -  -    serves now\n");
    text_clear(&t);
    history_table(&t, &plain, &h, true, AT_MS);
    assert_contains(text_str(&t), "42  shop (production)  deploy");
    text_clear(&t);
    history_table(&t, &plain, &none, false, AT_MS);
    assert_string_equal(text_str(&t), "no deployment yet\n");
    text_done(&t);
}

static void test_history_card_shows_steps_checks_diff_and_evidence(void **state)
{
    struct ship_result_step steps[] = {
        {S("pull"),   SHIP_STEP_DONE,   AT_MS, 6100,  S("20 MB")     },
        {S("health"), SHIP_STEP_FAILED, AT_MS, 20000, S("status 503")}
    };
    struct ship_result_check checks[] = {
        {S("web"), S("http"), S("health"), true, S("fail"), 10, 20000, S("status 503")}
    };
    char *diff[] = {S("~ image"), S("+ environment LOG\033[2J_LEVEL")};
    const struct ship_history_entry e = {
        .result = {.deployment = 42,
                   .app = S("shop"),
                   .action = S("deploy"),
                   .outcome = SHIP_OUTCOME_ROLLED_BACK,
                   .to = {S("v2"), NULL},
                   .from = {S("v1"), NULL},
                   .started_at_ms = AT_MS,
                   .downtime_ms = -1,
                   .steps = steps,
                   .n_steps = 2,
                   .checks = checks,
                   .n_checks = 1,
                   .evidence = S("ERROR bad\n")},
        .state = S("rolled_back"),
        .spec_diff = diff,
        .n_spec_diff = 2
    };
    struct text t = {0};

    (void)state;
    history_card(&t, &plain, &e, AT_MS);
    assert_string_equal(text_str(&t), "!! shop v2 failed: v1 serves again\n"
                                      "     version  v1 -> v2\n"
                                      "  deployment  42\n"
                                      "      action  deploy\n"
                                      "       began  2026-11-21T01:20:54Z (0 s ago)\n"
                                      "       state  rolled_back\n"
                                      "\nSteps\n"
                                      "  STEP    RESULT    TOOK  MESSAGE\n"
                                      "  pull    done     6.1 s  20 MB\n"
                                      "  health  failed  20.0 s  status 503\n"
                                      "\nChecks\n"
                                      "  PHASE   CHECK  TYPE  RESULT  TRIES    TOOK  MESSAGE\n"
                                      "  health  web    http  fail       10  20.0 s  status 503\n"
                                      "\nChanges of the specification\n"
                                      "  ~ image\n"
                                      "  + environment LOG_LEVEL\n"
                                      "\nEvidence\n"
                                      "  | ERROR bad\n");
    text_done(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_card_result_of_a_success),
        cmocka_unit_test(test_card_result_of_a_rollback_names_error_remedy_and_evidence),
        cmocka_unit_test(test_card_headline_says_what_serves),
        cmocka_unit_test(test_card_preview_shows_names_never_values),
        cmocka_unit_test(test_status_card_shows_services_and_drift),
        cmocka_unit_test(test_status_card_shouts_about_an_interrupted_operation),
        cmocka_unit_test(test_status_card_without_a_deployment_says_what_to_type),
        cmocka_unit_test(test_history_table_lists_newest_first_as_given),
        cmocka_unit_test(test_history_card_shows_steps_checks_diff_and_evidence),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
