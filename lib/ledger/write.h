/* What the writing files share; all of it runs inside a transaction. */
#ifndef SHIP_LEDGER_WRITE_H
#define SHIP_LEDGER_WRITE_H

#include <stdbool.h>
#include <stdint.h>

#include "shipctl/error.h"

#include "ledger/db.h"

/* SHIP_NOT_FOUND when there is no such row. */
SHIP_CHECKED int write_load(struct ledger *l, int64_t id, struct ledger_deployment *ret,
                            struct ship_error *err);
/* A deployment succeeds by its commit and by nothing else. */
bool write_was_committed(const struct ledger_deployment *d);
/* SHIP_CONFLICT when closed. */
SHIP_CHECKED int write_require_open(const struct ledger_deployment *d, struct ship_error *err);
/* SHIP_CONFLICT when d may not go to that state. */
SHIP_CHECKED int write_check_move(const struct ledger_deployment *d, enum ledger_state to,
                                  struct ship_error *err);
/* Move to another open state; last_step NULL leaves the old one. */
SHIP_CHECKED int write_move(struct ledger *l, int64_t id, enum ledger_state state,
                            const char *last_step, struct ship_error *err);
/* Append the row as it is now to the audit chain. */
SHIP_CHECKED int write_audit(struct ledger *l, const char *event, int64_t at_ms, int64_t id,
                             struct ship_error *err);

#endif
