/*
 * The runtime "docker": one dockerd over its UNIX socket (contract: runtime.h).
 *
 * Only a table of thin adapters: what a call does is in lib/docker. Changes copy the client's
 * knowledge of the outcome into rt->unknown, whatever way they end.
 */
#include "base/alloc.h"
#include "docker/container.h"
#include "docker/events.h"
#include "docker/exec.h"
#include "docker/image.h"
#include "docker/logs.h"
#include "docker/network.h"
#include "docker/volume.h"
#include "runtime/runtime.h"

struct local {
    struct runtime runtime; /* first: what callers hold */
    struct docker_client *client;
    char *host, *docker_config_dir; /* as given; may be NULL */
    struct docker_events *events;   /* NULL until the first wait_event */
};

static struct local *local_of(struct runtime *rt)
{
    return rt->impl;
}

/* The client for this call: with the clock, the secrets and the limit the runtime has now. */
static struct docker_client *client_of(struct runtime *rt)
{
    struct docker_client *client = local_of(rt)->client;

    docker_use_clock(client, rt->clock);
    docker_use_redact(client, rt->redact);
    docker_use_limit(client, rt->limit_ms);
    return client;
}

/* End of a change: rc goes through. */
static int settle(struct runtime *rt, int rc)
{
    rt->unknown = docker_unknown(client_of(rt));
    return rc;
}

/* ---- reads ---- */

static int local_probe(struct runtime *rt, struct engine_info *ret, int64_t deadline_ms,
                       struct ship_error *err)
{
    return docker_info(client_of(rt), ret, deadline_ms, err);
}

static int local_resolve(struct runtime *rt, const char *ref, struct remote_image *ret,
                         int64_t deadline_ms, struct ship_error *err)
{
    return image_resolve(client_of(rt), ref, ret, deadline_ms, err);
}

static int local_list(struct runtime *rt, const struct strv *labels, bool all,
                      struct container_list *ret, int64_t deadline_ms, struct ship_error *err)
{
    return container_list(client_of(rt), labels, all, ret, deadline_ms, err);
}

static int local_inspect(struct runtime *rt, const char *id_or_name, struct container *ret,
                         int64_t deadline_ms, struct ship_error *err)
{
    return container_inspect(client_of(rt), id_or_name, ret, deadline_ms, err);
}

static int local_stats(struct runtime *rt, const char *id, struct container_stats *ret,
                       int64_t deadline_ms, struct ship_error *err)
{
    return container_stats(client_of(rt), id, ret, deadline_ms, err);
}

/* NOLINTNEXTLINE(readability-function-size): the table's signature */
static int local_logs(struct runtime *rt, const char *id, const struct log_request *req,
                      log_sink sink, void *ctx, int64_t deadline_ms, struct ship_error *err)
{
    struct logs_query query = {.since = req->since,
                               .tail = req->tail,
                               .timestamps = req->timestamps,
                               .follow = req->follow};

    return container_logs(client_of(rt), id, &query, sink, ctx, deadline_ms, err);
}

static int local_image_inspect(struct runtime *rt, const char *ref, struct image *ret,
                               int64_t deadline_ms, struct ship_error *err)
{
    return image_inspect(client_of(rt), ref, ret, deadline_ms, err);
}

static int local_image_list(struct runtime *rt, struct image_list *ret, int64_t deadline_ms,
                            struct ship_error *err)
{
    return image_list(client_of(rt), ret, deadline_ms, err);
}

static int local_network_inspect(struct runtime *rt, const char *name, struct json **ret,
                                 int64_t deadline_ms, struct ship_error *err)
{
    return network_inspect(client_of(rt), name, ret, deadline_ms, err);
}

static int local_volume_inspect(struct runtime *rt, const char *name, struct json **ret,
                                int64_t deadline_ms, struct ship_error *err)
{
    return volume_inspect(client_of(rt), name, ret, deadline_ms, err);
}

static int local_wait_event(struct runtime *rt, const char *const *ids, size_t n,
                            struct engine_event *ret, int64_t deadline_ms, struct ship_error *err)
{
    struct local *l = local_of(rt);

    if (l->events == NULL)
        l->events = docker_events_new(l->client);
    docker_use_clock(l->client, rt->clock);
    return docker_events_wait(l->events, ids, n, ret, deadline_ms, err);
}

static int local_wait_exit(struct runtime *rt, const char *id, int64_t *ret_exit_code,
                           int64_t deadline_ms, struct ship_error *err)
{
    return container_wait(client_of(rt), id, ret_exit_code, deadline_ms, err);
}

/* ---- changes ---- */

struct pull_relay {
    pull_sink sink;
    void *ctx;
};

static void relay_progress(void *ctx, uint64_t done, uint64_t total, const char *status)
{
    const struct pull_relay *relay = ctx;
    struct pull_progress progress = {.done_bytes = done, .total_bytes = total, .status = status};

    relay->sink(relay->ctx, &progress);
}

/* NOLINTNEXTLINE(readability-function-size): the table's signature */
static int local_pull(struct runtime *rt, const char *ref, const char *platform, pull_sink sink,
                      void *ctx, int64_t idle_ms, int64_t deadline_ms, struct ship_error *err)
{
    struct pull_relay relay = {.sink = sink, .ctx = ctx};
    struct image_pull_spec spec = {
        .ref = ref,
        .platform = platform,
        .idle_ms = idle_ms,
        .deadline_ms = deadline_ms,
        .progress = sink ? relay_progress : NULL,
        .ctx = &relay,
    };

    rt->unknown = false; /* a pull that was cut leaves nothing behind that matters */
    return image_pull(client_of(rt), &spec, err);
}

static int local_image_tag(struct runtime *rt, const char *id, const char *repository,
                           const char *tag, int64_t deadline_ms, struct ship_error *err)
{
    return settle(rt, image_tag(client_of(rt), id, repository, tag, deadline_ms, err));
}

static int local_image_remove(struct runtime *rt, const char *ref, int64_t deadline_ms,
                              struct ship_error *err)
{
    return settle(rt, image_remove(client_of(rt), ref, deadline_ms, err));
}

/* NOLINTNEXTLINE(readability-function-size): the table's signature */
static int local_create(struct runtime *rt, const char *name, const char *platform,
                        const struct json *body, char **ret_id, struct strv *ret_warnings,
                        int64_t deadline_ms, struct ship_error *err)
{
    return settle(rt, container_create(client_of(rt), name, platform, body, ret_id, ret_warnings,
                                       deadline_ms, err));
}

static int local_start(struct runtime *rt, const char *id, int64_t deadline_ms,
                       struct ship_error *err)
{
    return settle(rt, container_start(client_of(rt), id, deadline_ms, err));
}

static int local_stop(struct runtime *rt, const char *id, int64_t grace_s, int64_t deadline_ms,
                      struct ship_error *err)
{
    return settle(rt, container_stop(client_of(rt), id, grace_s, deadline_ms, err));
}

static int local_rename(struct runtime *rt, const char *id, const char *name, int64_t deadline_ms,
                        struct ship_error *err)
{
    return settle(rt, container_rename(client_of(rt), id, name, deadline_ms, err));
}

static int local_set_restart(struct runtime *rt, const char *id, const char *policy,
                             int64_t max_retry, int64_t deadline_ms, struct ship_error *err)
{
    return settle(rt,
                  container_set_restart(client_of(rt), id, policy, max_retry, deadline_ms, err));
}

static int local_remove(struct runtime *rt, const char *id, bool force, int64_t deadline_ms,
                        struct ship_error *err)
{
    return settle(rt, container_remove(client_of(rt), id, force, deadline_ms, err));
}

static int local_exec(struct runtime *rt, const char *id, const struct exec_request *req,
                      struct exec_result *ret, int64_t deadline_ms, struct ship_error *err)
{
    struct exec_spec spec = {.argv = req->argv,
                             .envp = req->envp,
                             .user = req->user,
                             .redact = req->is_shown ? rt->redact : NULL};

    return settle(rt, container_exec(client_of(rt), id, &spec, ret, deadline_ms, err));
}

static int local_network_create(struct runtime *rt, const struct json *body, int64_t deadline_ms,
                                struct ship_error *err)
{
    return settle(rt, network_create(client_of(rt), body, deadline_ms, err));
}

static int local_network_connect(struct runtime *rt, const char *network, const struct json *body,
                                 int64_t deadline_ms, struct ship_error *err)
{
    return settle(rt, network_connect(client_of(rt), network, body, deadline_ms, err));
}

static int local_volume_create(struct runtime *rt, const struct json *body, int64_t deadline_ms,
                               struct ship_error *err)
{
    return settle(rt, volume_create(client_of(rt), body, deadline_ms, err));
}

/* NOLINTNEXTLINE(readability-function-size): the table's signature */
static int local_put_archive(struct runtime *rt, const char *id, const char *path, const void *tar,
                             size_t len, int64_t deadline_ms, struct ship_error *err)
{
    return settle(rt, container_put_archive(client_of(rt), id, path, tar, len, deadline_ms, err));
}

static int local_another(struct runtime *rt, struct runtime **ret, struct ship_error *err)
{
    const struct local *l = local_of(rt);

    *ret = runtime_open_docker(l->host, l->docker_config_dir, rt->clock, err);
    if (!*ret)
        return -1;
    (*ret)->redact = rt->redact;
    (*ret)->limit_ms = rt->limit_ms;
    return 0;
}

static void local_close(struct runtime *rt)
{
    struct local *l = local_of(rt);

    free(l->host);
    free(l->docker_config_dir);

    docker_events_free(l->events);
    docker_client_free(l->client);
    free(l);
}

static const struct runtime_ops local_ops = {
    .name = "docker",
    .probe = local_probe,
    .resolve = local_resolve,
    .list = local_list,
    .inspect = local_inspect,
    .stats = local_stats,
    .logs = local_logs,
    .image_inspect = local_image_inspect,
    .image_list = local_image_list,
    .network_inspect = local_network_inspect,
    .volume_inspect = local_volume_inspect,
    .wait_event = local_wait_event,
    .wait_exit = local_wait_exit,
    .pull = local_pull,
    .image_tag = local_image_tag,
    .image_remove = local_image_remove,
    .create = local_create,
    .start = local_start,
    .stop = local_stop,
    .rename = local_rename,
    .set_restart = local_set_restart,
    .remove = local_remove,
    .exec = local_exec,
    .network_create = local_network_create,
    .network_connect = local_network_connect,
    .volume_create = local_volume_create,
    .put_archive = local_put_archive,
    .another = local_another,
    .close = local_close,
};

struct runtime *runtime_open_docker(const char *host, const char *docker_config_dir,
                                    const struct clock *clock, struct ship_error *err)
{
    struct docker_client *client = docker_client_new(host, docker_config_dir, clock, err);

    if (client == NULL)
        return NULL;
    struct local *l = xcalloc(1, sizeof *l);
    l->client = client;
    l->host = xstrdup_or_null(host);
    l->docker_config_dir = xstrdup_or_null(docker_config_dir);
    l->runtime = (struct runtime){.ops = &local_ops, .clock = clock, .impl = l};
    return &l->runtime;
}
