/*
 * Names and references between services: container names, sorted model members,
 * the order of networks, and other services' containers ("service:x").
 */
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "compose/map.h"

#define SERVICE_MODE "service:"

const struct json *model_service(const struct compose_project *p, const char *service)
{
    return json_get(json_get(p->model, "services"), service);
}

const struct json *model_resource(const struct compose_project *p, const char *section,
                                  const char *key)
{
    return json_get(json_get(p->model, section), key);
}

const char *model_real_name(const struct compose_project *p, const char *section, const char *key)
{
    return json_str_or(model_resource(p, section, key), "name", key);
}

static int compare_members(const void *a, const void *b)
{
    const struct json *const *x = a, *const *y = b;

    return strcmp(json_key(*x), json_key(*y));
}

const struct json **model_sorted(const struct json *obj)
{
    size_t n = json_size(obj), i = 0;

    if (n == 0)
        return NULL;
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): an array of pointers */
    const struct json **list = xcalloc(n, sizeof(*list));
    for (const struct json *c = json_first(obj); c; c = json_next(c))
        list[i++] = c;
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): an array of pointers */
    qsort(list, n, sizeof(*list), compare_members);
    return list;
}

/* Priority descending, then name. */
static int compare_networks(const void *a, const void *b)
{
    const struct json *const *x = a, *const *y = b;
    int64_t px = json_i64(*x, "priority", 0), py = json_i64(*y, "priority", 0);

    if (px != py)
        return px > py ? -1 : 1;
    return strcmp(json_key(*x), json_key(*y));
}

const char **model_networks(const struct json *service, size_t *ret_n)
{
    const struct json *networks = json_get(service, "networks");
    AUTO_FREE const struct json **sorted = model_sorted(networks);

    *ret_n = json_size(networks);
    if (!sorted)
        return NULL;
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): an array of pointers */
    qsort(sorted, *ret_n, sizeof(*sorted), compare_networks);
    const char **keys = xcalloc(*ret_n, sizeof(*keys));
    for (size_t i = 0; i < *ret_n; i++)
        keys[i] = json_key(sorted[i]);
    return keys;
}

char *model_built_image(const struct compose_project *p, const char *service)
{
    return xasprintf("%s-%s", p->name, service);
}

bool is_default_bridge(const char *network_mode)
{
    return str_eq(network_mode, "bridge") || str_eq(network_mode, "default");
}

const struct compose_peer *peer_first(const struct compose_peer *peers, size_t n,
                                      const char *service)
{
    const struct compose_peer *best = NULL;

    for (size_t i = 0; i < n; i++) {
        if (!str_eq(peers[i].service, service))
            continue;
        if (!best || strcmp(peers[i].container_name, best->container_name) < 0)
            best = &peers[i];
    }
    return best;
}

char *peer_resolve_mode(const struct compose_peer *peers, size_t n, const char *mode)
{
    if (!str_starts(mode, SERVICE_MODE))
        return xstrdup(mode);
    const struct compose_peer *peer = peer_first(peers, n, mode + strlen(SERVICE_MODE));
    return peer ? xasprintf("container:%s", peer->container_id) : xstrdup(mode);
}

char *secret_target(const struct json *use, bool is_config)
{
    const char *dir = is_config ? "/" : "/run/secrets";
    const char *target = json_str(use, "target");

    return file_path_join(dir, str_empty(target) ? json_str_or(use, "source", "") : target);
}

char *compose_container_name(const struct compose_project *p, const char *service, int number)
{
    const char *fixed = json_str(model_service(p, service), "container_name");

    if (!str_empty(fixed))
        return xstrdup(fixed);
    return xasprintf("%s-%s-%d", p->name, service, number);
}
