/*
 * Tables aligned in terminal cells, so that Chinese names line up too.
 *
 * columns_init, then one columns_add per cell, row by row, then columns_format.
 * Cells are made safe and copied. An empty cell shows as "-".
 */
#ifndef SHIPCTL_CMD_COLUMNS_H
#define SHIPCTL_CMD_COLUMNS_H

#include <stddef.h>

#include "style.h"
#include "text.h"

struct column {
    const char *head;
    enum { COLUMN_LEFT, COLUMN_RIGHT } align;
};

struct columns {
    const struct column *columns; /* borrowed */
    size_t n_columns;
    struct cell {
        char *text;
        enum tone tone;
    } * cells; /* row after row */
    size_t n_cells;
};

void columns_init(struct columns *c, const struct column *columns, size_t n_columns);
void columns_done(struct columns *c);

/* The next cell; foreign may be NULL or "" (shows as "-"). */
void columns_add(struct columns *c, const char *foreign);
void columns_add_tone(struct columns *c, enum tone tone, const char *foreign);
void columns_addf(struct columns *c, const char *fmt, ...) SHIP_PRINTF(2, 3);

/* Heads and complete rows, each line behind `indent` spaces. */
void columns_format(const struct columns *c, const struct style *s, size_t indent,
                    struct text *out);

#endif
