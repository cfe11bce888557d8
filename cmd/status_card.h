/* The status card, like systemctl's. */
#ifndef SHIPCTL_CMD_STATUS_CARD_H
#define SHIPCTL_CMD_STATUS_CARD_H

#include <stdint.h>

#include "shipctl/status.h"

#include "style.h"
#include "text.h"

void status_card(struct text *t, const struct style *s, const struct ship_status *st,
                 int64_t now_ms);

#endif
