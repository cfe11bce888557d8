/*
 * The whole program against an engine that answers without measure: the most memory it ever holds
 * is limited, and it says what was too much. Only a build without sanitizers is measured; with them
 * the messages are judged.
 *
 * The program is a child of a small process, forked before anything large is allocated: what a
 * child has used counts the pages its parent had.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/deploy_fixture.h"
#include "unit/assert.h"

#define PEAK_KIB   (32 * 1024)
#define ANSWER_MAX (24u * 1024 * 1024)
#define OUTPUT_MAX 65536
#define PLAN                                                                                       \
    "version: 1\napp: shop\nimage: " FIX_APP "\n"                                                  \
    "strategy: {min_healthy: 0s}\n"                                                                \
    "timeouts: {total: 8s, pull: 4s, start: 4s, rollback: 6s}\n"                                   \
    "checks:\n"                                                                                    \
    "  post: [{id: quiet, type: log, deny: [PANIC], watch: 100ms}]\n"

#if defined(__SANITIZE_ADDRESS__)
#define IS_MEASURED false
#else
#define IS_MEASURED true
#endif

/* ---- the runner ---- */

struct order {
    char command[16], version[16], project[256], state[256], host[256];
};
struct report {
    int status; /* -1: killed */
    long peak_kib;
    char output[OUTPUT_MAX];
};

static int orders[2], reports[2]; /* pipes */

static void become_program(const struct order *o, int out)
{
    const char *binary = getenv("SHIPCTL_BINARY");
    char command[16], version[16];

    (void)snprintf(command, sizeof command, "%s", o->command);
    (void)snprintf(version, sizeof version, "%s", o->version);
    char *argv[] = {(char[]){"shipctl"}, command, version[0] ? version : NULL, NULL};
    (void)dup2(out, 1);
    (void)dup2(out, 2);
    (void)setenv("DOCKER_HOST", o->host, 1);
    (void)setenv("SHIPCTL_STATE_DIR", o->state, 1);
    if (binary && chdir(o->project) == 0)
        (void)execv(binary, argv);
    _exit(127);
}

static void carry_out(const struct order *o, struct report *r)
{
    FILE *out = tmpfile();
    struct rusage usage = {0};
    int status = 0;
    pid_t pid = out ? fork() : -1;

    if (pid == 0)
        become_program(o, fileno(out));
    *r = (struct report){.status = -1};
    if (pid < 0 || wait4(pid, &status, 0, &usage) != pid)
        return;
    r->status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    r->peak_kib = usage.ru_maxrss;
    rewind(out);
    r->output[fread(r->output, 1, sizeof r->output - 1, out)] = '\0';
    (void)fclose(out);
}

static void serve_orders(void)
{
    static struct report r;
    struct order o;

    while (read(orders[0], &o, sizeof o) == (ssize_t)sizeof o) {
        carry_out(&o, &r);
        const char *p = (const char *)&r;
        for (size_t done = 0; done < sizeof r;) {
            ssize_t n = write(reports[1], p + done, sizeof r - done);
            if (n <= 0)
                _exit(1);
            done += (size_t)n;
        }
    }
    _exit(0);
}

static void start_runner(void)
{
    assert_int_equal(pipe2(orders, O_CLOEXEC) | pipe2(reports, O_CLOEXEC), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)close(orders[1]);
        serve_orders();
    }
    (void)close(orders[0]);
    (void)close(reports[1]);
}

static void run(const struct deploy_fixture *f, const char *command, const char *version,
                struct report *ret)
{
    struct order o = {0};

    (void)snprintf(o.command, sizeof o.command, "%s", command);
    (void)snprintf(o.version, sizeof o.version, "%s", version);
    (void)snprintf(o.project, sizeof o.project, "%s", f->project);
    (void)snprintf(o.state, sizeof o.state, "%s", f->state);
    (void)snprintf(o.host, sizeof o.host, "%s", fake_engine_host(f->engine));
    assert_int_equal(write(orders[1], &o, sizeof o), sizeof o);
    for (size_t done = 0; done < sizeof *ret;) {
        ssize_t n = read(reports[0], (char *)ret + done, sizeof *ret - done);
        assert_true(n > 0);
        done += (size_t)n;
    }
}

/* ---- what the engine says ---- */

#define OK_JSON   "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"
#define OK_STREAM "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\n"
#define BAD_JSON  "HTTP/1.1 500 No\r\nContent-Type: application/json\r\n\r\n"
#define ROW                                                                                        \
    "{\"Id\":\"0123456789abcdef0123456789abcdef\",\"Names\":[\"/shop-app-1\"],"                    \
    "\"Image\":\"a:v1\",\"State\":\"running\",\"Labels\":{\"a\":\"b\",\"c\":\"d\"},\"Ports\":[]}"
#define MIB (1024u * 1024)

static const struct row {
    const char *path;
    const char *head, *first, *again; /* the answer: head, first, then again and again ... */
    size_t len;                       /* ... up to about this size; 0: without end */
    const char *last;
    const char *says; /* one of the commands says so, or NULL */
    const char *why;
} rows[] = {
  /* clang-format off */
    {"/_ping", "", "HTTP/1.1 200 OK\r\nX: ", "xxxxxxxx", 2 * MIB, "\r\n\r\n", "too large (over 262144 bytes)", "one giant header"},
    {"/_ping", "", "HTTP/1.1 200 OK\r\n", "X: y\r\n", 2 * MIB, "\r\n", "too large (over 262144 bytes)", "headers without end"},
    {"/_ping", OK_JSON, "", "xxxxxxxx", 20 * MIB, "", "too large (over 65536 bytes)", "a long pong"},
    {"/info", NULL, NULL, "{\"a\":", 0, NULL, "too large (over 4194304 bytes)", "nested without end"},
    {"/info", OK_JSON, "[", "0,", 3 * MIB, "0]", "more than 100000 values", "many values"},
    {"/info", OK_JSON, "", "[", 1 * MIB, "", "nested deeper than 64", "deep nesting"},
    {"/info", OK_JSON, "{\"OSType\":\"", "xxxxxxxx", 3 * MIB, "\"}", NULL, "one long string"},
    {"/info", BAD_JSON, "{\"message\":\"", "xxxxxxxx", 20 * MIB, "\"}", NULL, "a long error"},
    {"/containers/json", OK_JSON, "[" ROW, "," ROW, 20 * MIB, "]", "too large (over 8388608 bytes)", "100,000 containers"},
    {"/containers/json", OK_JSON, "[{\"Id\":\"a\"}", ",{\"Id\":\"a\"}", 11 * MIB, "]", "too large", "1,000,000 containers"},
    {"/containers/json", OK_JSON, "[[]", ",[]", 7 * MIB, "]", "more than 100000 values", "2,000,000 lists"},
    {"/containers/json", OK_JSON, "[{\"Id\":\"a\",\"Labels\":{\"a\":\"", "xxxxxxxx", 7 * MIB, "\"}}]", NULL, "a label of 7 MiB"},
    {"/containers/json", OK_JSON, "[" ROW, "," ROW, 7 * MIB, "]", "more than 100000 values", "30,000 containers"},
    {"/containers/json", OK_JSON, "[" ROW, "," ROW, 1 * MIB, "]", NULL, "as many as are read"},
    {"/containers/json", NULL, NULL, "[{\"Id\":\"a\"},", 0, NULL, "too large", "containers without end"},
    {"/containers/*/json", NULL, NULL, "{\"Id\":\"", 0, NULL, "too large", "a container without end"},
    {"/containers/*/json", OK_JSON, "{\"Id\":\"a\",\"Name\":\"", "xxxxxxxx", 3 * MIB, "\"}", NULL, "a container with a long name"},
    {"/containers/*/logs", NULL, NULL, "\1\1\1\1\1\1\1\1", 0, NULL, NULL, "logs that are no frames"},
    {"/containers/*/logs", OK_STREAM, "", "xxxxxxxx", 20 * MIB, "", NULL, "a long line of logs"},
    {"/images/json", OK_JSON, "[{\"Id\":\"a\"}", ",{\"Id\":\"a\"}", 11 * MIB, "]", "too large", "1,000,000 images"},
    {"/images/json", OK_JSON, "[{\"Id\":\"a\"}", ",{\"Id\":\"a\"}", 1000 * 1000, "]", NULL, "as many as are read"},
    {"/images/*/json", OK_JSON, "{\"Id\":\"a\",\"b\":[0", ",0", 3 * MIB, "]}", "more than 100000 values", "an image of many values"},
    {"/images/create", NULL, NULL, "{\"status\":\"x\"}", 0, NULL, NULL, "a pull that goes on and on"},
    {"/images/create", OK_JSON, "{\"status\":\"", "xxxxxxxx", 20 * MIB, "", NULL, "progress in one object"},
    {"/events", OK_JSON, "{\"Type\":\"", "xxxxxxxx", 20 * MIB, "", NULL, "an event without end"},
  /* clang-format on */
};

static char *make_answer(const struct row *r, size_t *ret_len)
{
    struct buf text = BUF_INIT(ANSWER_MAX);

    (void)buf_adds(&text, r->head);
    (void)buf_adds(&text, r->first);
    while (text.len < r->len)
        (void)buf_adds(&text, r->again);
    (void)buf_adds(&text, r->last);
    assert_false(text.overflow);
    *ret_len = text.len;
    return buf_steal(&text);
}

static void script(const struct deploy_fixture *f, const struct row *r)
{
    AUTO_FREE char *text = NULL;
    struct fake_rule rule = {.path = r->path, .fault = FAKE_ENDLESS, .body = r->again};

    if (r->len) {
        text = make_answer(r, &rule.n);
        rule.fault = FAKE_RAW;
        rule.body = text;
    }
    fake_engine_script(f->engine, &rule);
}

/* ---- the judge ---- */

static struct {
    long kib;
    const char *command, *why;
} largest;

static void judge(const struct row *r, const char *command, const struct report *got)
{
    bool is_sound = got->status >= 0 && got->status != 127 && !strstr(got->output, "Sanitizer");
    bool is_small = !IS_MEASURED || got->peak_kib <= PEAK_KIB;

    if (getenv("SHIPCTL_TEST_TRACE") || !is_sound || !is_small)
        print_message("%-7s %3d %6ld KiB  %s %s: %.300s\n", command, got->status, got->peak_kib,
                      r->path, r->why, got->output);
    row_check(is_sound, r->why);
    row_check(is_small, r->why);
    if (got->peak_kib > largest.kib) {
        largest.kib = got->peak_kib;
        largest.command = command;
        largest.why = r->why;
    }
}

static void check_row(const struct row *r)
{
    static const char *const commands[][2] = {
        {"status",  ""  },
        {"history", ""  },
        {"prune",   ""  },
        {"deploy",  "v2"}
    };
    static struct report got;
    struct deploy_fixture *f = deploy_fixture_new(PLAN, FIX_COMPOSE);
    bool is_said = r->says == NULL;

    row_check(deploy_fixture_deploy(f, "v1") == 0, r->why);
    script(f, r);
    for (size_t i = 0; i < ROWS(commands); i++) {
        run(f, commands[i][0], commands[i][1], &got);
        judge(r, commands[i][0], &got);
        is_said = is_said || strstr(got.output, r->says);
    }
    row_check(is_said, r->why);
    deploy_fixture_free(f);
}

static void test_program_with_a_hostile_engine_stays_small_and_names_the_limit(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++)
        check_row(&rows[i]);
    print_message("at most %ld KiB: %s, %s\n", largest.kib, largest.command, largest.why);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_program_with_a_hostile_engine_stays_small_and_names_the_limit),
    };

    start_runner();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
