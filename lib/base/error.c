/*
 * Error values: formatting, wrapping and the code table.
 *
 * Texts are cut at the size of the fields, never in the middle of a UTF-8
 * character. Arguments may point into the error being written: the text is
 * formatted aside first.
 */
#include "shipctl/error.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

struct code_row {
    int exit_status;
    const char *name;
    const char *text;
};

static const struct code_row codes[] = {
#define CODE_ROW(name, status, text) {(status), #name, (text)},
    SHIP_CODES(CODE_ROW)
#undef CODE_ROW
};

static const struct code_row *code_row(enum ship_code code)
{
    size_t i = (size_t)code;

    return &codes[i < ARRAY_LEN(codes) ? i : (size_t)SHIP_INTERNAL];
}

int ship_code_exit_status(enum ship_code code)
{
    return code_row(code)->exit_status;
}

const char *ship_code_text(enum ship_code code)
{
    return code_row(code)->text;
}

const char *ship_code_name(enum ship_code code)
{
    return code_row(code)->name;
}

/* Copy text into field, cut to size bytes with NUL and before a split UTF-8 character. */
static void set_field(char *field, size_t size, const char *text)
{
    size_t len = strlen(text);

    if (len >= size) {
        len = size - 1;
        while (len > 0 && ((unsigned char)text[len] & 0xC0) == 0x80)
            len--;
    }
    memcpy(field, text, len);
    field[len] = '\0';
}

/* Room for a message before it is cut: longer than any field, so set_field sees what follows. */
#define SCRATCH_SIZE 1280

static void append(char *scratch, const char *sep, const char *text)
{
    size_t len = strlen(scratch);

    if (snprintf(scratch + len, SCRATCH_SIZE - len, "%s%s", sep, text) < 0)
        scratch[len] = '\0';
}

static void format(char *scratch, const char *fmt, va_list ap) SHIP_PRINTF(2, 0);

static void format(char *scratch, const char *fmt, va_list ap)
{
    if (vsnprintf(scratch, SCRATCH_SIZE, fmt, ap) < 0)
        scratch[0] = '\0';
}

int ship_fail_at(struct ship_error *err, const char *where, enum ship_code code, int sys_errno,
                 const char *fmt, ...)
{
    char scratch[SCRATCH_SIZE];
    va_list ap;

    assert(code != SHIP_OK && code < SHIP_CODE_COUNT);
    va_start(ap, fmt);
    format(scratch, fmt, ap);
    va_end(ap);
    if (sys_errno != 0)
        append(scratch, ": ", strerror(sys_errno));
    err->code = code;
    err->sys_errno = sys_errno;
    err->where = where;
    err->hint[0] = '\0';
    set_field(err->msg, sizeof err->msg, scratch);
    return -1;
}

int ship_error_wrap(struct ship_error *err, const char *fmt, ...)
{
    char scratch[SCRATCH_SIZE];
    va_list ap;

    va_start(ap, fmt);
    format(scratch, fmt, ap);
    va_end(ap);
    append(scratch, ": ", err->msg);
    set_field(err->msg, sizeof err->msg, scratch);
    return -1;
}

int ship_error_hint(struct ship_error *err, const char *fmt, ...)
{
    char scratch[SCRATCH_SIZE];
    va_list ap;

    va_start(ap, fmt);
    format(scratch, fmt, ap);
    va_end(ap);
    set_field(err->hint, sizeof err->hint, scratch);
    return -1;
}
