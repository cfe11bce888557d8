/*
 * ${...} variables: one scanner, two users (expansion and lint).
 *
 * `$$` is a dollar; a dollar in front of anything else than `{` or `$` stays as
 * it is. Names do not nest. What can go wrong: see tmpl.h; each message names
 * the variable.
 */
#include "base/tmpl.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/auto.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/str.h"

#define FILE_MAX   (64u * 1024)
#define RESULT_MAX (1024u * 1024)
#define NAME_MAX_  256

/* One piece of the text: plain bytes, or the inside of ${...}. */
struct piece {
    const char *p;
    size_t len;
    bool is_variable;
};

/* Take the next piece off *text; 1 found, 0 at the end, -1 bad grammar. */
static int next_piece(const char **text, struct piece *ret, struct ship_error *err)
{
    const char *p = *text;
    const char *end;

    if (*p == '\0')
        return 0;
    if (p[0] == '$' && p[1] == '{') {
        end = strpbrk(p + 2, "{}");
        if (end == NULL || *end == '{' || end == p + 2 || end - p > NAME_MAX_) {
            ship_fail(err, SHIP_INVALID, "'%.40s' is not a complete ${...} variable", p);
            return -1;
        }
        *ret = (struct piece){.p = p + 2, .len = (size_t)(end - p - 2), .is_variable = true};
        *text = end + 1;
        return 1;
    }
    end = p[0] == '$' && p[1] == '$' ? p + 2 : p + 1 + strcspn(p + 1, "$");
    *ret = (struct piece){.p = end - p == 2 && p[1] == '$' ? p + 1 : p, .is_variable = false};
    ret->len = (size_t)(end - ret->p);
    *text = end;
    return 1;
}

static bool is_env_name(const char *s)
{
    static const char first[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
    static const char rest[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";

    return *s != '\0' && strchr(first, *s) != NULL && s[strspn(s, rest)] == '\0';
}

static int fail_unknown(const char *name, const char *const *names, size_t n,
                        struct ship_error *err)
{
    const char *near = str_closest(name, names, n);

    ship_fail(err, SHIP_INVALID, "unknown variable '${%s}'", name);
    if (near != NULL)
        ship_error_hint(err, "did you mean '${%s}'?", near);
    return -1;
}

/* The grammar of one name. ret_index: which of names it is, n for env: and file:. */
static int check_name(const char *name, const char *const *names, size_t n, size_t *ret_index,
                      struct ship_error *err)
{
    size_t i = 0;

    if (str_starts(name, "env:")) {
        if (!is_env_name(name + strlen("env:")))
            return ship_fail(err, SHIP_INVALID, "'${%s}' does not name an environment variable",
                             name);
        *ret_index = n;
        return 0;
    }
    if (str_starts(name, "file:")) {
        if (name[strlen("file:")] != '/')
            return ship_fail(err, SHIP_INVALID, "'${%s}' needs an absolute path", name);
        *ret_index = n;
        return 0;
    }
    while (i < n && strcmp(names[i], name) != 0)
        i++;
    if (i == n)
        return fail_unknown(name, names, n, err);
    *ret_index = i;
    return 0;
}

static int add_env(struct buf *out, const char *name, struct ship_error *err)
{
    const char *value = getenv(name);

    if (value == NULL) {
        ship_fail(err, SHIP_INVALID, "environment variable '%s' is not set", name);
        return ship_error_hint(err, "export %s=... first", name);
    }
    (void)buf_adds(out, value); /* the caller looks at out->overflow */
    return 0;
}

static int add_file(struct buf *out, const char *path, struct redact *redact,
                    struct ship_error *err)
{
    AUTO(buf_done) struct buf content = BUF_INIT(FILE_MAX);

    if (file_read(path, &content, err) < 0) {
        err->code = SHIP_INVALID; /* the plan asks for a file that is not there */
        return -1;
    }
    if (memchr(content.p, '\0', content.len) != NULL)
        return ship_fail(err, SHIP_INVALID, "'%s' contains a NUL byte", path);
    if (content.len > 0 && content.p[content.len - 1] == '\n')
        buf_truncate(&content, content.len - 1);
    (void)buf_add(out, content.p, content.len);
    redact_add_credentials(redact, content.p);
    return 0;
}

static int add_variable(struct buf *out, const char *name, const struct tmpl_var *vars, size_t n,
                        struct redact *redact, struct ship_error *err)
{
    AUTO_FREE const char **names = xcalloc(n + 1, sizeof *names);
    size_t i;

    for (i = 0; i < n; i++)
        names[i] = vars[i].name;
    if (check_name(name, names, n, &i, err) < 0)
        return -1;
    if (i == n)
        return *name == 'e' ? add_env(out, name + strlen("env:"), err)
                            : add_file(out, name + strlen("file:"), redact, err);
    if (vars[i].value == NULL)
        return ship_fail(err, SHIP_INVALID, "variable '${%s}' has no value here", name);
    (void)buf_adds(out, vars[i].value);
    return 0;
}

char *tmpl_expand(const char *text, const struct tmpl_var *vars, size_t n, struct redact *redact,
                  struct ship_error *err)
{
    AUTO(buf_done) struct buf out = BUF_INIT(RESULT_MAX);
    struct piece piece;
    int rc;

    while ((rc = next_piece(&text, &piece, err)) > 0) {
        AUTO_FREE char *name = xstrndup(piece.p, piece.len);

        if (!piece.is_variable)
            (void)buf_add(&out, piece.p, piece.len);
        else if (add_variable(&out, name, vars, n, redact, err) < 0)
            return NULL;
    }
    if (rc < 0)
        return NULL;
    if (out.overflow) {
        ship_fail(err, SHIP_INVALID, "text with its variables filled in is larger than %u bytes",
                  RESULT_MAX);
        return NULL;
    }
    return buf_steal(&out);
}

int tmpl_check(const char *text, const char *const *names, size_t n, struct ship_error *err)
{
    struct piece piece;
    size_t i;
    int rc;

    while ((rc = next_piece(&text, &piece, err)) > 0) {
        AUTO_FREE char *name = xstrndup(piece.p, piece.len);

        if (piece.is_variable && check_name(name, names, n, &i, err) < 0)
            return -1;
    }
    return rc;
}
