/*
 * Step "pull": make the images local that the operation needs, side by side: every target's by its
 * digest, and those of services that are to be created. Before anything is changed: a registry that
 * does not answer costs nothing.
 */
#include "deploy/image.h"
#include "deploy/steps.h"

STEP_APPLY(step_pull)
{
    AUTO(pulls_done) struct pulls pulls = {0};
    for (size_t i = 0; i < op->n_targets; i++)
        image_order_target(&op->targets[i], &pulls);
    if (image_order_services(op, &pulls, err) < 0 || pulls_run(op, &pulls, err) < 0)
        return -1;
    for (size_t i = 0; i < op->n_targets; i++) {
        struct target *t = &op->targets[i];
        if (image_take_target(op, t, err) < 0)
            return ship_error_wrap(err, "image '%s' of service '%s'", t->image, t->service);
    }
    if (pulls.n == 0)
        (void)snprintf(note, STEP_NOTE_MAX, "image is local already");
    else if (pulls.n > 1)
        (void)snprintf(note, STEP_NOTE_MAX, "%zu images", pulls.n);
    return pulls.n ? STEP_OK : STEP_NOTHING;
}
