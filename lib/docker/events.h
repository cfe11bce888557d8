/*
 * The engine's events about containers: GET /events on a connection of its own, kept open.
 */
#ifndef SHIP_DOCKER_EVENTS_H
#define SHIP_DOCKER_EVENTS_H

#include "docker/client.h"

#define EVENTS_KEPT_MAX 256 /* not yet asked for; the oldest are dropped beyond */

struct docker_events;

/* Opens nothing yet. c is borrowed. */
struct docker_events *docker_events_new(struct docker_client *c);
void docker_events_free(struct docker_events *e);
AUTO_PTR_DEFINE(docker_events_free, struct docker_events)

/*
 * The next event (die, oom, stop, start, health_status) of one of these containers (full ids or
 * prefixes of at least 12 digits). 0 = an event in ret; 1 = the deadline passed; -1 = err.
 * Interruptible. The subscription is opened on first use and starts with the last change this
 * client made, so what followed from it is not missed; a lost connection is reopened once where
 * it ended.
 */
SHIP_CHECKED int docker_events_wait(struct docker_events *e, const char *const *ids, size_t n,
                                    struct engine_event *ret, int64_t deadline_ms,
                                    struct ship_error *err);

/* Decode one event object; -1 when it is not about a container. */
int engine_event_decode(const struct json *object, struct engine_event *ret);

#endif
