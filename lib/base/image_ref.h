/*
 * Image references as users write them: `host[:port]/name[:tag][@digest]`, taken apart and
 * normalised. Pure text: what they point to is asked elsewhere.
 */
#ifndef SHIP_BASE_IMAGE_REF_H
#define SHIP_BASE_IMAGE_REF_H

#include <stdbool.h>

#include "shipctl/error.h"

#include "base/auto.h"

#define IMAGE_REF_MAX 1023
#define DOCKER_HUB    "docker.io"

struct image_ref {
    char registry[128];   /* "docker.io", "127.0.0.1:5000" */
    char path[256];       /* "library/nginx", "acme/app" */
    char repository[384]; /* familiar form as in RepoTags: "nginx", "127.0.0.1:5000/acme/app" */
    char tag[129];        /* "" = none given */
    char digest[72];      /* "sha256:<64 hex>" or "" */
};

/* SHIP_INVALID names the part that is wrong. */
SHIP_CHECKED int image_ref_parse(const char *text, struct image_ref *ret, struct ship_error *err);

bool image_tag_valid(const char *tag);

/* "sha256:" and 64 lower-case hex digits. */
bool image_digest_valid(const char *digest);

/*
 * Same repository, however Docker Hub is spelt: "nginx" = "docker.io/library/nginx". Tags and
 * digests do not count; what is no reference equals nothing.
 */
bool image_repository_same(const char *a, const char *b);

#endif
