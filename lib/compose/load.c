/*
 * compose_load: files -> project. See load.h for the order of the stages.
 *
 * After an error the load goes on, so that one run finds all of them; it stops where what was lost
 * would make up errors that are none. Warnings are handed over in any case.
 */
#include "compose/load.h"

#include <string.h>

#include "base/alloc.h"
#include "base/auto.h"
#include "base/str.h"

static void loader_done(struct loader *l)
{
    vars_done(&l->env);
    vars_done(&l->env_file_keys);
    vars_done(&l->env_texts);
    vars_done(&l->base_keys);
    free(l->base_services);
    for (size_t i = 0; i < l->n_unset; i++)
        free(l->unset[i].name);
    free(l->unset);
    free(l->raws);
    free(l->home);
    if (l->sha) {
        char unused[SHA256_HEX_SIZE];
        sha256_finish_hex(l->sha, unused);
    }
}

/* The arena for nodes made here; the first of the project's files. */
static int open_scratch(struct loader *l, struct ship_error *err)
{
    struct compose_project *p = l->project;

    l->scratch = yaml_parse("made by the loader", "{}", 2, err);
    if (!l->scratch)
        return -1;
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): an array of pointers */
    ARRAY_GROW(p->files, p->n_files, l->cap_files);
    p->files[p->n_files++] = l->scratch;
    return 0;
}

/* Parse all main files first: the project name may stand in any of them. */
static struct yaml_node *load_files(struct loader *l)
{
    const struct strv *paths = &l->project->config_files;
    struct yaml_node *model = NULL;
    AUTO_FREE struct yaml_file **files = xcalloc(paths->n, sizeof(struct yaml_file *));

    for (size_t i = 0; i < paths->n; i++)
        files[i] = files_read_yaml(l, paths->v[i], NULL);
    discover_name(l);
    for (size_t i = 0; i < paths->n; i++) {
        struct scope scope = {
            .loader = l, .dir = l->project->working_dir, .env = &l->env, .file = paths->v[i]};
        if (files[i])
            model = document_load(&scope, files[i], model);
        else
            l->lost |= LOST_FILE;
    }
    return model;
}

static void warn_unset(struct loader *l)
{
    for (size_t i = 0; i < l->n_unset; i++) {
        const struct unset_var *u = &l->unset[i];
        const char *file = vars_get(&l->env_file_keys, u->name);
        if (file)
            diag_warn(&l->diag, &u->mark,
                      "variable '%s' is not set and becomes empty; '%s' has it, but env_file only "
                      "reaches the container: put it into .env",
                      u->name, file);
        else
            diag_warn(&l->diag, &u->mark, "variable '%s' is not set and becomes empty", u->name);
    }
}

/* ---- hand over to the project ---- */

/* Text of the image scalar as it stands in the file. */
static const char *raw_image(const struct loader *l, const struct yaml_node *image)
{
    for (size_t i = 0; i < l->n_raws; i++) {
        const struct yaml_mark *m = &l->raws[i].mark;
        if (m->offset == image->mark.offset && str_eq(m->file, image->mark.file))
            return l->raws[i].text;
    }
    return image->text;
}

static void fill_sources(struct loader *l, const struct yaml_node *services)
{
    struct compose_project *p = l->project;

    p->sources = xcalloc(services->n + 1, sizeof *p->sources);
    p->n_sources = services->n;
    for (size_t i = 0; i < services->n; i++) {
        const struct yaml_node *service = services->items[i], *image = yaml_get(service, "image");
        struct compose_source *s = &p->sources[i];
        s->service = xstrdup(service->key);
        s->mark = service->key_mark;
        if (image) {
            s->image_mark = image->mark;
            s->image_raw = xstrdup(raw_image(l, image));
        }
    }
}

static void fill_environment(struct loader *l)
{
    for (size_t i = 0; i < l->env.n; i++) {
        strv_add(&l->project->environment, l->env.v[i].name);
        strv_add(&l->project->environment, l->env.v[i].value ? l->env.v[i].value : "");
    }
}

static void fill_project(struct loader *l, const struct yaml_node *model)
{
    struct compose_project *p = l->project;

    fill_sources(l, yaml_get(model, "services"));
    fill_environment(l);
    sha256_finish_hex(l->sha, p->hash);
    l->sha = NULL;
    p->model = emit_model(p->name, model);
}

static int run(struct loader *l, struct load_report *report, struct ship_error *err)
{
    struct yaml_node *model = NULL;

    if (open_scratch(l, err) < 0 || discover_project(l, err) < 0)
        return -1;
    model = load_files(l);
    if (!l->diag.n_errors || (model && !(l->lost & (LOST_SERVICES | LOST_FILE))))
        resolve_model(l, model);
    warn_unset(l);
    for (size_t i = 0; report && i < l->n_unset; i++)
        strv_add(&report->unset, l->unset[i].name);
    if (report)
        report->first = l->diag.first;
    if (!l->diag.n_errors)
        fill_project(l, model);
    return 0;
}

struct compose_project *load_with_report(const struct compose_options *options,
                                         struct yaml_problems *problems, struct load_report *report,
                                         struct ship_error *err)
{
    AUTO_PTR(compose_free) struct compose_project *p = xcalloc(1, sizeof *p);
    AUTO(loader_done)
    struct loader l = {
        .options = options, .project = p, .diag.problems = problems, .sha = sha256_new()};

    int rc = run(&l, report, err);
    diag_flush(&l.diag);
    if (rc < 0 || l.diag.n_errors)
        load_add_secrets(&l, options->redact);
    if (rc < 0)
        return NULL;
    if (l.diag.n_errors) {
        if (yaml_problems_check(problems, err) == 0)
            ship_fail(err, SHIP_INTERNAL, "compose file refused without a reason");
        return NULL;
    }
    return compose_view_build(p, err) < 0 ? NULL : steal_ptr(&p);
}

struct compose_project *compose_load(const struct compose_options *options,
                                     struct yaml_problems *problems, struct ship_error *err)
{
    return load_with_report(options, problems, NULL, err);
}
