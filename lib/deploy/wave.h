/*
 * A wave: containers whose conditions are met, made and started side by side.
 *
 * All of them are created, connected, given their secrets and started, each of these as one batch
 * of mutations; one that depends on another of the wave starts after it. Order: {0}, wave_add for
 * each replica, wave_make, wave_done.
 */
#ifndef SHIP_DEPLOY_WAVE_H
#define SHIP_DEPLOY_WAVE_H

#include "deploy/operation.h"

struct wave_item {
    const struct compose_service *svc;
    int number;
    char *name, *id; /* owned; id NULL until created */
    struct json *body, *connects;
    struct image image; /* of the first item of an image, else empty */
    size_t index;       /* in the batch under way */
    struct buf tar;
    bool is_new; /* the version that is deployed: the way back takes it away */
};
struct wave {
    struct wave_item *items;
    size_t n;
};

/* id: of a container that exists and is only to be started; NULL = create it. */
void wave_add(struct wave *w, const struct compose_service *svc, int number, const char *id);
/* The container of a replacement, which exists and is to be started. */
void wave_add_new(struct wave *w, const struct compose_service *svc, const struct replacement *r);
bool wave_has(const struct wave *w, const char *service);
/* Images have to be local. -1 names the service. */
SHIP_CHECKED int wave_make(struct operation *op, struct wave *w, struct ship_error *err);
void wave_done(struct wave *w);

#endif
