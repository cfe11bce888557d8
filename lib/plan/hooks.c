/*
 * Hooks of the plan: lists of commands, each one of three forms.
 *
 * `command` runs on the host, `exec` in a running container, `run_image: new`
 * in a one-off container of the new image. A command is an argument list: one
 * string would look like a shell line and is refused.
 */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/auto.h"
#include "base/str.h"
#include "plan/decode.h"

/* ---- one hook ---- */

static void decode_argv(const struct yaml_node *node, void *target, struct field_ctx *ctx)
{
    struct strv *argv = target;
    if (node->kind != YAML_SEQUENCE || node->n == 0) {
        yaml_problem_add(ctx->problems, YAML_ERROR, &node->mark,
                         "%s must be a list of arguments, such as [./task.sh, --all]; no shell "
                         "takes it apart",
                         ctx->where);
        return;
    }
    for (size_t i = 0; i < node->n; i++) {
        const struct yaml_node *item = node->items[i];
        if (item->kind != YAML_SCALAR || yaml_is_null(item) || (i == 0 && item->len == 0)) {
            yaml_problem_add(ctx->problems, YAML_ERROR, &item->mark, "%s[%zu] must be text, not %s",
                             ctx->where, i,
                             item->kind == YAML_SCALAR ? "empty" : fields_kind_text(item));
            continue;
        }
        templates_check(item, ctx->problems);
        strv_add(argv, item->text);
    }
}

static void argv_done(void *target)
{
    strv_done(target);
}

static const struct field exec_fields[] = {
    {.key = "service",
     .kind = FIELD_STRING,
     .offset = offsetof(struct plan_hook, service),
     .min = 1,
     .fallback = NULL},
    {.key = "command",
     .kind = FIELD_CUSTOM,
     .offset = offsetof(struct plan_hook, command),
     .custom = decode_argv,
     .custom_done = argv_done,
     .fallback = NULL},
    {.key = NULL                           },
};

/* Not FIELD_STRUCT: when it is absent its keys are not required. */
static void decode_exec(const struct yaml_node *node, void *target, struct field_ctx *ctx)
{
    fields_decode(exec_fields, node, target, ctx);
}

static void decode_run_image(const struct yaml_node *node, void *target, struct field_ctx *ctx)
{
    (void)target;
    if (node->kind != YAML_SCALAR || !str_eq(node->text, "new"))
        yaml_problem_add(ctx->problems, YAML_ERROR, &node->mark,
                         "%s must be 'new': the image of the version being deployed", ctx->where);
}

static const struct field hook_fields[] = {
    {.key = "command",
     .kind = FIELD_CUSTOM,
     .offset = offsetof(struct plan_hook, command),
     .custom = decode_argv,
     .custom_done = argv_done,
     .fallback = ""},
    {.key = "service",
     .kind = FIELD_STRING,
     .offset = offsetof(struct plan_hook, service),
     .min = 1,
     .fallback = ""},
    {.key = "run_image",               .kind = FIELD_CUSTOM, .custom = decode_run_image, .fallback = ""},
    {.key = "exec",                      .kind = FIELD_CUSTOM, .custom = decode_exec, .fallback = ""},
    {.key = "timeout",
     .kind = FIELD_MS,
     .offset = offsetof(struct plan_hook, timeout_ms),
     .min = 1000,
     .max = 86400000,
     .fallback = ""},
    {.key = "reversible",
     .kind = FIELD_BOOL,
     .offset = offsetof(struct plan_hook, reversible),
     .fallback = ""},
    {.key = NULL                           },
};

static bool has(const struct yaml_node *node, const char *key)
{
    return !yaml_is_null(yaml_get(node, key));
}

/* exec decodes into the same targets as these two: never both. */
static bool is_exec_mixed(const struct yaml_node *node)
{
    return has(node, "exec") && (has(node, "command") || has(node, "service"));
}

/* What is wrong with the combination of keys, or NULL. */
static const char *find_conflict(const struct yaml_node *node, bool is_migrate)
{
    bool exec = has(node, "exec"), run_image = has(node, "run_image");
    if (exec && run_image)
        return "has both exec and run_image; a hook is one of them";
    if (is_exec_mixed(node))
        return "has exec, so command and service belong inside it";
    if (run_image && !has(node, "command"))
        return "has run_image, so it needs command too";
    if (!exec && !has(node, "command"))
        return "needs one of command, exec, or run_image with command";
    if (!run_image && has(node, "service"))
        return "has service, which goes with run_image only";
    if (!is_migrate && has(node, "reversible"))
        return "has reversible, which goes with hooks.migrate only";
    return NULL;
}

static void decode_hook(const struct yaml_node *node, struct plan_hook *hook, bool is_migrate,
                        struct field_ctx *ctx)
{
    hook->mark = node->mark;
    if (node->kind != YAML_MAPPING) {
        yaml_problem_add(ctx->problems, YAML_ERROR, &node->mark,
                         "%s must be a mapping such as {command: [./task.sh]}, not %s", ctx->where,
                         fields_kind_text(node));
        return;
    }
    if (!is_exec_mixed(node))
        fields_decode(hook_fields, node, hook, ctx);
    const char *conflict = find_conflict(node, is_migrate);
    if (conflict)
        yaml_problem_add(ctx->problems, YAML_ERROR, &node->mark, "%s %s", ctx->where, conflict);
    hook->kind = has(node, "exec")        ? PLAN_HOOK_EXEC
                 : has(node, "run_image") ? PLAN_HOOK_RUN_IMAGE
                                          : PLAN_HOOK_COMMAND;
}

/* ---- lists ---- */

static void decode_list(const struct yaml_node *node, void *target, struct field_ctx *ctx)
{
    struct plan_hooks *list = target;
    if (node->kind != YAML_SEQUENCE || node->n > PLAN_HOOKS_MAX) {
        yaml_problem_add(ctx->problems, YAML_ERROR, &node->mark,
                         "%s must be a list of at most %d hooks", ctx->where, PLAN_HOOKS_MAX);
        return;
    }
    if (node->n == 0)
        return;
    list->items = xcalloc(node->n, sizeof *list->items);
    list->n = node->n;
    for (size_t i = 0; i < node->n; i++) {
        AUTO_FREE char *where = xasprintf("%s[%zu]", ctx->where, i);
        struct field_ctx sub = {.problems = ctx->problems, .where = where};
        decode_hook(node->items[i], &list->items[i], str_eq(ctx->where, "hooks.migrate"), &sub);
    }
}

static void list_done(void *target)
{
    struct plan_hooks *list = target;
    for (size_t i = 0; i < list->n; i++)
        fields_done(hook_fields, &list->items[i]);
    free(list->items);
    *list = (struct plan_hooks){0};
}

#define HOOK_LIST(name)                                                                            \
    {                                                                                              \
        .key = #name, .kind = FIELD_CUSTOM, .offset = offsetof(struct plan, hooks.name),           \
        .custom = decode_list, .custom_done = list_done, .fallback = ""                            \
    }

static const struct field list_fields[] = {
    HOOK_LIST(backup),      HOOK_LIST(migrate),    HOOK_LIST(pre_deploy),
    HOOK_LIST(post_deploy), HOOK_LIST(on_failure), {.key = NULL},
};

void hooks_decode(const struct yaml_node *node, void *target, struct field_ctx *ctx)
{
    fields_decode(list_fields, node, target, ctx);
}

void hooks_done(void *target)
{
    fields_done(list_fields, target);
}
