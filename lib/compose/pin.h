/* Inside lib/compose: the two text edits behind pin.c; pure text -> text, each verified. */
#ifndef SHIP_COMPOSE_PIN_H
#define SHIP_COMPOSE_PIN_H

#include "base/buf.h"

#define PIN_ENV_BYTES_MAX (1024u * 1024)

struct pin_text {
    const char *p;
    size_t len;
};

/*
 * Append text with the value of the last assignment of variable replaced (quotes, comments,
 * line ends and order stay), or with a line added when there is none. value must be a valid
 * image tag. SHIP_INVALID: an open quote, the variable's line is not understood.
 */
SHIP_CHECKED int pin_env_edit(const struct pin_text *text, const char *variable, const char *value,
                              struct buf *out, struct ship_error *err);

/*
 * Append text with the scalar at offset..end, which must read old_raw, changed to read new_raw
 * in the same quotes. SHIP_INVALID: block scalar, alias, escapes, or not what was expected.
 */
struct pin_scalar {
    size_t offset, end;
    const char *old_raw, *new_raw;
};
SHIP_CHECKED int pin_scalar_edit(const struct pin_text *text, const struct pin_scalar *edit,
                                 struct buf *out, struct ship_error *err);

#endif
