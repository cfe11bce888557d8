/* Step "pull": make every target's image local, by digest, with progress. */
#include "deploy/image.h"
#include "deploy/steps.h"

STEP_APPLY(step_pull)
{
    size_t pulled = 0;
    for (size_t i = 0; i < op->n_targets; i++) {
        struct target *t = &op->targets[i];
        pulled += !t->is_local;
        if (image_make_local(op, t, err) < 0)
            return ship_error_wrap(err, "image '%s' of service '%s'", t->image, t->service);
    }
    if (pulled == 0)
        (void)snprintf(note, STEP_NOTE_MAX, "image is local already");
    return pulled ? STEP_OK : STEP_NOTHING;
}
