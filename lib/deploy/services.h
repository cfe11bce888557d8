/*
 * Services that are not deployed themselves: what does not exist yet is created, what is down is
 * started, in dependency order; what runs is never touched.
 */
#ifndef SHIP_DEPLOY_SERVICES_H
#define SHIP_DEPLOY_SERVICES_H

#include "deploy/depend.h"
#include "deploy/operation.h"
#include "deploy/wave.h"

/*
 * Wave by wave, everything that may start is started before anything is waited for.
 * groups: of enum depend_group; with: containers that go with the first wave, or NULL. made: grows
 * by what was created or started. What the last wave made is not observed yet.
 */
SHIP_CHECKED int services_ensure(struct operation *op, unsigned groups, struct wave *with,
                                 size_t *made, struct ship_error *err);
/* Look at the containers again, and at who names whom. */
SHIP_CHECKED int services_observe(struct operation *op, struct ship_error *err);
/* A container of the service is up, whatever it says of itself. */
bool services_runs(const struct container_row *c);

#endif
