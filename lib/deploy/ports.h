/* Published ports: are they free, or held by the containers we replace? */
#ifndef SHIP_DEPLOY_PORTS_H
#define SHIP_DEPLOY_PORTS_H

#include "deploy/operation.h"

/*
 * Every fixed host port of a service that will be created or replaced. SHIP_PRECHECK names the port
 * and its holder. Ports of services that run already are theirs.
 */
SHIP_CHECKED int ports_check(struct operation *op, struct ship_error *err);

#endif
