/* One check under test (see check_case.h). */
#include "support/check_case.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "unit/assert.h"

void check_case_init(struct check_case *c)
{
    memset(c, 0, sizeof *c);
    fake_clock_init(&c->clock);
    fake_runtime_init(&c->fake, &c->clock.clock);
    c->vars[0] = (struct tmpl_var){"version", "v2"};
    c->vars[1] = (struct tmpl_var){"old.version", "v1"};
    c->vars[2] = (struct tmpl_var){"app", "shop"};
    c->vars[3] = (struct tmpl_var){"environment", "production"};
    c->vars[4] = (struct tmpl_var){"digest", NULL};
    c->env = (struct check_env){
        .runtime = &c->fake.rt,
        .clock = &c->clock.clock,
        .targets = c->targets,
        .vars = c->vars,
        .n_vars = 5,
        .dir = "/",
        .engine_root = "/",
    };
    c->timeout_ms = 5000;
}

static void drop_check(struct check_case *c)
{
    checks_done(&c->checks);
    yaml_free(c->yaml);
    c->yaml = NULL;
    free(c->plan.type);
    c->plan.type = NULL;
    yaml_problems_done(&c->problems);
    memset(&c->problems, 0, sizeof c->problems);
}

void check_case_done(struct check_case *c)
{
    drop_check(c);
    fake_runtime_done(&c->fake);
}

struct fake_container *check_case_target(struct check_case *c, const char *service, bool deployed)
{
    struct fake_container *box = fake_add(&c->fake, service);

    assert_true(c->env.n_targets < CHECK_CASE_TARGETS);
    c->targets[c->env.n_targets++] =
        (struct check_target){.service = service, .container_id = box->id, .deployed = deployed};
    return box;
}

static unsigned phase_of(const struct check_case *c)
{
    const struct check_type *type = check_type_find(c->plan.type);

    if (c->phase || !type)
        return c->phase ? c->phase : CHECK_PRE;
    return type->phases & CHECK_PRE ? CHECK_PRE : CHECK_POST;
}

void check_case_decode(struct check_case *c, const char *yaml)
{
    struct plan_checks list = {.items = &c->plan, .n = 1};
    struct yaml_node *type;

    drop_check(c);
    c->yaml = yaml_parse("shipctl.yaml", yaml, strlen(yaml), &c->err);
    assert_not_null_ok(c->yaml, &c->err);
    c->plan.node = yaml_root(c->yaml, 0);
    type = yaml_get(c->plan.node, "type");
    assert_non_null(type);
    c->plan.type = xstrdup(type->text);
    c->plan.id = c->plan.type;
    c->plan.required = true;
    c->plan.timeout_ms = c->timeout_ms;
    c->plan.interval_ms = 2000;
    c->plan.retries = 1;
    checks_prepare(&list, phase_of(c), &c->problems, &c->checks);
}

const char *check_case_problem(const struct check_case *c)
{
    return c->problems.n ? c->problems.list[0].text : "";
}

void check_case_load(struct check_case *c, const char *yaml)
{
    check_case_decode(c, yaml);
    if (c->problems.n_errors > 0)
        fail_msg("%s: %s", yaml, check_case_problem(c));
    assert_int_equal(c->checks.n, 1);
}

static int run_once(struct check_case *c, struct check_result *ret)
{
    const struct check *check = &c->checks.items[0];

    *ret = (struct check_result){.status = CHECK_UNKNOWN};
    memset(&c->err, 0, sizeof c->err);
    return check->type->run(&c->env, check->config, clock_deadline(c->env.clock, c->timeout_ms),
                            ret, &c->err);
}

struct check_result check_case_try(struct check_case *c)
{
    struct check_result r;

    assert_ok(run_once(c, &r), &c->err);
    return r;
}

enum ship_code check_case_try_fails(struct check_case *c)
{
    struct check_result r;

    assert_int_equal(run_once(c, &r), -1);
    return c->err.code;
}

void check_case_expect(struct check_case *c, const char *yaml, enum check_status status,
                       const char *part, const char *why)
{
    struct check_result r;

    check_case_load(c, yaml);
    r = check_case_try(c);
    if (r.status != status || !strstr(r.message, part))
        fail_msg("row '%s': %s '%s', wanted %s '%s'", why, check_status_text(r.status), r.message,
                 check_status_text(status), part);
}
