/*
 * What an operation writes into the ledger and its result: begin, state,
 * end. One place, so the row, the JSON object and the last event agree.
 */
#ifndef SHIP_DEPLOY_RECORD_H
#define SHIP_DEPLOY_RECORD_H

#include "deploy/operation.h"

/* Take the lock of app and environment. SHIP_LOCKED and the codes of lock_take. */
SHIP_CHECKED int record_lock(struct operation *op, struct ship_error *err);
/* What served before: op->previous, res->from. */
SHIP_CHECKED int record_previous(struct operation *op, struct ship_error *err);
/* Insert the row (once). */
SHIP_CHECKED int record_begin(struct operation *op, struct ship_error *err);
SHIP_CHECKED int record_state(struct operation *op, enum ledger_state state,
                              struct ship_error *err);
/* The same, in the transaction of the next intent: nothing changes before that. */
SHIP_CHECKED int record_state_soon(struct operation *op, enum ledger_state state,
                                   struct ship_error *err);
/* Longest outage of a replaced service so far, into res->downtime_ms. */
void record_downtime(struct operation *op);
/*
 * The end: fills outcome, exit status, times; closes the row with its steps and checks; emits
 * OPERATION_END. A ledger failure here only warns: the outcome stands. Returns the exit status.
 */
int record_end(struct operation *op, enum ledger_state state, enum ship_outcome outcome,
               int exit_code);

#endif
