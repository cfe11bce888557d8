/*
 * The com.docker.compose.config-hash of a service: SHA-256 over Go's JSON of the model.
 *
 * `service:x` is replaced by the container it stands for where the caller knows it; without
 * a peer the text stays, as `docker compose config --hash` prints it.
 */
#include "compose/hash.h"

#include <string.h>

#include "base/alloc.h"
#include "compose/gojson.h"
#include "compose/map.h"

#define PREIMAGE_BYTES_MAX (8u * 1024 * 1024)

static void resolve_modes(struct json *service, const struct compose_peer *peers, size_t n)
{
    static const char *const keys[] = {"network_mode", "ipc", "pid"};

    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        const char *mode = json_str(service, keys[i]);
        if (!mode)
            continue;
        AUTO_FREE char *resolved = peer_resolve_mode(peers, n, mode);
        json_set_str(service, keys[i], resolved);
    }
}

static void resolve_volumes_from(struct json *service, const struct compose_peer *peers, size_t n)
{
    const struct json *list = json_get(service, "volumes_from");

    if (n == 0 || json_size(list) == 0)
        return;
    struct json *out = json_array();
    for (const struct json *c = json_first(list); c; c = json_next(c)) {
        const char *text = json_value_str(c);
        if (!text)
            continue;
        bool is_container = str_starts(text, "container:");
        const char *start = is_container ? text + strlen("container:") : text;
        AUTO_FREE char *name = xstrndup(start, strcspn(start, ":"));
        const struct compose_peer *peer = is_container ? NULL : peer_first(peers, n, name);
        json_append_str(out, peer ? peer->container_id : is_container ? name : text);
    }
    json_set(service, "volumes_from", out);
}

int compose_hash_preimage(const struct compose_project *p, const char *service,
                          const struct compose_hash_with *with, struct buf *out,
                          struct ship_error *err)
{
    AUTO_PTR(json_free) struct json *copy = json_copy(model_service(p, service));

    if (!copy)
        return ship_fail(err, SHIP_INVALID, "no service '%s' in the compose files", service);
    resolve_modes(copy, with->peers, with->n_peers);
    resolve_volumes_from(copy, with->peers, with->n_peers);
    gojson_struct(out, copy, go_service, with->family);
    if (out->overflow)
        return ship_fail(err, SHIP_INVALID, "service '%s': definition is larger than %zu bytes",
                         service, out->max);
    return 0;
}

int compose_config_hash(const struct compose_project *p, const char *service,
                        const struct compose_hash_with *with, char out[SHA256_HEX_SIZE],
                        struct ship_error *err)
{
    AUTO(buf_done) struct buf text = BUF_INIT(PREIMAGE_BYTES_MAX);

    if (compose_hash_preimage(p, service, with, &text, err) != 0)
        return -1;
    sha256_hex(text.p, text.len, out);
    return 0;
}
