/* The loader: discovery, environment, names, marks of images, combining files. */
#include <stdio.h>

#include "base/auto.h"
#include "base/file.h"
#include "support/compose_project.h"
#include "unit/assert.h"

/* ---- environment, files, names ---- */

static void test_load_overrides_win_over_environment_and_dotenv(void **state)
{
    struct compose_fixture *f = *state;
    AUTO(strv_done) struct strv overrides = {0};

    compose_fixture_env(f, "V=os");
    compose_fixture_write(f, ".env", "V=dot\nW=dot\nX=dot\n");
    strv_add(&overrides, "V=over");
    strv_add(&overrides, "W=over");
    f->options.overrides = &overrides;
    compose_fixture_load_text(f, "services: {a: {image: \"x:$V-$W-$X\"}}\n");
    compose_fixture_expect_model(f, "services.a.image", "\"x:over-over-dot\"");
}

static void test_load_searches_parents_and_reads_both_dotenv(void **state)
{
    struct compose_fixture *f = *state;
    AUTO_FREE char *sub = xasprintf("%s/a/b", f->root);

    compose_fixture_write(f, "a/b/.env", "V=cwd\n");
    compose_fixture_write(f, ".env", "V=project\nW=project\n");
    compose_fixture_write(f, "compose.yaml", "services: {a: {image: \"x:$V-$W\"}}\n");
    f->options.dir = sub;
    compose_fixture_load(f);
    compose_fixture_expect_model(f, "services.a.image", "\"x:cwd-project\"");
    assert_string_equal(compose_working_dir(f->project), f->root);
}

static void test_load_explicit_files_take_no_override_file(void **state)
{
    struct compose_fixture *f = *state;
    AUTO(strv_done) struct strv files = {0};

    compose_fixture_write(f, "docker-compose.yml", "services: {a: {image: base}}\n");
    compose_fixture_write(f, "docker-compose.override.yml", "services: {a: {image: auto}}\n");
    compose_fixture_write(f, "sub/x.yml", "services: {a: {image: x, volumes: [\"./d:/d\"]}}\n");
    compose_fixture_write(f, "y.yml", "services: {a: {volumes: [\"./e:/e\"]}}\n");
    compose_fixture_load(f);
    compose_fixture_expect_model(f, "services.a.image", "\"auto\"");
    strv_add(&files, "sub/x.yml");
    strv_add(&files, "y.yml");
    f->options.files = &files;
    compose_fixture_load(f);
    compose_fixture_expect_model(f, "services.a.image", "\"x\"");
    AUTO_FREE char *volumes = compose_fixture_model_text(f, "services.a.volumes");
    assert_contains(volumes, "/sub/d\""); /* relative to the directory of the first file, */
    assert_contains(volumes, "/sub/e\""); /* in all of them */
    assert_int_equal(compose_config_files(f->project)->n, 2);
}

static void test_load_missing_files_are_not_found(void **state)
{
    struct compose_fixture *f = *state;
    AUTO(strv_done) struct strv files = {0};

    strv_add(&files, "nope.yml");
    f->options.files = &files;
    compose_fixture_load(f);
    assert_null_fails(f->project, &f->err, SHIP_NOT_FOUND);
    assert_contains(f->err.msg, "nope.yml");
    f->options.files = NULL;
    compose_fixture_load(f);
    assert_null_fails(f->project, &f->err, SHIP_NOT_FOUND);
    assert_contains(f->err.hint, "docker-compose.yml");
}

static void test_load_dotenv_can_name_files_project_and_profiles(void **state)
{
    struct compose_fixture *f = *state;

    compose_fixture_write(f, ".env",
                          "COMPOSE_FILE=one.yml;two.yml\nCOMPOSE_PATH_SEPARATOR=;\n"
                          "COMPOSE_PROFILES=debug\nCOMPOSE_PROJECT_NAME=given\n");
    compose_fixture_write(f, "one.yml", "name: other\nservices: {a: {image: x}}\n");
    compose_fixture_write(f, "two.yml",
                          "services: {b: {image: y, profiles: [debug]}, c: {image: z, "
                          "profiles: [no]}}\n");
    compose_fixture_load(f);
    compose_fixture_expect_loaded(f);
    assert_string_equal(compose_name(f->project), "given");
    assert_int_equal(f->project->n_sources, 2);
}

static void test_load_project_names_follow_the_rules(void **state)
{
    struct compose_fixture *f = *state;
    static const struct {
        const char *option, *environment, *file;
        const char *expected; /* NULL: refused */
        const char *why;
    } rows[] = {
        {"flag", "env",      "file",      "flag",     "-p wins"                      },
        {NULL,   "env",      "file",      "env",      "then the environment"         },
        {NULL,   "",         "file",      "file",     "empty counts as unset"        },
        {NULL,   NULL,       "My Proj_1", "myproj_1", "the file's name is normalised"},
        {NULL,   NULL,       "_-x",       "x",        "no leading _ or -"            },
        {NULL,   NULL,       "${N:-int}", "int",      "interpolated"                 },
        {"Flag", NULL,       NULL,        NULL,       "-p is taken as it is"         },
        {"",     NULL,       NULL,        NULL,       "empty -p"                     },
        {NULL,   "Bad Name", NULL,        NULL,       "so is the environment"        },
        {NULL,   NULL,       "!!!",       NULL,       "nothing is left"              },
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct compose_fixture one;
        compose_fixture_init(&one);
        one.options.project_name = rows[i].option;
        AUTO_FREE char *pair =
            rows[i].environment ? xasprintf("COMPOSE_PROJECT_NAME=%s", rows[i].environment) : NULL;
        if (pair)
            compose_fixture_env(&one, pair);
        AUTO_FREE char *text =
            rows[i].file ? xasprintf("name: \"%s\"\nservices: {a: {image: x}}\n", rows[i].file)
                         : xstrdup("services: {a: {image: x}}\n");
        compose_fixture_load_text(&one, text);
        const char *got = one.project ? compose_name(one.project) : NULL;
        if (!str_eq(got, rows[i].expected))
            fail_msg("row '%s': got %s: %s", rows[i].why, got ? got : "(refused)", one.err.msg);
        row_check(got || one.report.first == COMPOSE_CLASS_bad_project_name, rows[i].why);
        compose_fixture_done(&one);
    }
    (void)f;
}

/* ---- sources, hash, edits ---- */

/* The bytes a pin would replace. */
static char *image_bytes(const struct compose_source *s)
{
    struct buf text = BUF_INIT(COMPOSE_FILE_BYTES_MAX);
    struct ship_error err = {0};

    assert_ok(file_read(s->image_mark.file, &text, &err), &err);
    size_t len = s->image_mark.end_offset - s->image_mark.offset;
    char *out = xstrndup(text.p + s->image_mark.offset, len);
    buf_done(&text);
    return out;
}

static const struct compose_source *source_of(const struct compose_fixture *f, const char *service)
{
    for (size_t i = 0; i < f->project->n_sources; i++) {
        if (str_eq(f->project->sources[i].service, service))
            return &f->project->sources[i];
    }
    fail_msg("no source of '%s'", service);
    return NULL;
}

static void test_load_sources_point_at_the_image_that_counts(void **state)
{
    struct compose_fixture *f = *state;
    static const struct {
        const char *service, *file, *bytes, *raw, *why;
    } rows[] = {
        {"plain",    "docker-compose.yml",          "repo:1",        "repo:1",    "literal"  },
        {"quoted",   "docker-compose.yml",          "\"q:${V:-2}\"", "q:${V:-2}", "quotes"   },
        {"over",     "docker-compose.override.yml", "o:$V",          "o:$V",      "last file"},
        {"extended", "common.yml",                  "'c:${V}'",      "c:${V}",    "extends"  },
        {"included", "inc.yml",                     "i:3",           "i:3",       "include"  },
        {"merged",   "docker-compose.yml",          "m:1",           "m:1",       "merge key"},
    };
    compose_fixture_env(f, "V=9");
    compose_fixture_write(f, "common.yml", "services: {base: {image: 'c:${V}'}}\n");
    compose_fixture_write(f, "inc.yml", "services: {included: {image: i:3}}\n");
    compose_fixture_write(f, "docker-compose.override.yml", "services: {over: {image: o:$V}}\n");
    compose_fixture_load_text(f, "include: [inc.yml]\n"
                                 "x-m: &m {image: m:1}\n"
                                 "services:\n"
                                 "  plain: {image: repo:1}\n"
                                 "  quoted: {image: \"q:${V:-2}\"}\n"
                                 "  over: {image: first}\n"
                                 "  extended: {extends: {service: base, file: common.yml}}\n"
                                 "  merged: {<<: *m}\n");
    compose_fixture_expect_loaded(f);
    for (size_t i = 0; i < ROWS(rows); i++) {
        const struct compose_source *s = source_of(f, rows[i].service);
        AUTO_FREE char *bytes = image_bytes(s);
        row_check(strstr(s->image_mark.file, rows[i].file) != NULL, rows[i].why);
        row_check(str_eq(bytes, rows[i].bytes), rows[i].why);
        row_check(str_eq(s->image_raw, rows[i].raw), rows[i].why);
    }
    compose_fixture_expect_model(f, "services.quoted.image", "\"q:9\"");
    assert_int_equal(source_of(f, "plain")->mark.line, 4);
}

static void test_load_anchored_values_are_interpolated_once(void **state)
{
    struct compose_fixture *f = *state;

    compose_fixture_load_text(f, "x-e: &e {A: \"$$x\"}\n"
                                 "services:\n"
                                 "  a: {image: x, environment: *e}\n"
                                 "  b: {image: x, environment: {<<: *e}}\n");
    compose_fixture_expect_model(f, "services.a.environment.A", "\"$x\"");
    compose_fixture_expect_model(f, "services.b.environment.A", "\"$x\"");
}

static void test_load_hash_follows_every_file_read(void **state)
{
    struct compose_fixture *f = *state;
    char first[SHA256_HEX_SIZE];
    static const char text[] = "services: {a: {image: x, env_file: a.env}}\n";

    compose_fixture_write(f, "a.env", "A=1\n");
    compose_fixture_load_text(f, text);
    compose_fixture_expect_loaded(f);
    (void)snprintf(first, sizeof first, "%s", compose_hash(f->project));
    compose_fixture_load(f);
    compose_fixture_expect_loaded(f);
    assert_string_equal(compose_hash(f->project), first);
    compose_fixture_write(f, "a.env", "A=2\n");
    compose_fixture_load(f);
    compose_fixture_expect_loaded(f);
    assert_string_not_equal(compose_hash(f->project), first);
    assert_int_equal(strlen(first), 64);
}

static void test_set_image_changes_the_model_only(void **state)
{
    struct compose_fixture *f = *state;

    compose_fixture_load_text(f, "services: {a: {image: x:1}}\n");
    compose_fixture_expect_loaded(f);
    assert_ok(compose_set_image(f->project, "a", "x:2", &f->err), &f->err);
    compose_fixture_expect_model(f, "services.a.image", "\"x:2\"");
    assert_fails(compose_set_image(f->project, "nope", "x:2", &f->err), &f->err, SHIP_INVALID);
    assert_string_equal(source_of(f, "a")->image_raw, "x:1");
}

/* ---- combining ---- */

static void test_load_extends_and_resets_combine(void **state)
{
    struct compose_fixture *f = *state;

    compose_fixture_write(f, "docker-compose.override.yml",
                          "services:\n  app:\n    ports: !override [\"2:2\"]\n"
                          "    labels: !reset {}\n    environment: {B: !reset null}\n");
    compose_fixture_load_text(f, "services:\n"
                                 "  base: {image: b, ports: [\"1:1\"], labels: {l: x}}\n"
                                 "  app: {extends: base, environment: {A: 1, B: 2}}\n");
    compose_fixture_expect_model(f, "services.app.labels", "(absent)");
    compose_fixture_expect_model(f, "services.app.environment", "{\"A\":\"1\"}");
    AUTO_FREE char *ports = compose_fixture_model_text(f, "services.app.ports");
    assert_contains(ports, "\"published\":\"2\"");
    assert_null(strstr(ports, "\"published\":\"1\""));
}

static void test_load_include_has_its_own_directory_and_environment(void **state)
{
    struct compose_fixture *f = *state;

    compose_fixture_write(f, "sub/.env", "TAG=sub\n");
    compose_fixture_write(f, "sub/deep/d.yml", "services: {d: {image: \"d:$TAG\"}}\n");
    compose_fixture_write(f, "sub/i.yml",
                          "include: [deep/d.yml]\nname: ignored\n"
                          "services: {i: {image: \"i:$TAG\", volumes: [\"./v:/v\"]}}\n"
                          "networks: {default: {internal: true}}\n");
    compose_fixture_load_text(f, "name: main\ninclude: [{path: sub/i.yml}]\n"
                                 "services: {a: {image: \"a:${TAG:-none}\"}}\n");
    compose_fixture_expect_model(f, "services.a.image", "\"a:none\"");
    compose_fixture_expect_model(f, "services.i.image", "\"i:sub\"");
    compose_fixture_expect_model(f, "services.d.image", "\"d:sub\"");
    compose_fixture_expect_model(f, "networks.default.internal", "true");
    AUTO_FREE char *volumes = compose_fixture_model_text(f, "services.i.volumes");
    assert_contains(volumes, "/sub/v\"");
    assert_string_equal(compose_name(f->project), "main");
}

static void test_load_optional_dependency_that_is_off_is_dropped(void **state)
{
    struct compose_fixture *f = *state;

    compose_fixture_load_text(
        f, "services:\n"
           "  a: {image: x, depends_on: {b: {condition: service_started, required: false}}}\n"
           "  b: {image: x, profiles: [off]}\n");
    compose_fixture_expect_model(f, "services.a.depends_on", "(absent)");
}

#define LOAD_TEST(name)                                                                            \
    cmocka_unit_test_setup_teardown(name, compose_fixture_setup, compose_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOAD_TEST(test_load_overrides_win_over_environment_and_dotenv),
        LOAD_TEST(test_load_searches_parents_and_reads_both_dotenv),
        LOAD_TEST(test_load_explicit_files_take_no_override_file),
        LOAD_TEST(test_load_missing_files_are_not_found),
        LOAD_TEST(test_load_dotenv_can_name_files_project_and_profiles),
        LOAD_TEST(test_load_project_names_follow_the_rules),
        LOAD_TEST(test_load_sources_point_at_the_image_that_counts),
        LOAD_TEST(test_load_anchored_values_are_interpolated_once),
        LOAD_TEST(test_load_hash_follows_every_file_read),
        LOAD_TEST(test_set_image_changes_the_model_only),
        LOAD_TEST(test_load_extends_and_resets_combine),
        LOAD_TEST(test_load_include_has_its_own_directory_and_environment),
        LOAD_TEST(test_load_optional_dependency_that_is_off_is_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
