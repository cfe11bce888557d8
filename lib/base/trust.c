/*
 * The ssh-style trust check: who could have written this file?
 *
 * Two chains are walked: the path as given, because whoever owns a symbolic
 * link or its directory chooses what we read, and the path behind the links.
 * What can go wrong: the file may change between this check and its use; only
 * the trusted owners themselves can do that once the check has passed.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/auto.h"
#include "base/file.h"

static bool is_trusted_owner(uid_t uid)
{
    return uid == 0 || uid == geteuid();
}

static int check_owner(const char *path, const struct stat *st, struct ship_error *err)
{
    if (is_trusted_owner(st->st_uid))
        return 0;
    ship_fail(err, SHIP_INVALID, "'%s' belongs to user %u, neither root nor you (user %u)", path,
              (unsigned)st->st_uid, (unsigned)geteuid());
    return ship_error_hint(err, "chown %u '%s'", (unsigned)geteuid(), path);
}

static int check_mode(const char *path, const struct stat *st, struct ship_error *err)
{
    bool is_sticky_dir = S_ISDIR(st->st_mode) && (st->st_mode & S_ISVTX) != 0;

    if ((st->st_mode & (S_IWGRP | S_IWOTH)) == 0 || is_sticky_dir)
        return 0;
    ship_fail(err, SHIP_INVALID, "'%s' is writable by its group or by others (mode %04o)", path,
              (unsigned)st->st_mode & 07777);
    return ship_error_hint(err, "chmod go-w '%s'", path);
}

/* One file or directory: the link itself, then what it leads to. */
static int check_one(const char *path, struct ship_error *err)
{
    struct stat link_st, st;

    if (lstat(path, &link_st) < 0 || stat(path, &st) < 0)
        return ship_fail_errno(err, errno == ENOENT ? SHIP_NOT_FOUND : SHIP_IO,
                               "cannot check who owns '%s'", path);
    if (check_owner(path, &link_st, err) < 0 || check_owner(path, &st, err) < 0)
        return -1;
    return check_mode(path, &st, err);
}

/* The file first, then each parent up to the root. path is absolute. */
static int check_chain(const char *path, struct ship_error *err)
{
    AUTO_FREE char *at = xstrdup(path);

    while (check_one(at, err) == 0) {
        char *parent;

        if (strcmp(at, "/") == 0)
            return 0;
        parent = file_dirname(at);
        free(at);
        at = parent;
    }
    return -1;
}

int file_check_trust(const char *path, struct ship_error *err)
{
    AUTO_FREE char *cwd = NULL;
    AUTO_FREE char *absolute = NULL;
    AUTO_FREE char *real = realpath(path, NULL);

    if (real == NULL)
        return ship_fail_errno(err, errno == ENOENT ? SHIP_NOT_FOUND : SHIP_IO,
                               "cannot check who owns '%s'", path);
    cwd = getcwd(NULL, 0);
    if (cwd == NULL)
        return ship_fail_errno(err, SHIP_IO, "cannot read the working directory");
    /* Not cleaned: folding ".." lexically would skip a link that "x/.." goes through. */
    absolute = *path == '/' ? xstrdup(path) : xasprintf("%s/%s", cwd, path);
    if (check_chain(real, err) < 0)
        return -1;
    return check_chain(absolute, err);
}
