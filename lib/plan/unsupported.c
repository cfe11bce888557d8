/*
 * Keys of the schema this version does not act on.
 *
 * A plan is never half honoured: what is written and not implemented is an
 * error. Values that mean "off", and empty lists and mappings, pass, so a plan
 * can say so explicitly.
 */
#include <fnmatch.h>
#include <string.h>

#include "base/alloc.h"
#include "base/auto.h"
#include "base/str.h"
#include "plan/decode.h"

/* parent and key are fnmatch patterns; value is the one that passes */
static const struct {
    const char *parent, *key, *value;
} harmless[] = {
    {"engine",              "type",           "docker"    },
    {"verify",              "mode",           "off"       },
    {"policy",              "*",              "off"       },
    {"strategy",            "type",           "recreate"  },
    {"strategy",            "order",          "stop-first"},
    {"strategy",            "parallelism",    "1"         },
    {"strategy",            "drain",          "5s"        },
    {"strategy",            "auto_promotion", "true"      },
    {"services.*.strategy", "type",           "recreate"  },
    {"services.*.strategy", "order",          "stop-first"},
    {"services.*.strategy", "parallelism",    "1"         },
};

/* The value that passes for a key of parent, or NULL. */
static const char *find_harmless(const char *parent, const char *key)
{
    for (size_t i = 0; i < ARRAY_LEN(harmless); i++)
        if (fnmatch(harmless[i].parent, parent, 0) == 0 && fnmatch(harmless[i].key, key, 0) == 0)
            return harmless[i].value;
    return NULL;
}

static bool has_harmless_members(const char *label)
{
    for (size_t i = 0; i < ARRAY_LEN(harmless); i++)
        if (fnmatch(harmless[i].parent, label, 0) == 0)
            return true;
    return false;
}

static void refuse_whole(const struct yaml_node *node, const char *label,
                         struct yaml_problems *problems)
{
    yaml_problem_add(problems, YAML_ERROR, &node->key_mark,
                     "'%s' is not supported by this version; remove it", label);
}

static void check_member(const struct yaml_node *node, const char *parent, const char *label,
                         struct yaml_problems *problems)
{
    const char *value = find_harmless(parent, node->key);
    if (yaml_is_null(node) || (node->kind != YAML_SCALAR && node->n == 0))
        return;
    if (!value || node->kind != YAML_SCALAR)
        refuse_whole(node, label, problems);
    else if (!str_eq(node->text, value))
        yaml_problem_add(problems, YAML_ERROR, &node->mark,
                         "%s '%.80s' is not supported by this version; use %s", label, node->text,
                         value);
}

/* "a.b.c" -> "a.b"; "a" -> "" */
static char *parent_of(const char *label, const char *key)
{
    AUTO_FREE char *suffix = xasprintf(".%s", key);
    size_t len = strlen(label), tail = strlen(suffix);
    return str_ends(label, suffix) ? xstrndup(label, len - tail) : xstrdup("");
}

void unsupported_decode(const struct yaml_node *node, void *target, struct field_ctx *ctx)
{
    (void)target;
    if (node->kind != YAML_MAPPING || !has_harmless_members(ctx->where)) {
        AUTO_FREE char *parent = parent_of(ctx->where, node->key);
        check_member(node, parent, ctx->where, ctx->problems);
        return;
    }
    for (size_t i = 0; i < node->n; i++) {
        AUTO_FREE char *label = xasprintf("%s.%s", ctx->where, node->items[i]->key);
        check_member(node->items[i], ctx->where, label, ctx->problems);
    }
}
