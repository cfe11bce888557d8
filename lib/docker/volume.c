/*
 * Volumes (contract: volume.h).
 */
#include "docker/volume.h"

#include "base/alloc.h"

int volume_inspect(struct docker_client *c, const char *name, struct json **ret,
                   int64_t deadline_ms, struct ship_error *err)
{
    AUTO_FREE char *path = docker_path("/volumes/", name, "");
    AUTO_FREE char *action = xasprintf("inspect volume '%s'", name);
    struct docker_call call = {
        .method = "GET", .path = path, .action = action, .deadline_ms = deadline_ms};

    if (docker_call_json(c, &call, ret, err) == 0)
        return 0;
    if (err->code != SHIP_NOT_FOUND)
        return -1;
    *err = (struct ship_error){0};
    *ret = NULL;
    return 0;
}

int volume_create(struct docker_client *c, const struct json *body, int64_t deadline_ms,
                  struct ship_error *err)
{
    AUTO_FREE char *action = xasprintf("create volume '%s'", json_str_or(body, "Name", ""));

    return docker_change(c, "POST", "/volumes/create", action, body, deadline_ms, err);
}
