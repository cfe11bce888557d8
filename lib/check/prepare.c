/*
 * Decoding of a phase's checks: type, own keys, rules between keys.
 *
 * The keys that all types share were decoded with the plan, which has looked
 * at ${...} as well; here they only have to be known. All faults are reported,
 * each with its position.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "check/check.h"

static const char *phase_text(unsigned phase)
{
    return phase == CHECK_PRE ? "pre" : phase == CHECK_HEALTH ? "health" : "post";
}

/* Where to point: at a member, or at the whole check. */
static const struct yaml_mark *mark_of(const struct yaml_node *node, const char *key)
{
    const struct yaml_node *member = node ? yaml_get(node, key) : NULL;

    return member ? &member->mark : node ? &node->mark : NULL;
}

static const struct check_type *find_type(const struct plan_check *pc, unsigned phase,
                                          struct yaml_problems *problems)
{
    const struct check_type *type = check_type_find(pc->type);
    const char *names[32], *near;
    size_t n = 0;

    if (type && (type->phases & phase))
        return type;
    if (type) {
        yaml_problem_add(problems, YAML_ERROR, mark_of(pc->node, "type"),
                         "a '%s' check can not be in checks.%s", pc->type, phase_text(phase));
        return NULL;
    }
    while (n < ARRAY_LEN(names) && check_types[n]) {
        names[n] = check_types[n]->name;
        n++;
    }
    near = str_closest(pc->type, names, n);
    yaml_problem_add(problems, YAML_ERROR, mark_of(pc->node, "type"),
                     "unknown check type '%s'%s%s%s", pc->type, near ? "; did you mean '" : "",
                     near ? near : "", near ? "'?" : "");
    return NULL;
}

static void prepare_one(const struct plan_check *pc, const struct check_type *type,
                        struct yaml_problems *problems, struct check *ret)
{
    AUTO_FREE char *where = xasprintf("check '%s'", pc->id);
    struct field_ctx ctx = {.problems = problems, .where = where, .elsewhere = plan_check_keys};
    size_t errors = problems->n_errors;

    *ret = (struct check){
        .type = type,
        .id = pc->id,
        .required = pc->required,
        .timeout_ms = pc->timeout_ms,
        .interval_ms = pc->interval_ms,
        .retries = pc->retries,
        .config = xcalloc(1, type->config_size),
    };
    fields_decode(type->fields, pc->node, ret->config, &ctx);
    /* A value that was refused is zero now: a rule between keys would complain once more. */
    if (type->validate && problems->n_errors == errors)
        type->validate(ret->config, pc->node, &ctx);
}

void checks_prepare(const struct plan_checks *plan, unsigned phase, struct yaml_problems *problems,
                    struct checks *ret)
{
    struct checks cs = {0};

    if (plan->n > 0)
        cs.items = xcalloc(plan->n, sizeof *cs.items);
    for (size_t i = 0; i < plan->n; i++) {
        const struct check_type *type = find_type(&plan->items[i], phase, problems);

        if (type)
            prepare_one(&plan->items[i], type, problems, &cs.items[cs.n++]);
    }
    *ret = cs;
}

void checks_done(struct checks *cs)
{
    for (size_t i = 0; i < cs->n; i++) {
        fields_done(cs->items[i].type->fields, cs->items[i].config);
        free(cs->items[i].config);
    }
    free(cs->items);
    *cs = (struct checks){0};
}
