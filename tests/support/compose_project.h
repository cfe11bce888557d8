/* A project directory below /tmp for tests of lib/compose. */
#ifndef TESTS_SUPPORT_COMPOSE_PROJECT_H
#define TESTS_SUPPORT_COMPOSE_PROJECT_H

#include "compose/load.h"

struct compose_fixture {
    char root[64]; /* the directory; also PWD */
    struct strv environ;
    struct compose_options options; /* dir and environ are set */
    struct yaml_problems problems;
    struct load_report report;
    struct ship_error err;
    struct compose_project *project; /* of the last load, NULL when refused */
};

/* Make the directory and the options; HOME is /home/deploy. */
void compose_fixture_init(struct compose_fixture *f);
void compose_fixture_done(struct compose_fixture *f);
/* Write a file below the root, its directories too. */
void compose_fixture_write(struct compose_fixture *f, const char *name, const char *text);
/* "K=V" for the OS environment. */
void compose_fixture_env(struct compose_fixture *f, const char *pair);
/* Load; what an earlier load left is freed first. */
void compose_fixture_load(struct compose_fixture *f);
/* Write docker-compose.yml and load. */
void compose_fixture_load_text(struct compose_fixture *f, const char *text);
/* A problem whose text contains part, or NULL. */
const struct yaml_problem *compose_fixture_problem(const struct compose_fixture *f,
                                                   const char *part);

/* ---- for cmocka: set-up and teardown around a test, checks that fail it ---- */
int compose_fixture_setup(void **state);
int compose_fixture_teardown(void **state);
void compose_fixture_expect_loaded(const struct compose_fixture *f);
void compose_fixture_expect_refused(const struct compose_fixture *f, enum compose_class c);
/* Value at a dotted path of the model as compact JSON, "(absent)" when there is none; heap. */
char *compose_fixture_model_text(const struct compose_fixture *f, const char *path);
void compose_fixture_expect_model(const struct compose_fixture *f, const char *path,
                                  const char *expected);

#endif
