/*
 * The top level of the plan: THE table of keys, with ranges and defaults.
 *
 * Order of rows = order in shipctl.yaml(5). Keys the schema has and this
 * version does not act on are rows too, so that they are refused by name.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/auto.h"
#include "base/str.h"
#include "plan/decode.h"

#define DAY_MS 86400000

/* ---- values with a grammar of their own ---- */

static void refuse(const struct yaml_node *node, struct field_ctx *ctx, const char *what)
{
    if (node->kind == YAML_SCALAR)
        yaml_problem_add(ctx->problems, YAML_ERROR, &node->mark, "%s '%.120s' %s", ctx->where,
                         node->text, what);
    else
        yaml_problem_add(ctx->problems, YAML_ERROR, &node->mark,
                         "%s must be a single value, not %s", ctx->where, fields_kind_text(node));
}

static void decode_version(const struct yaml_node *node, void *target, struct field_ctx *ctx)
{
    (void)target;
    if (node->kind != YAML_SCALAR || !str_eq(node->text, "1"))
        refuse(node, ctx, "is not known; this version reads plans of version 1");
}

/* What keeps a text from being a repository without tag and digest, or NULL. */
static const char *find_image_fault(const char *image)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/:";
    const char *slash = strrchr(image, '/');
    const char *last = slash ? slash + 1 : image;
    if (strchr(image, '@'))
        return "must not carry a digest; the version is given to 'shipctl deploy'";
    if (image[strspn(image, allowed)] != '\0')
        return "must be a repository, such as registry.example.com/app, without variables";
    if (strchr(last, ':'))
        return "must not carry a tag; the version is given to 'shipctl deploy'";
    if (*last == '\0' || *image == '/' || strstr(image, "//"))
        return "must be a repository, such as registry.example.com/app";
    return NULL;
}

static void decode_image(const struct yaml_node *node, void *target, struct field_ctx *ctx)
{
    const char *fault = node->kind == YAML_SCALAR ? find_image_fault(node->text) : "";
    if (fault)
        refuse(node, ctx, fault);
    else
        *(char **)target = xstrdup(node->text);
}

static void decode_project(const struct yaml_node *node, void *target, struct field_ctx *ctx)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789_-";
    bool is_good = node->kind == YAML_SCALAR && node->len > 0 && node->len <= 255 &&
                   node->text[strspn(node->text, allowed)] == '\0' && !strchr("_-", node->text[0]);
    if (is_good)
        *(char **)target = xstrdup(node->text);
    else
        refuse(node, ctx,
               "must be lower-case letters, digits, dashes and underscores, a letter or "
               "digit first");
}

static void decode_host(const struct yaml_node *node, void *target, struct field_ctx *ctx)
{
    if (node->kind == YAML_SCALAR && str_starts(node->text, "unix:///"))
        *(char **)target = xstrdup(node->text);
    else
        refuse(node, ctx,
               "is not supported; shipctl runs on the machine of its engine: use "
               "unix:///var/run/docker.sock");
}

static void text_done(void *target)
{
    free(*(char **)target);
    *(char **)target = NULL;
}

/* ---- services ---- */

static const struct field service_fields[] = {
    {.key = "image",
     .kind = FIELD_CUSTOM,
     .offset = offsetof(struct plan_service, image),
     .custom = decode_image,
     .custom_done = text_done,
     .fallback = ""},
    {.key = "strategy", .kind = FIELD_CUSTOM, .custom = unsupported_decode, .fallback = ""},
    {.key = NULL                },
};

static bool is_service_name(const char *s)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    return *s && s[strspn(s, allowed)] == '\0';
}

static void decode_services(const struct yaml_node *node, void *target, struct field_ctx *ctx)
{
    struct plan *p = target;
    if (node->kind != YAML_MAPPING || node->n > PLAN_SERVICES_MAX) {
        yaml_problem_add(ctx->problems, YAML_ERROR, &node->mark,
                         "services must be a mapping of at most %d compose services",
                         PLAN_SERVICES_MAX);
        return;
    }
    if (node->n == 0)
        return;
    p->services = xcalloc(node->n, sizeof *p->services);
    for (size_t i = 0; i < node->n; i++) {
        const struct yaml_node *item = node->items[i];
        AUTO_FREE char *where = xasprintf("services.%s", item->key);
        struct field_ctx sub = {.problems = ctx->problems, .where = where};
        if (str_starts(item->key, "x-"))
            continue;
        if (!is_service_name(item->key))
            yaml_problem_add(ctx->problems, YAML_ERROR, &item->key_mark,
                             "'%s' is not a name of a compose service", item->key);
        struct plan_service *service = &p->services[p->n_services++];
        service->name = xstrdup(item->key);
        fields_decode(service_fields, item, service, &sub);
    }
}

static void services_done(void *target)
{
    struct plan *p = target;
    for (size_t i = 0; i < p->n_services; i++) {
        free(p->services[i].name);
        fields_done(service_fields, &p->services[i]);
    }
    free(p->services);
    p->services = NULL;
    p->n_services = 0;
}

/* ---- tables ---- */

static const char *const pull_words[] = {"always", "missing", "never", NULL};
static const char *const pin_words[] = {"auto", "env", "compose", "none", NULL};
static const char *const migrated_words[] = {"refuse", "allow", NULL};

#define AT(member)  .offset = offsetof(struct plan, member)
#define UNSUPPORTED .kind = FIELD_CUSTOM, .custom = unsupported_decode, .fallback = ""

static const struct field engine_fields[] = {
    {.key = "type",        UNSUPPORTED},
    {.key = "host",
     .kind = FIELD_CUSTOM,
     AT(engine_host),
     .custom = decode_host,
     .custom_done = text_done,
     .fallback = ""},
    {.key = NULL},
};

static const struct field strategy_fields[] = {
    {.key = "type",               UNSUPPORTED},
    {.key = "order",                           UNSUPPORTED},
    {.key = "parallelism",UNSUPPORTED},
    {.key = "delay",        .kind = FIELD_MS, AT(strategy.delay_ms), .max = DAY_MS, .fallback = "0s"},
    {.key = "drain",                           UNSUPPORTED},
    {.key = "min_healthy",
     .kind = FIELD_MS,
     AT(strategy.min_healthy_ms),
     .max = 3600000,
     .fallback = "5s"},
    {.key = "bake_time",
     .kind = FIELD_MS,
     AT(strategy.bake_time_ms),
     .max = DAY_MS,
     .fallback = "0s"},
    {.key = "auto_promotion",                           UNSUPPORTED},
    {.key = "steps",UNSUPPORTED},
    {.key = "router",        UNSUPPORTED},
    {.key = NULL},
};

#define TIMEOUT(name, text)                                                                        \
    {                                                                                              \
        .key = #name, .kind = FIELD_MS, AT(timeouts.name##_ms), .min = 1000, .max = DAY_MS,        \
        .fallback = (text)                                                                         \
    }

static const struct field timeout_fields[] = {
    TIMEOUT(total, "10m"),   TIMEOUT(pull, "5m"), TIMEOUT(start, "30s"),
    TIMEOUT(rollback, "2m"), TIMEOUT(hook, "5m"), {.key = NULL},
};

static const struct field rollback_fields[] = {
    {.key = "auto",           .kind = FIELD_BOOL, AT(rollback.automatic), .fallback = "true"},
    {.key = "if_migrated",
     .kind = FIELD_ENUM,
     AT(rollback.if_migrated),
     .words = migrated_words,
     .fallback = "refuse"},
    {.key = NULL                      },
};

static const struct field prune_fields[] = {
    {.key = "keep",   .kind = FIELD_INT, AT(prune.keep), .min = 1, .max = 1000, .fallback = "3"},
    {.key = "pin", .kind = FIELD_STRV, AT(prune.pin), .max = 1000, .fallback = ""},
    {.key = "after_deploy",    .kind = FIELD_BOOL, AT(prune.after_deploy), .fallback = "true"},
    {.key = NULL              },
};

/* environments is decoded before this table, see overlay.c */
static void skip_environments(const struct yaml_node *node, void *target, struct field_ctx *ctx)
{
    (void)node;
    (void)target;
    (void)ctx;
}

#define SECTION(name, table)                                                                       \
    {                                                                                              \
        .key = (name), .kind = FIELD_STRUCT, .sub = (table), .fallback = ""                        \
    }

static const struct field plan_fields[] = {
    {.key = "version",          .kind = FIELD_CUSTOM, .custom = decode_version, .fallback = NULL},
    {.key = "app", .kind = FIELD_NAME, AT(app), .fallback = NULL},
    {.key = "environment",                         .kind = FIELD_NAME, AT(environment), .fallback = "production"},
    {.key = "image",
     .kind = FIELD_CUSTOM,
     AT(image),
     .custom = decode_image,
     .custom_done = text_done,
     .fallback = ""},
    {.key = "compose",         .kind = FIELD_STRV, AT(compose), .max = 32, .fallback = ""},
    {.key = "profiles",      .kind = FIELD_STRV, AT(profiles), .max = 32, .fallback = ""},
    {.key = "project",
     .kind = FIELD_CUSTOM,
     AT(project),
     .custom = decode_project,
     .custom_done = text_done,
     .fallback = ""},
    SECTION("engine", engine_fields),
    {.key = "services",
     .kind = FIELD_CUSTOM,
     .custom = decode_services,
     .custom_done = services_done,
     .fallback = ""},
    {.key = "pull",      .kind = FIELD_ENUM, AT(pull), .words = pull_words, .fallback = "always"},
    {.key = "pin",    .kind = FIELD_ENUM, AT(pin), .words = pin_words, .fallback = "auto"},
    {.key = "permissions",            UNSUPPORTED},
    {.key = "windows",          UNSUPPORTED},
    {.key = "verify",              UNSUPPORTED},
    {.key = "policy",           UNSUPPORTED},
    {.key = "promote",         UNSUPPORTED},
    SECTION("strategy", strategy_fields),
    SECTION("timeouts", timeout_fields),
    {.key = "hooks",
     .kind = FIELD_CUSTOM,
     .custom = hooks_decode,
     .custom_done = hooks_done,
     .fallback = ""},
    {.key = "checks",
     .kind = FIELD_CUSTOM,
     .custom = checks_decode,
     .custom_done = checks_done_all,
     .fallback = ""},
    {.key = "analysis",          UNSUPPORTED},
    SECTION("rollback", rollback_fields),
    SECTION("prune", prune_fields),
    {.key = "notify",               UNSUPPORTED},
    {.key = "metrics",  UNSUPPORTED},
    {.key = "environments",                         .kind = FIELD_CUSTOM, .custom = skip_environments, .fallback = ""},
    {.key = NULL     },
};

/* ---- rules over several keys ---- */

static void check_texts(const struct yaml_node *root, const char *key, const struct strv *sv,
                        struct yaml_problems *problems)
{
    for (size_t i = 0; i < sv->n; i++)
        if (str_empty(sv->v[i]))
            yaml_problem_add(problems, YAML_ERROR, &yaml_get(root, key)->mark,
                             "%s must not hold an empty text", key);
}

static void check_images(const struct plan *p, const struct yaml_node *root,
                         struct yaml_problems *problems)
{
    if (p->image || !yaml_is_null(yaml_get(root, "image")))
        return;
    if (p->n_services == 0) {
        yaml_problem_add(problems, YAML_ERROR, &root->mark,
                         "image is missing: the repository to deploy, or one for each of services");
        return;
    }
    const struct yaml_node *services = yaml_get(root, "services");
    for (size_t i = 0; i < p->n_services; i++) {
        const struct yaml_node *service = yaml_get(services, p->services[i].name);
        if (yaml_is_null(yaml_get(service, "image")))
            yaml_problem_add(problems, YAML_ERROR, &service->key_mark,
                             "services.%s needs an image, because the plan has none",
                             p->services[i].name);
    }
}

void plan_decode(struct plan *p, const struct yaml_node *root, struct yaml_problems *problems)
{
    struct field_ctx ctx = {.problems = problems, .where = "plan"};
    fields_decode(plan_fields, root, p, &ctx);
    p->strategy.type = PLAN_RECREATE;
    p->strategy.order = PLAN_STOP_FIRST;
    p->strategy.parallelism = 1;
    if (root->kind != YAML_MAPPING)
        return;
    check_images(p, root, problems);
    check_texts(root, "compose", &p->compose, problems);
    check_texts(root, "profiles", &p->profiles, problems);
}

void plan_decode_done(struct plan *p)
{
    fields_done(plan_fields, p);
}
