/* Command lines -> argument vectors, the way Compose splits `command: a "b c"`. */
#ifndef SHIP_COMPOSE_SHELLWORDS_H
#define SHIP_COMPOSE_SHELLWORDS_H

#include <stdbool.h>

#include "base/str.h"

/*
 * Append the words of a command line to ret. *ret_dropped: an unquoted ; & | < > ended the command
 * and text behind it was dropped, as Compose does. -1 SHIP_INVALID: unbalanced quote, trailing
 * backslash, parenthesis.
 */
SHIP_CHECKED int shellwords_split(const char *line, struct strv *ret, bool *ret_dropped,
                                  struct ship_error *err);

#endif
