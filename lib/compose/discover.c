/*
 * Which files, which directory, which environment, which project name.
 *
 * The rules are Compose's (reference page, sections 5.3 and 6). The process
 * environment is not read: everything comes from the options.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/auto.h"
#include "base/file.h"
#include "base/str.h"
#include "compose/dotenv.h"
#include "compose/load.h"
#include "compose/scalars.h"

#define PARENTS_MAX 64

static const char *const main_names[] = {"compose.yaml", "compose.yml", "docker-compose.yml",
                                         "docker-compose.yaml"};
static const char *const override_names[] = {"compose.override.yml", "compose.override.yaml",
                                             "docker-compose.override.yml",
                                             "docker-compose.override.yaml"};

static const char *lookup_vars(void *ctx, const char *name)
{
    return vars_get(ctx, name);
}

int discover_env_file(struct loader *l, const char *path, struct vars *vars)
{
    AUTO(vars_done) struct vars fresh = {0};
    const struct var *file = files_read_env(l, path, NULL);
    struct dotenv_lookup lookup = {.lookup = lookup_vars, .ctx = vars};

    if (!file)
        return -1;
    struct dotenv_source source = {
        .name = file->name, .text = file->value, .len = strlen(file->value)};
    if (dotenv_parse(&source, &lookup, &fresh, &l->diag) < 0)
        return -1;
    vars_add_defaults(vars, &fresh);
    return 0;
}

/* ---- directory and files ---- */

static bool same_directory(const char *a, const char *b)
{
    struct stat x, y;

    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* options->dir, or $PWD when that is another name of it (Compose keeps symbolic links). */
static const char *start_dir(const struct loader *l)
{
    const char *pwd = vars_get(&l->env, "PWD");

    if (pwd && *pwd == '/' && same_directory(pwd, l->options->dir))
        return pwd;
    return l->options->dir;
}

static void add_file(struct loader *l, const char *dir, const char *name)
{
    strv_take(&l->project->config_files, files_resolve(l, dir, name));
}

/* First of the names that exists in dir, or NULL; warns when there are several. */
static const char *first_existing(struct loader *l, const char *dir, const char *const *names,
                                  size_t n)
{
    const char *found = NULL;

    for (size_t i = 0; i < n; i++) {
        AUTO_FREE char *path = file_path_join(dir, names[i]);
        if (!file_exists(path))
            continue;
        if (found)
            diag_warn(&l->diag, NULL, "both '%s' and '%s' exist in '%s': using '%s'", found,
                      names[i], dir, found);
        found = found ? found : names[i];
    }
    return found;
}

static bool search_in(struct loader *l, const char *dir)
{
    const char *name = first_existing(l, dir, main_names, ARRAY_LEN(main_names));

    if (!name)
        return false;
    add_file(l, dir, name);
    const char *over = first_existing(l, dir, override_names, ARRAY_LEN(override_names));
    if (over)
        add_file(l, dir, over);
    return true;
}

static int search_up(struct loader *l, const char *dir, struct ship_error *err)
{
    AUTO_FREE char *at = xstrdup(dir);

    for (int i = 0; i < PARENTS_MAX; i++) {
        if (search_in(l, at))
            return 0;
        if (str_eq(at, "/"))
            break;
        char *up = file_dirname(at);
        free(at);
        at = up;
    }
    ship_fail(err, SHIP_NOT_FOUND, "no compose file in '%s' or above", dir);
    return ship_error_hint(
        err, "create docker-compose.yml there, or name the file in the plan: compose: FILE");
}

static void split_list(const char *text, const char *separator, struct strv *out)
{
    size_t n = strlen(separator);

    for (const char *end; (end = strstr(text, separator)); text = end + n) {
        if (end > text)
            strv_take(out, xstrndup(text, (size_t)(end - text)));
    }
    if (*text)
        strv_add(out, text);
}

static bool env_files_disabled(const struct loader *l)
{
    bool disabled = false;
    const char *text = vars_get(&l->env, "COMPOSE_DISABLE_ENV_FILE");

    if (!text)
        return false;
    return str_eq(text, "1") || (scalar_parse_bool(text, &disabled) >= 0 && disabled);
}

static void read_default_env(struct loader *l, const char *dir)
{
    AUTO_FREE char *path = file_path_join(dir, ".env");
    struct stat st;

    if (stat(path, &st) == 0 && S_ISREG(st.st_mode))
        discover_env_file(l, path, &l->env);
}

/* COMPOSE_ENV_FILES: later files override earlier ones, the OS environment wins. */
static void read_listed_env(struct loader *l, const char *dir, const struct strv *list)
{
    AUTO(vars_done) struct vars all = {0};

    for (size_t i = list->n; i-- > 0;) {
        AUTO_FREE char *path = files_resolve(l, dir, list->v[i]);
        AUTO(vars_done) struct vars one = {0};
        vars_add_defaults(&one, &l->env);
        if (discover_env_file(l, path, &one) == 0)
            vars_add_defaults(&all, &one);
    }
    vars_add_defaults(&l->env, &all);
}

/* Files from -f, COMPOSE_FILE or the search; the project directory follows from the first. */
static int find_files(struct loader *l, const char *dir, struct ship_error *err)
{
    AUTO(strv_done) struct strv list = {0};
    struct compose_project *p = l->project;

    if (l->options->files && l->options->files->n) {
        strv_copy(&list, l->options->files);
    } else if (!str_empty(vars_get(&l->env, "COMPOSE_FILE"))) {
        const char *separator = vars_get(&l->env, "COMPOSE_PATH_SEPARATOR");
        split_list(vars_get(&l->env, "COMPOSE_FILE"), str_empty(separator) ? ":" : separator,
                   &list);
    }
    for (size_t i = 0; i < list.n; i++)
        add_file(l, dir, list.v[i]);
    if (!list.n && search_up(l, dir, err) < 0)
        return -1;
    for (size_t i = 0; i < p->config_files.n; i++) {
        if (!file_exists(p->config_files.v[i]))
            return ship_fail(err, SHIP_NOT_FOUND, "compose file '%s' does not exist",
                             p->config_files.v[i]);
    }
    p->working_dir = file_dirname(p->config_files.v[0]);
    return 0;
}

static void load_os_environment(struct loader *l)
{
    const struct strv *overrides = l->options->overrides;

    for (const char *const *e = l->options->environ; *e; e++)
        vars_set_pair(&l->env, *e);
    for (size_t i = 0; i < l->env.n; i++)
        strv_add(&l->project->os_names, l->env.v[i].name);
    for (size_t i = 0; overrides && i < overrides->n; i++)
        vars_set_pair(&l->env, overrides->v[i]);
    const char *home = vars_get(&l->env, "HOME");
    l->home = xstrdup(home ? home : "");
}

int discover_project(struct loader *l, struct ship_error *err)
{
    AUTO(strv_done) struct strv listed = {0};
    struct compose_project *p = l->project;

    load_os_environment(l);
    AUTO_FREE char *dir = xstrdup(start_dir(l));
    const char *env_files = vars_get(&l->env, "COMPOSE_ENV_FILES");
    bool use_env = !env_files_disabled(l), has_files = l->options->files && l->options->files->n;
    split_list(env_files ? env_files : "", ",", &listed);
    if (use_env && listed.n)
        read_listed_env(l, dir, &listed);
    else if (use_env && !has_files)
        read_default_env(l, dir);
    if (find_files(l, dir, err) < 0)
        return -1;
    bool again = has_files || !str_eq(dir, p->working_dir);
    if (use_env && !listed.n && again)
        read_default_env(l, p->working_dir);
    if (use_env && !listed.n)
        p->env_file = file_path_join(p->working_dir, ".env");
    return 0;
}

/* ---- project name ---- */

/* Lower case, [a-z0-9_-] only, no leading _ or -. Heap. */
static char *normalise_name(const char *text)
{
    char *out = xstrdup(text);
    size_t n = 0;

    for (const char *p = text; *p; p++) {
        char c = (char)(*p >= 'A' && *p <= 'Z' ? *p | 0x20 : *p);
        bool allowed =
            (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || ((c == '_' || c == '-') && n > 0);
        if (allowed)
            out[n++] = c;
    }
    out[n] = '\0';
    return out;
}

/* `name:` of the last document that has one, interpolated; NULL when there is none. */
static const char *name_of_files(struct loader *l)
{
    struct scope scope = {.loader = l, .dir = l->project->working_dir, .env = &l->env};
    const struct compose_project *p = l->project;
    const struct yaml_node *name = NULL;
    size_t errors = l->diag.n_errors;

    for (size_t i = 0; i < p->n_files; i++) {
        for (size_t d = 0; d < yaml_documents(p->files[i]); d++) {
            const struct yaml_node *found = yaml_get(yaml_root(p->files[i], d), "name");
            name = found && found->kind == YAML_SCALAR && found->len ? found : name;
        }
    }
    if (!name || scalar_of(name).type != SCALAR_STRING)
        return NULL;
    struct path at = {.key = "name"};
    const char *text = document_interpolate_text(&scope, name, &at);
    return l->diag.n_errors == errors ? text : "invalid";
}

static void set_strict(struct loader *l, const char *name, const char *origin)
{
    AUTO_FREE char *normal = normalise_name(name);

    if (!str_eq(normal, name) || !*name)
        diag_error(&l->diag, COMPOSE_CLASS_bad_project_name, NULL,
                   "project name '%s' of %s may only hold lower-case letters, digits, '-' and '_' "
                   "and must start with a letter or digit",
                   name, origin);
    l->project->name = xstrdup(*normal ? normal : "invalid");
}

void discover_name(struct loader *l)
{
    const char *env = vars_get(&l->env, "COMPOSE_PROJECT_NAME");

    if (l->options->project_name) {
        set_strict(l, l->options->project_name, "the command line");
    } else if (!str_empty(env)) {
        set_strict(l, env, "COMPOSE_PROJECT_NAME");
    } else {
        const char *text = name_of_files(l);
        AUTO_FREE char *base = file_basename(l->project->working_dir);
        l->project->name = normalise_name(text ? text : base);
        if (!*l->project->name)
            diag_error(&l->diag, COMPOSE_CLASS_bad_project_name, NULL,
                       "no project name can be made of '%s'; set 'name:' in the file or -p",
                       text ? text : base);
    }
    vars_set(&l->env, "COMPOSE_PROJECT_NAME", l->project->name);
}
