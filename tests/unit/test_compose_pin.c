/* lib/compose: writing a version back, byte by byte. */
/* cmocka.h needs the four before it */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "compose/pin.h"
#include "support/compose_model.h"

#define HEX64  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define DIGEST "sha256:" HEX64

/* ---- the .env edit alone ---- */

static void test_pin_env_edit_changes_only_the_value(void **state)
{
    static const struct {
        const char *before, *after, *why;
    } rows[] = {
        {"V=1\n",                 "V=2.0\n",                 "plain"                        },
        {"V=1",                   "V=2.0",                   "no newline at the end"        },
        {"V=1\r\nA=b\r\n",        "V=2.0\r\nA=b\r\n",        "CRLF stays"                   },
        {"V=\"1\"\n",             "V=\"2.0\"\n",             "double quotes stay"           },
        {"V='1'\n",               "V='2.0'\n",               "single quotes stay"           },
        {"V=\"a\\\"b\" # c\n",    "V=\"2.0\" # c\n",         "escaped quote inside"         },
        {"V='it\\'s'\n",          "V='2.0'\n",               "escaped single quote"         },
        {"V=1 # note\n",          "V=2.0 # note\n",          "comment stays"                },
        {"V=1#x\n",               "V=2.0\n",                 "hash without blank is value"  },
        {"V=1  \t\n",             "V=2.0  \t\n",             "trailing blanks stay"         },
        {"  export  V = 1\n",     "  export  V = 2.0\n",     "export and blanks stay"       },
        {"V: 1\n",                "V: 2.0\n",                "YAML style separator"         },
        {"V=1\nV=3\n",            "V=1\nV=2.0\n",            "the last assignment counts"   },
        {"V=1\nW=3\n",            "V=2.0\nW=3\n",            "longer names are others"      },
        {"XV=1\nV2=1\nV=1\n",     "XV=1\nV2=1\nV=2.0\n",     "prefix and suffix are others" },
        {"#V=1\n",                "#V=1\nV=2.0\n",           "a comment is no assignment"   },
        {"",                      "V=2.0\n",                 "empty file"                   },
        {"A=b",                   "A=b\nV=2.0\n",            "newline is added before"      },
        {"A=b\r\n",               "A=b\r\nV=2.0\r\n",        "line ends as in the file"     },
        {"V=\n",                  "V=2.0\n",                 "empty value"                  },
        {"V=",                    "V=2.0",                   "empty value at the end"       },
        {"V=\"\"\n",              "V=\"2.0\"\n",             "empty in quotes"              },
        {"V= # c\n",              "V=2.0 # c\n",             "empty value before a comment" },
        {"V=# c\n",               "V=2.0 # c\n",             "comment touches the separator"},
        {"V\n",                   "V=2.0\n",                 "inherited: gets a value"      },
        {"V",                     "V=2.0",                   "inherited at the end"         },
        {"V=${X:-1}\n",           "V=2.0\n",                 "an expression is replaced"    },
        {"M=\"a\nV=9\n\"\nV=1\n", "M=\"a\nV=9\n\"\nV=2.0\n", "inside another value"         },
        {"M=\"a\nV=9\n\"\n",      "M=\"a\nV=9\n\"\nV=2.0\n", "only inside another value"    },
        {"\xef\xbb\xbfV=1\n",     "\xef\xbb\xbfV=2.0\n",     "byte order mark stays"        },
        {"\n\n  \nV=1\n\n",       "\n\n  \nV=2.0\n\n",       "blank lines stay"             },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ship_error err = {0};
        struct pin_text text = {rows[i].before, strlen(rows[i].before)};
        AUTO(buf_done) struct buf out = BUF_INIT(1000);
        if (pin_env_edit(&text, "V", "2.0", &out, &err) != 0)
            fail_msg("%s: %s", rows[i].why, err.msg);
        if (strcmp(out.p, rows[i].after) != 0)
            fail_msg("%s:\n got '%s'\nwant '%s'", rows[i].why, out.p, rows[i].after);
    }
}

static void test_pin_env_edit_broken_file_is_refused(void **state)
{
    static const char *const rows[] = {"V=\"1\n", "A='x\nV=1\n", "V=\"\\\"",
                                       "V\177",   "A B=1\n",     "V#x\n"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ship_error err = {0};
        struct pin_text text = {rows[i], strlen(rows[i])};
        AUTO(buf_done) struct buf out = BUF_INIT(1000);
        assert_int_equal(pin_env_edit(&text, "V", "2", &out, &err), -1);
        assert_int_equal(err.code, SHIP_INVALID);
    }
}

static void test_pin_env_edit_too_large_is_refused(void **state)
{
    struct ship_error err = {0};
    struct pin_text text = {"V=1\n", 4};
    AUTO(buf_done) struct buf out = BUF_INIT(5);

    (void)state;
    assert_int_equal(pin_env_edit(&text, "V", "123", &out, &err), -1);
    assert_int_equal(err.code, SHIP_INVALID);
}

/* ---- whole plans on files ---- */

struct fixture {
    char dir[40];
    char *compose, *env;
    struct compose_project *p;
};

static void write_file(const char *path, const char *text)
{
    struct ship_error err = {0};

    assert_int_equal(file_replace(path, text, strlen(text), 0600, &err), 0);
}

static char *read_file(const char *path)
{
    struct ship_error err = {0};
    struct buf text = BUF_INIT(1u << 20);

    if (file_read(path, &text, &err) != 0)
        fail_msg("%s", err.msg);
    return buf_steal(&text);
}

/* images: the resolved model image of each service, by the model's JSON. env NULL: no .env. */
static void setup(struct fixture *f, const char *compose, const char *services, const char *env)
{
    struct ship_error err = {0};
    AUTO_FREE char *text = xasprintf("{\"name\": \"app\", \"services\": {%s}}", services);
    AUTO_PTR(json_free) struct json *model = json_parse(text, strlen(text), "model", &err);

    assert_non_null(model);
    (void)snprintf(f->dir, sizeof f->dir, "/tmp/shipctl-pin-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    f->compose = xasprintf("%s/docker-compose.yml", f->dir);
    f->env = xasprintf("%s/.env", f->dir);
    write_file(f->compose, compose);
    if (env)
        write_file(f->env, env);
    f->p = model_project_of(model, f->dir);
    f->p->env_file = xstrdup(f->env);
    model_add_file(f->p, f->compose);
}

static void teardown(struct fixture *f)
{
    unlink(f->compose);
    unlink(f->env);
    rmdir(f->dir);
    free(f->compose);
    free(f->env);
    model_project_free(f->p);
}

#define APP(image) "\"app\": {\"image\": \"" image "\"}"

static void test_pin_plan_rewrites_one_value(void **state)
{
    static const struct {
        const char *raw;      /* image scalar in the compose file */
        const char *resolved; /* model image */
        const char *env;      /* .env before; NULL = none */
        const char *want;     /* image to pin */
        enum compose_pin_mode mode;
        const char *new_raw; /* NULL: compose file not touched */
        const char *new_env; /* NULL: .env not touched */
        const char *why;
    } rows[] = {
        {"app:1",                   "app:1",                   NULL,        "app:2",                COMPOSE_PIN_AUTO, "app:2",                NULL,         "literal"        },
        {"\"app:1\"",               "app:1",                   NULL,        "app:2",                COMPOSE_PIN_AUTO, "\"app:2\"",            NULL,         "double"         },
        {"'app:1'   # note",        "app:1",                   NULL,        "app:2.10",             COMPOSE_PIN_AUTO, "'app:2.10'   # note",
         NULL,                                                                                                                                              "single, comment"},
        {"app",                     "app",                     NULL,        "app:2",                COMPOSE_PIN_AUTO, "app:2",                NULL,         "no tag so far"  },
        {"app:1",                   "app:1",                   NULL,        "app@" DIGEST,          COMPOSE_PIN_AUTO, "app@" DIGEST,          NULL,         "digest"         },
        {"app@" DIGEST,             "app@" DIGEST,             NULL,        "app:3",                COMPOSE_PIN_AUTO, "app:3",                NULL,
         "digest to tag"                                                                                                                                                     },
        {"app:1@" DIGEST,           "app:1@" DIGEST,           NULL,        "app:3",                COMPOSE_PIN_AUTO, "app:3",                NULL,
         "both to tag"                                                                                                                                                       },
        {"&img app:1",              "app:1",                   NULL,        "app:2",                COMPOSE_PIN_AUTO, "&img app:2",           NULL,         "anchor"         },
        {"!!str app:1",             "app:1",                   NULL,        "app:2",                COMPOSE_PIN_AUTO, "!!str app:2",          NULL,         "tag"            },
        {"${REG}/app:1",            "r.io/app:1",              NULL,        "r.io/app:2",           COMPOSE_PIN_AUTO, "${REG}/app:2",         NULL,
         "variable repository stays"                                                                                                                                         },
        {"127.0.0.1:5000/app:1",    "127.0.0.1:5000/app:1",    NULL,        "127.0.0.1:5000/app:2",
         COMPOSE_PIN_AUTO,                                                                                            "127.0.0.1:5000/app:2", NULL,         "port"           },
        {"docker.io/library/app:1", "docker.io/library/app:1", NULL,        "app:2",                COMPOSE_PIN_AUTO,
         "docker.io/library/app:2",                                                                                                           NULL,         "long form stays"},
        {"app:1",                   "other:2",                 NULL,        "other:2",              COMPOSE_PIN_AUTO, "other:2",              NULL,
         "another repository"                                                                                                                                                },
        {"app:${V}",                "app:1",                   "V=1\n",     "app:2",                COMPOSE_PIN_AUTO, NULL,                   "V=2\n",      "variable"       },
        {"app:$V",                  "app:1",                   "V=1\n",     "app:2",                COMPOSE_PIN_AUTO, NULL,                   "V=2\n",      "short form"     },
        {"app:${V:-1}",             "app:1",                   NULL,        "app:2",                COMPOSE_PIN_AUTO, NULL,                   "V=2\n",      "new .env"       },
        {"app:${V:-1}",             "app:1",                   "A=b",       "app:2",                COMPOSE_PIN_ENV,  NULL,                   "A=b\nV=2\n", "appended"       },
        {"app:${V:?set it}",        "app:1",                   "V=1 # x\n", "app:2",                COMPOSE_PIN_AUTO, NULL,                   "V=2 # x\n",
         "required"                                                                                                                                                          },
        {"${REG}/app:${V}",         "r.io/app:1",              "V=1\n",     "r.io/app:2",           COMPOSE_PIN_AUTO, NULL,                   "V=2\n",
         "variable repository"                                                                                                                                               },
        {"app:${V}",                "app:1",                   "V=1\n",     "app:2",                COMPOSE_PIN_FILE, "app:2",                NULL,
         "variable to literal on demand"                                                                                                                                     },
        {"app:${V}",                "app:1",                   "V=1\n",     "app@" DIGEST,          COMPOSE_PIN_FILE, "app@" DIGEST,          NULL,
         "digest on demand"                                                                                                                                                  },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct fixture f;
        struct ship_error err = {0};
        struct compose_pin pin = {.changes = false};
        static const char form[] = "# head\nservices:\n  app:\n    image: %s\n    user: app:1\n";
        AUTO_FREE char *before = xasprintf(form, rows[i].raw);
        AUTO_FREE char *after = xasprintf(form, rows[i].new_raw ? rows[i].new_raw : rows[i].raw);
        AUTO_FREE char *services = xasprintf("\"app\": {\"image\": \"%s\"}", rows[i].resolved);
        setup(&f, before, services, rows[i].env);
        model_set_variable(f.p, "REG", "r.io");
        if (compose_pin_plan(f.p, &(struct compose_pin_want){"app", rows[i].want, rows[i].mode},
                             NULL, 0, &pin, &err) != 0)
            fail_msg("%s: %s", rows[i].why, err.msg);
        assert_true(pin.changes);
        if (compose_pin_apply(&pin, &err) != 0)
            fail_msg("%s: %s", rows[i].why, err.msg);
        AUTO_FREE char *now = read_file(f.compose);
        assert_string_equal(now, after);
        if (rows[i].new_env || rows[i].env) {
            AUTO_FREE char *env = read_file(f.env);
            assert_string_equal(env, rows[i].new_env ? rows[i].new_env : rows[i].env);
        }
        compose_pin_done(&pin);
        teardown(&f);
    }
}

static void test_pin_plan_nothing_to_do_does_not_change(void **state)
{
    static const struct {
        const char *raw, *env, *why;
    } rows[] = {
        {"app:2",       NULL,        "literal"                    },
        {"app:${V}",    "V=\"2\"\n", "variable"                   },
        {"app:${V:-2}", "A=b\n",     "the default says it already"},
        {"app:${V:-2}", NULL,        "no .env needed"             },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct fixture f;
        struct ship_error err = {0};
        struct compose_pin pin = {.changes = true};
        AUTO_FREE char *text = xasprintf("services: {app: {image: '%s'}}\n", rows[i].raw);
        setup(&f, text, APP("app:2"), rows[i].env);
        assert_int_equal(
            compose_pin_plan(f.p, &(struct compose_pin_want){"app", "app:2", COMPOSE_PIN_AUTO},
                             NULL, 0, &pin, &err),
            0);
        if (pin.changes)
            fail_msg("%s", rows[i].why);
        assert_int_equal(compose_pin_apply(&pin, &err), 0);
        assert_int_equal(file_exists(f.env), rows[i].env != NULL);
        compose_pin_done(&pin);
        teardown(&f);
    }
}

static void test_pin_plan_inexpressible_is_refused_with_hint(void **state)
{
    static const struct {
        const char *compose, *services, *env, *want;
        enum compose_pin_mode mode;
        const char *message, *why;
    } rows[] = {
        {"services: {app: {image: 'app:v${V}'}}",                   APP("app:v1"),  "V=1\n", "app:v2",
         COMPOSE_PIN_AUTO,                                                                                                    "not one variable", "part of the tag"       },
        {"services: {app: {image: 'app:${A}-${B}'}}",               APP("app:1-2"), NULL,    "app:2-2",
         COMPOSE_PIN_AUTO,                                                                                                    "not one variable", "two variables"         },
        {"services: {app: {image: '${IMAGE}'}}",                    APP("app:1"),   NULL,    "app:2",       COMPOSE_PIN_FILE,
         "not one variable",                                                                                                                      "the whole image"       },
        {"services: {app: {image: 'app:${V:+x}'}}",                 APP("app:x"),   NULL,    "app:2",       COMPOSE_PIN_AUTO,
         "not one variable",                                                                                                                      "alternative value"     },
        {"services: {app: {image: 'app:${V:-${W:-1}}'}}",           APP("app:1"),   "V='\n", "app:2",
         COMPOSE_PIN_AUTO,                                                                                                    "quote",            "broken .env"           },
        {"services: {app: {image: 'app:1'}}",                       APP("app:1"),   "V=1\n", "app:2",       COMPOSE_PIN_ENV,
         "no version variable",                                                                                                                   "literal into .env"     },
        {"services: {app: {image: 'app:${V}'}}",                    APP("app:1"),   "V=1\n", "app@" DIGEST,
         COMPOSE_PIN_AUTO,                                                                                                    "not a tag",        "digest into a variable"},
        {"services: {app: {image: 'app:${V}'}}",                    APP("app:1"),   "V=1\n", "other:2",     COMPOSE_PIN_AUTO,
         "would not read",                                                                                                                        "another repository"    },
        {"services: {app: {image: \"a\\x70p:1\"}}",                 APP("app:1"),   NULL,    "app:2",       COMPOSE_PIN_AUTO,
         "not plainly",                                                                                                                           "escapes"               },
        {"services:\n  app:\n    image: >-\n      app:1\n",         APP("app:1"),   NULL,    "app:2",
         COMPOSE_PIN_AUTO,                                                                                                    "block",            "folded"                },
        {"services: {app: {image: &i 'app:1'}, b: {image: *i}}",
         APP("app:1") ", \"b\": {\"image\":"
                      " \"app:1\"}",                                                NULL,    "app:2",       COMPOSE_PIN_AUTO, "share",            "alias that stays"      },
        {"services: {app: {<<: &x {image: 'app:1'}}, b: {<<: *x}}",
         APP("app:1") ", \"b\": {\"image\": \"app:1\"}",                            NULL,    "app:2",       COMPOSE_PIN_AUTO, "share",
         "merge key that stays"                                                                                                                                           },
        {"services: {app: {build: .}}",                             "\"app\": {}",  NULL,    "app:2",       COMPOSE_PIN_AUTO, "no image",
         "build only"                                                                                                                                                     },
        {"services: {app: {image: 'app:1'}}",                       APP("app:1"),   NULL,    "App:2",       COMPOSE_PIN_AUTO,
         "repository",                                                                                                                            "bad image"             },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct fixture f;
        struct ship_error err = {0};
        struct compose_pin pin = {.what = NULL};
        setup(&f, rows[i].compose, rows[i].services, rows[i].env);
        if (compose_pin_plan(f.p, &(struct compose_pin_want){"app", rows[i].want, rows[i].mode},
                             NULL, 0, &pin, &err) == 0)
            fail_msg("accepted: %s", rows[i].why);
        assert_int_equal(err.code, SHIP_INVALID);
        if (!strstr(err.msg, rows[i].message))
            fail_msg("%s: '%s' lacks '%s'", rows[i].why, err.msg, rows[i].message);
        assert_null(pin.what);
        teardown(&f);
    }
}

static void test_pin_plan_environment_decides_is_refused(void **state)
{
    struct fixture f;
    struct ship_error err = {0};
    struct compose_pin pin = {.what = NULL};

    (void)state;
    setup(&f, "services: {app: {image: 'app:${V}'}}", APP("app:1"), "V=1\n");
    strv_add(&f.p->os_names, "V");
    assert_int_equal(compose_pin_plan(f.p,
                                      &(struct compose_pin_want){"app", "app:2", COMPOSE_PIN_AUTO},
                                      NULL, 0, &pin, &err),
                     -1);
    assert_int_equal(err.code, SHIP_INVALID);
    assert_non_null(strstr(err.hint, "unset V"));
    strv_done(&f.p->os_names);
    free(f.p->env_file);
    f.p->env_file = NULL;
    assert_int_equal(compose_pin_plan(f.p,
                                      &(struct compose_pin_want){"app", "app:2", COMPOSE_PIN_AUTO},
                                      NULL, 0, &pin, &err),
                     -1);
    assert_non_null(strstr(err.hint, "COMPOSE_ENV_FILES"));
    teardown(&f);
}

static void test_pin_plan_second_service_builds_on_the_first(void **state)
{
    struct fixture f;
    struct ship_error err = {0};
    struct compose_pin pins[3] = {{.changes = false}};
    static const char *const order[] = {"web", "app", "job"};

    (void)state;
    setup(&f,
          "services:\n  app: {image: &i 'r/app:1'}\n  web:\n    image: r/web:1\n"
          "  job: {image: *i}\n",
          "\"app\": {\"image\": \"r/app:1\"}, \"web\": {\"image\": \"r/web:1\"}, "
          "\"job\": {\"image\": \"r/app:1\"}",
          NULL);
    assert_int_equal(compose_set_image(f.p, "app", "r/app:2.0.1", &err), 0);
    assert_int_equal(compose_set_image(f.p, "job", "r/app:2.0.1", &err), 0);
    assert_int_equal(compose_set_image(f.p, "web", "r/web:10", &err), 0);
    for (size_t i = 0; i < 3; i++) {
        const char *image = json_str(json_get(json_get(f.p->model, "services"), order[i]), "image");
        if (compose_pin_plan(f.p, &(struct compose_pin_want){order[i], image, COMPOSE_PIN_AUTO},
                             pins, i, &pins[i], &err) != 0)
            fail_msg("%s: %s", order[i], err.msg);
    }
    assert_true(pins[0].changes);
    assert_true(pins[1].changes);
    assert_false(pins[2].changes);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(compose_pin_apply(&pins[i], &err), 0);
    AUTO_FREE char *now = read_file(f.compose);
    assert_string_equal(now, "services:\n  app: {image: &i 'r/app:2.0.1'}\n  web:\n    image: "
                             "r/web:10\n  job: {image: *i}\n");
    for (size_t i = 0; i < 3; i++)
        compose_pin_done(&pins[i]);
    teardown(&f);
}

static void test_pin_plan_two_variables_in_one_env_file(void **state)
{
    struct fixture f;
    struct ship_error err = {0};
    struct compose_pin pins[2] = {{.changes = false}};

    (void)state;
    setup(&f, "services: {app: {image: 'app:${A:-1}'}, web: {image: 'web:${B:-1}'}}",
          APP("app:1") ", \"web\": {\"image\": \"web:1\"}", NULL);
    assert_int_equal(compose_pin_plan(f.p,
                                      &(struct compose_pin_want){"app", "app:2", COMPOSE_PIN_AUTO},
                                      pins, 0, &pins[0], &err),
                     0);
    assert_int_equal(compose_pin_plan(f.p,
                                      &(struct compose_pin_want){"web", "web:3", COMPOSE_PIN_AUTO},
                                      pins, 1, &pins[1], &err),
                     0);
    assert_string_equal(pins[0].what, "A in .env");
    assert_null(pins[0].old_text);
    assert_int_equal(compose_pin_apply(&pins[0], &err), 0);
    assert_int_equal(compose_pin_apply(&pins[1], &err), 0);
    AUTO_FREE char *env = read_file(f.env);
    assert_string_equal(env, "A=2\nB=3\n");
    struct stat st;
    assert_int_equal(stat(f.env, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    compose_pin_done(&pins[0]);
    compose_pin_done(&pins[1]);
    teardown(&f);
}

static void test_pin_file_changed_meanwhile_is_refused(void **state)
{
    struct fixture f;
    struct ship_error err = {0};
    struct compose_pin pin = {.changes = false};

    (void)state;
    setup(&f, "services: {app: {image: app:1}}\n", APP("app:1"), NULL);
    assert_int_equal(compose_pin_plan(f.p,
                                      &(struct compose_pin_want){"app", "app:2", COMPOSE_PIN_AUTO},
                                      NULL, 0, &pin, &err),
                     0);
    write_file(f.compose, "services: {app: {image: app:1}} # edited\n");
    assert_int_equal(compose_pin_apply(&pin, &err), -1);
    assert_int_equal(err.code, SHIP_CONFLICT);
    compose_pin_done(&pin);
    assert_int_equal(compose_pin_plan(f.p,
                                      &(struct compose_pin_want){"app", "app:2", COMPOSE_PIN_AUTO},
                                      NULL, 0, &pin, &err),
                     -1);
    assert_int_equal(err.code, SHIP_CONFLICT);
    AUTO_FREE char *now = read_file(f.compose);
    assert_string_equal(now, "services: {app: {image: app:1}} # edited\n");
    teardown(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pin_env_edit_changes_only_the_value),
        cmocka_unit_test(test_pin_env_edit_broken_file_is_refused),
        cmocka_unit_test(test_pin_env_edit_too_large_is_refused),
        cmocka_unit_test(test_pin_plan_rewrites_one_value),
        cmocka_unit_test(test_pin_plan_nothing_to_do_does_not_change),
        cmocka_unit_test(test_pin_plan_inexpressible_is_refused_with_hint),
        cmocka_unit_test(test_pin_plan_environment_decides_is_refused),
        cmocka_unit_test(test_pin_plan_second_service_builds_on_the_first),
        cmocka_unit_test(test_pin_plan_two_variables_in_one_env_file),
        cmocka_unit_test(test_pin_file_changed_meanwhile_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
