/* What `rollback` goes back to when nobody names a version. */
#include <stdlib.h>

#include "base/str.h"
#include "deploy/rollback_target.h"
#include "support/project_fixture.h"
#include "unit/assert.h"

/* A step of history: "v1" deployed, "!v2" failed, "<1" rolled back to deployment 1. */
static void play(struct project *p, const char *story)
{
    for (const char *at = story; *at;) {
        size_t len = strcspn(at, " ");
        AUTO_FREE char *word = xstrndup(at, len);
        if (word[0] == '!')
            (void)project_fail(p, &(struct project_version){.version = word + 1});
        else if (word[0] == '<')
            (void)project_deploy(p, &(struct project_version){.version = strchr(word, 'v'),
                                                              .target_id = word[1] - '0'});
        else
            (void)project_deploy(p, &(struct project_version){.version = word});
        at += len + (at[len] == ' ');
    }
}

static void test_rollback_target_find_follows_one_rule(void **state)
{
    static const struct {
        const char *story;
        bool serves;
        int64_t want; /* deployment; 0 = none */
        const char *why;
    } rows[] = {
        {"v1",            true,  0, "nothing earlier"                                  },
        {"v1 v2",         true,  1, "the one before"                                   },
        {"v1 v1",         true,  0, "the same version twice is nothing to go back to"  },
        {"v1 v2 v2",      true,  1, "not to the same version"                          },
        {"v1 v2 !v3",     true,  1, "a failure that was rolled back does not count"    },
        {"v1 v2 !v3",     false, 2, "a failure that was left in place: its predecessor"},
        {"v1 v2 v3 <2v2", true,  1, "after a rollback it goes further back"            },
        {"v1 v2 v3 <1v1", true,  0, "never forward to what failed"                     },
        {"v1 !v2 v3",     true,  1, "over a failure in between"                        },
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct project *p = project_new(PROJECT_PLAN, PROJECT_COMPOSE);
        AUTO(ledger_deployment_done) struct ledger_deployment now = {0}, found = {0};
        play(p, rows[i].story);
        assert_ok(ledger_current(p->l, "shop", "production", &now, &p->err), &p->err);
        int rc = rollback_target_find(p->l, &now, rows[i].serves, &found, &p->err);
        row_check(rc == (rows[i].want == 0), rows[i].why);
        row_check(found.id == rows[i].want, rows[i].why);
        project_free(p);
    }
}

static void test_rollback_target_serves_looks_at_live_containers_of_the_app_only(void **state)
{
    static const struct {
        const char *name, *labels;
        bool serves;
        const char *why;
    } rows[] = {
        {"shop-app-1",                  "\"io.shipctl.version\":\"v2\"", true,  "its version"       },
        {"shop-app-1",                  "\"io.shipctl.version\":\"v3\"", false, "another version"   },
        {"shop-app-1.shipctl-parked-3", "\"io.shipctl.version\":\"v1\"", true,  "it stands aside"   },
        {"shop-app-1",                  "\"x\":\"y\"",                   true,  "not deployed by us"},
    };
    char app[] = "shop", environment[] = "production", version[] = "v2";
    struct ledger_deployment now = {.app = app, .environment = environment, .to_version = version};

    (void)state;
    assert_true(rollback_target_serves(&(struct container_list){0}, &now));
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct ship_error err = {0};
        AUTO_FREE char *text = xasprintf("{\"io.shipctl.app\":\"shop\","
                                         "\"io.shipctl.environment\":\"production\",%s}",
                                         rows[i].labels);
        AUTO_FREE char *name = xstrdup(rows[i].name);
        AUTO_PTR(json_free) struct json *labels = json_parse(text, strlen(text), "labels", &err);
        struct container_row row = {.name = name, .labels = labels};
        struct container_list list = {.rows = &row, .n = 1};
        row_check(rollback_target_serves(&list, &now) == rows[i].serves, rows[i].why);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rollback_target_find_follows_one_rule),
        cmocka_unit_test(test_rollback_target_serves_looks_at_live_containers_of_the_app_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
