/*
 * Conditions of depends_on, as Compose judges them: started, healthy, completed successfully. What
 * belongs to an optional dependency only warns.
 */
#ifndef SHIP_DEPLOY_DEPEND_H
#define SHIP_DEPLOY_DEPEND_H

#include "deploy/operation.h"
#include "deploy/wave.h"

/* Wait for every dependency of a service that is not deployed itself, one after the other. */
SHIP_CHECKED int depend_wait(struct operation *op, const struct compose_service *svc,
                             struct ship_error *err);
/* Services that are not deployed themselves, seen from those that are. */
enum depend_group {
    DEPEND_NEEDED = 1u << 0,  /* a deployed one needs it, directly or not */
    DEPEND_WAITING = 1u << 1, /* needs a deployed one, directly or not */
    DEPEND_BESIDE = 1u << 2,  /* neither */
    DEPEND_ALL = DEPEND_NEEDED | DEPEND_WAITING | DEPEND_BESIDE,
};
/* Those of some groups, in dependency order. */
void depend_list(const struct operation *op, unsigned groups, struct strv *ret);
/*
 * Look once. 0 all met, or as soon as what is in the wave has been started; 1 not yet (or the
 * dependency is pending itself); -1 can not be met.
 */
SHIP_CHECKED int depend_are_met(struct operation *op, const struct compose_service *svc,
                                const struct strv *pending, const struct wave *wave,
                                struct ship_error *err);
/* Until something happens to what these services wait for, or a moment has passed. */
SHIP_CHECKED int depend_wait_change(struct operation *op, const struct strv *waiting,
                                    struct ship_error *err);
/*
 * May the new containers start all at once, and the services beside them? Only where nothing
 * serves, so that there is no outage to keep short, and no new one waits for another's health.
 */
bool depend_starts_all(const struct operation *op);
/* Replacement `rep` starts after the replaced ones before it are as healthy as it asks for. */
SHIP_CHECKED int depend_wait_replaced(struct operation *op, size_t rep, struct ship_error *err);

#endif
