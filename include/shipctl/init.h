/* Init: a starter shipctl.yaml from the compose file found. */
#ifndef SHIPCTL_INIT_H
#define SHIPCTL_INIT_H

#include "shipctl/session.h"

/*
 * Write shipctl.yaml into the session's directory. Guesses app (project name), image (the service
 * with published port or build), health check (published http port). Refuses to overwrite (exit 2)
 * unless force. ret_path: heap string. 0 or the exit status of err.
 */
int ship_init(struct ship_session *s, bool force, char **ret_path, struct ship_error *err);

#endif
