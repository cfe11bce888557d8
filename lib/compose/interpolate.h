/*
 * `$VAR`, `${VAR}` and `${VAR:-text}` expressions of Compose files and env files.
 *
 * Pure text -> text; the caller brings the look-up and is told which variables
 * were unset. Not the plan's template language (base/tmpl.h).
 */
#ifndef SHIP_COMPOSE_INTERPOLATE_H
#define SHIP_COMPOSE_INTERPOLATE_H

#include <stddef.h>

#include "base/buf.h"

#define INTERPOLATE_DEPTH_MAX 32
#define INTERPOLATE_NAME_MAX  255
/* Result of one scalar, at most. */
#define INTERPOLATE_BYTES_MAX (1024u * 1024)

enum interpolate_fault {
    INTERPOLATE_OK,
    INTERPOLATE_BAD,      /* not a valid expression */
    INTERPOLATE_REQUIRED, /* `?` or `:?` and the variable is missing */
    INTERPOLATE_TOO_LARGE,
};

struct interpolation {
    /* Value of a variable or NULL. */
    const char *(*lookup)(void *ctx, const char *name);
    /* An unset variable became an empty text; may be NULL. */
    void (*unset)(void *ctx, const char *name);
    void *ctx;
};

/*
 * Append the result to out. On a fault, out holds a part of it and message (PATH_TEXT_MAX or more
 * bytes, message_size) says what is wrong: "variable 'A' is required: set it".
 */
enum interpolate_fault interpolate(const char *text, const struct interpolation *in,
                                   struct buf *out, char *message, size_t message_size);

#endif
