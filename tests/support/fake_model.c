/*
 * State of the scripted engine (contract: fake_model.h): containers, their life in time, events.
 */
#include "support/fake_model.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/encode.h"

#define RESTART_PAUSE_MS 100

int64_t model_now_ms(void)
{
    return clock_epoch_ms(&clock_real);
}

char *model_id(struct model *m, const char *seed)
{
    char hex[SHA256_HEX_SIZE];
    AUTO_FREE char *text = xasprintf("%s %u", seed, ++m->serial);

    sha256_hex(text, strlen(text), hex);
    return xstrdup(hex);
}

/* ---- finding ---- */

struct model_container *model_container(struct model *m, const char *id_or_name)
{
    for (size_t i = 0; i < m->n_containers; i++)
        if (str_eq(m->containers[i]->name, id_or_name) || str_eq(m->containers[i]->id, id_or_name))
            return m->containers[i];
    for (size_t i = 0; i < m->n_containers; i++)
        if (id_or_name[0] && str_starts(m->containers[i]->id, id_or_name))
            return m->containers[i];
    return NULL;
}

struct model_image *model_image(struct model *m, const char *ref)
{
    AUTO_FREE char *latest = xasprintf("%s:latest", ref);

    for (size_t i = 0; i < m->n_images; i++) {
        struct model_image *image = m->images[i];
        if (image->is_local && (str_eq(image->id, ref) || strv_has(&image->tags, ref) ||
                                strv_has(&image->tags, latest) || strv_has(&image->digests, ref)))
            return image;
    }
    return NULL;
}

struct model_image *model_add_image(struct model *m, const struct fake_image *spec)
{
    struct model_image *image = xcalloc(1, sizeof *image);
    AUTO_FREE char *seed = xasprintf("%s:%s", spec->repository, spec->tag);
    AUTO_FREE char *id = model_id(m, seed);
    char hex[SHA256_HEX_SIZE];

    sha256_hex(seed, strlen(seed), hex);
    image->spec = *spec;
    image->repository = xstrdup(spec->repository);
    image->tag = xstrdup_or_null(spec->tag);
    image->spec.health = image->health = xstrdup_or_null(spec->health);
    image->log = xstrdup_or_null(spec->log);
    image->start_error = xstrdup_or_null(spec->start_error);
    image->digest = xasprintf("sha256:%s", hex);
    image->id = xasprintf("sha256:%s", id);
    image->is_local = spec->is_local;
    if (spec->is_local) {
        strv_add(&image->tags, seed);
        strv_take(&image->digests, xasprintf("%s@%s", spec->repository, image->digest));
    }
    if (m->n_images == MODEL_MAX)
        abort();
    m->images[m->n_images++] = image;
    return image;
}

/* ---- events ---- */

void model_event(struct model *m, const struct model_container *c, const char *action)
{
    struct json *doc = json_object();
    struct model_event *event = xcalloc(1, sizeof *event);

    event->at_ms = model_now_ms();
    event->action = xstrdup(action);
    json_set_str(doc, "Type", "container");
    json_set_str(doc, "Action", action);
    json_set_str(json_set_object(doc, "Actor"), "ID", c->id);
    json_set_i64(doc, "time", event->at_ms / 1000);
    json_set_i64(doc, "timeNano", event->at_ms * 1000000 + ++m->serial % 1000000);
    event->text = json_print(doc);
    json_free(doc);
    if (m->n_events == MODEL_EVENTS_MAX)
        abort();
    m->events[m->n_events++] = event;
}

void model_forget_events(struct model *m)
{
    for (size_t i = 0; i < m->n_events; i++) {
        free(m->events[i]->action);
        free(m->events[i]->text);
        free(m->events[i]);
    }
    m->n_events = 0;
}

/* ---- life of a container ---- */

static void log_line(struct model_container *c, const char *line, size_t len)
{
    bool is_stderr = len > 0 && line[0] == '!';
    unsigned char head[8] = {is_stderr ? 2 : 1};

    line += is_stderr;
    len -= is_stderr;
    for (int i = 0; i < 4; i++)
        head[4 + i] = (unsigned char)(len >> (24 - 8 * i));
    (void)buf_add(&c->log, head, sizeof head);
    (void)buf_add(&c->log, line, len);
}

void model_log(struct model_container *c, const char *text)
{
    while (text && *text) {
        size_t len = strcspn(text, "\n");
        len += text[len] == '\n';
        log_line(c, text, len);
        text += len;
    }
}

void model_container_start(struct model *m, struct model_container *c)
{
    c->state = "running";
    c->started_ms = model_now_ms();
    c->exit_code = 0;
    c->oom = false;
    c->health_told = false;
    model_log(c, c->image->log);
    model_event(m, c, "start");
}

static const char *restart_policy(const struct model_container *c)
{
    return json_str_or(c->body, "HostConfig.RestartPolicy.Name", "");
}

static bool wants_restart(const struct model_container *c)
{
    const char *policy = restart_policy(c);

    if (c->stopped_by_user)
        return false;
    return str_eq(policy, "always") || str_eq(policy, "unless-stopped") ||
           (str_eq(policy, "on-failure") && c->exit_code != 0);
}

void model_container_end(struct model *m, struct model_container *c, int exit_code)
{
    c->exit_code = exit_code;
    c->finished_ms = model_now_ms();
    c->stop_at_ms = 0;
    if (c->oom)
        model_event(m, c, "oom");
    c->state = "exited";
    model_event(m, c, "die");
    if (wants_restart(c))
        c->state = "restarting";
}

static void tick_health(struct model *m, struct model_container *c, int64_t now_ms)
{
    const struct fake_image *spec = &c->image->spec;

    if (spec->health == NULL || c->health_told || str_eq(spec->health, "starting") ||
        now_ms - c->started_ms < spec->health_after_ms)
        return;
    AUTO_FREE char *action = xasprintf("health_status: %s", spec->health);
    c->health_told = true;
    model_event(m, c, action);
}

static void tick_container(struct model *m, struct model_container *c, int64_t now_ms)
{
    const struct fake_image *spec = &c->image->spec;

    if (str_eq(c->state, "restarting") && now_ms - c->finished_ms >= RESTART_PAUSE_MS) {
        c->restart_count++;
        model_container_start(m, c);
    }
    if (!str_eq(c->state, "running"))
        return;
    if (c->stop_at_ms && now_ms >= c->stop_at_ms) {
        c->stopped_by_user = true;
        model_container_end(m, c, c->stop_code);
        model_event(m, c, "stop");
        return;
    }
    tick_health(m, c, now_ms);
    if (spec->exits_after_ms > 0 && now_ms - c->started_ms >= spec->exits_after_ms) {
        c->oom = spec->is_oom;
        model_container_end(m, c, spec->exit_code);
    }
}

void model_tick(struct model *m, int64_t now_ms)
{
    for (size_t i = 0; i < m->n_containers; i++)
        tick_container(m, m->containers[i], now_ms);
}

static void container_free(struct model_container *c)
{
    free(c->id);
    free(c->name);
    json_free(c->body);
    buf_done(&c->log);
    free(c);
}

void model_container_drop(struct model *m, struct model_container *c)
{
    for (size_t i = 0; i < m->n_containers; i++)
        if (m->containers[i] == c) {
            m->containers[i] = m->containers[--m->n_containers];
            container_free(c);
            return;
        }
}

/* ---- documents ---- */

static void set_time(struct json *doc, const char *key, int64_t ms)
{
    char text[STR_TIME_MAX];

    if (ms == 0) {
        json_set_str(doc, key, "0001-01-01T00:00:00Z");
        return;
    }
    AUTO_FREE char *exact = xasprintf("%.19s.%03dZ", str_format_time(ms, text), (int)(ms % 1000));
    json_set_str(doc, key, exact);
}

static void set_health(struct json *state, const struct model_container *c)
{
    const char *status = c->health_told ? c->image->spec.health : "starting";

    if (c->image->spec.health == NULL || c->started_ms == 0)
        return;
    struct json *health = json_set_object(state, "Health");
    json_set_str(health, "Status", status);
    json_set_i64(health, "FailingStreak", str_eq(status, "unhealthy") ? 3 : 0);
    struct json *entry = json_append_object(json_set_array(health, "Log"));
    json_set_i64(entry, "ExitCode", str_eq(status, "unhealthy"));
    json_set_str(entry, "Output", str_eq(status, "unhealthy") ? "probe failed" : "");
}

static void set_state(struct json *doc, const struct model_container *c)
{
    struct json *state = json_set_object(doc, "State");
    bool restarting = str_eq(c->state, "restarting");

    json_set_str(state, "Status", c->state);
    json_set_bool(state, "Running", restarting || str_eq(c->state, "running"));
    json_set_bool(state, "Restarting", restarting);
    json_set_bool(state, "OOMKilled", c->oom);
    json_set_i64(state, "ExitCode", c->exit_code);
    json_set_str(state, "Error", "");
    set_time(state, "StartedAt", c->started_ms);
    set_time(state, "FinishedAt", c->finished_ms);
    set_health(state, c);
}

static void set_networks(struct json *doc, const struct model_container *c)
{
    struct json *networks = json_set_object(json_set_object(doc, "NetworkSettings"), "Networks");
    const struct json *asked = json_path(c->body, "NetworkingConfig.EndpointsConfig");
    bool up = str_eq(c->state, "running");

    for (const struct json *n = json_first(asked); n; n = json_next(n)) {
        struct json *end = json_copy(n);
        json_set_str(end, "IPAddress", up ? "172.30.0.2" : "");
        json_set(networks, json_key(n), end);
    }
    if (asked == NULL)
        json_set_str(json_set_object(networks, "bridge"), "IPAddress", up ? "172.17.0.2" : "");
}

/* The image's health check is the container's unless the create body has one. */
static void set_healthcheck(struct json *config, const struct model_container *c)
{
    if (c->image->spec.health == NULL || json_get(config, "Healthcheck"))
        return;
    json_append_str(json_set_array(json_set_object(config, "Healthcheck"), "Test"), "CMD");
}

struct json *model_inspect(const struct model *m, const struct model_container *c)
{
    struct json *doc = json_object();
    struct json *config = json_copy(c->body);
    AUTO_FREE char *name = xasprintf("/%s", c->name);
    const struct json *host = json_get(c->body, "HostConfig");

    (void)m;
    json_set_str(doc, "Id", c->id);
    json_set_str(doc, "Name", name);
    json_set_str(doc, "Image", c->image->id);
    json_set_i64(doc, "RestartCount", c->restart_count);
    set_time(doc, "Created", c->created_ms);
    json_remove(config, "HostConfig");
    json_remove(config, "NetworkingConfig");
    set_healthcheck(config, c);
    json_set(doc, "Config", config);
    json_set(doc, "HostConfig", host ? json_copy(host) : json_object());
    json_set(doc, "Mounts", json_array());
    set_state(doc, c);
    set_networks(doc, c);
    return doc;
}

struct json *model_row(const struct model_container *c)
{
    struct json *row = json_object();
    AUTO_FREE char *name = xasprintf("/%s", c->name);
    const struct json *labels = json_get(c->body, "Labels");

    json_set_str(row, "Id", c->id);
    json_append_str(json_set_array(row, "Names"), name);
    json_set_str(row, "Image", json_str_or(c->body, "Image", ""));
    json_set_str(row, "ImageID", c->image->id);
    json_set_str(row, "State", c->state);
    json_set_str(row, "Status", str_eq(c->state, "running") ? "Up 1 second" : c->state);
    json_set_i64(row, "Created", c->created_ms / 1000);
    json_set(row, "Labels", labels ? json_copy(labels) : json_object());
    json_set(row, "Ports", json_array());
    return row;
}

/* ---- life cycle ---- */

void model_init(struct model *m, int api_minor)
{
    *m = (struct model){.api_minor = api_minor};
}

static void image_free(struct model_image *image)
{
    free(image->id);
    free(image->digest);
    free(image->repository);
    free(image->tag);
    strv_done(&image->tags);
    strv_done(&image->digests);
    free(image->health);
    free(image->log);
    free(image->start_error);
    free(image);
}

static void execs_free(struct model_exec **v, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(v[i]->id);
        free(v[i]->output);
        free(v[i]);
    }
}

static void named_free(struct model_named **v, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(v[i]->name);
        json_free(v[i]->doc);
        free(v[i]);
    }
}

void model_done(struct model *m)
{
    for (size_t i = 0; i < m->n_containers; i++)
        container_free(m->containers[i]);
    for (size_t i = 0; i < m->n_images; i++)
        image_free(m->images[i]);
    model_forget_events(m);
    execs_free(m->execs, m->n_execs);
    execs_free(m->programs, m->n_programs);
    named_free(m->networks, m->n_networks);
    named_free(m->volumes, m->n_volumes);
    *m = (struct model){0};
}
