/*
 * The operation lock: see lock.h.
 *
 * An open-file-description lock rather than flock(2): it lives and dies the
 * same way (with the last descriptor, shared by fork), but F_OFD_GETLK lets
 * `status` ask for a holder without ever taking the lock itself.
 */
#include "deploy/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/auto.h"
#include "base/file.h"
#include "base/json.h"
#include "base/str.h"

#define LOCK_POLL_MS  100
#define LOCK_TEXT_MAX 1024

#define LOCK_TEXT_MS      200
#define LOCK_TEXT_POLL_MS 10

static struct flock whole_file(void)
{
    return (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET};
}

static char *lock_path(const struct lock_scope *s)
{
    return xasprintf("%s/locks/%s.%s", s->state_dir, s->app, s->environment);
}

static void text_read(int fd, struct lock_text *ret)
{
    char raw[LOCK_TEXT_MAX + 1];
    ssize_t n = pread(fd, raw, LOCK_TEXT_MAX, 0);
    *ret = (struct lock_text){0};
    if (n <= 0)
        return;
    struct ship_error ignored = {0};
    AUTO_PTR(json_free) struct json *j = json_parse(raw, (size_t)n, "lock file", &ignored);
    ret->pid = json_i64(j, "pid", 0);
    ret->since_ms = json_i64(j, "since_ms", 0);
    (void)snprintf(ret->actor, sizeof ret->actor, "%s", json_str_or(j, "actor", ""));
    (void)snprintf(ret->action, sizeof ret->action, "%s", json_str_or(j, "action", ""));
    (void)snprintf(ret->version, sizeof ret->version, "%s", json_str_or(j, "version", ""));
    (void)snprintf(ret->step, sizeof ret->step, "%s", json_str_or(j, "step", ""));
}

static void text_write(int fd, const struct lock_text *t)
{
    AUTO_PTR(json_free) struct json *j = json_object();
    json_set_i64(j, "pid", t->pid);
    json_set_i64(j, "since_ms", t->since_ms);
    json_set_str(j, "actor", t->actor);
    json_set_str(j, "action", t->action);
    json_set_str(j, "version", t->version);
    json_set_str(j, "step", t->step);
    AUTO_FREE char *raw = json_print(j);
    size_t len = strlen(raw);
    /* Longer or shorter than before: a reader in between sees broken JSON and shows less. */
    if (pwrite(fd, raw, len, 0) != (ssize_t)len || ftruncate(fd, (off_t)len) < 0)
        return;
}

/*
 * The holder writes its text right after it got the lock: for a moment there is none. A dead
 * process leaves one behind, but then its guardian may be the holder.
 */
static void holder_read(int fd, const struct clock *clock, struct lock_text *ret)
{
    struct ship_error ignored = {0};
    int64_t end = clock_deadline(clock, LOCK_TEXT_MS);
    do
        text_read(fd, ret);
    while ((ret->pid == 0 || kill((pid_t)ret->pid, 0) < 0) && clock_left_ms(clock, end) > 0 &&
           clock_wait(clock, LOCK_TEXT_POLL_MS, end, &ignored) == 0);
}

static int busy(const struct lock *l, const struct clock *clock, struct ship_error *err)
{
    struct lock_text t;
    holder_read(l->fd, clock, &t);
    char age[STR_DURATION_MAX];
    str_format_duration(clock_epoch_ms(clock) - t.since_ms, age);
    if (t.pid == 0)
        return ship_fail(err, SHIP_LOCKED, "another operation holds the lock '%s'", l->path);
    ship_fail(err, SHIP_LOCKED, "%s%s%s by %s (pid %lld) is running since %s, in step '%s'",
              t.action, t.version[0] ? " " : "", t.version, t.actor, (long long)t.pid, age, t.step);
    return ship_error_hint(err, "wait for it with --lock-wait 10m, or look with: shipctl status");
}

static int lock_open(struct lock *l, const char *state_dir, struct ship_error *err)
{
    AUTO_FREE char *dir = xasprintf("%s/locks", state_dir);
    if (file_make_dirs(dir, 0700, err) < 0) {
        err->code = SHIP_UNREACHABLE;
        return ship_error_wrap(err, "state directory");
    }
    l->fd = open(l->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (l->fd < 0)
        return ship_fail_errno(err, SHIP_UNREACHABLE, "cannot open lock file '%s'", l->path);
    return 0;
}

int lock_take(struct lock *l, const struct lock_scope *scope, const struct lock_text *text,
              int64_t wait_ms, const struct clock *clock, struct ship_error *err)
{
    l->path = lock_path(scope);
    if (lock_open(l, scope->state_dir, err) < 0)
        return -1;
    int64_t deadline = clock_deadline(clock, wait_ms);
    struct flock want = whole_file();
    while (fcntl(l->fd, F_OFD_SETLK, &want) < 0) {
        if (errno != EAGAIN && errno != EACCES && errno != EINTR)
            return ship_fail_errno(err, SHIP_UNREACHABLE, "cannot lock '%s'", l->path);
        if (clock_left_ms(clock, deadline) == 0) {
            busy(l, clock, err);
            lock_release(l);
            return -1;
        }
        if (clock_wait(clock, LOCK_POLL_MS, deadline, err) < 0)
            return -1;
    }
    l->is_held = true;
    l->text = *text;
    l->text.pid = getpid();
    l->text.since_ms = clock_epoch_ms(clock);
    text_write(l->fd, &l->text);
    return 0;
}

void lock_describe(struct lock *l, const char *version, const char *step)
{
    if (l->fd < 0)
        return;
    if (version)
        (void)snprintf(l->text.version, sizeof l->text.version, "%s", version);
    if (step)
        (void)snprintf(l->text.step, sizeof l->text.step, "%s", step);
    text_write(l->fd, &l->text);
}

void lock_inherit(struct lock *l)
{
    l->text.pid = getpid();
    lock_describe(l, NULL, NULL);
}

void lock_release(struct lock *l)
{
    /* The next holder must not be taken for us. */
    if (l->is_held && ftruncate(l->fd, 0) < 0)
        l->is_held = false;
    if (l->fd >= 0)
        close(l->fd);
    l->fd = -1;
    l->is_held = false;
    free(l->path);
    l->path = NULL;
}

int lock_peek(const struct lock_scope *scope, struct lock_text *ret)
{
    AUTO_FREE char *path = lock_path(scope);
    AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    *ret = (struct lock_text){0};
    if (fd < 0)
        return 0;
    struct flock probe = whole_file();
    if (fcntl(fd, F_OFD_GETLK, &probe) < 0 || probe.l_type == F_UNLCK)
        return 0;
    text_read(fd, ret);
    return 1;
}
