/* Opening: modes, files that are no ledgers, schema versions, migrations, place and space. */
#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/str.h"
#include "ledger/db.h"
#include "ledger/schema.h"
#include "ledger/space.h"
#include "support/ledger_fixture.h"
#include "unit/assert.h"

static size_t count_files(const char *dir)
{
    DIR *d = opendir(dir);
    size_t n = 0;

    for (struct dirent *e; d && (e = readdir(d));)
        n += e->d_name[0] != '.' ? 1 : 0;
    if (d)
        closedir(d);
    return n;
}

static void assert_mode(const char *path, mode_t mode)
{
    struct stat st;

    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, mode);
}

static void assert_open_fails(struct fixture *f, enum ledger_mode mode, enum ship_code code)
{
    assert_null_fails(ledger_open(f->dir, mode, &f->err), &f->err, code);
}

/* ---- what is there ---- */

static void test_open_write_creates_private_files_whatever_the_umask(void **state)
{
    struct fixture *f = *state;
    AUTO_FREE char *dir = xasprintf("%s/a/b", f->dir);
    AUTO_FREE char *file = xasprintf("%s/ledger.db", dir);
    AUTO_FREE char *ballast = xasprintf("%s/ledger.ballast", dir);
    mode_t old = umask(0);
    struct stat st;

    f->l = ledger_open(dir, LEDGER_WRITE, &f->err);
    umask(old);
    assert_not_null_ok(f->l, &f->err);
    assert_string_equal(ledger_path(f->l), file);
    assert_mode(dir, 0700);
    assert_mode(file, 0600);
    assert_mode(ballast, 0600);
    assert_int_equal(stat(ballast, &st), 0);
    assert_int_equal(st.st_size, 1024 * 1024);
    assert_true(st.st_blocks * 512 >= 1024 * 1024);
}

static void test_open_read_of_nothing_creates_nothing(void **state)
{
    struct fixture *f = *state;
    AUTO_FREE char *missing = xasprintf("%s/none", f->dir);

    assert_open_fails(f, LEDGER_READ, SHIP_NOT_FOUND);
    assert_int_equal(count_files(f->dir), 0);
    assert_null_fails(ledger_open(missing, LEDGER_READ, &f->err), &f->err, SHIP_NOT_FOUND);
    assert_int_equal(count_files(f->dir), 0);
    fixture_write_file(f->path, "", 0);
    assert_open_fails(f, LEDGER_READ, SHIP_NOT_FOUND);
    assert_int_equal(count_files(f->dir), 1);
}

static void test_open_write_completes_an_empty_file(void **state)
{
    struct fixture *f = *state;

    fixture_write_file(f->path, "", 0);
    fixture_reopen(f, LEDGER_WRITE);
    assert_int_equal(fixture_begin(f->l, "v1"), 1);
}

static void test_open_keeps_identity(void **state)
{
    struct fixture *f = *state;
    char uuid[LEDGER_UUID_SIZE];

    fixture_reopen(f, LEDGER_WRITE);
    (void)snprintf(uuid, sizeof uuid, "%s", ledger_uuid(f->l));
    assert_int_equal(strlen(uuid), 36);
    assert_int_equal(uuid[14], '4');
    fixture_reopen(f, LEDGER_READ);
    assert_string_equal(ledger_uuid(f->l), uuid);
}

static void test_open_settings_are_those_of_the_design(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *sql, *value;
    } rows[] = {
        {"PRAGMA journal_mode",    "persist"},
        {"PRAGMA synchronous",     "3"      },
        {"PRAGMA foreign_keys",    "1"      },
        {"PRAGMA secure_delete",   "1"      },
        {"PRAGMA trusted_schema",  "0"      },
        {"PRAGMA cell_size_check", "1"      },
        {"PRAGMA mmap_size",       "0"      },
        {"PRAGMA temp_store",      "2"      },
        {"PRAGMA busy_timeout",    "5000"   },
        {"PRAGMA cache_spill",     "0"      },
    };

    fixture_reopen(f, LEDGER_WRITE);
    for (size_t i = 0; i < ROWS(rows); i++) {
        AUTO_FREE char *value = NULL;

        assert_ok(db_text(f->l, rows[i].sql, NO_VALS, &value, &f->err), &f->err);
        if (!str_eq(value, rows[i].value))
            fail_msg("%s is %s, expected %s", rows[i].sql, value, rows[i].value);
    }
}

static void make_garbage(const struct fixture *f)
{
    char junk[8192];

    for (size_t i = 0; i < sizeof junk; i++)
        junk[i] = (char)(i * 37 % 251);
    fixture_write_file(f->path, junk, sizeof junk);
}

static void make_short_garbage(const struct fixture *f)
{
    fixture_write_file(f->path, "not a ledger", 12);
}

static void make_foreign_database(const struct fixture *f)
{
    fixture_raw(f->path, "CREATE TABLE places (id INTEGER PRIMARY KEY, url TEXT)");
}

static void make_foreign_with_version(const struct fixture *f)
{
    fixture_raw(f->path, "CREATE TABLE t (a); PRAGMA user_version = 1");
}

static void make_ours_without_tables(const struct fixture *f)
{
    fixture_raw(f->path,
                "CREATE TABLE t (a); PRAGMA application_id = 1397246288; PRAGMA user_version = 1");
}

static void make_ours_with_version_zero(const struct fixture *f)
{
    fixture_raw(f->path, "CREATE TABLE t (a); PRAGMA application_id = 1397246288");
}

static void make_ours_with_negative_version(const struct fixture *f)
{
    fixture_raw(f->path,
                "CREATE TABLE t (a); PRAGMA application_id = 1397246288; PRAGMA user_version = -1");
}

static void make_directory(const struct fixture *f)
{
    assert_int_equal(mkdir(f->path, 0700), 0);
}

static void make_fifo(const struct fixture *f)
{
    assert_int_equal(mkfifo(f->path, 0600), 0);
}

static void make_symlink(const struct fixture *f)
{
    AUTO_FREE char *target = xasprintf("%s/elsewhere.db", f->dir);

    fixture_write_file(target, "", 0);
    assert_int_equal(symlink(target, f->path), 0);
}

static void make_truncated(const struct fixture *f)
{
    struct ship_error err = {0};
    AUTO_PTR(ledger_close) struct ledger *l = ledger_open(f->dir, LEDGER_WRITE, &err);

    assert_not_null_ok(l, &err);
    fixture_fill(l);
    assert_int_equal(truncate(f->path, 4096), 0);
}

static void make_without_uuid(const struct fixture *f)
{
    struct ship_error err = {0};
    AUTO_PTR(ledger_close) struct ledger *l = ledger_open(f->dir, LEDGER_WRITE, &err);

    assert_not_null_ok(l, &err);
    fixture_raw(f->path, "DELETE FROM meta WHERE key = 'uuid'");
}

static const struct {
    const char *why;
    void (*make)(const struct fixture *f);
} no_ledgers[] = {
    {"garbage",                       make_garbage                   },
    {"a few bytes of garbage",        make_short_garbage             },
    {"a database of somebody else",   make_foreign_database          },
    {"the same with our version",     make_foreign_with_version      },
    {"our marks without our tables",  make_ours_without_tables       },
    {"our mark with version 0",       make_ours_with_version_zero    },
    {"our mark with version -1",      make_ours_with_negative_version},
    {"a directory",                   make_directory                 },
    {"a fifo, which would block",     make_fifo                      },
    {"a symbolic link",               make_symlink                   },
    {"a truncated ledger",            make_truncated                 },
    {"a ledger without its identity", make_without_uuid              },
};

static void test_open_no_ledger_is_invalid_and_left_alone(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(no_ledgers); i++) {
        static const enum ledger_mode modes[] = {LEDGER_READ, LEDGER_WRITE};
        void *one = NULL;
        struct fixture *f;
        struct stat before, after;

        assert_int_equal(fixture_setup_empty(&one), 0);
        f = one;
        no_ledgers[i].make(f);
        assert_int_equal(lstat(f->path, &before), 0);
        for (size_t m = 0; m < ROWS(modes); m++) {
            struct ledger *l = ledger_open(f->dir, modes[m], &f->err);

            /* A file that lost pages may open; reading and checking it must tell. */
            size_t failed = l ? fixture_read_all(l) : 1;
            ledger_close(l);
            row_check(failed > 0, no_ledgers[i].why);
            row_check(l || f->err.code == SHIP_UNREACHABLE, no_ledgers[i].why);
        }
        assert_int_equal(lstat(f->path, &after), 0);
        row_check(before.st_size == after.st_size, no_ledgers[i].why);
        assert_int_equal(fixture_teardown(&one), 0);
    }
}

static void test_open_state_directory_may_be_a_link(void **state)
{
    struct fixture *f = *state;
    AUTO_FREE char *link = xasprintf("%s/link", f->dir);
    AUTO_FREE char *real = xasprintf("%s/real", f->dir);

    assert_int_equal(mkdir(real, 0700), 0);
    assert_int_equal(symlink(real, link), 0);
    f->l = ledger_open(link, LEDGER_WRITE, &f->err);
    assert_not_null_ok(f->l, &f->err);
    assert_contains(ledger_path(f->l), "/real/ledger.db");
}

static void test_open_state_directory_is_a_file_fails(void **state)
{
    struct fixture *f = *state;

    fixture_write_file(f->path, "x", 1);
    assert_null_fails(ledger_open(f->path, LEDGER_WRITE, &f->err), &f->err, SHIP_UNREACHABLE);
    assert_null_fails(ledger_open(f->path, LEDGER_READ, &f->err), &f->err, SHIP_UNREACHABLE);
}

static void test_open_write_switches_wal_back(void **state)
{
    struct fixture *f = *state;
    AUTO_FREE char *mode = NULL;

    fixture_reopen(f, LEDGER_WRITE);
    (void)fixture_success(f->l, "v1");
    ledger_close(f->l);
    f->l = NULL;
    fixture_raw(f->path, "PRAGMA journal_mode = WAL");
    fixture_reopen(f, LEDGER_WRITE);
    mode = fixture_raw_text(f->path, "PRAGMA journal_mode");
    assert_string_equal(mode, "delete");
}

/* ---- schema versions ---- */

static void test_open_newer_schema(void **state)
{
    struct fixture *f = *state;

    fixture_reopen(f, LEDGER_WRITE);
    (void)fixture_success(f->l, "v1");
    fixture_raw(f->path, "PRAGMA user_version = 9");
    assert_open_fails(f, LEDGER_WRITE, SHIP_UNREACHABLE);
    assert_contains(f->err.msg, "schema 9");
    assert_contains(f->err.msg, "schema 1");
    assert_true(f->err.hint[0] != '\0');
    /* It says that readers of schema 1 can still read it. */
    fixture_reopen(f, LEDGER_READ);
    fixture_raw(f->path, "UPDATE meta SET value = '9' WHERE key = 'min_reader'");
    assert_open_fails(f, LEDGER_READ, SHIP_UNREACHABLE);
    assert_contains(f->err.msg, "schema 9");
    fixture_raw(f->path, "DELETE FROM meta WHERE key = 'min_reader'");
    assert_open_fails(f, LEDGER_READ, SHIP_UNREACHABLE);
}

static const char *const step_2[] = {"ALTER TABLE deployments ADD COLUMN team TEXT", NULL};
static const char *const step_3[] = {"CREATE TABLE teams (name TEXT) STRICT", "SELECT nonsense",
                                     NULL};

static void test_migrate_keeps_rows_and_a_private_copy(void **state)
{
    struct fixture *f = *state;
    struct migration steps[] = {
        schema_migrations[0], {2, step_2}
    };
    AUTO_FREE char *copy = xasprintf("%s.v1", f->path);
    mode_t old = umask(0);

    fixture_reopen(f, LEDGER_WRITE);
    (void)fixture_success(f->l, "v1");
    assert_fails(schema_check(f->l, steps, 2, &f->err), &f->err, SHIP_UNREACHABLE);
    assert_ok(schema_migrate(f->l, steps, 2, &f->err), &f->err);
    umask(old);
    assert_ok(schema_check(f->l, steps, 2, &f->err), &f->err);
    AUTO_FREE char *version = fixture_raw_text(f->path, "PRAGMA user_version");
    AUTO_FREE char *team =
        fixture_raw_text(f->path, "SELECT app || coalesce(team, '-') FROM deployments");
    AUTO_FREE char *kept = fixture_raw_text(copy, "PRAGMA user_version");
    AUTO_FREE char *rows = fixture_raw_text(copy, "SELECT count(*) FROM audit");
    assert_string_equal(version, "2");
    assert_string_equal(team, "shop-");
    assert_string_equal(kept, "1");
    assert_string_equal(rows, "3");
    assert_mode(copy, 0600);
    /* Twice is once. */
    assert_ok(schema_migrate(f->l, steps, 2, &f->err), &f->err);
}

static void test_migrate_failing_step_leaves_the_step_before(void **state)
{
    struct fixture *f = *state;
    struct migration steps[] = {
        schema_migrations[0], {2, step_2},
         {3, step_3}
    };

    fixture_reopen(f, LEDGER_WRITE);
    assert_fails(schema_migrate(f->l, steps, 3, &f->err), &f->err, SHIP_UNREACHABLE);
    AUTO_FREE char *version = fixture_raw_text(f->path, "PRAGMA user_version");
    AUTO_FREE char *table =
        fixture_raw_text(f->path, "SELECT count(*) FROM sqlite_schema WHERE name = 'teams'");
    assert_string_equal(version, "2");
    assert_string_equal(table, "0");
}

static void test_migrations_are_numbered_in_order(void **state)
{
    (void)state;
    for (size_t i = 0; i < schema_migration_count; i++)
        assert_int_equal(schema_migrations[i].version, i + 1);
}

/* ---- place and space ---- */

static void test_network_file_systems_are_known(void **state)
{
    (void)state;
    static const struct {
        const char *why;
        unsigned long magic;
        const char *fuse_type, *name;
    } rows[] = {
        {"NFS",                NFS_SUPER_MAGIC,       NULL,          "NFS"       },
        {"CIFS",               0xFF534D42,            NULL,          "CIFS"      },
        {"CIFS sign extended", 0xFFFFFFFFFF534D42,    NULL,          "CIFS"      },
        {"SMB2",               0xFE534D42,            NULL,          "SMB"       },
        {"sshfs",              FUSE_SUPER_MAGIC,      "fuse.sshfs",  "fuse.sshfs"},
        {"local FUSE",         FUSE_SUPER_MAGIC,      "fuse.lazyfs", NULL        },
        {"FUSE unknown",       FUSE_SUPER_MAGIC,      "",            NULL        },
        {"FUSE NULL",          FUSE_SUPER_MAGIC,      NULL,          NULL        },
        {"ext4",               EXT4_SUPER_MAGIC,      "fuse.sshfs",  NULL        },
        {"tmpfs",              TMPFS_MAGIC,           NULL,          NULL        },
        {"overlay",            OVERLAYFS_SUPER_MAGIC, NULL,          NULL        },
    };

    for (size_t i = 0; i < ROWS(rows); i++)
        row_check(str_eq(space_network_name((long)rows[i].magic, rows[i].fuse_type), rows[i].name),
                  rows[i].why);
}

static void test_mount_type_reads_lines_of_mountinfo(void **state)
{
    (void)state;
    static const struct {
        const char *why, *line, *type; /* type NULL: not this device */
    } rows[] = {
        {"plain",           "36 35 98:7 / /mnt rw,noatime - fuse.sshfs src rw\n",        "fuse.sshfs"},
        {"optional fields", "36 35 98:7 / /mnt rw shared:1 master:2 - ext4 /dev/x rw\n", "ext4"      },
        {"other device",    "36 35 98:8 / /mnt rw - ext4 /dev/x rw\n",                   NULL        },
        {"no separator",    "36 35 98:7 / /mnt rw ext4 /dev/x rw\n",                     NULL        },
        {"no device",       "36 35 - ext4 /dev/x rw\n",                                  NULL        },
        {"no minor",        "36 35 98: / /mnt rw - ext4 /dev/x rw\n",                    NULL        },
        {"no number",       "36 35 a:b / /mnt rw - ext4 /dev/x rw\n",                    NULL        },
        {"one field",       " - ",                                                       NULL        },
        {"empty",           "",                                                          NULL        },
        {"type too long",   "36 35 98:7 / /mnt rw - aaaaaaaaaaaaaaaaaaaaaaa src rw\n",   NULL        },
    };

    for (size_t i = 0; i < ROWS(rows); i++) {
        char type[16] = "";
        bool found = space_mount_type(rows[i].line, makedev(98, 7), type, sizeof type);

        row_check(found == (rows[i].type != NULL), rows[i].why);
        row_check(!found || str_eq(type, rows[i].type), rows[i].why);
    }
}

static void test_space_check_of_a_directory_to_be_made(void **state)
{
    struct fixture *f = *state;
    AUTO_FREE char *deep = xasprintf("%s/x/y/z", f->dir);

    assert_ok(ledger_space_check(f->dir, &f->err), &f->err);
    assert_ok(ledger_space_check(deep, &f->err), &f->err);
    assert_int_equal(count_files(f->dir), 0);
}

static void test_ballast_is_made_again_when_missing_or_short(void **state)
{
    struct fixture *f = *state;
    AUTO_FREE char *ballast = xasprintf("%s/ledger.ballast", f->dir);
    struct stat st;

    fixture_reopen(f, LEDGER_WRITE);
    assert_true(space_drop_ballast(f->l));
    assert_false(space_drop_ballast(f->l));
    fixture_reopen(f, LEDGER_READ);
    assert_int_equal(stat(ballast, &st), -1);
    fixture_write_file(ballast, "x", 1);
    fixture_reopen(f, LEDGER_WRITE);
    assert_int_equal(stat(ballast, &st), 0);
    assert_int_equal(st.st_size, 1024 * 1024);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup_empty, fixture_teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(test_open_write_creates_private_files_whatever_the_umask),
        TEST(test_open_read_of_nothing_creates_nothing),
        TEST(test_open_write_completes_an_empty_file),
        TEST(test_open_keeps_identity),
        TEST(test_open_settings_are_those_of_the_design),
        cmocka_unit_test(test_open_no_ledger_is_invalid_and_left_alone),
        TEST(test_open_state_directory_may_be_a_link),
        TEST(test_open_state_directory_is_a_file_fails),
        TEST(test_open_write_switches_wal_back),
        TEST(test_open_newer_schema),
        TEST(test_migrate_keeps_rows_and_a_private_copy),
        TEST(test_migrate_failing_step_leaves_the_step_before),
        cmocka_unit_test(test_migrations_are_numbered_in_order),
        cmocka_unit_test(test_network_file_systems_are_known),
        cmocka_unit_test(test_mount_type_reads_lines_of_mountinfo),
        TEST(test_space_check_of_a_directory_to_be_made),
        TEST(test_ballast_is_made_again_when_missing_or_short),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
