/*
 * Changing containers (contract: container.h). Each call here is sent at most once and is not cut
 * short by a stop signal: its outcome must be seen, or known to be unknown.
 */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "docker/container.h"

/* NOLINTNEXTLINE(readability-function-size): the signature of the runtime table */
int container_create(struct docker_client *c, const char *name, const char *platform,
                     const struct json *body, char **ret_id, struct strv *ret_warnings,
                     int64_t deadline_ms, struct ship_error *err)
{
    AUTO(buf_done) struct buf path = BUF_INIT(DOCKER_PATH_MAX);
    AUTO_FREE char *action = xasprintf("create container '%s'", name);
    AUTO_PTR(json_free) struct json *doc = NULL;
    struct docker_call call = {
        .method = "POST", .action = action, .json = body, .deadline_ms = deadline_ms};

    (void)buf_adds(&path, "/containers/create");
    docker_query(&path, "name", name);
    if (!str_empty(platform))
        docker_query(&path, "platform", platform);
    call.path = path.p;
    if (docker_call_json(c, &call, &doc, err) != 0)
        return -1;
    const char *id = json_str(doc, "Id");
    if (str_empty(id))
        return ship_fail(err, SHIP_ENGINE, "cannot %s: the engine answered without an id", action);
    *ret_id = xstrdup(id);
    for (const struct json *w = json_first(json_get(doc, "Warnings")); w && ret_warnings;
         w = json_next(w))
        if (json_value_str(w))
            strv_add(ret_warnings, json_value_str(w));
    return 0;
}

/* POST /containers/{id}<suffix> without a body. */
static int post(struct docker_client *c, const char *id, const char *suffix, const char *verb,
                int64_t deadline_ms, struct ship_error *err)
{
    AUTO_FREE char *path = docker_path("/containers/", id, suffix);
    AUTO_FREE char *action = xasprintf("%s container '%s'", verb, id);

    return docker_change(c, "POST", path, action, NULL, deadline_ms, err);
}

int container_start(struct docker_client *c, const char *id, int64_t deadline_ms,
                    struct ship_error *err)
{
    return post(c, id, "/start", "start", deadline_ms, err);
}

int container_stop(struct docker_client *c, const char *id, int64_t grace_s, int64_t deadline_ms,
                   struct ship_error *err)
{
    char suffix[48] = "/stop";

    if (grace_s >= 0)
        (void)snprintf(suffix, sizeof suffix, "/stop?t=%lld", (long long)grace_s);
    return post(c, id, suffix, "stop", deadline_ms, err);
}

int container_rename(struct docker_client *c, const char *id, const char *name, int64_t deadline_ms,
                     struct ship_error *err)
{
    AUTO_FREE char *base = docker_path("/containers/", id, "/rename");
    AUTO_FREE char *action = xasprintf("rename container '%s' to '%s'", id, name);
    AUTO(buf_done) struct buf path = BUF_INIT(DOCKER_PATH_MAX);

    (void)buf_adds(&path, base);
    docker_query(&path, "name", name);
    return docker_change(c, "POST", path.p, action, NULL, deadline_ms, err);
}

int container_set_restart(struct docker_client *c, const char *id, const char *policy,
                          int64_t max_retry, int64_t deadline_ms, struct ship_error *err)
{
    AUTO_FREE char *path = docker_path("/containers/", id, "/update");
    AUTO_FREE char *action = xasprintf("set the restart policy of container '%s'", id);
    AUTO_PTR(json_free) struct json *body = json_object();
    struct json *restart = json_set_object(body, "RestartPolicy");

    json_set_str(restart, "Name", str_empty(policy) ? "no" : policy);
    json_set_i64(restart, "MaximumRetryCount", max_retry);
    return docker_change(c, "POST", path, action, body, deadline_ms, err);
}

int container_remove(struct docker_client *c, const char *id, bool force, int64_t deadline_ms,
                     struct ship_error *err)
{
    AUTO_FREE char *path = docker_path("/containers/", id, force ? "?force=1" : "");
    AUTO_FREE char *action = xasprintf("remove container '%s'", id);

    if (docker_change(c, "DELETE", path, action, NULL, deadline_ms, err) == 0)
        return 0;
    if (err->code != SHIP_NOT_FOUND)
        return -1;
    *err = (struct ship_error){0};
    return 0;
}

/* NOLINTNEXTLINE(readability-function-size): the signature of the runtime table */
int container_put_archive(struct docker_client *c, const char *id, const char *path,
                          const void *tar, size_t len, int64_t deadline_ms, struct ship_error *err)
{
    AUTO_FREE char *at = docker_path("/containers/", id, "/archive");
    AUTO_FREE char *action = xasprintf("copy files into container '%s'", id);
    AUTO(buf_done) struct buf url = BUF_INIT(DOCKER_PATH_MAX);
    struct docker_call call = {.method = "PUT",
                               .action = action,
                               .data = tar,
                               .len = len,
                               .content_type = "application/x-tar",
                               .deadline_ms = deadline_ms};

    (void)buf_adds(&url, at);
    docker_query(&url, "path", path);
    call.path = url.p;
    return docker_call(c, &call, NULL, err);
}

int container_wait(struct docker_client *c, const char *id, int64_t *ret_exit_code,
                   int64_t deadline_ms, struct ship_error *err)
{
    AUTO_FREE char *path = docker_path("/containers/", id, "/wait?condition=not-running");
    AUTO_FREE char *action = xasprintf("wait for the end of container '%s'", id);
    AUTO_PTR(json_free) struct json *doc = NULL;
    struct docker_call call = {.method = "POST",
                               .path = path,
                               .action = action,
                               .deadline_ms = deadline_ms,
                               .flags = DOCKER_INTERRUPTIBLE | DOCKER_REPEATABLE};

    if (docker_call_json(c, &call, &doc, err) != 0)
        return -1;
    if (!json_is_number(json_get(doc, "StatusCode")))
        return ship_fail(err, SHIP_ENGINE, "cannot %s: the engine answered without an exit code",
                         action);
    *ret_exit_code = json_i64(doc, "StatusCode", -1);
    return 0;
}
