/*
 * Space and place: free bytes, the ballast, file systems we refuse.
 *
 * A deployment that fills the disk must still be able to record its rollback.
 * So 1 MiB is set aside while all is well (`ledger.ballast`) and given up by
 * the first write that finds no space; the next open with room makes it anew.
 */
#include "ledger/space.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/str.h"

#define BALLAST_BYTES   (1024 * 1024)
#define MOUNT_LINES_MAX 100000

/* Magic numbers that <linux/magic.h> lacks. */
#define MAGIC_CIFS 0xFF534D42u
#define MAGIC_SMB2 0xFE534D42u
#define MAGIC_GPFS 0x47504653u
#define MAGIC_LUST 0x0BD00BD0u

static const struct {
    unsigned long magic;
    const char *name;
} network_magic[] = {
    {NFS_SUPER_MAGIC,  "NFS"   },
    {SMB_SUPER_MAGIC,  "SMB"   },
    {MAGIC_CIFS,       "CIFS"  },
    {MAGIC_SMB2,       "SMB"   },
    {AFS_SUPER_MAGIC,  "AFS"   },
    {CODA_SUPER_MAGIC, "Coda"  },
    {NCP_SUPER_MAGIC,  "NCP"   },
    {V9FS_MAGIC,       "9P"    },
    {0x00C36400u,      "Ceph"  },
    {MAGIC_GPFS,       "GPFS"  },
    {MAGIC_LUST,       "Lustre"},
};

/* FUSE carries local file systems too, so its kind is looked up by name. */
static const char *const network_fuse[] = {
    "fuse.sshfs",     "fuse.rclone",  "fuse.s3fs",        "fuse.goofys",    "fuse.mount-s3",
    "fuse.glusterfs", "fuse.davfs",   "fuse.davfs2",      "fuse.ceph",      "fuse.ceph-fuse",
    "fuse.smbnetfs",  "fuse.gcsfuse", "fuse.blobfuse2",   "fuse.curlftpfs", "fuse.juicefs",
    "fuse.weed",      "fuse.nfs",     "fuse.vmhgfs-fuse",
};

const char *space_network_name(long magic, const char *fuse_type)
{
    /* f_type is signed and 32 bit wide on some machines: compare as 32 unsigned bits. */
    unsigned long m = (unsigned long)magic & 0xffffffffUL;

    for (size_t i = 0; i < ARRAY_LEN(network_magic); i++)
        if (network_magic[i].magic == m)
            return network_magic[i].name;
    for (size_t i = 0; m == FUSE_SUPER_MAGIC && i < ARRAY_LEN(network_fuse); i++)
        if (str_eq(network_fuse[i], fuse_type))
            return network_fuse[i];
    return NULL;
}

/* The "98:0" of a mountinfo line, its third field; false when it is not there. */
static bool mount_device(const char *line, dev_t *ret)
{
    unsigned long major_no, minor_no;
    char *end;

    for (int i = 0; line && i < 2; i++) {
        line = strchr(line, ' ');
        line = line ? line + 1 : NULL;
    }
    if (!line)
        return false;
    major_no = strtoul(line, &end, 10);
    if (end == line || *end != ':')
        return false;
    line = end + 1;
    minor_no = strtoul(line, &end, 10);
    if (end == line || *end != ' ')
        return false;
    *ret = makedev((unsigned)major_no, (unsigned)minor_no);
    return true;
}

bool space_mount_type(const char *line, dev_t dev, char *type, size_t size)
{
    const char *dash = strstr(line, " - ");
    dev_t found = 0;
    size_t len;

    if (!dash || !mount_device(line, &found) || found != dev)
        return false;
    len = strcspn(dash + 3, " \n");
    if (len >= size)
        return false;
    memcpy(type, dash + 3, len);
    type[len] = '\0';
    return true;
}

static void close_stream(FILE **f)
{
    if (*f)
        (void)fclose(*f);
}

static void find_mount_type(dev_t dev, char *type, size_t size)
{
    AUTO(close_stream) FILE *f = fopen("/proc/self/mountinfo", "re");
    AUTO_FREE char *line = NULL;
    size_t cap = 0;

    type[0] = '\0';
    for (int i = 0; f && i < MOUNT_LINES_MAX && getline(&line, &cap, f) > 0; i++)
        if (space_mount_type(line, dev, type, size))
            return;
}

int space_check_filesystem(const char *dir, struct ship_error *err)
{
    char fuse_type[64] = "";
    struct statfs fs;
    struct stat st;
    const char *name;

    if (statfs(dir, &fs) || stat(dir, &st))
        return ship_fail_errno(err, SHIP_UNREACHABLE, "state directory '%s'", dir);
    if ((unsigned long)fs.f_type == FUSE_SUPER_MAGIC)
        find_mount_type(st.st_dev, fuse_type, sizeof fuse_type);
    name = space_network_name((long)fs.f_type, fuse_type);
    if (!name)
        return 0;
    ship_fail(err, SHIP_UNREACHABLE, "state directory '%s' is on a network file system (%s)", dir,
              name);
    return ship_error_hint(err, "set SHIPCTL_STATE_DIR to a directory on a local disk");
}

/* Free bytes where path is, or would be made. */
static int free_bytes(const char *path, uint64_t *ret, struct ship_error *err)
{
    AUTO_FREE char *at = xstrdup(path);
    struct statvfs fs;

    while (statvfs(at, &fs)) {
        char *up;

        if ((errno != ENOENT && errno != ENOTDIR) || str_eq(at, "/") || str_eq(at, "."))
            return ship_fail_errno(err, SHIP_UNREACHABLE, "state directory '%s'", path);
        up = file_dirname(at);
        free(at);
        at = up;
    }
    *ret = (uint64_t)fs.f_bavail * (uint64_t)fs.f_frsize;
    return 0;
}

int ledger_space_check(const char *state_dir, struct ship_error *err)
{
    char text[STR_BYTES_MAX];
    uint64_t left = 0;

    if (free_bytes(state_dir, &left, err))
        return -1;
    if (left >= LEDGER_MIN_FREE_BYTES)
        return 0;
    ship_fail(err, SHIP_PRECHECK, "only %s free for the ledger in '%s', 16 MiB needed",
              str_format_bytes(left, text), state_dir);
    return ship_error_hint(err, "free some space on the file system of the state directory");
}

void space_make_ballast(struct ledger *l)
{
    struct ship_error ignored = {0};
    uint64_t left = 0;
    struct stat st;
    AUTO_FD int fd = -1;

    if (lstat(l->ballast, &st) == 0 && st.st_size >= BALLAST_BYTES)
        return;
    /* Short of space already: taking the room back would undo the good it did. */
    if (free_bytes(l->dir, &left, &ignored) || left < LEDGER_MIN_FREE_BYTES)
        return;
    fd = open(l->ballast, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    if (fd >= 0 && posix_fallocate(fd, 0, BALLAST_BYTES) != 0)
        (void)unlink(l->ballast);
}

bool space_drop_ballast(struct ledger *l)
{
    return unlink(l->ballast) == 0;
}
