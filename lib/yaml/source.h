/*
 * The text of a YAML file and where its characters are.
 *
 * libyaml counts characters and takes NEL, LS and PS for line breaks; users
 * and editors count lines by LF, and `pin` needs bytes. This index answers
 * "character N of the stream" with line, column and byte offset in O(log lines).
 */
#ifndef SHIP_YAML_SOURCE_H
#define SHIP_YAML_SOURCE_H

#include <stddef.h>

#include "yaml/node.h"

struct source_line {
    size_t chr, byte; /* first character and first byte of the line */
};

struct source {
    char *text; /* owned copy, NUL-terminated, with its byte order mark */
    size_t len;
    size_t start;              /* bytes of the byte order mark: 0 or 3 */
    size_t n_chars;            /* characters after the byte order mark */
    struct source_line *lines; /* owned; n_lines >= 1 */
    size_t n_lines, cap_lines;
    size_t *steps; /* owned; byte of each SOURCE_STEP-th character */
    size_t n_steps, cap_steps;
};

/*
 * Copy and index the text. NULL, or what is wrong with the character that follows the indexed part
 * (bytes that are not UTF-8, characters YAML forbids): source_mark(s, s->n_chars) is its place.
 */
const char *source_init(struct source *s, const char *text, size_t len);
void source_done(struct source *s);

/* Fill line, column and offset (= end_offset) of a character. */
void source_mark(const struct source *s, size_t chr, struct yaml_mark *ret);
size_t source_byte(const struct source *s, size_t chr);

#endif
