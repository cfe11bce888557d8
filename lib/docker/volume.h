/*
 * Volumes over the Engine API.
 */
#ifndef SHIP_DOCKER_VOLUME_H
#define SHIP_DOCKER_VOLUME_H

#include "docker/client.h"

/* GET /volumes/{name}: the document, or NULL when absent. */
SHIP_CHECKED int volume_inspect(struct docker_client *c, const char *name, struct json **ret,
                                int64_t deadline_ms, struct ship_error *err);

/* POST /volumes/create. An existing volume of that name is success: the engine's own rule. */
SHIP_CHECKED int volume_create(struct docker_client *c, const struct json *body,
                               int64_t deadline_ms, struct ship_error *err);

#endif
