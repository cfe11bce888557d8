/*
 * Image references: `host[:port]/name[:tag][@digest]` -> struct image_ref.
 *
 * Input is a text of the compose file, the command line or the engine. The grammar is the one of
 * the distribution project: the part before the first slash is a registry when it holds a dot or a
 * colon, or is "localhost". Each fault names the part that is wrong. A reference has a familiar
 * form (what `docker images` prints) and a full one (registry and path).
 */
#include "base/image_ref.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

#define OFFICIAL_PREFIX "library/"
#define TAG_MAX         128
#define DIGEST_PREFIX   "sha256:"

static bool is_lower_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_alnum(char c)
{
    return is_lower_alnum(c) || (c >= 'A' && c <= 'Z');
}

bool image_tag_valid(const char *tag)
{
    size_t len = strlen(tag);

    if (len == 0 || len > TAG_MAX || tag[0] == '.' || tag[0] == '-')
        return false;
    for (size_t i = 0; i < len; i++)
        if (!is_alnum(tag[i]) && tag[i] != '_' && tag[i] != '.' && tag[i] != '-')
            return false;
    return true;
}

bool image_digest_valid(const char *digest)
{
    size_t prefix = strlen(DIGEST_PREFIX);

    if (strncmp(digest, DIGEST_PREFIX, prefix) != 0 || strlen(digest) != prefix + 64)
        return false;
    for (const char *p = digest + prefix; *p; p++)
        if (!((*p >= '0' && *p <= '9') || (*p >= 'a' && *p <= 'f')))
            return false;
    return true;
}

/* Length of a separator at s: one dot, one or two underscores, or any number of dashes; else 0. */
static size_t separator_len(const char *s, size_t len)
{
    size_t n = 0;

    if (len > 0 && s[0] == '.')
        return 1;
    if (len > 0 && s[0] == '_')
        return len > 1 && s[1] == '_' ? 2 : 1;
    while (n < len && s[n] == '-')
        n++;
    return n;
}

/* alnum+ (separator alnum+)*, lower case */
static bool path_component_valid(const char *s, size_t len)
{
    size_t i = 0;

    while (i < len) {
        size_t start = i;
        while (i < len && is_lower_alnum(s[i]))
            i++;
        if (i == start)
            return false;
        if (i == len)
            return true;
        size_t sep = separator_len(s + i, len - i);
        if (sep == 0)
            return false;
        i += sep;
    }
    return false;
}

static bool path_valid(const char *path)
{
    for (const char *p = path;; p++) {
        size_t len = strcspn(p, "/");
        if (!path_component_valid(p, len))
            return false;
        p += len;
        if (*p == '\0')
            return true;
    }
}

static bool host_label_valid(const char *s, size_t len)
{
    if (len == 0 || !is_alnum(s[0]) || !is_alnum(s[len - 1]))
        return false;
    for (size_t i = 0; i < len; i++)
        if (!is_alnum(s[i]) && s[i] != '-')
            return false;
    return true;
}

static bool port_valid(const char *s)
{
    size_t len = strlen(s);

    return len > 0 && len <= 5 && strspn(s, "0123456789") == len;
}

static bool host_name_valid(const char *host, size_t len)
{
    if (len > 2 && host[0] == '[' && host[len - 1] == ']') {
        for (size_t i = 1; i < len - 1; i++)
            if (!isxdigit((unsigned char)host[i]) && host[i] != ':')
                return false;
        return true;
    }
    for (size_t i = 0;; i++) {
        size_t label = 0;
        while (i + label < len && host[i + label] != '.')
            label++;
        if (!host_label_valid(host + i, label))
            return false;
        i += label;
        if (i == len)
            return true;
    }
}

static bool registry_valid(const char *registry)
{
    const char *after = strrchr(registry, ']');
    const char *colon = strchr(after ? after : registry, ':');
    size_t host_len = colon ? (size_t)(colon - registry) : strlen(registry);

    return host_name_valid(registry, host_len) && (!colon || port_valid(colon + 1));
}

static bool looks_like_registry(const char *s, size_t len)
{
    if (len == strlen("localhost") && strncmp(s, "localhost", len) == 0)
        return true;
    for (size_t i = 0; i < len; i++)
        if (s[i] == '.' || s[i] == ':' || s[i] == '[' || (s[i] >= 'A' && s[i] <= 'Z'))
            return true;
    return false;
}

static int copy_part(char *out, size_t size, const char *s, size_t len)
{
    if (len >= size)
        return -1;
    memcpy(out, s, len);
    out[len] = '\0';
    return 0;
}

/* Path and familiar form: Docker Hub's own images are in "library/", which nobody writes. */
static int set_names(const char *text, const char *registry, const char *path, struct image_ref *r,
                     struct ship_error *err)
{
    bool hub = str_eq(registry, DOCKER_HUB);
    const char *prefix = hub && !strchr(path, '/') ? OFFICIAL_PREFIX : "";

    if (strlen(prefix) + strlen(path) >= sizeof r->path)
        return ship_fail(err, SHIP_INVALID, "image '%s': repository name is longer than %zu bytes",
                         text, sizeof r->path - 1);
    (void)snprintf(r->path, sizeof r->path, "%s%s", prefix, path);
    if (!hub) {
        (void)snprintf(r->repository, sizeof r->repository, "%s/%s", r->registry, r->path);
        return 0;
    }
    (void)snprintf(r->registry, sizeof r->registry, "%s", DOCKER_HUB);
    if (str_starts(path, OFFICIAL_PREFIX) && !strchr(path + strlen(OFFICIAL_PREFIX), '/'))
        path += strlen(OFFICIAL_PREFIX);
    (void)snprintf(r->repository, sizeof r->repository, "%.255s", path);
    return 0;
}

/* Registry and path of a name without tag and digest. */
static int parse_name(const char *text, const char *name, struct image_ref *r,
                      struct ship_error *err)
{
    const char *slash = strchr(name, '/');
    size_t host_len = slash ? (size_t)(slash - name) : 0;
    const char *path = name;
    const char *registry = DOCKER_HUB;

    if (slash && looks_like_registry(name, host_len)) {
        if (copy_part(r->registry, sizeof r->registry, name, host_len) != 0 ||
            !registry_valid(r->registry))
            return ship_fail(err, SHIP_INVALID, "image '%s': bad registry '%.*s'", text,
                             (int)host_len, name);
        registry = r->registry;
        path = slash + 1;
    }
    if (str_eq(registry, "index.docker.io"))
        registry = DOCKER_HUB;
    if (!path_valid(path))
        return ship_fail(err, SHIP_INVALID,
                         "image '%s': bad repository name '%s' (lower case letters, digits and "
                         "single separators)",
                         text, path);
    return set_names(text, registry, path, r, err);
}

int image_ref_parse(const char *text, struct image_ref *ret, struct ship_error *err)
{
    struct image_ref r = {.tag = ""};
    char name[IMAGE_REF_MAX + 1];

    if (str_empty(text))
        return ship_fail(err, SHIP_INVALID, "image reference is empty");
    if (copy_part(name, sizeof name, text, strlen(text)) != 0)
        return ship_fail(err, SHIP_INVALID, "image reference is longer than %d bytes",
                         IMAGE_REF_MAX);
    char *at = strchr(name, '@');
    if (at) {
        *at = '\0';
        if (!image_digest_valid(at + 1))
            return ship_fail(err, SHIP_INVALID,
                             "image '%s': bad digest '%s' (want sha256: and 64 hex digits)", text,
                             at + 1);
        (void)snprintf(r.digest, sizeof r.digest, "%.71s", at + 1);
    }
    char *slash = strrchr(name, '/');
    char *colon = strchr(slash ? slash : name, ':');
    if (colon) {
        *colon = '\0';
        if (!image_tag_valid(colon + 1))
            return ship_fail(err, SHIP_INVALID, "image '%s': bad tag '%s'", text, colon + 1);
        (void)snprintf(r.tag, sizeof r.tag, "%.128s", colon + 1);
    }
    if (parse_name(text, name, &r, err) != 0)
        return -1;
    *ret = r;
    return 0;
}

bool image_repository_same(const char *a, const char *b)
{
    struct image_ref x, y;
    struct ship_error ignored = {0};

    return image_ref_parse(a, &x, &ignored) == 0 && image_ref_parse(b, &y, &ignored) == 0 &&
           str_eq(x.registry, y.registry) && str_eq(x.path, y.path);
}
