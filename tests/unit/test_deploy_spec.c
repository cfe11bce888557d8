/* Specifications of containers: differences of environments, and what is read back. */
#include <stdlib.h>

#include "base/buf.h"
#include "base/json.h"
#include "deploy/spec.h"
#include "support/project_fixture.h"
#include "unit/assert.h"

static void note(void *ctx, const char *name, char change)
{
    (void)buf_addf(ctx, "%c%s ", change, name);
}

static struct json *body(const char *env)
{
    struct ship_error err = {0};
    AUTO_FREE char *text = xasprintf("{\"Env\":%s}", env);

    return env ? json_parse(text, strlen(text), "body", &err) : NULL;
}

static void test_spec_env_diff_names_each_change_and_no_value(void **state)
{
    static const struct {
        const char *old, *new, *want, *why;
    } rows[] = {
        {"[\"A=1\"]",         "[\"A=1\"]",         "",        "equal"                                   },
        {"[\"A=1\"]",         "[\"A=2\"]",         "~A ",     "changed"                                 },
        {"[]",                "[\"A=1\"]",         "+A ",     "added"                                   },
        {"[\"A=1\"]",         "[]",                "-A ",     "removed"                                 },
        {"[\"B=1\",\"A=1\"]", "[\"A=1\",\"B=1\"]", "",        "the order does not matter"               },
        {"[\"AB=1\"]",        "[\"A=1\"]",         "+A -AB ", "a longer name is another one"            },
        {"[\"A\"]",           "[\"A=\"]",          "~A ",     "unset is not empty"                      },
        {"[\"A=x=y\"]",       "[\"A=x=z\"]",       "~A ",     "only the first equals sign ends the name"},
        {"[1,null]",          "[\"A=1\"]",         "+A ",     "what is no text is skipped"              },
        {NULL,                "[\"A=1\"]",         "+A ",     "no old one"                              },
        {"[\"A=1\"]",         NULL,                "-A ",     "no new one"                              },
        {NULL,                NULL,                "",        "neither"                                 },
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        AUTO_PTR(json_free) struct json *old = body(rows[i].old);
        AUTO_PTR(json_free) struct json *new = body(rows[i].new);
        AUTO(buf_done) struct buf seen = BUF_INIT(1024);
        spec_env_diff(old, new, note, &seen);
        row_check(str_eq(seen.len ? seen.p : "", rows[i].want), rows[i].why);
    }
}

/* ---- read back from the engine ---- */

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const char inspected[] =
    "{\"Config\":{\"Image\":\"x:v1\",\"Hostname\":\"0123456789ab\",\"Env\":[\"A=1\"],"
    "\"Labels\":{\"com.docker.compose.container-number\":\"1\"}},"
    "\"HostConfig\":{\"NetworkMode\":\"front\",\"Binds\":[\"/a:/b\"],"
    "\"RestartPolicy\":{\"Name\":\"always\"}},"
    "\"NetworkSettings\":{\"Networks\":{"
    "\"front\":{\"Aliases\":[\"app\",\"0123456789ab\"],\"IPAddress\":\"10.0.0.2\","
    "\"IPAMConfig\":{\"IPv4Address\":\"10.0.0.2\"}},"
    "\"back\":{\"Aliases\":[\"app\"],\"Links\":null}}}}";

static int inspect(struct runtime *rt, const char *id, struct container *ret, int64_t deadline_ms,
                   struct ship_error *err)
{
    (void)rt, (void)id, (void)deadline_ms;
    *ret = (struct container){.id = xstrdup(ID),
                              .name = xstrdup("shop-app-1"),
                              .doc = json_parse(inspected, strlen(inspected), "inspect", err)};
    return 0;
}

static void test_spec_from_running_can_be_created_again(void **state)
{
    struct project *p = project_new(PROJECT_PLAN, PROJECT_COMPOSE);
    struct ship_result res;
    struct operation op;
    AUTO_FREE char *text = NULL;

    (void)state;
    project_container(p, "app", "shop-app-1", "v1");
    p->fake.ops.inspect = inspect;
    operation_init(&op, p->s, &res, "deploy");
    assert_ok(session_need_compose(p->s, NULL, &p->err), &p->err);
    assert_ok(operation_observe(&op, &p->err), &p->err);
    assert_ok(spec_from_running(&op, "app", &text, &p->err), &p->err);
    AUTO_PTR(json_free) struct json *spec = json_parse(text, strlen(text), "spec", &p->err);
    const struct json *one = json_first(json_get(spec, "replicas"));
    assert_int_equal(json_i64(one, "number", 0), 1);
    assert_string_equal(json_str(one, "name"), "shop-app-1");
    const struct json *create = json_get(one, "body");
    assert_null(json_get(create, "Hostname")); /* it was the old short id */
    assert_string_equal(json_str_or(create, "HostConfig.RestartPolicy.Name", ""), "always");
    const struct json *ends = json_path(create, "NetworkingConfig.EndpointsConfig");
    assert_int_equal(json_size(ends), 1);
    const struct json *front = json_get(ends, "front");
    assert_int_equal(json_size(json_get(front, "Aliases")), 1);
    assert_null(json_get(front, "IPAddress")); /* the engine's choice */
    assert_string_equal(json_str_or(front, "IPAMConfig.IPv4Address", ""), "10.0.0.2"); /* ours */
    const struct json *back = json_first(json_get(one, "connects"));
    assert_string_equal(json_str(back, "Network"), "back");
    operation_done(&op);
    ship_result_done(&res);
    project_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spec_env_diff_names_each_change_and_no_value),
        cmocka_unit_test(test_spec_from_running_can_be_created_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
