/*
 * What the engine tells us, decoded: the types every layer above speaks.
 *
 * Strings are owned by the struct and freed by its _done(); each _done accepts
 * a zeroed struct. Times are UTC epoch milliseconds (0 = never). Source of each
 * field: Engine API path in brackets.
 */
#ifndef SHIP_DOCKER_TYPES_H
#define SHIP_DOCKER_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/str.h"

/* GET /_ping, /version and /info */
struct engine_info {
    int api_minor;         /* negotiated: calls use /v1.<api_minor> */
    char version[64];      /* "20.10.24" */
    char os[32], arch[32]; /* "linux", "amd64" */
    char *root_dir;        /* DockerRootDir */
    char *driver;          /* storage driver */
    char *id;              /* engine ID */
    bool live_restore;
    int64_t memory_bytes;
    int64_t cpus;
    bool swarm_active;
};
void engine_info_done(struct engine_info *e);

enum container_state {
    CONTAINER_CREATED,
    CONTAINER_RUNNING,
    CONTAINER_PAUSED,
    CONTAINER_RESTARTING,
    CONTAINER_REMOVING,
    CONTAINER_EXITED,
    CONTAINER_DEAD,
    CONTAINER_UNKNOWN,
};
const char *container_state_text(enum container_state s); /* the engine's word */

enum container_health { HEALTH_NONE, HEALTH_STARTING, HEALTH_HEALTHY, HEALTH_UNHEALTHY };
const char *container_health_text(enum container_health h); /* none starting healthy unhealthy */

/* GET /containers/{id}/json */
struct container {
    char *id;                     /* 64 hex */
    char *name;                   /* without the leading slash */
    char *image_id;               /* Image */
    char *image;                  /* Config.Image */
    enum container_state state;   /* State.Status */
    bool running;                 /* State.Running (true while restarting, too) */
    enum container_health health; /* State.Health.Status */
    char *health_output;          /* last State.Health.Log[].Output, raw, <= 4 KiB; or NULL */
    int64_t health_failing;       /* State.Health.FailingStreak */
    int64_t exit_code;            /* State.ExitCode */
    bool oom_killed;              /* State.OOMKilled */
    char *state_error;            /* State.Error or "" */
    int64_t restart_count;        /* RestartCount */
    int64_t created_at_ms, started_at_ms, finished_at_ms;
    char *started_at;     /* State.StartedAt as text: exact, for comparisons and `since` */
    char *restart_policy; /* HostConfig.RestartPolicy.Name, "" = none */
    int64_t restart_max;  /* HostConfig.RestartPolicy.MaximumRetryCount */
    bool has_healthcheck; /* Config.Healthcheck present and not NONE */
    struct json *doc;     /* the whole answer, owned */
};
void container_done(struct container *c);
const char *container_label(const struct container *c, const char *label); /* NULL if absent */
/* Address on the first network that has one, or "" */
const char *container_address(const struct container *c);

/* GET /containers/json?all=1 : one row */
struct container_row {
    char *id, *name, *image, *image_id;
    enum container_state state;
    char *status; /* "Up 3 minutes (healthy)" */
    int64_t created_at_ms;
    struct json *labels; /* object */
    struct json *ports;  /* array of {IP, PrivatePort, PublicPort, Type} */
};
struct container_list {
    struct container_row *rows;
    size_t n;
};
void container_list_done(struct container_list *l);
const char *container_row_label(const struct container_row *r, const char *label);

/* GET /images/{ref}/json */
struct image {
    char *id;
    struct strv tags;    /* RepoTags */
    struct strv digests; /* RepoDigests: "repo@sha256:..." */
    int64_t size_bytes;
    char *os, *arch;
    int64_t created_at_ms;
    bool has_healthcheck;
    char *user;
    struct json *doc;
};
void image_done(struct image *i);
/* The digest recorded for a repository ("sha256:..."), or NULL. */
const char *image_digest_for(const struct image *i, const char *repository);

/* GET /images/json */
struct image_row {
    char *id;
    struct strv tags, digests;
    int64_t size_bytes, created_at_ms;
};
struct image_list {
    struct image_row *rows;
    size_t n;
};
void image_list_done(struct image_list *l);

/* GET /distribution/{ref}/json */
struct remote_image {
    char digest[72];       /* Descriptor.digest */
    uint64_t size_bytes;   /* Descriptor.size: of the manifest, not the image */
    struct strv platforms; /* "linux/amd64", "linux/arm64/v8"; may be empty */
};
void remote_image_done(struct remote_image *r);

/* GET /containers/{id}/stats?stream=false&one-shot=1 */
struct container_stats {
    double cpu_pct; /* of one CPU: 100 = one core busy; -1 = unknown (first sample) */
    int64_t memory_bytes, memory_limit_bytes; /* without page cache */
    int64_t pids;
    uint64_t cpu_total_ns, system_ns; /* raw sample */
    int64_t online_cpus;
};

/* POST /containers/{id}/exec, /exec/{id}/start, /exec/{id}/json */
struct exec_result {
    int exit_code;
    struct buf out; /* stdout and stderr in order; head and tail kept */
    bool timed_out;
};
void exec_result_done(struct exec_result *r);

/* One engine event (GET /events) about a container. */
struct engine_event {
    char action[64]; /* "die", "oom", "health_status: healthy", "start" ... */
    char container_id[65];
    int64_t time_ms;
};

#endif
