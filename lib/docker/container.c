/*
 * Reading containers (contract: container.h). Every field may be absent in some engine: absent
 * decodes to empty.
 */
#include "docker/container.h"

#include <string.h>

#include "base/alloc.h"

#define ID_PREFIX_MIN 12

/* ---- words of the engine ---- */

static const char *const state_words[] = {
    [CONTAINER_CREATED] = "created",   [CONTAINER_RUNNING] = "running",
    [CONTAINER_PAUSED] = "paused",     [CONTAINER_RESTARTING] = "restarting",
    [CONTAINER_REMOVING] = "removing", [CONTAINER_EXITED] = "exited",
    [CONTAINER_DEAD] = "dead",         [CONTAINER_UNKNOWN] = "unknown",
};
static const char *const health_words[] = {
    [HEALTH_NONE] = "none",
    [HEALTH_STARTING] = "starting",
    [HEALTH_HEALTHY] = "healthy",
    [HEALTH_UNHEALTHY] = "unhealthy",
};

const char *container_state_text(enum container_state s)
{
    return (size_t)s < ARRAY_LEN(state_words) ? state_words[s] : "unknown";
}

const char *container_health_text(enum container_health h)
{
    return (size_t)h < ARRAY_LEN(health_words) ? health_words[h] : "none";
}

static enum container_state state_of(const char *word)
{
    for (size_t i = 0; i < ARRAY_LEN(state_words); i++)
        if (str_eq(word, state_words[i]))
            return (enum container_state)i;
    return CONTAINER_UNKNOWN;
}

static enum container_health health_of(const char *word)
{
    for (size_t i = 0; i < ARRAY_LEN(health_words); i++)
        if (str_eq(word, health_words[i]))
            return (enum container_health)i;
    return HEALTH_NONE;
}

/* ---- inspect ---- */

void container_done(struct container *c)
{
    free(c->id);
    free(c->name);
    free(c->image_id);
    free(c->image);
    free(c->health_output);
    free(c->state_error);
    free(c->started_at);
    free(c->restart_policy);
    json_free(c->doc);
    *c = (struct container){0};
}

const char *container_label(const struct container *c, const char *label)
{
    return json_value_str(json_get(json_path(c->doc, "Config.Labels"), label));
}

const char *container_address(const struct container *c)
{
    const struct json *networks = json_path(c->doc, "NetworkSettings.Networks");

    for (const struct json *n = json_first(networks); n; n = json_next(n)) {
        const char *address = json_str(n, "IPAddress");
        if (!str_empty(address))
            return address;
    }
    return "";
}

static char *copy_str(const struct json *doc, const char *dotted)
{
    return xstrdup(json_str_or(doc, dotted, ""));
}

static int64_t time_of(const struct json *doc, const char *dotted)
{
    int64_t ms = 0;
    const char *text = json_str(doc, dotted);

    return text && str_to_time_ms(text, &ms) == 0 ? ms : 0;
}

static char *last_health_output(const struct json *doc)
{
    const char *text = NULL;

    for (const struct json *e = json_first(json_path(doc, "State.Health.Log")); e; e = json_next(e))
        text = json_str(e, "Output");
    if (text == NULL)
        return NULL;
    return xstrndup(text, strnlen(text, CONTAINER_HEALTH_OUTPUT_MAX));
}

static bool has_healthcheck(const struct json *doc)
{
    const char *first = json_value_str(json_first(json_path(doc, "Config.Healthcheck.Test")));

    return !str_empty(first) && !str_eq(first, "NONE");
}

static void decode_state(const struct json *doc, struct container *c)
{
    c->state = state_of(json_str(doc, "State.Status"));
    c->running = json_bool(doc, "State.Running", false);
    c->health = health_of(json_str(doc, "State.Health.Status"));
    c->health_output = last_health_output(doc);
    c->health_failing = json_i64(doc, "State.Health.FailingStreak", 0);
    c->exit_code = json_i64(doc, "State.ExitCode", 0);
    c->oom_killed = json_bool(doc, "State.OOMKilled", false);
    c->state_error = copy_str(doc, "State.Error");
    c->started_at = copy_str(doc, "State.StartedAt");
    c->started_at_ms = time_of(doc, "State.StartedAt");
    c->finished_at_ms = time_of(doc, "State.FinishedAt");
}

int container_decode(struct json *doc, struct container *ret, struct ship_error *err)
{
    const char *id = json_str(doc, "Id");
    const char *name = json_str_or(doc, "Name", "");

    if (str_empty(id)) {
        json_free(doc);
        return ship_fail(err, SHIP_ENGINE, "the engine described a container without an id");
    }
    struct container c = {
        .id = xstrdup(id),
        .name = xstrdup(name[0] == '/' ? name + 1 : name),
        .image_id = copy_str(doc, "Image"),
        .image = copy_str(doc, "Config.Image"),
        .restart_count = json_i64(doc, "RestartCount", 0),
        .created_at_ms = time_of(doc, "Created"),
        .restart_policy = copy_str(doc, "HostConfig.RestartPolicy.Name"),
        .restart_max = json_i64(doc, "HostConfig.RestartPolicy.MaximumRetryCount", 0),
        .has_healthcheck = has_healthcheck(doc),
        .doc = doc,
    };
    decode_state(doc, &c);
    if (str_eq(c.restart_policy, "no"))
        c.restart_policy[0] = '\0';
    *ret = c;
    return 0;
}

/* The engine also finds containers by a prefix of their id: a name must not match that way. */
static bool is_the_one(const struct container *c, const char *asked)
{
    return str_eq(c->name, asked) || (strlen(asked) >= ID_PREFIX_MIN && str_starts(c->id, asked));
}

/* Its environment may show up in what it prints and in what is said of it. */
static void learn_and_hide(struct redact *r, struct container *c)
{
    redact_add_json(r, json_path(c->doc, "Config.Env"));
    if (c->health_output)
        redact_field(r, c->health_output, strlen(c->health_output) + 1);
    redact_own(r, &c->state_error);
}

int container_inspect(struct docker_client *c, const char *id, struct container *ret,
                      int64_t deadline_ms, struct ship_error *err)
{
    AUTO_FREE char *path = docker_path("/containers/", id, "/json");
    AUTO_FREE char *action = xasprintf("inspect container '%s'", id);
    struct docker_call call = {
        .method = "GET", .path = path, .action = action, .deadline_ms = deadline_ms};
    AUTO(container_done) struct container found = {0};
    struct json *doc;

    if (docker_call_json(c, &call, &doc, err) != 0)
        return -1;
    if (container_decode(doc, &found, err) != 0)
        return ship_error_wrap(err, "cannot %s", action);
    if (!is_the_one(&found, id))
        return ship_fail(err, SHIP_NOT_FOUND, "cannot %s: no container of that name", action);
    learn_and_hide(docker_redact(c), &found);
    *ret = found;
    found = (struct container){0};
    return 0;
}

/* ---- list ---- */

static void row_done(struct container_row *r)
{
    free(r->id);
    free(r->name);
    free(r->image);
    free(r->image_id);
    free(r->status);
    json_free(r->labels);
    json_free(r->ports);
}

void container_list_done(struct container_list *l)
{
    for (size_t i = 0; i < l->n; i++)
        row_done(&l->rows[i]);
    free(l->rows);
    *l = (struct container_list){0};
}

const char *container_row_label(const struct container_row *r, const char *label)
{
    return json_value_str(json_get(r->labels, label));
}

/* Links add names like "/other/alias": the container's own has one slash. */
static const char *own_name(const struct json *names)
{
    for (const struct json *n = json_first(names); n; n = json_next(n)) {
        const char *name = json_value_str(n);
        if (name && name[0] == '/' && !strchr(name + 1, '/'))
            return name + 1;
    }
    return "";
}

static struct container_row decode_row(const struct json *e)
{
    int64_t created_s = json_i64(e, "Created", 0);

    return (struct container_row){
        .id = copy_str(e, "Id"),
        .name = xstrdup(own_name(json_get(e, "Names"))),
        .image = copy_str(e, "Image"),
        .image_id = copy_str(e, "ImageID"),
        .state = state_of(json_str(e, "State")),
        .status = copy_str(e, "Status"),
        .created_at_ms = created_s > 0 && created_s < INT64_MAX / 1000 ? created_s * 1000 : 0,
        .labels = json_is_object(json_get(e, "Labels")) ? json_copy(json_get(e, "Labels"))
                                                        : json_object(),
        .ports =
            json_is_array(json_get(e, "Ports")) ? json_copy(json_get(e, "Ports")) : json_array(),
    };
}

void container_list_decode(const struct json *doc, struct container_list *ret)
{
    size_t cap = 0;

    *ret = (struct container_list){0};
    for (const struct json *e = json_first(doc); e; e = json_next(e)) {
        if (str_empty(json_str(e, "Id")))
            continue;
        ARRAY_GROW(ret->rows, ret->n, cap);
        ret->rows[ret->n++] = decode_row(e);
    }
}

int container_list(struct docker_client *c, const struct strv *labels, bool all,
                   struct container_list *ret, int64_t deadline_ms, struct ship_error *err)
{
    AUTO(buf_done) struct buf path = BUF_INIT(DOCKER_PATH_MAX);
    AUTO_PTR(json_free) struct json *filters = json_object();
    AUTO_PTR(json_free) struct json *doc = NULL;

    (void)buf_adds(&path, all ? "/containers/json?all=1" : "/containers/json");
    if (labels && labels->n > 0) {
        struct json *list = json_set_array(filters, "label");
        for (size_t i = 0; i < labels->n; i++)
            json_append_str(list, labels->v[i]);
        AUTO_FREE char *text = json_print(filters);
        docker_query(&path, "filters", text);
    }
    if (path.overflow)
        return ship_fail(err, SHIP_INTERNAL, "too many label filters");
    struct docker_call call = {.method = "GET",
                               .path = path.p,
                               .action = "list containers",
                               .max_bytes = DOCKER_LIST_MAX,
                               .deadline_ms = deadline_ms};
    if (docker_call_json(c, &call, &doc, err) != 0)
        return -1;
    container_list_decode(doc, ret);
    return 0;
}
