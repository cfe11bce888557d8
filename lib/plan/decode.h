/* Parts of the plan's decoder, shared by the files of this folder only. */
#ifndef SHIP_PLAN_DECODE_H
#define SHIP_PLAN_DECODE_H

#include "plan/plan.h"

/* Decode the effective mapping (overlay applied) into p; plan_free() releases it. */
void plan_decode(struct plan *p, const struct yaml_node *root, struct yaml_problems *problems);
void plan_decode_done(struct plan *p);

/* ---- custom decoders of the top table; target is the struct plan ---- */
void hooks_decode(const struct yaml_node *node, void *target, struct field_ctx *ctx);
void hooks_done(void *target);
void checks_decode(const struct yaml_node *node, void *target, struct field_ctx *ctx);
void checks_done_all(void *target);

/*
 * A key of the schema this version does not act on: refused by name, unless its value says the
 * same as leaving it out (`verify: {mode: off}`).
 */
void unsupported_decode(const struct yaml_node *node, void *target, struct field_ctx *ctx);

/* Report bad ${...} in every scalar at or below node. */
void templates_check(const struct yaml_node *node, struct yaml_problems *problems);

/* ---- environments ---- */

/*
 * The mapping to decode for an environment: a clone of root in f with its overlay merged, or root
 * itself when it has none. `environments` is left in it.
 */
struct yaml_node *overlay_apply(struct yaml_file *f, struct yaml_node *root, const char *name);
/* Report faults of the `environments` mapping itself. */
void overlay_check(const struct yaml_node *root, struct yaml_problems *problems);
/*
 * Heap string: the environment asked for, or the file's. An unknown one is reported (and returned
 * as it is).
 */
char *overlay_choose(const struct yaml_node *root, const char *wanted,
                     struct yaml_problems *problems);

#endif
