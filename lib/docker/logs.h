/*
 * Container logs: GET /containers/{id}/logs, with or without a terminal's framing.
 */
#ifndef SHIP_DOCKER_LOGS_H
#define SHIP_DOCKER_LOGS_H

#include "docker/client.h"
#include "docker/stream.h"

struct logs_query {
    const char *since; /* engine time text or epoch seconds; NULL = from the start */
    int64_t tail;      /* lines from the end; < 0 = all */
    bool timestamps;
    bool follow;
};

/*
 * Hand the log to sink in order, in pieces of any size (a line has no limit and is not stored).
 * Ends with the log, when the sink stops it, or with `follow` at the deadline: all are success.
 * Interruptible.
 */
SHIP_CHECKED int container_logs(struct docker_client *c, const char *id,
                                const struct logs_query *query, frame_sink sink, void *ctx,
                                int64_t deadline_ms, struct ship_error *err);

/* since as the engine wants it: RFC 3339 becomes "seconds.nanoseconds", numbers stay. NULL when it
 * is neither; heap. */
char *logs_since(const char *text);

#endif
