/* Shared by the fuzz targets of the loader: text -> file in memory -> compose_load(). */
#ifndef TESTS_FUZZ_COMPOSE_INPUT_H
#define TESTS_FUZZ_COMPOSE_INPUT_H

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"
#include "compose/model.h"

/* Load the text as a compose file; a project whose model prints, or errors. */
static inline void load_compose_text(const char *text, size_t len)
{
    static const char *const environ[] = {
        "HOME=/nowhere", "PWD=/nowhere", "S=set", "E=", "COMPOSE_DISABLE_ENV_FILE=1", NULL};
    static int fd = -1;
    static char path[64];
    AUTO(strv_done) struct strv files = {0};
    AUTO(yaml_problems_done) struct yaml_problems problems = {0};
    struct ship_error err = {0};

    if (fd < 0) {
        fd = memfd_create("compose.yml", MFD_CLOEXEC);
        (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    }
    assert(fd >= 0 && ftruncate(fd, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0);
    assert(file_write_all(fd, text, len) == 0);
    strv_add(&files, path);
    struct compose_options options = {
        .dir = "/", .files = &files, .project_name = "fuzz", .environ = environ};
    AUTO_PTR(compose_free)
    struct compose_project *p = compose_load(&options, &problems, &err);
    if (!p) {
        assert(err.code != SHIP_OK && err.msg[0]);
        return;
    }
    AUTO_PTR(json_free) struct json *model = compose_model(p);
    AUTO_FREE char *printed = json_print(model);
    assert(printed[0] == '{' && problems.n_errors == 0);
    for (size_t i = 0; i < p->n_sources; i++) {
        const struct yaml_mark *m = &p->sources[i].image_mark;
        assert(!p->sources[i].image_raw || (m->file && m->end_offset <= len));
    }
}

#endif
