/* Ids in recorded specifications: see spec_share.h. Nothing fails here: what cannot be found out
 * stays as it was recorded, and the engine refuses a container that is gone. */
#include "deploy/spec_share.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#define HASH_LABEL    "com.docker.compose.config-hash"
#define VERSION_LABEL "com.docker.compose.version"
#define PREFIX        "container:"

struct share {
    const struct operation *op;
    struct compose_peer *then; /* the peers with the recorded ids */
    struct strv ids;           /* owns these */
};

/* Whether `is` is a container of today. If so, `was` was that service's. */
static bool renews(struct share *s, const char *was, const char *is)
{
    for (size_t i = 0; i < s->op->n_peers; i++) {
        if (!str_eq(s->op->peers[i].container_id, is))
            continue;
        strv_add(&s->ids, was);
        s->then[i].container_id = s->ids.v[s->ids.n - 1];
        return true;
    }
    return false;
}

static void renew_modes(struct share *s, struct json *host, const struct json *today)
{
    static const char *const modes[] = {"NetworkMode", "IpcMode", "PidMode"};
    for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
        const char *was = json_str_or(host, modes[i], ""), *is = json_str_or(today, modes[i], "");
        if (str_starts(was, PREFIX) && str_starts(is, PREFIX) &&
            renews(s, was + strlen(PREFIX), is + strlen(PREFIX)))
            json_set_str(host, modes[i], is);
    }
}

/* Entry by entry: a name is a container's of another project, and stays. */
static void renew_volumes_from(struct share *s, struct json *host, const struct json *today)
{
    const struct json *was = json_get(host, "VolumesFrom"), *is = json_get(today, "VolumesFrom");
    if (json_size(was) == 0 || json_size(was) != json_size(is))
        return;
    struct json *list = json_array();
    was = json_first(was);
    for (is = json_first(is); was && is; was = json_next(was), is = json_next(is)) {
        const char *old = json_value_str(was), *new = json_value_str(is);
        json_append_str(list, old && new &&renews(s, old, new) ? new : old);
    }
    json_set(host, "VolumesFrom", list);
}

/* "container:alias" of today with the same alias, else the recorded one. */
static const char *link_of_today(const char *was, const struct json *today)
{
    const char *alias = was ? strrchr(was, ':') : NULL;
    for (const struct json *c = json_first(today); alias && c; c = json_next(c)) {
        const char *is = json_value_str(c), *other = is ? strrchr(is, ':') : NULL;
        if (other && str_eq(other, alias))
            return is;
    }
    return was;
}

/* On the default bridge a name is tied to whichever container has it when the link is made. */
static void renew_links(struct json *host, const struct json *today)
{
    const struct json *links = json_get(host, "Links");
    if (!str_eq(json_str(host, "NetworkMode"), json_str(today, "NetworkMode")) ||
        json_size(links) == 0)
        return;
    struct json *list = json_array();
    for (const struct json *c = json_first(links); c; c = json_next(c))
        json_append_str(list, link_of_today(json_value_str(c), json_get(today, "Links")));
    json_set(host, "Links", list);
}

static void renew_hash(const struct share *s, const char *service, struct json *labels)
{
    const struct operation *op = s->op;
    const char *recorded = json_value_str(json_get(labels, HASH_LABEL));
    const char *version = json_value_str(json_get(labels, VERSION_LABEL));
    struct compose_hash_with with = {compose_family_of(version), s->then, op->n_peers};
    struct ship_error ignored = {0};
    char hash[SHA256_HEX_SIZE];
    if (compose_config_hash(op->s->compose, service, &with, hash, &ignored) < 0 ||
        !str_eq(hash, recorded))
        return;
    with.peers = op->peers;
    if (compose_config_hash(op->s->compose, service, &with, hash, &ignored) == 0)
        json_set_str(labels, HASH_LABEL, hash);
}

/* The body that the file gives with the containers of today; NULL when it gives none. */
static struct json *body_of_today(const struct operation *op, const char *service)
{
    const struct compose_create create = {.api_minor = op->engine.api_minor,
                                          .number = 1,
                                          .family = op->family,
                                          .peers = op->peers,
                                          .n_peers = op->n_peers};
    struct ship_error ignored = {0};
    return compose_create_body(op->s->compose, service, &create, &ignored);
}

void spec_share_renew(const struct operation *op, const char *service, struct json *body)
{
    const struct compose_service *svc = compose_service_find(op->s->compose, service);
    struct json *host = json_edit(body, "HostConfig");
    if (!svc || svc->n_shares == 0 || !host)
        return;
    AUTO_PTR(json_free) struct json *today = body_of_today(op, service);
    struct share s = {op, xcalloc(op->n_peers + 1, sizeof *s.then), {0}};
    for (size_t i = 0; i < op->n_peers; i++)
        s.then[i] = op->peers[i];
    renew_modes(&s, host, json_get(today, "HostConfig"));
    renew_volumes_from(&s, host, json_get(today, "HostConfig"));
    renew_links(host, json_get(today, "HostConfig"));
    if (s.ids.n)
        renew_hash(&s, service, json_edit(body, "Labels"));
    strv_done(&s.ids);
    free(s.then);
}
