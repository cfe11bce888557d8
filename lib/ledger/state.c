/* States of a deployment: text and openness, from the one table in the header. */
#include "ledger/state.h"

#include <assert.h>

#include "base/alloc.h"
#include "base/str.h"

static const struct {
    const char *text;
    bool is_open;
} states[] = {
#define STATE_ROW(name, text, open) {(text), (open)},
    LEDGER_STATES(STATE_ROW)
#undef STATE_ROW
};

const char *ledger_state_text(enum ledger_state s)
{
    assert((size_t)s < ARRAY_LEN(states));
    return states[s].text;
}

bool ledger_state_is_open(enum ledger_state s)
{
    assert((size_t)s < ARRAY_LEN(states));
    return states[s].is_open;
}

int state_parse(const char *text, enum ledger_state *ret)
{
    for (size_t i = 0; i < ARRAY_LEN(states); i++)
        if (str_eq(states[i].text, text)) {
            *ret = (enum ledger_state)i;
            return 0;
        }
    return -1;
}
