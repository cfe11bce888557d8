/*
 * Text helpers: numbers, durations, sizes, string vectors, suggestions,
 * and making foreign text safe for a terminal. Nothing here allocates
 * unless it says so.
 */
#ifndef SHIP_BASE_STR_H
#define SHIP_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shipctl/error.h"

#include "base/buf.h"

bool str_eq(const char *a, const char *b); /* NULL equals only NULL */
bool str_starts(const char *s, const char *prefix);
bool str_ends(const char *s, const char *suffix);
bool str_empty(const char *s); /* NULL or "" */

/* Whole-string base-10 parse; -1 without err message: callers name the field. */
int str_to_i64(const char *s, int64_t *ret);
int str_to_u64(const char *s, uint64_t *ret);
int str_to_double(const char *s, double *ret); /* locale independent, whole string, finite */

/*
 * Duration of the plan: `<number><unit>`... with units ms s m h d w, fraction allowed, unit
 * required except for bare "0". Result in milliseconds, rounded to the nearest. -1 on bad grammar
 * (blanks, signs, more than 6 digits of fraction), overflow, or when a value above 0 would become
 * 0.
 */
int str_to_duration_ms(const char *s, int64_t *ret_ms);

/* Size of the plan: number + B KB MB GB TB (powers of 1000) or KiB MiB GiB TiB (1024); unit
 * required. */
int str_to_size_bytes(const char *s, uint64_t *ret_bytes);

/* "1.4 s", "250 ms", "2 min 5 s", "3 h 2 min", "5 d 1 h" into out; returns out. */
#define STR_DURATION_MAX 32
const char *str_format_duration(int64_t ms, char out[STR_DURATION_MAX]);

/* "512 B", "1.5 MB", "12 GB" (powers of 1000) into out; returns out. */
#define STR_BYTES_MAX 32
const char *str_format_bytes(uint64_t bytes, char out[STR_BYTES_MAX]);

/* RFC 3339 UTC: "2026-11-21T01:20:54Z"; epoch in milliseconds. Returns out. */
#define STR_TIME_MAX 32
const char *str_format_time(int64_t epoch_ms, char out[STR_TIME_MAX]);

/* Parse RFC 3339 (fraction up to ns, Z or offset) to epoch ms; Docker's zero time gives 0. -1 if
 * bad. */
int str_to_time_ms(const char *s, int64_t *ret_epoch_ms);

/* Nearest of candidates by edit distance, or NULL when none is near (distance <= 1 + len/3). */
const char *str_closest(const char *word, const char *const *candidates, size_t n);

/*
 * Append text made safe for a terminal: printable UTF-8, \n and \t pass; other C0, DEL, C1, ESC
 * sequences, and bidi controls are dropped; invalid bytes become \xNN. len may be 0.
 */
void str_sanitize(struct buf *out, const char *text, size_t len);

/* Terminal cells of a UTF-8 string (East Asian wide = 2, combining = 0, invalid byte = 1). */
size_t str_cells(const char *s);

/* ---- owned vector of strings, NULL-terminated for exec ---- */
struct strv {
    char **v; /* NULL when n is 0 and nothing was ever added; else v[n] == NULL */
    size_t n;
    size_t cap;
};

void strv_add(struct strv *sv, const char *s); /* copies */
void strv_take(struct strv *sv, char *s);      /* takes ownership */
bool strv_has(const struct strv *sv, const char *s);
void strv_done(struct strv *sv);
void strv_copy(struct strv *dst, const struct strv *src); /* dst is done first */

#endif
