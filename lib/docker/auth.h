/*
 * Registry credentials of the user, as the docker command finds them: DOCKER_AUTH_CONFIG, then a
 * credential helper, then config.json. Read when first needed, kept for the life of the process,
 * wiped at the end, never written and never shown.
 */
#ifndef SHIP_DOCKER_AUTH_H
#define SHIP_DOCKER_AUTH_H

#include "base/auto.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/redact.h"

#define DOCKER_CONFIG_MAX   (1024u * 1024)
#define AUTH_HELPER_MS      10000
#define AUTH_HELPER_OUT_MAX (64u * 1024)
#define AUTH_HEADER_MAX     (8u * 1024)

/* What is known about one registry. All strings owned; wiped by registry_credential_done. */
struct registry_credential {
    char *username, *password;
    char *identity_token; /* OAuth2 refresh token */
    char *registry_token; /* ready bearer token */
    char *source; /* "file '/home/me/.docker/config.json'", "helper 'docker-credential-pass'",
                     "variable 'DOCKER_AUTH_CONFIG'"; NULL = nothing found: anonymous */
};
void registry_credential_done(struct registry_credential *c);

struct registry_auth {
    const char *header; /* X-Registry-Auth value; NULL = anonymous */
    const char *source; /* for messages; "none" when anonymous */
};

struct docker_auth;

/* config_dir: directory of config.json; NULL = always anonymous. clock borrowed. Reads nothing. */
struct docker_auth *docker_auth_new(const char *config_dir, const struct clock *clock);
/* What is found from now on is added; NULL: nothing is. */
void docker_auth_use_redact(struct docker_auth *a, struct redact *redact);
void docker_auth_free(struct docker_auth *a);
AUTO_PTR_DEFINE(docker_auth_free, struct docker_auth)

/*
 * Credentials for a registry (image_ref.registry: "docker.io", "host:port"). Borrowed result,
 * valid until docker_auth_free. Having none is no error. Codes: SHIP_INVALID (config.json,
 * DOCKER_AUTH_CONFIG or a helper's answer is broken), SHIP_DENIED (helper missing or failing),
 * SHIP_IO, SHIP_INTERRUPTED.
 */
SHIP_CHECKED int docker_auth_find(struct docker_auth *a, const char *registry, int64_t deadline_ms,
                                  struct registry_auth *ret, struct ship_error *err);

/* ---- parts, for tests ---- */

/* Key of a registry in the files: Docker Hub's is a URL, others are themselves. */
const char *registry_key(const char *registry);

/* Name of the helper that config assigns to the key ("pass"), or NULL. */
const char *docker_config_helper(const struct json *config, const char *key);

/* Look up auths[key]; absent leaves *ret empty (0). origin names the document. */
SHIP_CHECKED int docker_config_entry(const struct json *config, const char *key, const char *origin,
                                     struct registry_credential *ret, struct ship_error *err);

/* Decode what a helper printed. */
SHIP_CHECKED int docker_helper_answer(const char *out, size_t len, const char *helper,
                                      struct registry_credential *ret, struct ship_error *err);

#endif
