/* The text of a starter shipctl.yaml, for `shipctl init`. */
#ifndef SHIP_PLAN_STARTER_H
#define SHIP_PLAN_STARTER_H

/*
 * A complete, commented plan. app and image as the plan wants them (any text is quoted where YAML
 * needs it); health_url NULL = no health check was found: the section explains how to add one.
 * Heap string, caller frees.
 */
char *plan_starter(const char *app, const char *image, const char *health_url);

#endif
