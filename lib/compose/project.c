/* Life cycle and plain accessors of a loaded project. */
#include <string.h>

#include "base/alloc.h"
#include "base/auto.h"
#include "compose/model.h"

void compose_free(struct compose_project *p)
{
    if (!p)
        return;
    compose_view_done(p);
    for (size_t i = 0; i < p->n_sources; i++) {
        free(p->sources[i].service);
        free(p->sources[i].image_raw);
    }
    free(p->sources);
    for (size_t i = 0; i < p->n_files; i++)
        yaml_free(p->files[i]);
    free(p->files);
    json_free(p->model);
    strv_done(&p->config_files);
    strv_done(&p->environment);
    strv_done(&p->os_names);
    free(p->env_file);
    free(p->working_dir);
    free(p->name);
    free(p);
}

const char *compose_name(const struct compose_project *p)
{
    return p->name;
}

const char *compose_working_dir(const struct compose_project *p)
{
    return p->working_dir;
}

const struct strv *compose_config_files(const struct compose_project *p)
{
    return &p->config_files;
}

const char *compose_hash(const struct compose_project *p)
{
    return p->hash;
}

/*
 * Inside, a bind says where create_host_path was set, for the hash of older releases; compose-go's
 * newest form has it only when false.
 */
static struct json *volumes_printed(const struct json *volumes)
{
    struct json *out = json_array();

    for (const struct json *c = json_first(volumes); c; c = json_next(c)) {
        struct json *volume = json_copy(c);
        if (json_bool(volume, "bind.create_host_path", false))
            json_remove(json_edit(volume, "bind"), "create_host_path");
        json_append(out, volume);
    }
    return out;
}

struct json *compose_model(const struct compose_project *p)
{
    struct json *model = json_copy(p->model);
    struct json *services = json_edit(model, "services");

    for (const struct json *c = json_first(json_get(p->model, "services")); c; c = json_next(c))
        if (json_get(c, "volumes"))
            json_set(json_edit(services, json_key(c)), "volumes",
                     volumes_printed(json_get(c, "volumes")));
    return model;
}
