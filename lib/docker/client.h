/*
 * Engine API client: one dockerd over its UNIX socket, one kept-alive connection for calls.
 *
 * The other files of this folder build paths and decode answers; this one speaks: it negotiates
 * the API version before the first call, keeps every limit, retries reads and turns what went
 * wrong into the codes of runtime/runtime.h. It never decides what a deployment should do.
 */
#ifndef SHIP_DOCKER_CLIENT_H
#define SHIP_DOCKER_CLIENT_H

#include "docker/auth.h"
#include "docker/types.h"
#include "net/transfer.h"

#define DOCKER_API_MIN      41 /* docker 20.10: the oldest engine we speak to */
#define DOCKER_API_MAX      51 /* newest version whose changes were checked */
#define DOCKER_DOC_MAX      (4u * 1024 * 1024)
#define DOCKER_LIST_MAX     (8u * 1024 * 1024)
#define DOCKER_ERROR_MAX    (64u * 1024) /* body of an error answer */
#define DOCKER_MESSAGE_MAX  400          /* of the engine's text in our messages */
#define DOCKER_READ_TRIES   3
#define DOCKER_PATH_MAX     (64u * 1024)
#define DOCKER_SOCKET_MAX   107 /* sun_path without its NUL */
#define DOCKER_HOST_DEFAULT "unix:///var/run/docker.sock"

struct docker_client;

/*
 * host: "unix:///path" (NULL = DOCKER_HOST_DEFAULT); anything else is SHIP_INVALID. config_dir:
 * see docker_auth_new. clock borrowed. Touches neither the socket nor the files.
 */
struct docker_client *docker_client_new(const char *host, const char *config_dir,
                                        const struct clock *clock, struct ship_error *err);
void docker_client_free(struct docker_client *c);
AUTO_PTR_DEFINE(docker_client_free, struct docker_client)

enum docker_call_flags {
    DOCKER_INTERRUPTIBLE = 1, /* the stop flag ends it: never for calls that change something */
    DOCKER_REPEATABLE = 2,    /* not a GET, but losing its reply leaves nothing unknown */
};

struct docker_call {
    const char *method;
    const char *path;        /* "/containers/json?all=1", escaped, without the version */
    const char *action;      /* for messages, after "cannot": "start container 'web'" */
    const struct json *json; /* body; or data/len; both NULL = empty */
    const void *data;
    size_t len;
    const char *content_type;  /* of data */
    const char *registry_auth; /* X-Registry-Auth; NULL = none */
    size_t max_bytes;          /* of a buffered answer; 0 = DOCKER_DOC_MAX */
    int64_t idle_ms;           /* longest silence; 0 = no limit */
    int64_t deadline_ms;
    unsigned flags;
    transfer_body_sink on_body; /* body of a 2xx answer goes here instead of the buffer */
    void *ctx;
};

struct docker_answer {
    int status;
    bool cut;              /* the sink ended it */
    char content_type[96]; /* lower case, without parameters */
    struct buf body;       /* what no sink took */
};
void docker_answer_done(struct docker_answer *a);

/*
 * Make the call. 0 when a complete answer of any status was read. Codes: SHIP_UNREACHABLE,
 * SHIP_TIMEOUT, SHIP_INTERRUPTED, SHIP_ENGINE (answer too large). ret: zeroed or done before.
 */
SHIP_CHECKED int docker_send(struct docker_client *c, const struct docker_call *call,
                             struct docker_answer *ret, struct ship_error *err);

/* 0 for 2xx and 304; else -1 with SHIP_NOT_FOUND, SHIP_CONFLICT or SHIP_ENGINE. */
SHIP_CHECKED int docker_check(const struct docker_call *call, const struct docker_answer *answer,
                              struct ship_error *err);

/* Send and check; ret_status may be NULL. */
SHIP_CHECKED int docker_call(struct docker_client *c, const struct docker_call *call,
                             int *ret_status, struct ship_error *err);

/* Send, check, parse the body: a JSON value, never NULL on success. */
SHIP_CHECKED int docker_call_json(struct docker_client *c, const struct docker_call *call,
                                  struct json **ret, struct ship_error *err);

/* A call that changes something and answers nothing of interest. body may be NULL. */
SHIP_CHECKED int docker_change(struct docker_client *c, const char *method, const char *path,
                               const char *action, const struct json *body, int64_t deadline_ms,
                               struct ship_error *err);

/* prefix + escaped name (slashes stay: image names) + suffix; heap. */
char *docker_path(const char *prefix, const char *name, const char *suffix);
/* Append "?key=value" or "&key=value", value escaped. */
void docker_query(struct buf *path, const char *key, const char *value);

/* The engine's "message" (or the body's text) sanitised, one line, at most DOCKER_MESSAGE_MAX. */
void docker_message(const struct buf *body, struct buf *out);

/* Ask /_ping if that did not happen yet. */
SHIP_CHECKED int docker_negotiate(struct docker_client *c, int64_t deadline_ms,
                                  struct ship_error *err);
int docker_api_minor(const struct docker_client *c); /* 0 = not negotiated yet */

/* GET /info. */
SHIP_CHECKED int docker_info(struct docker_client *c, struct engine_info *ret, int64_t deadline_ms,
                             struct ship_error *err);

/* The last changing call was sent and its outcome was not seen. */
bool docker_unknown(const struct docker_client *c);
/* UTC epoch ms at which the last changing call began; 0 = none yet. */
int64_t docker_last_change_ms(const struct docker_client *c);

const struct clock *docker_clock(const struct docker_client *c);
/* Calls from now on use this clock: one without a stop flag while something is taken back. */
void docker_use_clock(struct docker_client *c, const struct clock *clock);
/* Credentials and environments read from now on are added; texts of errors are filtered. */
void docker_use_redact(struct docker_client *c, struct redact *redact);
struct redact *docker_redact(const struct docker_client *c);
/* Calls from now on end by then, whatever deadline of their own; 0 = no limit. */
void docker_use_limit(struct docker_client *c, int64_t limit_ms);
struct docker_auth *docker_client_auth(struct docker_client *c);

/* For a second connection (events): URL of a path and the socket. Negotiate first. */
char *docker_url(const struct docker_client *c, const char *path); /* heap */
const char *docker_socket(const struct docker_client *c);
/* Turn the end of a transfer that is not TRANSFER_OK into an error; returns -1. */
int docker_transfer_error(const struct docker_client *c, const char *action,
                          const struct transfer_result *r, struct ship_error *err);

#endif
