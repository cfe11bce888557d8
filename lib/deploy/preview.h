/* The parts of a dry run's preview. */
#ifndef SHIP_DEPLOY_PREVIEW_H
#define SHIP_DEPLOY_PREVIEW_H

#include "deploy/operation.h"

/*
 * Append what would be done, in the order of the steps, to the preview of op->res. Fills op->reps
 * and op->kept with what would be replaced and kept.
 */
SHIP_CHECKED int preview_list_actions(struct operation *op, struct ship_error *err);

#endif
