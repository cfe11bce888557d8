/*
 * A subcommand, and what it works with.
 *
 * To add one: a file with its option rows and run(), a declaration here, a row
 * in commands.c, a page man/shipctl-NAME.1. --help, completion and the tests
 * read the table.
 */
#ifndef SHIPCTL_CMD_COMMAND_H
#define SHIPCTL_CMD_COMMAND_H

#include <signal.h>

#include "shipctl/shipctl.h"

#include "args.h"
#include "render.h"
#include "style.h"
#include "text.h"

enum command_flags {
    COMMAND_SESSION = 1,  /* works on a plan or a ledger */
    COMMAND_CHANGES = 2,  /* stops in a known state on signals; its exit status is never replaced */
    COMMAND_PROGRESS = 4, /* shows steps */
    COMMAND_DRY_RUN = 8,  /* honours --dry-run */
};

struct context {
    const struct command *command; /* NULL before it is known */
    const char *const *environ;
    const struct args *args;
    struct style style; /* of standard output */
    struct face *face;  /* standard error */
    struct ship_session *session;
    struct text answer;          /* goes to standard output at the end */
    volatile sig_atomic_t *stop; /* signal that asked to stop, 0 = none */
    bool is_shared; /* standard output and standard error are the same terminal or file */
};

struct command {
    const char *name, *summary;
    const char *words; /* "VERSION", "[VERSION]"; "" = none */
    size_t min_words, max_words;
    unsigned flags; /* enum command_flags */
    struct opt_table options;
    const char *const *word_values; /* what the first word may be; NULL-terminated, NULL = free */
    const char *const *examples;    /* "command line", "what it does", ... NULL */
    const char *notes;              /* paragraph of --help, NULL = none */
    /* Options and words that do not go together: SHIP_USAGE; NULL = all do. */
    int (*check)(const struct args *args, struct ship_error *err);
    int (*run)(struct context *c); /* the exit status */
};

extern const struct command *const commands[];
extern const size_t n_commands;

/* NULL when there is none of that name. */
const struct command *command_find(const char *name);

extern const struct command command_deploy, command_rollback, command_status, command_history,
    command_prune, command_check, command_recover, command_init, command_completion, command_help,
    command_version;

#endif
