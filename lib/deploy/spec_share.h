/*
 * Containers of other services that a specification names by their ids: `network_mode`, `ipc`,
 * `pid` and `volumes_from` of a service. A recorded specification names those of its time.
 */
#ifndef SHIP_DEPLOY_SPEC_SHARE_H
#define SHIP_DEPLOY_SPEC_SHARE_H

#include "base/json.h"
#include "deploy/operation.h"

/*
 * Let a recorded body name the containers of today, and Compose's hash with it: the hash covers the
 * ids. A hash that the present file does not explain stays: the file has changed since, and Compose
 * is right to see a difference.
 */
void spec_share_renew(const struct operation *op, const char *service, struct json *body);

#endif
