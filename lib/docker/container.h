/*
 * Containers over the Engine API: read, change, statistics, logs.
 *
 * id: 64 hex digits, an unambiguous prefix of at least 12, or a name. Codes everywhere: see
 * client.h; SHIP_NOT_FOUND for an unknown container.
 */
#ifndef SHIP_DOCKER_CONTAINER_H
#define SHIP_DOCKER_CONTAINER_H

#include "docker/client.h"

#define CONTAINER_HEALTH_OUTPUT_MAX 4096

/* ---- read ---- */

/* GET /containers/json. labels: "k=v" or "k", all must match; NULL = any. */
SHIP_CHECKED int container_list(struct docker_client *c, const struct strv *labels, bool all,
                                struct container_list *ret, int64_t deadline_ms,
                                struct ship_error *err);

/* GET /containers/{id}/json. A name that happens to be a prefix of an id is not found by it. */
SHIP_CHECKED int container_inspect(struct docker_client *c, const char *id, struct container *ret,
                                   int64_t deadline_ms, struct ship_error *err);

/* Decode an inspect document, which is taken (also on failure). SHIP_ENGINE when it has no id. */
SHIP_CHECKED int container_decode(struct json *doc, struct container *ret, struct ship_error *err);
/* Decode the list document, borrowed. */
void container_list_decode(const struct json *doc, struct container_list *ret);

/* GET /containers/{id}/stats: raw values, cpu_pct -1. */
SHIP_CHECKED int container_stats(struct docker_client *c, const char *id,
                                 struct container_stats *ret, int64_t deadline_ms,
                                 struct ship_error *err);
void container_stats_decode(const struct json *doc, struct container_stats *ret);
/* CPU of the time between two samples, as `docker stats` computes it; -1 = cannot tell. */
double container_stats_cpu_pct(const struct container_stats *before,
                               const struct container_stats *after);

/* POST /containers/{id}/wait: blocks until it does not run. Interruptible. */
SHIP_CHECKED int container_wait(struct docker_client *c, const char *id, int64_t *ret_exit_code,
                                int64_t deadline_ms, struct ship_error *err);

/* ---- change ---- */

SHIP_CHECKED int container_create(struct docker_client *c, const char *name, const char *platform,
                                  const struct json *body, char **ret_id, struct strv *ret_warnings,
                                  int64_t deadline_ms, struct ship_error *err);
/* Running already = success. */
SHIP_CHECKED int container_start(struct docker_client *c, const char *id, int64_t deadline_ms,
                                 struct ship_error *err);
/* grace_s < 0: the container's own. Stopped already = success. */
SHIP_CHECKED int container_stop(struct docker_client *c, const char *id, int64_t grace_s,
                                int64_t deadline_ms, struct ship_error *err);
SHIP_CHECKED int container_rename(struct docker_client *c, const char *id, const char *name,
                                  int64_t deadline_ms, struct ship_error *err);
SHIP_CHECKED int container_set_restart(struct docker_client *c, const char *id, const char *policy,
                                       int64_t max_retry, int64_t deadline_ms,
                                       struct ship_error *err);
/* Gone already = success. Volumes are never removed (no v=1 anywhere). */
SHIP_CHECKED int container_remove(struct docker_client *c, const char *id, bool force,
                                  int64_t deadline_ms, struct ship_error *err);
/* PUT /containers/{id}/archive: unpack a tar archive below path. */
SHIP_CHECKED int container_put_archive(struct docker_client *c, const char *id, const char *path,
                                       const void *tar, size_t len, int64_t deadline_ms,
                                       struct ship_error *err);

#endif
