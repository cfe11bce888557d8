/*
 * Files: bounded reads, atomic replacement, directories.
 *
 * Everything that can fail names the path. Reads open without blocking, so a
 * FIFO where a file is expected is an error instead of a hang.
 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/auto.h"

#define READ_CHUNK (64u * 1024)

/* Read fd to its end; on failure out is as it was. */
static int read_to_end(int fd, const char *name, struct buf *out, struct ship_error *err)
{
    AUTO_FREE char *chunk = xmalloc(READ_CHUNK);
    size_t before = out->len;
    int rc = 0;
    ssize_t n;

    while (rc == 0 && (n = read(fd, chunk, READ_CHUNK)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            rc = ship_fail_errno(err, SHIP_IO, "cannot read '%s'", name);
        else if (buf_add(out, chunk, (size_t)n) < 0)
            rc = ship_fail(err, SHIP_INVALID, "'%s' is larger than %zu bytes", name, out->max);
    }
    if (rc < 0) {
        buf_truncate(out, before);
        out->overflow = false;
    }
    return rc;
}

int file_read_fd(int fd, const char *name, struct buf *out, struct ship_error *err)
{
    return read_to_end(fd, name, out, err);
}

int file_read(const char *path, struct buf *out, struct ship_error *err)
{
    AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat st;

    if (fd < 0)
        return ship_fail_errno(err, errno == ENOENT ? SHIP_NOT_FOUND : SHIP_IO, "cannot open '%s'",
                               path);
    if (fstat(fd, &st) < 0)
        return ship_fail_errno(err, SHIP_IO, "cannot read '%s'", path);
    if (!S_ISREG(st.st_mode))
        return ship_fail(err, SHIP_INVALID, "'%s' is not a regular file", path);
    return read_to_end(fd, path, out, err);
}

bool file_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

int file_write_all(int fd, const void *p, size_t len)
{
    const char *at = p;

    while (len > 0) {
        ssize_t n = write(fd, at, len);

        if (n < 0 && errno != EINTR)
            return -1;
        if (n > 0) {
            at += n;
            len -= (size_t)n;
        }
    }
    return 0;
}

/* fsync of a directory makes a rename in it durable. */
static int sync_dir(const char *dir, struct ship_error *err)
{
    AUTO_FD int fd = open(dir, O_RDONLY | O_CLOEXEC | O_DIRECTORY);

    if (fd < 0 || fsync(fd) < 0)
        return ship_fail_errno(err, SHIP_IO, "cannot sync directory '%s'", dir);
    return 0;
}

/* Give fd the owner and mode of old, or mode when there is no old file. */
static int set_owner_and_mode(int fd, const struct stat *old, mode_t mode)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return -1;
    if (old != NULL && (st.st_uid != old->st_uid || st.st_gid != old->st_gid) &&
        fchown(fd, old->st_uid, old->st_gid) < 0)
        return -1;
    return fchmod(fd, old != NULL ? old->st_mode & 07777 : mode);
}

/* Write data to the temporary file and move it to target. */
static int write_and_rename(int fd, const char *tmp, const char *target, const char *data,
                            size_t len, struct ship_error *err)
{
    if (file_write_all(fd, data, len) < 0 || fsync(fd) < 0)
        return ship_fail_errno(err, SHIP_IO, "cannot write '%s'", target);
    if (rename(tmp, target) < 0)
        return ship_fail_errno(err, SHIP_IO, "cannot replace '%s'", target);
    return 0;
}

/* Path behind symbolic links; a path that does not exist yet stands for itself. */
static char *resolve_target(const char *path, struct ship_error *err)
{
    char *real = realpath(path, NULL);
    struct stat st;

    if (real != NULL)
        return real;
    if (errno != ENOENT) {
        ship_fail_errno(err, SHIP_IO, "cannot resolve '%s'", path);
        return NULL;
    }
    if (lstat(path, &st) == 0) {
        ship_fail(err, SHIP_IO, "symbolic link '%s' points to nothing", path);
        return NULL;
    }
    return xstrdup(path);
}

int file_replace(const char *path, const char *data, size_t len, mode_t mode,
                 struct ship_error *err)
{
    AUTO_FREE char *target = resolve_target(path, err);
    AUTO_FREE char *dir = NULL;
    AUTO_FREE char *tmp = NULL;
    AUTO_FD int fd = -1;
    struct stat st;
    bool exists;
    int rc;

    if (target == NULL)
        return -1;
    exists = stat(target, &st) == 0;
    if (exists && !S_ISREG(st.st_mode))
        return ship_fail(err, SHIP_IO, "cannot replace '%s': not a regular file", target);
    dir = file_dirname(target);
    tmp = xasprintf("%s/.shipctl-XXXXXX", dir);
    fd = mkostemp(tmp, O_CLOEXEC);
    if (fd < 0)
        return ship_fail_errno(err, SHIP_IO, "cannot create a file in '%s'", dir);
    if (set_owner_and_mode(fd, exists ? &st : NULL, mode) < 0)
        rc = ship_fail_errno(err, SHIP_IO, "cannot keep owner and mode of '%s'", target);
    else
        rc = write_and_rename(fd, tmp, target, data, len, err);
    if (rc < 0) {
        unlink(tmp);
        return -1;
    }
    return sync_dir(dir, err);
}

/* mkdir one level; a directory that is already there is fine. */
static int make_dir(const char *path, mode_t mode, struct ship_error *err)
{
    struct stat st;

    if (mkdir(path, mode) == 0)
        return 0;
    if (errno == EEXIST && stat(path, &st) == 0) {
        if (S_ISDIR(st.st_mode))
            return 0;
        errno = ENOTDIR;
    }
    return ship_fail_errno(err, SHIP_IO, "cannot make directory '%s'", path);
}

int file_make_dirs(const char *path, mode_t mode, struct ship_error *err)
{
    AUTO_FREE char *copy = xstrdup(path);

    for (char *p = copy; *p != '\0'; p++) {
        if (*p != '/' || p == copy)
            continue;
        *p = '\0';
        if (make_dir(copy, mode, err) < 0)
            return -1;
        *p = '/';
    }
    return make_dir(copy, mode, err);
}
