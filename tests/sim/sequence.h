/*
 * What the sweeps (images.c, disk_errors.c) repeat: a world, made the same way each time, and one
 * command in it that changes the ledger.
 */
#ifndef TESTS_SIM_SEQUENCE_H
#define TESTS_SIM_SEQUENCE_H

#include "sim/sim_story.h"

struct sequence {
    const char *name;
    uint64_t seed;           /* of the project */
    const char *deployed[5]; /* before; NULL ends */
    const char *killed;      /* then one more, killed after so many calls of the engine; or NULL */
    unsigned killed_at;
    enum verb verb;
    const char *version;
    int (*instead)(struct story *s);
    bool is_migration; /* the program does not know the schema it leaves */
};

extern const struct sequence sequences[];
extern const size_t sequence_count;

void sequence_prepare(struct story *s, const struct sequence *q);
void sequence_run(struct story *s, const struct sequence *q);
/* The next command, in calm weather, after which everything is in order. */
void sequence_recover(struct story *s, const struct sequence *q);

/* Path of the ledger; heap. */
char *sequence_ledger(const struct story *s);

#endif
