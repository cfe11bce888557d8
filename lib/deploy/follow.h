/*
 * Services that go with a replaced one though their own image stays.
 *
 * A follower names another service's container by id (network_mode, ipc, pid: service:x,
 * volumes_from), so it is recreated, from the image it runs, in the same transaction. A dependent
 * with `restart: true` is stopped and started once the new version is healthy.
 */
#ifndef SHIP_DEPLOY_FOLLOW_H
#define SHIP_DEPLOY_FOLLOW_H

#include "deploy/operation.h"

/* Does a service name the container of a replaced one? */
bool follow_is_follower(const struct operation *op, const char *service);
/* After the candidate exists: what refers to the service by id gets the candidate's. */
void follow_point_peers(struct operation *op);
/* Is it one that has a container and is not replaced for its own sake? */
bool follow_goes_along(const struct operation *op, const char *service);
/* Is a dependent with `restart: true` of a service whose container is replaced? */
bool follow_is_restarted(const struct operation *op, const struct compose_service *svc);
/* Specify and create the followers that have containers. After the targets are created. */
SHIP_CHECKED int follow_create(struct operation *op, struct ship_error *err);
typedef int (*follow_each)(struct operation *op, struct replacement *r, struct ship_error *err);
/*
 * Every replacement that follows, last service first: what is undone later starts later, and a
 * container can not start in the namespace of one that is down. Ends with the first -1.
 */
SHIP_CHECKED int follow_last_first(struct operation *op, follow_each each, struct ship_error *err);
/* Stop and park what follows. */
SHIP_CHECKED int follow_park(struct operation *op, struct ship_error *err);
/* Before the switch: note which containers are restarted after it, for the way back. */
SHIP_CHECKED int follow_note_restarts(struct operation *op, struct ship_error *err);
/* ret_n: how many were restarted. Needs a fresh observation. */
SHIP_CHECKED int follow_restart(struct operation *op, size_t *ret_n, struct ship_error *err);

#endif
