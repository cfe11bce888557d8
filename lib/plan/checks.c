/*
 * Checks of the plan: the keys every check has; the type's own keys stay YAML.
 *
 * Values come from the check, else from checks.defaults, else from the phase:
 * health tries 10 times every 2 s, the others once.
 */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/auto.h"
#include "base/str.h"
#include "plan/decode.h"

const char *const plan_check_keys[] = {"id",      "type",     "required", "timeout",
                                       "retries", "interval", NULL};

/* Rows of checks.defaults and of each check. Absent leaves what the target held before. */
#define COMMON_ROWS                                                                                \
    {.key = "required",                                                                            \
     .kind = FIELD_BOOL,                                                                           \
     .offset = offsetof(struct plan_check, required),                                              \
     .fallback = ""},                                                                              \
        {.key = "timeout",                                                                         \
         .kind = FIELD_MS,                                                                         \
         .offset = offsetof(struct plan_check, timeout_ms),                                        \
         .min = 100,                                                                               \
         .max = 3600000,                                                                           \
         .fallback = ""},                                                                          \
        {.key = "retries",                                                                         \
         .kind = FIELD_INT,                                                                        \
         .offset = offsetof(struct plan_check, retries),                                           \
         .min = 1,                                                                                 \
         .max = 1000,                                                                              \
         .fallback = ""},                                                                          \
        {.key = "interval",                                                                        \
         .kind = FIELD_MS,                                                                         \
         .offset = offsetof(struct plan_check, interval_ms),                                       \
         .min = 10,                                                                                \
         .max = 3600000,                                                                           \
         .fallback = ""},                                                                          \
    {                                                                                              \
        .key = NULL                                                                                \
    }

static const struct field default_fields[] = {COMMON_ROWS};

static const struct field check_fields[] = {
    {.key = "id",   .kind = FIELD_NAME, .offset = offsetof(struct plan_check, id),   .fallback = ""},
    {.key = "type",
     .kind = FIELD_NAME,
     .offset = offsetof(struct plan_check,                                    type),
     .fallback = NULL                                                                              },
    COMMON_ROWS,
};

/* ---- one phase ---- */

static void decode_phase(const struct yaml_node *node, struct plan_checks *list,
                         const struct plan_check *defaults, struct field_ctx *ctx)
{
    if (node->kind != YAML_SEQUENCE || node->n > PLAN_CHECKS_MAX) {
        yaml_problem_add(ctx->problems, YAML_ERROR, &node->mark,
                         "%s must be a list of at most %d checks", ctx->where, PLAN_CHECKS_MAX);
        return;
    }
    if (node->n == 0)
        return;
    list->items = xcalloc(node->n, sizeof *list->items);
    list->n = node->n;
    for (size_t i = 0; i < node->n; i++) {
        AUTO_FREE char *where = xasprintf("%s[%zu]", ctx->where, i);
        struct field_ctx sub = {.problems = ctx->problems, .where = where, .partial = true};
        list->items[i] = *defaults;
        list->items[i].node = node->items[i];
        fields_decode(check_fields, node->items[i], &list->items[i], &sub);
        if (yaml_is_null(node->items[i]))
            continue; /* "type is missing" is said */
        templates_check(node->items[i], ctx->problems);
    }
}

static void phase_done(struct plan_checks *list)
{
    for (size_t i = 0; i < list->n; i++)
        fields_done(check_fields, &list->items[i]);
    free(list->items);
    *list = (struct plan_checks){0};
}

/* ---- ids ---- */

#define PHASES 3

struct ids {
    struct plan_check *seen[PHASES * PLAN_CHECKS_MAX];
    size_t n;
};

static const struct plan_check *find_id(const struct ids *ids, const char *id)
{
    for (size_t i = 0; i < ids->n; i++)
        if (str_eq(ids->seen[i]->id, id))
            return ids->seen[i];
    return NULL;
}

/* Written ids first: a default one gives way to them wherever they stand. */
static void take_written_ids(struct plan_checks *list, struct ids *ids,
                             struct yaml_problems *problems)
{
    for (size_t i = 0; i < list->n; i++) {
        struct plan_check *check = &list->items[i];
        const struct plan_check *first = check->id ? find_id(ids, check->id) : NULL;
        if (first)
            yaml_problem_add(problems, YAML_ERROR, &yaml_get(check->node, "id")->mark,
                             "check id '%s' is used twice, first in line %u", check->id,
                             first->node->mark.line);
        if (check->id)
            ids->seen[ids->n++] = check;
    }
}

static void give_default_ids(struct plan_checks *list, struct ids *ids)
{
    for (size_t i = 0; i < list->n; i++) {
        struct plan_check *check = &list->items[i];
        if (check->id || !check->type)
            continue;
        check->id = xstrdup(check->type);
        for (unsigned k = 2; find_id(ids, check->id); k++) {
            free(check->id);
            check->id = xasprintf("%s-%u", check->type, k);
        }
        ids->seen[ids->n++] = check;
    }
}

/* ---- all ---- */

void checks_decode(const struct yaml_node *node, void *target, struct field_ctx *ctx)
{
    static const char *const phases[] = {"pre", "health", "post", NULL};
    static const struct field sections[] = {{.key = NULL}};
    struct plan *p = target;
    struct plan_checks *const lists[] = {&p->checks.pre, &p->checks.health, &p->checks.post};
    static const char *const known[] = {"defaults", "pre", "health", "post", NULL};
    struct field_ctx outer = {.problems = ctx->problems, .where = ctx->where, .elsewhere = known};
    fields_decode(sections, node, target, &outer); /* kind and unknown keys */

    struct plan_check defaults = {.required = true, .timeout_ms = 5000};
    struct field_ctx sub = {.problems = ctx->problems, .where = "checks.defaults"};
    fields_decode(default_fields, yaml_get(node, "defaults"), &defaults, &sub);
    for (size_t i = 0; i < PHASES; i++) {
        const struct yaml_node *list = yaml_get(node, phases[i]);
        struct plan_check phase = defaults;
        phase.retries = phase.retries > 0 ? phase.retries : str_eq(phases[i], "health") ? 10 : 1;
        phase.interval_ms = phase.interval_ms > 0 ? phase.interval_ms : 2000;
        AUTO_FREE char *where = xasprintf("%s.%s", ctx->where, phases[i]);
        sub.where = where;
        if (!yaml_is_null(list))
            decode_phase(list, lists[i], &phase, &sub);
    }

    struct ids ids = {.n = 0};
    for (size_t i = 0; i < PHASES; i++)
        take_written_ids(lists[i], &ids, ctx->problems);
    for (size_t i = 0; i < PHASES; i++)
        give_default_ids(lists[i], &ids);
}

void checks_done_all(void *target)
{
    struct plan *p = target;
    phase_done(&p->checks.pre);
    phase_done(&p->checks.health);
    phase_done(&p->checks.post);
}
