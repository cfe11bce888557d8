/* Images of targets: which platforms fit, what `pull` looks at, what is pulled. */
#include <stdio.h>
#include <stdlib.h>

#include "base/str.h"
#include "deploy/image.h"
#include "support/project_fixture.h"
#include "unit/assert.h"

static const char *platforms; /* of the registry's answer, separated by blanks */

static int resolve(struct runtime *rt, const char *ref, struct remote_image *ret,
                   int64_t deadline_ms, struct ship_error *err)
{
    (void)rt, (void)ref, (void)deadline_ms, (void)err;
    AUTO_FREE char *digest = project_digest("remote");
    *ret = (struct remote_image){0};
    (void)snprintf(ret->digest, sizeof ret->digest, "%s", digest);
    for (const char *p = platforms; *p;) {
        size_t len = strcspn(p, " ");
        strv_take(&ret->platforms, xstrndup(p, len));
        p += len + (p[len] == ' ');
    }
    return 0;
}

struct bench {
    struct project *p;
    struct ship_result res;
    struct operation op;
    struct target t;
    struct ship_error err;
};

static struct bench *bench_new(const char *plan)
{
    struct bench *b = xcalloc(1, sizeof *b);

    b->p = project_new(plan, PROJECT_COMPOSE);
    assert_ok(session_need_plan(b->p->s, &b->err), &b->err);
    b->p->fake.ops.resolve = resolve;
    operation_init(&b->op, b->p->s, &b->res, "deploy");
    b->op.deadline_ms = CLOCK_NEVER;
    (void)snprintf(b->op.engine.os, sizeof b->op.engine.os, "linux");
    (void)snprintf(b->op.engine.arch, sizeof b->op.engine.arch, "amd64");
    b->t = (struct target){.service = xstrdup("app"),
                           .image = xstrdup(PROJECT_REPOSITORY ":v2"),
                           .repository = xstrdup(PROJECT_REPOSITORY)};
    platforms = "linux/amd64";
    return b;
}

static void bench_free(struct bench *b)
{
    free(b->t.service);
    free(b->t.image);
    free(b->t.repository);
    free(b->t.digest);
    free(b->t.image_id);
    operation_done(&b->op);
    ship_result_done(&b->res);
    project_free(b->p);
    free(b);
}

static void test_image_resolve_target_compares_platforms(void **state)
{
    static const struct {
        const char *has, *arch;
        bool fits;
        const char *why;
    } rows[] = {
        {"linux/amd64",             "amd64", true,  "the same"                      },
        {"linux/arm64 linux/amd64", "amd64", true,  "one of several"                },
        {"linux/arm64/v8",          "arm64", true,  "with a variant"                },
        {"",                        "amd64", true,  "nothing known"                 },
        {"linux/arm64",             "amd64", false, "another one"                   },
        {"linux/arm64",             "arm",   false, "only the beginning is the same"},
        {"windows/amd64",           "amd64", false, "another system"                },
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct bench *b = bench_new(PROJECT_PLAN);
        platforms = rows[i].has;
        (void)snprintf(b->op.engine.arch, sizeof b->op.engine.arch, "%s", rows[i].arch);
        int rc = image_resolve_target(&b->op, &b->t, &b->err);
        row_check((rc == 0) == rows[i].fits, rows[i].why);
        row_check(rc == 0 || b->err.code == SHIP_NOT_FOUND, rows[i].why);
        row_check(rc == 0 || strstr(b->err.hint, "build and push") != NULL, rows[i].why);
        bench_free(b);
    }
}

static void test_image_resolve_target_with_own_platform_is_not_compared(void **state)
{
    struct bench *b = bench_new(PROJECT_PLAN);
    char platform[] = "linux/arm64";

    (void)state;
    platforms = "linux/arm64";
    b->t.platform = platform;
    assert_ok(image_resolve_target(&b->op, &b->t, &b->err), &b->err);
    AUTO_FREE char *digest = project_digest("remote");
    assert_string_equal(b->t.digest, digest);
    bench_free(b);
}

static void test_image_resolve_target_asks_as_the_plan_says(void **state)
{
    static const struct {
        const char *plan;
        bool is_local;
        int rc;
        bool remote;
        const char *why;
    } rows[] = {
        {PROJECT_PLAN,                   true,  0,  true,  "always, although it is local"},
        {PROJECT_PLAN "pull: missing\n", true,  0,  false, "missing, local"              },
        {PROJECT_PLAN "pull: missing\n", false, 0,  true,  "missing, not local"          },
        {PROJECT_PLAN "pull: never\n",   true,  0,  false, "never, local"                },
        {PROJECT_PLAN "pull: never\n",   false, -1, false, "never, not local"            },
    };
    (void)state;
    AUTO_FREE char *remote = project_digest("remote");
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct bench *b = bench_new(rows[i].plan);
        if (rows[i].is_local)
            project_image(b->p, "v2", PROJECT_REPOSITORY ":v2", "local");
        row_check(image_resolve_target(&b->op, &b->t, &b->err) == rows[i].rc, rows[i].why);
        row_check(str_eq(b->t.digest, remote) == rows[i].remote, rows[i].why);
        row_check(rows[i].rc == 0 || strstr(b->err.msg, "pull: never") != NULL, rows[i].why);
        bench_free(b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_image_resolve_target_compares_platforms),
        cmocka_unit_test(test_image_resolve_target_with_own_platform_is_not_compared),
        cmocka_unit_test(test_image_resolve_target_asks_as_the_plan_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
