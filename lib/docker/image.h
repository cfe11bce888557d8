/*
 * Images over the Engine API: inspect, list, tag, remove, ask the registry, pull.
 */
#ifndef SHIP_DOCKER_IMAGE_H
#define SHIP_DOCKER_IMAGE_H

#include "docker/client.h"

/* "x86_64" -> "amd64": the word images use for what /info calls the machine. */
const char *image_arch_word(const char *machine);

/* GET /images/{ref}/json. SHIP_NOT_FOUND when the engine has no such image. */
SHIP_CHECKED int image_inspect(struct docker_client *c, const char *ref, struct image *ret,
                               int64_t deadline_ms, struct ship_error *err);
/* Decode; doc is taken, also on failure. */
SHIP_CHECKED int image_decode(struct json *doc, struct image *ret, struct ship_error *err);

/* GET /images/json */
SHIP_CHECKED int image_list(struct docker_client *c, struct image_list *ret, int64_t deadline_ms,
                            struct ship_error *err);
void image_list_decode(const struct json *doc, struct image_list *ret);

/* POST /images/{id}/tag */
SHIP_CHECKED int image_tag(struct docker_client *c, const char *id, const char *repository,
                           const char *tag, int64_t deadline_ms, struct ship_error *err);

/* DELETE /images/{ref}, never forced. Gone already = success; in use = SHIP_CONFLICT. */
SHIP_CHECKED int image_remove(struct docker_client *c, const char *ref, int64_t deadline_ms,
                              struct ship_error *err);

/*
 * GET /distribution/{ref}/json with the user's credentials. Interruptible. Codes as image_pull.
 */
SHIP_CHECKED int image_resolve(struct docker_client *c, const char *ref, struct remote_image *ret,
                               int64_t deadline_ms, struct ship_error *err);
SHIP_CHECKED int remote_image_decode(const struct json *doc, struct remote_image *ret,
                                     struct ship_error *err);

struct image_pull_spec {
    const char *ref;      /* name:tag or name@digest; no tag means "latest" */
    const char *platform; /* NULL = the engine's */
    int64_t idle_ms;      /* longest silence */
    int64_t deadline_ms;
    /* bytes over all layers known so far; done never decreases */
    void (*progress)(void *ctx, uint64_t done_bytes, uint64_t total_bytes, const char *status);
    void *ctx;
};

/*
 * POST /images/create. Success only when the stream is complete, holds no error, and the engine
 * then has the image. Interruptible. Codes: SHIP_NOT_FOUND (repository or tag), SHIP_DENIED (the
 * hint names the credentials used), SHIP_UNREACHABLE (registry or network), SHIP_IO (no space),
 * SHIP_INVALID (no image for this platform), SHIP_TIMEOUT, SHIP_INTERRUPTED, SHIP_ENGINE.
 */
SHIP_CHECKED int image_pull(struct docker_client *c, const struct image_pull_spec *spec,
                            struct ship_error *err);

/*
 * What the engine's text about a registry means. A hint only: the texts differ between engines.
 * fallback when nothing is recognised.
 */
enum ship_code image_classify_error(const char *text, enum ship_code fallback);

#endif
