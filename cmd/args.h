/*
 * Everything the command line can say, in one struct: the options of all
 * subcommands and the ones they share.
 */
#ifndef SHIPCTL_CMD_ARGS_H
#define SHIPCTL_CMD_ARGS_H

#include <stdbool.h>
#include <stdint.h>

#include "opt.h"

#define ARGS_WORDS_MAX 2

struct args {
    const char *dir, *file, *environment, *reason;
    int64_t lock_wait_ms;
    int progress; /* enum face_kind */
    int color;    /* enum color_mode */
    bool dry_run, yes, quiet, verbose, json, no_guardian, debug, help, version;

    bool force, strict, exit_code; /* deploy, rollback, init */
    int64_t to;                    /* rollback */
    int64_t watch_ms, wait_ms;     /* status; 0 = not asked for */
    int64_t limit, since_ms, keep; /* history, prune */
    const char *only_version, *head;
    bool failed, all, verify;

    const char *words[ARGS_WORDS_MAX]; /* after the subcommand */
    size_t n_words;
};

/* Options accepted before and after every subcommand. */
extern const struct opt_table args_global;

struct command;

/*
 * Parse argv[1..]. *ret_command is NULL when no subcommand was given (then --help, --version or
 * nothing). 0, or -1 SHIP_USAGE with a hint; *ret_command and args hold what was understood.
 */
int args_parse(int argc, char **argv, int64_t now_ms, struct args *ret,
               const struct command **ret_command, struct ship_error *err);

/* Whether --json is among the words, for a command line that could not be parsed. */
bool args_want_json(int argc, char **argv);

#endif
