/*
 * Names of containers that stand aside during an operation:
 * "<name>.shipctl-parked-<op>" and "<name>.shipctl-candidate-<op>", and
 * Compose's own temporary "<12 hex>_<name>".
 */
#ifndef SHIP_DEPLOY_NAMES_H
#define SHIP_DEPLOY_NAMES_H

#include <stdbool.h>
#include <stdint.h>

char *name_parked(const char *name, int64_t operation);    /* heap */
char *name_candidate(const char *name, int64_t operation); /* heap */
/* One of ours or one of Compose's temporary names: not the live container of a service. */
bool name_is_aside(const char *name);
/* Compose's name of a replacement: 12 hex digits, `_`, the final name. The final name or NULL. */
const char *name_behind_temporary(const char *name);
/* The live name behind one of ours: without the suffix; heap. */
char *name_final(const char *name);
/* One of ours only. */
bool name_is_ours(const char *name);

#endif
