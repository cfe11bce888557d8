/*
 * THE seam between deploying and the thing that runs containers.
 *
 * Everything above this line (checks, strategies, the deploy pipeline, status,
 * prune) speaks only to this table; local.c fills it for one dockerd, the tests
 * fill it with a simulated engine. Every call has an absolute deadline
 * (clock_now_ms of rt->clock) and a caller-owned error:
 *   SHIP_UNREACHABLE  no connection (socket missing, refused, not permitted)
 *   SHIP_TIMEOUT      deadline passed; for a mutating call the outcome is unknown: observe
 *   SHIP_ENGINE       the engine answered 4xx/5xx (its "message" is in the text, sanitised)
 *   SHIP_CONFLICT     409
 *   SHIP_NOT_FOUND    404 on the object named
 *   SHIP_INTERRUPTED  a stop signal arrived (only where `interruptible` is documented)
 * 304 on start and stop and 404 on remove count as success. A reply that is lost after a mutating
 * request was sent is SHIP_TIMEOUT or SHIP_UNREACHABLE with rt->unknown set to true.
 */
#ifndef SHIP_RUNTIME_RUNTIME_H
#define SHIP_RUNTIME_RUNTIME_H

#include "base/clock.h"
#include "base/redact.h"
#include "docker/types.h"

struct runtime;

struct pull_progress {
    uint64_t done_bytes, total_bytes; /* over all layers known so far; total 0 = unknown */
    const char *status;               /* "Downloading", "Extracting", ... of the last layer */
};
typedef void (*pull_sink)(void *ctx, const struct pull_progress *progress);

/* Receives log bytes in order; return non-zero to stop reading. */
typedef int (*log_sink)(void *ctx, int is_stderr, const char *p, size_t len);

struct log_request {
    const char *since; /* engine time text or epoch seconds; NULL = from the start */
    int64_t tail;      /* lines from the end; < 0 = all */
    bool timestamps;
    bool follow; /* until the container ends or the deadline (then 0, not an error) */
};

struct exec_request {
    const char *const *argv; /* NULL-terminated */
    const char *const *envp; /* K=V, NULL-terminated; may be NULL */
    const char *user;        /* NULL = the container's */
    bool is_shown;           /* the output is for people only: without secrets */
};

struct runtime_ops {
    const char *name; /* "docker" */
    /* ---- reads ---- */
    int (*probe)(struct runtime *rt, struct engine_info *ret, int64_t deadline_ms,
                 struct ship_error *err);
    /* Ask the registry (through the engine, with the user's credentials) what a tag or digest is.
     */
    int (*resolve)(struct runtime *rt, const char *ref, struct remote_image *ret,
                   int64_t deadline_ms, struct ship_error *err);
    /* labels: "k=v" or "k" filters, all must match; all: also stopped ones. */
    int (*list)(struct runtime *rt, const struct strv *labels, bool all, struct container_list *ret,
                int64_t deadline_ms, struct ship_error *err);
    int (*inspect)(struct runtime *rt, const char *id_or_name, struct container *ret,
                   int64_t deadline_ms, struct ship_error *err);
    int (*stats)(struct runtime *rt, const char *id, struct container_stats *ret,
                 int64_t deadline_ms, struct ship_error *err);
    int (*logs)(struct runtime *rt, const char *id, const struct log_request *req, log_sink sink,
                void *ctx, int64_t deadline_ms, struct ship_error *err);
    int (*image_inspect)(struct runtime *rt, const char *ref, struct image *ret,
                         int64_t deadline_ms, struct ship_error *err);
    int (*image_list)(struct runtime *rt, struct image_list *ret, int64_t deadline_ms,
                      struct ship_error *err);
    /* ret: the inspect document of exactly that name, or NULL when absent (return 0). */
    int (*network_inspect)(struct runtime *rt, const char *name, struct json **ret,
                           int64_t deadline_ms, struct ship_error *err);
    int (*volume_inspect)(struct runtime *rt, const char *name, struct json **ret,
                          int64_t deadline_ms, struct ship_error *err);
    /*
     * Wait for the next event of one of these containers (die, oom, stop, start, health_status).
     * 0 = an event; 1 = deadline passed without one. Interruptible. The subscription is opened on
     * first use and kept: events since the previous call are not lost.
     */
    int (*wait_event)(struct runtime *rt, const char *const *ids, size_t n,
                      struct engine_event *ret, int64_t deadline_ms, struct ship_error *err);
    /* Wait until a container is not running; its exit code. Interruptible. */
    int (*wait_exit)(struct runtime *rt, const char *id, int64_t *ret_exit_code,
                     int64_t deadline_ms, struct ship_error *err);
    /* ---- changes ---- */
    /* Interruptible: a pull ends when the connection closes. Success rule: stream complete, no
     * error object. idle_ms: longest silence. */
    int (*pull)(struct runtime *rt, const char *ref, const char *platform, pull_sink sink,
                void *ctx, int64_t idle_ms, int64_t deadline_ms, struct ship_error *err);
    int (*image_tag)(struct runtime *rt, const char *id, const char *repository, const char *tag,
                     int64_t deadline_ms, struct ship_error *err);
    /* Remove one reference (or the image with its last one); never forced. 404 = success.
     * CONFLICT when a container uses it. */
    int (*image_remove)(struct runtime *rt, const char *ref, int64_t deadline_ms,
                        struct ship_error *err);
    int (*create)(struct runtime *rt, const char *name, const char *platform,
                  const struct json *body, char **ret_id, struct strv *ret_warnings,
                  int64_t deadline_ms, struct ship_error *err);
    int (*start)(struct runtime *rt, const char *id, int64_t deadline_ms, struct ship_error *err);
    /* grace_s < 0: the container's own StopTimeout. deadline should allow the grace + 15 s. */
    int (*stop)(struct runtime *rt, const char *id, int64_t grace_s, int64_t deadline_ms,
                struct ship_error *err);
    int (*rename)(struct runtime *rt, const char *id, const char *name, int64_t deadline_ms,
                  struct ship_error *err);
    int (*set_restart)(struct runtime *rt, const char *id, const char *policy, int64_t max_retry,
                       int64_t deadline_ms, struct ship_error *err);
    /* force kills a running one. Volumes are never removed. */
    int (*remove)(struct runtime *rt, const char *id, bool force, int64_t deadline_ms,
                  struct ship_error *err);
    int (*exec)(struct runtime *rt, const char *id, const struct exec_request *req,
                struct exec_result *ret, int64_t deadline_ms, struct ship_error *err);
    int (*network_create)(struct runtime *rt, const struct json *body, int64_t deadline_ms,
                          struct ship_error *err);
    int (*network_connect)(struct runtime *rt, const char *network, const struct json *body,
                           int64_t deadline_ms, struct ship_error *err);
    int (*volume_create)(struct runtime *rt, const struct json *body, int64_t deadline_ms,
                         struct ship_error *err);
    /* PUT /containers/{id}/archive?path=/ */
    int (*put_archive)(struct runtime *rt, const char *id, const char *path, const void *tar,
                       size_t len, int64_t deadline_ms, struct ship_error *err);
    /*
     * Another connection to the same thing, for a thread of its own; closed by runtime_close. NULL:
     * there is only one. SHIP_UNREACHABLE.
     */
    int (*another)(struct runtime *rt, struct runtime **ret, struct ship_error *err);
    void (*close)(struct runtime *rt);
};

struct runtime {
    const struct runtime_ops *ops;
    const struct clock *clock; /* borrowed */
    int64_t limit_ms;          /* calls end by then, whatever deadline of their own; 0 = no limit */
    struct redact
        *redact;  /* borrowed; what is learnt here is added, errors are filtered; or NULL */
    bool unknown; /* the last mutating call was sent but its outcome was not seen */
    void *impl;
};

/* Deadlines of single calls, milliseconds (fault model F22). */
#define RUNTIME_READ_MS       10000
#define RUNTIME_CHANGE_MS     30000
#define RUNTIME_START_MS      60000
#define RUNTIME_STOP_EXTRA_MS 15000
#define RUNTIME_PULL_IDLE_MS  120000

/*
 * One dockerd over its UNIX socket. host: "unix:///path"; NULL = $DOCKER_HOST from environ-style
 * lookup by the caller. Connects lazily: the first call reports SHIP_UNREACHABLE.
 * docker_config_dir: directory of config.json for registry credentials; NULL = none. Caller frees
 * with runtime_close.
 */
struct runtime *runtime_open_docker(const char *host, const char *docker_config_dir,
                                    const struct clock *clock, struct ship_error *err);
void runtime_close(struct runtime *rt); /* NULL is fine */
AUTO_PTR_DEFINE(runtime_close, struct runtime)

#endif
