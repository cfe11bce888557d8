/*
 * Run a command inside a container: POST /containers/{id}/exec, /exec/{id}/start, /exec/{id}/json.
 */
#ifndef SHIP_DOCKER_EXEC_H
#define SHIP_DOCKER_EXEC_H

#include "docker/client.h"

#define EXEC_HEAD_MAX (64u * 1024)  /* of the output: kept from its start */
#define EXEC_TAIL_MAX (192u * 1024) /* kept from its end */

struct exec_spec {
    const char *const *argv; /* NULL-terminated */
    const char *const *envp; /* K=V, NULL-terminated; may be NULL */
    const char *user;        /* NULL = the container's */
    struct redact *redact;   /* of the output; NULL = as it is */
};

/*
 * 0 when it ran, however it ended. At the deadline: 0 with timed_out and exit_code -1; the API has
 * no way to end the process, it goes on inside the container. A command the container does not
 * have ends with exit code 126 or 127 as in docker exec. Codes: SHIP_NOT_FOUND, SHIP_CONFLICT (the
 * container does not run) and those of docker_send.
 */
SHIP_CHECKED int container_exec(struct docker_client *c, const char *id,
                                const struct exec_spec *spec, struct exec_result *ret,
                                int64_t deadline_ms, struct ship_error *err);

#endif
