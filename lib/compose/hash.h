/* Inside lib/compose: the text behind the config hash, for tests and the debug log. */
#ifndef SHIP_COMPOSE_HASH_H
#define SHIP_COMPOSE_HASH_H

#include "compose/compose.h"

/* Append the exact JSON that is hashed. SHIP_INVALID: no such service. */
SHIP_CHECKED int compose_hash_preimage(const struct compose_project *p, const char *service,
                                       const struct compose_hash_with *with, struct buf *out,
                                       struct ship_error *err);

#endif
