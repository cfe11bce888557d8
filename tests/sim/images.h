/*
 * The power goes at every change of the ledger's files: what the disk may hold then is an image,
 * and each image has to be a ledger.
 */
#ifndef TESTS_SIM_IMAGES_H
#define TESTS_SIM_IMAGES_H

#include "sim/sim_story.h"

/* About `sample` images over all commands, 0 = all. Returns the number of failures. */
int images(struct story *s, size_t sample, const char *results);

#endif
