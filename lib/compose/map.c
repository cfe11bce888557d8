/*
 * Service -> body of POST /containers/create.
 *
 * Input: the loaded model and what only the engine knows (create). Calls every subject
 * once; the first one that cannot be expressed on this engine fails with SHIP_INVALID.
 */
#include "compose/map.h"

#include "base/alloc.h"

typedef int map_fn(const struct map_ctx *m, struct ship_error *err);

static map_fn *const subjects[] = {
    map_process, map_healthcheck, map_labels,       map_ports,     map_resources,
    map_devices, map_security,    map_volumes_from, map_endpoints, map_mounts,
};

struct json *compose_create_body(const struct compose_project *p, const char *service,
                                 const struct compose_create *create, struct ship_error *err)
{
    AUTO_PTR(json_free) struct json *body = json_object();
    struct map_ctx m = {.p = p,
                        .name = service,
                        .service = model_service(p, service),
                        .create = create,
                        .body = body,
                        .host = json_set_object(body, "HostConfig")};

    if (!m.service) {
        ship_fail(err, SHIP_INVALID, "no service '%s' in the compose files", service);
        return NULL;
    }
    for (size_t i = 0; i < ARRAY_LEN(subjects); i++)
        if (subjects[i](&m, err) != 0)
            return NULL;
    return steal_ptr(&body);
}
