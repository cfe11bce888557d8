/* Projects for the mapping tests; any fault ends the test program. */
#include "support/compose_model.h"

/* cmocka.h needs the four before it */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"

static _Noreturn void die(const char *what, const char *why)
{
    (void)fprintf(stderr, "compose_model: %s: %s\n", what, why);
    abort();
}

struct compose_project *model_project_of(const struct json *model, const char *dir)
{
    struct compose_project *p = xcalloc(1, sizeof(*p));
    struct ship_error err = {0};
    AUTO_FREE char *file = xasprintf("%s/docker-compose.yml", dir);

    p->name = xstrdup(json_str_or(model, "name", "app"));
    p->working_dir = xstrdup(dir);
    strv_add(&p->config_files, file);
    p->model = json_copy(model);
    if (compose_view_build(p, &err) != 0)
        die("view", err.msg);
    return p;
}

struct compose_project *model_project(const char *json)
{
    struct ship_error err = {0};
    AUTO_PTR(json_free) struct json *model = json_parse(json, strlen(json), "model", &err);

    if (!model)
        die(err.msg, json);
    return model_project_of(model, "/srv/app");
}

void model_project_free(struct compose_project *p)
{
    if (!p)
        return;
    compose_view_done(p);
    for (size_t i = 0; i < p->n_sources; i++) {
        free(p->sources[i].service);
        free(p->sources[i].image_raw);
    }
    for (size_t i = 0; i < p->n_files; i++)
        yaml_free(p->files[i]);
    free(p->sources);
    free(p->files);
    strv_done(&p->config_files);
    strv_done(&p->environment);
    strv_done(&p->os_names);
    json_free(p->model);
    free(p->env_file);
    free(p->working_dir);
    free(p->name);
    free(p);
}

void model_set_variable(struct compose_project *p, const char *name, const char *value)
{
    strv_add(&p->environment, name);
    strv_add(&p->environment, value);
}

void model_add_source(struct compose_project *p, const char *service, const char *raw,
                      const struct yaml_mark *mark)
{
    p->sources = xreallocarray(p->sources, p->n_sources + 1, sizeof(*p->sources));
    p->sources[p->n_sources++] = (struct compose_source){
        .service = xstrdup(service),
        .image_raw = xstrdup_or_null(raw),
        .image_mark = mark ? *mark : (struct yaml_mark){.line = 1},
    };
}

void model_add_file(struct compose_project *p, const char *path)
{
    struct ship_error err = {0};
    struct yaml_file *f = yaml_load(path, COMPOSE_FILE_BYTES_MAX, &err);

    if (!f)
        die(path, err.msg);
    p->files = xreallocarray(p->files, p->n_files + 1, sizeof(struct yaml_file *));
    p->files[p->n_files++] = f;
    const struct yaml_node *services = yaml_get(yaml_root(f, 0), "services");
    for (size_t i = 0; services && i < services->n; i++) {
        const struct yaml_node *image = yaml_get(services->items[i], "image");
        if (image)
            model_add_source(p, services->items[i]->key, image->text, &image->mark);
    }
}

struct json *model_load_json(const char *path)
{
    struct ship_error err = {0};
    AUTO(buf_done) struct buf text = BUF_INIT(1u << 20);

    if (file_read(path, &text, &err) != 0)
        fail_msg("%s", err.msg);
    struct json *j = json_parse(text.p, text.len, path, &err);
    if (!j)
        fail_msg("%s", err.msg);
    return j;
}

struct json *model_parse_json(const char *text)
{
    struct ship_error err = {0};
    struct json *j = json_parse(text, strlen(text), "text", &err);

    if (!j)
        fail_msg("%s: %s", err.msg, text);
    return j;
}

void model_assert_json(const char *what, const struct json *want, const struct json *got)
{
    if (json_equal(want, got))
        return;
    if (json_is_object(want) && json_is_object(got)) {
        for (const struct json *c = json_first(want); c; c = json_next(c)) {
            AUTO_FREE char *path = xasprintf("%s.%s", what, json_key(c));
            model_assert_json(path, c, json_get(got, json_key(c)));
        }
        for (const struct json *c = json_first(got); c; c = json_next(c))
            if (!json_get(want, json_key(c)))
                fail_msg("%s.%s is too much", what, json_key(c));
    }
    AUTO_FREE char *w = json_print(want);
    AUTO_FREE char *g = got ? json_print(got) : NULL;
    fail_msg("%s\nwant %s\n got %s", what, w, g ? g : "nothing");
}
