/*
 * Check: lint plan and compose file, then run checks; changes nothing.
 */
#ifndef SHIPCTL_CHECK_H
#define SHIPCTL_CHECK_H

#include "shipctl/deploy.h"
#include "shipctl/session.h"

enum ship_check_phase { SHIP_CHECK_LINT, SHIP_CHECK_PRE, SHIP_CHECK_HEALTH, SHIP_CHECK_POST };

/*
 * Lint always; then the checks of the phase against what runs now. ret->checks holds them,
 * ret->action is "check". Exit status: 0; 10 lint errors; 15 a required pre-check failed; 3 health
 * or post checks failed; 11 engine not reachable.
 */
int ship_check(struct ship_session *s, enum ship_check_phase phase, struct ship_result *ret);

#endif
