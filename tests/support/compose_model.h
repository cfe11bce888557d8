/*
 * A loaded project without the loader: the model as JSON text, sources and files by hand.
 */
#ifndef TESTS_COMPOSE_MODEL_H
#define TESTS_COMPOSE_MODEL_H

#include "compose/model.h"

/* From {"name", "services", ...}; working dir /srv/app, config file /srv/app/compose.yml. */
struct compose_project *model_project(const char *json);
/* The same from a parsed model (copied) and a working directory. */
struct compose_project *model_project_of(const struct json *model, const char *dir);
void model_project_free(struct compose_project *p);
AUTO_PTR_DEFINE(model_project_free, struct compose_project)

void model_set_variable(struct compose_project *p, const char *name, const char *value);
/*
 * Parse path as a compose file and take services.*.image as sources and, with the given
 * variables resolved by the test, as model images.
 */
void model_add_file(struct compose_project *p, const char *path);
void model_add_source(struct compose_project *p, const char *service, const char *raw,
                      const struct yaml_mark *mark);

/* Whole file, or text, as JSON; a fault fails the test. Caller frees. */
struct json *model_load_json(const char *path);
struct json *model_parse_json(const char *text);
/* Fail the test unless equal; names the path of the first member that differs. */
void model_assert_json(const char *what, const struct json *want, const struct json *got);

#endif
