/*
 * Conditions of depends_on, as Compose judges them: started, healthy, completed successfully. What
 * belongs to an optional dependency only warns.
 */
#ifndef SHIP_DEPLOY_DEPEND_H
#define SHIP_DEPLOY_DEPEND_H

#include "deploy/operation.h"

/* Wait for every dependency of a service that is not deployed itself, one after the other. */
SHIP_CHECKED int depend_wait(struct operation *op, const struct compose_service *svc,
                             struct ship_error *err);
/*
 * The services that are not deployed themselves, in dependency order: those that a deployed one
 * needs, directly or not (before the switch), or all the others.
 */
void depend_list(const struct operation *op, bool before_switch, struct strv *ret);
/* Look once. 0 all met, 1 not yet (or the dependency is pending itself), -1 can not be met. */
SHIP_CHECKED int depend_are_met(struct operation *op, const struct compose_service *svc,
                                const struct strv *pending, struct ship_error *err);
/* Until something happens to what these services wait for, or a moment has passed. */
SHIP_CHECKED int depend_wait_change(struct operation *op, const struct strv *waiting,
                                    struct ship_error *err);
/* Replacement `rep` starts after the replaced ones before it are as healthy as it asks for. */
SHIP_CHECKED int depend_wait_replaced(struct operation *op, size_t rep, struct ship_error *err);

#endif
