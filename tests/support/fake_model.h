/*
 * The state of the scripted engine and its answers. Private to the fake engine: one lock guards it
 * all, taken by the server around each call.
 */
#ifndef TESTS_FAKE_MODEL_H
#define TESTS_FAKE_MODEL_H

#include "base/buf.h"
#include "base/json.h"
#include "base/str.h"
#include "support/fake_engine.h"

struct model_image {
    char *id, *digest;
    char *repository, *tag; /* in the registry; NULL tag = only local */
    struct strv tags;       /* local references "repo:tag" */
    struct strv digests;    /* local "repo@digest" */
    bool is_local;
    struct fake_image spec; /* strings owned below */
    char *health, *log, *start_error;
};

struct model_container {
    char *id, *name;
    struct json *body; /* of the create call, edited by update */
    struct model_image *image;
    const char *state; /* word of the engine */
    int exit_code;
    bool oom;
    int64_t created_ms, started_ms, finished_ms, restart_count;
    bool stopped_by_user;
    int64_t stop_at_ms; /* a stop is on its way and ends it then; 0 = none */
    int stop_code;
    bool health_told; /* the health event was sent */
    struct buf log;   /* frames */
};

struct model_exec {
    char *id;
    int exit_code;
    char *output;
    int64_t ran;
};

struct model_named {
    char *name;
    struct json *doc;
};

struct model_event {
    int64_t at_ms;
    char *action, *text; /* text: the JSON object */
};

#define MODEL_MAX        512 /* of each kind: tests are small */
#define MODEL_EVENTS_MAX 4096

struct model {
    struct model_image *images[MODEL_MAX];
    struct model_container *containers[MODEL_MAX];
    struct model_exec *execs[MODEL_MAX];
    struct model_exec *programs[MODEL_MAX]; /* id = program */
    struct model_named *networks[MODEL_MAX], *volumes[MODEL_MAX];
    struct model_event *events[MODEL_EVENTS_MAX];
    size_t n_images, n_containers, n_execs, n_programs, n_networks, n_volumes, n_events;
    unsigned serial;
    int api_minor;
};

struct model_request {
    const char *method;
    const char *path;  /* without version and query, percent-decoded */
    const char *query; /* as sent, "" = none */
    const char *body;
};

enum model_stream { STREAM_NONE, STREAM_EVENTS, STREAM_WAIT, STREAM_LOGS };

struct model_reply {
    int status;
    const char *content_type;
    struct buf body;
    bool until_close; /* no length, ends with the connection (exec) */
    bool chunked;
    int64_t delay_ms; /* before the answer: a slow stop */
    enum model_stream stream;
    char container[65]; /* STREAM_WAIT, STREAM_LOGS: its id */
    int64_t since_ms;   /* STREAM_EVENTS */
};

void model_init(struct model *m, int api_minor);
void model_done(struct model *m);
/* Let time act: ends, restarts, health. */
void model_tick(struct model *m, int64_t now_ms);
void model_answer(struct model *m, const struct model_request *req, struct model_reply *reply);

/* The image of a registry, or a local one; strings are copied. */
struct model_image *model_add_image(struct model *m, const struct fake_image *spec);
/* Nobody listens any more: forget what happened. */
void model_forget_events(struct model *m);

/* ---- between the model's files ---- */
int64_t model_now_ms(void);
struct model_container *model_container(struct model *m, const char *id_or_name);
struct model_image *model_image(struct model *m, const char *ref);
void model_event(struct model *m, const struct model_container *c, const char *action);
void model_container_start(struct model *m, struct model_container *c);
void model_container_end(struct model *m, struct model_container *c, int exit_code);
void model_container_drop(struct model *m, struct model_container *c);
void model_log(struct model_container *c, const char *text);
struct json *model_inspect(const struct model *m, const struct model_container *c);
struct json *model_row(const struct model_container *c);
char *model_id(struct model *m, const char *seed);                   /* 64 hex, heap */
char *model_query(const struct model_request *req, const char *key); /* decoded, heap, NULL */
void model_refuse(struct model_reply *reply, int status, const char *fmt, ...) SHIP_PRINTF(3, 4);
void model_reply_json(struct model_reply *reply, int status, struct json *doc); /* takes doc */

#endif
