/* Appending to the audit chain; used inside transactions of this folder. */
#ifndef SHIP_LEDGER_AUDIT_H
#define SHIP_LEDGER_AUDIT_H

#include <stdint.h>

#include "shipctl/error.h"

#include "ledger/db.h"

/*
 * Append one event about deployment d; the body is the whole row as it is now. event: "begin",
 * "commit", "attention" (a row that needs an operator), "end", "prune", "reconstruct".
 */
SHIP_CHECKED int audit_append(struct ledger *l, const char *event, int64_t at_ms,
                              const struct ledger_deployment *d, struct ship_error *err);

#endif
