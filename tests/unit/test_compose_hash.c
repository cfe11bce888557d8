/*
 * lib/compose: config hash against the recorded preimages of Compose's own loader, and the
 * labels Compose 2.26.1 wrote.
 */
/* cmocka.h needs the four before it */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <string.h>

#include "base/alloc.h"
#include "compose/hash.h"
#include "support/compose_model.h"

#define GOLDEN TESTS_DIR "/data/compose-golden.json"

/* Vectors that need what the model does not carry. */
static const struct {
    const char *name;
    const char *why;
} not_in_model[] = {
    {"scalar-env-map", "-0 is read as 0 by the loader of that family"},
};

static bool known_difference(const char *name, enum compose_family family)
{
    for (size_t i = 0; i < ARRAY_LEN(not_in_model); i++)
        if (family == COMPOSE_FAMILY_V2_30_2 && str_eq(name, not_in_model[i].name))
            return true;
    return false;
}

/* 1 checked, 0 nothing to check. */
static int check(const struct compose_project *p, const char *name, const char *service,
                 enum compose_family family, const struct json *want)
{
    struct ship_error err = {0};
    AUTO(buf_done) struct buf text = BUF_INIT(1u << 20);
    char hash[SHA256_HEX_SIZE];
    const char *preimage = json_str(want, "preimage");

    if (!preimage)
        return 0;
    assert_int_equal(compose_hash_preimage(p, service, &(struct compose_hash_with){family, NULL, 0},
                                           &text, &err),
                     0);
    assert_int_equal(
        compose_config_hash(p, service, &(struct compose_hash_with){family, NULL, 0}, hash, &err),
        0);
    if (known_difference(name, family)) {
        assert_string_not_equal(text.p, preimage);
        return 0;
    }
    if (!str_eq(text.p, preimage))
        fail_msg("case %s, service %s, family %d:\n got %s\nwant %s", name, service, (int)family,
                 text.p, preimage);
    assert_string_equal(hash, json_str(want, "sha256"));
    return 1;
}

static int check_service(const struct compose_project *p, const struct json *c,
                         const struct json *hash)
{
    const char *name = json_str(c, "name"), *service = json_key(hash) + strlen("service:");
    const struct json *v5 = json_get(hash, "v5"), *v2 = json_get(hash, "v2.30.2-v2.40.3");

    return check(p, name, service, COMPOSE_FAMILY_V5, v5 ? v5 : hash) +
           check(p, name, service, COMPOSE_FAMILY_V2_30_2, v5 ? v2 : hash);
}

/* The vectors' form does not say which binds were short; all with options were, but for /b2. */
static struct json *with_short_binds(const struct json *volumes)
{
    struct json *out = json_array();

    for (const struct json *c = json_first(volumes); c; c = json_next(c)) {
        struct json *volume = json_copy(c);
        struct json *bind = json_edit(volume, "bind");
        if (bind && !json_get(bind, "create_host_path") && !str_eq(json_str(c, "target"), "/b2"))
            json_set_bool(bind, "create_host_path", true);
        json_append(out, volume);
    }
    return out;
}

static void mark_short_binds(struct compose_project *p, const struct json *model)
{
    struct json *services = json_edit(p->model, "services");

    for (const struct json *c = json_first(json_get(model, "services")); c; c = json_next(c))
        if (json_get(c, "volumes"))
            json_set(json_edit(services, json_key(c)), "volumes",
                     with_short_binds(json_get(c, "volumes")));
}

static void test_config_hash_golden_models_give_recorded_preimages(void **state)
{
    AUTO_PTR(json_free) struct json *golden = model_load_json(GOLDEN);
    int checked = 0;

    (void)state;
    for (const struct json *c = json_first(json_get(golden, "cases")); c; c = json_next(c)) {
        const struct json *model = json_get(c, "expect_model");
        if (!model)
            continue;
        AUTO_PTR(model_project_free)
        struct compose_project *p = model_project_of(model, json_str(c, "dir"));
        mark_short_binds(p, model);
        for (const struct json *h = json_first(json_get(c, "config_hash")); h; h = json_next(h))
            if (str_starts(json_key(h), "service:"))
                checked += check_service(p, c, h);
    }
    print_message("%d preimages compared\n", checked);
    assert_in_range(checked, 170, 1000);
}

static char *preimage(const char *model, enum compose_family family, const char *service)
{
    struct ship_error err = {0};
    AUTO_PTR(model_project_free) struct compose_project *p = model_project(model);
    struct buf text = BUF_INIT(1u << 20);

    assert_int_equal(compose_hash_preimage(p, service, &(struct compose_hash_with){family, NULL, 0},
                                           &text, &err),
                     0);
    return buf_steal(&text);
}

static void test_hash_preimage_members_follow_go_rules(void **state)
{
#define HEAD "{\"command\":null,\"entrypoint\":null"
    static const struct {
        const char *service, *want, *why;
    } rows[] = {
        {"\"command\": []",                                                                        "{\"command\":[],\"entrypoint\":null}",                     "empty is not unset"                            },
        {"\"privileged\": false, \"cpus\": 0, \"user\": \"\", \"ports\": [], \"environment\": {}",
         HEAD "}",                                                                                                                                             "zero values are left out"                      },
        {"\"init\": false",                                                                        HEAD ",\"init\":false}",                                    "pointer: false is a value"                     },
        {"\"mem_limit\": \"0\", \"memswap_limit\": \"-1\"",                                        HEAD ",\"memswap_limit\":\"-1\"}",
         "bytes: zero left out"                                                                                                                                                                                },
        {"\"build\": {\"context\": \".\"}, \"pull_policy\": \"always\", \"scale\": 3, \"x-a\": 1",
         HEAD "}",                                                                                                                                             "never part of the hash"                        },
        {"\"deploy\": {\"replicas\": 2}",
         "{\"command\":null,\"deploy\":{\"resources\":{},"
         "\"placement\":{}},\"entrypoint\":null}",                                                                                                             "replicas never, resources and placement always"},
        {"\"labels\": {\"b\": \"2\", \"a\": \"1\", \"com.docker.compose.x\": \"y\"}",
         HEAD ",\"labels\":{\"a\":\"1\",\"b\":\"2\"}}",                                                                                                        "sorted, Compose's own left out"                },
        {"\"labels\": {\"com.docker.compose.x\": \"y\"}",                                          HEAD "}",                                                   "nothing remains"                               },
        {"\"cpus\": 0.1",                                                                          "{\"cpus\":0.1,\"command\":null,\"entrypoint\":null}",      "32 bit float"                                  },
        {"\"cpus\": 1e-7",                                                                         "{\"cpus\":1e-7,\"command\":null,\"entrypoint\":null}",     "exponent"                                      },
        {"\"cpus\": 0.000001",                                                                     "{\"cpus\":0.000001,\"command\":null,\"entrypoint\":null}",
         "no exponent yet"                                                                                                                                                                                     },
        {"\"cpus\": 12.75",                                                                        "{\"cpus\":12.75,\"command\":null,\"entrypoint\":null}",    "two digits"                                    },
        {"\"cpus\": 2",                                                                            "{\"cpus\":2,\"command\":null,\"entrypoint\":null}",        "whole number"                                  },
        {"\"user\": \"<&>\\u2028\\u007f\\u0001\\b\\\"\\\\/\\n\"",
         HEAD ",\"user\":\"\\u003c\\u0026\\u003e\\u2028\x7f\\u0001\\b\\\"\\\\/\\n\"}",                                                                         "escapes"                                       },
        {"\"user\": \"\xc3\xa9\xff\xe2\x82\xac\"",
         HEAD ",\"user\":\"\xc3\xa9\\ufffd\xe2\x82\xac\"}",                                                                                                    "UTF-8 raw, invalid byte replaced"              },
        {"\"stop_grace_period\": \"0s\"",                                                          HEAD ",\"stop_grace_period\":\"0s\"}",
         "pointer to a duration"                                                                                                                                                                               },
        {"\"healthcheck\": {\"disable\": true, \"retries\": 0}",
         HEAD ",\"healthcheck\":{\"retries\":0,\"disable\":true}}",                                                                                            "order and pointer"                             },
        {"\"ulimits\": {\"nofile\": {\"hard\": 2, \"soft\": 1}, \"nproc\": 3}",
         HEAD ",\"ulimits\":{\"nofile\":{\"soft\":1,\"hard\":2},\"nproc\":3}}",                                                                                "number or limits"                              },
        {"\"networks\": {\"b\": null, \"a\": {}}",                                                 HEAD ",\"networks\":{\"a\":{},\"b\":null}}",
         "null stays"                                                                                                                                                                                          },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_FREE char *model = xasprintf("{\"services\": {\"a\": {%s}}}", rows[i].service);
        AUTO_FREE char *got = preimage(model, COMPOSE_FAMILY_V5, "a");
        if (!str_eq(got, rows[i].want))
            fail_msg("%s\n got %s\nwant %s", rows[i].why, got, rows[i].want);
    }
}

static void test_hash_preimage_families_differ_as_documented(void **state)
{
    static const char model[] =
        "{\"services\": {\"a\": {\"profiles\": [\"p\"], \"depends_on\": {\"b\": {\"condition\": "
        "\"service_started\", \"restart\": true, \"required\": true}}, "
        "\"label_file\": [\"/l\"], \"volumes\": [{\"type\": "
        "\"bind\", \"source\": \"/s\", \"target\": \"/t\", \"bind\": "
        "{\"create_host_path\": true}}]}, \"b\": {}}}";
#define BIND(options)                                                                              \
    "\"volumes\":[{\"type\":\"bind\",\"source\":\"/s\",\"target\":\"/t\",\"bind\":{" options "}}]" \
    "}"
#define LABELS "\"label_file\":[\"/l\"],"
#define CREATE "\"create_host_path\":true"
    static const struct {
        enum compose_family family;
        const char *want;
    } rows[] = {
        {COMPOSE_FAMILY_V2_24,
         "{\"profiles\":[\"p\"],\"command\":null,\"depends_on\":{\"b\":{\"condition\":"
         "\"service_started\",\"restart\":true,\"required\":true}},\"entrypoint\":null," BIND(
             CREATE)                                                                         },
        {COMPOSE_FAMILY_V2_29_3,
         "{\"profiles\":[\"p\"],\"command\":null,\"entrypoint\":null," BIND(CREATE)          },
        {COMPOSE_FAMILY_V2_30_2, "{\"command\":null,\"entrypoint\":null," LABELS BIND(CREATE)},
        {COMPOSE_FAMILY_V5,      "{\"command\":null,\"entrypoint\":null," LABELS BIND("")    },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_FREE char *got = preimage(model, rows[i].family, "a");
        assert_string_equal(got, rows[i].want);
    }
}

static void test_hash_preimage_bind_options_without_host_path_print_none(void **state)
{
    static const char model[] = "{\"services\": {\"a\": {\"volumes\": [{\"type\": \"bind\", "
                                "\"source\": \"/s\", \"target\": "
                                "\"/t\", \"bind\": {\"selinux\": \"z\"}}]}}}";
    AUTO_FREE char *got = preimage(model, COMPOSE_FAMILY_V2_30_2, "a");

    (void)state;
    assert_string_equal(got, "{\"command\":null,\"entrypoint\":null," BIND("\"selinux\":\"z\""));
}

static void test_hash_preimage_service_modes_become_container_ids(void **state)
{
    static const struct compose_peer peers[] = {
        {"b", "id2", "p-b-2", false},
        {"b", "id1", "p-b-1", false},
    };
    struct ship_error err = {0};
    AUTO(buf_done) struct buf text = BUF_INIT(1u << 16);
    AUTO_PTR(model_project_free)
    struct compose_project *p =
        model_project("{\"services\": {\"a\": {\"network_mode\": \"service:b\", \"ipc\": "
                      "\"service:c\", \"pid\": \"host\", \"volumes_from\": [\"b:ro\", "
                      "\"container:x:ro\"]}, \"b\": {}, \"c\": {}}}");

    (void)state;
    assert_int_equal(compose_hash_preimage(p, "a",
                                           &(struct compose_hash_with){COMPOSE_FAMILY_V5, peers, 2},
                                           &text, &err),
                     0);
    assert_string_equal(text.p, "{\"command\":null,\"entrypoint\":null,\"ipc\":\"service:c\","
                                "\"network_mode\":\"container:id1\",\"pid\":\"host\","
                                "\"volumes_from\":[\"id1\",\"x\"]}");
}

static void test_config_hash_unknown_service_fails(void **state)
{
    struct ship_error err = {0};
    char hash[SHA256_HEX_SIZE] = "kept";
    AUTO_PTR(model_project_free)
    struct compose_project *p = model_project("{\"services\": {}}");

    (void)state;
    assert_int_equal(compose_config_hash(p, "nope",
                                         &(struct compose_hash_with){COMPOSE_FAMILY_V5, NULL, 0},
                                         hash, &err),
                     -1);
    assert_int_equal(err.code, SHIP_INVALID);
    assert_string_equal(hash, "kept");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_config_hash_golden_models_give_recorded_preimages),
        cmocka_unit_test(test_hash_preimage_members_follow_go_rules),
        cmocka_unit_test(test_hash_preimage_families_differ_as_documented),
        cmocka_unit_test(test_hash_preimage_bind_options_without_host_path_print_none),
        cmocka_unit_test(test_hash_preimage_service_modes_become_container_ids),
        cmocka_unit_test(test_config_hash_unknown_service_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
