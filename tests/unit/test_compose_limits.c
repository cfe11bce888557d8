/*
 * Files made to hurt: each ends in an error that says so, within bounded memory and time. A child
 * loads it, so that what it took can be measured.
 */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "support/compose_project.h"
#include "unit/assert.h"

#define TEXT_MAX (32u * 1024 * 1024)
#define MIB      (1024L * 1024)
#define CPU_MS   5000 /* under sanitizers on a busy machine; a fraction of it otherwise */
#define MEMORY_KB                                                                                  \
    (192 * 1024) /* more than a harmless file takes; the sanitizer's share included                \
                  */

/* ---- the files ---- */

static void repeat(struct buf *b, const char *text, long n)
{
    for (long i = 0; i < n; i++)
        (void)buf_adds(b, text);
}

static void alias_bomb(struct buf *b)
{
    (void)buf_adds(b, "x-a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for (int i = 1; i < 30; i++) {
        (void)buf_addf(b, "x-a%d: &a%d [", i, i);
        for (int k = 0; k < 9; k++)
            (void)buf_addf(b, "*a%d, ", i - 1);
        (void)buf_adds(b, "]\n");
    }
}

static void merge_bomb(struct buf *b)
{
    (void)buf_adds(b, "x-a0: &a0 {k: v}\n");
    for (int i = 1; i < 40; i++)
        (void)buf_addf(b, "x-a%d: &a%d {b%d: *a%d, c%d: *a%d, <<: *a%d}\n", i, i, i, i - 1, i,
                       i - 1, i - 1);
}

static void self_alias(struct buf *b)
{
    (void)buf_adds(b, "services: &s\n  a:\n    image: x\n    labels: {l: *s}\n");
}

static void self_merge(struct buf *b)
{
    (void)buf_adds(b, "services:\n  a: &a\n    image: x\n    <<: *a\n");
}

static void long_scalar(struct buf *b)
{
    (void)buf_adds(b, "services:\n  a:\n    image: ");
    repeat(b, "xxxxxxxxxxxxxxxx", 10 * MIB / 16);
    (void)buf_adds(b, "\n");
}

static void long_quoted(struct buf *b)
{
    (void)buf_adds(b, "services:\n  a:\n    image: \"");
    repeat(b, "\\x41\\u00e9\\n      ", 10 * MIB / 16);
    (void)buf_adds(b, "\"\n");
}

static void long_key(struct buf *b)
{
    (void)buf_adds(b, "services:\n  ");
    repeat(b, "kkkkkkkkkkkkkkkk", 10 * MIB / 16);
    (void)buf_adds(b, ": {image: x}\n");
}

static void long_comment(struct buf *b)
{
    repeat(b, "# nothing to see\n", 10 * MIB / 17);
    (void)buf_adds(b, "services: {a: {image: x}}\n");
}

static void deep_flow(struct buf *b)
{
    (void)buf_adds(b, "x-deep: ");
    repeat(b, "[", 500000);
}

static void deep_mapping(struct buf *b)
{
    (void)buf_adds(b, "x-deep: ");
    repeat(b, "{a: ", 200000);
}

static void deep_block(struct buf *b)
{
    for (int i = 0; i < 1000; i++)
        (void)buf_addf(b, "%*sx-%d:\n", i, "", i);
}

static void deep_sequence(struct buf *b)
{
    (void)buf_adds(b, "x-deep:\n");
    repeat(b, "- ", 200000);
}

static void deep_variable(struct buf *b)
{
    (void)buf_adds(b, "services:\n  a:\n    image: \"");
    repeat(b, "${A:-", 100000);
    repeat(b, "}", 100000);
    (void)buf_adds(b, "\"\n");
}

static void bad_utf8(struct buf *b)
{
    (void)buf_adds(b, "services:\n  a:\n    image: x\n    user: \"\xc3\x28\"\n");
}

static void surrogate(struct buf *b)
{
    (void)buf_adds(b, "services:\n  a:\n    image: \xed\xa0\x80\n");
}

static void overlong(struct buf *b)
{
    (void)buf_adds(b, "services:\n  a:\n    image: \xc0\xaf\n");
}

static void utf16(struct buf *b)
{
    static const char text[] = "\xff\xfes\0e\0r\0v\0i\0c\0e\0s\0:\0";
    (void)buf_add(b, text, sizeof text - 1);
}

static void nul_byte(struct buf *b)
{
    static const char text[] = "services:\n  a:\n    image: \"x\0y\"\n";
    (void)buf_add(b, text, sizeof text - 1);
}

static void control_bytes(struct buf *b)
{
    (void)buf_adds(b, "services:\n  a:\n    image: x\x01\x1b[2J\n");
}

static void many_keys(struct buf *b)
{
    (void)buf_adds(b, "services:\n");
    for (int i = 0; i < 60000; i++)
        (void)buf_addf(b, "  s%d: {}\n", i);
}

static void many_documents(struct buf *b)
{
    repeat(b, "---\nservices: {a: {image: x}}\n", 100000);
}

static void many_ports(struct buf *b)
{
    (void)buf_adds(b, "services:\n  a:\n    image: x\n    ports:\n");
    for (int i = 0; i < 1000; i++)
        (void)buf_adds(b, "    - \"1-65535:1-65535\"\n");
}

static void many_extensions(struct buf *b)
{
    (void)buf_adds(b, "services:\n  s0: {image: x}\n");
    for (int i = 1; i < 2000; i++)
        (void)buf_addf(b, "  s%d: {extends: s%d}\n", i, i - 1);
}

static void many_expansions(struct buf *b)
{
    (void)buf_adds(b, "services:\n  a:\n    image: x\n    labels:\n");
    for (int i = 0; i < 4000; i++)
        (void)buf_addf(b, "      l%d: \"$LONG$LONG$LONG$LONG$LONG$LONG$LONG$LONG\"\n", i);
}

static const struct {
    void (*make)(struct buf *b);
    const char *why;
} rows[] = {
    {alias_bomb,      "alias bomb"                        },
    {merge_bomb,      "merge key bomb"                    },
    {self_alias,      "alias to what holds it"            },
    {self_merge,      "merge of itself"                   },
    {long_scalar,     "10 MiB scalar"                     },
    {long_quoted,     "10 MiB of escapes"                 },
    {long_key,        "10 MiB key"                        },
    {long_comment,    "10 MiB of comments"                },
    {deep_flow,       "500000 open brackets"              },
    {deep_mapping,    "200000 open braces"                },
    {deep_block,      "1000 levels of indentation"        },
    {deep_sequence,   "200000 nested items"               },
    {deep_variable,   "100000 nested variables"           },
    {bad_utf8,        "invalid UTF-8"                     },
    {surrogate,       "UTF-8 of a surrogate"              },
    {overlong,        "overlong UTF-8"                    },
    {utf16,           "UTF-16"                            },
    {nul_byte,        "NUL byte"                          },
    {control_bytes,   "control bytes"                     },
    {many_keys,       "60000 services"                    },
    {many_documents,  "100000 documents"                  },
    {many_ports,      "65 million ports"                  },
    {many_extensions, "chain of 2000 extends"             },
    {many_expansions, "variables that expand to gigabytes"},
};

/* ---- measuring ---- */

struct cost {
    int exit_code; /* 0 refused with a message, 1 loaded, 2 refused without one */
    long rss_kb, cpu_ms;
};

static long ms_of(struct timeval t)
{
    return t.tv_sec * 1000 + t.tv_usec / 1000;
}

static void load_in_child(struct compose_fixture *f)
{
    compose_fixture_load(f);
    bool is_told = f->err.code == SHIP_INVALID && f->err.msg[0];
    _exit(f->project ? 1 : is_told ? 0 : 2);
}

static struct cost load_and_measure(struct compose_fixture *f)
{
    struct rusage used = {0};
    int status = 0;
    pid_t pid = fork();

    if (pid == 0)
        load_in_child(f);
    assert_true(pid > 0 && wait4(pid, &status, 0, &used) == pid);
    return (struct cost){.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1,
                         .rss_kb = used.ru_maxrss,
                         .cpu_ms = ms_of(used.ru_utime) + ms_of(used.ru_stime)};
}

/* The text goes to the file through a program of its own size: this process must stay small. */
static void write_row(struct compose_fixture *f, size_t i)
{
    pid_t pid = fork();
    int status = 0;

    if (pid == 0) {
        AUTO(buf_done) struct buf text = BUF_INIT(TEXT_MAX);
        rows[i].make(&text);
        AUTO_FREE char *path = xasprintf("%s/docker-compose.yml", f->root);
        FILE *file = fopen(path, "we");
        bool ok = file && fwrite(text.p, 1, text.len, file) == text.len && fclose(file) == 0;
        _exit(ok ? 0 : 1);
    }
    assert_true(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0);
}

static void test_load_of_a_hostile_file_ends_in_an_error_within_bounds(void **state)
{
    struct compose_fixture *f = *state;
    AUTO(buf_done) struct buf long_value = BUF_INIT(TEXT_MAX);

    (void)buf_adds(&long_value, "LONG=");
    repeat(&long_value, "xxxxxxxxxxxxxxxx", 100 * 1024 / 16);
    compose_fixture_env(f, long_value.p);
    compose_fixture_write(f, "docker-compose.yml", "services: {a: {image: x}}\n");
    struct cost harmless = load_and_measure(f);
    assert_int_equal(harmless.exit_code, 1);
    for (size_t i = 0; i < ROWS(rows); i++) {
        write_row(f, i);
        struct cost cost = load_and_measure(f);
        long more_kb = cost.rss_kb - harmless.rss_kb;
        print_message("%-40s %6ld ms %8ld KiB\n", rows[i].why, cost.cpu_ms, more_kb);
        if (cost.exit_code != 0 || cost.cpu_ms > CPU_MS || more_kb > MEMORY_KB)
            fail_msg("row '%s': exit %d, %ld ms, %ld KiB", rows[i].why, cost.exit_code, cost.cpu_ms,
                     more_kb);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_load_of_a_hostile_file_ends_in_an_error_within_bounds,
                                        compose_fixture_setup, compose_fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
