/*
 * Reading: every file is bounded, counted, hashed and kept alive by the
 * project, so that marks and texts stay valid. Errors go to diag.
 */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/auto.h"
#include "base/file.h"
#include "base/str.h"
#include "compose/dotenv.h"
#include "compose/load.h"

char *files_resolve(const struct loader *l, const char *dir, const char *text)
{
    if (text[0] == '~') {
        const char *rest = text + 1;
        return xasprintf("%s%s", l->home, rest);
    }
    return text[0] == '/' ? xstrdup(text) : file_path_join(dir, text);
}

/* Contents count, with their length, so that moved bytes change the hash. */
static void hash_text(struct loader *l, const char *text, size_t len)
{
    char size[32];
    int n = snprintf(size, sizeof size, "%zu:", len);

    sha256_add(l->sha, size, (size_t)n);
    sha256_add(l->sha, text, len);
}

static void keep_file(struct loader *l, struct yaml_file *f)
{
    struct compose_project *p = l->project;

    /* NOLINTNEXTLINE(bugprone-sizeof-expression): an array of pointers */
    ARRAY_GROW(p->files, p->n_files, l->cap_files);
    p->files[p->n_files++] = f;
}

static int read_bounded(struct loader *l, const char *path, const struct yaml_mark *mark,
                        enum compose_class missing, struct buf *text)
{
    struct ship_error err = {0};

    if (l->project->n_files >= LOAD_FILES_MAX || l->env_texts.n >= LOAD_FILES_MAX) {
        diag_error(&l->diag, COMPOSE_CLASS_too_large, mark, "more than %d files are read, at '%s'",
                   LOAD_FILES_MAX, path);
        return -1;
    }
    if (file_read(path, text, &err) < 0) {
        diag_error(&l->diag, err.code == SHIP_NOT_FOUND ? missing : COMPOSE_CLASS_file_not_found,
                   mark, "%s", err.msg);
        return -1;
    }
    hash_text(l, text->p, text->len);
    return 0;
}

/* The class of what the YAML layer found is in its words. */
static enum compose_class yaml_class(const struct yaml_problems *problems, size_t first)
{
    if (first < problems->n && strstr(problems->list[first].text, "given twice"))
        return COMPOSE_CLASS_duplicate_key;
    return COMPOSE_CLASS_yaml_syntax;
}

struct yaml_file *files_read_yaml(struct loader *l, const char *path, const struct yaml_mark *mark)
{
    AUTO(buf_done) struct buf text = BUF_INIT(COMPOSE_FILE_BYTES_MAX);
    struct yaml_problems *problems = l->diag.problems;
    struct ship_error err = {0};

    if (read_bounded(l, path, mark, COMPOSE_CLASS_file_not_found, &text) < 0)
        return NULL;
    size_t first = problems->n, errors = problems->n_errors;
    struct yaml_file *f = yaml_parse_report(path, text.p, text.len, problems, &err);
    if (f) {
        keep_file(l, f);
        return f;
    }
    l->diag.n_errors += problems->n_errors - errors;
    if (l->diag.first == COMPOSE_CLASS_none)
        l->diag.first = yaml_class(problems, first);
    return NULL;
}

const struct var *files_read_env(struct loader *l, const char *path, const struct yaml_mark *mark)
{
    long known = vars_index(&l->env_texts, path);
    if (known >= 0)
        return &l->env_texts.v[known];
    AUTO(buf_done) struct buf text = BUF_INIT(DOTENV_BYTES_MAX);
    if (read_bounded(l, path, mark, COMPOSE_CLASS_env_file_not_found, &text) < 0)
        return NULL;
    if (strlen(text.p) != text.len) {
        diag_error(&l->diag, COMPOSE_CLASS_dotenv_syntax, mark, "'%s' holds a NUL byte", path);
        return NULL;
    }
    vars_set(&l->env_texts, path, text.p);
    return &l->env_texts.v[vars_index(&l->env_texts, path)];
}
