/*
 * Registry credentials: config.json, helper scripts, DOCKER_AUTH_CONFIG, and the header made of
 * them. No message may hold a secret.
 */
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/file.h"
#include "base/str.h"
#include "docker/auth.h"
#include "unit/assert.h"

#define SECRET "canary-5up3r"

struct place {
    char dir[32];
    char *old_path;
};

static int setup(void **state)
{
    struct place *p = xcalloc(1, sizeof *p);

    (void)snprintf(p->dir, sizeof p->dir, "/tmp/auth-XXXXXX");
    assert_non_null(mkdtemp(p->dir));
    p->old_path = xstrdup(getenv("PATH"));
    AUTO_FREE char *path = xasprintf("%s:%s", p->dir, p->old_path);
    assert_int_equal(setenv("PATH", path, 1), 0);
    assert_int_equal(unsetenv("DOCKER_AUTH_CONFIG"), 0);
    *state = p;
    return 0;
}

static int teardown(void **state)
{
    static const char *const files[] = {"config.json", "docker-credential-t", "asked"};
    struct place *p = *state;

    for (size_t i = 0; i < ROWS(files); i++) {
        AUTO_FREE char *path = xasprintf("%s/%s", p->dir, files[i]);
        (void)unlink(path);
    }
    (void)rmdir(p->dir);
    assert_int_equal(setenv("PATH", p->old_path, 1), 0);
    assert_int_equal(unsetenv("DOCKER_AUTH_CONFIG"), 0);
    free(p->old_path);
    free(p);
    return 0;
}

static void put(const struct place *p, const char *name, const char *text, mode_t mode)
{
    AUTO_FREE char *path = xasprintf("%s/%s", p->dir, name);
    struct ship_error err = {0};

    assert_ok(file_replace(path, text, strlen(text), mode, &err), &err);
    assert_int_equal(chmod(path, mode), 0);
}

static int64_t soon(void)
{
    return clock_deadline(&clock_real, 5000);
}

/* The JSON behind the header, heap; "" when anonymous. */
static char *plain(const struct registry_auth *auth)
{
    AUTO(buf_done) struct buf out = BUF_INIT(AUTH_HEADER_MAX);

    if (auth->header == NULL)
        return xstrdup("");
    AUTO_FREE char *standard = xstrdup(auth->header);
    for (char *c = standard; *c; c++)
        *c = (char)(*c == '-' ? '+' : *c == '_' ? '/' : *c);
    assert_int_equal(base64_decode(standard, strlen(standard), &out), 0);
    return xstrdup(out.p);
}

/* ---- config.json ---- */

/* dTpw = u:p */
static const struct {
    const char *why, *config, *registry, *header;
} entries[] = {
    {"exact host",              "{\"auths\":{\"r.example.com\":{\"auth\":\"dTpw\"}}}",               "r.example.com",
     "{\"username\":\"u\",\"password\":\"p\",\"serveraddress\":\"r.example.com\"}"                                                                                                                      },
    {"host with port",          "{\"auths\":{\"r.example.com:5000\":{\"auth\":\"dTpw\"}}}",
     "r.example.com:5000",                                                                                            "{\"username\":\"u\",\"password\":\"p\",\"serveraddress\":\"r.example.com:5000\"}"},
    {"other port",              "{\"auths\":{\"r.example.com:5000\":{\"auth\":\"dTpw\"}}}",          "r.example.com", ""                                                                                },
    {"entry written as URL",    "{\"auths\":{\"https://r.example.com/v2/\":{\"auth\":\"dTpw\"}}}",
     "r.example.com",                                                                                                 "{\"username\":\"u\",\"password\":\"p\",\"serveraddress\":\"r.example.com\"}"     },
    {"no prefix match",         "{\"auths\":{\"r.example.com.evil\":{\"auth\":\"dTpw\"}}}",          "r.example.com",
     ""                                                                                                                                                                                                 },
    {"docker hub",              "{\"auths\":{\"https://index.docker.io/v1/\":{\"auth\":\"dTpw\"}}}", "docker.io",
     "{\"username\":\"u\",\"password\":\"p\",\"serveraddress\":\"https://index.docker.io/v1/\"}"                                                                                                        },
    {"user and password",       "{\"auths\":{\"r\":{\"username\":\"a\",\"password\":\"b\"}}}",       "r",
     "{\"username\":\"a\",\"password\":\"b\",\"serveraddress\":\"r\"}"                                                                                                                                  },
    {"password with colon",     "{\"auths\":{\"r\":{\"auth\":\"dTphOmI=\"}}}",                       "r",
     "{\"username\":\"u\",\"password\":\"a:b\",\"serveraddress\":\"r\"}"                                                                                                                                },
    {"trailing NUL",            "{\"auths\":{\"r\":{\"auth\":\"dTpwAAA=\"}}}",                       "r",
     "{\"username\":\"u\",\"password\":\"p\",\"serveraddress\":\"r\"}"                                                                                                                                  },
    {"quote in the password",
     "{\"auths\":{\"r\":{\"username\":\"u\",\"password\":\"a\\\"\\\\b\"}}}",                         "r",
     "{\"username\":\"u\",\"password\":\"a\\\"\\\\b\",\"serveraddress\":\"r\"}"                                                                                                                         },
    {"identity token",          "{\"auths\":{\"r\":{\"username\":\"u\",\"identitytoken\":\"t\"}}}",  "r",
     "{\"username\":\"u\",\"identitytoken\":\"t\",\"serveraddress\":\"r\"}"                                                                                                                             },
    {"registry token",          "{\"auths\":{\"r\":{\"registrytoken\":\"t\"}}}",                     "r",
     "{\"registrytoken\":\"t\",\"serveraddress\":\"r\"}"                                                                                                                                                },
    {"empty entry of a helper", "{\"auths\":{\"r\":{}}}",                                            "r",             ""                                                                                },
    {"no entry",                "{\"auths\":{}}",                                                    "r",             ""                                                                                },
    {"nothing at all",          "{}",                                                                "r",             ""                                                                                },
};

static void test_auth_find_reads_config_entries(void **state)
{
    struct place *p = *state;

    for (size_t i = 0; i < ROWS(entries); i++) {
        struct ship_error err = {0};
        struct registry_auth auth = {0};
        AUTO_PTR(docker_auth_free) struct docker_auth *a = docker_auth_new(p->dir, &clock_real);
        put(p, "config.json", entries[i].config, 0600);
        assert_ok(docker_auth_find(a, entries[i].registry, soon(), &auth, &err), &err);
        AUTO_FREE char *text = plain(&auth);
        if (strcmp(text, entries[i].header) != 0)
            fail_msg("row '%s': '%s', want '%s'", entries[i].why, text, entries[i].header);
        row_check(str_eq(auth.source, "none") == (auth.header == NULL), entries[i].why);
    }
}

static void test_auth_find_with_broken_config_fails_without_secrets(void **state)
{
    static const struct {
        const char *why, *config;
    } rows[] = {
        {"no JSON",        "{\"auths\": " SECRET                           },
        {"an array",       "[]"                                            },
        {"no base64",      "{\"auths\":{\"r\":{\"auth\":\"" SECRET "!\"}}}"},
        {"no colon",       "{\"auths\":{\"r\":{\"auth\":\"dXA=\"}}}"       },
        {"empty user",     "{\"auths\":{\"r\":{\"auth\":\"OnA=\"}}}"       },
        {"entry is text",  "{\"auths\":{\"r\":\"" SECRET "\"}}"            },
        {"helper is path", "{\"credsStore\":\"../../bin/sh\"}"             },
        {"empty file",     ""                                              },
    };
    struct place *p = *state;

    for (size_t i = 0; i < ROWS(rows); i++) {
        struct ship_error err = {0};
        struct registry_auth auth;
        AUTO_PTR(docker_auth_free) struct docker_auth *a = docker_auth_new(p->dir, &clock_real);
        put(p, "config.json", rows[i].config, 0600);
        row_check(docker_auth_find(a, "r", soon(), &auth, &err) == -1, rows[i].why);
        row_check(err.code == SHIP_INVALID, rows[i].why);
        row_check(!strstr(err.msg, SECRET) && !strstr(err.hint, SECRET), rows[i].why);
    }
}

static void test_auth_find_without_config_is_anonymous(void **state)
{
    struct place *p = *state;
    struct ship_error err = {0};
    struct registry_auth auth;
    const char *const dirs[] = {p->dir, "/nonexistent", NULL};

    for (size_t i = 0; i < ROWS(dirs); i++) {
        AUTO_PTR(docker_auth_free) struct docker_auth *a = docker_auth_new(dirs[i], &clock_real);
        assert_ok(docker_auth_find(a, "r", soon(), &auth, &err), &err);
        assert_null(auth.header);
        assert_string_equal(auth.source, "none");
    }
}

static void test_auth_find_reads_once_per_registry(void **state)
{
    struct place *p = *state;
    struct ship_error err = {0};
    struct registry_auth one, two;
    AUTO_PTR(docker_auth_free) struct docker_auth *a = docker_auth_new(p->dir, &clock_real);

    put(p, "config.json", "{\"auths\":{\"r\":{\"auth\":\"dTpw\"}}}", 0600);
    assert_ok(docker_auth_find(a, "r", soon(), &one, &err), &err);
    put(p, "config.json", "broken", 0600);
    assert_ok(docker_auth_find(a, "r", soon(), &two, &err), &err);
    assert_ptr_equal(one.header, two.header);
}

static void test_auth_find_with_oversized_secret_fails(void **state)
{
    struct place *p = *state;
    struct ship_error err = {0};
    struct registry_auth auth;
    AUTO(buf_done) struct buf config = BUF_INIT(100000);
    AUTO_PTR(docker_auth_free) struct docker_auth *a = docker_auth_new(p->dir, &clock_real);

    (void)buf_adds(&config, "{\"auths\":{\"r\":{\"username\":\"u\",\"password\":\"");
    for (int i = 0; i < 9000; i++)
        (void)buf_addc(&config, 'x');
    (void)buf_adds(&config, "\"}}}");
    put(p, "config.json", config.p, 0600);
    assert_fails(docker_auth_find(a, "r", soon(), &auth, &err), &err, SHIP_INVALID);
}

/* ---- environment ---- */

static void test_auth_config_variable_wins_over_the_file(void **state)
{
    struct place *p = *state;
    struct ship_error err = {0};
    struct registry_auth auth;
    AUTO_PTR(docker_auth_free) struct docker_auth *a = docker_auth_new(p->dir, &clock_real);

    put(p, "config.json", "{\"auths\":{\"r\":{\"auth\":\"dTpw\"},\"s\":{\"auth\":\"dTpw\"}}}",
        0600);
    assert_int_equal(setenv("DOCKER_AUTH_CONFIG", "{\"auths\":{\"r\":{\"auth\":\"eDp5\"}}}", 1), 0);
    assert_ok(docker_auth_find(a, "r", soon(), &auth, &err), &err);
    assert_contains(auth.source, "DOCKER_AUTH_CONFIG");
    AUTO_FREE char *text = plain(&auth);
    assert_contains(text, "\"username\":\"x\"");
    assert_ok(docker_auth_find(a, "s", soon(), &auth, &err), &err);
    assert_contains(auth.source, "config.json");
}

static void test_auth_config_variable_that_is_broken_fails(void **state)
{
    static const char *const rows[] = {SECRET, "{}", "{\"auths\":[\"" SECRET "\"]}",
                                       "{\"auths\":{\"r\":{\"auth\":\"" SECRET "\"}}}"};
    struct place *p = *state;

    for (size_t i = 0; i < ROWS(rows); i++) {
        struct ship_error err = {0};
        struct registry_auth auth;
        AUTO_PTR(docker_auth_free) struct docker_auth *a = docker_auth_new(p->dir, &clock_real);
        assert_int_equal(setenv("DOCKER_AUTH_CONFIG", rows[i], 1), 0);
        assert_fails(docker_auth_find(a, "r", soon(), &auth, &err), &err, SHIP_INVALID);
        assert_null(strstr(err.msg, SECRET));
    }
}

/* ---- helpers ---- */

static const struct {
    const char *why, *script;
    enum ship_code code; /* SHIP_OK = found or anonymous */
    const char *header;
} helpers[] = {
    {"answers",
     "#!/bin/sh\n[ \"$1\" = get ] && cat >$(dirname $0)/asked\n"
     "echo '{\"ServerURL\":\"r\",\"Username\":\"u\",\"Secret\":\"" SECRET "\"}'\n",
     SHIP_OK,                                                                                                 "{\"username\":\"u\",\"password\":\"" SECRET "\",\"serveraddress\":\"r\"}"},
    {"identity token",
     "#!/bin/sh\necho '{\"ServerURL\":\"r\",\"Username\":\"<token>\",\"Secret\":\"t\"}'\n",     SHIP_OK,
     "{\"identitytoken\":\"t\",\"serveraddress\":\"r\"}"                                                                                                                                },
    {"knows nothing",   "#!/bin/sh\necho 'credentials not found in native keychain'; exit 1\n",
     SHIP_OK,                                                                                                 ""                                                                        },
    {"fails",           "#!/bin/sh\necho 'no key " SECRET "'; exit 1\n",                        SHIP_DENIED,  ""                                                                        },
    {"other exit code", "#!/bin/sh\necho 'credentials not found in native keychain'; exit 2\n",
     SHIP_DENIED,                                                                                             ""                                                                        },
    {"no JSON",         "#!/bin/sh\necho '" SECRET "'\n",                                       SHIP_INVALID, ""                                                                        },
    {"no secret",       "#!/bin/sh\necho '{\"Username\":\"u\"}'\n",                             SHIP_INVALID, ""                                                                        },
    {"too much",        "#!/bin/sh\nhead -c 100000 /dev/zero | tr '\\0' ' '\necho '{}'\n",      SHIP_DENIED,
     ""                                                                                                                                                                                 },
};

static void test_auth_find_asks_the_helper(void **state)
{
    struct place *p = *state;

    put(p, "config.json",
        "{\"credsStore\":\"other\",\"credHelpers\":{\"r\":\"t\"},"
        "\"auths\":{\"r\":{\"auth\":\"dTpw\"}}}",
        0600);
    for (size_t i = 0; i < ROWS(helpers); i++) {
        struct ship_error err = {0};
        struct registry_auth auth = {0};
        AUTO_PTR(docker_auth_free) struct docker_auth *a = docker_auth_new(p->dir, &clock_real);
        put(p, "docker-credential-t", helpers[i].script, 0700);
        int rc = docker_auth_find(a, "r", soon(), &auth, &err);
        row_check(err.code == helpers[i].code, helpers[i].why);
        row_check(!strstr(err.msg, SECRET) && !strstr(err.hint, SECRET), helpers[i].why);
        if (rc != 0)
            continue;
        AUTO_FREE char *text = plain(&auth);
        row_check(strcmp(text, helpers[i].header) == 0, helpers[i].why);
    }
    AUTO_FREE char *asked = xasprintf("%s/asked", p->dir);
    AUTO(buf_done) struct buf key = BUF_INIT(100);
    struct ship_error err = {0};
    assert_ok(file_read(asked, &key, &err), &err);
    assert_string_equal(key.p, "r");
}

static void test_auth_find_with_missing_helper_says_so(void **state)
{
    struct place *p = *state;
    struct ship_error err = {0};
    struct registry_auth auth;
    AUTO_PTR(docker_auth_free) struct docker_auth *a = docker_auth_new(p->dir, &clock_real);

    put(p, "config.json", "{\"credsStore\":\"nobody-has-this\"}", 0600);
    assert_fails(docker_auth_find(a, "r", soon(), &auth, &err), &err, SHIP_DENIED);
    assert_contains(err.msg, "docker-credential-nobody-has-this");
}

static void test_auth_find_with_hanging_helper_ends_at_the_deadline(void **state)
{
    struct place *p = *state;
    struct ship_error err = {0};
    struct registry_auth auth;
    AUTO_PTR(docker_auth_free) struct docker_auth *a = docker_auth_new(p->dir, &clock_real);

    put(p, "config.json", "{\"credsStore\":\"t\"}", 0600);
    put(p, "docker-credential-t", "#!/bin/sh\nexec sleep 60\n", 0700);
    assert_fails(docker_auth_find(a, "r", clock_deadline(&clock_real, 100), &auth, &err), &err,
                 SHIP_DENIED);
}

int main(void)
{
#define place_test(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
    const struct CMUnitTest tests[] = {
        place_test(test_auth_find_reads_config_entries),
        place_test(test_auth_find_with_broken_config_fails_without_secrets),
        place_test(test_auth_find_without_config_is_anonymous),
        place_test(test_auth_find_reads_once_per_registry),
        place_test(test_auth_find_with_oversized_secret_fails),
        place_test(test_auth_config_variable_wins_over_the_file),
        place_test(test_auth_config_variable_that_is_broken_fails),
        place_test(test_auth_find_asks_the_helper),
        place_test(test_auth_find_with_missing_helper_says_so),
        place_test(test_auth_find_with_hanging_helper_ends_at_the_deadline),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
