/*
 * Typing of plain YAML scalars the way Compose's parser does it.
 *
 * Only unquoted scalars are anything but strings. `text` is what the value
 * prints as where a string is wanted ("1.10" -> "1.1", "0123" -> "83").
 */
#ifndef SHIP_COMPOSE_SCALARS_H
#define SHIP_COMPOSE_SCALARS_H

#include "yaml/node.h"

enum scalar_type { SCALAR_NULL, SCALAR_BOOL, SCALAR_INT, SCALAR_FLOAT, SCALAR_TIME, SCALAR_STRING };

#define SCALAR_TEXT_MAX 64

struct scalar {
    enum scalar_type type;
    bool boolean;
    bool infinite;              /* .inf or .nan */
    bool surprising;            /* prints as something else than what was written: warn */
    double number;              /* SCALAR_FLOAT */
    char text[SCALAR_TEXT_MAX]; /* canonical; empty for strings */
};

struct scalar scalar_of(const struct yaml_node *n);
/* The same for a plain text. */
struct scalar scalar_of_text(const char *text);
/* "true", "yes", "on", ... (any case). 0; 1 when it is one of the YAML 1.1 words; -1 unknown. */
int scalar_parse_bool(const char *text, bool *ret);
/* "null", "boolean", "integer", "number", "timestamp", "string" */
const char *scalar_type_name(enum scalar_type t);

#endif
