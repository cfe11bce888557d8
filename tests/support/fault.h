/*
 * What goes wrong at one call of one client program, for the recording proxy: the client is killed
 * or the engine misbehaves. Calls are counted from 1 over all connections of the first client;
 * the fault happens once, so that whoever comes to the rescue finds a sound engine, but for the
 * faults of the engine's process: those last until the test ends them.
 */
#ifndef TESTS_SUPPORT_FAULT_H
#define TESTS_SUPPORT_FAULT_H

#include <stdbool.h>
#include <sys/types.h>

/* Where in a call. */
enum fault_at {
    FAULT_AT_BEGIN,   /* the first bytes of the request wait to be read; the engine saw none */
    FAULT_AT_REQUEST, /* the whole request has come; the engine saw none of it */
    FAULT_AT_SENT,    /* the engine has the whole request */
    FAULT_AT_FIRST,   /* the answer has begun; the client saw nothing of it */
    FAULT_AT_PART,    /* the client has the first byte of the answer */
    FAULT_AT_MIDDLE,  /* the client has half of what came first */
    FAULT_AT_ANSWER,  /* the client has the whole answer */
};

/* The connection of the call, and what is at hand of the answer. */
struct fault_scene {
    pid_t client;
    int client_fd;
    int server_fd;
    const char *piece;
    size_t len;
};

struct fault;

/*
 * Shared by all processes forked later. NULL, with a message: no such mode, or no memory. A fault
 * of the engine's process takes its id from the environment: ENGINE_PID.
 */
struct fault *fault_new(const char *mode, const char *call, bool kills_children, int out);

/* The number of the client's next call; 0: it is not the client that is meant. */
unsigned fault_next_call(struct fault *f, pid_t client, const char *bytes);

/* Is something to happen to this call later than at its begin? Its request is held back then. */
bool fault_holds_request(const struct fault *f, unsigned call);
bool fault_is_at(const struct fault *f, unsigned call, enum fault_at at);

/* Does it. Most end the process, which closes both connections; after some the call goes on. */
void fault_fire(struct fault *f, const struct fault_scene *scene);

/* Readable when the listener is to go away; then, for the process that listens: closes it and
 * returns when it is to come back. */
int fault_away_fd(const struct fault *f);
void fault_stay_away(struct fault *f, int listener);

#endif
