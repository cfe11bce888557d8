/*
 * Files: bounded reads, atomic replacement, directories, trust check, locks.
 *
 * Every open is O_CLOEXEC. Replacement = temporary file in the same directory,
 * fsync, rename, fsync of the directory, so a reader or a power cut sees the
 * old content or the new one, never a part.
 */
#ifndef SHIP_BASE_FILE_H
#define SHIP_BASE_FILE_H

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "shipctl/error.h"

#include "base/buf.h"

/*
 * Append the whole file to out; more than out->max is an error that names the limit.
 * Codes: SHIP_NOT_FOUND (ENOENT), SHIP_INVALID (too large, not a regular file), SHIP_IO.
 */
SHIP_CHECKED int file_read(const char *path, struct buf *out, struct ship_error *err);

/*
 * Same for an open descriptor of any kind (a pipe too); name is for messages. Reads from the
 * current offset to the end, blocking as the descriptor does.
 */
SHIP_CHECKED int file_read_fd(int fd, const char *name, struct buf *out, struct ship_error *err);

bool file_exists(const char *path);

/*
 * Replace path with data. An existing file keeps its mode and owner; a new one gets `mode`.
 * A symbolic link is followed: the target is replaced. Code: SHIP_IO.
 */
SHIP_CHECKED int file_replace(const char *path, const char *data, size_t len, mode_t mode,
                              struct ship_error *err);

/* mkdir -p with mode for the directories made. Code: SHIP_IO. */
SHIP_CHECKED int file_make_dirs(const char *path, mode_t mode, struct ship_error *err);

/* Lexical join and clean: absolute p wins, "." and ".." are folded. Heap string, caller frees. */
char *file_path_join(const char *dir, const char *p);

/* Directory part and last part; heap strings, caller frees. */
char *file_dirname(const char *path);
char *file_basename(const char *path);

/*
 * ssh-style trust: the file and each parent directory must belong to root or the effective user
 * and must not be writable by group or others (a sticky directory such as /tmp passes).
 * Checked along the path as given and along the path behind its symbolic links.
 * 0 trusted; -1 SHIP_INVALID with a hint naming the chmod or chown, SHIP_NOT_FOUND, SHIP_IO.
 */
SHIP_CHECKED int file_check_trust(const char *path, struct ship_error *err);

/* Write all bytes, retrying short writes and EINTR. Returns 0, or -1 with errno set. */
int file_write_all(int fd, const void *p, size_t len);

#endif
