/* The history as a table, and one deployment in full. */
#ifndef SHIPCTL_CMD_HISTORY_CARD_H
#define SHIPCTL_CMD_HISTORY_CARD_H

#include <stdbool.h>
#include <stdint.h>

#include "shipctl/history.h"

#include "style.h"
#include "text.h"

void history_table(struct text *t, const struct style *s, const struct ship_history *h,
                   bool with_app, int64_t now_ms);
void history_card(struct text *t, const struct style *s, const struct ship_history_entry *e,
                  int64_t now_ms);

#endif
