/*
 * Secrets and configs whose value is text (environment, content): a ustar archive to PUT
 * into the container before each start.
 *
 * Values never reach a log or the create body. A read-only container can not take them;
 * that is an error, as with Compose. Times are zero: same input, same archive.
 */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "compose/map.h"

#define TAR_BLOCK        512
#define SECRET_MODE      0444
#define SECRET_BYTES_MAX (500 * 1024)
#define ID_MAX           0x1fffff /* what seven octal digits hold */

/* ustar header (POSIX.1-1988): octal text fields. */
struct tar_header {
    char name[100];
    char mode[8], uid[8], gid[8];
    char size[12], mtime[12];
    char checksum[8];
    char type;
    char link[100];
    char magic[6], version[2];
    char user[32], group[32];
    char major[8], minor[8];
    char prefix[155];
    char pad[12];
};
_Static_assert(sizeof(struct tar_header) == TAR_BLOCK, "tar header is one block");

struct member {
    const char *path; /* without the leading slash */
    const char *data;
    int64_t mode, uid, gid;
};

/* Split a long path at a slash into prefix and name. */
static int set_name(struct tar_header *h, const char *path)
{
    size_t len = strlen(path);

    if (len <= sizeof h->name) {
        memcpy(h->name, path, len);
        return 0;
    }
    for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
        size_t head = (size_t)(slash - path), tail = len - head - 1;
        if (head <= sizeof h->prefix && tail > 0 && tail <= sizeof h->name) {
            memcpy(h->prefix, path, head);
            memcpy(h->name, slash + 1, tail);
            return 0;
        }
    }
    return -1;
}

/* Octal digits that fill width - 1 bytes, then NUL. */
static void set_octal(char *field, size_t width, uint64_t value)
{
    field[width - 1] = '\0';
    for (size_t i = width - 1; i > 0; i--, value >>= 3)
        field[i - 1] = (char)('0' + (value & 7));
}

static void set_checksum(struct tar_header *h)
{
    const unsigned char *bytes = (const unsigned char *)h;
    unsigned sum = 0;

    memset(h->checksum, ' ', sizeof h->checksum);
    for (size_t i = 0; i < sizeof(*h); i++)
        sum += bytes[i];
    set_octal(h->checksum, sizeof h->checksum - 1, sum);
}

static int add_member(struct buf *out, const struct member *m, struct ship_error *err)
{
    static const char zero[TAR_BLOCK];
    struct tar_header h = {
        .type = '0', .magic = "ustar", .version = {'0', '0'}
    };
    size_t len = strlen(m->data);

    if (set_name(&h, m->path) != 0)
        return ship_fail(err, SHIP_INVALID, "target '/%s' is too long for an archive", m->path);
    set_octal(h.mode, sizeof h.mode, (uint64_t)m->mode);
    set_octal(h.uid, sizeof h.uid, (uint64_t)m->uid);
    set_octal(h.gid, sizeof h.gid, (uint64_t)m->gid);
    set_octal(h.size, sizeof h.size, len);
    set_octal(h.mtime, sizeof h.mtime, 0);
    set_checksum(&h);
    buf_add(out, &h, sizeof h);
    buf_add(out, m->data, len);
    if (len % TAR_BLOCK)
        buf_add(out, zero, TAR_BLOCK - len % TAR_BLOCK);
    return 0;
}

static int parse_id(const struct json *use, const char *key, int64_t *ret, struct ship_error *err)
{
    const char *text = json_str(use, key);

    *ret = 0;
    if (str_empty(text))
        return 0;
    if (str_to_i64(text, ret) != 0 || *ret < 0 || *ret > ID_MAX)
        return ship_fail(err, SHIP_INVALID, "%s '%s' is not a number from 0 to %d", key, text,
                         ID_MAX);
    return 0;
}

/* Octal text of the model ("0440"), or a number. */
static int parse_mode(const struct json *use, int64_t *ret, struct ship_error *err)
{
    const char *text = json_str(use, "mode");
    char *end = NULL;

    *ret = json_i64(use, "mode", SECRET_MODE);
    if (!str_empty(text)) {
        *ret = strtol(text, &end, 8);
        if (*end)
            *ret = -1;
    }
    if (*ret < 0 || *ret > 07777)
        return ship_fail(err, SHIP_INVALID, "mode '%s' is not octal", text ? text : "");
    return 0;
}

static const char *project_variable(const struct compose_project *p, const char *name)
{
    for (size_t i = 0; i + 1 < p->environment.n; i += 2)
        if (str_eq(p->environment.v[i], name))
            return p->environment.v[i + 1];
    return NULL;
}

/* *ret NULL: a file based one, which is a mount. */
static int find_value(const struct compose_project *p, const struct json *def, const char **ret,
                      struct ship_error *err)
{
    const char *variable = json_str(def, "environment");

    *ret = json_str(def, "content");
    if (!variable)
        return 0;
    *ret = project_variable(p, variable);
    if (!*ret)
        return ship_fail(err, SHIP_INVALID, "environment variable '%s' is not set", variable);
    return 0;
}

static int add_use(const struct compose_project *p, const struct json *service, const char *section,
                   const struct json *use, struct buf *out, struct ship_error *err)
{
    const struct json *def = model_resource(p, section, json_str_or(use, "source", ""));
    AUTO_FREE char *target = secret_target(use, str_eq(section, "configs"));
    struct member m = {.path = target + 1};

    if (find_value(p, def, &m.data, err) != 0)
        return -1;
    if (!m.data || map_target_taken(service, target))
        return 0;
    if (json_bool(service, "read_only", false)) {
        ship_fail(err, SHIP_INVALID, "a read-only container can not take it");
        return ship_error_hint(err, "use 'file:' as its source");
    }
    if (strlen(m.data) > SECRET_BYTES_MAX)
        return ship_fail(err, SHIP_INVALID, "value is longer than %d bytes", SECRET_BYTES_MAX);
    if (parse_mode(use, &m.mode, err) != 0 || parse_id(use, "uid", &m.uid, err) != 0 ||
        parse_id(use, "gid", &m.gid, err) != 0)
        return -1;
    return add_member(out, &m, err);
}

int compose_secrets_tar(const struct compose_project *p, const char *service, struct buf *out_tar,
                        struct ship_error *err)
{
    static const char *const sections[] = {"secrets", "configs"};
    static const char end[2 * TAR_BLOCK];
    const struct json *def = model_service(p, service);
    size_t before = out_tar->len;

    for (size_t i = 0; i < ARRAY_LEN(sections); i++)
        for (const struct json *c = json_first(json_get(def, sections[i])); c; c = json_next(c))
            if (add_use(p, def, sections[i], c, out_tar, err) != 0)
                return ship_error_wrap(err, "service '%s': %s '%s'", service, sections[i],
                                       json_str_or(c, "source", ""));
    if (out_tar->len > before)
        buf_add(out_tar, end, sizeof end);
    if (out_tar->overflow)
        return ship_fail(err, SHIP_INVALID, "service '%s': secrets exceed %zu bytes", service,
                         out_tar->max);
    return 0;
}
