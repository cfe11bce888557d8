/* Images: resolve a tag to a digest, order what is not local, keep the tags of targets. */
#ifndef SHIP_DEPLOY_IMAGE_H
#define SHIP_DEPLOY_IMAGE_H

#include "deploy/operation.h"
#include "deploy/pulls.h"

/*
 * Fill digest, is_local, and image_id when the image is local already. By the plan's `pull`:
 * always asks the registry, missing and never look at local images first.
 */
SHIP_CHECKED int image_resolve_target(struct operation *op, struct target *t,
                                      struct ship_error *err);
/* When it is not local, its digest is ordered. */
void image_order_target(const struct target *t, struct pulls *pulls);
/* After the pull: tag it "repo:version", fill image_id. */
SHIP_CHECKED int image_take_target(struct operation *op, struct target *t, struct ship_error *err);

/* Images of services that are not deployed but to be created, by their `pull_policy`. -1: one is
 * not local and must not be pulled. */
SHIP_CHECKED int image_order_services(struct operation *op, struct pulls *pulls,
                                      struct ship_error *err);
/* It is local by now. ret: inspect answer. */
SHIP_CHECKED int image_look(struct operation *op, const struct compose_service *svc,
                            struct image *ret, struct ship_error *err);

#endif
