/* lib/compose: service views: order, dependencies, ports, resources. */
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
#include "support/compose_model.h"

static void test_view_build_orders_dependencies_first(void **state)
{
    static const struct {
        const char *services, *want, *why;
    } rows[] = {
        {"\"c\": {}, \"a\": {}, \"b\": {}",                                                       "a b c",   "by name"         },
        {"\"a\": {\"depends_on\": {\"z\": {}}}, \"b\": {}, \"z\": {}",                            "b z a",   "dependency first"},
        {"\"a\": {\"depends_on\": {\"b\": {}}}, \"b\": {\"depends_on\": {\"c\": {}}}, \"c\": {}",
         "c b a",                                                                                            "chain"           },
        {"\"a\": {\"depends_on\": {\"c\": {}, \"b\": {}}}, \"b\": {\"depends_on\": {\"d\": {}}}, "
         "\"c\": {\"depends_on\": {\"d\": {}}}, \"d\": {}",                              "d b c a", "diamond"         },
        {"\"a\": {\"depends_on\": {\"gone\": {\"required\": false}}}",                            "a",
         "an optional one that is not active"                                                                                  },
        {"",                                                                                      "",        "no services"     },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_FREE char *text = xasprintf("{\"services\": {%s}}", rows[i].services);
        AUTO_PTR(model_project_free) struct compose_project *p = model_project(text);
        AUTO(buf_done) struct buf got = BUF_INIT(100);
        for (size_t s = 0; s < compose_services(p); s++)
            buf_addf(&got, "%s%s", s ? " " : "", compose_service_at(p, s)->name);
        if (strcmp(got.p, rows[i].want) != 0)
            fail_msg("%s: got '%s', want '%s'", rows[i].why, got.p, rows[i].want);
        assert_null(compose_service_at(p, compose_services(p)));
    }
}

static void test_view_build_cycle_is_refused(void **state)
{
    struct ship_error err = {0};
    struct compose_project p = {.name = NULL};
    static const char text[] = "{\"services\": {\"a\": {\"depends_on\": {\"b\": {}}}, "
                               "\"b\": {\"depends_on\": {\"a\": {}}}, \"c\": {}}}";

    (void)state;
    p.model = json_parse(text, strlen(text), "model", &err);
    assert_int_equal(compose_view_build(&p, &err), -1);
    assert_int_equal(err.code, SHIP_INVALID);
    assert_int_equal(p.n_services, 0);
    assert_null(p.services);
    json_free(p.model);
}

static void test_view_service_fields(void **state)
{
    static const char model[] =
        "{\"name\": \"p\", \"services\": {\"a\": {\"image\": \"i:1\", \"build\": {}, "
        "\"container_name\": \"c\", \"platform\": \"linux/arm64\", \"pull_policy\": \"always\", "
        "\"deploy\": {\"replicas\": 3}, \"stop_grace_period\": \"1m30s\", \"healthcheck\": "
        "{\"test\": [\"CMD\", \"x\"]}, \"depends_on\": {\"y\": {\"condition\": "
        "\"service_completed_successfully\", \"required\": false}, \"x\": {\"condition\": "
        "\"service_healthy\", \"restart\": true}}, \"networks\": {\"n\": null, \"m\": "
        "{\"priority\": 5}}, \"volumes\": [{\"type\": \"volume\", \"source\": \"v\", \"target\": "
        "\"/1\"}, {\"type\": \"volume\", \"source\": \"v\", \"target\": \"/2\"}, {\"type\": "
        "\"volume\", \"target\": \"/3\"}, {\"type\": \"bind\", \"source\": \"/b\", \"target\": "
        "\"/4\"}]}, \"x\": {}, \"y\": {\"network_mode\": \"host\"}}}";
    AUTO_PTR(model_project_free) struct compose_project *p = model_project(model);
    const struct compose_service *a = compose_service_find(p, "a");
    const struct compose_service *x = compose_service_find(p, "x");

    (void)state;
    assert_string_equal(a->image, "i:1");
    assert_true(a->has_build);
    assert_string_equal(a->container_name, "c");
    assert_string_equal(a->platform, "linux/arm64");
    assert_string_equal(a->pull_policy, "always");
    assert_int_equal(a->replicas, 3);
    assert_int_equal(a->stop_grace_ms, 90000);
    assert_true(a->has_healthcheck);
    assert_int_equal(a->n_depends_on, 2);
    assert_string_equal(a->depends_on[0].service, "x");
    assert_int_equal(a->depends_on[0].condition, COMPOSE_HEALTHY);
    assert_true(a->depends_on[0].required);
    assert_true(a->depends_on[0].restart);
    assert_int_equal(a->depends_on[1].condition, COMPOSE_COMPLETED);
    assert_false(a->depends_on[1].required);
    assert_int_equal(a->n_networks, 2);
    assert_string_equal(a->networks[0], "m");
    assert_int_equal(a->n_volumes, 1);
    assert_string_equal(a->volumes[0], "v");
    assert_null(x->image);
    assert_false(x->has_build);
    assert_null(x->container_name);
    assert_string_equal(x->pull_policy, "missing");
    assert_int_equal(x->replicas, 1);
    assert_int_equal(x->stop_grace_ms, 10000);
    assert_false(x->has_healthcheck);
    assert_string_equal(compose_service_find(p, "y")->network_mode, "host");
    assert_null(compose_service_find(p, "nope"));
    AUTO_FREE char *fixed = compose_container_name(p, "a", 2);
    AUTO_FREE char *numbered = compose_container_name(p, "x", 2);
    assert_string_equal(fixed, "c");
    assert_string_equal(numbered, "p-x-2");
}

/* Flags: h health check, p fixed port, r range of ports, l links. */
static char *flags_of(const struct compose_service *svc)
{
    return xasprintf("%s%s%s%s", svc->has_healthcheck ? "h" : "", svc->has_fixed_ports ? "p" : "",
                     svc->has_port_ranges ? "r" : "", svc->has_links ? "l" : "");
}

static void test_view_flags_by_attribute(void **state)
{
    static const struct {
        const char *service, *flags;
        int64_t replicas;
        const char *why;
    } rows[] = {
        {"\"healthcheck\": {\"disable\": true, \"test\": [\"CMD\", \"x\"]}",         "",   1, "disabled"               },
        {"\"healthcheck\": {\"test\": [\"NONE\"]}",                                  "",   1, "NONE"                   },
        {"\"healthcheck\": {\"interval\": \"1s\"}",                                  "",   1, "no test of its own"     },
        {"\"healthcheck\": {\"test\": [\"CMD-SHELL\", \"x\"]}",                      "h",  1, "test"                   },
        {"\"ports\": [{\"target\": 80}]",                                            "",   1, "ephemeral"              },
        {"\"ports\": [{\"target\": 80, \"published\": \"0\"}]",                      "",   1, "ephemeral too"          },
        {"\"ports\": [{\"target\": 80, \"published\": \"8000-8010\"}]",              "r",  1, "range"                  },
        {"\"ports\": [{\"target\": 80}, {\"target\": 80, \"published\": \"8080\"}]", "p",  1,
         "one is fixed"                                                                                                },
        {"\"ports\": [{\"target\": 1, \"published\": \"8080\"}, {\"target\": 2, \"published\": "
         "\"9-12\"}]",                                                      "pr", 1, "fixed and a range"      },
        {"\"links\": [\"b\"]",                                                       "l",  1, "links"                  },
        {"\"scale\": 2",                                                             "",   2, "scale"                  },
        {"\"scale\": 0",                                                             "",   0, "scaled to nothing"      },
        {"\"deploy\": {}",                                                           "",   1, "deploy without replicas"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_FREE char *text = xasprintf("{\"services\": {\"a\": {%s}}}", rows[i].service);
        AUTO_PTR(model_project_free) struct compose_project *p = model_project(text);
        const struct compose_service *a = compose_service_at(p, 0);
        AUTO_FREE char *flags = flags_of(a);
        if (!str_eq(flags, rows[i].flags) || a->replicas != rows[i].replicas)
            fail_msg("%s: '%s', %lld replicas", rows[i].why, flags, (long long)a->replicas);
    }
}

static void test_service_ports_fills_up_to_cap_and_counts_all(void **state)
{
    AUTO_PTR(model_project_free)
    struct compose_project *p = model_project(
        "{\"services\": {\"a\": {\"ports\": [{\"target\": 80}, {\"target\": 53, \"published\": "
        "\"53\", \"protocol\": \"udp\", \"host_ip\": \"::1\"}]}}}");
    struct compose_port ports[2] = {{.target = -1}, {.target = -1}};

    (void)state;
    assert_int_equal(compose_service_ports(p, "a", ports, 1), 2);
    assert_int_equal(ports[0].target, 80);
    assert_int_equal(ports[1].target, -1);
    assert_int_equal(compose_service_ports(p, "a", ports, 2), 2);
    assert_string_equal(ports[0].published, "");
    assert_string_equal(ports[0].host_ip, "");
    assert_string_equal(ports[0].protocol, "tcp");
    assert_string_equal(ports[1].published, "53");
    assert_string_equal(ports[1].protocol, "udp");
    assert_string_equal(ports[1].host_ip, "::1");
    assert_int_equal(compose_service_ports(p, "nope", NULL, 0), 0);
}

static void test_view_resources_in_name_order(void **state)
{
    AUTO_PTR(model_project_free)
    struct compose_project *p = model_project(
        "{\"services\": {}, \"networks\": {\"b\": {\"name\": \"p_b\"}, \"a\": {\"name\": \"x\", "
        "\"external\": true}}, \"volumes\": {\"v.1\": {\"name\": \"p_v.1\"}}}");

    (void)state;
    assert_int_equal(compose_networks(p), 2);
    assert_string_equal(compose_network_at(p, 0)->key, "a");
    assert_string_equal(compose_network_at(p, 0)->real_name, "x");
    assert_true(compose_network_at(p, 0)->external);
    assert_string_equal(compose_network_at(p, 1)->real_name, "p_b");
    assert_false(compose_network_at(p, 1)->external);
    assert_null(compose_network_at(p, 2));
    assert_int_equal(compose_volumes(p), 1);
    assert_string_equal(compose_volume_at(p, 0)->key, "v.1");
    assert_null(compose_volume_at(p, 1));
}

static void test_view_takes_marks_and_raw_image_from_sources(void **state)
{
    struct ship_error err = {0};
    struct yaml_mark mark = {.file = "f", .line = 7, .offset = 40};
    AUTO_PTR(model_project_free)
    struct compose_project *p = model_project("{\"services\": {\"a\": {\"image\": \"i:1\"}}}");

    (void)state;
    assert_null(compose_service_find(p, "a")->image_raw);
    model_add_source(p, "a", "i:${V}", &mark);
    assert_int_equal(compose_view_build(p, &err), 0);
    assert_string_equal(compose_service_find(p, "a")->image_raw, "i:${V}");
    assert_int_equal(compose_service_find(p, "a")->image_mark.line, 7);
}

static void test_view_shares_lists_services_named_by_container_id(void **state)
{
    static const struct {
        const char *service, *want, *why;
    } rows[] = {
        {"\"network_mode\": \"service:b\"",                      "b",   "network"                  },
        {"\"ipc\": \"service:b\", \"pid\": \"service:c\"",       "b c", "two namespaces"           },
        {"\"ipc\": \"service:b\", \"pid\": \"service:b\"",       "b",   "once"                     },
        {"\"volumes_from\": [\"c:ro\", \"container:x\"]",        "c",   "volumes of a service only"},
        {"\"network_mode\": \"container:b\", \"ipc\": \"host\"", "",    "no service"               },
        {"\"network_mode\": \"service:gone\"",                   "",    "an inactive service"      },
        {"\"depends_on\": {\"b\": {}}",                          "",    "a plain dependency"       },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_FREE char *text =
            xasprintf("{\"services\": {\"a\": {%s}, \"b\": {}, \"c\": {}}}", rows[i].service);
        AUTO_PTR(model_project_free) struct compose_project *p = model_project(text);
        const struct compose_service *a = compose_service_find(p, "a");
        AUTO(buf_done) struct buf got = BUF_INIT(100);
        buf_adds(&got, "");
        for (size_t s = 0; s < a->n_shares; s++)
            buf_addf(&got, "%s%s", s ? " " : "", a->shares[s]);
        if (strcmp(got.p ? got.p : "", rows[i].want) != 0)
            fail_msg("%s: got '%s', want '%s'", rows[i].why, got.p, rows[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_view_build_orders_dependencies_first),
        cmocka_unit_test(test_view_build_cycle_is_refused),
        cmocka_unit_test(test_view_service_fields),
        cmocka_unit_test(test_view_flags_by_attribute),
        cmocka_unit_test(test_service_ports_fills_up_to_cap_and_counts_all),
        cmocka_unit_test(test_view_resources_in_name_order),
        cmocka_unit_test(test_view_takes_marks_and_raw_image_from_sources),
        cmocka_unit_test(test_view_shares_lists_services_named_by_container_id),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
