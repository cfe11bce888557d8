/* Lint: what of a plan can be wrong beyond its own form, found before anything is asked or changed.
 */
#ifndef SHIP_DEPLOY_LINT_H
#define SHIP_DEPLOY_LINT_H

#include "deploy/session.h"

/*
 * Decode all checks and look up each service the plan names in the compose files. Faults are
 * appended to the session's problems, with position; err is then what yaml_problems_check() says.
 */
int lint_plan(struct ship_session *s, struct ship_error *err);

#endif
