/* Prune: the retention rule by rows, and what it does to ledger and engine. */
#include <stdlib.h>

#include "shipctl/prune.h"

#include "base/json.h"
#include "deploy/lock.h"
#include "support/project_fixture.h"
#include "unit/assert.h"

#define R PROJECT_REPOSITORY

static struct ship_prune_report prune(struct project *p, bool dry_run)
{
    struct ship_prune_report r;
    struct ship_prune_request request = {.dry_run = dry_run};

    assert_int_equal(ship_prune(p->s, &request, &r, &p->err), 0);
    return r;
}

/* "@name": by digest. */
static const struct ship_prune_image *find(const struct ship_prune_report *r, const char *image)
{
    AUTO_FREE char *digest = image[0] == '@' ? project_digest(image + 1) : NULL;
    AUTO_FREE char *ref = digest ? xasprintf("%s@%s", R, digest) : xstrdup(image);

    for (size_t i = 0; i < r->n_images; i++)
        if (strcmp(r->images[i].image, ref) == 0)
            return &r->images[i];
    return NULL;
}

static void deploy(struct project *p, const char *version)
{
    project_deploy(p, &(struct project_version){.version = version});
}

/* v1 .. vN, oldest first, each with its image; the newest runs. */
static void deploy_many(struct project *p, int n)
{
    for (int i = 1; i <= n; i++) {
        AUTO_FREE char *version = xasprintf("v%d", i);
        AUTO_FREE char *tag = xasprintf("%s:%s", R, version);

        deploy(p, version);
        project_image(p, version, tag, version);
        if (i == n)
            project_container(p, "app", "shop-app-1", version);
    }
}

static bool is_pruned(struct project *p, const char *version)
{
    struct ledger_query q = {.version = version, .limit = 1, .targets_only = true};
    AUTO(ledger_deployments_done) struct ledger_deployments ds = {0};

    assert_ok(ledger_list(p->l, &q, &ds, &p->err), &p->err);
    return ds.n == 0;
}

/* ---- the rule, one arrangement a row ---- */

static void five(struct project *p)
{
    deploy_many(p, 5);
}
static void same_digest_twice(struct project *p)
{
    deploy_many(p, 3);
    project_deploy(
        p, &(struct project_version){.version = "v3-again", .digest = "v3", .image_id = "v3"});
}
static void rolled_back_to_first(struct project *p)
{
    deploy_many(p, 4);
    project_deploy(p, &(struct project_version){.version = "v1", .target_id = 1});
}
static void pinned(struct project *p)
{
    deploy(p, "v0-lts");
    project_image(p, "v0-lts", R ":v0-lts", NULL);
    deploy_many(p, 4);
}
static void failed_version(struct project *p)
{
    deploy_many(p, 2);
    project_fail(p, &(struct project_version){.version = "v9"});
    project_image(p, "v9", R ":v9", "v9");
}
static void failed_without_tag(struct project *p)
{
    deploy_many(p, 2);
    project_fail(p, &(struct project_version){.version = "v9"});
    project_image(p, "v9", NULL, "v9");
}
static void by_hand(struct project *p)
{
    deploy_many(p, 2);
    project_image(p, "hand", R ":hand", NULL);
}
static void built_over_a_failed_tag(struct project *p)
{
    deploy_many(p, 2);
    project_fail(p, &(struct project_version){.version = "v9"});
    project_image(p, "own-build", R ":v9", NULL);
}
static void stopped_container(struct project *p)
{
    deploy_many(p, 5);
    project_container(p, NULL, "by-hand", "v1")->fake->state = CONTAINER_EXITED;
}
static void other_app(struct project *p)
{
    deploy_many(p, 5);
    project_deploy(p, &(struct project_version){.app = "clone", .version = "v1"});
}
static void other_environment(struct project *p)
{
    deploy_many(p, 5);
    project_deploy(p, &(struct project_version){.environment = "staging", .version = "v1"});
}
static void other_repository(struct project *p)
{
    deploy_many(p, 5);
    project_image(p, "nginx", "nginx:alpine", NULL);
}
static void moved_tag(struct project *p)
{
    static const char *const digests[] = {"a", "b", "c", "d"};

    for (size_t i = 0; i < ROWS(digests); i++)
        project_deploy(p, &(struct project_version){
                              .version = "latest", .digest = digests[i], .image_id = digests[i]});
    project_image(p, "a", NULL, "a");
    project_image(p, "d", R ":latest", "d");
}
static void interrupted_removal(struct project *p)
{
    deploy_many(p, 5);
    assert_ok(ledger_mark_pruned(p->l, 1, &p->err), &p->err);
}

static const struct {
    const char *why;
    void (*arrange)(struct project *p);
    const char *image;
    int removed; /* -1: not in the report */
    const char *reason;
} rules[] = {
    {"what runs stays",                         five,                    R ":v5",        0,  "running in container 'shop-app-1'"},
    {"first rollback target stays",             five,                    R ":v4",        0,  "rollback target 1 of 2"           },
    {"last rollback target stays",              five,                    R ":v3",        0,  "rollback target 2 of 2"           },
    {"beyond the last three goes",              five,                    R ":v2",        1,  "beyond the last 3"                },
    {"much older goes",                         five,                    R ":v1",        1,  "beyond the last 3"                },
    {"two tags of one digest are one version",  same_digest_twice,       R ":v1",        0,
     "rollback target 2 of 2"                                                                                                   },
    {"a rollback makes its version the newest", rolled_back_to_first,    R ":v1",        0,
     "current version"                                                                                                          },
    {"a rollback counts no version twice",      rolled_back_to_first,    R ":v2",        1,  "beyond the last 3"                },
    {"a pattern protects",                      pinned,                  R ":v0-lts",    0,  "pinned by '*-lts'"                },
    {"pinned versions do not take a place",     pinned,                  R ":v2",        0,  "rollback target 2 of 3"           },
    {"a version that never succeeded goes",     failed_version,          R ":v9",        1,  "never succeeded"                  },
    {"the same without its tag",                failed_without_tag,      "@v9",          1,  "never succeeded"                  },
    {"pulled by hand stays",                    by_hand,                 R ":hand",      0,  "not deployed by shipctl"          },
    {"built by hand under a known tag stays",   built_over_a_failed_tag, R ":v9",        0,
     "not deployed by shipctl"                                                                                                  },
    {"a stopped container protects",            stopped_container,       R ":v1",        0,
     "used by container 'by-hand' (exited)"                                                                                     },
    {"another app protects",                    other_app,               R ":v1",        0,  "used by app 'clone' (production)" },
    {"another environment protects",            other_environment,       R ":v1",        0,  "used by app 'shop' (staging)"     },
    {"other repositories are not ours",         other_repository,        "nginx:alpine", -1, NULL                               },
    {"a moved tag: the old digest goes",        moved_tag,               "@a",           1,  "beyond the last 3"                },
    {"a moved tag: the new digest stays",       moved_tag,               R ":latest",    0,  "current version"                  },
    {"what an interrupted prune left goes",     interrupted_removal,     R ":v1",        1,  "beyond the last 3"                },
};

static void check_rule(const struct ship_prune_report *r, size_t i)
{
    const struct ship_prune_image *image = find(r, rules[i].image);

    row_check((image != NULL) == (rules[i].removed >= 0), rules[i].why);
    if (image == NULL)
        return;
    row_check(image->removed == (rules[i].removed == 1), rules[i].why);
    if (strcmp(image->why, rules[i].reason) != 0)
        fail_msg("row '%s': '%s', expected '%s'", rules[i].why, image->why, rules[i].reason);
}

static void test_prune_rule_by_arrangement_gives_verdict_and_reason(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(rules); i++) {
        struct project *p =
            project_new(PROJECT_PLAN "prune: {keep: 3, pin: [\"*-lts\"]}\n", PROJECT_COMPOSE);

        rules[i].arrange(p);
        struct ship_prune_report r = prune(p, true);
        check_rule(&r, i);
        row_check(!fake_called(&p->fake, "image_remove"), rules[i].why);
        ship_prune_done(&r);
        project_free(p);
    }
}

/* ---- doing it ---- */

static void test_prune_removes_references_and_marks_rows(void **state)
{
    (void)state;
    struct project *p = project_new(PROJECT_PLAN, PROJECT_COMPOSE);

    deploy_many(p, 5);
    struct ship_prune_report r = prune(p, false);
    assert_int_equal(r.freed_bytes, 200);
    assert_int_equal(r.keep, 3);
    assert_int_equal(fake_calls(&p->fake, "image_remove"), 4);
    assert_true(fake_called(&p->fake, "image_remove " R ":v1"));
    AUTO_FREE char *digest = project_digest("v1");
    AUTO_FREE char *call = xasprintf("image_remove %s@%s", R, digest);
    assert_true(fake_called(&p->fake, call));
    assert_true(is_pruned(p, "v1") && is_pruned(p, "v2"));
    assert_false(is_pruned(p, "v3") || is_pruned(p, "v4") || is_pruned(p, "v5"));
    ship_prune_done(&r);
    project_free(p);
}

static void test_prune_dry_run_changes_nothing(void **state)
{
    (void)state;
    struct project *p = project_new(PROJECT_PLAN, PROJECT_COMPOSE);

    deploy_many(p, 5);
    struct ship_prune_report r = prune(p, true);
    assert_true(r.dry_run);
    assert_int_equal(r.freed_bytes, 200);
    assert_false(fake_called(&p->fake, "image_remove"));
    assert_false(is_pruned(p, "v1"));
    ship_prune_done(&r);
    project_free(p);
}

static void test_prune_keep_option_wins_over_plan(void **state)
{
    (void)state;
    struct project *p = project_new(PROJECT_PLAN, PROJECT_COMPOSE);
    struct ship_prune_request request = {.keep = 1};
    struct ship_prune_report r;

    deploy_many(p, 3);
    assert_int_equal(ship_prune(p->s, &request, &r, &p->err), 0);
    assert_int_equal(r.freed_bytes, 200);
    assert_true(is_pruned(p, "v2"));
    assert_false(is_pruned(p, "v3"));
    ship_prune_done(&r);
    project_free(p);
}

static void test_prune_shared_image_frees_no_space(void **state)
{
    (void)state;
    struct project *p = project_new(PROJECT_PLAN, PROJECT_COMPOSE);

    deploy_many(p, 4);
    strv_add(&p->images[0].tags, "backup/shop:v1");
    struct ship_prune_report r = prune(p, false);
    assert_true(find(&r, R ":v1")->removed);
    assert_int_equal(r.freed_bytes, 0);
    assert_false(fake_called(&p->fake, "image_remove backup/shop:v1"));
    ship_prune_done(&r);
    project_free(p);
}

static void test_prune_refused_removal_warns_and_next_prune_repeats(void **state)
{
    (void)state;
    struct project *p = project_new(PROJECT_PLAN, PROJECT_COMPOSE);

    deploy_many(p, 4);
    fake_fail(&p->fake, "image_remove", SHIP_CONFLICT, "image is being used");
    struct ship_prune_report r = prune(p, false);
    assert_false(find(&r, R ":v1")->removed);
    assert_int_equal(r.n_warnings, 1);
    assert_contains(r.warnings[0], "image is being used");
    assert_int_equal(r.freed_bytes, 0);
    assert_true(is_pruned(p, "v1"));
    ship_prune_done(&r);
    p->fake.n_failures = 0;
    r = prune(p, false);
    assert_true(find(&r, R ":v1")->removed);
    ship_prune_done(&r);
    project_free(p);
}

static void test_prune_engine_gone_fails_after_marking(void **state)
{
    (void)state;
    struct project *p = project_new(PROJECT_PLAN, PROJECT_COMPOSE);
    struct ship_prune_request request = {0};
    struct ship_prune_report r;

    deploy_many(p, 4);
    fake_fail(&p->fake, "image_remove", SHIP_UNREACHABLE, "connection refused");
    assert_int_equal(ship_prune(p->s, &request, &r, &p->err), 11);
    assert_true(is_pruned(p, "v1"));
    assert_int_equal(r.freed_bytes, 0);
    ship_prune_done(&r);
    project_free(p);
}

static void test_prune_locked_exits_13(void **state)
{
    (void)state;
    struct project *p = project_new(PROJECT_PLAN, PROJECT_COMPOSE);
    struct ship_prune_request request = {0};
    struct ship_prune_report r;
    struct lock lock = LOCK_INIT;
    struct lock_text text = {.actor = "mei", .action = "deploy", .version = "v7"};

    assert_ok(lock_take(&lock, &(struct lock_scope){p->s->state_dir, "shop", "production"}, &text,
                        0, &p->s->patient, &p->err),
              &p->err);
    assert_int_equal(ship_prune(p->s, &request, &r, &p->err), 13);
    assert_contains(p->err.msg, "mei");
    ship_prune_done(&r);
    lock_release(&lock);
    project_free(p);
}

static void test_prune_without_ledger_removes_nothing(void **state)
{
    (void)state;
    struct project *p = project_new(PROJECT_PLAN, PROJECT_COMPOSE);

    project_image(p, "x", R ":x", "x");
    struct ship_prune_report r = prune(p, false);
    assert_int_equal(r.n_images, 1);
    assert_false(r.images[0].removed);
    ship_prune_done(&r);
    project_free(p);
}

static void test_prune_invalid_plan_exits_10(void **state)
{
    (void)state;
    struct project *p = project_new(PROJECT_PLAN "prune: {keep: 0}\n", PROJECT_COMPOSE);
    struct ship_prune_request request = {0};
    struct ship_prune_report r;

    assert_int_equal(ship_prune(p->s, &request, &r, &p->err), 10);
    ship_prune_done(&r);
    project_free(p);
}

static void test_prune_json_says_what_stays_and_why(void **state)
{
    (void)state;
    struct project *p = project_new(PROJECT_PLAN, PROJECT_COMPOSE);

    deploy_many(p, 4);
    struct ship_prune_report r = prune(p, true);
    AUTO_FREE char *text = ship_prune_json(&r);
    AUTO_PTR(json_free) struct json *j = json_parse(text, strlen(text), "prune", &p->err);
    assert_not_null_ok(j, &p->err);
    assert_int_equal(json_i64(j, "freed_bytes", -1), 100);
    assert_int_equal(json_size(json_get(j, "images")), 4);
    const struct json *first = json_first(json_get(j, "images"));
    assert_string_equal(json_str(first, "why"), "beyond the last 3");
    assert_true(json_bool(first, "removed", false));
    ship_prune_done(&r);
    project_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_prune_rule_by_arrangement_gives_verdict_and_reason),
        cmocka_unit_test(test_prune_removes_references_and_marks_rows),
        cmocka_unit_test(test_prune_dry_run_changes_nothing),
        cmocka_unit_test(test_prune_keep_option_wins_over_plan),
        cmocka_unit_test(test_prune_shared_image_frees_no_space),
        cmocka_unit_test(test_prune_refused_removal_warns_and_next_prune_repeats),
        cmocka_unit_test(test_prune_engine_gone_fails_after_marking),
        cmocka_unit_test(test_prune_locked_exits_13),
        cmocka_unit_test(test_prune_without_ledger_removes_nothing),
        cmocka_unit_test(test_prune_invalid_plan_exits_10),
        cmocka_unit_test(test_prune_json_says_what_stays_and_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
