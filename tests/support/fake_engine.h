/*
 * A scripted dockerd for component tests: HTTP/1.1 on a UNIX socket, a model of containers,
 * images, networks and volumes good enough that deployments run against it, and faults at any
 * call. Threads of this process; nothing outside its folder is touched.
 *
 * Use: start, describe images, script faults, run the code under test against
 * fake_engine_host(), look at the recorded calls and the model, stop.
 */
#ifndef TESTS_FAKE_ENGINE_H
#define TESTS_FAKE_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fake_engine;

/* api_minor: what /_ping announces (41). Aborts the test when the socket cannot be made. */
struct fake_engine *fake_engine_start(int api_minor);
void fake_engine_stop(struct fake_engine *e);              /* ends all connections; frees */
const char *fake_engine_host(const struct fake_engine *e); /* "unix:///..." */

/* ---- images and what their containers do ---- */

struct fake_image {
    const char *repository, *tag; /* in the registry; local too when is_local */
    bool is_local;
    const char *health;      /* NULL = no health check; "healthy", "unhealthy", "starting" */
    int64_t health_after_ms; /* `starting` until then */
    int64_t exits_after_ms;  /* 0 = runs until stopped; else it ends by itself */
    int exit_code;           /* of that end */
    bool is_oom;             /* that end was the kernel's doing */
    const char *log;         /* written at each start; lines beginning with "!" go to stderr */
    const char *start_error; /* 500 with this text at start */
    int64_t stop_ms;         /* how long it takes to obey a stop */
};
/* Returns the digest ("sha256:..."), owned by the engine. Strings are copied. */
const char *fake_engine_image(struct fake_engine *e, const struct fake_image *spec);

/* What `exec` of this program answers, in any container. Default: exit code 0, no output. */
void fake_engine_exec(struct fake_engine *e, const char *program, int exit_code,
                      const char *output);

/* ---- faults ---- */

enum fake_fault {
    FAKE_ANSWER,       /* `status` and `body` instead; nothing is done */
    FAKE_CLOSE_BEFORE, /* close without doing anything */
    FAKE_CLOSE_AFTER,  /* do it, close without a byte of answer */
    FAKE_CUT,          /* do it, close after `n` bytes of the answer */
    FAKE_STALL,        /* do it, then silence after `n` bytes of the answer */
    FAKE_RAW,          /* do nothing, send `body` as it is (`n` bytes, 0 = strlen), close */
    FAKE_ENDLESS,      /* do nothing, answer 200 and repeat `body` until the client leaves */
    FAKE_DELAY,        /* wait `n` ms, then as usual */
    FAKE_GATHER,       /* wait until `n` such calls have come, then as usual; alone for 20 s: 500 */
    FAKE_CHUNKED,      /* as usual, in chunks of `n` bytes */
    FAKE_KILL,         /* signal `status` (0 = kill -9) to process `n`; then as usual */
    FAKE_KILL_AFTER,   /* as usual, then the signal */
};

struct fake_rule {
    const char *method; /* NULL = any */
    const char *path;   /* prefix without the version: "/containers/create"; NULL = any; a star in
                           it stands for any text */
    int nth;            /* which matching call, from 1; 0 = each */
    bool onward;        /* and all after the nth */
    enum fake_fault fault;
    int status;
    const char *body, *content_type;
    size_t n; /* see the fault; for FAKE_RAW the length of body, 0 = strlen */
};
/* Copied. The first rule that matches a call decides. Rules count from the moment they are added.
 */
void fake_engine_script(struct fake_engine *e, const struct fake_rule *rule);
void fake_engine_unscript(struct fake_engine *e); /* drop all rules */

/* ---- looking ---- */

struct fake_call {
    const char *method, *path; /* path with query, without the version, as sent */
    const char *body;
    const char *registry_auth; /* "" = none */
    const char *authorization; /* "" = none */
    int version;               /* 41 of /v1.41; 0 = none */
    int connection;            /* number of the connection it came on */
};
size_t fake_engine_calls(struct fake_engine *e);
/* Valid until stop. */
const struct fake_call *fake_engine_call(struct fake_engine *e, size_t i);
/* How many calls have this method and path prefix. */
size_t fake_engine_count(struct fake_engine *e, const char *method, const char *path);

/* Connections that are still open on the engine's side. */
int fake_engine_open_connections(struct fake_engine *e);

/* State word of the container of that name, "" when absent. Static text. */
const char *fake_engine_state(struct fake_engine *e, const char *name);

/*
 * All containers, sorted by name, a line each: "name state policy image". Heap, caller frees.
 */
char *fake_engine_summary(struct fake_engine *e);
/* The inspect document of that name or id as text, NULL when absent. Heap, caller frees. */
char *fake_engine_inspect(struct fake_engine *e, const char *name);
/* From now on containers of this image fail to start with this text; NULL: they start. */
void fake_engine_break_start(struct fake_engine *e, const char *repository, const char *tag,
                             const char *start_error);

/* Another actor: end, or remove, a container behind the client's back. */
void fake_engine_kill(struct fake_engine *e, const char *name, int exit_code);
void fake_engine_halt(struct fake_engine *e, const char *name); /* as `docker stop` */
void fake_engine_rename(struct fake_engine *e, const char *name, const char *to);
void fake_engine_vanish(struct fake_engine *e, const char *name);
/* Append to a container's log. */
void fake_engine_log(struct fake_engine *e, const char *name, const char *text);

#endif
