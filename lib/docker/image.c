/*
 * Local images (contract: image.h).
 */
#include "docker/image.h"

#include <string.h>

#include "base/alloc.h"
#include "base/image_ref.h"

const char *image_arch_word(const char *machine)
{
    static const struct {
        const char *machine, *word;
    } words[] = {
        {"x86_64",  "amd64"  },
        {"i686",    "386"    },
        {"aarch64", "arm64"  },
        {"armv7l",  "arm"    },
        {"armv6l",  "arm"    },
        {"ppc64le", "ppc64le"},
        {"s390x",   "s390x"  },
        {"riscv64", "riscv64"},
    };

    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (str_eq(words[i].machine, machine))
            return words[i].word;
    return machine;
}

/* ---- inspect ---- */

void image_done(struct image *i)
{
    free(i->id);
    strv_done(&i->tags);
    strv_done(&i->digests);
    free(i->os);
    free(i->arch);
    free(i->user);
    json_free(i->doc);
    *i = (struct image){0};
}

/* Old engines write "<none>:<none>" for what is not there. */
static void copy_refs(const struct json *list, struct strv *out)
{
    for (const struct json *e = json_first(list); e; e = json_next(e)) {
        const char *s = json_value_str(e);
        if (s && !str_starts(s, "<none>"))
            strv_add(out, s);
    }
}

static bool has_healthcheck(const struct json *doc)
{
    const char *first = json_value_str(json_first(json_path(doc, "Config.Healthcheck.Test")));

    return !str_empty(first) && !str_eq(first, "NONE");
}

int image_decode(struct json *doc, struct image *ret, struct ship_error *err)
{
    const char *id = json_str(doc, "Id");
    const char *created = json_str(doc, "Created");

    if (str_empty(id)) {
        json_free(doc);
        return ship_fail(err, SHIP_ENGINE, "the engine described an image without an id");
    }
    struct image i = {
        .id = xstrdup(id),
        .size_bytes = json_i64(doc, "Size", 0),
        .os = xstrdup(json_str_or(doc, "Os", "")),
        .arch = xstrdup(json_str_or(doc, "Architecture", "")),
        .has_healthcheck = has_healthcheck(doc),
        .user = xstrdup(json_str_or(doc, "Config.User", "")),
        .doc = doc,
    };
    if (created == NULL || str_to_time_ms(created, &i.created_at_ms) != 0)
        i.created_at_ms = 0;
    copy_refs(json_get(doc, "RepoTags"), &i.tags);
    copy_refs(json_get(doc, "RepoDigests"), &i.digests);
    *ret = i;
    return 0;
}

const char *image_digest_for(const struct image *i, const char *repository)
{
    for (size_t k = 0; k < i->digests.n; k++) {
        const char *at = strchr(i->digests.v[k], '@');
        if (at == NULL || !image_digest_valid(at + 1))
            continue;
        AUTO_FREE char *name = xstrndup(i->digests.v[k], (size_t)(at - i->digests.v[k]));
        if (image_repository_same(name, repository))
            return at + 1;
    }
    return NULL;
}

int image_inspect(struct docker_client *c, const char *ref, struct image *ret, int64_t deadline_ms,
                  struct ship_error *err)
{
    AUTO_FREE char *path = docker_path("/images/", ref, "/json");
    AUTO_FREE char *action = xasprintf("inspect image '%s'", ref);
    struct docker_call call = {
        .method = "GET", .path = path, .action = action, .deadline_ms = deadline_ms};
    struct json *doc;

    if (docker_call_json(c, &call, &doc, err) != 0)
        return -1;
    if (image_decode(doc, ret, err) != 0)
        return ship_error_wrap(err, "cannot %s", action);
    return 0;
}

/* ---- list ---- */

void image_list_done(struct image_list *l)
{
    for (size_t i = 0; i < l->n; i++) {
        free(l->rows[i].id);
        strv_done(&l->rows[i].tags);
        strv_done(&l->rows[i].digests);
    }
    free(l->rows);
    *l = (struct image_list){0};
}

void image_list_decode(const struct json *doc, struct image_list *ret)
{
    size_t cap = 0;

    *ret = (struct image_list){0};
    for (const struct json *e = json_first(doc); e; e = json_next(e)) {
        int64_t created_s = json_i64(e, "Created", 0);
        if (str_empty(json_str(e, "Id")))
            continue;
        ARRAY_GROW(ret->rows, ret->n, cap);
        struct image_row *row = &ret->rows[ret->n++];
        *row = (struct image_row){
            .id = xstrdup(json_str(e, "Id")),
            .size_bytes = json_i64(e, "Size", 0),
            .created_at_ms = created_s > 0 && created_s < INT64_MAX / 1000 ? created_s * 1000 : 0,
        };
        copy_refs(json_get(e, "RepoTags"), &row->tags);
        copy_refs(json_get(e, "RepoDigests"), &row->digests);
    }
}

int image_list(struct docker_client *c, struct image_list *ret, int64_t deadline_ms,
               struct ship_error *err)
{
    AUTO_PTR(json_free) struct json *doc = NULL;
    struct docker_call call = {.method = "GET",
                               .path = "/images/json",
                               .action = "list images",
                               .max_bytes = DOCKER_LIST_MAX,
                               .deadline_ms = deadline_ms};

    if (docker_call_json(c, &call, &doc, err) != 0)
        return -1;
    image_list_decode(doc, ret);
    return 0;
}

/* ---- change ---- */

int image_tag(struct docker_client *c, const char *id, const char *repository, const char *tag,
              int64_t deadline_ms, struct ship_error *err)
{
    AUTO_FREE char *base = docker_path("/images/", id, "/tag");
    AUTO_FREE char *action = xasprintf("tag image '%s' as '%s:%s'", id, repository, tag);
    AUTO(buf_done) struct buf path = BUF_INIT(DOCKER_PATH_MAX);

    (void)buf_adds(&path, base);
    docker_query(&path, "repo", repository);
    docker_query(&path, "tag", tag);
    return docker_change(c, "POST", path.p, action, NULL, deadline_ms, err);
}

int image_remove(struct docker_client *c, const char *ref, int64_t deadline_ms,
                 struct ship_error *err)
{
    AUTO_FREE char *path = docker_path("/images/", ref, "");
    AUTO_FREE char *action = xasprintf("remove image '%s'", ref);

    if (docker_change(c, "DELETE", path, action, NULL, deadline_ms, err) == 0)
        return 0;
    if (err->code != SHIP_NOT_FOUND)
        return -1;
    *err = (struct ship_error){0};
    return 0;
}
