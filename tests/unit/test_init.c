/* Init: what is guessed from compose files, and that the result is a plan. */
#include <stdlib.h>

#include "shipctl/init.h"

#include "base/buf.h"
#include "base/file.h"
#include "support/project_fixture.h"
#include "unit/assert.h"

#define APP(image) "name: my_shop\nservices:\n  app:\n    image: " image "\n"

static const struct {
    const char *why, *compose, *app, *image, *url; /* url NULL: no check over HTTP */
} guesses[] = {
    {"one service with port",                            APP("acme/shop:v1") "    ports: [\"8080:80\"]\n", "my-shop",
     "acme/shop",                                                                                                                                      "http://127.0.0.1:8080/"     },
    {"the variable tag beats the proxy's port",
     "name: s\nservices:\n"
     "  proxy: {image: \"nginx:1\", ports: [\"80:80\"]}\n"
     "  web: {image: \"acme/web:${TAG:-v1}\", ports: [\"8080:8080\"]}\n",                                  "s",       "acme/web",                      "http://127.0.0.1:8080/"     },
    {"a literal tag beats database and proxy",
     "name: s\nservices:\n"
     "  db: {image: \"postgres:14\"}\n"
     "  proxy: {image: \"nginx:alpine\", ports: [\"80:80\"]}\n"
     "  web: {image: \"registry.example.com/acme/web:latest\", ports: [\"8080:8080\"]}\n",                 "s",       "registry.example.com/acme/web", "http://127.0.0.1:8080/"     },
    {"port and path from the container's own probe",
     APP("acme/shop:v1") "    ports: [\"9000:9000\", \"8080:80\"]\n"
                         "    healthcheck: {test: [CMD, curl, -f, "
                         "\"http://localhost:80/ready\"]}\n",                                              "my-shop", "acme/shop",                     "http://127.0.0.1:8080/ready"},
    {"the address the port is published on",
     APP("acme/shop:v1") "    ports: [\"10.1.2.3:8080:80\"]\n",                                            "my-shop", "acme/shop",
     "http://10.1.2.3:8080/"                                                                                                                                                        },
    {"a probe of another kind is left to the container",
     APP("acme/shop:v1") "    ports: [\"8080:80\"]\n"
                         "    healthcheck: {test: [CMD, /bin/probe]}\n",                                   "my-shop", "acme/shop",                     NULL                         },
    {"no published port",                                APP("acme/shop:v1"),                              "my-shop", "acme/shop",                     NULL                         },
};

static void check_guess(const struct plan *plan, size_t i)
{
    const struct plan_checks *health = &plan->checks.health;

    row_check(str_eq(plan->app, guesses[i].app), guesses[i].why);
    row_check(str_eq(plan->image, guesses[i].image), guesses[i].why);
    row_check((health->n == 1) == (guesses[i].url != NULL), guesses[i].why);
    if (guesses[i].url == NULL)
        return;
    const struct yaml_node *url = yaml_get(health->items[0].node, "url");
    row_check(url && str_eq(url->text, guesses[i].url), guesses[i].why);
}

static void test_init_by_compose_file_guesses_app_image_health(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(guesses); i++) {
        struct project *p = project_new(NULL, guesses[i].compose);
        AUTO_FREE char *path = NULL;

        if (ship_init(p->s, false, &path, &p->err) != 0)
            fail_msg("row '%s': %s", guesses[i].why, p->err.msg);
        assert_ok(session_need_plan(p->s, &p->err), &p->err);
        check_guess(p->s->plan, i);
        project_free(p);
    }
}

static void test_init_existing_plan_is_kept(void **state)
{
    (void)state;
    struct project *p = project_new(PROJECT_PLAN, PROJECT_COMPOSE);
    AUTO_FREE char *path = NULL;

    assert_int_equal(ship_init(p->s, false, &path, &p->err), 2);
    assert_null(path);
    assert_contains(p->err.msg, "exists already");
    project_free(p);
}

static void test_init_force_replaces_plan(void **state)
{
    (void)state;
    struct project *p = project_new("broken: [", PROJECT_COMPOSE);
    AUTO_FREE char *path = NULL;

    assert_int_equal(ship_init(p->s, true, &path, &p->err), 0);
    assert_ok(session_need_plan(p->s, &p->err), &p->err);
    assert_string_equal(p->s->plan->image, PROJECT_REPOSITORY);
    project_free(p);
}

static const struct {
    const char *why, *compose;
} refusals[] = {
    {"no compose file",     NULL                                     },
    {"broken compose file", "services: [\n"                          },
    {"only build",          "name: s\nservices:\n  app: {build: .}\n"},
};

static void test_init_without_usable_compose_file_writes_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(refusals); i++) {
        struct project *p = project_new(NULL, refusals[i].compose);
        AUTO_FREE char *path = NULL;
        AUTO_FREE char *plan = xasprintf("%s/shipctl.yaml", p->dir);

        row_check(ship_init(p->s, false, &path, &p->err) == 10, refusals[i].why);
        row_check(!file_exists(plan), refusals[i].why);
        project_free(p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_init_by_compose_file_guesses_app_image_health),
        cmocka_unit_test(test_init_existing_plan_is_kept),
        cmocka_unit_test(test_init_force_replaces_plan),
        cmocka_unit_test(test_init_without_usable_compose_file_writes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
