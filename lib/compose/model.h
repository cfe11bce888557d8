/*
 * Inside lib/compose: the loaded project as the stages hand it on.
 *
 * load.c and its helpers fill it (file -> model); view.c derives the service
 * views; map_*.c, hash.c read `model` only, so they can be tested with a model
 * written by hand. `model` is the resolved project in compose-go's JSON form:
 * {"name", "services": {..}, "networks": {..}, "volumes": {..}, "secrets", "configs"}.
 * Types in it: sizes are decimal strings, durations Go strings ("1m30s"), ports and
 * volumes long form, environment an object of string|null (env_file already folded in).
 */
#ifndef SHIP_COMPOSE_MODEL_H
#define SHIP_COMPOSE_MODEL_H

#include "compose/compose.h"

/* Where a service and its image stood, from the last file that set them. */
struct compose_source {
    char *service;
    struct yaml_mark mark;       /* key of the service; mark.file is owned by `files` */
    struct yaml_mark image_mark; /* raw image scalar: offset..end_offset are what pin replaces */
    char *image_raw;             /* before interpolation; NULL = no image key */
};

struct compose_project {
    char *name;
    char *working_dir;
    struct strv config_files; /* absolute */
    struct strv environment;  /* k, v, k, v ...: project environment (OS, .env, overrides) */
    /*
     * Absolute path of the default .env that is (or would be) read; NULL when it has no say:
     * COMPOSE_ENV_FILES names other files, or COMPOSE_DISABLE_ENV_FILE is set. pin edits it.
     */
    char *env_file;
    struct strv os_names; /* variables of the OS environment: they win over .env, so no pin */
    char hash[SHA256_HEX_SIZE];
    struct json *model; /* owned */
    struct compose_source *sources;
    size_t n_sources;
    struct yaml_file **files; /* owned: keep marks and raw texts alive for pin */
    size_t n_files;
    /* view.c */
    struct compose_service *services; /* dependency order */
    size_t n_services;
    struct compose_resource *networks, *volumes;
    size_t n_networks, n_volumes;
};

/* Derive services, networks, volumes from model and sources (called at the end of compose_load). */
SHIP_CHECKED int compose_view_build(struct compose_project *p, struct ship_error *err);
void compose_view_done(struct compose_project *p);

/* Go duration text of the model ("1m30s") -> nanoseconds; size text -> bytes. -1 = malformed. */
SHIP_CHECKED int compose_duration_ns(const char *text, int64_t *ret);
SHIP_CHECKED int compose_size_bytes(const char *text, int64_t *ret);

#endif
