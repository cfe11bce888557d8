/* What of a project must not be shown: compose_add_secrets, and of files that do not load. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/redact.h"
#include "support/compose_project.h"
#include "unit/assert.h"

#define SERVICE "services:\n  a:\n    image: registry.example.com/shop:1\n"

/* What r makes of the text; heap. */
static char *shown(struct redact *r, const char *text)
{
    AUTO(buf_done) struct buf out = BUF_INIT(4096);

    return redact_text(r, text, strlen(text), false, &out) ? buf_steal(&out) : xstrdup(text);
}

static void write_files(struct compose_fixture *f)
{
    compose_fixture_write(f, ".env", "FROM_DOTENV_TOKEN=dotenv-1\nPLAIN=plain-1\nREGION=moon-1\n");
    compose_fixture_write(f, "app.env", "MAIL_PASSWORD=mail-1\nDATABASE_URL=pg://u:url-12@h/x\n");
    compose_fixture_write(f, "license", "first line\nsecond line\n");
    compose_fixture_env(f, "CALLER_SECRET=caller-1");
}

/* Loaded with the service's and the top level's lines, is this text of another program safe? */
struct row {
    const char *members, *text, *expect, *why;
};

static void check_row(const struct row *row)
{
    struct compose_fixture f = {0};
    AUTO_FREE char *text = xasprintf(SERVICE "%s", row->members);
    AUTO_PTR(redact_free) struct redact *r = redact_new(NULL, NULL);

    compose_fixture_init(&f);
    write_files(&f);
    f.options.redact = r;
    compose_fixture_load_text(&f, text);
    if (f.project)
        compose_add_secrets(f.project, r);
    AUTO_FREE char *got = shown(r, row->text);
    if (strcmp(got, row->expect) != 0)
        fail_msg("%s: '%s'", row->why, got);
    compose_fixture_done(&f);
}

static void test_add_secrets_takes_what_is_secret(void **state)
{
    static const struct row rows[] = {
        {"",                                                         "dotenv-1 plain-1",         "*** plain-1",     ".env"                    },
        {"",                                                         "caller-1",                 "***",             "the caller's"            },
        {"    env_file: app.env\n",                                  "mail-1 url-12 pg://u:",    "*** *** pg://u:", "env_file"                },
        {"    environment: {API_KEY: Key1-2, MODE: fastest}\n",      "Key1-2 fastest",           "*** fastest",
         "environment"                                                                                                                        },
        {"    environment: [API_KEY=Key1-2]\n",                      "Key1-2",                   "***",             "as a list"               },
        {"    build: {context: ., args: {NPM_TOKEN: npm-12}}\n",     "npm-12",                   "***",             "build argument"          },
        {"    labels: {proxy.password: label-1}\n",                  "label-1",                  "***",             "label"                   },
        {"    secrets: [s]\nsecrets: {s: {file: ./license}}\n",      "a second line first line",
         "a *** ***",                                                                                               "lines of a file"         },
        {"secrets: {s: {environment: REGION}}\n",                    "moon-1 REGION",            "moon-1 REGION",
         "one that no service uses"                                                                                                           },
        {"    secrets: [s]\nsecrets: {s: {environment: REGION}}\n",  "moon-1 REGION",            "*** REGION",
         "a variable marked so"                                                                                                               },
        {"",                                                         "moon-1",                   "moon-1",          "the same without"        },
        {"    environment: {A_TOKEN: example, B_TOKEN: registry}\n", "registry.example.com",
         "registry.example.com",                                                                                    "words of an image's name"},
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++)
        check_row(&rows[i]);
}

static void test_load_of_a_bad_file_takes_what_was_read(void **state)
{
    static const struct row rows[] = {
        {"    bogus: 1\n    environment: {API_KEY: Key1-2}\n", "Key1-2",   "***",
         "beside an unknown key"                                                                            },
        {"    environment: {DB_PASSWORD: [a, b]}\n",           "dotenv-1", "***", ".env"                    },
        {"    environment: {A_TOKEN: tok-12}\n  b: [\n",       "dotenv-1", "***",
         "no YAML from there on"                                                                            },
        {"    env_file: [app.env, nowhere]\n",                 "mail-1",   "***", "a second file is missing"},
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++)
        check_row(&rows[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_add_secrets_takes_what_is_secret),
        cmocka_unit_test(test_load_of_a_bad_file_takes_what_was_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
