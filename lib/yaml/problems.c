/*
 * Problems of a YAML file: position, message, source line and caret.
 *
 * The text of a file is foreign: whatever goes into a message or a snippet is
 * made safe for a terminal, and a line is shown at most SNIPPET_CELLS wide
 * around the place meant.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/str.h"
#include "base/utf8.h"
#include "yaml/node.h"
#include "yaml/tree.h"

#define SNIPPET_CELLS 160
#define SNIPPET_LEAD  100 /* characters shown before the caret at most */
#define MESSAGE_MAX   900 /* fits with its position into struct ship_error */

/* Printable characters of text; line breaks and tabs become single spaces. */
static void add_safe(struct buf *out, const char *text, size_t len)
{
    size_t from = out->len;
    str_sanitize(out, text, len);
    for (size_t i = from; i < out->len; i++)
        if (out->p[i] == '\n' || out->p[i] == '\t')
            out->p[i] = ' ';
}

/* The first byte to show: SNIPPET_LEAD characters before `at`, or the start of its line. */
static size_t snippet_start(const char *text, size_t line_start, size_t at)
{
    size_t from = at;
    for (unsigned n = 0; from > line_start && n < SNIPPET_LEAD; n++) {
        do {
            from--;
        } while (from > line_start && ((unsigned char)text[from] & 0xc0) == 0x80);
    }
    return from;
}

static char *format_snippet(const struct yaml_mark *mark)
{
    const struct source *s = &mark->source->source;
    size_t line_start = s->lines[mark->line - 1].byte;
    size_t from = snippet_start(s->text, line_start, mark->offset);
    AUTO(buf_done) struct buf line = BUF_INIT(SNIPPET_CELLS * 4 + 16);
    if (from > line_start)
        buf_adds(&line, "...");

    size_t caret = str_cells(line.p), cells = caret;
    for (size_t at = from, n; at < s->len && !strchr("\r\n", s->text[at]); at += n) {
        uint32_t code;
        n = utf8_decode(s->text + at, s->len - at, &code);
        n = n > 0 ? n : 1;
        size_t before = line.len;
        add_safe(&line, s->text + at, n);
        cells += str_cells(line.p + before);
        if (cells > SNIPPET_CELLS) {
            buf_truncate(&line, before);
            break;
        }
        if (at < mark->offset)
            caret = cells;
    }
    return xasprintf("%4u | %s\n     | %*s^", mark->line, line.p, (int)caret, "");
}

static char *format_where(const struct yaml_mark *mark)
{
    AUTO(buf_done) struct buf name = BUF_INIT(256);
    if (!mark || !mark->file)
        return xstrdup("");
    add_safe(&name, mark->file, strlen(mark->file));
    return mark->line == 0 ? buf_steal(&name)
                           : xasprintf("%s:%u:%u", name.p, mark->line, mark->column);
}

static void problem_done(struct yaml_problem *p)
{
    free(p->where);
    free(p->text);
    free(p->snippet);
    *p = (struct yaml_problem){0};
}

/* The slot for a new entry, or NULL when the list is full of what matters as much. */
static struct yaml_problem *take_slot(struct yaml_problems *ps, enum yaml_severity severity)
{
    if (ps->n < YAML_PROBLEMS_MAX)
        return &ps->list[ps->n++];
    for (size_t i = ps->n; severity == YAML_ERROR && i > 0; i--) {
        if (ps->list[i - 1].severity == YAML_WARNING) {
            problem_done(&ps->list[i - 1]);
            return &ps->list[i - 1];
        }
    }
    return NULL;
}

void yaml_problem_add(struct yaml_problems *ps, enum yaml_severity severity,
                      const struct yaml_mark *mark, const char *fmt, ...)
{
    if (severity == YAML_ERROR)
        ps->n_errors++;
    else
        ps->n_warnings++;
    struct yaml_problem *p = take_slot(ps, severity);
    if (!p)
        return;

    AUTO(buf_done) struct buf raw = BUF_INIT(MESSAGE_MAX);
    AUTO(buf_done) struct buf text = BUF_INIT(MESSAGE_MAX);
    va_list ap;
    va_start(ap, fmt);
    buf_vaddf(&raw, fmt, ap);
    va_end(ap);
    add_safe(&text, raw.p, raw.len);

    p->severity = severity;
    p->where = format_where(mark);
    p->text = buf_steal(&text);
    p->snippet = mark && mark->source && mark->line > 0 ? format_snippet(mark) : NULL;
}

void yaml_problems_done(struct yaml_problems *ps)
{
    for (size_t i = 0; i < ps->n; i++)
        problem_done(&ps->list[i]);
    *ps = (struct yaml_problems){0};
}

int yaml_problems_check(const struct yaml_problems *ps, struct ship_error *err)
{
    if (ps->n_errors == 0)
        return 0;
    const struct yaml_problem *first = ps->list;
    while (first->severity != YAML_ERROR) /* an error always has a slot */
        first++;
    const char *colon = *first->where ? ": " : "";
    if (ps->n_errors == 1)
        return ship_fail(err, SHIP_INVALID, "%s%s%s", first->where, colon, first->text);
    return ship_fail(err, SHIP_INVALID, "%s%s%s (and %zu more problem%s)", first->where, colon,
                     first->text, ps->n_errors - 1, ps->n_errors == 2 ? "" : "s");
}
