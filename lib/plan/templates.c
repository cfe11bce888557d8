/* ${...} in the plan: which names exist, and a lint of every string that is expanded later. */
#include "base/alloc.h"
#include "base/tmpl.h"
#include "plan/decode.h"

const char *const plan_variables[] = {"version", "digest", "old.version", "app", "environment"};
const size_t plan_n_variables = ARRAY_LEN(plan_variables);

void templates_check(const struct yaml_node *node, struct yaml_problems *problems)
{
    struct ship_error err = {0};
    if (node->kind == YAML_SCALAR && tmpl_check(node->text, plan_variables, plan_n_variables, &err))
        yaml_problem_add(problems, YAML_ERROR, &node->mark, "%s%s%s", err.msg,
                         err.hint[0] ? "; " : "", err.hint);
    for (size_t i = 0; i < node->n; i++)
        templates_check(node->items[i], problems);
}
