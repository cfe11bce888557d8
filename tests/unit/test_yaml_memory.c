/*
 * libyaml without memory: the process ends as with ours; no file is blamed for it, at whichever
 * allocation it happens.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit/assert.h"
#include "yaml/node.h"

#define CALLS_MAX 1000

/* libyaml reaches these through the dynamic symbol table. */
__attribute__((visibility("default"))) void *yaml_malloc(size_t size);
__attribute__((visibility("default"))) void *yaml_realloc(void *p, size_t size);
__attribute__((visibility("default"))) char *yaml_strdup(const char *text);

static int calls, fails_at = -1;

static bool is_out(void)
{
    return calls++ == fails_at;
}

void *yaml_malloc(size_t size)
{
    return is_out() ? NULL : malloc(size ? size : 1);
}

void *yaml_realloc(void *p, size_t size)
{
    return is_out() ? NULL : realloc(p, size ? size : 1);
}

char *yaml_strdup(const char *text)
{
    return text == NULL || is_out() ? NULL : strdup(text);
}

static const char text[] = "services: {app: &a [1, 'two', \"three\"]}\n"
                           "more: |\n  text\n";

static int parse(int at)
{
    struct ship_error err = {0};

    calls = 0;
    fails_at = at;
    AUTO_PTR(yaml_free) struct yaml_file *f = yaml_parse("file", text, strlen(text), &err);
    return f ? 0 : -1;
}

/* How a child ends that parses with that allocation failing. */
static int end_of_child(int at)
{
    int how = -1;
    pid_t pid = fork();

    if (pid == 0) {
        (void)close(STDERR_FILENO);
        _exit(parse(at) == 0 ? 50 : 51);
    }
    assert_int_equal(waitpid(pid, &how, 0), pid);
    assert_true(WIFEXITED(how));
    return WEXITSTATUS(how);
}

static void test_yaml_parse_without_memory_ends_the_process_with_status_1(void **state)
{
    (void)state;
    assert_int_equal(parse(-1), 0);
    int all = calls;
    assert_in_range(all, 10, CALLS_MAX);
    for (int at = 0; at < all; at++)
        assert_int_equal(end_of_child(at), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_yaml_parse_without_memory_ends_the_process_with_status_1),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
