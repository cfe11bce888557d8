/*
 * Secrets kept out of what the library hands out and stores: texts of results, answers and errors
 * go through the session's redactor. Each may be called again.
 */
#ifndef SHIP_DEPLOY_HIDE_H
#define SHIP_DEPLOY_HIDE_H

#include "shipctl/deploy.h"
#include "shipctl/history.h"
#include "shipctl/prune.h"
#include "shipctl/status.h"

#include "base/redact.h"

void hide_in_result(struct redact *r, struct ship_result *res);
void hide_in_status(struct redact *r, struct ship_status *st);
void hide_in_history(struct redact *r, struct ship_history *h);
void hide_in_prune(struct redact *r, struct ship_prune_report *report);

struct yaml_problems;
/* Messages, and the lines of files that are shown with them. */
void hide_in_problems(struct redact *r, struct yaml_problems *ps);

#endif
