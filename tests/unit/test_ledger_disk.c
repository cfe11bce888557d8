/*
 * Full, read-only and foreign disks. Needs root (it mounts a tmpfs in a private namespace): without
 * it the program says so and fails, because a skipped test proves nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "ledger/db.h"
#include "support/ledger_fixture.h"
#include "unit/assert.h"

#define NOBODY 65534

/* A tmpfs of our own under the fixture's directory becomes the state directory. */
static int setup_tmpfs(void **state)
{
    struct fixture *f;
    char *outer;

    if (fixture_setup_empty(state))
        return -1;
    f = *state;
    outer = f->dir;
    f->dir = xasprintf("%s/state", outer);
    free(f->path);
    f->path = xasprintf("%s/ledger.db", f->dir);
    if (mkdir(f->dir, 0700) || mount("tmpfs", f->dir, "tmpfs", 0, "size=20m,mode=0700"))
        return -1;
    free(outer);
    return 0;
}

static int teardown_tmpfs(void **state)
{
    struct fixture *f = *state;
    char *outer = file_dirname(f->dir);

    ledger_close(f->l);
    f->l = NULL;
    (void)umount2(f->dir, MNT_DETACH);
    (void)rmdir(f->dir);
    free(f->dir);
    f->dir = outer;
    return fixture_teardown(state);
}

/* Fill the file system to the last byte, but for `spare` bytes. */
static void fill_disk(const struct fixture *f, size_t spare)
{
    AUTO_FREE char *path = xasprintf("%s/filler", f->dir);
    AUTO_FREE char *block = xcalloc(1, 65536);
    AUTO_FD int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_APPEND, 0600);
    struct stat st;

    while (write(fd, block, 65536) > 0 || write(fd, block, 4096) > 0)
        continue;
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(ftruncate(fd, st.st_size - (off_t)spare), 0);
}

static bool has_ballast(const struct fixture *f)
{
    AUTO_FREE char *path = xasprintf("%s/ledger.ballast", f->dir);

    return file_exists(path);
}

static void free_disk(const struct fixture *f)
{
    AUTO_FREE char *path = xasprintf("%s/filler", f->dir);

    assert_int_equal(unlink(path), 0);
}

static void test_full_disk_the_ballast_lets_the_end_be_recorded(void **state)
{
    struct fixture *f = *state;
    struct ledger_end end = fixture_end(LEDGER_ROLLED_BACK, "rolled_back", 20);

    fixture_reopen(f, LEDGER_WRITE);
    int64_t good = fixture_success(f->l, "v1");
    int64_t id = fixture_begin(f->l, "v2");
    fixture_reopen(f, LEDGER_WRITE); /* no journal whose space could be used again */
    assert_true(has_ballast(f));
    fill_disk(f, 0);
    assert_fails(ledger_space_check(f->dir, &f->err), &f->err, SHIP_PRECHECK);
    assert_contains(f->err.msg, "16 MiB");
    end.error = "no space left on device";
    assert_ok(ledger_end(f->l, id, &end, &f->err), &f->err);
    assert_false(has_ballast(f));
    fixture_reopen(f, LEDGER_WRITE);
    assert_false(has_ballast(f));
    AUTO(ledger_deployment_done) struct ledger_deployment d = {0};
    assert_int_equal(ledger_current(f->l, "shop", "production", &d, &f->err), 0);
    assert_int_equal(d.id, good);
    assert_int_equal(fixture_read_all(f->l), 0);
    /* Room again: the ballast comes back. */
    free_disk(f);
    fixture_reopen(f, LEDGER_WRITE);
    assert_true(has_ballast(f));
    assert_ok(ledger_space_check(f->dir, &f->err), &f->err);
}

static void test_full_disk_without_ballast_fails_and_keeps_the_file(void **state)
{
    struct fixture *f = *state;
    AUTO_FREE char *ballast = xasprintf("%s/ledger.ballast", f->dir);
    AUTO_FREE char *log = xcalloc(1, 200001);

    fixture_reopen(f, LEDGER_WRITE);
    int64_t id = fixture_begin(f->l, "v1");
    assert_int_equal(unlink(ballast), 0);
    memset(log, 'l', 200000);
    /* From no room at all to almost enough: the journal, the file or its growth fails. */
    for (size_t spare = 0; spare <= 180000; spare += 20000) {
        fill_disk(f, spare);
        assert_fails(ledger_put_evidence(f->l, id, "log", NULL, log, &f->err), &f->err, SHIP_IO);
        assert_contains(f->err.msg, "no space");
        assert_true(f->err.hint[0] != '\0');
        assert_int_equal(fixture_read_all(f->l), 0);
        free_disk(f);
    }
    AUTO(ledger_evidence_done) struct ledger_evidences list = {0};
    assert_ok(ledger_put_evidence(f->l, id, "log", NULL, log, &f->err), &f->err);
    assert_ok(ledger_evidence_read(f->l, id, &list, &f->err), &f->err);
    assert_int_equal(list.n, 1);
}

static void test_full_disk_a_new_ledger_is_refused_and_can_be_made_later(void **state)
{
    struct fixture *f = *state;

    fill_disk(f, 0);
    assert_null_fails(ledger_open(f->dir, LEDGER_WRITE, &f->err), &f->err, SHIP_IO);
    free_disk(f);
    fixture_reopen(f, LEDGER_WRITE);
    assert_int_equal(fixture_begin(f->l, "v1"), 1);
}

static void test_read_only_disk_reads_and_refuses_writes(void **state)
{
    struct fixture *f = *state;
    AUTO_FREE char *sub = xasprintf("%s/sub", f->dir);

    fixture_reopen(f, LEDGER_WRITE);
    (void)fixture_success(f->l, "v1");
    ledger_close(f->l);
    f->l = NULL;
    assert_int_equal(mount(NULL, f->dir, NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
    assert_null_fails(ledger_open(f->dir, LEDGER_WRITE, &f->err), &f->err, SHIP_UNREACHABLE);
    assert_null_fails(ledger_open(sub, LEDGER_WRITE, &f->err), &f->err, SHIP_UNREACHABLE);
    fixture_reopen(f, LEDGER_READ);
    assert_int_equal(fixture_read_all(f->l), 0);
}

static void test_disk_turning_read_only_fails_the_write(void **state)
{
    struct fixture *f = *state;
    struct ledger_deployment d = fixture_deployment("v2");

    fixture_reopen(f, LEDGER_WRITE);
    (void)fixture_success(f->l, "v1");
    /* The open handle keeps its file; the journal beside it cannot be made any more. */
    assert_int_equal(mount(f->dir, f->dir, NULL, MS_BIND, NULL), 0);
    assert_int_equal(mount(NULL, f->dir, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL), 0);
    assert_int_equal(ledger_begin(f->l, &d, &f->err), -1);
    assert_true(f->err.code == SHIP_UNREACHABLE || f->err.code == SHIP_IO);
    assert_int_equal(umount2(f->dir, MNT_DETACH), 0);
    assert_ok(ledger_begin(f->l, &d, &f->err), &f->err);
}

/* ---- a user who may read only ---- */

struct as_nobody {
    enum ledger_mode mode;
    enum ship_code code; /* SHIP_OK: everything can be read */
    const char *message;
};

static void run_as_nobody(const struct fixture *f, const struct as_nobody *expect)
{
    struct ship_error err = {0};
    struct ledger *l;

    fixture_must(setegid(NOBODY) == 0 && seteuid(NOBODY) == 0, "become nobody", NULL);
    l = ledger_open(f->dir, expect->mode, &err);
    if (expect->code == SHIP_OK)
        fixture_must(l && fixture_read_all(l) == 0, "read as nobody", &err);
    else
        fixture_must(!l && err.code == expect->code && strstr(err.msg, expect->message),
                     "refused to nobody", &err);
    ledger_close(l);
}

static void assert_as_nobody(const struct fixture *f, const struct as_nobody *expect)
{
    int status = 0;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        run_as_nobody(f, expect);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void open_to_readers(struct fixture *f)
{
    AUTO_FREE char *outer = file_dirname(f->dir);

    assert_int_equal(chmod(outer, 0755) | chmod(f->dir, 0755) | chmod(f->path, 0644), 0);
}

static void test_reader_without_write_permission_reads(void **state)
{
    struct fixture *f = *state;

    fixture_reopen(f, LEDGER_WRITE);
    (void)fixture_success(f->l, "v1");
    open_to_readers(f);
    assert_as_nobody(f, &(struct as_nobody){LEDGER_READ, SHIP_UNREACHABLE, "read"});
    fixture_reopen(f, LEDGER_WRITE); /* from now on the journal has the mode of the file, too */
    assert_as_nobody(f, &(struct as_nobody){LEDGER_READ, SHIP_OK, ""});
    /* And while the owner is in the middle of a transaction. */
    assert_ok(db_exec(f->l, "BEGIN IMMEDIATE; UPDATE deployments SET reason = 'half'", &f->err),
              &f->err);
    assert_as_nobody(f, &(struct as_nobody){LEDGER_READ, SHIP_OK, ""});
    assert_ok(db_exec(f->l, "ROLLBACK", &f->err), &f->err);
    assert_as_nobody(f, &(struct as_nobody){LEDGER_WRITE, SHIP_UNREACHABLE, "written"});
    assert_int_equal(chmod(f->path, 0666), 0);
    assert_as_nobody(f, &(struct as_nobody){LEDGER_WRITE, SHIP_UNREACHABLE, "written"});
}

static void test_private_ledger_is_refused_to_others(void **state)
{
    struct fixture *f = *state;

    fixture_reopen(f, LEDGER_WRITE);
    open_to_readers(f);
    assert_int_equal(chmod(f->path, 0600), 0);
    assert_as_nobody(f, &(struct as_nobody){LEDGER_READ, SHIP_UNREACHABLE, "read"});
    assert_int_equal(chmod(f->dir, 0700), 0);
    assert_as_nobody(f, &(struct as_nobody){LEDGER_READ, SHIP_UNREACHABLE, "ermission"});
}

static void test_reader_without_write_permission_cannot_undo_a_killed_writer(void **state)
{
    struct fixture *f = *state;
    int status = 0;
    pid_t pid;

    fixture_reopen(f, LEDGER_WRITE);
    fixture_fill(f->l);
    open_to_readers(f);
    pid = fork();
    if (pid == 0) {
        fixture_must(seteuid(0) == 0, "stay root", NULL);
        struct ship_error err = {0};
        f->l = ledger_open(f->dir, LEDGER_WRITE, &err);
        fixture_must(f->l && db_exec(f->l,
                                     "PRAGMA cache_spill = ON; PRAGMA cache_size = 2;"
                                     "BEGIN IMMEDIATE;"
                                     "UPDATE evidence SET text = replace(text, 'l', 'x');"
                                     "UPDATE deployments SET reason = 'half';"
                                     "UPDATE services SET image = 'half'",
                                     &err) == 0,
                     "half a transaction", &err);
        (void)raise(SIGKILL);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    AUTO_FREE char *journal = xasprintf("%s-journal", f->path);
    assert_int_equal(chmod(journal, 0644), 0);
    assert_as_nobody(f, &(struct as_nobody){LEDGER_READ, SHIP_UNREACHABLE, "middle of a write"});
    fixture_reopen(f, LEDGER_READ);
    assert_int_equal(fixture_read_all(f->l), 0);
    assert_as_nobody(f, &(struct as_nobody){LEDGER_READ, SHIP_OK, ""});
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_tmpfs, teardown_tmpfs)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(test_full_disk_the_ballast_lets_the_end_be_recorded),
        TEST(test_full_disk_without_ballast_fails_and_keeps_the_file),
        TEST(test_full_disk_a_new_ledger_is_refused_and_can_be_made_later),
        TEST(test_read_only_disk_reads_and_refuses_writes),
        TEST(test_disk_turning_read_only_fails_the_write),
        TEST(test_reader_without_write_permission_reads),
        TEST(test_private_ledger_is_refused_to_others),
        TEST(test_reader_without_write_permission_cannot_undo_a_killed_writer),
    };

    if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL)) {
        (void)fprintf(stderr, "test_ledger_disk needs root to mount a tmpfs: %s\n",
                      strerror(errno));
        return 1;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
