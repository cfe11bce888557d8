/*
 * A story: a project, and commands in random order with random faults between them. After each
 * command and after each recovery the invariants are checked.
 */
#ifndef TESTS_SIM_STORY_H
#define TESTS_SIM_STORY_H

#include <stdint.h>

#include "shipctl/deploy.h"

#include "base/str.h"
#include "sim/sim_memory.h"

#define SIM_IMAGE "registry.example.com/shop"

enum verb { DEPLOY, ROLLBACK, PRUNE, RECOVER, STATUS, HISTORY, CHECK, VERBS };

struct story {
    char *dir, *project, *state; /* scratch on a file system in memory */
    struct strv environ;
    struct ship_options options;
    /* what the seed chose */
    unsigned replicas;
    bool has_worker; /* a second service of the same image */
    bool has_db;     /* a dependency */
    const char *policy;
    /* the command that runs or ran */
    enum verb verb;
    char version[32];
    int status; /* exit status; meaningless when it died */
    bool died;
    bool has_leftovers; /* a clean-up was forgiven: the next deployment does it */
    bool was_open;      /* an operation was open before it */
    bool is_clean;      /* nothing went wrong during it, nor is anything left from before */
    struct ship_result res;
    unsigned step;
    struct {
        bool is_on, lasts;
        enum memory_kind kind;
        long at;
    } memory;                        /* what fails in the next command */
    int (*instead)(struct story *s); /* runs instead of the verb; may be NULL */
    long memory_seen[MEMORY_KINDS];
    bool memory_died; /* that command did */
    int memory_status;
};

extern const char *const verb_names[VERBS];

/* Once; ends the process on a failure. */
void story_open(struct story *s);
void story_close(struct story *s);
/* Play one seed. 0 = every invariant held; else sim.broken says which did not. */
int story_play(struct story *s, uint64_t seed);

/* The same in pieces: a new world, a command, a recovery in calm weather. Each is judged. */
void story_begin(struct story *s, uint64_t seed);
/* killed_at: the process dies after that call of the engine; 0 = it does not. */
void story_command(struct story *s, enum verb verb, const char *version, unsigned killed_at);
void story_recover(struct story *s);
/* The process that died between two commands is gone. */
void story_revive(struct story *s);

/* One command in whose run one allocation fails, after two good deployments. 0 as above. */
struct memory_case {
    enum verb verb;
    const char *version;
    enum memory_kind kind;
    long at; /* < 0: none; count them */
    bool lasts;
};
int story_play_memory(struct story *s, const struct memory_case *c);

/* ---- the judge (sim_judge.c) ---- */

/* Before a command: what serves now. */
void judge_before(struct story *s);
/* After a command that was not killed. */
void judge_after(struct story *s);
/* A good version serves, whatever the ledger knows of it. */
void judge_serving(const struct story *s);
/* After a recovery in calm weather: everything is in order. */
void judge_end(struct story *s);
void judge_forget(void); /* the ledger's file is another one from now on */
void judge_done(void);

#endif
