/*
 * What every component test of the engine client starts from: a scripted engine with one image and
 * a runtime connected to it.
 */
#ifndef TESTS_COMPONENT_ENGINE_FIXTURE_H
#define TESTS_COMPONENT_ENGINE_FIXTURE_H

#include <stdlib.h>

#include "runtime/runtime.h"
#include "support/fake_engine.h"
#include "unit/assert.h"

#define APP     "registry.example.com/app"
#define APP_REF APP ":v1"

struct fixture {
    struct fake_engine *engine;
    struct runtime *rt;
    struct clock clock;
    volatile sig_atomic_t stop;
    struct ship_error err;
};

static inline int64_t in_ms(int64_t ms)
{
    return clock_deadline(&clock_real, ms);
}

static inline int fixture_setup(void **state)
{
    struct fixture *f = xcalloc(1, sizeof *f);
    struct fake_image app = {
        .repository = APP, .tag = "v1", .is_local = true, .log = "hello\n!bad\n"};

    f->engine = fake_engine_start(41);
    (void)fake_engine_image(f->engine, &app);
    f->clock = clock_real;
    f->clock.stop = &f->stop;
    f->rt = runtime_open_docker(fake_engine_host(f->engine), NULL, &f->clock, &f->err);
    assert_not_null_ok(f->rt, &f->err);
    *state = f;
    return 0;
}

static inline int fixture_teardown(void **state)
{
    struct fixture *f = *state;

    runtime_close(f->rt);
    fake_engine_stop(f->engine);
    free(f);
    return 0;
}

/* Create a container of the app; id on the heap. */
static inline char *fixture_create(struct fixture *f, const char *name)
{
    AUTO_PTR(json_free) struct json *body = json_object();
    char *id = NULL;

    json_set_str(body, "Image", APP_REF);
    json_set_str(json_set_object(body, "Labels"), "io.shipctl.app", "shop");
    assert_ok(f->rt->ops->create(f->rt, name, NULL, body, &id, NULL, in_ms(5000), &f->err),
              &f->err);
    return id;
}

static inline char *fixture_start(struct fixture *f, const char *name)
{
    char *id = fixture_create(f, name);

    assert_ok(f->rt->ops->start(f->rt, id, in_ms(5000), &f->err), &f->err);
    return id;
}

/* cmocka's test with the fixture around it. */
#define engine_test(fn) cmocka_unit_test_setup_teardown(fn, fixture_setup, fixture_teardown)

#endif
