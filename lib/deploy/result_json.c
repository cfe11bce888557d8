/* The `--json` object of an operation: see result_json.h and shipctl(1). */
#include "deploy/result_json.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"

#define TEXT_MAX ((size_t)1024 * 1024)

/* ---- helpers ---- */

static struct json *text_value(const char *text)
{
    if (!text)
        return json_null();
    struct buf safe = BUF_INIT(TEXT_MAX);
    str_sanitize(&safe, text, strlen(text));
    struct json *value = json_string(safe.p);
    buf_done(&safe);
    return value;
}

void json_set_text(struct json *obj, const char *key, const char *text)
{
    json_set(obj, key, text_value(text));
}

void json_append_text(struct json *arr, const char *text)
{
    json_append(arr, text_value(text));
}

void json_set_time(struct json *obj, const char *key, int64_t epoch_ms)
{
    char out[STR_TIME_MAX];
    json_set_str(obj, key, epoch_ms > 0 ? str_format_time(epoch_ms, out) : NULL);
}

void json_set_known(struct json *obj, const char *key, int64_t value, int64_t unknown)
{
    json_set(obj, key, value == unknown ? json_null() : json_integer(value));
}

void json_set_error(struct json *obj, const char *key, const struct ship_error *err)
{
    if (err->code == SHIP_OK) {
        json_set(obj, key, json_null());
        return;
    }
    struct json *e = json_set_object(obj, key);
    json_set_i64(e, "code", ship_code_exit_status(err->code));
    json_set_str(e, "name", ship_code_name(err->code));
    json_set_text(e, "message", err->msg);
    json_set_text(e, "hint", err->hint[0] ? err->hint : NULL);
}

/* ---- the parts ---- */

static void set_version(struct json *o, const char *key, const struct ship_version *v)
{
    struct json *part = json_set_object(o, key);
    json_set_text(part, "version", v->version);
    json_set_text(part, "digest", v->digest);
}

static void set_steps(struct json *o, const struct ship_result *r)
{
    struct json *list = json_set_array(o, "steps");
    for (size_t i = 0; i < r->n_steps; i++) {
        struct json *s = json_append_object(list);
        json_set_text(s, "name", r->steps[i].name);
        json_set_str(s, "status", ship_step_status_text(r->steps[i].status));
        json_set_i64(s, "duration_ms", r->steps[i].duration_ms);
    }
}

static void set_checks(struct json *o, const struct ship_result *r)
{
    struct json *list = json_set_array(o, "checks");
    for (size_t i = 0; i < r->n_checks; i++) {
        const struct ship_result_check *c = &r->checks[i];
        struct json *part = json_append_object(list);
        json_set_text(part, "id", c->id);
        json_set_text(part, "type", c->type);
        json_set_bool(part, "required", c->required);
        json_set_text(part, "status", c->status);
        json_set_i64(part, "tries", c->tries);
        json_set_text(part, "message", c->message);
    }
}

static void set_warnings(struct json *o, const struct ship_result *r)
{
    struct json *list = json_set_array(o, "warnings");
    for (size_t i = 0; i < r->n_warnings; i++)
        json_append_text(list, r->warnings[i]);
}

/* ---- preview ---- */

static void set_preview_images(struct json *o, const struct ship_preview *p)
{
    struct json *list = json_set_array(o, "images");
    for (size_t i = 0; i < p->n_images; i++) {
        const struct ship_preview_image *image = &p->images[i];
        struct json *part = json_append_object(list);
        json_set_text(part, "service", image->service);
        json_set_text(part, "image", image->image);
        json_set_text(part, "old_digest", image->old_digest);
        json_set_text(part, "new_digest", image->new_digest);
        json_set_bool(part, "local", image->is_local);
    }
}

static const char *change_word(char change)
{
    return change == '+' ? "added" : change == '-' ? "removed" : "changed";
}

static void set_preview_env(struct json *o, const struct ship_preview *p)
{
    struct json *list = json_set_array(o, "environment");
    for (size_t i = 0; i < p->n_env; i++) {
        struct json *part = json_append_object(list);
        json_set_text(part, "service", p->env[i].service);
        json_set_text(part, "name", p->env[i].name);
        json_set_str(part, "change", change_word(p->env[i].change));
    }
}

static void set_preview(struct json *o, const struct ship_preview *p)
{
    struct json *part = json_set_object(o, "preview");
    json_set_bool(part, "has_changes", p->has_changes);
    struct json *list = json_set_array(part, "actions");
    for (size_t i = 0; i < p->n_actions; i++) {
        struct json *a = json_append_object(list);
        json_set_text(a, "verb", p->actions[i].verb);
        json_set_text(a, "object", p->actions[i].object);
        json_set_text(a, "detail", p->actions[i].detail);
    }
    set_preview_images(part, p);
    set_preview_env(part, p);
    struct json *disk = json_set_object(part, "disk");
    json_set_text(disk, "path", p->disk_path);
    json_set_known(disk, "free_bytes", p->disk_free_bytes, -1);
    json_set_known(disk, "need_bytes", p->disk_need_bytes, -1);
}

/* ---- the object ---- */

static void set_head(struct json *o, const struct ship_result *r)
{
    json_set_i64(o, "schema", RESULT_SCHEMA);
    json_set_known(o, "deployment", r->deployment, 0);
    json_set_text(o, "app", r->app);
    json_set_text(o, "environment", r->environment);
    json_set_text(o, "action", r->action);
    json_set_str(o, "outcome", ship_outcome_text(r->outcome));
    json_set_i64(o, "exit_code", r->exit_code);
    set_version(o, "from", &r->from);
    set_version(o, "to", &r->to);
    json_set_time(o, "started_at", r->started_at_ms);
    json_set_time(o, "finished_at", r->finished_at_ms);
    json_set_i64(o, "duration_ms", r->duration_ms);
    json_set_known(o, "downtime_ms", r->downtime_ms, -1);
    json_set_text(o, "actor", r->actor);
    json_set_text(o, "reason", r->reason);
}

struct json *result_json(const struct ship_result *r, bool full)
{
    struct json *o = json_object();
    set_head(o, r);
    if (full) {
        set_steps(o, r);
        set_checks(o, r);
    }
    set_warnings(o, r);
    json_set_error(o, "error", &r->error);
    json_set_text(o, "rollback", r->rollback);
    if (full) {
        json_set_text(o, "evidence", r->evidence);
        json_set_str(o, "audit_head", r->audit_head[0] ? r->audit_head : NULL);
    }
    if (r->preview)
        set_preview(o, r->preview);
    return o;
}

char *ship_result_json(const struct ship_result *r)
{
    AUTO_PTR(json_free) struct json *o = result_json(r, true);
    return json_print(o);
}
