/*
 * Image references as users write them: [host[:port]/]name[:tag][@digest].
 *
 * Only taken apart and normalised here; what they point to is asked elsewhere.
 */
#ifndef SHIP_DOCKER_REF_H
#define SHIP_DOCKER_REF_H

#include <stdbool.h>

#include "shipctl/error.h"

#include "base/auto.h"

#define IMAGE_REF_MAX 512
#define DOCKER_HUB    "docker.io"

struct image_ref {
    char *repository; /* everything before tag and digest, as written */
    char *registry;   /* "docker.io" when the first part names no host */
    char *tag;        /* NULL when absent */
    char *digest;     /* "sha256:<64 hex>"; NULL when absent */
};

/* SHIP_INVALID on bad grammar. */
SHIP_CHECKED int image_ref_parse(const char *text, struct image_ref *ret, struct ship_error *err);
void image_ref_done(struct image_ref *r);

/* "sha256:" and 64 lower-case hex digits. */
bool image_digest_valid(const char *s);

/* Same repository, whatever way Docker Hub is spelt: "nginx" = "docker.io/library/nginx". */
bool image_repository_same(const char *a, const char *b);

#endif
