/*
 * Load the plan: find it, trust it, read it once, parse, choose the
 * environment, decode.
 *
 * What can go wrong is in the user's file and comes back as problems with
 * position; only a missing, unreadable or untrusted file is an error at once.
 */
#include "plan/plan.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/encode.h"
#include "base/file.h"
#include "base/str.h"
#include "plan/decode.h"

void plan_free(struct plan *p)
{
    if (!p)
        return;
    plan_decode_done(p);
    yaml_free(p->yaml);
    free(p->path);
    free(p->dir);
    free(p);
}

/* ---- text -> plan ---- */

static void refuse_tags(const struct yaml_node *n, struct yaml_problems *problems)
{
    if (n->tag)
        yaml_problem_add(problems, YAML_ERROR, &n->mark, "tag '%s' has no meaning in a plan",
                         n->tag);
    for (size_t i = 0; i < n->n; i++)
        refuse_tags(n->items[i], problems);
}

/* The root of the only document; NULL after a problem. */
static struct yaml_node *find_root(const struct yaml_file *f, struct yaml_problems *problems)
{
    const struct yaml_mark start = {.file = yaml_name(f), .line = 1, .column = 1};
    struct yaml_node *root = yaml_root(f, 0);
    if (yaml_documents(f) > 1) {
        yaml_problem_add(problems, YAML_ERROR, &start, "a plan is one YAML document, this has %zu",
                         yaml_documents(f));
        return NULL;
    }
    if (yaml_is_null(root)) {
        yaml_problem_add(problems, YAML_ERROR, &start,
                         "the plan is empty; it needs version, app and image");
        return NULL;
    }
    refuse_tags(root, problems);
    return root;
}

/* Decode every other environment into a plan that is thrown away. */
static void check_others(struct yaml_node *root, const char *chosen, struct yaml_problems *problems)
{
    const struct yaml_node *all = yaml_get(root, "environments");
    for (size_t i = 0; all && i < all->n && problems->n_errors == 0; i++) {
        const char *name = all->items[i]->key;
        struct ship_error err = {0};
        if (str_eq(name, chosen))
            continue;
        AUTO_PTR(yaml_free) struct yaml_file *scratch = yaml_parse("scratch", "", 0, &err);
        AUTO_PTR(plan_free) struct plan *p = xcalloc(1, sizeof *p);
        plan_decode(p, overlay_apply(scratch, root, name), problems);
    }
}

static void decode_environment(struct plan *p, struct yaml_node *root, const char *environment,
                               struct yaml_problems *problems)
{
    AUTO_FREE char *chosen = overlay_choose(root, environment, problems);
    overlay_check(root, problems);
    plan_decode(p, overlay_apply(p->yaml, root, chosen), problems);
    if (problems->n_errors > 0)
        return;
    free(p->environment);
    p->environment = steal_ptr(&chosen);
    check_others(root, p->environment, problems);
}

struct plan *plan_parse(const char *name, const char *text, size_t len, const char *environment,
                        struct yaml_problems *problems, struct ship_error *err)
{
    AUTO_PTR(plan_free) struct plan *p = xcalloc(1, sizeof *p);
    p->yaml = yaml_parse_report(name, text, len, problems, err);
    if (!p->yaml)
        return NULL;
    sha256_hex(text, len, p->hash);
    struct yaml_node *root = find_root(p->yaml, problems);
    if (root)
        decode_environment(p, root, environment, problems);
    if (yaml_problems_check(problems, err))
        return NULL;
    return steal_ptr(&p);
}

/* ---- file -> text ---- */

static char *working_dir(void)
{
    char *cwd = get_current_dir_name();
    return cwd ? cwd : xstrdup("/");
}

/* The path as the user would write it; heap string. */
static char *find_plan(const char *dir, const char *path)
{
    if (path)
        return xstrdup(path);
    bool is_here = str_empty(dir) || str_eq(dir, ".");
    AUTO_FREE char *yaml = is_here ? xstrdup("shipctl.yaml") : file_path_join(dir, "shipctl.yaml");
    AUTO_FREE char *yml = is_here ? xstrdup("shipctl.yml") : file_path_join(dir, "shipctl.yml");
    return !file_exists(yaml) && file_exists(yml) ? steal_ptr(&yml) : steal_ptr(&yaml);
}

static int fail_missing(const char *shown, struct ship_error *err)
{
    ship_fail(err, SHIP_INVALID, "there is no plan '%s'", shown);
    return ship_error_hint(err, "write one with: shipctl init");
}

struct plan *plan_load(const char *dir, const char *path, const char *environment,
                       struct yaml_problems *problems, struct ship_error *err)
{
    AUTO_FREE char *shown = find_plan(dir, path);
    AUTO_FREE char *cwd = working_dir();
    AUTO_FREE char *absolute = file_path_join(cwd, shown);
    AUTO(buf_done) struct buf text = BUF_INIT(PLAN_BYTES_MAX);
    if (access(absolute, F_OK) != 0) {
        fail_missing(shown, err);
        return NULL;
    }
    if (file_check_trust(absolute, err))
        return NULL;
    if (file_read(absolute, &text, err)) {
        err->code = SHIP_INVALID; /* unreadable plan: production is untouched, exit 10 */
        return NULL;
    }
    struct plan *p = plan_parse(shown, text.p, text.len, environment, problems, err);
    if (!p)
        return NULL;
    p->dir = file_dirname(absolute);
    p->path = steal_ptr(&absolute);
    return p;
}
