/*
 * Networks (contract: network.h).
 */
#include "docker/network.h"

#include "base/alloc.h"

int network_inspect(struct docker_client *c, const char *name, struct json **ret,
                    int64_t deadline_ms, struct ship_error *err)
{
    AUTO_FREE char *path = docker_path("/networks/", name, "");
    AUTO_FREE char *action = xasprintf("inspect network '%s'", name);
    AUTO_PTR(json_free) struct json *doc = NULL;
    struct docker_call call = {
        .method = "GET", .path = path, .action = action, .deadline_ms = deadline_ms};

    if (docker_call_json(c, &call, &doc, err) != 0) {
        if (err->code != SHIP_NOT_FOUND)
            return -1;
        *err = (struct ship_error){0};
        *ret = NULL;
        return 0;
    }
    /* The engine also finds networks by id and by a prefix of it. */
    *ret = str_eq(json_str(doc, "Name"), name) ? steal_ptr(&doc) : NULL;
    return 0;
}

int network_create(struct docker_client *c, const struct json *body, int64_t deadline_ms,
                   struct ship_error *err)
{
    AUTO_FREE char *action = xasprintf("create network '%s'", json_str_or(body, "Name", ""));

    return docker_change(c, "POST", "/networks/create", action, body, deadline_ms, err);
}

int network_connect(struct docker_client *c, const char *network, const struct json *body,
                    int64_t deadline_ms, struct ship_error *err)
{
    AUTO_FREE char *path = docker_path("/networks/", network, "/connect");
    AUTO_FREE char *action = xasprintf("connect container '%s' to network '%s'",
                                       json_str_or(body, "Container", ""), network);

    return docker_change(c, "POST", path, action, body, deadline_ms, err);
}
