/*
 * Decoding what the engine describes, and references: absent fields, wrong types, odd values.
 */
#include "docker/container.h"
#include "docker/events.h"
#include "docker/image.h"
#include "docker/logs.h"
#include "unit/assert.h"

static struct json *parse(const char *text)
{
    struct ship_error err = {0};
    struct json *doc = json_parse(text, strlen(text), "test", &err);

    assert_not_null_ok(doc, &err);
    return doc;
}

static void test_container_decode_with_only_an_id_is_empty(void **state)
{
    AUTO(container_done) struct container c = {0};
    struct ship_error err = {0};

    (void)state;
    assert_ok(container_decode(parse("{\"Id\":\"a\"}"), &c, &err), &err);
    assert_string_equal(c.name, "");
    assert_string_equal(c.image_id, "");
    assert_int_equal(c.state, CONTAINER_UNKNOWN);
    assert_int_equal(c.health, HEALTH_NONE);
    assert_null(c.health_output);
    assert_string_equal(container_address(&c), "");
    assert_null(container_label(&c, "x"));
    assert_int_equal(c.started_at_ms, 0);
}

static void test_container_decode_takes_each_field(void **state)
{
    AUTO(container_done) struct container c = {0};
    struct ship_error err = {0};
    static const char text[] =
        "{\"Id\":\"abc\",\"Name\":\"/web\",\"Image\":\"sha256:1\",\"RestartCount\":4,"
        "\"Created\":\"2026-01-02T03:04:05.5Z\",\"State\":{\"Status\":\"restarting\",\"Running\":"
        "true,\"OOMKilled\":true,\"ExitCode\":137,\"Error\":\"e\",\"StartedAt\":"
        "\"2026-01-02T03:04:06.123456789Z\",\"FinishedAt\":\"0001-01-01T00:00:00Z\",\"Health\":{"
        "\"Status\":\"unhealthy\",\"FailingStreak\":3,\"Log\":[{\"Output\":\"old\"},{\"Output\":"
        "\"new\"}]}},\"Config\":{\"Image\":\"a:1\",\"Labels\":{\"a.b\":\"c\"},\"Healthcheck\":{"
        "\"Test\":[\"CMD\",\"x\"]}},\"HostConfig\":{\"RestartPolicy\":{\"Name\":\"on-failure\","
        "\"MaximumRetryCount\":5}},\"NetworkSettings\":{\"Networks\":{\"a\":{\"IPAddress\":\"\"},"
        "\"b\":{\"IPAddress\":\"10.0.0.2\"}}}}";

    (void)state;
    assert_ok(container_decode(parse(text), &c, &err), &err);
    assert_string_equal(c.name, "web");
    assert_int_equal(c.state, CONTAINER_RESTARTING);
    assert_true(c.running && c.oom_killed && c.has_healthcheck);
    assert_int_equal(c.health, HEALTH_UNHEALTHY);
    assert_string_equal(c.health_output, "new");
    assert_int_equal(c.health_failing, 3);
    assert_int_equal(c.exit_code, 137);
    assert_int_equal(c.restart_count, 4);
    assert_string_equal(c.started_at, "2026-01-02T03:04:06.123456789Z");
    assert_true(c.started_at_ms == INT64_C(1767323046123));
    assert_int_equal(c.finished_at_ms, 0);
    assert_string_equal(c.restart_policy, "on-failure");
    assert_int_equal(c.restart_max, 5);
    assert_string_equal(container_label(&c, "a.b"), "c");
    assert_string_equal(container_address(&c), "10.0.0.2");
}

static void test_container_decode_of_strange_documents_does_not_trust_them(void **state)
{
    static const struct {
        const char *text, *why;
        int rc;
    } rows[] = {
        {"{}",                                                                        "no id",             -1},
        {"[]",                                                                        "array",             -1},
        {"{\"Id\":5}",                                                                "id is a number",    -1},
        {"{\"Id\":\"a\",\"State\":\"running\"}",                                      "state is text",     0 },
        {"{\"Id\":\"a\",\"State\":{\"Status\":\"melted\"}}",                          "unknown state",     0 },
        {"{\"Id\":\"a\",\"Config\":{\"Labels\":[\"x\"]}}",                            "labels are a list", 0 },
        {"{\"Id\":\"a\",\"Config\":{\"Healthcheck\":{\"Test\":[\"NONE\"]}}}",         "NONE",              0 },
        {"{\"Id\":\"a\",\"State\":{\"Health\":{\"Log\":null}}}",                      "no health log",     0 },
        {"{\"Id\":\"a\",\"HostConfig\":{\"RestartPolicy\":{\"Name\":\"no\"}}}",       "policy no",         0 },
        {"{\"Id\":\"a\",\"State\":{\"ExitCode\":1e300,\"StartedAt\":\"yesterday\"}}", "nonsense",
         0                                                                                                   },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        AUTO(container_done) struct container c = {0};
        struct ship_error err = {0};
        int rc = container_decode(parse(rows[i].text), &c, &err);
        row_check(rc == rows[i].rc, rows[i].why);
        if (rc == 0) {
            row_check(c.state == CONTAINER_UNKNOWN && !c.has_healthcheck, rows[i].why);
            row_check(c.restart_policy[0] == '\0' && c.exit_code == 0, rows[i].why);
        }
    }
}

static void test_container_list_takes_the_name_without_links(void **state)
{
    AUTO(container_list_done) struct container_list list = {0};
    AUTO_PTR(json_free)
    struct json *doc = parse("[{\"Id\":\"a\",\"Names\":[\"/other/alias\",\"/web\"],\"State\":"
                             "\"exited\",\"Created\":5},{\"Names\":[]},7,{\"Id\":\"b\","
                             "\"Names\":null,\"Labels\":null}]");

    (void)state;
    container_list_decode(doc, &list);
    assert_int_equal(list.n, 2);
    assert_string_equal(list.rows[0].name, "web");
    assert_int_equal(list.rows[0].state, CONTAINER_EXITED);
    assert_int_equal(list.rows[0].created_at_ms, 5000);
    assert_string_equal(list.rows[1].name, "");
    assert_null(container_row_label(&list.rows[1], "x"));
}

static void test_stats_decode_knows_both_cgroup_versions(void **state)
{
    static const struct {
        const char *text;
        int64_t memory, cpus;
        const char *why;
    } rows[] = {
        {"{\"memory_stats\":{\"usage\":100,\"stats\":{\"inactive_file\":30}},\"cpu_stats\":{"
         "\"online_cpus\":4}}",                                                            70, 4, "version 2"        },
        {"{\"memory_stats\":{\"usage\":100,\"stats\":{\"total_inactive_file\":20,"
         "\"inactive_file\":30}},\"cpu_stats\":{\"cpu_usage\":{\"percpu_usage\":[1,2]}}}", 80, 2, "version 1"        },
        {"{\"memory_stats\":{\"usage\":10,\"stats\":{\"inactive_file\":30}}}",                      10, 0,
         "cache above usage"                                                                                                  },
        {"{\"memory_stats\":{}}",                                                                   0,  0, "stopped container"},
        {"{}",                                                                                      0,  0, "nothing"          },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        AUTO_PTR(json_free) struct json *doc = parse(rows[i].text);
        struct container_stats s;
        container_stats_decode(doc, &s);
        row_check(s.memory_bytes == rows[i].memory && s.online_cpus == rows[i].cpus, rows[i].why);
        row_check(s.cpu_pct < 0, rows[i].why);
    }
}

static void test_image_decode_finds_the_digest_of_a_repository(void **state)
{
#define D1 "sha256:1111111111111111111111111111111111111111111111111111111111111111"
    AUTO(image_done) struct image image = {0};
    struct ship_error err = {0};

    (void)state;
    assert_ok(image_decode(parse("{\"Id\":\"sha256:2\",\"RepoTags\":[\"<none>:<none>\",\"a:1\"],"
                                 "\"RepoDigests\":[\"r/a@sha256:short\",\"nginx@" D1 "\"],\"Size\":"
                                 "4294967296,\"Config\":{\"User\":\"app\"}}"),
                           &image, &err),
              &err);
    assert_int_equal(image.tags.n, 1);
    assert_true(image.size_bytes == INT64_C(4294967296));
    assert_null(image_digest_for(&image, "r/a"));
    assert_string_equal(image_digest_for(&image, "docker.io/library/nginx"), D1);
    assert_string_equal(image.user, "app");
    assert_fails(image_decode(parse("{}"), &image, &err), &err, SHIP_ENGINE);
}

static void test_remote_image_decode_leaves_attestations_out(void **state)
{
    AUTO(remote_image_done) struct remote_image r = {0};
    struct ship_error err = {0};
    AUTO_PTR(json_free)
    struct json *doc = parse("{\"Descriptor\":{\"digest\":\"" D1 "\",\"size\":-1},\"Platforms\":[{"
                             "\"os\":\"linux\",\"architecture\":\"arm64\",\"variant\":\"v8\"},{"
                             "\"os\":\"unknown\",\"architecture\":\"unknown\"},{}]}");

    (void)state;
    assert_ok(remote_image_decode(doc, &r, &err), &err);
    assert_int_equal(r.platforms.n, 1);
    assert_string_equal(r.platforms.v[0], "linux/arm64/v8");
    assert_int_equal(r.size_bytes, 0);
}

static void test_event_decode_reads_old_and_new_form(void **state)
{
    static const struct {
        const char *text, *action;
        int rc;
        const char *why;
    } rows[] = {
        {"{\"Type\":\"container\",\"Action\":\"die\",\"Actor\":{\"ID\":\"a\"},\"timeNano\":"
         "5000000}",                                                      "die",   0,  "today's"  },
        {"{\"status\":\"start\",\"id\":\"a\",\"time\":1}",                         "start", 0,  "ancient"  },
        {"{\"Type\":\"network\",\"Action\":\"connect\",\"Actor\":{\"ID\":\"a\"}}", "",      -1, "other"    },
        {"{\"Type\":\"container\",\"Action\":\"die\"}",                            "",      -1, "no id"    },
        {"{\"Type\":\"container\",\"Actor\":{\"ID\":\"a\"}}",                      "",      -1, "no action"},
        {"{}",                                                                     "",      -1, "nothing"  },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        AUTO_PTR(json_free) struct json *doc = parse(rows[i].text);
        struct engine_event e = {0};
        row_check(engine_event_decode(doc, &e) == rows[i].rc, rows[i].why);
        row_check(strcmp(e.action, rows[i].action) == 0, rows[i].why);
    }
}

static void test_logs_since_keeps_nanoseconds(void **state)
{
    static const struct {
        const char *in, *out;
    } rows[] = {
        {"2026-01-02T03:04:05.123456789Z", "1767323045.123456789"},
        {"2026-01-02T03:04:05Z",           "1767323045.0"        },
        {"2026-01-02T04:04:05.5+01:00",    "1767323045.5"        },
        {"1767323045",                     "1767323045"          },
        {"yesterday",                      NULL                  },
        {"",                               NULL                  },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        AUTO_FREE char *text = logs_since(rows[i].in);
        row_check(str_eq(text, rows[i].out), rows[i].in);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_container_decode_with_only_an_id_is_empty),
        cmocka_unit_test(test_container_decode_takes_each_field),
        cmocka_unit_test(test_container_decode_of_strange_documents_does_not_trust_them),
        cmocka_unit_test(test_container_list_takes_the_name_without_links),
        cmocka_unit_test(test_stats_decode_knows_both_cgroup_versions),
        cmocka_unit_test(test_image_decode_finds_the_digest_of_a_repository),
        cmocka_unit_test(test_remote_image_decode_leaves_attestations_out),
        cmocka_unit_test(test_event_decode_reads_old_and_new_form),
        cmocka_unit_test(test_logs_since_keeps_nanoseconds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
