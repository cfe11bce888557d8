/* Scalar kinds of the field tables: one decoder each. Used by fields.c only. */
#ifndef SHIP_YAML_SCALARS_H
#define SHIP_YAML_SCALARS_H

#include "yaml/fields.h"

/* What one value needs to be decoded and complained about. */
struct field_value {
    const struct field *row;
    const struct yaml_node *node; /* never null */
    const char *label;            /* "checks.health[0].timeout" */
    struct yaml_problems *problems;
};

/* Decode into slot a node of kind YAML_SCALAR; row->kind must be one of the scalar kinds. */
void scalar_decode(const struct field_value *v, void *slot);

/* Report that the value is out of the row's range, when it is; returns whether it is inside. */
bool scalar_check_count(const struct field_value *v, size_t n, const char *unit);

#endif
