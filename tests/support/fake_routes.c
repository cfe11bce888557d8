/*
 * What the scripted engine answers: one row per Engine API call, over the model.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "support/fake_model.h"

#define BODY_MAX (32u * 1024 * 1024)

typedef void (*handler)(struct model *m, const struct model_request *req, const char *name,
                        struct model_reply *reply);

/* ---- answers ---- */

void model_reply_json(struct model_reply *reply, int status, struct json *doc)
{
    AUTO_FREE char *text = json_print(doc);

    json_free(doc);
    reply->status = status;
    (void)buf_addf(&reply->body, "%s\n", text);
}

void model_refuse(struct model_reply *reply, int status, const char *fmt, ...)
{
    AUTO(buf_done) struct buf text = BUF_INIT(4096);
    struct json *doc = json_object();
    va_list ap;

    va_start(ap, fmt);
    (void)buf_vaddf(&text, fmt, ap);
    va_end(ap);
    json_set_str(doc, "message", text.p);
    model_reply_json(reply, status, doc);
}

static int hex(char c)
{
    const char *digits = "0123456789ABCDEF";
    const char *at = c ? strchr(digits, c >= 'a' && c <= 'f' ? c - 'a' + 'A' : c) : NULL;

    return at ? (int)(at - digits) : -1;
}

static char *decode(const char *s, size_t len)
{
    AUTO(buf_done) struct buf out = BUF_INIT(BODY_MAX);

    for (size_t i = 0; i < len; i++) {
        if (s[i] == '%' && i + 2 < len && hex(s[i + 1]) >= 0 && hex(s[i + 2]) >= 0) {
            (void)buf_addc(&out, (char)(hex(s[i + 1]) * 16 + hex(s[i + 2])));
            i += 2;
        } else {
            (void)buf_addc(&out, s[i]);
        }
    }
    return xstrdup(out.p);
}

char *model_query(const struct model_request *req, const char *key)
{
    size_t key_len = strlen(key);

    for (const char *p = req->query; *p;) {
        size_t len = strcspn(p, "&");
        if (len > key_len && p[key_len] == '=' && memcmp(p, key, key_len) == 0)
            return decode(p + key_len + 1, len - key_len - 1);
        p += len + (p[len] == '&');
    }
    return NULL;
}

static struct json *body_of(const struct model_request *req)
{
    struct ship_error err = {0};
    struct json *doc = json_parse(req->body, strlen(req->body), "body", &err);

    return doc ? doc : json_object();
}

static struct model_container *need(struct model *m, const char *name, struct model_reply *reply)
{
    struct model_container *c = model_container(m, name);

    if (c == NULL)
        model_refuse(reply, 404, "No such container: %s", name);
    return c;
}

/* ---- engine ---- */

static void ping(struct model *m, const struct model_request *req, const char *name,
                 struct model_reply *reply)
{
    (void)m, (void)req, (void)name;
    reply->status = 200;
    reply->content_type = "text/plain";
    (void)buf_adds(&reply->body, "OK");
}

static void info(struct model *m, const struct model_request *req, const char *name,
                 struct model_reply *reply)
{
    struct json *doc = json_object();

    (void)m, (void)req, (void)name;
    json_set_str(doc, "ID", "FAKE:ENGINE");
    json_set_str(doc, "ServerVersion", "20.10.24-fake");
    json_set_str(doc, "OSType", "linux");
    json_set_str(doc, "Architecture", "x86_64");
    json_set_str(doc, "Driver", "overlay2");
    json_set_str(doc, "DockerRootDir", "/");
    json_set_i64(doc, "NCPU", 2);
    json_set_i64(doc, "MemTotal", 4294967296);
    json_set_bool(doc, "LiveRestoreEnabled", true);
    model_reply_json(reply, 200, doc);
}

static void events(struct model *m, const struct model_request *req, const char *name,
                   struct model_reply *reply)
{
    AUTO_FREE char *since = model_query(req, "since");
    double seconds = 0;

    (void)m, (void)name;
    reply->status = 200;
    reply->chunked = true;
    reply->stream = STREAM_EVENTS;
    reply->since_ms =
        since && str_to_double(since, &seconds) == 0 ? (int64_t)(seconds * 1000) : model_now_ms();
}

/* ---- containers: reading ---- */

/* filters={"label":["k=v","k"]} */
static bool matches(const struct model_container *c, const struct json *filters)
{
    const struct json *labels = json_get(c->body, "Labels");

    for (const struct json *f = json_first(json_get(filters, "label")); f; f = json_next(f)) {
        const char *want = json_value_str(f);
        const char *equals = strchr(want, '=');
        AUTO_FREE char *key = equals ? xstrndup(want, (size_t)(equals - want)) : xstrdup(want);
        const char *has = json_value_str(json_get(labels, key));
        if (has == NULL || (equals && !str_eq(has, equals + 1)))
            return false;
    }
    return true;
}

static void list(struct model *m, const struct model_request *req, const char *name,
                 struct model_reply *reply)
{
    AUTO_FREE char *text = model_query(req, "filters");
    AUTO_FREE char *all = model_query(req, "all");
    struct ship_error err = {0};
    AUTO_PTR(json_free)
    struct json *filters = text ? json_parse(text, strlen(text), "filters", &err) : NULL;
    struct json *rows = json_array();

    (void)name;
    for (size_t i = 0; i < m->n_containers; i++) {
        const struct model_container *c = m->containers[i];
        if ((all || str_eq(c->state, "running")) && matches(c, filters))
            json_append(rows, model_row(c));
    }
    model_reply_json(reply, 200, rows);
}

static void inspect(struct model *m, const struct model_request *req, const char *name,
                    struct model_reply *reply)
{
    const struct model_container *c = need(m, name, reply);

    (void)req;
    if (c)
        model_reply_json(reply, 200, model_inspect(m, c));
}

static void stats(struct model *m, const struct model_request *req, const char *name,
                  struct model_reply *reply)
{
    static const char text[] =
        "{\"cpu_stats\":{\"cpu_usage\":{\"total_usage\":1000000},\"system_cpu_usage\":"
        "2000000000,\"online_cpus\":2},\"precpu_stats\":{},\"memory_stats\":{\"usage\":"
        "5000000,\"limit\":4294967296,\"stats\":{\"inactive_file\":1000000}},\"pids_stats\":"
        "{\"current\":3}}";

    (void)req;
    if (need(m, name, reply)) {
        reply->status = 200;
        (void)buf_adds(&reply->body, text);
    }
}

static void logs(struct model *m, const struct model_request *req, const char *name,
                 struct model_reply *reply)
{
    const struct model_container *c = need(m, name, reply);
    AUTO_FREE char *follow = model_query(req, "follow");

    if (c == NULL)
        return;
    reply->status = 200;
    reply->chunked = true;
    reply->content_type = "application/octet-stream";
    (void)snprintf(reply->container, sizeof reply->container, "%s", c->id);
    if (follow)
        reply->stream = STREAM_LOGS;
    else
        (void)buf_add(&reply->body, c->log.p, c->log.len);
}

static void wait_exit(struct model *m, const struct model_request *req, const char *name,
                      struct model_reply *reply)
{
    (void)req;
    const struct model_container *c = need(m, name, reply);
    if (c == NULL)
        return;
    (void)snprintf(reply->container, sizeof reply->container, "%s", c->id);
    reply->status = 200;
    reply->chunked = true;
    reply->stream = STREAM_WAIT;
}

/* ---- containers: changing ---- */

static void create(struct model *m, const struct model_request *req, const char *name,
                   struct model_reply *reply)
{
    AUTO_FREE char *wanted = model_query(req, "name");
    AUTO_PTR(json_free) struct json *body = body_of(req);
    const char *ref = json_str_or(body, "Image", "");
    struct model_image *image = model_image(m, ref);

    (void)name;
    if (image == NULL) {
        model_refuse(reply, 404, "No such image: %s", ref);
        return;
    }
    const struct model_container *holder = wanted ? model_container(m, wanted) : NULL;
    if (holder && str_eq(holder->name, wanted)) {
        model_refuse(reply, 409,
                     "Conflict. The container name \"/%s\" is already in use by container \"%s\".",
                     wanted, holder->id);
        return;
    }
    struct model_container *c = xcalloc(1, sizeof *c);
    c->id = model_id(m, "container");
    c->name = wanted ? steal_ptr(&wanted) : xstrndup(c->id, 12);
    c->image = image;
    c->body = steal_ptr(&body);
    c->state = "created";
    c->created_ms = model_now_ms();
    buf_init(&c->log, BODY_MAX);
    if (m->n_containers == MODEL_MAX)
        abort();
    m->containers[m->n_containers++] = c;
    struct json *answer = json_object();
    json_set_str(answer, "Id", c->id);
    json_set_array(answer, "Warnings");
    model_reply_json(reply, 201, answer);
}

/* Host ports of a create body: "8080/tcp" -> [{"HostPort": "80"}]. Is one of a's also b's? */
static const char *shared_port(const struct model_container *a, const struct model_container *b)
{
    const struct json *ports = json_path(a->body, "HostConfig.PortBindings");
    const struct json *others = json_path(b->body, "HostConfig.PortBindings");

    for (const struct json *p = json_first(ports); p; p = json_next(p))
        for (const struct json *o = json_first(others); o; o = json_next(o)) {
            const char *mine = json_str(json_first(p), "HostPort");
            if (!str_empty(mine) && str_eq(mine, json_str(json_first(o), "HostPort")))
                return mine;
        }
    return NULL;
}

static const char *taken_port(const struct model *m, const struct model_container *c)
{
    for (size_t i = 0; i < m->n_containers; i++) {
        const struct model_container *other = m->containers[i];
        if (other == c || !str_eq(other->state, "running"))
            continue;
        const char *port = shared_port(c, other);
        if (port)
            return port;
    }
    return NULL;
}

/* The container whose namespace it joins, when that one does not run; else NULL. */
static const char *absent_host(struct model *m, const struct model_container *c)
{
    static const char *const modes[] = {"HostConfig.NetworkMode", "HostConfig.IpcMode",
                                        "HostConfig.PidMode"};

    for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
        const char *mode = json_str_or(c->body, modes[i], "");
        if (!str_starts(mode, "container:"))
            continue;
        const struct model_container *host = model_container(m, mode + strlen("container:"));
        if (!host || !str_eq(host->state, "running"))
            return mode;
    }
    return NULL;
}

static void start(struct model *m, const struct model_request *req, const char *name,
                  struct model_reply *reply)
{
    struct model_container *c = need(m, name, reply);

    (void)req;
    if (c == NULL)
        return;
    reply->status = str_eq(c->state, "running") ? 304 : 204;
    if (reply->status == 304)
        return;
    const char *port = taken_port(m, c), *host = absent_host(m, c);
    if (c->image->start_error)
        model_refuse(reply, 500, "%s", c->image->start_error);
    else if (host)
        model_refuse(reply, 409, "cannot join the namespace of a non running container: %s", host);
    else if (port)
        model_refuse(reply, 500,
                     "driver failed programming external connectivity on endpoint %s: Bind for "
                     "0.0.0.0:%s failed: port is already allocated",
                     c->name, port);
    else
        c->stopped_by_user = false;
    if (reply->status == 204)
        model_container_start(m, c);
}

static void stop(struct model *m, const struct model_request *req, const char *name,
                 struct model_reply *reply)
{
    struct model_container *c = need(m, name, reply);
    AUTO_FREE char *grace = model_query(req, "t");
    int64_t grace_s = 10;

    if (c == NULL)
        return;
    bool runs = str_eq(c->state, "running") || str_eq(c->state, "restarting");
    reply->status = runs ? 204 : 304;
    c->stopped_by_user = true;
    if (!runs)
        return;
    if (grace)
        (void)str_to_i64(grace, &grace_s);
    bool obeys = c->image->spec.stop_ms <= grace_s * 1000;
    reply->delay_ms = obeys ? c->image->spec.stop_ms : grace_s * 1000;
    c->stop_code = obeys ? 0 : 137;
    c->stop_at_ms = model_now_ms() + reply->delay_ms;
    model_tick(m, model_now_ms());
}

static void rename_container(struct model *m, const struct model_request *req, const char *name,
                             struct model_reply *reply)
{
    struct model_container *c = need(m, name, reply);
    AUTO_FREE char *wanted = model_query(req, "name");

    if (c == NULL)
        return;
    const struct model_container *holder = model_container(m, wanted ? wanted : "");
    if (str_empty(wanted) || str_eq(c->name, wanted)) {
        model_refuse(reply, 400, "Renaming a container with the same name as its current name");
    } else if (holder && str_eq(holder->name, wanted)) {
        model_refuse(reply, 409,
                     "Conflict. The container name \"/%s\" is already in use by container \"%s\".",
                     wanted, holder->id);
    } else {
        free(c->name);
        c->name = steal_ptr(&wanted);
        reply->status = 204;
    }
}

static void update(struct model *m, const struct model_request *req, const char *name,
                   struct model_reply *reply)
{
    struct model_container *c = need(m, name, reply);
    AUTO_PTR(json_free) struct json *body = body_of(req);
    struct json *policy = json_detach(body, "RestartPolicy");

    if (c == NULL) {
        json_free(policy);
        return;
    }
    struct json *host = json_edit(c->body, "HostConfig");
    if (policy)
        json_set(host ? host : json_set_object(c->body, "HostConfig"), "RestartPolicy", policy);
    reply->status = 200;
    (void)buf_adds(&reply->body, "{\"Warnings\":[]}");
}

static void remove_container(struct model *m, const struct model_request *req, const char *name,
                             struct model_reply *reply)
{
    struct model_container *c = need(m, name, reply);
    AUTO_FREE char *force = model_query(req, "force");

    if (c == NULL)
        return;
    if (str_eq(c->state, "running") && force == NULL) {
        model_refuse(reply, 409,
                     "You cannot remove a running container %s. Stop the container "
                     "before attempting removal or force remove",
                     c->id);
        return;
    }
    if (str_eq(c->state, "running")) {
        c->stopped_by_user = true;
        model_container_end(m, c, 137);
    }
    model_container_drop(m, c);
    reply->status = 204;
}

static void put_archive(struct model *m, const struct model_request *req, const char *name,
                        struct model_reply *reply)
{
    (void)req;
    if (need(m, name, reply))
        reply->status = 200;
}

/* ---- exec ---- */

static const struct model_exec *program(const struct model *m, const char *argv0)
{
    for (size_t i = 0; i < m->n_programs; i++)
        if (str_eq(m->programs[i]->id, argv0))
            return m->programs[i];
    return NULL;
}

static void exec_create(struct model *m, const struct model_request *req, const char *name,
                        struct model_reply *reply)
{
    const struct model_container *c = need(m, name, reply);
    AUTO_PTR(json_free) struct json *body = body_of(req);

    if (c == NULL)
        return;
    if (!str_eq(c->state, "running")) {
        model_refuse(reply, 409, "Container %s is not running", c->id);
        return;
    }
    const char *argv0 = json_value_str(json_first(json_get(body, "Cmd")));
    const struct model_exec *known = program(m, argv0);
    struct model_exec *x = xcalloc(1, sizeof *x);
    x->id = model_id(m, "exec");
    x->exit_code = known ? known->exit_code : 0;
    x->output = xstrdup(known ? known->output : "");
    if (m->n_execs == MODEL_MAX)
        abort();
    m->execs[m->n_execs++] = x;
    struct json *answer = json_object();
    json_set_str(answer, "Id", x->id);
    model_reply_json(reply, 201, answer);
}

static struct model_exec *need_exec(struct model *m, const char *id, struct model_reply *reply)
{
    for (size_t i = 0; i < m->n_execs; i++)
        if (str_eq(m->execs[i]->id, id))
            return m->execs[i];
    model_refuse(reply, 404, "No such exec instance: %s", id);
    return NULL;
}

static void exec_start(struct model *m, const struct model_request *req, const char *name,
                       struct model_reply *reply)
{
    struct model_exec *x = need_exec(m, name, reply);

    (void)req;
    if (x == NULL)
        return;
    struct model_container frames = {0};
    buf_init(&frames.log, BODY_MAX);
    model_log(&frames, x->output);
    (void)buf_add(&reply->body, frames.log.p, frames.log.len);
    buf_done(&frames.log);
    reply->status = 200;
    reply->content_type = "application/vnd.docker.raw-stream";
    reply->until_close = true;
}

static void exec_inspect(struct model *m, const struct model_request *req, const char *name,
                         struct model_reply *reply)
{
    const struct model_exec *x = need_exec(m, name, reply);

    (void)req;
    if (x == NULL)
        return;
    struct json *doc = json_object();
    json_set_str(doc, "ID", x->id);
    json_set_bool(doc, "Running", false);
    json_set_i64(doc, "ExitCode", x->exit_code);
    model_reply_json(reply, 200, doc);
}

/* ---- images ---- */

static struct model_image *in_registry(struct model *m, const char *repository, const char *what)
{
    for (size_t i = 0; i < m->n_images; i++) {
        struct model_image *image = m->images[i];
        if (str_eq(image->repository, repository) &&
            (str_eq(image->tag, what) || str_eq(image->digest, what)))
            return image;
    }
    return NULL;
}

static void copy_list(struct json *doc, const char *key, const struct strv *texts)
{
    struct json *array = json_set_array(doc, key);

    for (size_t i = 0; i < texts->n; i++)
        json_append_str(array, texts->v[i]);
}

static struct json *image_doc(const struct model_image *image)
{
    struct json *doc = json_object();

    json_set_str(doc, "Id", image->id);
    copy_list(doc, "RepoTags", &image->tags);
    copy_list(doc, "RepoDigests", &image->digests);
    json_set_i64(doc, "Size", 5000000);
    json_set_str(doc, "Os", "linux");
    json_set_str(doc, "Architecture", "amd64");
    return doc;
}

static void image_inspect_(struct model *m, const struct model_request *req, const char *name,
                           struct model_reply *reply)
{
    const struct model_image *image = model_image(m, name);

    (void)req;
    if (image == NULL) {
        model_refuse(reply, 404, "No such image: %s", name);
        return;
    }
    struct json *doc = image_doc(image);
    struct json *config = json_set_object(doc, "Config");
    if (image->spec.health)
        json_append_str(json_set_array(json_set_object(config, "Healthcheck"), "Test"), "CMD");
    json_set_str(doc, "Created", "2026-01-02T03:04:05Z");
    model_reply_json(reply, 200, doc);
}

static void image_rows(struct model *m, const struct model_request *req, const char *name,
                       struct model_reply *reply)
{
    struct json *rows = json_array();

    (void)req, (void)name;
    for (size_t i = 0; i < m->n_images; i++)
        if (m->images[i]->is_local)
            json_append(rows, image_doc(m->images[i]));
    model_reply_json(reply, 200, rows);
}

static void pull(struct model *m, const struct model_request *req, const char *name,
                 struct model_reply *reply)
{
    AUTO_FREE char *repository = model_query(req, "fromImage");
    AUTO_FREE char *what = model_query(req, "tag");
    struct model_image *image = in_registry(m, repository, what);

    (void)name;
    if (image == NULL) {
        model_refuse(reply, 404, "manifest for %s:%s not found: manifest unknown: manifest unknown",
                     repository, what ? what : "");
        return;
    }
    AUTO_FREE char *digest = xasprintf("%s@%s", repository, image->digest);
    AUTO_FREE char *tag = xasprintf("%s:%s", repository, what);
    image->is_local = true;
    if (!strv_has(&image->digests, digest))
        strv_add(&image->digests, digest);
    if (!str_starts(what, "sha256:") && !strv_has(&image->tags, tag))
        strv_add(&image->tags, tag);
    reply->status = 200;
    reply->chunked = true;
    (void)buf_addf(&reply->body,
                   "{\"status\":\"Pulling from x\",\"id\":\"%s\"}\r\n"
                   "{\"status\":\"Pulling fs layer\",\"progressDetail\":{},\"id\":\"aaa\"}\r\n"
                   "{\"status\":\"Downloading\",\"progressDetail\":{\"current\":500,\"total\":1000}"
                   ",\"id\":\"aaa\"}\r\n"
                   "{\"status\":\"Download complete\",\"progressDetail\":{},\"id\":\"aaa\"}\r\n"
                   "{\"status\":\"Pull complete\",\"progressDetail\":{},\"id\":\"aaa\"}\r\n"
                   "{\"status\":\"Digest: %s\"}\r\n",
                   what, image->digest);
}

static void distribution(struct model *m, const struct model_request *req, const char *name,
                         struct model_reply *reply)
{
    const char *at = strchr(name, '@');
    const char *cut = at ? at : strrchr(name, ':');
    AUTO_FREE char *repository = cut ? xstrndup(name, (size_t)(cut - name)) : xstrdup(name);
    char *colon =
        at ? strrchr(strrchr(repository, '/') ? strrchr(repository, '/') : repository, ':') : NULL;

    (void)req;
    if (colon)
        *colon = '\0';
    const struct model_image *image = in_registry(m, repository, cut ? cut + 1 : "latest");
    if (image == NULL) {
        model_refuse(reply, 404, "manifest unknown: manifest unknown");
        return;
    }
    struct json *doc = json_object();
    struct json *descriptor = json_set_object(doc, "Descriptor");
    json_set_str(descriptor, "digest", image->digest);
    json_set_i64(descriptor, "size", 1234);
    struct json *platform = json_append_object(json_set_array(doc, "Platforms"));
    json_set_str(platform, "os", "linux");
    json_set_str(platform, "architecture", "amd64");
    model_reply_json(reply, 200, doc);
}

static void tag_image(struct model *m, const struct model_request *req, const char *name,
                      struct model_reply *reply)
{
    struct model_image *image = model_image(m, name);
    AUTO_FREE char *repository = model_query(req, "repo");
    AUTO_FREE char *tag = model_query(req, "tag");
    AUTO_FREE char *ref = xasprintf("%s:%s", repository, tag ? tag : "latest");

    if (image == NULL) {
        model_refuse(reply, 404, "No such image: %s", name);
        return;
    }
    if (!strv_has(&image->tags, ref))
        strv_add(&image->tags, ref);
    reply->status = 201;
}

static bool drop_ref(struct strv *refs, const char *ref)
{
    for (size_t i = 0; i < refs->n; i++)
        if (str_eq(refs->v[i], ref)) {
            free(refs->v[i]);
            refs->v[i] = refs->v[--refs->n];
            refs->v[refs->n] = NULL;
            return true;
        }
    return false;
}

static bool in_use(const struct model *m, const struct model_image *image)
{
    for (size_t i = 0; i < m->n_containers; i++)
        if (m->containers[i]->image == image)
            return true;
    return false;
}

static void remove_image(struct model *m, const struct model_request *req, const char *name,
                         struct model_reply *reply)
{
    struct model_image *image = model_image(m, name);

    (void)req;
    if (image == NULL) {
        model_refuse(reply, 404, "No such image: %s", name);
        return;
    }
    bool last = image->tags.n + image->digests.n <= 1 || str_eq(image->id, name);
    if (last && in_use(m, image)) {
        model_refuse(reply, 409, "conflict: unable to delete %s - image is being used", name);
        return;
    }
    bool was_tag = drop_ref(&image->tags, name);
    if (!was_tag)
        (void)drop_ref(&image->digests, name);
    /* Untagging the last tag takes the digest references along, as the classic store does. */
    if (last || image->tags.n == 0) {
        strv_done(&image->tags);
        strv_done(&image->digests);
        image->is_local = in_use(m, image);
    }
    reply->status = 200;
    (void)buf_adds(&reply->body, "[]");
}

/* ---- networks and volumes ---- */

static const struct json *named(struct model_named *const *v, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq(v[i]->name, name))
            return v[i]->doc;
    return NULL;
}

static void add_named(struct model *m, struct model_named **v, size_t *n, struct json *body)
{
    if (*n == MODEL_MAX)
        abort();
    v[*n] = xcalloc(1, sizeof **v);
    v[*n]->name = xstrdup(json_str_or(body, "Name", ""));
    AUTO_FREE char *id = model_id(m, "named");
    json_set_str(body, "Id", id);
    v[(*n)++]->doc = body;
}

static void network_inspect_(struct model *m, const struct model_request *req, const char *name,
                             struct model_reply *reply)
{
    const struct json *doc = named(m->networks, m->n_networks, name);

    (void)req;
    if (doc)
        model_reply_json(reply, 200, json_copy(doc));
    else
        model_refuse(reply, 404, "network %s not found", name);
}

static void network_create_(struct model *m, const struct model_request *req, const char *name,
                            struct model_reply *reply)
{
    struct json *body = body_of(req);
    const char *wanted = json_str_or(body, "Name", "");

    (void)name;
    if (named(m->networks, m->n_networks, wanted)) {
        model_refuse(reply, 409, "network with name %s already exists", wanted);
        json_free(body);
        return;
    }
    add_named(m, m->networks, &m->n_networks, body);
    model_reply_json(reply, 201, json_copy(body));
}

static void network_connect_(struct model *m, const struct model_request *req, const char *name,
                             struct model_reply *reply)
{
    AUTO_PTR(json_free) struct json *body = body_of(req);
    struct model_container *c = need(m, json_str_or(body, "Container", ""), reply);

    if (c == NULL)
        return;
    struct json *config = json_edit(c->body, "NetworkingConfig");
    if (config == NULL)
        config = json_set_object(c->body, "NetworkingConfig");
    struct json *ends = json_edit(config, "EndpointsConfig");
    if (ends == NULL)
        ends = json_set_object(config, "EndpointsConfig");
    struct json *end = json_detach(body, "EndpointConfig");
    json_set(ends, name, end ? end : json_object());
    reply->status = 200;
}

static void volume_inspect_(struct model *m, const struct model_request *req, const char *name,
                            struct model_reply *reply)
{
    const struct json *doc = named(m->volumes, m->n_volumes, name);

    (void)req;
    if (doc)
        model_reply_json(reply, 200, json_copy(doc));
    else
        model_refuse(reply, 404, "get %s: no such volume", name);
}

static void volume_create_(struct model *m, const struct model_request *req, const char *name,
                           struct model_reply *reply)
{
    struct json *body = body_of(req);

    (void)name;
    if (named(m->volumes, m->n_volumes, json_str_or(body, "Name", "")) == NULL)
        add_named(m, m->volumes, &m->n_volumes, json_copy(body));
    model_reply_json(reply, 201, body);
}

/* ---- the table ---- */

/* One `*` stands for a name, which may hold slashes. First match wins. */
static const struct {
    const char *method, *pattern;
    handler run;
} routes[] = {
    {"GET",    "/_ping",                ping            },
    {"HEAD",   "/_ping",                ping            },
    {"GET",    "/info",                 info            },
    {"GET",    "/events",               events          },
    {"GET",    "/containers/json",      list            },
    {"POST",   "/containers/create",    create          },
    {"GET",    "/containers/*/json",    inspect         },
    {"GET",    "/containers/*/stats",   stats           },
    {"GET",    "/containers/*/logs",    logs            },
    {"POST",   "/containers/*/wait",    wait_exit       },
    {"POST",   "/containers/*/start",   start           },
    {"POST",   "/containers/*/stop",    stop            },
    {"POST",   "/containers/*/rename",  rename_container},
    {"POST",   "/containers/*/update",  update          },
    {"POST",   "/containers/*/exec",    exec_create     },
    {"PUT",    "/containers/*/archive", put_archive     },
    {"DELETE", "/containers/*",         remove_container},
    {"POST",   "/exec/*/start",         exec_start      },
    {"GET",    "/exec/*/json",          exec_inspect    },
    {"GET",    "/images/json",          image_rows      },
    {"POST",   "/images/create",        pull            },
    {"GET",    "/images/*/json",        image_inspect_  },
    {"POST",   "/images/*/tag",         tag_image       },
    {"DELETE", "/images/*",             remove_image    },
    {"GET",    "/distribution/*/json",  distribution    },
    {"POST",   "/networks/create",      network_create_ },
    {"POST",   "/networks/*/connect",   network_connect_},
    {"GET",    "/networks/*",           network_inspect_},
    {"POST",   "/volumes/create",       volume_create_  },
    {"GET",    "/volumes/*",            volume_inspect_ },
};

/* The name in path, heap ("" without a star), or NULL when the pattern does not fit. */
static char *fit(const char *pattern, const char *path)
{
    const char *star = strchr(pattern, '*');
    size_t len = strlen(path);

    if (star == NULL)
        return str_eq(pattern, path) ? xstrdup("") : NULL;
    size_t before = (size_t)(star - pattern), after = strlen(star + 1);
    if (len <= before + after || memcmp(pattern, path, before) != 0 || !str_ends(path, star + 1))
        return NULL;
    return decode(path + before, len - before - after);
}

void model_answer(struct model *m, const struct model_request *req, struct model_reply *reply)
{
    buf_init(&reply->body, BODY_MAX);
    reply->content_type = "application/json";
    for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
        if (!str_eq(routes[i].method, req->method))
            continue;
        AUTO_FREE char *name = fit(routes[i].pattern, req->path);
        if (name) {
            routes[i].run(m, req, name, reply);
            return;
        }
    }
    model_refuse(reply, 404, "page not found: %s %s", req->method, req->path);
}
