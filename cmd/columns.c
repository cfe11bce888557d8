/* Aligned tables, see columns.h. */
#include "columns.h"

#include <stdarg.h>
#include <stdio.h>

#include "shipctl/text.h"

#define GAP 2

void columns_init(struct columns *c, const struct column *columns, size_t n_columns)
{
    *c = (struct columns){.columns = columns, .n_columns = n_columns};
}

void columns_done(struct columns *c)
{
    for (size_t i = 0; i < c->n_cells; i++)
        free(c->cells[i].text);
    free(c->cells);
    *c = (struct columns){0};
}

void columns_add_tone(struct columns *c, enum tone tone, const char *foreign)
{
    struct text t = {0};

    text_add_safe(&t, foreign != NULL && *foreign != '\0' ? foreign : "-");
    c->cells = mem_grow(c->cells, c->n_cells + 1, sizeof *c->cells);
    c->cells[c->n_cells++] = (struct cell){t.p, tone};
}

void columns_add(struct columns *c, const char *foreign)
{
    columns_add_tone(c, TONE_PLAIN, foreign);
}

void columns_addf(struct columns *c, const char *fmt, ...)
{
    char cell[256];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(cell, sizeof cell, fmt, ap);
    va_end(ap);
    columns_add(c, cell);
}

static size_t width_of(const struct columns *c, size_t column)
{
    size_t width = ship_text_cells(c->columns[column].head);

    for (size_t i = column; i < c->n_cells; i += c->n_columns) {
        size_t cells = ship_text_cells(c->cells[i].text);

        width = cells > width ? cells : width;
    }
    return width;
}

/* One cell of column i, padded to width; the last column of a row is not padded. */
static void format_cell(const struct columns *c, const struct style *s, size_t i,
                        const struct cell *cell, struct text *out)
{
    size_t fill = width_of(c, i) - ship_text_cells(cell->text);
    bool is_last = i + 1 == c->n_columns;

    if (c->columns[i].align == COLUMN_RIGHT)
        text_pad(out, fill);
    style_add(out, s, cell->tone, cell->text);
    if (!is_last)
        text_pad(out, (c->columns[i].align == COLUMN_LEFT ? fill : 0) + GAP);
}

void columns_format(const struct columns *c, const struct style *s, size_t indent, struct text *out)
{
    text_pad(out, indent);
    for (size_t i = 0; i < c->n_columns; i++) {
        AUTO_FREE char *head = mem_strdup(c->columns[i].head);
        struct cell cell = {head, TONE_DIM};

        format_cell(c, s, i, &cell, out);
    }
    text_add(out, "\n");
    for (size_t row = 0; row + c->n_columns <= c->n_cells; row += c->n_columns) {
        text_pad(out, indent);
        for (size_t i = 0; i < c->n_columns; i++)
            format_cell(c, s, i, &c->cells[row + i], out);
        text_add(out, "\n");
    }
}
