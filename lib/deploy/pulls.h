/*
 * Pulls side by side: images that are not local, each once, with one line of progress for all.
 * Order: {0}, pulls_add for each image, pulls_run, pulls_done.
 */
#ifndef SHIP_DEPLOY_PULLS_H
#define SHIP_DEPLOY_PULLS_H

#include "deploy/operation.h"

struct pull {
    char *ref, *platform, *service; /* owned; platform NULL = the engine's; service: who asks */
    bool is_done;
    uint64_t done_bytes, total_bytes;
    char status[64];
    struct ship_error err;
};
struct pulls {
    struct pull *list;
    size_t n;
};

/* What is there already is not added again. */
void pulls_add(struct pulls *p, const char *service, const char *ref, const char *platform);
/* All of them, or -1 with the first failure in the order they were added: "image 'r' of service
 * 's': ...". */
SHIP_CHECKED int pulls_run(struct operation *op, struct pulls *p, struct ship_error *err);
void pulls_done(struct pulls *p);

#endif
