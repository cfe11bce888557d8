/*
 * Checks across the attributes of a service: what the tables can not see.
 * Errors are what Compose or the engine would refuse; warnings what they would
 * do silently. All of them run, so that one run finds everything.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/auto.h"
#include "base/file.h"
#include "base/str.h"
#include "compose/load.h"

struct check {
    struct loader *l;
    const struct yaml_node *model;
    struct yaml_node *services;
    struct yaml_node *service;
    const struct vars *disabled; /* services switched off by profile */
    struct vars container_names; /* seen so far -> service */
    bool is_partial;             /* values were dropped: what is missing may have been there */
};

static const char *name_of(const struct check *c)
{
    return c->service->key;
}

static const struct yaml_node *find_path(const struct yaml_node *n, const char *const *steps)
{
    for (; n && *steps; steps++)
        n = yaml_get(n, *steps);
    return n;
}

static void check_image(struct check *c)
{
    const char *image = tree_text_of(c->service, "image");

    if (str_empty(image) && !yaml_get(c->service, "build") && !(c->l->lost & LOST_MEMBER))
        diag_error(&c->l->diag, COMPOSE_CLASS_no_image_no_build, &c->service->key_mark,
                   "service '%s' has neither 'image' nor 'build'", name_of(c));
}

static void check_networks(struct check *c)
{
    const struct yaml_node *list = yaml_get(c->service, "networks");
    const struct yaml_node *mode = yaml_get(c->service, "network_mode");
    const struct yaml_node *declared = yaml_get(c->model, "networks");

    if (list && mode) {
        diag_error(&c->l->diag, COMPOSE_CLASS_network_mode_and_networks, &mode->mark,
                   "service '%s' has both 'network_mode' and 'networks'", name_of(c));
        return;
    }
    for (size_t i = 0; list && i < list->n; i++) {
        const struct yaml_node *n = list->items[i];
        if (!str_eq(n->key, "default") && !yaml_get(declared, n->key) &&
            !(c->l->lost & LOST_NETWORKS))
            diag_error(&c->l->diag, COMPOSE_CLASS_undefined_network, &n->key_mark,
                       "service '%s' uses network '%s', which is not declared under 'networks'",
                       name_of(c), n->key);
    }
}

/* secrets and configs */
static void check_files(struct check *c, const char *section, enum lost lost,
                        enum compose_class undefined)
{
    const struct yaml_node *list = yaml_get(c->service, section);
    const struct yaml_node *declared = yaml_get(c->model, section);

    for (size_t i = 0; list && i < list->n; i++) {
        const struct yaml_node *item = list->items[i];
        const char *source = tree_text_of(item, "source");
        const struct yaml_node *resource = source ? yaml_get(declared, source) : NULL;
        if (!resource && c->l->lost & lost)
            continue;
        if (!resource) {
            diag_error(&c->l->diag, undefined, &item->mark,
                       "service '%s' uses '%s', which is not declared under '%s'", name_of(c),
                       source ? source : "", section);
            continue;
        }
        if (yaml_get(resource, "file") &&
            (yaml_get(item, "uid") || yaml_get(item, "gid") || yaml_get(item, "mode")))
            diag_warn(&c->l->diag, &item->mark,
                      "service '%s': uid, gid and mode of '%s' have no effect: it is a file and "
                      "mounted as it is",
                      name_of(c), source);
    }
}

static void check_secrets(struct check *c)
{
    check_files(c, "secrets", LOST_SECRETS, COMPOSE_CLASS_undefined_secret);
    check_files(c, "configs", LOST_CONFIGS, COMPOSE_CLASS_undefined_config);
}

static void check_bind(struct check *c, const struct yaml_node *volume)
{
    const char *source = tree_text_of(volume, "source");

    if (source && !file_exists(source))
        diag_warn(&c->l->diag, &volume->mark,
                  "service '%s': '%s' does not exist; the engine makes an empty directory of it",
                  name_of(c), source);
}

static void check_volumes(struct check *c)
{
    const struct yaml_node *list = yaml_get(c->service, "volumes");
    const struct yaml_node *declared = yaml_get(c->model, "volumes");

    for (size_t i = 0; list && i < list->n; i++) {
        const struct yaml_node *v = list->items[i];
        const char *type = tree_text_of(v, "type"), *source = tree_text_of(v, "source");
        if (str_eq(type, "bind"))
            check_bind(c, v);
        if (str_eq(type, "volume") && !str_empty(source) && !yaml_get(declared, source) &&
            !(c->l->lost & LOST_VOLUMES))
            diag_error(&c->l->diag, COMPOSE_CLASS_undefined_volume, &v->mark,
                       "service '%s' uses volume '%s', which is not declared under 'volumes'",
                       name_of(c), source);
    }
}

static void check_tmpfs(struct check *c)
{
    const struct yaml_node *tmpfs = yaml_get(c->service, "tmpfs");
    const struct yaml_node *volumes = yaml_get(c->service, "volumes");
    AUTO(vars_done) struct vars targets = {0};

    for (size_t i = 0; volumes && i < volumes->n; i++) {
        const char *target = tree_text_of(volumes->items[i], "target");
        vars_set(&targets, target ? target : "", NULL);
    }
    for (size_t i = 0; tmpfs && i < tmpfs->n; i++) {
        const struct yaml_node *item = tmpfs->items[i];
        AUTO_FREE char *path = xstrndup(item->text, strcspn(item->text, ":"));
        AUTO_FREE char *clean = file_path_join("/", path);
        if (vars_index(&targets, clean) >= 0)
            diag_error(&c->l->diag, COMPOSE_CLASS_duplicate_mount_target, &item->mark,
                       "service '%s' mounts a tmpfs and a volume on '%s'", name_of(c), clean);
    }
}

static void check_dependencies(struct check *c)
{
    struct yaml_node *deps = yaml_get(c->service, "depends_on");
    size_t kept = 0;

    for (size_t i = 0; deps && i < deps->n; i++) {
        struct yaml_node *d = deps->items[i];
        bool required = tree_is_true(d, "required");
        if (!yaml_get(d, "condition") && !c->is_partial)
            diag_error(&c->l->diag, COMPOSE_CLASS_schema, &d->mark,
                       "'services.%s.depends_on.%s' needs a condition", name_of(c), d->key);
        if (yaml_get(c->services, d->key)) {
            deps->items[kept++] = d;
            continue;
        }
        if (!required)
            continue; /* Compose goes on without it */
        bool off = vars_index(c->disabled, d->key) >= 0;
        diag_error(&c->l->diag,
                   off ? COMPOSE_CLASS_dependency_disabled_by_profile
                       : COMPOSE_CLASS_undefined_dependency,
                   &d->key_mark, "service '%s' depends on '%s', which %s", name_of(c), d->key,
                   off ? "is switched off by its profiles" : "is not a service");
    }
    if (deps)
        deps->n = kept;
}

static long replicas_of(const struct check *c)
{
    static const char *const path[] = {"deploy", "replicas", NULL};
    const struct yaml_node *n = find_path(c->service, path);
    const char *scale = tree_text_of(c->service, "scale");

    return scale ? strtol(scale, NULL, 10) : n && n->text ? strtol(n->text, NULL, 10) : 1;
}

static void check_scale(struct check *c)
{
    static const char *const path[] = {"deploy", "replicas", NULL};
    const struct yaml_node *replicas = find_path(c->service, path);
    const struct yaml_node *scale = yaml_get(c->service, "scale");
    const struct yaml_node *ports = yaml_get(c->service, "ports");
    const struct yaml_node *container_name = yaml_get(c->service, "container_name");

    if (replicas && scale && !str_eq(replicas->text, scale->text))
        diag_error(&c->l->diag, COMPOSE_CLASS_conflicting_replicas, &scale->mark,
                   "service '%s': scale is %s but deploy.replicas is %s", name_of(c), scale->text,
                   replicas->text);
    long n = replicas_of(c);
    if (n < 0)
        diag_error(&c->l->diag, COMPOSE_CLASS_schema, &c->service->key_mark,
                   "service '%s': %ld replicas are not possible", name_of(c), n);
    if (n <= 1)
        return;
    if (container_name)
        diag_error(&c->l->diag, COMPOSE_CLASS_container_name_with_scale, &container_name->mark,
                   "service '%s' has a fixed container_name but %ld replicas", name_of(c), n);
    for (size_t i = 0; ports && i < ports->n; i++) {
        if (str_empty(tree_text_of(ports->items[i], "published")))
            continue;
        diag_warn(&c->l->diag, &ports->items[i]->mark,
                  "service '%s' publishes a fixed port but has %ld replicas: only one can have it",
                  name_of(c), n);
        return;
    }
}

static void check_container_name(struct check *c)
{
    const struct yaml_node *n = yaml_get(c->service, "container_name");
    const char *other = n ? vars_get(&c->container_names, n->text) : NULL;

    if (other)
        diag_error(&c->l->diag, COMPOSE_CLASS_duplicate_container_name, &n->mark,
                   "services '%s' and '%s' have the same container_name '%s'", other, name_of(c),
                   n->text);
    else if (n)
        vars_set(&c->container_names, n->text, name_of(c));
}

static void check_limits(struct check *c)
{
    static const struct {
        const char *key;
        const char *path[5];
    } pairs[] = {
        {"mem_limit",       {"deploy", "resources", "limits", "memory", NULL}      },
        {"cpus",            {"deploy", "resources", "limits", "cpus", NULL}        },
        {"pids_limit",      {"deploy", "resources", "limits", "pids", NULL}        },
        {"mem_reservation", {"deploy", "resources", "reservations", "memory", NULL}},
    };
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        const struct yaml_node *own = yaml_get(c->service, pairs[i].key);
        const struct yaml_node *deploy = find_path(c->service, pairs[i].path);
        if (own && deploy && !str_eq(own->text, deploy->text))
            diag_error(&c->l->diag, COMPOSE_CLASS_conflicting_limits, &own->mark,
                       "service '%s': %s is %s but deploy.resources.%s.%s is %s", name_of(c),
                       pairs[i].key, own->text, pairs[i].path[2], pairs[i].path[3], deploy->text);
    }
}

static void check_ulimits(struct check *c)
{
    const struct yaml_node *list = yaml_get(c->service, "ulimits");

    for (size_t i = 0; list && i < list->n; i++) {
        const struct yaml_node *u = list->items[i];
        if (u->kind == YAML_MAPPING && !c->is_partial &&
            (!yaml_get(u, "soft") || !yaml_get(u, "hard")))
            diag_error(&c->l->diag, COMPOSE_CLASS_schema, &u->mark,
                       "'services.%s.ulimits.%s' needs both soft and hard", name_of(c), u->key);
    }
}

static void check_process(struct check *c)
{
    static const char *const mode_path[] = {"deploy", "mode", NULL};
    static const char *const words[] = {"no", "always", "unless-stopped", "on-failure"};
    const struct yaml_node *health = yaml_get(c->service, "healthcheck");
    const struct yaml_node *grace = yaml_get(c->service, "stop_grace_period");
    const struct yaml_node *mode = find_path(c->service, mode_path);
    const struct yaml_node *restart = yaml_get(c->service, "restart");
    bool known = !restart || str_starts(restart->text, "on-failure:");
    int64_t ns;

    if (yaml_get(health, "start_interval") && !yaml_get(health, "start_period") && !c->is_partial)
        diag_error(&c->l->diag, COMPOSE_CLASS_schema, &yaml_get(health, "start_interval")->mark,
                   "service '%s': healthcheck.start_interval needs start_period", name_of(c));
    if (grace && compose_duration_ns(grace->text, &ns) == 0 && ns < 1000000000)
        diag_warn(&c->l->diag, &grace->mark,
                  "service '%s': a stop_grace_period below 1s counts as 0: the container is killed "
                  "at once",
                  name_of(c));
    if (mode && !str_eq(mode->text, "replicated"))
        diag_warn(&c->l->diag, &mode->mark,
                  "service '%s': deploy.mode '%s' has no effect: ignoring", name_of(c), mode->text);
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        known = known || str_eq(restart->text, words[i]);
    if (!known)
        diag_warn(&c->l->diag, &restart->mark,
                  "service '%s': the engine does not know restart policy '%s'", name_of(c),
                  restart->text);
}

void resolve_check_services(struct loader *l, struct yaml_node *model, const struct vars *disabled)
{
    static void (*const checks[])(struct check *) = {
        check_image,   check_networks, check_secrets,        check_volumes,
        check_tmpfs,   check_scale,    check_container_name, check_limits,
        check_ulimits, check_process,  check_dependencies,
    };
    struct check c = {.l = l,
                      .model = model,
                      .services = yaml_get(model, "services"),
                      .disabled = disabled,
                      .is_partial = l->diag.n_errors > 0};

    for (size_t i = 0; i < c.services->n; i++) {
        c.service = c.services->items[i];
        for (size_t k = 0; k < ARRAY_LEN(checks); k++)
            checks[k](&c);
    }
    vars_done(&c.container_names);
}
