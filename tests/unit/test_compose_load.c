/*
 * The loader as a whole: where errors point, what is refused and what warns,
 * discovery, names, marks of images, limits.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/auto.h"
#include "base/file.h"
#include "support/compose_project.h"
#include "unit/assert.h"

static int setup(void **state)
{
    struct compose_fixture *f = xcalloc(1, sizeof *f);

    compose_fixture_init(f);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    compose_fixture_done(*state);
    free(*state);
    return 0;
}

static void expect_loaded(const struct compose_fixture *f)
{
    assert_not_null_ok(f->project, &f->err);
}

static void expect_refused(const struct compose_fixture *f, enum compose_class c)
{
    assert_null_fails(f->project, &f->err, SHIP_INVALID);
    if (f->report.first != c)
        fail_msg("class is %s, expected %s: %s", compose_class_name(f->report.first),
                 compose_class_name(c), f->err.msg);
}

/* Value at a path of the model as compact JSON; heap. */
static char *model_text(const struct compose_fixture *f, const char *path)
{
    AUTO_PTR(json_free) struct json *model = compose_model(f->project);
    const struct json *j = json_path(model, path);

    return j ? json_print(j) : xstrdup("(absent)");
}

static void expect_model(const struct compose_fixture *f, const char *path, const char *expected)
{
    expect_loaded(f);
    AUTO_FREE char *got = model_text(f, path);
    if (strcmp(got, expected) != 0)
        fail_msg("%s is %s, expected %s", path, got, expected);
}

static void test_load_errors_point_at_line_and_column(void **state)
{
    struct compose_fixture *f = *state;
    static const struct {
        const char *text; /* of the service app, from line 3 on */
        enum compose_class class_wanted;
        const char *where, *part, *why;
    } rows[] = {
        {"    imagee: x\n",                                         COMPOSE_CLASS_schema_unknown_key,   ":3:5",  "did you mean 'image'",
         "unknown key"                                                                                                                                                 },
        {"    image: x\n    ports: [\"99999:80\"]\n",               COMPOSE_CLASS_bad_port,             ":4:13",
         "services.app.ports[0]",                                                                                                        "item of a list"              },
        {"    image: x\n    user: 1000\n",                          COMPOSE_CLASS_schema,               ":4:11", "put it in quotes",
         "number where a string is wanted"                                                                                                                             },
        {"    image: x\n    mem_limit: 5x\n",                       COMPOSE_CLASS_bad_size,             ":4:16", "'5x'",                 "size"                        },
        {"    image: x\n    stop_grace_period: 10\n",               COMPOSE_CLASS_schema,               ":4:24", "unit",
         "duration without unit"                                                                                                                                       },
        {"    image: x\n    stop_grace_period: 10q\n",              COMPOSE_CLASS_bad_duration,         ":4:24", "10q",
         "duration with a wrong unit"                                                                                                                                  },
        {"    image: x\n    tty: maybe\n",                          COMPOSE_CLASS_bad_boolean,          ":4:10", "true or false",
         "boolean"                                                                                                                                                     },
        {"    image: x\n    healthcheck: {retries: many}\n",        COMPOSE_CLASS_schema,               ":4:28",
         "integer",                                                                                                                      "member of an object"         },
        {"    image: x\n    command: \"a 'b\"\n",                   COMPOSE_CLASS_bad_command_string,   ":4:14",
         "quote",                                                                                                                        "command"                     },
        {"    image: x\n    environment: {A: \"${\"}\n",            COMPOSE_CLASS_bad_interpolation,    ":4:22",
         "services.app.environment.A",                                                                                                   "interpolation names the path"},
        {"    image: x\n    networks: [nope]\n",                    COMPOSE_CLASS_undefined_network,    ":4:16", "'nope'",
         "undeclared network"                                                                                                                                          },
        {"    image: x\n    depends_on: [ghost]\n",                 COMPOSE_CLASS_undefined_dependency, ":4:18",
         "'ghost'",                                                                                                                      "unknown dependency"          },
        {"    image: x\n    volumes: [{type: bind, target: /a}]\n", COMPOSE_CLASS_bad_volume,
         ":4:15",                                                                                                "source",               "bind without source"         },
        {"    image: x\n    volumes: [\"data:rel\"]\n",             COMPOSE_CLASS_bad_volume,           ":4:15",
         "absolute",                                                                                                                     "relative container path"     },
        {"    image: x\n    ulimits: {nofile: {soft: 1}}\n",        COMPOSE_CLASS_schema,               ":4:23", "hard",
         "half a limit"                                                                                                                                                },
        {"    image: x\n    env_file: nope.env\n",                  COMPOSE_CLASS_env_file_not_found,   ":4:15",
         "nope.env",                                                                                                                     "missing env file"            },
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        AUTO_FREE char *text = xasprintf("services:\n  app:\n%s", rows[i].text);
        compose_fixture_load_text(f, text);
        row_check(!f->project && f->err.code == SHIP_INVALID, rows[i].why);
        if (f->report.first != rows[i].class_wanted)
            fail_msg("row '%s': class %s: %s", rows[i].why, compose_class_name(f->report.first),
                     f->err.msg);
        const struct yaml_problem *problem = compose_fixture_problem(f, rows[i].part);
        row_check(problem != NULL, rows[i].why);
        AUTO_FREE char *where = xasprintf("%s/docker-compose.yml%s", f->root, rows[i].where);
        if (strcmp(problem->where, where) != 0)
            fail_msg("row '%s': at %s, expected %s", rows[i].why, problem->where, where);
    }
}

static void test_load_several_errors_are_found_in_one_run(void **state)
{
    struct compose_fixture *f = *state;

    compose_fixture_load_text(f, "services:\n"
                                 "  a: {imagee: x, tty: 7}\n"
                                 "  b: {image: y, ports: [\"1:2:3:4:5\", \"0\"], mem_limit: 1zz}\n"
                                 "volums: {}\n");
    expect_refused(f, COMPOSE_CLASS_schema_unknown_key);
    assert_int_equal(f->problems.n_errors, 6);
    assert_contains(f->err.msg, "and 5 more problems");
}

static void test_load_more_than_twenty_errors_are_counted(void **state)
{
    struct compose_fixture *f = *state;
    AUTO(buf_done) struct buf text = BUF_INIT(64 * 1024);

    buf_adds(&text, "services:\n");
    for (int i = 0; i < 30; i++)
        buf_addf(&text, "  s%d: {image: x, nope%d: 1}\n", i, i);
    compose_fixture_load_text(f, text.p);
    expect_refused(f, COMPOSE_CLASS_schema_unknown_key);
    assert_int_equal(f->problems.n, YAML_PROBLEMS_MAX);
    assert_int_equal(f->problems.n_errors, 30);
}

static void test_load_warnings_do_not_hide_an_error(void **state)
{
    struct compose_fixture *f = *state;
    AUTO(buf_done) struct buf text = BUF_INIT(64 * 1024);

    buf_adds(&text, "services:\n");
    for (int i = 0; i < 30; i++)
        buf_addf(&text, "  s%d: {image: x, attach: true}\n", i);
    buf_adds(&text, "  last: {image: x, tty: 7}\n");
    compose_fixture_load_text(f, text.p);
    expect_refused(f, COMPOSE_CLASS_schema);
    assert_int_equal(f->problems.list[0].severity, YAML_ERROR);
}

static void test_load_unsupported_attributes_are_refused_by_name(void **state)
{
    struct compose_fixture *f = *state;
    size_t refused = 0;

    for (const struct compose_attribute *a = compose_attributes; a->name; a++) {
        if (a->status != ATTRIBUTE_REFUSED)
            continue;
        AUTO_FREE char *text = xasprintf("services:\n  app:\n    image: x\n    %s: y\n", a->name);
        compose_fixture_load_text(f, text);
        row_check(!f->project && f->report.first == COMPOSE_CLASS_refused, a->name);
        row_check(compose_fixture_problem(f, a->note) != NULL, a->name);
        refused++;
    }
    assert_true(refused >= 15);
}

static void test_load_other_refusals_name_the_reason(void **state)
{
    struct compose_fixture *f = *state;
    static const struct {
        const char *text;
        enum compose_class class_wanted;
        const char *part, *why;
    } rows[] = {
        {"services: {a: {image: x, volumes: [\"a:/a\"]}}\nvolumes: {a: }\n",
         COMPOSE_CLASS_bad_volume,                                                                                               "Windows drive",    "one-letter volume"           },
        {"services: {a: {image: x, volumes: [{type: npipe, source: a, target: /a}]}}\n",
         COMPOSE_CLASS_bad_volume,                                                                                               "npipe",            "mount type"                  },
        {"services: {a: {image: x, secrets: [s]}}\nsecrets: {s: {external: true}}\n",
         COMPOSE_CLASS_refused,                                                                                                  "Swarm",            "external secret"             },
        {"services: {a: {image: x}}\nconfigs: {c: {file: ./x, template_driver: y}}\n",
         COMPOSE_CLASS_refused,                                                                                                  "Swarm",            "template driver"             },
        {"services: {a: {image: x}}\nmodels: {m: {model: y}}\n",                               COMPOSE_CLASS_refused,            "models",
         "models"                                                                                                                                                                  },
        {"include: [\"https://example.com/x.git\"]\nservices: {a: {image: x}}\n",
         COMPOSE_CLASS_refused,                                                                                                  "remote",           "remote include"              },
        {"services: {a: {extends: {service: b, file: \"oci://x\"}}}\n",                        COMPOSE_CLASS_refused,
         "remote",                                                                                                                                   "remote extends"              },
        {"services: {a: {image: !custom x}}\n",                                                COMPOSE_CLASS_refused,            "!custom",          "unknown tag"                 },
        {"web: {image: x}\n",                                                                  COMPOSE_CLASS_schema_unknown_key, "version 1",        "version 1 file"              },
        {"services: {a: {image: x, container_name: cc}, b: {image: x, container_name: cc}}\n",
         COMPOSE_CLASS_duplicate_container_name,                                                                                 "'cc'",             "same container_name"         },
        {"services: {a: {image: x, healthcheck: {test: t, start_interval: 1s}}}\n",
         COMPOSE_CLASS_schema,                                                                                                   "start_period",     "start_interval alone"        },
        {"services: {a: {image: x, depends_on: {b: {restart: true}}}, b: {image: x}}\n",
         COMPOSE_CLASS_schema,                                                                                                   "condition",        "dependency without condition"},
        {"services: {a: {extends: b}, b: {extends: a, image: x}}\n",                           COMPOSE_CLASS_extends_cycle,
         "itself",                                                                                                                                   "extends cycle"               },
        {"include: [docker-compose.yml]\nservices: {a: {image: x}}\n",                         COMPOSE_CLASS_include_cycle,
         "includes itself",                                                                                                                          "include cycle"               },
        {"services: {a: {image: x, ports: [\"1-65535:1-65535\", \"1-65535:1-65535/udp\"]}}\n",
         COMPOSE_CLASS_too_large,                                                                                                "100000 ports",     "port explosion"              },
        {"services: {a: {image: x, profiles: [p]}}\n",                                         COMPOSE_CLASS_schema,             "COMPOSE_PROFILES",
         "every service is off"                                                                                                                                                    },
        {"services: {}\n",                                                                     COMPOSE_CLASS_schema,             "no services",      "nothing to deploy"           },
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        compose_fixture_load_text(f, rows[i].text);
        if (f->project || f->report.first != rows[i].class_wanted)
            fail_msg("row '%s': class %s: %s", rows[i].why, compose_class_name(f->report.first),
                     f->err.msg);
        row_check(compose_fixture_problem(f, rows[i].part) != NULL, rows[i].why);
    }
}

static void test_load_silently_ignored_things_warn(void **state)
{
    struct compose_fixture *f = *state;
    static const struct {
        const char *text, *part, *why;
    } rows[] = {
        {"version: '3'\nservices: {a: {image: x}}\n",                                "obsolete",          "version"             },
        {"services: {a: {image: x, deploy: {update_config: {parallelism: 1}}}}\n",
         "services.a.deploy.update_config",                                                               "swarm settings"      },
        {"services: {a: {image: x, deploy: {mode: global}}}\n",                      "deploy.mode",       "mode global"         },
        {"services: {a: {image: x, command: a && b}}\n",                             "no shell",          "dropped text"        },
        {"services: {a: {image: x, volumes: [\"vv:/a:bogus\"]}}\nvolumes: {vv: }\n", "'bogus'",
         "volume option"                                                                                                        },
        {"services: {a: {image: x, environment: {V: 1.10}}}\n",                      "becomes '1.1'",     "float"               },
        {"services: {a: {image: x, environment: {V: 0123}}}\n",                      "becomes '83'",      "octal"               },
        {"services: {a: {image: x, environment: {V: 2024-01-01}}}\n",                "timestamp",         "date"                },
        {"services: {a: {image: x, stop_grace_period: 500ms}}\n",                    "killed at once",    "grace"               },
        {"services: {a: {image: x, volumes: [\"./nope:/a\"]}}\n",                    "does not exist",    "bind source"         },
        {"services: {a: {image: x, ports: [\"1:1\"], scale: 2}}\n",                  "2 replicas",        "port, scale"         },
        {"services: {a: {image: x, environment: {V: \"$NOPE\"}}}\n",                 "'NOPE' is not set", "unset"               },
        {"services: {a: {image: x, restart: sometimes}}\n",                          "'sometimes'",       "restart policy"      },
        {"services: {a: {image: x, tty: \"yes\"}}\n",                                "write 'true'",      "YAML 1.1 boolean"    },
        {"services: {a: {image: x, ports: }}\n",                                     "has no value",      "empty attribute"     },
        {"services: {a: {image: x, secrets: [{source: s, uid: \"1\"}]}}\n"
         "secrets: {s: {file: ./docker-compose.yml}}\n",                    "uid, gid and mode", "uid of a file secret"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        compose_fixture_load_text(f, rows[i].text);
        if (!f->project)
            fail_msg("row '%s': %s", rows[i].why, f->err.msg);
        const struct yaml_problem *problem = compose_fixture_problem(f, rows[i].part);
        row_check(problem && problem->severity == YAML_WARNING, rows[i].why);
        row_check(strstr(problem->where, "docker-compose.yml:") != NULL, rows[i].why);
    }
}

static void test_load_unset_variable_of_an_env_file_says_so(void **state)
{
    struct compose_fixture *f = *state;

    compose_fixture_write(f, "app.env", "TOKEN=x\n");
    compose_fixture_load_text(f, "services:\n  a:\n    image: x\n    env_file: app.env\n"
                                 "    command: run $TOKEN\n");
    expect_loaded(f);
    const struct yaml_problem *problem = compose_fixture_problem(f, "TOKEN");
    assert_non_null(problem);
    assert_contains(problem->text, "app.env");
    assert_contains(problem->text, ".env");
}

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
    expect_model(f, "services.a.image", "\"x:over-over-dot\"");
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
    expect_model(f, "services.a.image", "\"x:cwd-project\"");
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
    expect_model(f, "services.a.image", "\"auto\"");
    strv_add(&files, "sub/x.yml");
    strv_add(&files, "y.yml");
    f->options.files = &files;
    compose_fixture_load(f);
    expect_model(f, "services.a.image", "\"x\"");
    AUTO_FREE char *volumes = model_text(f, "services.a.volumes");
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
    expect_loaded(f);
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
    expect_loaded(f);
    for (size_t i = 0; i < ROWS(rows); i++) {
        const struct compose_source *s = source_of(f, rows[i].service);
        AUTO_FREE char *bytes = image_bytes(s);
        row_check(strstr(s->image_mark.file, rows[i].file) != NULL, rows[i].why);
        row_check(str_eq(bytes, rows[i].bytes), rows[i].why);
        row_check(str_eq(s->image_raw, rows[i].raw), rows[i].why);
    }
    expect_model(f, "services.quoted.image", "\"q:9\"");
    assert_int_equal(source_of(f, "plain")->mark.line, 4);
}

static void test_load_anchored_values_are_interpolated_once(void **state)
{
    struct compose_fixture *f = *state;

    compose_fixture_load_text(f, "x-e: &e {A: \"$$x\"}\n"
                                 "services:\n"
                                 "  a: {image: x, environment: *e}\n"
                                 "  b: {image: x, environment: {<<: *e}}\n");
    expect_model(f, "services.a.environment.A", "\"$x\"");
    expect_model(f, "services.b.environment.A", "\"$x\"");
}

static void test_load_hash_follows_every_file_read(void **state)
{
    struct compose_fixture *f = *state;
    char first[SHA256_HEX_SIZE];
    static const char text[] = "services: {a: {image: x, env_file: a.env}}\n";

    compose_fixture_write(f, "a.env", "A=1\n");
    compose_fixture_load_text(f, text);
    expect_loaded(f);
    snprintf(first, sizeof first, "%s", compose_hash(f->project));
    compose_fixture_load(f);
    expect_loaded(f);
    assert_string_equal(compose_hash(f->project), first);
    compose_fixture_write(f, "a.env", "A=2\n");
    compose_fixture_load(f);
    expect_loaded(f);
    assert_string_not_equal(compose_hash(f->project), first);
    assert_int_equal(strlen(first), 64);
}

static void test_set_image_changes_the_model_only(void **state)
{
    struct compose_fixture *f = *state;

    compose_fixture_load_text(f, "services: {a: {image: x:1}}\n");
    expect_loaded(f);
    assert_ok(compose_set_image(f->project, "a", "x:2", &f->err), &f->err);
    expect_model(f, "services.a.image", "\"x:2\"");
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
    expect_model(f, "services.app.labels", "(absent)");
    expect_model(f, "services.app.environment", "{\"A\":\"1\"}");
    AUTO_FREE char *ports = model_text(f, "services.app.ports");
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
    expect_model(f, "services.a.image", "\"a:none\"");
    expect_model(f, "services.i.image", "\"i:sub\"");
    expect_model(f, "services.d.image", "\"d:sub\"");
    expect_model(f, "networks.default.internal", "true");
    AUTO_FREE char *volumes = model_text(f, "services.i.volumes");
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
    expect_model(f, "services.a.depends_on", "(absent)");
}

static void test_load_alias_and_extends_bombs_end_early(void **state)
{
    struct compose_fixture *f = *state;
    AUTO(buf_done) struct buf text = BUF_INIT(1024 * 1024);

    buf_adds(&text, "x-a0: &a0 [x, x, x, x, x, x, x, x]\n");
    for (int i = 1; i < 9; i++)
        buf_addf(&text, "x-a%d: &a%d [*a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d]\n", i, i, i - 1,
                 i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
    compose_fixture_load_text(f, text.p);
    expect_refused(f, COMPOSE_CLASS_yaml_syntax);
    buf_reset(&text);
    buf_adds(&text, "services:\n  base:\n    image: x\n    cap_add: [");
    for (int i = 0; i < 4000; i++)
        buf_addf(&text, "C%d,", i);
    buf_adds(&text, "]\n");
    for (int i = 0; i < 400; i++)
        buf_addf(&text, "  s%d: {extends: base}\n", i);
    compose_fixture_load_text(f, text.p);
    expect_refused(f, COMPOSE_CLASS_too_large);
}

#define LOAD_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOAD_TEST(test_load_errors_point_at_line_and_column),
        LOAD_TEST(test_load_several_errors_are_found_in_one_run),
        LOAD_TEST(test_load_more_than_twenty_errors_are_counted),
        LOAD_TEST(test_load_warnings_do_not_hide_an_error),
        LOAD_TEST(test_load_unsupported_attributes_are_refused_by_name),
        LOAD_TEST(test_load_other_refusals_name_the_reason),
        LOAD_TEST(test_load_silently_ignored_things_warn),
        LOAD_TEST(test_load_unset_variable_of_an_env_file_says_so),
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
        LOAD_TEST(test_load_alias_and_extends_bombs_end_early),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
