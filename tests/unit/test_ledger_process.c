/*
 * Several processes and one ledger: locks, readers beside a writer, kill -9 at any moment.
 */
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/str.h"
#include "ledger/db.h"
#include "ledger/schema.h"
#include "support/ledger_fixture.h"
#include "unit/assert.h"

#define KILL_ROUNDS 200

/* ---- a child that holds a lock until told ---- */

struct holder {
    pid_t pid;
    int go;    /* write end: a byte or the end tells the child to let go */
    int ready; /* read end: one byte once the lock is held */
};

static void hold(const char *path, const char *begin, int ready, int go)
{
    sqlite3 *db = NULL;
    char byte = 'r';

    fixture_must(sqlite3_open(path, &db) == SQLITE_OK &&
                     sqlite3_exec(db, begin, NULL, NULL, NULL) == SQLITE_OK,
                 begin, NULL);
    fixture_must(write(ready, &byte, 1) == 1, "ready", NULL);
    (void)!read(go, &byte, 1);
    sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
    sqlite3_close(db);
}

static struct holder start_holder(const struct fixture *f, const char *begin)
{
    int ready[2], go[2];
    struct holder h;
    char byte;

    assert_int_equal(pipe2(ready, O_CLOEXEC) | pipe2(go, O_CLOEXEC), 0);
    h.pid = fork();
    assert_true(h.pid >= 0);
    if (h.pid == 0) {
        close(go[1]);
        hold(f->path, begin, ready[1], go[0]);
        _exit(0);
    }
    close(ready[1]);
    close(go[0]);
    h.go = go[1];
    h.ready = ready[0];
    assert_int_equal(read(h.ready, &byte, 1), 1);
    return h;
}

static void wait_child(pid_t pid)
{
    int status = 0;

    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void release(struct holder *h)
{
    close(h->go);
    close(h->ready);
    wait_child(h->pid);
}

/* Impatient, so that a test does not wait the 5 s of the product. */
static void set_patience(struct ledger *l, int ms)
{
    l->busy_ms = ms;
    sqlite3_busy_timeout(l->db, ms);
}

static void test_reader_works_while_a_writer_holds_a_transaction(void **state)
{
    struct fixture *f = *state;
    int64_t id = fixture_success(f->l, "v1");
    AUTO(ledger_deployment_done) struct ledger_deployment d = {0};

    ledger_close(f->l);
    struct holder h = start_holder(f, "BEGIN IMMEDIATE; UPDATE deployments SET reason = 'half'");
    f->l = ledger_open(f->dir, LEDGER_READ, &f->err);
    assert_not_null_ok(f->l, &f->err);
    set_patience(f->l, 0);
    assert_int_equal(ledger_current(f->l, "shop", "production", &d, &f->err), 0);
    assert_int_equal(d.id, id);
    assert_string_equal(d.reason, "because");
    assert_int_equal(fixture_read_all(f->l), 0);
    release(&h);
}

static void test_writer_gives_up_when_the_lock_stays_and_works_after(void **state)
{
    struct fixture *f = *state;
    struct ledger_deployment d = fixture_deployment("v1");
    struct holder h = start_holder(f, "BEGIN IMMEDIATE");

    set_patience(f->l, 20);
    assert_fails(ledger_begin(f->l, &d, &f->err), &f->err, SHIP_UNREACHABLE);
    assert_contains(f->err.msg, "locked");
    assert_int_equal(d.id, 0);
    release(&h);
    assert_ok(ledger_begin(f->l, &d, &f->err), &f->err);
    assert_int_equal(d.id, 1);
}

static void test_everybody_waits_for_an_exclusive_lock(void **state)
{
    struct fixture *f = *state;
    struct ledger_deployment d = {0};
    struct holder h = start_holder(f, "BEGIN EXCLUSIVE");

    fixture_must(f->l != NULL, "open", NULL);
    set_patience(f->l, 20);
    assert_int_equal(ledger_current(f->l, "shop", "production", &d, &f->err), -1);
    assert_int_equal(f->err.code, SHIP_UNREACHABLE);
    release(&h);
    assert_int_equal(ledger_current(f->l, "shop", "production", &d, &f->err), 1);
}

/* The commit needs the file for itself; a slow reader holds it up, and must not break it. */
static void test_commit_held_up_by_a_reader_fails_and_can_be_repeated(void **state)
{
    struct fixture *f = *state;
    struct ledger_deployment d = fixture_deployment("v1");
    struct holder h = start_holder(f, "BEGIN; SELECT * FROM meta");

    set_patience(f->l, 20);
    assert_fails(ledger_begin(f->l, &d, &f->err), &f->err, SHIP_UNREACHABLE);
    release(&h);
    assert_ok(ledger_begin(f->l, &d, &f->err), &f->err);
    assert_int_equal(d.id, 1);
    assert_int_equal(fixture_read_all(f->l), 0);
}

static void test_two_writers_lose_nothing(void **state)
{
    struct fixture *f = *state;
    struct ledger_query q = {.limit = 1000};
    AUTO(ledger_deployments_done) struct ledger_deployments list = {0};
    pid_t pids[2];

    for (int p = 0; p < 2; p++) {
        pids[p] = fork();
        assert_true(pids[p] >= 0);
        if (pids[p] > 0)
            continue;
        struct ship_error err = {0};
        struct ledger *l = ledger_open(f->dir, LEDGER_WRITE, &err);
        fixture_must(l != NULL, "open in a child", &err);
        for (int i = 0; i < 40; i++)
            (void)fixture_failure(l, p ? "v1" : "v2");
        ledger_close(l);
        _exit(0);
    }
    wait_child(pids[0]);
    wait_child(pids[1]);
    assert_ok(ledger_list(f->l, &q, &list, &f->err), &f->err);
    assert_int_equal(list.n, 80);
    assert_int_equal(fixture_read_all(f->l), 0);
}

static void test_two_processes_create_one_ledger(void **state)
{
    struct fixture *f = *state;
    pid_t pids[4];

    for (size_t p = 0; p < ROWS(pids); p++) {
        pids[p] = fork();
        assert_true(pids[p] >= 0);
        if (pids[p] > 0)
            continue;
        struct ship_error err = {0};
        struct ledger *l = ledger_open(f->dir, LEDGER_WRITE, &err);
        fixture_must(l != NULL, "open in a child", &err);
        (void)fixture_begin(l, "v1");
        ledger_close(l);
        _exit(0);
    }
    for (size_t p = 0; p < ROWS(pids); p++)
        wait_child(pids[p]);
    fixture_reopen(f, LEDGER_READ);
    AUTO_FREE char *uuids = fixture_raw_text(f->path, "SELECT count(*) FROM meta");
    AUTO_FREE char *n = fixture_raw_text(f->path, "SELECT count(*) FROM deployments");
    assert_string_equal(uuids, "3");
    assert_string_equal(n, "4");
}

static void test_handle_in_a_forked_child_is_refused(void **state)
{
    struct fixture *f = *state;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        struct ledger_deployment d = fixture_deployment("v1");
        struct ship_error err = {0};

        fixture_must(ledger_begin(f->l, &d, &err) == -1 && err.code == SHIP_INTERNAL,
                     "write in a child", &err);
        fixture_must(ledger_current(f->l, "shop", "production", &d, &err) == -1, "read", &err);
        ledger_close(f->l);
        _exit(0);
    }
    wait_child(pid);
    assert_int_equal(fixture_begin(f->l, "v1"), 1);
}

static void test_close_in_a_forked_child_leaves_the_transaction_alone(void **state)
{
    struct fixture *f = *state;
    AUTO_FREE char *journal = xasprintf("%s-journal", f->path);
    pid_t pid;

    (void)fixture_success(f->l, "v1");
    assert_ok(db_exec(f->l, "BEGIN IMMEDIATE; UPDATE deployments SET reason = 'new'", &f->err),
              &f->err);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        ledger_close(f->l);
        _exit(0);
    }
    wait_child(pid);
    assert_int_equal(access(journal, F_OK), 0);
    assert_ok(db_exec(f->l, "COMMIT", &f->err), &f->err);
    AUTO_FREE char *reason = fixture_raw_text(f->path, "SELECT reason FROM deployments");
    assert_string_equal(reason, "new");
}

/* ---- two migrations at once ---- */

static const char *const step_2[] = {"ALTER TABLE deployments ADD COLUMN team TEXT", NULL};

/* Our migration found the lock taken: let the other process finish its own first. */
static int other_migrates(void *arg, int tries)
{
    struct holder *h = arg;

    if (tries == 0)
        release(h);
    return 1;
}

static void test_migration_that_came_second_does_nothing(void **state)
{
    struct fixture *f = *state;
    struct migration steps[] = {
        schema_migrations[0], {2, step_2}
    };
    struct holder h = start_holder(f, "BEGIN IMMEDIATE;"
                                      "ALTER TABLE deployments ADD COLUMN team TEXT;"
                                      "PRAGMA user_version = 2");

    sqlite3_busy_handler(f->l->db, other_migrates, &h);
    assert_ok(schema_migrate(f->l, steps, 2, &f->err), &f->err);
    AUTO_FREE char *version = fixture_raw_text(f->path, "PRAGMA user_version");
    assert_string_equal(version, "2");
}

/* A file size limit makes write fail with EFBIG: an I/O error as good as any. */
static void test_io_error_is_reported_and_the_next_write_starts_afresh(void **state)
{
    struct fixture *f = *state;
    struct ledger_deployment d = fixture_deployment("v2");
    struct rlimit old, small;

    (void)fixture_success(f->l, "v1");
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = (struct rlimit){.rlim_cur = 4096, .rlim_max = old.rlim_max};
    assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    int rc = ledger_begin(f->l, &d, &f->err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_fails(rc, &f->err, SHIP_IO);
    assert_true(f->l->is_stale);
    assert_int_equal(d.id, 0);
    assert_ok(ledger_begin(f->l, &d, &f->err), &f->err);
    assert_false(f->l->is_stale);
    assert_int_equal(d.id, 2);
    assert_int_equal(fixture_read_all(f->l), 0);
}

/* ---- kill -9 ---- */

/* Leave a hot journal: pages spilled into the file, then death. */
static void die_half_way(const char *path)
{
    sqlite3 *db = NULL;

    fixture_must(sqlite3_open(path, &db) == SQLITE_OK &&
                     sqlite3_exec(db,
                                  "PRAGMA cache_size = 5; BEGIN IMMEDIATE;"
                                  "UPDATE evidence SET text = replace(text, 'l', 'x');"
                                  "UPDATE deployments SET reason = 'half'",
                                  NULL, NULL, NULL) == SQLITE_OK,
                 "half a transaction", NULL);
    (void)raise(SIGKILL);
}

/* A journal that is done is empty, or begins with zeros. */
static bool journal_is_hot(const char *path)
{
    AUTO_FREE char *journal = xasprintf("%s-journal", path);
    AUTO_FD int fd = open(journal, O_RDONLY | O_CLOEXEC);
    char first = 0;

    return fd >= 0 && read(fd, &first, 1) == 1 && first != 0;
}

static void make_half_way(struct fixture *f)
{
    AUTO_FREE char *log = xmalloc(20001);
    int64_t id = fixture_success(f->l, "v1");
    int status = 0;
    pid_t pid;

    memset(log, 'l', 20000);
    log[20000] = '\0';
    for (int i = 0; i < 8; i++)
        assert_ok(ledger_put_evidence(f->l, id, "log", NULL, log, &f->err), &f->err);
    pid = fork();
    if (pid == 0)
        die_half_way(f->path);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    assert_true(journal_is_hot(f->path));
}

static void assert_not_half(struct fixture *f)
{
    AUTO(ledger_deployment_done) struct ledger_deployment d = {0};

    assert_ok(ledger_find(f->l, NULL, NULL, 1, &d, &f->err), &f->err);
    assert_string_equal(d.reason, "because");
    assert_int_equal(fixture_read_all(f->l), 0);
    assert_int_equal(f->err.code, SHIP_OK); /* of the try that met the journal nothing is left */
}

static void test_new_reader_undoes_what_a_killed_writer_left(void **state)
{
    struct fixture *f = *state;

    make_half_way(f);
    fixture_reopen(f, LEDGER_READ);
    assert_not_half(f);
}

static void test_waiting_reader_undoes_what_a_killed_writer_left(void **state)
{
    struct fixture *f = *state;
    struct ledger *writer = f->l;

    f->l = ledger_open(f->dir, LEDGER_READ, &f->err);
    assert_not_null_ok(f->l, &f->err);
    struct ledger *reader = f->l;
    f->l = writer;
    make_half_way(f);
    f->l = reader;
    assert_not_half(f);
    ledger_close(writer);
}

static void test_writer_undoes_what_a_killed_writer_left(void **state)
{
    struct fixture *f = *state;

    make_half_way(f);
    fixture_reopen(f, LEDGER_WRITE);
    assert_not_half(f);
}

/* What a child tells after each transaction that the ledger called durable. */
struct ack {
    int64_t id;
    enum ledger_state state;
};

static void tell(int fd, int64_t id, enum ledger_state state)
{
    struct ack a = {.id = id, .state = state};

    fixture_must(write(fd, &a, sizeof a) == (ssize_t)sizeof a, "tell", NULL);
}

static void deploy_forever(const char *dir, int fd)
{
    struct ledger_end end = fixture_end(LEDGER_CLEANED, "succeeded", 0);
    struct ledger_service s = fixture_service("app", "{}");
    struct ship_error err = {0};
    struct ledger *l = ledger_open(dir, LEDGER_WRITE, &err);

    fixture_must(l != NULL, "open in a child", &err);
    tell(fd, 0, LEDGER_PREPARING);
    for (;;) {
        int64_t id = fixture_begin(l, "v1");

        tell(fd, id, LEDGER_PREPARING);
        MUST(ledger_put_service(l, id, &s, &err), &err);
        MUST(ledger_set_state(l, id, LEDGER_SWITCHING, "stop", &err), &err);
        tell(fd, id, LEDGER_SWITCHING);
        MUST(ledger_commit(l, id, 1, 1, &err), &err);
        tell(fd, id, LEDGER_COMMITTED);
        MUST(ledger_end(l, id, &end, &err), &err);
        tell(fd, id, LEDGER_CLEANED);
    }
}

/* Kill after a random number of acknowledged transactions and a random part of the next. */
static struct ack run_and_kill(const struct fixture *f, unsigned *seed)
{
    struct timespec part = {.tv_nsec = rand_r(seed) % 400000};
    int acks = 1 + rand_r(seed) % 9, status = 0;
    struct ack last = {0}, a;
    int fds[2];
    pid_t pid;

    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        deploy_forever(f->dir, fds[1]);
    close(fds[1]);
    for (int i = 0; i < acks && read(fds[0], &a, sizeof a) == (ssize_t)sizeof a; i++)
        last = a;
    nanosleep(&part, NULL);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    while (read(fds[0], &a, sizeof a) == (ssize_t)sizeof a)
        last = a;
    close(fds[0]);
    return last;
}

/* The acknowledged state is there, or a later one of the same or the next deployment. */
static void assert_durable(struct fixture *f, const struct ack *last, int64_t before)
{
    struct ledger_query q = {.limit = 1};
    AUTO(ledger_deployments_done) struct ledger_deployments list = {0};
    static const int order[] = {[LEDGER_PREPARING] = 0,
                                [LEDGER_SWITCHING] = 1,
                                [LEDGER_COMMITTED] = 2,
                                [LEDGER_CLEANED] = 3};

    assert_ok(ledger_list(f->l, &q, &list, &f->err), &f->err);
    if (last->id == 0) {
        assert_true(list.n == 0 || list.rows[0].id <= before + 1);
        return;
    }
    assert_int_equal(list.n, 1);
    assert_in_range(list.rows[0].id, (uint64_t)last->id, (uint64_t)last->id + 1);
    if (list.rows[0].id == last->id)
        assert_in_range(order[list.rows[0].state], (uint64_t)order[last->state],
                        (uint64_t)order[last->state] + 1);
    else
        assert_int_equal(last->state, LEDGER_CLEANED);
}

static void close_open_rows(struct fixture *f)
{
    struct ledger_end cleaned = fixture_end(LEDGER_CLEANED, "succeeded", 0);
    struct ledger_end abandoned = fixture_end(LEDGER_ABANDONED, "interrupted", 32);
    struct ledger_deployment d = {0};

    while (ledger_open_operation(f->l, "shop", "production", &d, &f->err) == 0) {
        bool done = d.state == LEDGER_COMMITTED;

        assert_ok(ledger_end(f->l, d.id, done ? &cleaned : &abandoned, &f->err), &f->err);
        ledger_deployment_done(&d);
    }
}

static void test_kill_at_any_moment_keeps_what_was_acknowledged(void **state)
{
    struct fixture *f = *state;
    unsigned seed = 20261121;
    int64_t before = 0;

    for (int round = 0; round < KILL_ROUNDS; round++) {
        struct ledger_query q = {.limit = 1};
        struct ledger_deployments list = {0};
        struct ack last;

        ledger_close(f->l);
        f->l = NULL;
        last = run_and_kill(f, &seed);
        /* Every other round a reader comes first, as `status` would. */
        fixture_reopen(f, round % 2 ? LEDGER_READ : LEDGER_WRITE);
        assert_ok(ledger_check_file(f->l, LEDGER_FULL, &f->err), &f->err);
        assert_durable(f, &last, before);
        fixture_reopen(f, LEDGER_WRITE);
        close_open_rows(f);
        assert_ok(ledger_list(f->l, &q, &list, &f->err), &f->err);
        before = list.n ? list.rows[0].id : 0;
        ledger_deployments_done(&list);
    }
    assert_true(before > KILL_ROUNDS / 2);
    assert_int_equal(fixture_read_all(f->l), 0);
}

#define TEST(name)  cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
#define EMPTY(name) cmocka_unit_test_setup_teardown(name, fixture_setup_empty, fixture_teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(test_reader_works_while_a_writer_holds_a_transaction),
        TEST(test_writer_gives_up_when_the_lock_stays_and_works_after),
        TEST(test_everybody_waits_for_an_exclusive_lock),
        TEST(test_commit_held_up_by_a_reader_fails_and_can_be_repeated),
        TEST(test_two_writers_lose_nothing),
        EMPTY(test_two_processes_create_one_ledger),
        TEST(test_handle_in_a_forked_child_is_refused),
        TEST(test_close_in_a_forked_child_leaves_the_transaction_alone),
        TEST(test_migration_that_came_second_does_nothing),
        TEST(test_io_error_is_reported_and_the_next_write_starts_afresh),
        TEST(test_new_reader_undoes_what_a_killed_writer_left),
        TEST(test_waiting_reader_undoes_what_a_killed_writer_left),
        TEST(test_writer_undoes_what_a_killed_writer_left),
        EMPTY(test_kill_at_any_moment_keeps_what_was_acknowledged),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
