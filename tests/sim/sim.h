/*
 * The simulated world: time, chance, faults. One process, one thread; every decision comes from one
 * 64-bit seed, so a seed is a test case.
 *
 * Under test is everything from the public entrances down to the HTTP transfer and the SQLite file:
 * clock_gettime and nanosleep (sim_time.c), transfer_* (sim_engine.c) and SQLite's VFS
 * (sim_store.c) are replaced, by the linker and by registration. Each of these asks sim_fault() at
 * every point where something may go wrong.
 *
 * A crash does not unwind by longjmp: from then on the process is a ghost. It runs to its end, but
 * nothing it does reaches the engine or the files any more, and what it wrote is taken back.
 */
#ifndef TESTS_SIM_H
#define TESTS_SIM_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- chance ---- */

struct sim_random {
    uint64_t state;
};

uint64_t sim_next(struct sim_random *r);
/* 0 .. n - 1; n >= 1. */
uint64_t sim_below(struct sim_random *r, uint64_t n);
bool sim_one_in(struct sim_random *r, uint64_t n);

/* ---- faults ---- */

/* Where something may go wrong: a call of the engine, a change of the ledger's files. */
enum sim_place { SIM_CALL, SIM_STORE, SIM_PLACES };

enum sim_fault {
    SIM_NONE,
    SIM_CRASH,       /* before the effect */
    SIM_CRASH_AFTER, /* after it */
    SIM_POWER,       /* the host dies before the effect: unsynced writes are lost */
    SIM_POWER_AFTER,
    SIM_SIGNAL, /* Ctrl-C or SIGTERM arrives */
    SIM_BOTH,   /* below: of one place only */
    /* SIM_CALL */
    SIM_LOST_REQUEST = SIM_BOTH,
    SIM_LOST_REPLY,
    SIM_LATE,      /* connection lost; the effect comes later */
    SIM_HANG,      /* no answer before the deadline, no effect */
    SIM_HANG_LATE, /* the same, but it was done */
    SIM_SLOW,      /* seconds before the answer */
    SIM_REFUSED,   /* 500, 503 or 409, no effect */
    SIM_GARBAGE,   /* 200 with nonsense, after the effect */
    SIM_TRUNCATED, /* half of the answer */
    SIM_AWAY,      /* the engine is gone for a while; containers live on */
    SIM_RESTART,   /* the same, and its containers end and come back by their policy */
    SIM_DEATH,     /* a container dies */
    SIM_ACTOR,     /* somebody stops, renames, removes or starts a container */
    SIM_CALL_END,
    /* SIM_STORE */
    SIM_FULL = SIM_CALL_END, /* no space, once */
    SIM_FULL_ON,             /* until the command ends */
    SIM_EIO,
    SIM_EIO_ON,
    SIM_STORE_END,
};

#define SIM_FAULTS_MAX 4
struct sim_plan {
    struct {
        enum sim_place place;
        enum sim_fault fault;
        unsigned at; /* how many such points pass before it happens */
    } rows[SIM_FAULTS_MAX];
    size_t n;
};

struct sim_total {
    uint64_t calls, writes, crashes, faults, by_fault[SIM_STORE_END];
    uint64_t hidden; /* texts with a secret replaced */
};

struct sim {
    struct sim_random random;
    int64_t now_ms;
    bool is_dead; /* a ghost is running */
    bool is_calm; /* the judge looks: nothing goes wrong, nothing is counted */
    int depth;    /* > 0: the world works, not the process */
    struct sim_plan plan;
    unsigned passed[SIM_PLACES]; /* points passed in this command */
    size_t happened;             /* faults that did */
    unsigned char drawn;         /* random bytes of the kernel */
    volatile sig_atomic_t stop;
    uint64_t trace; /* hash over all that happened */
    bool is_verbose;
    int64_t died_at_ms;
    void (*on_crash)(void); /* may be NULL */
    char broken[600];       /* the first invariant that did not hold; "" = none */
    struct sim_total total; /* over all seeds */
};
extern struct sim sim;

void sim_begin(uint64_t seed);
/* A point of this kind is passed: what goes wrong here? */
enum sim_fault sim_fault(enum sim_place place);
/* Mix into the trace. */
void sim_note(const char *text);
void sim_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* An invariant does not hold; the first one counts. */
void sim_break(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
const char *sim_fault_name(enum sim_fault fault);

/* ---- time ---- */

#define SIM_EPOCH_MS INT64_C(1767323045000)
/* Let time pass; what is due happens on the way. */
void sim_sleep(int64_t ms);
/* Of the machine, for figures only. */
int64_t sim_real_ms(void);

/* ---- the process ---- */

/* It dies here; the caller goes on as a ghost. */
void sim_crash(bool is_power);

#endif
