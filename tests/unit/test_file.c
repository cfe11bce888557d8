/* Files, paths and the trust check, in a private directory. */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/file.h"
#include "unit/assert.h"

/* The directory of the running test; removed with everything in it. */
static char dir[] = "/tmp/shipctl-test-XXXXXX";
static char *old_cwd;

static int make_dir(void **state)
{
    (void)state;
    memcpy(dir + sizeof dir - 7, "XXXXXX", 6);
    old_cwd = getcwd(NULL, 0);
    return mkdtemp(dir) == NULL || chdir(dir) < 0 ? -1 : 0;
}

static int remove_dir(void **state)
{
    AUTO_FREE char *command = xasprintf("chmod -R u+rwx '%s' && rm -rf '%s'", dir, dir);
    int rc = chdir(old_cwd);

    (void)state;
    free(old_cwd);
    return rc == 0 ? system(command) : -1;
}

static void write_file(const char *path, const char *text, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(file_write_all(fd, text, strlen(text)), 0);
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

static void assert_content(const char *path, const char *expected)
{
    AUTO(buf_done) struct buf b = BUF_INIT(1000);
    struct ship_error err = {0};

    assert_ok(file_read(path, &b, &err), &err);
    assert_string_equal(b.p, expected);
}

static mode_t mode_of(const char *path)
{
    struct stat st;

    assert_int_equal(stat(path, &st), 0);
    return st.st_mode & 07777;
}

static void test_read_appends_the_whole_file(void **state)
{
    AUTO(buf_done) struct buf b = BUF_INIT(8);
    struct ship_error err = {0};

    (void)state;
    write_file("f", "content", 0600);
    (void)buf_adds(&b, ">");
    assert_ok(file_read("f", &b, &err), &err);
    assert_string_equal(b.p, ">content");
}

static void test_read_of_too_much_names_the_limit_and_keeps_out(void **state)
{
    AUTO(buf_done) struct buf b = BUF_INIT(6);
    struct ship_error err = {0};

    (void)state;
    write_file("f", "content", 0600);
    (void)buf_adds(&b, ">");
    assert_fails(file_read("f", &b, &err), &err, SHIP_INVALID);
    assert_contains(err.msg, "6 bytes");
    assert_string_equal(b.p, ">");
    assert_false(b.overflow);
}

static void test_read_of_bad_paths_fails_without_blocking(void **state)
{
    AUTO(buf_done) struct buf b = BUF_INIT(100);
    struct ship_error err = {0};

    (void)state;
    assert_int_equal(mkfifo("fifo", 0600), 0);
    assert_fails(file_read("none", &b, &err), &err, SHIP_NOT_FOUND);
    assert_contains(err.msg, "'none'");
    assert_fails(file_read("fifo", &b, &err), &err, SHIP_INVALID);
    assert_fails(file_read(".", &b, &err), &err, SHIP_INVALID);
    assert_fails(file_read("/dev/zero", &b, &err), &err, SHIP_INVALID);
    assert_int_equal(b.len, 0);
}

static void test_read_fd_takes_a_pipe(void **state)
{
    AUTO(buf_done) struct buf b = BUF_INIT(100);
    struct ship_error err = {0};
    int fds[2];

    (void)state;
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    assert_int_equal(file_write_all(fds[1], "piped", 5), 0);
    close(fds[1]);
    assert_ok(file_read_fd(fds[0], "pipe", &b, &err), &err);
    close(fds[0]);
    assert_string_equal(b.p, "piped");
    assert_fails(file_read_fd(-1, "closed", &b, &err), &err, SHIP_IO);
}

static unsigned count_entries(void)
{
    DIR *d = opendir(".");
    unsigned n = 0;

    assert_non_null(d);
    while (readdir(d) != NULL)
        n++;
    closedir(d);
    return n;
}

static void test_replace_creates_with_the_mode_and_leaves_nothing_else(void **state)
{
    struct ship_error err = {0};

    (void)state;
    assert_ok(file_replace("f", "one", 3, 0640, &err), &err);
    assert_content("f", "one");
    assert_int_equal(mode_of("f"), 0640);
    assert_int_equal(count_entries(), 3); /* with . and .. */
}

static void test_replace_keeps_mode_and_owner(void **state)
{
    struct ship_error err = {0};
    struct stat st;
    uid_t owner = geteuid() == 0 ? 12345 : geteuid();

    (void)state;
    write_file("f", "old", 0664);
    assert_int_equal(chown("f", owner, (gid_t)-1), 0);
    assert_ok(file_replace("f", "new", 3, 0600, &err), &err);
    assert_content("f", "new");
    assert_int_equal(mode_of("f"), 0664);
    assert_int_equal(stat("f", &st), 0);
    assert_int_equal(st.st_uid, owner);
}

static void test_replace_follows_a_symbolic_link(void **state)
{
    struct ship_error err = {0};
    struct stat st;

    (void)state;
    assert_int_equal(mkdir("sub", 0700), 0);
    write_file("sub/real", "old", 0600);
    assert_int_equal(symlink("sub/real", "link"), 0);
    assert_ok(file_replace("link", "new", 3, 0600, &err), &err);
    assert_content("sub/real", "new");
    assert_int_equal(lstat("link", &st), 0);
    assert_true(S_ISLNK(st.st_mode));
}

static void test_replace_failures_leave_the_old_state(void **state)
{
    struct ship_error err = {0};

    (void)state;
    assert_int_equal(mkdir("sub", 0700), 0);
    assert_int_equal(symlink("nowhere", "dangling"), 0);
    assert_fails(file_replace("sub", "x", 1, 0600, &err), &err, SHIP_IO);
    assert_fails(file_replace("dangling", "x", 1, 0600, &err), &err, SHIP_IO);
    assert_fails(file_replace("none/f", "x", 1, 0600, &err), &err, SHIP_IO);
    assert_int_equal(count_entries(), 4);
}

static void test_make_dirs_makes_the_missing_ones(void **state)
{
    struct ship_error err = {0};

    (void)state;
    assert_ok(file_make_dirs("a/b/c", 0750, &err), &err);
    assert_int_equal(mode_of("a/b/c") & 0700, 0700);
    assert_ok(file_make_dirs("a/b/c/", 0750, &err), &err);
    assert_ok(file_make_dirs(dir, 0750, &err), &err);
    write_file("file", "", 0600);
    assert_fails(file_make_dirs("file/x", 0750, &err), &err, SHIP_IO);
    assert_fails(file_make_dirs("file", 0750, &err), &err, SHIP_IO);
}

static void test_path_join_folds_lexically(void **state)
{
    static const struct {
        const char *base, *p, *joined;
    } rows[] = {
        {"/a",   "b",          "/a/b"   },
        {"/a",   "/b",         "/b"     },
        {"/a/",  "./b//c/",    "/a/b/c" },
        {"/a/b", "../c",       "/a/c"   },
        {"/a",   "../../..",   "/"      },
        {"a",    "..",         "."      },
        {"a",    "../..",      ".."     },
        {"",     "b",          "b"      },
        {"..",   "../b",       "../../b"},
        {"/",    "x",          "/x"     },
        {"a/b",  "../../../c", "../c"   },
        {"/a",   "",           "/a"     },
        {".",    ".",          "."      },
        {"/a",   "...",        "/a/..." },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        AUTO_FREE char *joined = file_path_join(rows[i].base, rows[i].p);

        assert_string_equal(joined, rows[i].joined);
    }
}

static void test_dirname_and_basename_split_like_posix(void **state)
{
    static const struct {
        const char *path, *dir, *base;
    } rows[] = {
        {"a",      ".",    "a"},
        {"/a",     "/",    "a"},
        {"a/b",    "a",    "b"},
        {"/a/b/",  "/a",   "b"},
        {"/",      "/",    "/"},
        {"//",     "/",    "/"},
        {"",       ".",    "."},
        {"a//b",   "a",    "b"},
        {"/a/b/c", "/a/b", "c"},
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        AUTO_FREE char *parent = file_dirname(rows[i].path);
        AUTO_FREE char *base = file_basename(rows[i].path);

        assert_string_equal(parent, rows[i].dir);
        assert_string_equal(base, rows[i].base);
    }
}

static void test_trust_accepts_a_private_file(void **state)
{
    struct ship_error err = {0};

    (void)state;
    write_file("f", "", 0644);
    assert_ok(file_check_trust("f", &err), &err);
    assert_int_equal(symlink("f", "link"), 0);
    assert_ok(file_check_trust("link", &err), &err);
}

static void test_trust_refuses_what_others_may_write(void **state)
{
    struct ship_error err = {0};

    (void)state;
    write_file("f", "", 0664);
    assert_fails(file_check_trust("f", &err), &err, SHIP_INVALID);
    assert_contains(err.hint, "chmod go-w");
    assert_int_equal(chmod("f", 0602), 0);
    assert_fails(file_check_trust("f", &err), &err, SHIP_INVALID);
    assert_int_equal(mkdir("open", 0700), 0);
    write_file("open/f", "", 0600);
    assert_int_equal(chmod("open", 0770), 0);
    assert_fails(file_check_trust("open/f", &err), &err, SHIP_INVALID);
    assert_contains(err.msg, "/open'");
    assert_int_equal(chmod("open", 01777), 0);
    assert_ok(file_check_trust("open/f", &err), &err);
    assert_fails(file_check_trust("none", &err), &err, SHIP_NOT_FOUND);
}

static void test_trust_looks_at_the_place_of_a_link_too(void **state)
{
    struct ship_error err = {0};

    (void)state;
    write_file("f", "", 0600);
    assert_int_equal(mkdir("open", 0700), 0);
    assert_int_equal(symlink("../f", "open/link"), 0);
    assert_int_equal(chmod("open", 0777), 0);
    assert_fails(file_check_trust("open/link", &err), &err, SHIP_INVALID);
    assert_fails(file_check_trust("open/../f", &err), &err, SHIP_INVALID);
}

static void test_trust_refuses_a_foreign_owner(void **state)
{
    struct ship_error err = {0};

    (void)state;
    if (geteuid() != 0)
        skip(); /* only root can give a file away */
    write_file("f", "", 0600);
    assert_int_equal(chown("f", 12345, (gid_t)-1), 0);
    assert_fails(file_check_trust("f", &err), &err, SHIP_INVALID);
    assert_contains(err.hint, "chown 0");
}

#define IN_DIR(f) cmocka_unit_test_setup_teardown(f, make_dir, remove_dir)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_DIR(test_read_appends_the_whole_file),
        IN_DIR(test_read_of_too_much_names_the_limit_and_keeps_out),
        IN_DIR(test_read_of_bad_paths_fails_without_blocking),
        IN_DIR(test_read_fd_takes_a_pipe),
        IN_DIR(test_replace_creates_with_the_mode_and_leaves_nothing_else),
        IN_DIR(test_replace_keeps_mode_and_owner),
        IN_DIR(test_replace_follows_a_symbolic_link),
        IN_DIR(test_replace_failures_leave_the_old_state),
        IN_DIR(test_make_dirs_makes_the_missing_ones),
        cmocka_unit_test(test_path_join_folds_lexically),
        cmocka_unit_test(test_dirname_and_basename_split_like_posix),
        IN_DIR(test_trust_accepts_a_private_file),
        IN_DIR(test_trust_refuses_what_others_may_write),
        IN_DIR(test_trust_looks_at_the_place_of_a_link_too),
        IN_DIR(test_trust_refuses_a_foreign_owner),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
