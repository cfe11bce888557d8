/*
 * A project to look at: plan, compose file and ledger in a scratch directory, a
 * session on a runtime without an engine.
 *
 *     struct project *p = project_new(PLAN, COMPOSE);     either may be NULL
 *     int64_t id = project_deploy(p, &(struct project_version){.version = "v1"});
 *     project_container(p, "app", "shop-app-1", "v1");
 *     ... ship_status(p->s, ...) ...
 *     project_free(p);
 */
#ifndef TESTS_SUPPORT_PROJECT_FIXTURE_H
#define TESTS_SUPPORT_PROJECT_FIXTURE_H

#include "deploy/session.h"
#include "support/fake_clock.h"
#include "support/fake_runtime.h"

#define PROJECT_REPOSITORY "registry.example.com/shop"
#define PROJECT_PLAN       "version: 1\napp: shop\nimage: " PROJECT_REPOSITORY "\n"
#define PROJECT_COMPOSE                                                                            \
    "name: shop\n"                                                                                 \
    "services:\n"                                                                                  \
    "  app:\n"                                                                                     \
    "    image: " PROJECT_REPOSITORY ":${APP_VERSION:-v1}\n"                                       \
    "    restart: always\n"                                                                        \
    "    ports: [\"8080:8080\"]\n"                                                                 \
    "  db:\n"                                                                                      \
    "    image: postgres:14\n"

/* What the fake runtime does not know of a container. */
struct project_container {
    struct fake_container *fake;
    char *image, *image_id, *labels;
    const char *policy; /* restart policy; "always" by default */
    int64_t started_at_ms;
};

struct project {
    struct fake_runtime fake; /* first member */
    struct runtime_ops base;  /* of the fake runtime, before ours took over */
    struct fake_clock clock;
    struct ship_options options;
    struct strv environ;
    char *dir;
    struct ship_session *s;
    struct ledger *l; /* open for writing */
    struct project_container containers[FAKE_MAX];
    struct image_row images[FAKE_MAX];
    size_t n_images;
    struct ship_error err;
};

struct project *project_new(const char *plan, const char *compose);
void project_free(struct project *p);
/* Replace a file of the project. */
void project_write(const struct project *p, const char *name, const char *text);

/* Zero members mean: app shop, production, service app, PROJECT_REPOSITORY, digest and id made of
 * the version. */
struct project_version {
    const char *app, *environment, *version, *digest, *image_id, *service, *repository, *spec;
    int64_t target_id, from_id;
    bool is_open; /* begun, not ended */
};
/* Succeeded, cleaned, current. Returns the number. */
int64_t project_deploy(struct project *p, const struct project_version *v);
/* Failed after its digest was known, rolled back. */
int64_t project_fail(struct project *p, const struct project_version *v);

/* A running container of a compose service as shipctl labels it. Zero service: no labels. */
struct project_container *project_container(struct project *p, const char *service,
                                            const char *name, const char *version);
/* "sha256:<64 hex digits>" made of a name; heap. */
char *project_digest(const char *name);
/*
 * An image of the engine: a tag as written, a digest of PROJECT_REPOSITORY by its name; either may
 * be NULL. Size 100 each.
 */
struct image_row *project_image(struct project *p, const char *id, const char *tag,
                                const char *digest_name);

#endif
