/*
 * Containers, images, networks and volumes through the runtime table: what is sent, and what the
 * contract counts as success.
 */
#include "component/engine_fixture.h"
#include "docker/container.h"

#define OPS(f) ((f)->rt->ops)

static const struct fake_call *last_call(struct fixture *f)
{
    return fake_engine_call(f->engine, fake_engine_calls(f->engine) - 1);
}

/* ---- containers ---- */

static void test_create_start_inspect_show_the_container(void **state)
{
    struct fixture *f = *state;
    AUTO_FREE char *id = fixture_start(f, "web");
    AUTO(container_done) struct container c = {0};

    assert_ok(OPS(f)->inspect(f->rt, "web", &c, in_ms(5000), &f->err), &f->err);
    assert_string_equal(c.id, id);
    assert_string_equal(c.name, "web");
    assert_string_equal(c.image, APP_REF);
    assert_int_equal(c.state, CONTAINER_RUNNING);
    assert_true(c.running);
    assert_string_equal(container_label(&c, "io.shipctl.app"), "shop");
    assert_null(container_label(&c, "io.shipctl"));
    assert_string_equal(container_address(&c), "172.17.0.2");
    assert_true(c.started_at_ms > 0 && c.finished_at_ms == 0);
    assert_string_equal(c.restart_policy, "");
}

static void test_create_sends_name_platform_and_body(void **state)
{
    struct fixture *f = *state;
    AUTO_PTR(json_free) struct json *body = json_object();
    AUTO_FREE char *id = NULL;

    json_set_str(body, "Image", APP_REF);
    assert_ok(OPS(f)->create(f->rt, "a.b", "linux/arm64", body, &id, NULL, in_ms(5000), &f->err),
              &f->err);
    assert_string_equal(last_call(f)->path, "/containers/create?name=a.b&platform=linux%2Farm64");
    assert_string_equal(last_call(f)->body, "{\"Image\":\"" APP_REF "\"}");
}

static void test_create_with_taken_name_is_a_conflict(void **state)
{
    struct fixture *f = *state;
    AUTO_FREE char *id = fixture_create(f, "web");
    AUTO_PTR(json_free) struct json *body = json_object();
    char *second = NULL;

    json_set_str(body, "Image", APP_REF);
    assert_fails(OPS(f)->create(f->rt, "web", NULL, body, &second, NULL, in_ms(5000), &f->err),
                 &f->err, SHIP_CONFLICT);
    assert_contains(f->err.msg, id);
    assert_false(f->rt->unknown);
}

static void test_inspect_by_short_prefix_of_the_id_finds_nothing(void **state)
{
    struct fixture *f = *state;
    AUTO_FREE char *id = fixture_create(f, "web");
    AUTO_FREE char *three = xstrndup(id, 3);
    AUTO_FREE char *twelve = xstrndup(id, 12);
    struct container c = {0};

    assert_fails(OPS(f)->inspect(f->rt, three, &c, in_ms(5000), &f->err), &f->err, SHIP_NOT_FOUND);
    assert_ok(OPS(f)->inspect(f->rt, twelve, &c, in_ms(5000), &f->err), &f->err);
    container_done(&c);
}

static void test_list_filters_by_all_labels(void **state)
{
    static const struct {
        const char *labels[3];
        bool all;
        size_t n;
        const char *why;
    } rows[] = {
        {{NULL},                            true,  2, "everything"    },
        {{NULL},                            false, 1, "running only"  },
        {{"io.shipctl.app=shop"},           true,  2, "value matches" },
        {{"io.shipctl.app"},                true,  2, "key exists"    },
        {{"io.shipctl.app=shop", "absent"}, true,  0, "all must match"},
        {{"io.shipctl.app=other"},          true,  0, "other value"   },
        {{"a&b=c d/?#%"},                   true,  0, "needs escaping"},
    };
    struct fixture *f = *state;
    AUTO_FREE char *a = fixture_start(f, "web");
    AUTO_FREE char *b = fixture_create(f, "worker");

    assert_string_not_equal(a, b);
    for (size_t i = 0; i < ROWS(rows); i++) {
        AUTO(strv_done) struct strv labels = {0};
        AUTO(container_list_done) struct container_list list = {0};
        for (size_t k = 0; rows[i].labels[k]; k++)
            strv_add(&labels, rows[i].labels[k]);
        assert_ok(OPS(f)->list(f->rt, &labels, rows[i].all, &list, in_ms(5000), &f->err), &f->err);
        row_check(list.n == rows[i].n, rows[i].why);
    }
}

static void test_start_and_stop_twice_are_success(void **state)
{
    struct fixture *f = *state;
    AUTO_FREE char *id = fixture_start(f, "web");

    assert_ok(OPS(f)->start(f->rt, id, in_ms(5000), &f->err), &f->err);
    assert_ok(OPS(f)->stop(f->rt, id, 3, in_ms(5000), &f->err), &f->err);
    assert_contains(last_call(f)->path, "/stop?t=3");
    assert_ok(OPS(f)->stop(f->rt, id, -1, in_ms(5000), &f->err), &f->err);
    assert_true(str_ends(last_call(f)->path, "/stop"));
    assert_string_equal(fake_engine_state(f->engine, "web"), "exited");
}

static void test_start_refused_for_a_taken_port_carries_the_engines_words(void **state)
{
    struct fixture *f = *state;
    struct fake_image image = {.repository = "r/x", .tag = "1", .is_local = true};
    AUTO_PTR(json_free) struct json *body = json_object();
    AUTO_FREE char *a = NULL;
    AUTO_FREE char *b = NULL;

    (void)fake_engine_image(f->engine, &image);
    json_set_str(body, "Image", "r/x:1");
    struct json *ports = json_set_object(json_set_object(body, "HostConfig"), "PortBindings");
    json_set_str(json_append_object(json_set_array(ports, "80/tcp")), "HostPort", "8080");
    assert_ok(OPS(f)->create(f->rt, "a", NULL, body, &a, NULL, in_ms(5000), &f->err), &f->err);
    assert_ok(OPS(f)->create(f->rt, "b", NULL, body, &b, NULL, in_ms(5000), &f->err), &f->err);
    assert_ok(OPS(f)->start(f->rt, a, in_ms(5000), &f->err), &f->err);
    assert_fails(OPS(f)->start(f->rt, b, in_ms(5000), &f->err), &f->err, SHIP_ENGINE);
    assert_contains(f->err.msg, "port is already allocated");
    assert_false(f->rt->unknown);
}

static void test_rename_and_restart_policy_are_seen_by_inspect(void **state)
{
    struct fixture *f = *state;
    AUTO_FREE char *id = fixture_create(f, "web");
    AUTO(container_done) struct container c = {0};

    assert_ok(OPS(f)->rename(f->rt, id, "web-old", in_ms(5000), &f->err), &f->err);
    assert_ok(OPS(f)->set_restart(f->rt, id, "on-failure", 5, in_ms(5000), &f->err), &f->err);
    assert_ok(OPS(f)->inspect(f->rt, id, &c, in_ms(5000), &f->err), &f->err);
    assert_string_equal(c.name, "web-old");
    assert_string_equal(c.restart_policy, "on-failure");
    assert_int_equal(c.restart_max, 5);
    assert_fails(OPS(f)->rename(f->rt, id, "web-old", in_ms(5000), &f->err), &f->err, SHIP_ENGINE);
}

static void test_remove_of_unknown_container_is_success(void **state)
{
    struct fixture *f = *state;
    AUTO_FREE char *id = fixture_start(f, "web");

    assert_fails(OPS(f)->remove(f->rt, id, false, in_ms(5000), &f->err), &f->err, SHIP_CONFLICT);
    assert_ok(OPS(f)->remove(f->rt, id, true, in_ms(5000), &f->err), &f->err);
    assert_ok(OPS(f)->remove(f->rt, id, true, in_ms(5000), &f->err), &f->err);
    for (size_t i = 0; i < fake_engine_calls(f->engine); i++)
        assert_null(strstr(fake_engine_call(f->engine, i)->path, "v=1"));
}

static void test_put_archive_sends_the_bytes(void **state)
{
    struct fixture *f = *state;
    AUTO_FREE char *id = fixture_create(f, "web");

    assert_ok(OPS(f)->put_archive(f->rt, id, "/etc dir", "tarbytes", 8, in_ms(5000), &f->err),
              &f->err);
    assert_contains(last_call(f)->path, "/archive?path=%2Fetc%20dir");
    assert_string_equal(last_call(f)->body, "tarbytes");
}

static void test_stats_give_raw_values_and_two_samples_give_cpu(void **state)
{
    struct fixture *f = *state;
    AUTO_FREE char *id = fixture_start(f, "web");
    struct container_stats a, b;

    assert_ok(OPS(f)->stats(f->rt, id, &a, in_ms(5000), &f->err), &f->err);
    assert_true(a.cpu_pct < 0);
    assert_int_equal(a.memory_bytes, 4000000);
    assert_int_equal(a.pids, 3);
    b = a;
    assert_true(container_stats_cpu_pct(&a, &b) < 0);
    b.cpu_total_ns += 500;
    b.system_ns += 2000;
    assert_float_equal(container_stats_cpu_pct(&a, &b), 50.0, 1e-9);
}

/* ---- images ---- */

static void test_image_calls_follow_references(void **state)
{
    struct fixture *f = *state;
    AUTO(image_done) struct image image = {0};
    AUTO(image_list_done) struct image_list list = {0};

    assert_ok(OPS(f)->image_inspect(f->rt, APP_REF, &image, in_ms(5000), &f->err), &f->err);
    assert_non_null(image_digest_for(&image, APP));
    assert_null(image_digest_for(&image, APP "2"));
    assert_ok(OPS(f)->image_tag(f->rt, image.id, "local/keep", "op-1", in_ms(5000), &f->err),
              &f->err);
    assert_ok(OPS(f)->image_list(f->rt, &list, in_ms(5000), &f->err), &f->err);
    assert_int_equal(list.n, 1);
    assert_true(strv_has(&list.rows[0].tags, "local/keep:op-1"));
    assert_ok(OPS(f)->image_remove(f->rt, "local/keep:op-1", in_ms(5000), &f->err), &f->err);
    assert_ok(OPS(f)->image_remove(f->rt, "local/keep:op-1", in_ms(5000), &f->err), &f->err);
    image_done(&image);
    assert_fails(OPS(f)->image_inspect(f->rt, "absent:1", &image, in_ms(5000), &f->err), &f->err,
                 SHIP_NOT_FOUND);
}

static void test_image_remove_of_used_image_is_a_conflict_and_not_forced(void **state)
{
    struct fixture *f = *state;
    AUTO_FREE char *id = fixture_create(f, "web");
    AUTO(image_done) struct image image = {0};

    assert_non_null(id);
    assert_ok(OPS(f)->image_inspect(f->rt, APP_REF, &image, in_ms(5000), &f->err), &f->err);
    assert_fails(OPS(f)->image_remove(f->rt, image.id, in_ms(5000), &f->err), &f->err,
                 SHIP_CONFLICT);
    assert_null(strstr(last_call(f)->path, "force"));
}

/* ---- networks and volumes ---- */

static void test_networks_are_found_by_exact_name_only(void **state)
{
    struct fixture *f = *state;
    AUTO_PTR(json_free) struct json *body = json_object();
    AUTO_PTR(json_free) struct json *doc = NULL;
    struct fake_rule other = {.path = "/networks/shop_def",
                              .fault = FAKE_ANSWER,
                              .status = 200,
                              .body = "{\"Name\":\"other\",\"Id\":\"shop_def0\"}"};

    assert_ok(OPS(f)->network_inspect(f->rt, "shop_default", &doc, in_ms(5000), &f->err), &f->err);
    assert_null(doc);
    json_set_str(body, "Name", "shop_default");
    assert_ok(OPS(f)->network_create(f->rt, body, in_ms(5000), &f->err), &f->err);
    assert_fails(OPS(f)->network_create(f->rt, body, in_ms(5000), &f->err), &f->err, SHIP_CONFLICT);
    assert_ok(OPS(f)->network_inspect(f->rt, "shop_default", &doc, in_ms(5000), &f->err), &f->err);
    assert_string_equal(json_str(doc, "Name"), "shop_default");
    json_free(steal_ptr(&doc));
    fake_engine_script(f->engine, &other);
    assert_ok(OPS(f)->network_inspect(f->rt, "shop_def", &doc, in_ms(5000), &f->err), &f->err);
    assert_null(doc);
}

static void test_network_connect_adds_the_network(void **state)
{
    struct fixture *f = *state;
    AUTO_FREE char *id = fixture_create(f, "web");
    AUTO_PTR(json_free) struct json *body = json_object();
    AUTO(container_done) struct container c = {0};

    json_set_str(body, "Container", id);
    assert_ok(OPS(f)->network_connect(f->rt, "back", body, in_ms(5000), &f->err), &f->err);
    assert_ok(OPS(f)->inspect(f->rt, id, &c, in_ms(5000), &f->err), &f->err);
    assert_non_null(json_path(c.doc, "NetworkSettings.Networks.back"));
}

static void test_volume_create_twice_is_success(void **state)
{
    struct fixture *f = *state;
    AUTO_PTR(json_free) struct json *body = json_object();
    AUTO_PTR(json_free) struct json *doc = NULL;

    json_set_str(body, "Name", "data");
    assert_ok(OPS(f)->volume_inspect(f->rt, "data", &doc, in_ms(5000), &f->err), &f->err);
    assert_null(doc);
    assert_ok(OPS(f)->volume_create(f->rt, body, in_ms(5000), &f->err), &f->err);
    assert_ok(OPS(f)->volume_create(f->rt, body, in_ms(5000), &f->err), &f->err);
    assert_ok(OPS(f)->volume_inspect(f->rt, "data", &doc, in_ms(5000), &f->err), &f->err);
    assert_string_equal(json_str(doc, "Name"), "data");
}

/* A question ends at once at a stop signal; on the way back (a clock without the flag) it is
 * answered. */
static void test_stop_signal_ends_reads_unless_the_clock_has_none(void **state)
{
    struct fixture *f = *state;
    AUTO_FREE char *id = fixture_start(f, "app");
    AUTO(container_done) struct container c = {0};
    struct clock patient = f->clock;
    struct fake_rule late = {
        .method = "GET", .path = "/containers/", .fault = FAKE_DELAY, .n = 200};

    patient.stop = NULL;
    f->stop = SIGTERM;
    fake_engine_script(f->engine, &late); /* what is answered at once need not be given up */
    assert_int_equal(OPS(f)->inspect(f->rt, id, &c, in_ms(5000), &f->err), -1);
    assert_int_equal(f->err.code, SHIP_INTERRUPTED);
    fake_engine_unscript(f->engine);
    f->rt->clock = &patient;
    assert_ok(OPS(f)->inspect(f->rt, id, &c, in_ms(5000), &f->err), &f->err);
    assert_ok(OPS(f)->stop(f->rt, id, 1, in_ms(5000), &f->err), &f->err);
    f->rt->clock = &f->clock;
    assert_ok(OPS(f)->start(f->rt, id, in_ms(5000), &f->err),
              &f->err); /* a change is seen through */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        engine_test(test_create_start_inspect_show_the_container),
        engine_test(test_create_sends_name_platform_and_body),
        engine_test(test_create_with_taken_name_is_a_conflict),
        engine_test(test_inspect_by_short_prefix_of_the_id_finds_nothing),
        engine_test(test_list_filters_by_all_labels),
        engine_test(test_start_and_stop_twice_are_success),
        engine_test(test_start_refused_for_a_taken_port_carries_the_engines_words),
        engine_test(test_rename_and_restart_policy_are_seen_by_inspect),
        engine_test(test_remove_of_unknown_container_is_success),
        engine_test(test_put_archive_sends_the_bytes),
        engine_test(test_stats_give_raw_values_and_two_samples_give_cpu),
        engine_test(test_image_calls_follow_references),
        engine_test(test_image_remove_of_used_image_is_a_conflict_and_not_forced),
        engine_test(test_networks_are_found_by_exact_name_only),
        engine_test(test_network_connect_adds_the_network),
        engine_test(test_volume_create_twice_is_success),
        engine_test(test_stop_signal_ends_reads_unless_the_clock_has_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
