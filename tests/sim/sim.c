/* Chance, faults and time of the simulation: see sim.h. */
#include "sim/sim.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/statvfs.h>
#include <time.h>

#include "sim/sim_engine.h"
#include "sim/sim_store.h"

#define GHOST_SLEEP_MS 600000 /* a ghost is in a hurry: nobody waits for it */
#define SLICE_MS       100

struct sim sim;

/* ---- chance: splitmix64 ---- */

uint64_t sim_next(struct sim_random *r)
{
    uint64_t z = (r->state += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint64_t sim_below(struct sim_random *r, uint64_t n)
{
    return sim_next(r) % n;
}

bool sim_one_in(struct sim_random *r, uint64_t n)
{
    return sim_below(r, n) == 0;
}

/* ---- trace ---- */

void sim_note(const char *text)
{
    for (; *text; text++)
        sim.trace = (sim.trace ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    sim.trace = (sim.trace ^ (uint64_t)sim.now_ms) * UINT64_C(0x100000001b3);
}

void sim_say(const char *fmt, ...)
{
    va_list ap;

    if (!sim.is_verbose)
        return;
    va_start(ap, fmt);
    (void)printf("%9lld  ", (long long)sim.now_ms);
    (void)vprintf(fmt, ap);
    (void)putchar('\n');
    va_end(ap);
}

void sim_break(const char *fmt, ...)
{
    va_list ap;

    if (sim.broken[0])
        return;
    va_start(ap, fmt);
    (void)vsnprintf(sim.broken, sizeof sim.broken, fmt, ap);
    va_end(ap);
    sim_say("BROKEN: %s", sim.broken);
}

/* ---- faults ---- */

static const char *const fault_names[] = {
    [SIM_NONE] = "none",
    [SIM_CRASH] = "kill -9 before",
    [SIM_CRASH_AFTER] = "kill -9 after",
    [SIM_POWER] = "power loss before",
    [SIM_POWER_AFTER] = "power loss after",
    [SIM_SIGNAL] = "stop signal",
    [SIM_LOST_REQUEST] = "request lost",
    [SIM_LOST_REPLY] = "reply lost",
    [SIM_LATE] = "reply lost, effect late",
    [SIM_HANG] = "no answer, not done",
    [SIM_HANG_LATE] = "no answer, done",
    [SIM_SLOW] = "slow answer",
    [SIM_REFUSED] = "refused (500, 503, 409)",
    [SIM_GARBAGE] = "garbage",
    [SIM_TRUNCATED] = "half an answer",
    [SIM_AWAY] = "engine away",
    [SIM_RESTART] = "engine restarts",
    [SIM_DEATH] = "a container dies",
    [SIM_ACTOR] = "somebody else acts",
    [SIM_FULL] = "ledger: no space, once",
    [SIM_FULL_ON] = "ledger: no space",
    [SIM_EIO] = "ledger: i/o error, once",
    [SIM_EIO_ON] = "ledger: i/o error",
};

const char *sim_fault_name(enum sim_fault fault)
{
    return fault_names[fault];
}

static bool is_lasting(enum sim_fault fault)
{
    return fault == SIM_FULL_ON || fault == SIM_EIO_ON;
}

enum sim_fault sim_fault(enum sim_place place)
{
    if (sim.is_calm || sim.is_dead)
        return SIM_NONE;
    unsigned now = sim.passed[place]++;
    sim.total.calls += place == SIM_CALL;
    sim.total.writes += place == SIM_STORE;
    for (size_t i = 0; i < sim.plan.n; i++) {
        enum sim_fault fault = sim.plan.rows[i].fault;
        unsigned at = sim.plan.rows[i].at;
        if (sim.plan.rows[i].place != place || now < at || (now > at && !is_lasting(fault)))
            continue;
        if (now == at) {
            sim.happened++;
            sim.total.faults++;
            sim.total.by_fault[fault]++;
            sim_say("FAULT %s at %s %u", sim_fault_name(fault),
                    place == SIM_CALL ? "call" : "ledger write", now);
        }
        return fault;
    }
    return SIM_NONE;
}

void sim_crash(bool is_power)
{
    if (sim.is_dead)
        return;
    sim_say("CRASH%s", is_power ? " of the host" : "");
    sim.depth++;
    sim.total.crashes++;
    sim.is_dead = true;
    sim.died_at_ms = sim.now_ms;
    if (sim.on_crash)
        sim.on_crash();
    store_crash(is_power);
    engine_crash(is_power);
    sim.depth--;
}

void sim_begin(uint64_t seed)
{
    struct sim next = {.random = {seed},
                       .now_ms = 1000000,
                       .trace = UINT64_C(0xcbf29ce484222325),
                       .is_verbose = sim.is_verbose,
                       .on_crash = sim.on_crash,
                       .total = sim.total};

    sim = next;
}

/* ---- time ---- */

void sim_sleep(int64_t ms)
{
    if (sim.is_dead) {
        sim.now_ms += GHOST_SLEEP_MS;
        return;
    }
    sim.depth++;
    while (ms > 0) {
        int64_t slice = ms < SLICE_MS ? ms : SLICE_MS;
        sim.now_ms += slice;
        ms -= slice;
        engine_tick();
    }
    sim.depth--;
}

/* The linker sends our calls of the C library here; SQLite's and libc's own stay what they are. */
int __wrap_clock_gettime(clockid_t id, struct timespec *ret);
int __wrap_nanosleep(const struct timespec *wanted, struct timespec *left);
int __real_clock_gettime(clockid_t id, struct timespec *ret);

int __wrap_clock_gettime(clockid_t id, struct timespec *ret)
{
    int64_t ms = sim.now_ms + (id == CLOCK_REALTIME ? SIM_EPOCH_MS : 0);

    *ret = (struct timespec){.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
    return 0;
}

int __wrap_nanosleep(const struct timespec *wanted, struct timespec *left)
{
    (void)left;
    sim_sleep((int64_t)wanted->tv_sec * 1000 + wanted->tv_nsec / 1000000);
    return 0;
}

int __wrap_pthread_create(pthread_t *ret, const pthread_attr_t *attr, void *(*start)(void *),
                          void *arg);

/* In turn: a seed has one order of events. NOLINTNEXTLINE(readability-non-const-parameter) */
int __wrap_pthread_create(pthread_t *ret, const pthread_attr_t *attr, void *(*start)(void *),
                          void *arg)
{
    (void)ret, (void)attr, (void)start, (void)arg;
    return EAGAIN;
}

ssize_t __wrap_getrandom(void *to, size_t len, unsigned flags);

/* The same bytes in the same world: ledgers are compared. */
ssize_t __wrap_getrandom(void *to, size_t len, unsigned flags)
{
    unsigned char *p = to;

    (void)flags;
    for (size_t i = 0; i < len; i++)
        p[i] = sim.drawn++;
    return (ssize_t)len;
}

int __wrap_statvfs(const char *path, struct statvfs *ret);

/* Of any disk: a check writes what is free into the ledger. */
int __wrap_statvfs(const char *path, struct statvfs *ret)
{
    (void)path;
    *ret = (struct statvfs){
        .f_bsize = 4096, .f_frsize = 4096, .f_blocks = 1u << 26, .f_bfree = 1u << 24};
    ret->f_bavail = ret->f_bfree;
    ret->f_files = ret->f_ffree = ret->f_favail = 1u << 20;
    return 0;
}

int64_t sim_real_ms(void)
{
    struct timespec ts = {0};

    (void)__real_clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}
