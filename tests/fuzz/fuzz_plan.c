/* Fuzz target: any bytes as a plan, with and without an environment. A plan, or an error. */
#include <assert.h>
#include <stdint.h>

#include "plan/plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void load(const char *text, size_t len, const char *environment)
{
    struct ship_error err = {0};
    AUTO(yaml_problems_done) struct yaml_problems problems = {0};
    AUTO_PTR(plan_free)
    struct plan *p = plan_parse("shipctl.yaml", text, len, environment, &problems, &err);
    if (!p) {
        assert(err.code == SHIP_INVALID && err.msg[0] && problems.n_errors > 0);
        return;
    }
    assert(p->app && p->environment && problems.n_errors == 0);
    assert(p->timeouts.total_ms > 0 && p->prune.keep > 0 && p->strategy.parallelism == 1);
    for (size_t i = 0; i < p->checks.health.n; i++) {
        const struct plan_check *c = &p->checks.health.items[i];
        assert(c->id && c->type && c->node && c->retries > 0 && c->timeout_ms > 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 16u * 1024)
        return 0;
    load((const char *)data, size, NULL);
    load((const char *)data, size, "staging");
    return 0;
}
