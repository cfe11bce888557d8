/* Parts of history: what changed between two recorded deployments, words. */
#ifndef SHIP_DEPLOY_HISTORY_H
#define SHIP_DEPLOY_HISTORY_H

#include "deploy/session.h"

#define HISTORY_EVIDENCE_MAX ((size_t)1024 * 1024)

/*
 * Lines "+ app: environment LOG_LEVEL", "~ app: image v1 -> v2". Names only where values may be
 * secret: environment, command, labels' values never appear.
 */
void history_diff(const struct ledger_services *before, const struct ledger_services *after,
                  struct strv *ret_lines);

/* Status of its word; an unknown word counts as failed. */
enum ship_step_status history_step_status(const char *word);

#endif
