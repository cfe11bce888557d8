/* Single values of a document: typing, ranges, texts. Part of schema.c's work. */
#ifndef SHIP_COMPOSE_SCHEMA_SCALAR_H
#define SHIP_COMPOSE_SCHEMA_SCALAR_H

#include "compose/load.h"

/* Row for "any scalar, printed as text". */
extern const struct compose_attribute schema_text_row;

/* n is a scalar that is not null. NULL after reporting. */
struct yaml_node *schema_scalar(struct scope *scope, const struct compose_attribute *a,
                                struct yaml_node *n, const struct path *path);
/* command, entrypoint: null, text or list of strings. */
struct yaml_node *schema_command(struct scope *scope, struct yaml_node *n, const struct path *path);

#endif
