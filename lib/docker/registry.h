/*
 * What the registry said, seen through the engine: shared by resolve and pull. Private to
 * lib/docker.
 */
#ifndef SHIP_DOCKER_REGISTRY_H
#define SHIP_DOCKER_REGISTRY_H

#include "base/image_ref.h"
#include "docker/image.h"

/*
 * Fail with the class of the engine's text about a registry. status: of the HTTP answer, 0 when
 * the text came inside a stream. text: raw.
 */
int registry_fail(const char *action, const struct image_ref *ref, const struct registry_auth *auth,
                  int status, const char *text, struct ship_error *err);

#endif
