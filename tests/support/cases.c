/* Forks for cases.h. */
#include "support/cases.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/str.h"

bool cases_are_all(void)
{
    return str_eq(getenv("SHIPCTL_TEST_FULL"), "1");
}

static void start(void *c, void (*run)(void *c))
{
    (void)fflush(NULL);
    pid_t pid = fork();
    if (pid < 0)
        abort();
    if (pid > 0)
        return;
    run(c);
    _exit(0);
}

void cases_run(void *cases, size_t n, size_t size, size_t at_a_time, void (*run)(void *c))
{
    size_t running = 0;

    for (size_t i = 0; i < n || running;) {
        if (i < n && running < at_a_time) {
            start((char *)cases + size * i++, run);
            running++;
        } else if (waitpid(-1, NULL, 0) > 0) {
            running--;
        } else if (errno != EINTR) {
            return;
        }
    }
}
