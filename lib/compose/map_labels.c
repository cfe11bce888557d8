/*
 * Labels of a container: the user's, Compose's, ours.
 *
 * Compose finds its containers by these labels only. The config hash is computed from
 * the model, so labels added here never enter it.
 */
#include "base/alloc.h"
#include "compose/map.h"

/* `svc:condition:restart` items by name; "" when there is none. */
static char *depends_on_text(const struct json *service)
{
    const struct json *depends = json_get(service, "depends_on");
    AUTO_FREE const struct json **sorted = model_sorted(depends);
    AUTO(buf_done) struct buf text = BUF_INIT(COMPOSE_FILE_BYTES_MAX);

    for (size_t i = 0; i < json_size(depends); i++)
        buf_addf(&text, "%s%s:%s:%s", i ? "," : "", json_key(sorted[i]),
                 json_str_or(sorted[i], "condition", "service_started"),
                 json_bool(sorted[i], "restart", false) ? "true" : "false");
    return buf_steal(&text);
}

static char *config_files_text(const struct compose_project *p)
{
    AUTO(buf_done) struct buf text = BUF_INIT(COMPOSE_FILE_BYTES_MAX);

    for (size_t i = 0; i < p->config_files.n; i++)
        buf_addf(&text, "%s%s", i ? "," : "", p->config_files.v[i]);
    return buf_steal(&text);
}

static void set_identity(const struct map_ctx *m, struct json *labels)
{
    AUTO_FREE char *depends = depends_on_text(m->service);
    AUTO_FREE char *files = config_files_text(m->p);

    json_set_str(labels, COMPOSE_LABEL "project", m->p->name);
    json_set_str(labels, COMPOSE_LABEL "service", m->name);
    json_set_str(labels, COMPOSE_LABEL "version", compose_family_version(m->create->family));
    json_set_str(labels, COMPOSE_LABEL "depends_on", depends);
    json_set_str(labels, COMPOSE_LABEL "project.working_dir", m->p->working_dir);
    json_set_str(labels, COMPOSE_LABEL "project.config_files", files);
    if (!str_empty(m->create->image_id))
        json_set_str(labels, COMPOSE_LABEL "image", m->create->image_id);
    if (!str_empty(m->create->replaces))
        json_set_str(labels, COMPOSE_LABEL "replace", m->create->replaces);
}

static void set_number(const struct map_ctx *m, struct json *labels)
{
    AUTO_FREE char *number = xasprintf("%d", m->create->number);

    if (m->create->one_off_slug) {
        json_set_str(labels, COMPOSE_LABEL "oneoff", "True");
        json_set_str(labels, COMPOSE_LABEL "slug", m->create->one_off_slug);
        return;
    }
    json_set_str(labels, COMPOSE_LABEL "oneoff", "False");
    json_set_str(labels, COMPOSE_LABEL "container-number", number);
}

int map_labels(const struct map_ctx *m, struct ship_error *err)
{
    const struct strv *extra = m->create->extra_labels;
    const struct json *user = json_get(m->service, "labels");
    struct json *labels = user ? json_copy(user) : json_object();
    const struct compose_hash_with with = {m->create->family, m->create->peers, m->create->n_peers};
    char hash[SHA256_HEX_SIZE];

    json_set(m->body, "Labels", labels);
    if (compose_config_hash(m->p, m->name, &with, hash, err) != 0)
        return -1;
    json_set_str(labels, COMPOSE_LABEL "config-hash", hash);
    set_identity(m, labels);
    set_number(m, labels);
    for (size_t i = 0; extra && i + 1 < extra->n; i += 2)
        json_set_str(labels, extra->v[i], extra->v[i + 1]);
    return 0;
}
