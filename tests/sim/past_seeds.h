/*
 * Seeds that found a bug once; each run begins with them. A change of what stories are made of
 * changes what a seed means: what is simple enough has a test of its own as well.
 */
#ifndef TESTS_SIM_PAST_SEEDS_H
#define TESTS_SIM_PAST_SEEDS_H

#include <stdint.h>

static const struct {
    uint64_t seed;
    const char *bug;
} past_seeds[] = {
    {74,    "ledger fails at the first record of a switch: exit 20, though nothing had served before"},
    {1615,
     "the last look of `stable` got no answer and counted: a version that had ended was kept"        },
    {2177,  "ledger fails while another command recovers: exit 1 instead of 11"                      },
    {18212, "the same with prune"                                                                    },
    {7220,  "the last look of `stable` had begun before the window was over: its answer was stale"   },
    {150,
     "a commit whose last sync failed had happened: the old version served, the ledger said new"     },
    {1259,  "the same"                                                                               },
    {5319,  "two rows were left open: `recover` closed only the first"                               },
    {50379, "a version not written back yet was forgotten when the journal failed in the clean-up"   },
    {20231, "a container that the engine created after the operation had ended was left"             },
    {63449, "one that the engine parked after the operation had ended kept that name"                },
    {1471,  "prune showed a secret that an engine put into an error"                                 },
    {3975,  "the same with a deployment that had not read the project yet"                           },
};

#endif
