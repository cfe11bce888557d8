/*
 * The guardian: a forked watcher that recovers when shipctl dies.
 *
 * Started right before the first change of a serving container. It shares the
 * operation lock (nobody can slip in between) and holds the read end of a
 * pipe: a byte means "ended well", end of file means shipctl is dead, and the
 * same recovery code runs at once. Its own watchdog bounds its life.
 */
#ifndef SHIP_DEPLOY_GUARDIAN_H
#define SHIP_DEPLOY_GUARDIAN_H

#include "deploy/operation.h"

/* Best effort: without a guardian the next command recovers. */
void guardian_start(struct operation *op);
void guardian_stop(struct operation *op);

#endif
