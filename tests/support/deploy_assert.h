/*
 * What tests of the deploy core ask after a command: its exit status, what is on the engine, what
 * the ledger says.
 */
#ifndef TESTS_SUPPORT_DEPLOY_ASSERT_H
#define TESTS_SUPPORT_DEPLOY_ASSERT_H

#include "base/json.h"
#include "support/deploy_fixture.h"
#include "unit/assert.h"

/* A failure shows what the command said. */
#define assert_status(f, status, want)                                                             \
    do {                                                                                           \
        int status_ = (status);                                                                    \
        if (status_ != (want))                                                                     \
            fail_msg("exit status %d, want %d: %s\n%s", status_, (want), (f)->res.error.msg,       \
                     (f)->messages.text.p);                                                        \
    } while (0)

static inline void assert_host(struct deploy_fixture *f, const char *want)
{
    AUTO_FREE char *summary = fake_engine_summary(f->engine);

    assert_string_equal(summary, want);
}

/* Version recorded as serving, nothing open, lock free. */
static inline void assert_ledger(const struct deploy_fixture *f, const char *version)
{
    AUTO_FREE char *current = deploy_fixture_current(f);

    assert_string_equal(current, version);
    assert_string_equal(deploy_fixture_open(f), "");
    assert_true(deploy_fixture_is_unlocked(f));
}

/* v1 serves. */
static inline void deployed(struct deploy_fixture *f)
{
    assert_status(f, deploy_fixture_deploy(f, "v1"), 0);
}

/* A member of a container's inspect document; heap, "" = none. */
static inline char *text_at(struct deploy_fixture *f, const char *container, const char *path)
{
    AUTO_FREE char *text = fake_engine_inspect(f->engine, container);
    struct ship_error err = {0};

    if (!text)
        fail_msg("no container '%s'", container);
    AUTO_PTR(json_free) struct json *doc = json_parse(text, strlen(text), "inspect", &err);
    return xstrdup(json_str_or(doc, path, ""));
}

#endif
