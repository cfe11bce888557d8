/* Lexical work on paths: nothing here looks at the file system. */
#include <string.h>

#include "base/alloc.h"
#include "base/auto.h"
#include "base/file.h"
#include "base/str.h"

/* Longest joined path; longer input is cut, and then no file system accepts it. */
#define PATH_TEXT_MAX (64u * 1024)

/* Take the last component off; false when there is none that may go. */
static bool drop_last(struct buf *out, bool absolute)
{
    const char *slash = strrchr(out->p, '/');
    const char *last = slash != NULL ? slash + 1 : out->p;

    if (absolute && out->len == 1)
        return true; /* "/.." is "/" */
    if (out->len == 0 || strcmp(last, "..") == 0)
        return false;
    if (slash == NULL)
        buf_truncate(out, 0);
    else
        buf_truncate(out, absolute && slash == out->p ? 1 : (size_t)(slash - out->p));
    return true;
}

static void add_component(struct buf *out, const char *name, size_t len)
{
    if (out->len > 0 && out->p[out->len - 1] != '/')
        (void)buf_addc(out, '/');
    (void)buf_add(out, name, len);
}

/* Fold "", "." and ".." of path into out. */
static void clean(struct buf *out, const char *path)
{
    bool absolute = *path == '/';

    if (absolute)
        (void)buf_addc(out, '/');
    while (*path != '\0') {
        size_t len = strcspn(path, "/");
        bool is_dots = len == 2 && path[0] == '.' && path[1] == '.';
        bool is_here = len == 0 || (len == 1 && path[0] == '.');

        if (!is_here && !(is_dots && drop_last(out, absolute)))
            add_component(out, path, len);
        path += len;
        path += strspn(path, "/");
    }
    if (out->len == 0)
        (void)buf_addc(out, '.');
}

char *file_path_join(const char *dir, const char *p)
{
    AUTO(buf_done) struct buf out = BUF_INIT(PATH_TEXT_MAX);
    AUTO_FREE char *joined = NULL;

    if (*p == '/' || str_empty(dir))
        joined = xstrdup(p);
    else
        joined = xasprintf("%s/%s", dir, p);
    clean(&out, joined);
    return buf_steal(&out);
}

/* Length without trailing slashes; the root keeps its one. */
static size_t trimmed_len(const char *path)
{
    size_t len = strlen(path);

    while (len > 1 && path[len - 1] == '/')
        len--;
    return len;
}

char *file_dirname(const char *path)
{
    size_t len = trimmed_len(path);

    while (len > 0 && path[len - 1] != '/')
        len--;
    if (len == 0)
        return xstrdup(".");
    while (len > 1 && path[len - 1] == '/')
        len--;
    return xstrndup(path, len);
}

char *file_basename(const char *path)
{
    size_t end = trimmed_len(path);
    size_t start = end;

    if (end == 0)
        return xstrdup(".");
    if (end == 1 && *path == '/')
        return xstrdup("/");
    while (start > 0 && path[start - 1] != '/')
        start--;
    return xstrndup(path + start, end - start);
}
