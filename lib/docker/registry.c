/*
 * Asking registries through the engine, and what their faults mean.
 *
 * dockerd turns registry answers into statuses of its own (401 comes as 500, 403 as 404, anything
 * after the first byte as 200), so the text is all there is to tell them apart. It decides the
 * exit code and the hint, never whether something succeeded.
 */
#include "docker/registry.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"

/* First match wins: denials mention "does not exist", network errors mention hosts. */
static const struct {
    const char *text; /* any case */
    enum ship_code code;
} meanings[] = {
    {"no space left on device",                 SHIP_IO         },
    {"no matching manifest for",                SHIP_INVALID    },
    {"does not match the specified platform",   SHIP_INVALID    },
    {"does not provide the specified platform", SHIP_INVALID    },
    {"cannot be used on this platform",         SHIP_INVALID    },
    {"no basic auth credentials",               SHIP_DENIED     },
    {"access denied",                           SHIP_DENIED     },
    {"access to the resource is denied",        SHIP_DENIED     },
    {"authentication required",                 SHIP_DENIED     },
    {"authorization failed",                    SHIP_DENIED     },
    {"incorrect username or password",          SHIP_DENIED     },
    {"unauthorized",                            SHIP_DENIED     },
    {"denied:",                                 SHIP_DENIED     },
    {"401 ",                                    SHIP_DENIED     },
    {"403 ",                                    SHIP_DENIED     },
    {"manifest unknown",                        SHIP_NOT_FOUND  },
    {"name unknown",                            SHIP_NOT_FOUND  },
    {"repository name not known",               SHIP_NOT_FOUND  },
    {"not found: manifest",                     SHIP_NOT_FOUND  },
    {": not found",                             SHIP_NOT_FOUND  },
    {"toomanyrequests",                         SHIP_UNREACHABLE},
    {"received unexpected http status",         SHIP_UNREACHABLE},
    {"connection refused",                      SHIP_UNREACHABLE},
    {"connection reset",                        SHIP_UNREACHABLE},
    {"no such host",                            SHIP_UNREACHABLE},
    {"server misbehaving",                      SHIP_UNREACHABLE},
    {"no route to host",                        SHIP_UNREACHABLE},
    {"network is unreachable",                  SHIP_UNREACHABLE},
    {"i/o timeout",                             SHIP_UNREACHABLE},
    {"tls handshake timeout",                   SHIP_UNREACHABLE},
    {"request canceled while waiting",          SHIP_UNREACHABLE},
    {"context deadline exceeded",               SHIP_UNREACHABLE},
    {"x509:",                                   SHIP_UNREACHABLE},
    {"gave http response to https client",      SHIP_UNREACHABLE},
    {"unexpected eof",                          SHIP_UNREACHABLE},
    {"download failed after attempts",          SHIP_UNREACHABLE},
    {": eof",                                   SHIP_UNREACHABLE},
};

enum ship_code image_classify_error(const char *text, enum ship_code fallback)
{
    for (size_t i = 0; i < ARRAY_LEN(meanings); i++)
        if (strcasestr(text, meanings[i].text))
            return meanings[i].code;
    return fallback;
}

static void add_hint(enum ship_code code, const struct image_ref *ref,
                     const struct registry_auth *auth, struct ship_error *err)
{
    if (code == SHIP_DENIED)
        ship_error_hint(err, "credentials used: %s; try: docker login %s", auth->source,
                        ref->registry);
    else if (code == SHIP_IO)
        ship_error_hint(err, "free space: shipctl prune, docker system df");
    else if (code == SHIP_NOT_FOUND)
        ship_error_hint(err, "was it pushed? credentials used: %s", auth->source);
    else if (code == SHIP_UNREACHABLE)
        ship_error_hint(err, "can the engine's host reach registry '%s'?", ref->registry);
}

int registry_fail(const char *action, const struct image_ref *ref, const struct registry_auth *auth,
                  int status, const char *text, struct ship_error *err)
{
    AUTO(buf_done) struct buf clean = BUF_INIT(DOCKER_MESSAGE_MAX + 16);
    struct buf raw = {.p = NULL};
    enum ship_code code = image_classify_error(text, status == 404 ? SHIP_NOT_FOUND : SHIP_ENGINE);

    buf_init(&raw, DOCKER_ERROR_MAX);
    (void)buf_adds(&raw, text);
    docker_message(&raw, &clean);
    buf_done(&raw);
    if (code == SHIP_IO)
        ship_fail(err, code, "cannot %s: no space left on the engine's data root", action);
    else
        ship_fail(err, code, "cannot %s: %s", action, clean.p);
    add_hint(code, ref, auth, err);
    return -1;
}

/* ---- resolve ---- */

void remote_image_done(struct remote_image *r)
{
    strv_done(&r->platforms);
    *r = (struct remote_image){0};
}

static void add_platform(const struct json *p, struct strv *out)
{
    const char *os = json_str_or(p, "os", "");
    const char *arch = json_str_or(p, "architecture", "");
    const char *variant = json_str_or(p, "variant", "");

    /* "unknown/unknown" are attestations of the builder. */
    if (os[0] && arch[0] && !str_eq(os, "unknown"))
        strv_take(out, xasprintf("%s/%s%s%s", os, arch, variant[0] ? "/" : "", variant));
}

int remote_image_decode(const struct json *doc, struct remote_image *ret, struct ship_error *err)
{
    const char *digest = json_str(doc, "Descriptor.digest");
    int64_t size = json_i64(doc, "Descriptor.size", 0);
    struct remote_image r = {.size_bytes = size > 0 ? (uint64_t)size : 0};

    if (digest == NULL || !image_digest_valid(digest))
        return ship_fail(err, SHIP_ENGINE, "the engine answered without a sha256 digest");
    (void)snprintf(r.digest, sizeof r.digest, "%s", digest);
    for (const struct json *p = json_first(json_get(doc, "Platforms")); p; p = json_next(p))
        add_platform(p, &r.platforms);
    *ret = r;
    return 0;
}

static int parse_remote(const char *action, const struct buf *body, struct remote_image *ret,
                        struct ship_error *err)
{
    AUTO_PTR(json_free)
    struct json *doc = json_parse(body->p, body->len, "the engine's answer", err);

    if (doc == NULL) {
        err->code = SHIP_ENGINE;
        return ship_error_wrap(err, "cannot %s", action);
    }
    if (remote_image_decode(doc, ret, err) != 0)
        return ship_error_wrap(err, "cannot %s", action);
    return 0;
}

int image_resolve(struct docker_client *c, const char *ref, struct remote_image *ret,
                  int64_t deadline_ms, struct ship_error *err)
{
    AUTO(docker_answer_done) struct docker_answer answer = {0};
    struct image_ref parts;
    struct registry_auth auth;

    if (image_ref_parse(ref, &parts, err) != 0 ||
        docker_auth_find(docker_client_auth(c), parts.registry, deadline_ms, &auth, err) != 0)
        return -1;
    AUTO_FREE char *path = docker_path("/distribution/", ref, "/json");
    AUTO_FREE char *action = xasprintf("resolve image '%s'", ref);
    struct docker_call call = {.method = "GET",
                               .path = path,
                               .action = action,
                               .registry_auth = auth.header,
                               .deadline_ms = deadline_ms,
                               .flags = DOCKER_INTERRUPTIBLE};
    if (docker_send(c, &call, &answer, err) != 0)
        return -1;
    if (answer.status == 200)
        return parse_remote(action, &answer.body, ret, err);
    return registry_fail(action, &parts, &auth, answer.status, answer.body.p, err);
}
