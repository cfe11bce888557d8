/*
 * Searching a container's log stream for forbidden text, fast and bounded.
 *
 * Words are looked for with memmem over whole frames; lines are cut out only
 * around a hit. Memory is one buffer per stream however long a line is: a
 * line beyond SCAN_LINE_MAX is looked at in overlapping windows, so a word is
 * found wherever it stands. A regular expression sees one window at a time.
 * stdout and stderr are separate: their frames interleave within lines.
 */
#ifndef SHIP_CHECK_SCAN_H
#define SHIP_CHECK_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "check/support.h"

#define SCAN_PATTERNS_MAX 64
#define SCAN_LINE_MAX     (64u * 1024)
#define SCAN_TEXT_MAX     512 /* bytes of a line that are reported */

/* A word, or a regular expression when regex.compiled is set. */
struct scan_pattern {
    char *word; /* owned */
    size_t len;
    struct check_regex regex;
};
struct scan_patterns {
    struct scan_pattern *items; /* owned */
    size_t n;
    bool has_regex;
    size_t longest; /* of the words */
};

struct scan_stream {
    char *line; /* SCAN_LINE_MAX + 1 bytes, allocated on first use */
    size_t len;
    bool denied, allowed;     /* of the line so far */
    char text[SCAN_TEXT_MAX]; /* of the line, around the hit */
};

struct scan {
    const struct scan_patterns *deny, *allow; /* borrowed */
    struct redact *redact;                    /* of the lines told; may be NULL */
    /* Told each line that is denied and not allowed; NUL-terminated. */
    void (*found)(void *ctx, const char *text);
    void *ctx;
    struct scan_stream streams[2];
};

/* Bytes of a stream (0 stdout, 1 stderr) in order. */
void scan_feed(struct scan *s, int stream, const char *p, size_t len);
/* The log ends: lines without a newline count, too. */
void scan_finish(struct scan *s);
void scan_done(struct scan *s);

/* FIELD_CUSTOM pieces: a list of words; "/.../" is a regular expression. */
void scan_patterns_decode(const struct yaml_node *node, void *target, struct field_ctx *ctx);
void scan_patterns_done(void *target);

#endif
