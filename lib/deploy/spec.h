/*
 * Specifications: everything needed to create a service's containers again.
 *
 * JSON: {"grace_ms", "replicas": [{"number", "name", "platform", "body", "connects", "secrets"}]}
 * with body = POST /containers/create, connects = networks beyond the first, secrets = tar in
 * base64. Stored in the ledger so that a rollback restores environment, command, mounts and limits,
 * not only the image. They hold secrets: never printed.
 */
#ifndef SHIP_DEPLOY_SPEC_H
#define SHIP_DEPLOY_SPEC_H

#include "deploy/operation.h"

/* Build op->reps of a target from the compose model; a replica that is so already goes to op->kept.
 */
SHIP_CHECKED int spec_from_compose(struct operation *op, const struct target *t,
                                   struct ship_error *err);
/* Build op->reps of a target from its recorded spec_json. */
SHIP_CHECKED int spec_from_record(struct operation *op, const struct target *t,
                                  struct ship_error *err);
/* Build op->reps of a service from the compose model and the image its containers run. */
SHIP_CHECKED int spec_from_same_image(struct operation *op, const char *service,
                                      struct ship_error *err);
/* The specification text of a target's reps and kept replicas; heap. */
char *spec_print(const struct operation *op, const char *service);
/* Read the specification of the running containers of a service back from the engine; heap. */
SHIP_CHECKED int spec_from_running(struct operation *op, const char *service, char **ret,
                                   struct ship_error *err);
/* Our labels on a create body. */
void spec_label(struct operation *op, const struct target *t, struct json *body);
/*
 * Environment differences of two create bodies: calls each(ctx, name, '+' '-' '~') in name order of
 * the new one, then the removed ones. Either may be NULL.
 */
void spec_env_diff(const struct json *old_body, const struct json *new_body,
                   void (*each)(void *ctx, const char *name, char change), void *ctx);

#endif
