/*
 * Errors of the core library: one caller-owned value, no allocation.
 *
 * Every fallible function returns 0 / -1 (or pointer / NULL) and takes a
 * `struct ship_error *err` last. `err` is written only on failure, `ret_*`
 * arguments only on success. The message is complete: it names the object
 * and the number, starts in lower case and has no full stop. Whoever decides
 * what a failure means shows it once; the library itself never prints.
 */
#ifndef SHIPCTL_ERROR_H
#define SHIPCTL_ERROR_H

#include <stddef.h>

#define SHIP_PRINTF(f, a) __attribute__((format(printf, f, a)))
#define SHIP_CHECKED      __attribute__((warn_unused_result))

/*
 * THE table of error codes: X(name, exit status, what it is called).
 * The exit status is the one of the contract (shipctl(1), EXIT STATUS); a
 * step of a deployment may map a mechanism (timeout, engine, io) to its own.
 */
#define SHIP_CODES(X)                                                                              \
    X(SHIP_OK, 0, "ok")                                                                            \
    X(SHIP_INTERNAL, 1, "internal error")                                                          \
    X(SHIP_IO, 1, "input/output error")                                                            \
    X(SHIP_USAGE, 2, "usage error")                                                                \
    X(SHIP_UNHEALTHY, 3, "unhealthy or not running")                                               \
    X(SHIP_NEVER_DEPLOYED, 4, "never deployed")                                                    \
    X(SHIP_INVALID, 10, "plan or compose file invalid")                                            \
    X(SHIP_UNREACHABLE, 11, "engine, registry or ledger not reachable")                            \
    X(SHIP_TIMEOUT, 11, "deadline passed")                                                         \
    X(SHIP_ENGINE, 11, "engine refused the request")                                               \
    X(SHIP_CONFLICT, 15, "name or state conflict")                                                 \
    X(SHIP_DENIED, 12, "not permitted")                                                            \
    X(SHIP_LOCKED, 13, "another operation holds the lock")                                         \
    X(SHIP_UNVERIFIED, 14, "signature or policy verification failed")                              \
    X(SHIP_PRECHECK, 15, "a required pre-check failed")                                            \
    X(SHIP_NOT_FOUND, 16, "image or rollback target not found")                                    \
    X(SHIP_HOOK, 17, "hook failed before the switch")                                              \
    X(SHIP_UNPROVEN, 20, "the new version did not prove itself")                                   \
    X(SHIP_ROLLBACK_FAILED, 30, "rollback failed or could not be verified")                        \
    X(SHIP_NOT_ROLLED_BACK, 31, "deploy failed, rollback not attempted")                           \
    X(SHIP_INCOMPLETE, 32, "interrupted with changes in flight")                                   \
    X(SHIP_PAUSED, 33, "paused")                                                                   \
    X(SHIP_INTERRUPTED, 130, "interrupted by a signal")

enum ship_code {
#define SHIP_CODE_ENUM(name, status, text) name,
    SHIP_CODES(SHIP_CODE_ENUM)
#undef SHIP_CODE_ENUM
        SHIP_CODE_COUNT
};

struct ship_error {
    enum ship_code code; /* SHIP_OK when nothing failed */
    int sys_errno;       /* 0 when no system call was involved */
    const char *where;   /* "file.c:123" of the origin, static; shown with --debug only */
    char msg[1024];      /* complete sentence fragment, outermost context first */
    char hint[256];      /* next command or remedy, without "hint:"; may be empty */
};

/* Exit status of a code (contract, product table). */
int ship_code_exit_status(enum ship_code code);

/* Short text of a code: "plan or compose file invalid". */
const char *ship_code_text(enum ship_code code);

/* Symbolic name of a code: "SHIP_INVALID". */
const char *ship_code_name(enum ship_code code);

/* Write err (replacing whatever it held, hint included). Always returns -1. Use through the macros.
 */
int ship_fail_at(struct ship_error *err, const char *where, enum ship_code code, int sys_errno,
                 const char *fmt, ...) SHIP_PRINTF(5, 6);

#define SHIP_STRINGIFY_(x) #x
#define SHIP_STRINGIFY(x)  SHIP_STRINGIFY_(x)
#define SHIP_WHERE         __FILE__ ":" SHIP_STRINGIFY(__LINE__)

/* Fail with a message: `return ship_fail(err, SHIP_TIMEOUT, "container '%s' ...", name);` */
#define ship_fail(err, code, ...) ship_fail_at((err), SHIP_WHERE, (code), 0, __VA_ARGS__)

/* Same, after a failed system call: appends ": strerror(errno)" and records errno. */
#define ship_fail_errno(err, code, ...) ship_fail_at((err), SHIP_WHERE, (code), errno, __VA_ARGS__)

/* Prepend "context: " to the message. Always returns -1. */
int ship_error_wrap(struct ship_error *err, const char *fmt, ...) SHIP_PRINTF(2, 3);

/* Set the hint (next command). Always returns -1, so it can end a chain. */
int ship_error_hint(struct ship_error *err, const char *fmt, ...) SHIP_PRINTF(2, 3);

#endif
