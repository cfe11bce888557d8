/* The faces of a status: end of life and `status --json`. */
#include <stdlib.h>

#include "shipctl/status.h"

#include "base/alloc.h"
#include "deploy/result_json.h"

static void service_done(struct ship_status_service *s)
{
    char *const owned[] = {s->service, s->container, s->image, s->version,
                           s->digest,  s->state,     s->health};
    for (size_t i = 0; i < ARRAY_LEN(owned); i++)
        free(owned[i]);
}

static void drift_done(struct ship_drift *d)
{
    char *const owned[] = {d->service, d->kind, d->text, d->hint};
    for (size_t i = 0; i < ARRAY_LEN(owned); i++)
        free(owned[i]);
}

void ship_status_done(struct ship_status *st)
{
    if (!st)
        return;
    char *const owned[] = {st->app,
                           st->environment,
                           st->project,
                           st->version,
                           st->digest,
                           st->actor,
                           st->reason,
                           st->operation.action,
                           st->operation.state,
                           st->operation.version,
                           st->operation.step,
                           st->operation.actor,
                           st->previous.version,
                           st->engine_error};
    for (size_t i = 0; i < ARRAY_LEN(owned); i++)
        free(owned[i]);
    for (size_t i = 0; i < st->n_services; i++)
        service_done(&st->services[i]);
    for (size_t i = 0; i < st->n_drift; i++)
        drift_done(&st->drift[i]);
    free(st->services);
    free(st->drift);
    *st = (struct ship_status){0};
}

/* ---- JSON ---- */

static void set_service(struct json *list, const struct ship_status_service *s)
{
    struct json *o = json_append_object(list);
    json_set_text(o, "service", s->service);
    json_set_text(o, "container", s->container);
    json_set_text(o, "image", s->image);
    json_set_text(o, "version", s->version);
    json_set_text(o, "digest", s->digest);
    json_set_text(o, "state", s->state);
    json_set_text(o, "health", s->health);
    json_set_bool(o, "deployed", s->deployed);
    json_set_time(o, "started_at", s->started_at_ms);
    json_set_i64(o, "restarts", s->restarts);
    json_set_i64(o, "exit_code", s->exit_code);
    json_set_bool(o, "oom_killed", s->oom_killed);
    json_set(o, "cpu_pct", s->cpu_pct < 0 ? json_null() : json_number(s->cpu_pct));
    json_set_known(o, "memory_bytes", s->memory_bytes, -1);
    json_set_known(o, "memory_limit_bytes", s->memory_limit_bytes, -1);
}

static void set_drift(struct json *o, const struct ship_status *st)
{
    struct json *list = json_set_array(o, "drift");
    for (size_t i = 0; i < st->n_drift; i++) {
        struct json *d = json_append_object(list);
        json_set_text(d, "service", st->drift[i].service);
        json_set_text(d, "kind", st->drift[i].kind);
        json_set_text(d, "text", st->drift[i].text);
        json_set_text(d, "hint", st->drift[i].hint);
    }
}

static void set_operation(struct json *o, const struct ship_status *st)
{
    if (!st->operation.action) {
        json_set(o, "operation", json_null());
        return;
    }
    struct json *op = json_set_object(o, "operation");
    json_set_known(op, "deployment", st->operation.deployment, 0);
    json_set_text(op, "action", st->operation.action);
    json_set_text(op, "state", st->operation.state);
    json_set_text(op, "version", st->operation.version);
    json_set_text(op, "step", st->operation.step);
    json_set_text(op, "actor", st->operation.actor);
    json_set_time(op, "since", st->operation.since_ms);
    json_set_known(op, "pid", st->operation.pid, 0);
}

static void set_previous(struct json *o, const struct ship_status *st)
{
    if (!st->previous.version) {
        json_set(o, "previous", json_null());
        return;
    }
    struct json *p = json_set_object(o, "previous");
    json_set_text(p, "version", st->previous.version);
    json_set_i64(p, "deployment", st->previous.deployment);
    json_set_bool(p, "image_is_local", st->previous.image_is_local);
}

char *ship_status_json(const struct ship_status *st)
{
    AUTO_PTR(json_free) struct json *o = json_object();
    json_set_i64(o, "schema", RESULT_SCHEMA);
    json_set_text(o, "app", st->app);
    json_set_text(o, "environment", st->environment);
    json_set_text(o, "project", st->project);
    json_set_known(o, "deployment", st->deployment, 0);
    json_set_text(o, "version", st->version);
    json_set_text(o, "digest", st->digest);
    json_set_bool(o, "healthy", st->healthy);
    json_set_time(o, "deployed_at", st->deployed_at_ms);
    json_set_text(o, "actor", st->actor);
    json_set_text(o, "reason", st->reason);
    struct json *list = json_set_array(o, "services");
    for (size_t i = 0; i < st->n_services; i++)
        set_service(list, &st->services[i]);
    set_drift(o, st);
    set_operation(o, st);
    set_previous(o, st);
    json_set_text(o, "engine_error", st->engine_error);
    json_set_i64(o, "exit_code", st->exit_code);
    return json_print(o);
}
