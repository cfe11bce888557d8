/*
 * JSON values with strict parsing and typed getters.
 *
 * The wrapper over cJSON: member names compare exactly, trailing bytes after
 * the value and NUL escapes are errors, nesting stops at 64, integers keep 53
 * bits when read and all 64 when written; of members with the same name the
 * first stays. No cJSON type leaves json.c.
 */
#ifndef SHIP_BASE_JSON_H
#define SHIP_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shipctl/error.h"

#include "base/auto.h"

struct json; /* opaque: one JSON value */

/* ---- life cycle ---- */
/* Parse exactly one value. what names the source in the message. SHIP_INVALID on any fault. */
struct json *json_parse(const char *text, size_t len, const char *what, struct ship_error *err);
/*
 * Parse the first value of a stream; *ret_used = bytes eaten including leading white space.
 * NULL with *ret_used == 0 and err untouched when the text holds only a part of a value (a bare
 * number at the end of the text counts as a part); NULL with *ret_used > 0 and err on a fault.
 */
struct json *json_parse_prefix(const char *text, size_t len, size_t *ret_used,
                               struct ship_error *err);
struct json *json_copy(const struct json *j); /* deep; NULL gives NULL */
void json_free(struct json *j);
AUTO_PTR_DEFINE(json_free, struct json)

/* ---- read ---- (j may be NULL anywhere: answers "absent") */
const struct json *json_get(const struct json *obj, const char *key); /* exact, NULL if absent */
const struct json *json_path(const struct json *obj,
                             const char *dotted); /* "State.Health.Status" */
/* RFC 6901 pointer, for checks on foreign documents. NULL if absent. */
const struct json *json_pointer(const struct json *j, const char *pointer);
bool json_is_null(const struct json *j); /* absent or null */
bool json_is_object(const struct json *j);
bool json_is_array(const struct json *j);
bool json_is_string(const struct json *j);
bool json_is_number(const struct json *j);
bool json_is_bool(const struct json *j);
const char *json_str(const struct json *obj, const char *dotted); /* NULL unless string */
const char *json_str_or(const struct json *obj, const char *dotted, const char *fallback);
/* fallback unless an integer in range */
int64_t json_i64(const struct json *obj, const char *dotted, int64_t fallback);
double json_double(const struct json *obj, const char *dotted, double fallback);
bool json_bool(const struct json *obj, const char *dotted, bool fallback);
const char *json_value_str(const struct json *j); /* the value itself: NULL unless string */
double json_value_double(const struct json *j);   /* NaN unless number */
bool json_value_bool(const struct json *j);       /* false unless true */
const char *json_key(const struct json *member);  /* name of an object member, else NULL */
size_t json_size(const struct json *j);           /* members of an array or object */
/* for (const struct json *c = json_first(j); c; c = json_next(c)) */
const struct json *json_first(const struct json *j);
const struct json *json_next(const struct json *member);
/* Equal value: numbers by value, objects regardless of member order. */
bool json_equal(const struct json *a, const struct json *b);

/* ---- build ---- */
struct json *json_object(void);
struct json *json_array(void);
struct json *json_string(const char *s); /* NULL gives JSON null */
struct json *json_number(double v);
struct json *json_integer(int64_t v);
struct json *json_boolean(bool v);
struct json *json_null(void);
/* Setters replace an existing member; key is copied; value is taken. */
void json_set(struct json *obj, const char *key, struct json *value);
void json_set_str(struct json *obj, const char *key, const char *s); /* NULL gives JSON null */
void json_set_i64(struct json *obj, const char *key, int64_t v);
void json_set_bool(struct json *obj, const char *key, bool v);
struct json *json_set_object(struct json *obj, const char *key); /* new empty member, borrowed */
struct json *json_set_array(struct json *obj, const char *key);
void json_append(struct json *arr, struct json *value);
void json_append_str(struct json *arr, const char *s);
struct json *json_append_object(struct json *arr); /* borrowed */
void json_remove(struct json *obj, const char *key);
struct json *json_detach(struct json *obj, const char *key); /* caller owns; NULL if absent */
/* Writable member (for editing a copy). NULL if absent. */
struct json *json_edit(struct json *obj, const char *key);

/* ---- print ---- heap string, caller frees */
char *json_print(const struct json *j);        /* compact */
char *json_print_pretty(const struct json *j); /* two-space indentation, stable */

#endif
