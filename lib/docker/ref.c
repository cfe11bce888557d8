/*
 * Image references (contract: ref.h). Grammar: OCI distribution specification and the Docker
 * reference package; digests other than SHA-256 are refused.
 */
#include "docker/ref.h"

#include <string.h>

#include "base/alloc.h"
#include "base/str.h"

#define TAG_MAX 128

static const char name_bytes[] = "abcdefghijklmnopqrstuvwxyz0123456789._-";
static const char tag_bytes[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
static const char host_bytes[] =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:[]";

bool image_digest_valid(const char *s)
{
    static const char prefix[] = "sha256:";

    return str_starts(s, prefix) && strlen(s) == strlen(prefix) + 64 &&
           strspn(s + strlen(prefix), "0123456789abcdef") == 64;
}

static bool is_tag(const char *s)
{
    size_t len = strlen(s);

    return len > 0 && len <= TAG_MAX && strspn(s, tag_bytes) == len && !strchr(".-", s[0]);
}

/* Length of the registry part of a repository, without the slash; 0 = Docker Hub implied. */
static size_t host_length(const char *repository)
{
    const char *slash = strchr(repository, '/');
    size_t n = slash ? (size_t)(slash - repository) : 0;

    if (n == 0)
        return 0;
    bool names_host = memchr(repository, '.', n) || memchr(repository, ':', n) ||
                      (n == strlen("localhost") && memcmp(repository, "localhost", n) == 0);
    return names_host ? n : 0;
}

static bool is_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* Parts between slashes begin and end with a letter or digit. */
static bool is_path(const char *s)
{
    for (;;) {
        size_t len = strcspn(s, "/");
        if (len == 0 || strspn(s, name_bytes) < len || !is_alnum(s[0]) || !is_alnum(s[len - 1]))
            return false;
        if (s[len] == '\0')
            return true;
        s += len + 1;
    }
}

static bool is_repository(const char *s)
{
    size_t host = host_length(s);

    if (host && (strspn(s, host_bytes) < host || !(is_alnum(s[0]) || s[0] == '[')))
        return false;
    return is_path(host ? s + host + 1 : s);
}

void image_ref_done(struct image_ref *r)
{
    free(r->repository);
    free(r->registry);
    free(r->tag);
    free(r->digest);
    *r = (struct image_ref){0};
}

static char *registry_of(const char *repository)
{
    size_t host = host_length(repository);

    if (host == 0 ||
        (host == strlen("index.docker.io") && memcmp(repository, "index.docker.io", host) == 0))
        return xstrdup(DOCKER_HUB);
    return xstrndup(repository, host);
}

int image_ref_parse(const char *text, struct image_ref *ret, struct ship_error *err)
{
    AUTO(image_ref_done) struct image_ref r = {0};

    if (strlen(text) > IMAGE_REF_MAX)
        return ship_fail(err, SHIP_INVALID, "image reference is longer than %d bytes",
                         IMAGE_REF_MAX);
    r.repository = xstrdup(text);
    char *at = strchr(r.repository, '@');
    if (at) {
        *at = '\0';
        r.digest = xstrdup(at + 1);
    }
    char *slash = strrchr(r.repository, '/');
    char *colon = strrchr(slash ? slash : r.repository, ':');
    if (colon) {
        *colon = '\0';
        r.tag = xstrdup(colon + 1);
    }
    if (!is_repository(r.repository))
        return ship_fail(err, SHIP_INVALID, "'%s' is no image reference: bad repository name",
                         text);
    if (r.tag && !is_tag(r.tag))
        return ship_fail(err, SHIP_INVALID, "'%s' is no image reference: bad tag", text);
    if (r.digest && !image_digest_valid(r.digest))
        return ship_fail(err, SHIP_INVALID, "'%s' is no image reference: bad digest", text);
    r.registry = registry_of(r.repository);
    *ret = r;
    r = (struct image_ref){0};
    return 0;
}

/* Skip what Docker Hub's names may or may not carry. */
static const char *short_name(const char *repository)
{
    static const char *const implied[] = {"docker.io/", "index.docker.io/", "library/"};

    for (size_t i = 0; i < ARRAY_LEN(implied); i++)
        if (str_starts(repository, implied[i]))
            repository += strlen(implied[i]);
    return repository;
}

bool image_repository_same(const char *a, const char *b)
{
    return str_eq(short_name(a), short_name(b));
}
