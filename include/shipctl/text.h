/*
 * Text for people: the few helpers every face shares. Foreign text must go
 * through ship_text_sanitize before it reaches a terminal.
 */
#ifndef SHIPCTL_TEXT_H
#define SHIPCTL_TEXT_H

#include <stddef.h>
#include <stdint.h>

#define SHIP_TEXT_MAX 32
const char *ship_text_duration(int64_t ms, char out[SHIP_TEXT_MAX]);   /* "1.4 s", "2 min 5 s" */
const char *ship_text_bytes(uint64_t bytes, char out[SHIP_TEXT_MAX]);  /* "18 MB" */
const char *ship_text_time(int64_t epoch_ms, char out[SHIP_TEXT_MAX]); /* RFC 3339 UTC */
int ship_text_parse_duration(const char *s, int64_t *ret_ms);          /* 0 or -1 */
int ship_text_parse_time(const char *s,
                         int64_t *ret_epoch_ms); /* RFC 3339 or YYYY-MM-DD; 0 or -1 */
/* Printable UTF-8, \n and \t only; heap string, caller frees. */
char *ship_text_sanitize(const char *s, size_t len);
size_t ship_text_cells(const char *s); /* terminal cells */
/* Nearest candidate, or NULL. */
const char *ship_text_closest(const char *word, const char *const *candidates, size_t n);
/* JSON string literal with quotes; heap string, caller frees. */
char *ship_text_json_string(const char *s);

#endif
