/*
 * What of a project must not be shown: see compose_add_secrets.
 *
 * Reads the resolved model and the files of `secrets`; a file that can not be read has nothing to
 * hide. Of files that did not load, the variables and every scalar under a secret's name.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/auto.h"
#include "base/file.h"
#include "compose/load.h"

#define SECRET_FILE_MAX (512u * 1024)

static const char *variable(const struct compose_project *p, const char *name)
{
    for (size_t i = 0; i + 1 < p->environment.n; i += 2)
        if (str_eq(p->environment.v[i], name))
            return p->environment.v[i + 1];
    return NULL;
}

static void add_file(struct redact *r, const char *path)
{
    AUTO(buf_done) struct buf text = BUF_INIT(SECRET_FILE_MAX);
    struct ship_error ignored = {0};

    if (file_read(path, &text, &ignored) == 0)
        redact_add(r, text.p, text.len);
    if (text.cap > 0)
        explicit_bzero(text.p, text.len);
}

static void add_contents(const struct compose_project *p, struct redact *r)
{
    for (const struct json *s = json_first(json_get(p->model, "secrets")); s; s = json_next(s)) {
        const char *path = json_str(s, "file"), *name = json_str(s, "environment");
        const char *value = name ? variable(p, name) : NULL, *content = json_str(s, "content");
        if (path)
            add_file(r, path);
        if (value)
            redact_add(r, value, strlen(value));
        if (content)
            redact_add(r, content, strlen(content));
    }
}

void compose_add_secrets(const struct compose_project *p, struct redact *r)
{
    redact_keep(r, p->name);
    for (size_t i = 0; i < p->n_services; i++) {
        redact_keep(r, p->services[i].name);
        redact_keep(r, p->services[i].image);
    }
    for (size_t i = 0; i + 1 < p->environment.n; i += 2)
        redact_add_named(r, p->environment.v[i], p->environment.v[i + 1]);
    redact_add_json(r, p->model);
    add_contents(p, r);
}

static void add_node(struct redact *r, const struct yaml_node *n)
{
    if (n->kind == YAML_SCALAR && n->key)
        redact_add_named(r, n->key, n->text);
    else if (n->kind == YAML_SCALAR)
        redact_add_pair(r, n->text);
    for (size_t i = 0; i < n->n; i++)
        add_node(r, n->items[i]);
}

/* "NAME=value" lines; quotes around a value are cut off. */
static void add_lines(struct redact *r, const char *text)
{
    while (*text) {
        size_t len = strcspn(text, "\n");
        AUTO_FREE char *line = xstrndup(text, len);
        char *end = line + strlen(line);
        char *value = strchr(line, '=');
        while (end > line && strchr("\"' \t\r", end[-1]))
            *--end = '\0';
        while (value && value[1] && strchr("\"' \t", value[1]))
            memmove(value + 1, value + 2, strlen(value + 1));
        redact_add_pair(r, line);
        text += len + (text[len] == '\n' ? 1 : 0);
    }
}

void load_add_secrets(const struct loader *l, struct redact *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < l->env.n; i++)
        redact_add_named(r, l->env.v[i].name, l->env.v[i].value);
    for (size_t i = 0; i < l->env_texts.n; i++)
        add_lines(r, l->env_texts.v[i].value);
    for (size_t i = 0; i < l->project->n_files; i++)
        for (size_t d = 0; d < yaml_documents(l->project->files[i]); d++)
            if (yaml_root(l->project->files[i], d))
                add_node(r, yaml_root(l->project->files[i], d));
}
