/*
 * What the check types share: verdicts, template expansion, targets.
 *
 * Functions that can end a try return 1 when the caller goes on, 0 when the
 * verdict in ret is final for this try, and -1 when the whole run ends
 * (a stop signal, or a fault of our own).
 */
#ifndef SHIP_CHECK_SUPPORT_H
#define SHIP_CHECK_SUPPORT_H

#include "check/check.h"

/* Write the verdict. Always returns 0, so that it can end a run(). */
int check_say(struct check_result *ret, enum check_status status, const char *fmt, ...)
    SHIP_PRINTF(3, 4);

/* What texts that are kept or shown must not hold; NULL when nothing is known. */
struct redact *check_redact(const struct check_env *env);

/* An error on the way: -1 when it ends the run, else UNKNOWN with its text and 0. */
int check_unknown(struct check_result *ret, const struct ship_error *err);

/* Expand ${...}; heap string, caller frees. NULL: the verdict (UNKNOWN) is written. NULL stays
 * NULL without verdict: callers pass required texts only. */
char *check_expand(const struct check_env *env, const char *text, struct check_result *ret);

/* Expand each member into out (zeroed by the caller). 1 or 0. */
int check_expand_all(const struct check_env *env, const struct strv *texts, struct strv *out,
                     struct check_result *ret);

/* A path of the plan, absolute and expanded; path NULL = the engine's data root. Heap string; NULL:
 * the verdict (UNKNOWN) is written. */
char *check_path(const struct check_env *env, const char *path, struct check_result *ret);

/* Container of a service; service NULL = the first deployed one. NULL if there is none. */
const struct check_target *check_target_find(const struct check_env *env, const char *service);

/* A service was named: only that target; else each deployed one. */
bool check_target_wanted(const struct check_target *target, const char *service);

/* Address of the container of a service on its first network; heap in *ret_address. 1, 0, -1. */
int check_container_address(const struct check_env *env, const char *service, int64_t deadline_ms,
                            char **ret_address, struct check_result *ret, struct ship_error *err);

/* Last lines of an output on one line ("a | b"), at most cap - 1 bytes; returns out. */
const char *check_tail(const struct buf *output, char *out, size_t cap);

/*
 * Run a command inside the container of a service. UNKNOWN without a container, when the engine
 * can not run it, or the program is missing (exit 126 or 127). 1, 0, -1; result: caller's
 * exec_result_done.
 */
struct check_exec_call {
    const struct check_target *target;
    const struct exec_request *request;
    int64_t deadline_ms;
};
int check_exec_in(const struct check_env *env, const struct check_exec_call *call,
                  struct exec_result *result, struct check_result *ret, struct ship_error *err);

/* FIELD_CUSTOM pieces: a POSIX extended regular expression; target is a `struct check_regex`. */
struct check_regex {
    void *compiled; /* regex_t, heap; NULL = not given */
    char *text;
};
void check_regex_decode(const struct yaml_node *node, void *target, struct field_ctx *ctx);
void check_regex_done(void *target);
bool check_regex_matches(const struct check_regex *re, const char *text);

#endif
