/*
 * Inside lib/compose: mapping of one service to the Engine API, by subject.
 *
 * compose_create_body() (map.c) fills a map_ctx and calls each map_* function once; every one
 * reads ctx->service and writes members of ctx->body (Config) or ctx->host (HostConfig).
 * A straight mapping is a row of a table; only what needs thought is a function.
 */
#ifndef SHIP_COMPOSE_MAP_H
#define SHIP_COMPOSE_MAP_H

#include "compose/model.h"

#define COMPOSE_LABEL "com.docker.compose."

/* First API minor versions that know a member. */
#define API_CREATE_MOUNTPOINT 42
#define API_ANNOTATIONS       43
#define API_ENDPOINTS         44 /* several endpoints, endpoint MacAddress, StartInterval */
#define API_VOLUME_SUBPATH    45
#define API_IMAGE_MOUNT       48 /* image mounts, GwPriority, EnableIPv4 */
#define API_INTERFACE_NAME    49

struct map_ctx {
    const struct compose_project *p;
    const char *name;           /* service key */
    const struct json *service; /* its model */
    const struct compose_create *create;
    struct json *body; /* Config, top level of the request */
    struct json *host; /* HostConfig, member of body */
};

enum map_kind {
    MAP_STR,     /* string, as is */
    MAP_BOOL,    /* only when true */
    MAP_INT,     /* number, only when not zero */
    MAP_BYTES,   /* decimal string -> number, only when not zero */
    MAP_STRINGS, /* list of strings, as is, only when not empty */
    MAP_PAIRS,   /* object of strings, as is, only when not empty */
};

/* One straight mapping: service.<key> -> target.<member>. */
struct map_row {
    const char *key;
    enum map_kind kind;
    const char *member;
};

/* Copy the rows' members from model object `from` to `to`. -1 SHIP_INVALID: malformed number. */
SHIP_CHECKED int map_rows(const struct map_row *rows, size_t n, const struct json *from,
                          struct json *to, struct ship_error *err);
/* Decimal text (or number) of the model as integer. */
SHIP_CHECKED int map_integer(const struct json *value, const char *what, int64_t *ret,
                             struct ship_error *err);
/* Go duration text as nanoseconds. */
SHIP_CHECKED int map_duration(const struct json *value, const char *what, int64_t *ret,
                              struct ship_error *err);

/* ---- by subject ---- */
SHIP_CHECKED int map_process(const struct map_ctx *m, struct ship_error *err);
SHIP_CHECKED int map_healthcheck(const struct map_ctx *m, struct ship_error *err);
SHIP_CHECKED int map_resources(const struct map_ctx *m, struct ship_error *err);
SHIP_CHECKED int map_devices(const struct map_ctx *m, struct ship_error *err);
SHIP_CHECKED int map_security(const struct map_ctx *m, struct ship_error *err);
SHIP_CHECKED int map_ports(const struct map_ctx *m, struct ship_error *err);
SHIP_CHECKED int map_mounts(const struct map_ctx *m, struct ship_error *err);
SHIP_CHECKED int map_volumes_from(const struct map_ctx *m, struct ship_error *err);
SHIP_CHECKED int map_endpoints(const struct map_ctx *m, struct ship_error *err);
SHIP_CHECKED int map_labels(const struct map_ctx *m, struct ship_error *err);

/* One entry of volumes[] that needs the Mounts form; appended to mounts. */
SHIP_CHECKED int map_mount_entry(const struct map_ctx *m, const struct json *volume,
                                 struct json *mounts, struct ship_error *err);
/* Mounts of file based secrets and configs, unless the target is taken. */
SHIP_CHECKED int map_secret_mounts(const struct map_ctx *m, struct json *mounts,
                                   struct ship_error *err);
/* Anonymous volumes of the container being replaced. */
void map_inherited_mounts(const struct map_ctx *m, struct json *mounts);
/* Is something of the service's own volumes or tmpfs mounted at target? */
bool map_target_taken(const struct json *service, const char *target);

/* ---- shared with the hash ---- */
const struct json *model_service(const struct compose_project *p, const char *service);
/* Entry of a top-level section ("networks", "secrets" ...); NULL if absent. */
const struct json *model_resource(const struct compose_project *p, const char *section,
                                  const char *key);
const char *model_real_name(const struct compose_project *p, const char *section, const char *key);
/* Members of obj ordered by the bytes of their names; heap array of json_size(obj), NULL if none.
 */
const struct json **model_sorted(const struct json *obj);
/* Network keys of a service, primary first; heap array of *ret_n, NULL if none. */
const char **model_networks(const struct json *service, size_t *ret_n);
/* What Compose names the image of a service without `image`; heap. */
char *model_built_image(const struct compose_project *p, const char *service);
/* A network_mode: names there are tied to containers when a link is made. NULL is none. */
bool is_default_bridge(const char *network_mode);
/* First peer of a service by container name; NULL if none. */
const struct compose_peer *peer_first(const struct compose_peer *peers, size_t n,
                                      const char *service);
/* "service:x" -> "container:<id>" where the peer is known, else a copy of mode. */
char *peer_resolve_mode(const struct compose_peer *peers, size_t n, const char *mode);
/* Where a secret or config lands: absolute path; heap. */
char *secret_target(const struct json *use, bool is_config);

#endif
