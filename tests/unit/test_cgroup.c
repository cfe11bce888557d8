/* Control groups read from a scratch root: versions 1 and 2, and what must not be believed. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/file.h"
#include "docker/cgroup.h"
#include "unit/assert.h"

#define ID    "aaaabbbbccccddddeeeeffff00001111aaaabbbbccccddddeeeeffff00001111"
#define V2    "sys/fs/cgroup/docker/" ID
#define V1CPU "sys/fs/cgroup/cpuacct/docker/" ID
#define V1MEM "sys/fs/cgroup/memory/docker/" ID

struct file {
    const char *path, *text;
};

static const struct {
    const char *why;
    int rc;
    uint64_t cpu_ns;
    int64_t memory;
    struct file files[6];
} rows[] = {
    {"version 2",
     0,                                                           5000000,
     700,                                                                     {{"proc/42/cgroup", "0::/docker/" ID "\n"},
      {V2 "/cpu.stat", "usage_usec 5000\nuser_usec 1\n"},
      {V2 "/memory.current", "1000\n"},
      {V2 "/memory.stat", "anon 5\ninactive_file 300\nactive_file 9\n"}}                                       },
    {"version 2 without memory.stat counts the cache",
     0,                                                           5000000,
     1000,                                                                    {{"proc/42/cgroup", "0::/docker/" ID "\n"},
      {V2 "/cpu.stat", "usage_usec 5000\n"},
      {V2 "/memory.current", "1000\n"}}                                                                       },
    {"version 1",
     0,                                                           77,
     600,                                                                     {{"proc/42/cgroup",
       "12:memory:/docker/" ID "\n4:cpu,cpuacct:/docker/" ID "\n1:name=systemd:/docker/" ID "\n"},
      {V1CPU "/cpuacct.usage", "77\n"},
      {V1MEM "/memory.usage_in_bytes", "1000\n"},
      {V1MEM "/memory.stat", "inactive_file 1\ntotal_inactive_file 400\n"}}                                    },
    {"both: version 1 controllers beside an empty version 2",
     0,                                                           77,
     1000,                                                                    {{"proc/42/cgroup", "12:memory:/docker/" ID "\n4:cpuacct:/docker/" ID "\n0::/docker/" ID "\n"},
      {V1CPU "/cpuacct.usage", "77\n"},
      {V1MEM "/memory.usage_in_bytes", "1000\n"}}                                                             },
    {"no such process",                                       -1, 0,       0, {{"proc/7/cgroup", "0::/docker/" ID "\n"}}},
    {"the pid is somebody else's here",
     -1,
     0,                                                                    0,
     {{"proc/42/cgroup", "0::/system.slice/ssh.service\n"},
      {"sys/fs/cgroup/system.slice/ssh.service/cpu.stat", "usage_usec 5000\n"},
      {"sys/fs/cgroup/system.slice/ssh.service/memory.current", "1\n"}}                                                 },
    {"a path that climbs",
     -1,
     0,                                                                    0,
     {{"proc/42/cgroup", "0::/../docker/" ID "\n"},
      {"sys/fs/docker/" ID "/cpu.stat", "usage_usec 5000\n"},
      {"sys/fs/docker/" ID "/memory.current", "1\n"}}                                                                   },
    {"no accounting",
     -1,
     0,                                                                    0,
     {{"proc/42/cgroup", "0::/docker/" ID "\n"}, {V2 "/memory.current", "1000\n"}}                                      },
    {"garbage numbers",
     -1,
     0,                                                                    0,
     {{"proc/42/cgroup", "0::/docker/" ID "\n"},
      {V2 "/cpu.stat", "usage_usec many\n"},
      {V2 "/memory.current", "max\n"}}                                                                                  },
    {"garbage groups",                                        -1, 0,       0, {{"proc/42/cgroup", "nothing\n:::\n\n"}}  },
};

static void put(const char *root, const struct file *f)
{
    struct ship_error err = {0};
    AUTO_FREE char *path = xasprintf("%s/%s", root, f->path);
    AUTO_FREE char *dir = file_dirname(path);

    assert_ok(file_make_dirs(dir, 0700, &err), &err);
    assert_ok(file_replace(path, f->text, strlen(f->text), 0600, &err), &err);
}

static void remove_dir(const char *dir)
{
    DIR *d = opendir(dir);
    struct dirent *e;

    while (d && (e = readdir(d))) {
        AUTO_FREE char *path = xasprintf("%s/%s", dir, e->d_name);

        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 && unlink(path))
            remove_dir(path);
    }
    if (d)
        closedir(d);
    (void)rmdir(dir);
}

static void test_cgroup_usage_read_by_layout(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        const char *tmp = getenv("TMPDIR");
        AUTO_FREE char *root = xasprintf("%s/cgroup-XXXXXX", tmp ? tmp : "/tmp");
        struct cgroup_usage usage = {0};

        assert_non_null(mkdtemp(root));
        for (size_t k = 0; k < ROWS(rows[i].files) && rows[i].files[k].path; k++)
            put(root, &rows[i].files[k]);
        row_check(cgroup_usage_read(root, 42, ID, &usage) == rows[i].rc, rows[i].why);
        row_check(usage.cpu_total_ns == rows[i].cpu_ns, rows[i].why);
        row_check(usage.memory_bytes == rows[i].memory, rows[i].why);
        remove_dir(root);
    }
}

static void test_cgroup_usage_read_without_pid_or_id_is_unknown(void **state)
{
    (void)state;
    struct cgroup_usage usage;

    assert_int_equal(cgroup_usage_read("", 0, ID, &usage), -1);
    assert_int_equal(cgroup_usage_read("", getpid(), "", &usage), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cgroup_usage_read_by_layout),
        cmocka_unit_test(test_cgroup_usage_read_without_pid_or_id_is_unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
