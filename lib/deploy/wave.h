/*
 * A wave: containers whose conditions are met, made and started side by side.
 *
 * Images first, one after the other; then all containers are created, connected, given their
 * secrets and started, each of these as one batch of mutations. Order: {0}, wave_add for each
 * replica, wave_make, wave_done.
 */
#ifndef SHIP_DEPLOY_WAVE_H
#define SHIP_DEPLOY_WAVE_H

#include "deploy/operation.h"

struct wave_item {
    const struct compose_service *svc;
    int number;
    char *name, *id; /* owned; id NULL until created */
    struct json *body, *connects;
    size_t index; /* of its creation in the batch */
    struct buf tar;
};
struct wave {
    struct wave_item *items;
    size_t n;
};

/* id: of a container that exists and is only to be started; NULL = create it. */
void wave_add(struct wave *w, const struct compose_service *svc, int number, const char *id);
/* -1 names the service. */
SHIP_CHECKED int wave_make(struct operation *op, struct wave *w, struct ship_error *err);
void wave_done(struct wave *w);

#endif
