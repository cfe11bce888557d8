/* Words of the states. */
#ifndef SHIP_LEDGER_STATE_H
#define SHIP_LEDGER_STATE_H

#include "ledger/ledger.h"

/* -1 when text (may be NULL) is not a state. */
int state_parse(const char *text, enum ledger_state *ret);

#endif
