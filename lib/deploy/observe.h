/* What is there: engine, the project's containers, the version of Compose that made them; adoption.
 */
#ifndef SHIP_DEPLOY_OBSERVE_H
#define SHIP_DEPLOY_OBSERVE_H

#include "deploy/operation.h"

/* Probe the engine, list containers, set family and peers. */
SHIP_CHECKED int observe_engine(struct operation *op, struct ship_error *err);
/*
 * Record what runs now as a deployment (version NULL: each service's own old_version), so that it
 * can be rolled back to: containers made by Compose, or a lost ledger. Nothing happens when a
 * target has no running container.
 */
SHIP_CHECKED int adopt_running(struct operation *op, const char *version, struct ship_error *err);

#endif
