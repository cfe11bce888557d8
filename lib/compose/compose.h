/*
 * Compose files -> resolved project -> Engine API create bodies.
 *
 * Three stages, each testable without the next: load (files -> model tree),
 * view (model tree -> struct compose_service: what the deployer needs to know),
 * map (service -> body of POST /containers/create, networks, volumes, labels,
 * config hash). Nothing here talks to the engine. Rule book: the Compose
 * reference of the design pages; what Compose ignores silently is a warning
 * with position, what would change behaviour is an error with position.
 */
#ifndef SHIP_COMPOSE_COMPOSE_H
#define SHIP_COMPOSE_COMPOSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/auto.h"
#include "base/encode.h"
#include "base/json.h"
#include "base/redact.h"
#include "base/str.h"
#include "yaml/node.h"

#define COMPOSE_FILE_BYTES_MAX (4u * 1024 * 1024)
#define COMPOSE_SERVICES_MAX   1000

struct compose_project; /* opaque; owns everything the accessors return */

struct compose_options {
    const char *dir;          /* where discovery starts; absolute */
    const struct strv *files; /* `-f` list, relative to dir; NULL or empty = Compose's discovery */
    const char *project_name; /* `-p`; NULL = Compose's rule */
    const struct strv *profiles; /* NULL or empty = COMPOSE_PROFILES */
    const char *const *environ;  /* "K=V" vector of the OS environment, NULL-terminated; non-NULL */
    const struct strv *
        overrides; /* "K=V": win over OS environment and .env (the version variable); may be NULL */
    struct redact *redact; /* gets what is secret in files that do not load; may be NULL */
};

/*
 * Load, interpolate, merge, validate, normalise, apply profiles. Problems (warnings too, up to 20)
 * go to problems. NULL with SHIP_INVALID (any error in the files; first one in the message) or
 * SHIP_NOT_FOUND (no compose file found).
 */
struct compose_project *compose_load(const struct compose_options *options,
                                     struct yaml_problems *problems, struct ship_error *err);
void compose_free(struct compose_project *p);
AUTO_PTR_DEFINE(compose_free, struct compose_project)

const char *compose_name(const struct compose_project *p);
const char *compose_working_dir(const struct compose_project *p);         /* absolute */
const struct strv *compose_config_files(const struct compose_project *p); /* absolute, load order */
const char *
compose_hash(const struct compose_project *p); /* SHA-256 hex over all files read, load order */
/* The resolved model in compose-go's JSON form (golden vectors); caller frees. */
struct json *compose_model(const struct compose_project *p);

enum compose_condition { COMPOSE_STARTED, COMPOSE_HEALTHY, COMPOSE_COMPLETED };

struct compose_dependency {
    const char *service;
    enum compose_condition condition;
    bool required, restart;
};

/* What the deployer needs to know of a service; all pointers owned by the project. */
struct compose_service {
    const char *name;
    const char *image; /* resolved text; NULL when build only */
    bool has_build;
    char *built_image;          /* build only: what Compose names the image; owned */
    const char *container_name; /* NULL = <project>-<service>-N */
    const char *platform;       /* NULL = engine's */
    const char *pull_policy;    /* "missing" by default */
    int64_t replicas;           /* deploy.replicas / scale, default 1 */
    int64_t stop_grace_ms;      /* 10 000 by default */
    bool has_healthcheck;       /* declared in the file and not disabled */
    bool has_fixed_ports;       /* publishes at least one fixed host port */
    bool has_port_ranges;       /* the engine picks a host port out of a range */
    bool has_links;
    const struct compose_dependency *depends_on;
    size_t n_depends_on;
    const char *const *networks; /* keys, primary first */
    size_t n_networks;
    const char *network_mode; /* NULL unless set; "service:x" unresolved */
    /*
     * services whose container it names by id: network_mode, ipc, pid, volumes_from, and links on
     * the default bridge, where the engine ties a name to the container that has it at the time
     */
    const char **shares;
    size_t n_shares;
    const char *const *volumes; /* keys of named volumes used */
    size_t n_volumes;
    struct yaml_mark mark;       /* of the service's key */
    struct yaml_mark image_mark; /* of the raw image scalar in the file */
    const char *image_raw;       /* the scalar's text before interpolation; NULL when build only */
};

/* Active services in dependency order (dependencies first, then by name). */
size_t compose_services(const struct compose_project *p);
const struct compose_service *compose_service_at(const struct compose_project *p, size_t i);
const struct compose_service *compose_service_find(const struct compose_project *p,
                                                   const char *name);

/* What its containers are made from: `image`, or the name of what Compose builds. */
const char *compose_service_image(const struct compose_service *s);

/* Published ports of a service, for the port check. */
struct compose_port {
    const char *host_ip;   /* "" = all */
    const char *published; /* "8080", "9000-9010" or "" = ephemeral */
    const char *protocol;  /* tcp udp sctp */
    int target;
};
size_t compose_service_ports(const struct compose_project *p, const char *service,
                             struct compose_port *ret, size_t cap);

/* ---- versions: which variable or scalar carries the tag of a service's image ---- */
enum compose_version_kind {
    COMPOSE_VERSION_LITERAL,  /* image: repo:tag  (or no tag) */
    COMPOSE_VERSION_VARIABLE, /* image: repo:${VAR...} : the whole tag is one variable */
    COMPOSE_VERSION_COMPLEX,  /* anything else with variables in the tag: cannot be pinned */
};
struct compose_version {
    enum compose_version_kind kind;
    char repository[256]; /* resolved, without tag and digest */
    char tag[129];        /* resolved; "" = none */
    char digest[72];      /* "sha256:..." or "" */
    char variable[65];    /* COMPOSE_VERSION_VARIABLE: its name, else "" */
};
/* 0; -1 SHIP_INVALID when the service has no image or the reference is malformed. */
SHIP_CHECKED int compose_service_version(const struct compose_project *p, const char *service,
                                         struct compose_version *ret, struct ship_error *err);
/* Replace the image text of a service in the loaded project (a literal image's new tag). */
SHIP_CHECKED int compose_set_image(struct compose_project *p, const char *service,
                                   const char *image, struct ship_error *err);

/* ---- mapping ---- */
enum compose_family {
    COMPOSE_FAMILY_V2_24,
    COMPOSE_FAMILY_V2_29_3,
    COMPOSE_FAMILY_V2_30_2,
    COMPOSE_FAMILY_V5
};
/* Hash family of a com.docker.compose.version label; NULL or unknown gives V5. */
enum compose_family compose_family_of(const char *version_label);
const char *compose_family_version(enum compose_family f); /* version label we write for it */

/* Names of other containers the mapping needs: `network_mode: service:x`, volumes_from, links. */
struct compose_peer {
    const char *service;
    const char *container_id;
    const char *container_name;
    bool is_aside; /* created beside the one that still has this name */
};

struct compose_create {
    int api_minor;          /* negotiated API 1.<minor> */
    int number;             /* container number N, >= 1 */
    const char *final_name; /* name without temporary prefix; goes into aliases */
    const char *image_id;   /* for the com.docker.compose.image label */
    const char *replaces;   /* value of the replace label, or NULL */
    enum compose_family family;
    const struct json *old_inspect;   /* container being replaced: anonymous volumes; or NULL */
    const struct json *image_inspect; /* new image: Config.Volumes; or NULL */
    const struct compose_peer *peers; /* existing containers of other services */
    size_t n_peers;
    const struct strv *extra_labels; /* k, v, k, v ... of our own (io.shipctl.*); or NULL */
    const char *one_off_slug; /* non-NULL: one-off container (oneoff=True, slug label, no number, no
                                 ports, no restart) */
    const struct strv *command; /* one-off: replaces Cmd, or NULL */
};

/* Warn about what an engine of this API leaves out without a word. */
void compose_warn_old_engine(const struct compose_project *p, int api_minor,
                             struct yaml_problems *problems);
/* Body of POST /containers/create; caller frees. */
struct json *compose_create_body(const struct compose_project *p, const char *service,
                                 const struct compose_create *create, struct ship_error *err);
/*
 * API < 1.44: networks beyond the first, as [{"Network": real name, "Body": {...connect body}}];
 * an empty array otherwise. Container id is filled in by the caller. Caller frees.
 */
struct json *compose_connect_bodies(const struct compose_project *p, const char *service,
                                    const struct compose_create *create, struct ship_error *err);
/* What a service's hash depends on beside the model. */
struct compose_hash_with {
    enum compose_family family;
    const struct compose_peer *peers; /* containers of other services */
    size_t n_peers;
};
SHIP_CHECKED int compose_config_hash(const struct compose_project *p, const char *service,
                                     const struct compose_hash_with *with,
                                     char out[SHA256_HEX_SIZE], struct ship_error *err);
/* Container name for replica N; heap. */
char *compose_container_name(const struct compose_project *p, const char *service, int number);

/* Networks and volumes in use by active services, in name order. */
struct compose_resource {
    const char *key;
    const char *real_name;
    bool external;
};
size_t compose_networks(const struct compose_project *p);
const struct compose_resource *compose_network_at(const struct compose_project *p, size_t i);
struct json *compose_network_body(const struct compose_project *p, const char *key, int api_minor);
size_t compose_volumes(const struct compose_project *p);
const struct compose_resource *compose_volume_at(const struct compose_project *p, size_t i);
struct json *compose_volume_body(const struct compose_project *p, const char *key);

/* Secrets/configs from environment or content: tar archive to PUT into the container before start.
 */
/* Appends nothing when the service has none. */
SHIP_CHECKED int compose_secrets_tar(const struct compose_project *p, const char *service,
                                     struct buf *out_tar, struct ship_error *err);

/*
 * Add what is secret in the project: variables (OS, .env, env files, environment, build arguments,
 * labels) by their names, passwords in their values, contents of `secrets`. The names of project,
 * services and images are kept.
 */
void compose_add_secrets(const struct compose_project *p, struct redact *r);

/* ---- pin: write the version back so that `docker compose up` is a no-op ---- */
struct compose_pin {
    bool changes;   /* false: the file already reads as wanted */
    char *path;     /* file to replace (.env or a compose file) */
    char *what;     /* "APP_VERSION in .env", "image of service 'app' in docker-compose.yml" */
    char *old_text; /* whole file before; NULL = did not exist */
    char *new_text; /* whole file after: every other byte untouched */
    size_t new_len, old_len;
};
enum compose_pin_mode { COMPOSE_PIN_AUTO, COMPOSE_PIN_ENV, COMPOSE_PIN_FILE };
struct compose_pin_want {
    const char *service;
    const char *image; /* repository:tag or repository@digest */
    enum compose_pin_mode mode;
};
/*
 * Plan the edit that makes the service read the wanted image. earlier:
 * pins already planned in this run (two services may share one file), their new_text is the base.
 * -1 SHIP_INVALID when it cannot be expressed (hint says how); ret untouched.
 */
SHIP_CHECKED int compose_pin_plan(const struct compose_project *p,
                                  const struct compose_pin_want *want,
                                  const struct compose_pin *earlier, size_t n_earlier,
                                  struct compose_pin *ret, struct ship_error *err);
void compose_pin_done(struct compose_pin *pin);
/* Replace the file (atomic). */
SHIP_CHECKED int compose_pin_apply(const struct compose_pin *pin, struct ship_error *err);

#endif
