/* See compose_project.h. A step that fails ends the test program: nothing to clean up then. */
#include "support/compose_project.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/auto.h"
#include "base/file.h"
#include "unit/assert.h"

static void must(int rc, const struct ship_error *err)
{
    if (rc == 0)
        return;
    (void)fprintf(stderr, "compose_fixture: %s\n", err->msg);
    abort();
}

void compose_fixture_init(struct compose_fixture *f)
{
    struct ship_error err = {0};

    *f = (struct compose_fixture){.root = "/tmp/ship-compose-XXXXXX"};
    must(mkdtemp(f->root) ? 0 : ship_fail(&err, SHIP_IO, "no directory below /tmp"), &err);
    strv_add(&f->environ, "HOME=/home/deploy");
    strv_take(&f->environ, xasprintf("PWD=%s", f->root));
    f->options.dir = f->root;
}

static void forget(struct compose_fixture *f)
{
    compose_free(f->project);
    f->project = NULL;
    yaml_problems_done(&f->problems);
    f->problems = (struct yaml_problems){0};
    strv_done(&f->report.unset);
    f->report = (struct load_report){0};
    f->err = (struct ship_error){0};
}

static int remove_entry(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

void compose_fixture_done(struct compose_fixture *f)
{
    forget(f);
    strv_done(&f->environ);
    (void)nftw(f->root, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

void compose_fixture_write(struct compose_fixture *f, const char *name, const char *text)
{
    struct ship_error err = {0};
    AUTO_FREE char *path = xasprintf("%s/%s", f->root, name);
    AUTO_FREE char *parent = file_dirname(path);

    must(file_make_dirs(parent, 0755, &err), &err);
    must(file_replace(path, text, strlen(text), 0644, &err), &err);
}

void compose_fixture_env(struct compose_fixture *f, const char *pair)
{
    strv_add(&f->environ, pair);
}

void compose_fixture_load(struct compose_fixture *f)
{
    forget(f);
    f->options.environ = (const char *const *)f->environ.v;
    f->project = load_with_report(&f->options, &f->problems, &f->report, &f->err);
}

void compose_fixture_load_text(struct compose_fixture *f, const char *text)
{
    compose_fixture_write(f, "docker-compose.yml", text);
    compose_fixture_load(f);
}

const struct yaml_problem *compose_fixture_problem(const struct compose_fixture *f,
                                                   const char *part)
{
    for (size_t i = 0; i < f->problems.n; i++) {
        if (strstr(f->problems.list[i].text, part))
            return &f->problems.list[i];
    }
    return NULL;
}

int compose_fixture_setup(void **state)
{
    struct compose_fixture *f = xcalloc(1, sizeof *f);

    compose_fixture_init(f);
    *state = f;
    return 0;
}

int compose_fixture_teardown(void **state)
{
    compose_fixture_done(*state);
    free(*state);
    return 0;
}

void compose_fixture_expect_loaded(const struct compose_fixture *f)
{
    assert_not_null_ok(f->project, &f->err);
}

void compose_fixture_expect_refused(const struct compose_fixture *f, enum compose_class c)
{
    assert_null_fails(f->project, &f->err, SHIP_INVALID);
    if (f->report.first != c)
        fail_msg("class is %s, expected %s: %s", compose_class_name(f->report.first),
                 compose_class_name(c), f->err.msg);
}

char *compose_fixture_model_text(const struct compose_fixture *f, const char *path)
{
    AUTO_PTR(json_free) struct json *model = compose_model(f->project);
    const struct json *j = json_path(model, path);

    return j ? json_print(j) : xstrdup("(absent)");
}

void compose_fixture_expect_model(const struct compose_fixture *f, const char *path,
                                  const char *expected)
{
    compose_fixture_expect_loaded(f);
    AUTO_FREE char *got = compose_fixture_model_text(f, path);
    if (strcmp(got, expected) != 0)
        fail_msg("%s is %s, expected %s", path, got, expected);
}
