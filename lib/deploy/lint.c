/*
 * Lint: see lint.h. A check with a fault would otherwise be found when its turn
 * comes, and that is after the switch.
 */
#include "deploy/lint.h"

#include "base/alloc.h"
#include "check/check.h"
#include "compose/compose.h"

/* ---- services that are named ---- */

static const char *near_service(const struct ship_session *s, const char *name)
{
    AUTO(strv_done) struct strv names = {0};
    size_t n = compose_services(s->compose);
    for (size_t i = 0; i < n; i++)
        strv_add(&names, compose_service_at(s->compose, i)->name);
    const char *near = str_closest(name, (const char *const *)names.v, n);
    return near ? compose_service_find(s->compose, near)->name : NULL;
}

static void lint_name(struct ship_session *s, const char *name, const struct yaml_mark *mark)
{
    if (!name || compose_service_find(s->compose, name))
        return;
    const char *near = near_service(s, name);
    yaml_problem_add(&s->problems, YAML_ERROR, mark,
                     "no active compose service has the name '%s'%s%s%s", name,
                     near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

/* The mark of an overlay's service is not known: the name has to do. */
static void lint_deployed(struct ship_session *s)
{
    const struct yaml_node *root = yaml_root(s->plan->yaml, 0);
    const struct yaml_node *services = root ? yaml_get(root, "services") : NULL;
    for (size_t i = 0; i < s->plan->n_services; i++) {
        const char *name = s->plan->services[i].name;
        const struct yaml_node *node = services ? yaml_get(services, name) : NULL;
        lint_name(s, name, node ? &node->key_mark : NULL);
    }
}

static void lint_hooks(struct ship_session *s, const struct plan_hooks *hooks)
{
    for (size_t i = 0; i < hooks->n; i++)
        lint_name(s, hooks->items[i].service, &hooks->items[i].mark);
}

/* ---- checks ---- */

static void lint_checks(struct ship_session *s, const struct plan_checks *plan, unsigned phase)
{
    AUTO(checks_done) struct checks cs = {0};
    checks_prepare(plan, phase, &s->problems, &cs);
    for (size_t i = 0; i < plan->n; i++) {
        const struct yaml_node *service =
            plan->items[i].node ? yaml_get(plan->items[i].node, "service") : NULL;
        if (service && service->kind == YAML_SCALAR && !yaml_is_null(service))
            lint_name(s, service->text, &service->mark);
    }
}

int lint_plan(struct ship_session *s, struct ship_error *err)
{
    const struct plan *p = s->plan;
    const struct plan_hooks *hooks[] = {&p->hooks.backup, &p->hooks.migrate, &p->hooks.pre_deploy,
                                        &p->hooks.post_deploy, &p->hooks.on_failure};
    lint_deployed(s);
    for (size_t i = 0; i < ARRAY_LEN(hooks); i++)
        lint_hooks(s, hooks[i]);
    lint_checks(s, &p->checks.pre, CHECK_PRE);
    lint_checks(s, &p->checks.health, CHECK_HEALTH);
    lint_checks(s, &p->checks.post, CHECK_POST);
    return yaml_problems_check(&s->problems, err);
}
