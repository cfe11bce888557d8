/* lib/compose: archive of secrets and configs given as text. */
/* cmocka.h needs the four before it */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "support/compose_model.h"

#define BLOCK 512

static int make(const char *service, const char *rest, struct buf *out, struct ship_error *err)
{
    AUTO_FREE char *text = xasprintf("{\"services\": {\"a\": {%s}}, %s}", service, rest);
    AUTO_PTR(model_project_free) struct compose_project *p = model_project(text);

    model_set_variable(p, "SEC", "top secret");
    model_set_variable(p, "EMPTY", "");
    return compose_secrets_tar(p, "a", out, err);
}

#define DEFS                                                                                       \
    "\"secrets\": {\"f\": {\"file\": \"/f\"}, \"e\": {\"environment\": \"SEC\"}, \"z\": "          \
    "{\"environment\": \"EMPTY\"}, \"u\": {\"environment\": \"UNSET\"}}, \"configs\": {\"c\": "    \
    "{\"content\": \"hello\\n\"}}"

static unsigned octal(const char *field)
{
    return (unsigned)strtoul(field, NULL, 8);
}

static unsigned checksum(const char *block)
{
    unsigned sum = 0;

    for (size_t i = 0; i < BLOCK; i++)
        sum += i >= 148 && i < 156 ? ' ' : (unsigned char)block[i];
    return sum;
}

static void test_secrets_tar_members(void **state)
{
    static const struct {
        const char *service, *name, *data;
        unsigned mode, uid, gid;
        const char *why;
    } rows[] = {
        {"\"secrets\": [{\"source\": \"e\"}]",                                       "run/secrets/e", "top secret", 0444, 0, 0,
         "environment"                                                                                                                                  },
        {"\"secrets\": [{\"source\": \"e\", \"target\": \"t\", \"mode\": \"0440\", \"uid\": \"7\", "
         "\"gid\": \"8\"}]",                                                "run/secrets/t", "top secret", 0440, 7, 8, "relative target, owner"},
        {"\"secrets\": [{\"source\": \"e\", \"target\": \"/etc/key\"}]",             "etc/key",       "top secret",
         0444,                                                                                                            0, 0, "absolute target"       },
        {"\"secrets\": [{\"source\": \"z\"}]",                                       "run/secrets/z", "",           0444, 0, 0, "empty value"           },
        {"\"configs\": [{\"source\": \"c\"}]",                                       "c",             "hello\n",    0444, 0, 0, "config content"        },
        {"\"configs\": [{\"source\": \"c\", \"target\": \"etc/c\", \"mode\": 256}]", "etc/c",
         "hello\n",                                                                                                 0400, 0, 0, "number as mode"        },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ship_error err = {0};
        AUTO(buf_done) struct buf out = BUF_INIT(1u << 20);
        if (make(rows[i].service, DEFS, &out, &err) != 0)
            fail_msg("%s: %s", rows[i].why, err.msg);
        size_t len = strlen(rows[i].data), padded = (len + BLOCK - 1) / BLOCK * BLOCK;
        assert_int_equal(out.len, BLOCK + padded + 2 * BLOCK);
        assert_string_equal(out.p, rows[i].name);
        assert_int_equal(octal(out.p + 100), rows[i].mode);
        assert_int_equal(octal(out.p + 108), rows[i].uid);
        assert_int_equal(octal(out.p + 116), rows[i].gid);
        assert_int_equal(octal(out.p + 124), len);
        assert_int_equal(octal(out.p + 148), checksum(out.p));
        assert_int_equal(out.p[156], '0');
        assert_memory_equal(out.p + 257,
                            "ustar\0"
                            "00",
                            8);
        assert_memory_equal(out.p + BLOCK, rows[i].data, len);
    }
}

static void test_secrets_tar_nothing_to_write_appends_nothing(void **state)
{
    static const char *const rows[] = {
        "\"image\": \"i\"",
        "\"secrets\": [{\"source\": \"f\"}]",
        "\"read_only\": true, \"secrets\": [{\"source\": \"f\"}]",
        "\"tmpfs\": [\"/run/secrets/e\"], \"secrets\": [{\"source\": \"e\"}]",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ship_error err = {0};
        AUTO(buf_done) struct buf out = BUF_INIT(1u << 20);
        assert_int_equal(make(rows[i], DEFS, &out, &err), 0);
        assert_int_equal(out.len, 0);
    }
}

static void test_secrets_tar_impossible_is_refused_without_the_value(void **state)
{
    static const struct {
        const char *service, *message, *why;
    } rows[] = {
        {"\"read_only\": true, \"secrets\": [{\"source\": \"e\"}]",   "read-only",          "can not write" },
        {"\"secrets\": [{\"source\": \"u\"}]",                        "'UNSET' is not set", "unset variable"},
        {"\"secrets\": [{\"source\": \"e\", \"uid\": \"app\"}]",      "uid 'app'",          "name as uid"   },
        {"\"secrets\": [{\"source\": \"e\", \"gid\": \"-1\"}]",       "gid '-1'",           "negative"      },
        {"\"secrets\": [{\"source\": \"e\", \"gid\": \"99999999\"}]", "gid",                "does not fit"  },
        {"\"secrets\": [{\"source\": \"e\", \"mode\": \"rw\"}]",      "mode 'rw'",          "no octal"      },
        {"\"secrets\": [{\"source\": \"e\", \"mode\": \"77777\"}]",   "mode",               "too many bits" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ship_error err = {0};
        AUTO(buf_done) struct buf out = BUF_INIT(1u << 20);
        if (make(rows[i].service, DEFS, &out, &err) == 0)
            fail_msg("accepted: %s", rows[i].why);
        assert_int_equal(err.code, SHIP_INVALID);
        if (!strstr(err.msg, rows[i].message))
            fail_msg("%s: '%s' lacks '%s'", rows[i].why, err.msg, rows[i].message);
        assert_null(strstr(err.msg, "top secret"));
    }
}

static void test_secrets_tar_long_paths_use_the_prefix(void **state)
{
    static const struct {
        size_t dir, base;
        int rc;
    } rows[] = {
        {90,  9,   0 }, /* exactly 100 bytes: no prefix */
        {90,  50,  0 }, /* prefix */
        {150, 100, 0 },
        {150, 101, -1}, /* last part too long */
        {200, 50,  -1}, /* no slash early enough */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ship_error err = {0};
        AUTO(buf_done) struct buf out = BUF_INIT(1u << 20);
        AUTO(buf_done) struct buf path = BUF_INIT(1000);
        for (size_t c = 0; c < rows[i].dir; c++)
            buf_addc(&path, 'd');
        buf_addc(&path, '/');
        for (size_t c = 0; c < rows[i].base; c++)
            buf_addc(&path, 'b');
        AUTO_FREE char *service =
            xasprintf("\"secrets\": [{\"source\": \"e\", \"target\": \"/%s\"}]", path.p);
        assert_int_equal(make(service, DEFS, &out, &err), rows[i].rc);
        if (rows[i].rc != 0)
            continue;
        AUTO_FREE char *prefix = xstrndup(out.p + 345, 155);
        AUTO_FREE char *name = xstrndup(out.p, 100);
        AUTO_FREE char *full = *prefix ? xasprintf("%s/%s", prefix, name) : xstrdup(name);
        assert_string_equal(full, path.p);
    }
}

static void test_secrets_tar_limit_is_an_error(void **state)
{
    struct ship_error err = {0};
    AUTO(buf_done) struct buf out = BUF_INIT(1000);

    (void)state;
    assert_int_equal(make("\"secrets\": [{\"source\": \"e\"}]", DEFS, &out, &err), -1);
    assert_non_null(strstr(err.msg, "1000 bytes"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_secrets_tar_members),
        cmocka_unit_test(test_secrets_tar_nothing_to_write_appends_nothing),
        cmocka_unit_test(test_secrets_tar_impossible_is_refused_without_the_value),
        cmocka_unit_test(test_secrets_tar_long_paths_use_the_prefix),
        cmocka_unit_test(test_secrets_tar_limit_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
