/*
 * Networks over the Engine API.
 */
#ifndef SHIP_DOCKER_NETWORK_H
#define SHIP_DOCKER_NETWORK_H

#include "docker/client.h"

/* GET /networks/{name}: the document of exactly that name, or NULL when absent. */
SHIP_CHECKED int network_inspect(struct docker_client *c, const char *name, struct json **ret,
                                 int64_t deadline_ms, struct ship_error *err);

/* POST /networks/create. SHIP_CONFLICT when the name is taken (the body asks for the check). */
SHIP_CHECKED int network_create(struct docker_client *c, const struct json *body,
                                int64_t deadline_ms, struct ship_error *err);

/* POST /networks/{network}/connect */
SHIP_CHECKED int network_connect(struct docker_client *c, const char *network,
                                 const struct json *body, int64_t deadline_ms,
                                 struct ship_error *err);

#endif
