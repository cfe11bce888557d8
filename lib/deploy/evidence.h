/*
 * Evidence: why the new version failed, taken before it is removed. Exit code,
 * OOM flag, restart count, health log and the last log lines go into the
 * result, the ledger and the event stream.
 */
#ifndef SHIP_DEPLOY_EVIDENCE_H
#define SHIP_DEPLOY_EVIDENCE_H

#include "deploy/operation.h"

/* Never fails: what can not be read is left out. */
void evidence_collect(struct operation *op);

#endif
