/*
 * Targets: which services get the version, and what they run now.
 */
#ifndef SHIP_DEPLOY_TARGET_H
#define SHIP_DEPLOY_TARGET_H

#include "deploy/operation.h"

/*
 * Deploy: choose the services (plan `services`, else compose services whose repository equals
 * `image`), load the compose files with the version in place, fill op->targets, op->overrides,
 * res->to. SHIP_USAGE (not a tag or digest), SHIP_INVALID (no such service, cannot carry a
 * version).
 */
SHIP_CHECKED int targets_from_plan(struct operation *op, struct ship_error *err);
/*
 * The compose services that carry the app's version, as targets without version (status, check).
 */
SHIP_CHECKED int targets_list(struct ship_session *s, struct strv *ret_services,
                              struct ship_error *err);
/* Versions and digests that run now: old_version, old_digest; res->from when the ledger has none.
 */
SHIP_CHECKED int targets_observe_old(struct operation *op, struct ship_error *err);
/* First live container of every service, for namespaces, links and hashes. */
void targets_set_peers(struct operation *op);
/* Does this replica of the target run exactly this image and configuration? Then it may stay. */
SHIP_CHECKED int target_is_current(struct operation *op, const struct target *t, int number,
                                   bool *ret, struct ship_error *err);
/* Does each of them? */
SHIP_CHECKED int target_is_unchanged(struct operation *op, const struct target *t, bool *ret,
                                     struct ship_error *err);
/* Nothing to replace, to record or to tidy: a deployment of these targets would change nothing. */
bool targets_are_settled(const struct operation *op);

#endif
