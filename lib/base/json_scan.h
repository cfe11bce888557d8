/*
 * A strict JSON recogniser: decides where one value ends before cJSON sees it.
 *
 * cJSON accepts too much (01, "\u0000", raw control bytes, 1000 levels) and
 * cannot tell a broken value from one that has not arrived completely yet.
 * Works in one pass without recursion or memory. Used by json.c only.
 */
#ifndef SHIP_BASE_JSON_SCAN_H
#define SHIP_BASE_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#define JSON_DEPTH_MAX  64
#define JSON_VALUES_MAX 100000 /* a tree takes over a hundred bytes for each, whatever its text */

enum json_scan_result {
    JSON_SCAN_COMPLETE, /* *ret_used: bytes up to the end of the value */
    JSON_SCAN_PARTIAL,  /* a valid beginning, or only white space */
    JSON_SCAN_INVALID,  /* *ret_used: offset of the fault; *ret_fault: what it is, static text */
};

/* Recognise one value after leading white space. */
enum json_scan_result json_scan(const char *text, size_t len, size_t *ret_used,
                                const char **ret_fault);

/* Offset of the first byte at or after `at` that is not JSON white space. */
size_t json_scan_blank(const char *text, size_t len, size_t at);

#endif
