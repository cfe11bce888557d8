/*
 * Prune: remove images beyond the retention rule, driven by the ledger.
 * Never removes a running image, a rollback target, a pinned version, or an
 * image of another app or environment.
 */
#ifndef SHIPCTL_PRUNE_H
#define SHIPCTL_PRUNE_H

#include "shipctl/session.h"

struct ship_prune_request {
    int64_t keep; /* versions; 0 = the plan's */
    bool dry_run;
};
struct ship_prune_image {
    char *image; /* "registry/app:v1.0.0" */
    char *version, *image_id;
    int64_t size_bytes; /* -1 = unknown */
    bool removed;       /* or would be, in a dry run */
    char *why; /* "running", "rollback target 1 of 3", "pinned by '*-lts'", "used by app 'x'",
                  "beyond the last 3" */
};
struct ship_prune_report {
    char *app, *environment;
    struct ship_prune_image *images;
    size_t n_images;
    int64_t freed_bytes; /* sum of sizes removed; layers shared with kept images may make it less on
                            disk */
    int64_t keep;
    bool dry_run;
    char **warnings;
    size_t n_warnings;
};
/* 0 or the exit status of err. */
int ship_prune(struct ship_session *s, const struct ship_prune_request *request,
               struct ship_prune_report *ret, struct ship_error *err);
void ship_prune_done(struct ship_prune_report *r);
char *ship_prune_json(const struct ship_prune_report *r);

#endif
