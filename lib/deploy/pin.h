/*
 * Pin: after a success the compose files read as what runs, so that the next
 * `docker compose up -d` is a no-op.
 */
#ifndef SHIP_DEPLOY_PIN_H
#define SHIP_DEPLOY_PIN_H

#include "deploy/operation.h"

/* Before anything changes: can the version be written back? By `pin`: an error, or (auto) a
 * warning. */
SHIP_CHECKED int pin_check(struct operation *op, struct ship_error *err);
/* Load the files as they are now and write every target's image. Files that read right stay
 * untouched. */
SHIP_CHECKED int pin_all(struct operation *op, struct ship_error *err);
/* What pin_all would write, as texts "APP_VERSION in .env"; for the preview. */
SHIP_CHECKED int pin_list(struct operation *op, struct strv *ret, struct ship_error *err);

#endif
