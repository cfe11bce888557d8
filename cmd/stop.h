/*
 * Signals that ask to stop.
 *
 * The first is only noted: the library looks at the flag between steps and
 * inside waits, ends in a known state and the exit status says which. Who
 * insists with SIGINT or SIGTERM gets out at once: the process ends from the
 * handler as if killed, after saying what is left to do, and the guardian or
 * the next command does it. A signal within half a second of the first is the
 * same one again (a terminal and a wrapper both send it), and a SIGHUP is never
 * insistence: a lost connection can cause several.
 */
#ifndef SHIPCTL_CMD_STOP_H
#define SHIPCTL_CMD_STOP_H

#include <signal.h>

#include "command.h"

/* Number of the signal that asked to stop, 0 = none. */
volatile sig_atomic_t *stop_flag(void);
/* enum ship_in_flight, kept by the library. */
volatile sig_atomic_t *stop_in_flight(void);

/* flags: of the command; a question may just end. SIGPIPE is ignored always. */
void stop_catch(unsigned flags);
/* Before an operation: what a second signal will say, in the words of the face. */
void stop_prepare(const struct context *c);
/* The operation has ended: the next signal is a first one again. */
void stop_reset(void);

#endif
