/* Who deploys: kernel facts first, what the environment claims is kept as a claim. */
#include <stdlib.h>
#include <unistd.h>

#include "base/json.h"
#include "deploy/actor.h"
#include "unit/assert.h"

static void find(const char *const *environ, struct actor *ret)
{
    struct ship_options options = {.environ = environ};
    struct ship_session *s = ship_session_new(&options);

    actor_find(s, ret);
    ship_session_free(s);
}

static void test_actor_find_ignores_names_from_the_environment(void **state)
{
    static const char *const environ[] = {"USER=mallory", "LOGNAME=mallory", "SUDO_USER=mallory",
                                          NULL};
    static const char *const none[] = {NULL};
    struct actor claimed, plain;

    (void)state;
    find(environ, &claimed);
    find(none, &plain);
    assert_string_equal(claimed.name, plain.name);
    assert_string_equal(claimed.json, plain.json);
    assert_null(strstr(claimed.json, "mallory"));
    assert_null(plain.git_sha);
    assert_null(plain.ci_run);
    actor_done(&claimed);
    actor_done(&plain);
}

static void test_actor_find_keeps_claims_of_the_runner(void **state)
{
    static const char *const environ[] = {
        "GITHUB_ACTOR=ana", "GITHUB_RUN_ID=77",           "GITHUB_SHA=abc",
        "GITHUB_WORKFLOW=", "SSH_CONNECTION=10.0.0.1 22", NULL};
    struct ship_error err = {0};
    struct actor a;

    (void)state;
    find(environ, &a);
    AUTO_PTR(json_free) struct json *j = json_parse(a.json, strlen(a.json), "actor", &err);
    assert_contains(a.name, " for ana (github)");
    assert_string_equal(a.ci_run, "77");
    assert_string_equal(a.git_sha, "abc");
    assert_string_equal(json_str(j, "github_actor"), "ana");
    assert_string_equal(json_str(j, "ssh"), "10.0.0.1 22");
    assert_null(json_get(j, "github_workflow"));
    assert_int_equal(json_i64(j, "uid", -1), getuid());
    actor_done(&a);
}

static void test_actor_find_with_a_bad_sudo_uid_takes_none(void **state)
{
    static const char *const rows[] = {"SUDO_UID=", "SUDO_UID=x", "SUDO_UID=1x",
                                       "SUDO_UID=99999999999999999999"};
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        const char *const environ[] = {rows[i], NULL};
        struct actor a;
        find(environ, &a);
        row_check(strstr(a.name, "sudo") == NULL, rows[i]);
        row_check(strstr(a.json, "sudo_uid") == NULL, rows[i]);
        actor_done(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_actor_find_ignores_names_from_the_environment),
        cmocka_unit_test(test_actor_find_keeps_claims_of_the_runner),
        cmocka_unit_test(test_actor_find_with_a_bad_sudo_uid_takes_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
