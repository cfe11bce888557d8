/* Images of targets: resolve a tag to a digest, make the image local, keep its tag. */
#ifndef SHIP_DEPLOY_IMAGE_H
#define SHIP_DEPLOY_IMAGE_H

#include "deploy/operation.h"

/*
 * Fill digest, is_local, and image_id when the image is local already. By the plan's `pull`:
 * always asks the registry, missing and never look at local images first.
 */
SHIP_CHECKED int image_resolve_target(struct operation *op, struct target *t,
                                      struct ship_error *err);
/* Pull by digest when not local, tag it "repo:version", fill image_id. Progress events. */
SHIP_CHECKED int image_make_local(struct operation *op, struct target *t, struct ship_error *err);
/* Any image reference (a dependency's): present locally, else pull it as written. ret: inspect
 * answer. */
SHIP_CHECKED int image_ensure(struct operation *op, const char *ref, const char *platform,
                              struct image *ret, struct ship_error *err);

#endif
