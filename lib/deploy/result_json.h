/*
 * JSON faces of results. Text that came from containers, registries or hooks
 * is made printable UTF-8 on the way, so the output is always valid JSON and
 * never carries a terminal control sequence.
 */
#ifndef SHIP_DEPLOY_RESULT_JSON_H
#define SHIP_DEPLOY_RESULT_JSON_H

#include "shipctl/deploy.h"

#include "base/json.h"

#define RESULT_SCHEMA 1 /* of every JSON object shipctl prints */

/* Members of the `--json` object; steps, checks and evidence only when full. Caller frees. */
struct json *result_json(const struct ship_result *r, bool full);

/* ---- shared by the other faces ---- */
/* NULL gives JSON null; else the text made safe. */
void json_set_text(struct json *obj, const char *key, const char *text);
void json_append_text(struct json *arr, const char *text);
/* RFC 3339 UTC; 0 gives JSON null. */
void json_set_time(struct json *obj, const char *key, int64_t epoch_ms);
/* unknown (the value that says so) gives JSON null. */
void json_set_known(struct json *obj, const char *key, int64_t value, int64_t unknown);
/* {code, name, message, hint}, or null for SHIP_OK. */
void json_set_error(struct json *obj, const char *key, const struct ship_error *err);

#endif
