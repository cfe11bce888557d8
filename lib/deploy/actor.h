/*
 * Who runs this: kernel facts first (real uid, login uid), then claims
 * (SUDO_UID when the login uid agrees, SSH_CONNECTION, GITHUB_*), recorded as
 * claims. $USER, $LOGNAME and $SUDO_USER are never used.
 */
#ifndef SHIP_DEPLOY_ACTOR_H
#define SHIP_DEPLOY_ACTOR_H

#include "deploy/session.h"

struct actor {
    char *name;    /* for people: "wei", "wei (sudo)", "wei for octocat (github)" */
    char *json;    /* {"uid","user","loginuid","sudo_uid","ssh","github_actor",...} */
    char *host;    /* nodename */
    char *git_sha; /* GITHUB_SHA or NULL */
    char *ci_run;  /* GITHUB_RUN_ID or NULL */
};

void actor_find(const struct ship_session *s, struct actor *ret);
void actor_done(struct actor *a);

#endif
