/*
 * `environments`: overlays merged over the top level of the plan.
 *
 * Mappings merge key by key, everything else is replaced. An overlay cannot
 * change what identifies the file: version, environment, environments.
 */
#include "base/alloc.h"
#include "base/auto.h"
#include "base/buf.h"
#include "base/str.h"
#include "plan/decode.h"

static void merge(struct yaml_file *f, struct yaml_node *base, const struct yaml_node *over)
{
    for (size_t i = 0; i < over->n; i++) {
        const struct yaml_node *value = over->items[i];
        struct yaml_node *old = yaml_get(base, value->key);
        if (old && old->kind == YAML_MAPPING && value->kind == YAML_MAPPING)
            merge(f, old, value);
        else
            yaml_set(f, base, value->key, yaml_clone(f, value));
    }
}

struct yaml_node *overlay_apply(struct yaml_file *f, struct yaml_node *root, const char *name)
{
    const struct yaml_node *over = yaml_get(yaml_get(root, "environments"), name);
    if (!over || over->kind != YAML_MAPPING || over->n == 0)
        return root;
    struct yaml_node *merged = yaml_clone(f, root);
    merge(f, merged, over);
    return merged;
}

static void check_one(const struct yaml_node *over, struct yaml_problems *problems)
{
    static const char *const fixed[] = {"version", "environment", "environments"};
    if (!fields_is_name(over->key))
        yaml_problem_add(problems, YAML_ERROR, &over->key_mark,
                         "'%s' cannot name an environment; use 1 to 63 lower-case letters, digits "
                         "and dashes",
                         over->key);
    if (yaml_is_null(over))
        return;
    if (over->kind != YAML_MAPPING) {
        yaml_problem_add(problems, YAML_ERROR, &over->mark,
                         "environments.%s must be a mapping, not %s", over->key,
                         fields_kind_text(over));
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(fixed); i++) {
        const struct yaml_node *bad = yaml_get(over, fixed[i]);
        if (bad)
            yaml_problem_add(problems, YAML_ERROR, &bad->key_mark,
                             "'%s' cannot be changed by an environment", fixed[i]);
    }
}

void overlay_check(const struct yaml_node *root, struct yaml_problems *problems)
{
    const struct yaml_node *all = yaml_get(root, "environments");
    if (yaml_is_null(all))
        return;
    if (all->kind != YAML_MAPPING) {
        yaml_problem_add(problems, YAML_ERROR, &all->mark, "environments must be a mapping, not %s",
                         fields_kind_text(all));
        return;
    }
    if (all->n > PLAN_ENVIRONMENTS_MAX)
        yaml_problem_add(problems, YAML_ERROR, &all->key_mark,
                         "environments has %zu entries, at most %d are allowed", all->n,
                         PLAN_ENVIRONMENTS_MAX);
    for (size_t i = 0; i < all->n; i++)
        check_one(all->items[i], problems);
}

/* The environment of the file without any overlay. */
static const char *own_environment(const struct yaml_node *root)
{
    const struct yaml_node *n = yaml_get(root, "environment");
    return yaml_is_null(n) || n->kind != YAML_SCALAR ? "production" : n->text;
}

static void refuse_unknown(const struct yaml_node *root, const char *wanted,
                           struct yaml_problems *problems)
{
    const struct yaml_node *all = yaml_get(root, "environments");
    AUTO(buf_done) struct buf known = BUF_INIT(512);
    buf_adds(&known, own_environment(root));
    for (size_t i = 0; all && i < all->n; i++)
        if (!str_eq(all->items[i]->key, own_environment(root)))
            buf_addf(&known, ", %s", all->items[i]->key);
    yaml_problem_add(problems, YAML_ERROR, all ? &all->key_mark : &root->mark,
                     "unknown environment '%s'; the plan has %s", wanted, known.p);
}

char *overlay_choose(const struct yaml_node *root, const char *wanted,
                     struct yaml_problems *problems)
{
    const char *own = own_environment(root);
    if (!wanted)
        return xstrdup(own);
    if (!str_eq(wanted, own) && !yaml_get(yaml_get(root, "environments"), wanted))
        refuse_unknown(root, wanted, problems);
    return xstrdup(wanted);
}
