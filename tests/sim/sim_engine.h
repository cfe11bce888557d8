/*
 * The simulated engine: the model of the scripted engine without sockets or threads, called in
 * place of an HTTP transfer, with faults at every call.
 */
#ifndef TESTS_SIM_ENGINE_H
#define TESTS_SIM_ENGINE_H

#include "support/fake_model.h"

struct engine {
    struct model model;
    int64_t away_until_ms; /* nothing listens until then */
    bool comes_back;       /* then containers start by their policy */
    const char *recovery;  /* "recover" is running: it starts nothing new; NULL = not */
    bool is_tampered;      /* somebody else changed containers since the last good deployment */
    bool is_moved;         /* containers ended by themselves during this command */
    bool has_served;       /* a first version exists: from now on something can always run */
};
extern struct engine engine;

void engine_reset(void);
void engine_done(void);
/* Time has passed: late effects, ends of containers, the engine's return. */
void engine_tick(void);
void engine_crash(bool is_power);
/* Between two commands: nobody remembers. Late effects still come. */
void engine_forget(void);

/* Somebody else does something to a container of the project. */
void engine_somebody_acts(void);

/* "app" of a container of the project, NULL when it has none. */
const char *engine_service(const struct model_container *c);
bool engine_runs(const struct model_container *c);
/* Versions that prove themselves are called v...; the others never may serve for good. */
bool engine_is_good(const struct model_container *c);

#endif
