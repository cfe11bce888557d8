/*
 * Resolved model -> what the deployer needs to know: services in dependency order,
 * networks and volumes by name.
 *
 * Strings point into the model, which the project owns; the small arrays are freed by
 * compose_view_done(). The loader has refused dependency cycles; one that slips through
 * is an error here, not a hang.
 */
#include <string.h>

#include "base/alloc.h"
#include "compose/map.h"
#include "compose/version.h"

#define STOP_GRACE_DEFAULT_MS 10000
#define NS_PER_MS             1000000

static enum compose_condition condition_of(const char *text)
{
    if (str_eq(text, "service_healthy"))
        return COMPOSE_HEALTHY;
    if (str_eq(text, "service_completed_successfully"))
        return COMPOSE_COMPLETED;
    return COMPOSE_STARTED;
}

static void view_dependencies(const struct json *def, struct compose_service *s)
{
    const struct json *depends = json_get(def, "depends_on");
    AUTO_FREE const struct json **sorted = model_sorted(depends);
    size_t n = json_size(depends);

    if (n == 0)
        return;
    struct compose_dependency *list = xcalloc(n, sizeof(*list));
    for (size_t i = 0; i < n; i++)
        list[i] = (struct compose_dependency){
            .service = json_key(sorted[i]),
            .condition = condition_of(json_str(sorted[i], "condition")),
            .required = json_bool(sorted[i], "required", true),
            .restart = json_bool(sorted[i], "restart", false),
        };
    s->depends_on = list;
    s->n_depends_on = n;
}

static bool listed(const char *const *list, size_t n, const char *text)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq(list[i], text))
            return true;
    return false;
}

static void view_volumes(const struct json *def, struct compose_service *s)
{
    const struct json *volumes = json_get(def, "volumes");
    size_t n = 0;

    if (json_size(volumes) == 0)
        return;
    const char **list = xcalloc(json_size(volumes), sizeof(*list));
    for (const struct json *c = json_first(volumes); c; c = json_next(c)) {
        const char *source = json_str(c, "source");
        if (str_eq(json_str(c, "type"), "volume") && !str_empty(source) && !listed(list, n, source))
            list[n++] = source;
    }
    s->volumes = list;
    s->n_volumes = n;
}

static void add_share(struct compose_service *s, const struct json *services, const char *text)
{
    size_t len = strcspn(text, ":");

    for (const struct json *c = json_first(services); c; c = json_next(c))
        if (strlen(json_key(c)) == len && strncmp(json_key(c), text, len) == 0 &&
            !listed(s->shares, s->n_shares, json_key(c)))
            s->shares[s->n_shares++] = json_key(c);
}

static void view_shares(const struct json *services, const struct json *def,
                        struct compose_service *s)
{
    static const char *const modes[] = {"network_mode", "ipc", "pid"};
    static const char prefix[] = "service:";
    const struct json *from = json_get(def, "volumes_from"), *links = json_get(def, "links");
    size_t max = ARRAY_LEN(modes) + json_size(from) + json_size(links);

    s->shares = xcalloc(max, sizeof(*s->shares));
    for (size_t i = 0; i < ARRAY_LEN(modes); i++)
        if (str_starts(json_str_or(def, modes[i], ""), prefix))
            add_share(s, services, json_str(def, modes[i]) + strlen(prefix));
    for (const struct json *c = json_first(from); c; c = json_next(c))
        if (json_value_str(c) && !str_starts(json_value_str(c), "container:"))
            add_share(s, services, json_value_str(c));
    if (!is_default_bridge(json_str(def, "network_mode")))
        return;
    for (const struct json *c = json_first(links); c; c = json_next(c))
        if (json_value_str(c))
            add_share(s, services, json_value_str(c));
}

/* A test of its own that is not switched off; without one the image's check may or may not exist.
 */
static bool view_healthcheck(const struct json *def)
{
    const struct json *check = json_get(def, "healthcheck");
    const struct json *test = json_get(check, "test");

    return json_size(test) > 0 && !json_bool(check, "disable", false) &&
           !str_eq(json_value_str(json_first(test)), "NONE");
}

/* A range for one container port is not fixed: the engine picks a free one. */
static bool view_fixed_ports(const struct json *def)
{
    for (const struct json *c = json_first(json_get(def, "ports")); c; c = json_next(c)) {
        const char *published = json_str_or(c, "published", "");
        if (*published && !strchr(published, '-') && !str_eq(published, "0"))
            return true;
    }
    return false;
}

static bool view_port_ranges(const struct json *def)
{
    for (const struct json *c = json_first(json_get(def, "ports")); c; c = json_next(c))
        if (strchr(json_str_or(c, "published", ""), '-'))
            return true;
    return false;
}

static int64_t view_stop_grace(const struct json *def)
{
    const char *text = json_str(def, "stop_grace_period");
    int64_t ns = 0;

    if (!text || compose_duration_ns(text, &ns) != 0)
        return STOP_GRACE_DEFAULT_MS;
    return ns / NS_PER_MS;
}

static int64_t view_replicas(const struct json *def)
{
    return json_i64(json_get(def, "deploy"), "replicas", json_i64(def, "scale", 1));
}

static void view_service(const struct compose_project *p, const struct json *def,
                         struct compose_service *s)
{
    const struct compose_source *source = compose_source_find(p, json_key(def));
    const char *pull_policy = json_str(def, "pull_policy");

    *s = (struct compose_service){
        .name = json_key(def),
        .image = json_str(def, "image"),
        .has_build = !json_is_null(json_get(def, "build")),
        .container_name = json_str(def, "container_name"),
        .platform = json_str(def, "platform"),
        .pull_policy = str_empty(pull_policy) ? "missing" : pull_policy,
        .replicas = view_replicas(def),
        .stop_grace_ms = view_stop_grace(def),
        .has_healthcheck = view_healthcheck(def),
        .has_fixed_ports = view_fixed_ports(def),
        .has_port_ranges = view_port_ranges(def),
        .has_links = json_first(json_get(def, "links")) != NULL,
        .network_mode = json_str(def, "network_mode"),
    };
    if (str_empty(s->image))
        s->built_image = model_built_image(p, s->name);
    if (source) {
        s->mark = source->mark;
        s->image_mark = source->image_mark;
        s->image_raw = source->image_raw;
    }
    if (str_empty(s->network_mode))
        s->networks = model_networks(def, &s->n_networks);
    view_dependencies(def, s);
    view_volumes(def, s);
    view_shares(json_get(p->model, "services"), def, s);
}

const char *compose_service_image(const struct compose_service *s)
{
    return s->built_image ? s->built_image : s->image;
}

/* All dependencies that exist are already placed. */
static bool is_ready(const struct compose_project *p, const struct json *def)
{
    for (const struct json *c = json_first(json_get(def, "depends_on")); c; c = json_next(c))
        if (model_service(p, json_key(c)) && !compose_service_find(p, json_key(c)))
            return false;
    return true;
}

/* Repeatedly place the first service by name whose dependencies stand before it. */
static int view_services(struct compose_project *p, struct ship_error *err)
{
    const struct json *services = json_get(p->model, "services");
    AUTO_FREE const struct json **left = model_sorted(services);
    size_t n = json_size(services);

    p->services = xcalloc(n ? n : 1, sizeof(*p->services));
    while (p->n_services < n) {
        size_t i = 0;
        while (i < n && (!left[i] || !is_ready(p, left[i])))
            i++;
        if (i == n)
            return ship_fail(err, SHIP_INVALID, "dependency cycle among the services");
        view_service(p, left[i], &p->services[p->n_services]);
        p->n_services++;
        left[i] = NULL;
    }
    return 0;
}

static struct compose_resource *view_resources(const struct compose_project *p, const char *section,
                                               size_t *ret_n)
{
    const struct json *all = json_get(p->model, section);
    AUTO_FREE const struct json **sorted = model_sorted(all);
    size_t n = json_size(all);

    *ret_n = n;
    if (n == 0)
        return NULL;
    struct compose_resource *list = xcalloc(n, sizeof(*list));
    for (size_t i = 0; i < n; i++)
        list[i] = (struct compose_resource){
            .key = json_key(sorted[i]),
            .real_name = model_real_name(p, section, json_key(sorted[i])),
            .external = json_bool(sorted[i], "external", false),
        };
    return list;
}

int compose_view_build(struct compose_project *p, struct ship_error *err)
{
    size_t n = json_size(json_get(p->model, "services"));

    if (n > COMPOSE_SERVICES_MAX)
        return ship_fail(err, SHIP_INVALID, "%zu services, at most %d are supported", n,
                         COMPOSE_SERVICES_MAX);
    compose_view_done(p);
    if (view_services(p, err) != 0) {
        compose_view_done(p);
        return -1;
    }
    p->networks = view_resources(p, "networks", &p->n_networks);
    p->volumes = view_resources(p, "volumes", &p->n_volumes);
    return 0;
}

void compose_view_done(struct compose_project *p)
{
    for (size_t i = 0; i < p->n_services; i++) {
        free((void *)(uintptr_t)p->services[i].depends_on);
        free((void *)(uintptr_t)p->services[i].networks);
        free((void *)(uintptr_t)p->services[i].volumes);
        free(p->services[i].shares);
        free(p->services[i].built_image);
    }
    free(p->services);
    free(p->networks);
    free(p->volumes);
    p->services = NULL;
    p->networks = p->volumes = NULL;
    p->n_services = p->n_networks = p->n_volumes = 0;
}

size_t compose_services(const struct compose_project *p)
{
    return p->n_services;
}

const struct compose_service *compose_service_at(const struct compose_project *p, size_t i)
{
    return i < p->n_services ? &p->services[i] : NULL;
}

const struct compose_service *compose_service_find(const struct compose_project *p,
                                                   const char *name)
{
    for (size_t i = 0; i < p->n_services; i++)
        if (str_eq(p->services[i].name, name))
            return &p->services[i];
    return NULL;
}

size_t compose_service_ports(const struct compose_project *p, const char *service,
                             struct compose_port *ret, size_t cap)
{
    size_t n = 0;

    for (const struct json *c = json_first(json_get(model_service(p, service), "ports")); c;
         c = json_next(c), n++)
        if (n < cap)
            ret[n] = (struct compose_port){
                .host_ip = json_str_or(c, "host_ip", ""),
                .published = json_str_or(c, "published", ""),
                .protocol = json_str_or(c, "protocol", "tcp"),
                .target = (int)json_i64(c, "target", 0),
            };
    return n;
}

size_t compose_networks(const struct compose_project *p)
{
    return p->n_networks;
}

const struct compose_resource *compose_network_at(const struct compose_project *p, size_t i)
{
    return i < p->n_networks ? &p->networks[i] : NULL;
}

size_t compose_volumes(const struct compose_project *p)
{
    return p->n_volumes;
}

const struct compose_resource *compose_volume_at(const struct compose_project *p, size_t i)
{
    return i < p->n_volumes ? &p->volumes[i] : NULL;
}
