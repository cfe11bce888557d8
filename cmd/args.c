/* The command line: global options, the subcommand, its options and words. */
#include "args.h"

#include <string.h>

#include "command.h"

#define HOUR_MS INT64_C(3600000)

static const char *const progress_values[] = {"auto", "tty",  "plain", "github",
                                              "json", "none", NULL};
static const char *const color_values[] = {"auto", "always", "never", NULL};

#define AT(field) offsetof(struct args, field)

static const struct opt rows[] = {
    {.short_name = 'C',
     .name = "directory",
     .kind = OPT_TEXT,
     .offset = AT(dir),
     .metavar = "DIR",
     .help = "work in DIR instead of the current directory",
     .complete = OPT_COMPLETE_DIR},
    {.short_name = 'f',
     .name = "file",
     .kind = OPT_TEXT,
     .offset = AT(file),
     .metavar = "FILE",
     .help = "the plan; default shipctl.yaml, shipctl.yml",
     .complete = OPT_COMPLETE_FILE},
    {.short_name = 'e',
     .name = "env",
     .kind = OPT_TEXT,
     .offset = AT(environment),
     .metavar = "NAME",
     .help = "the environment; default: the plan's"},
    {.short_name = 'n',
     .name = "dry-run",
     .kind = OPT_FLAG,
     .offset = AT(dry_run),
     .help = "show what would be done and change nothing"                                    },
    {.short_name = 'y',
     .name = "yes",
     .kind = OPT_FLAG,
     .offset = AT(yes),
     .help = "do not ask for confirmation"},
    {.short_name = 'q',
     .name = "quiet",
     .kind = OPT_FLAG,
     .offset = AT(quiet),
     .help = "only warnings and errors; the exit status says the rest"                                                   },
    {.short_name = 'v',
     .name = "verbose",
     .kind = OPT_FLAG,
     .offset = AT(verbose),
     .help = "also skipped steps and output of hooks and containers"},
    {.name = "json",
     .kind = OPT_FLAG,
     .offset = AT(json),
     .help = "one JSON object on standard output, also on failure"  },
    {.name = "progress",
     .kind = OPT_CHOICE,
     .offset = AT(progress),
     .metavar = "HOW",
     .help = "auto, tty, plain, github, json or none",
     .values = progress_values},
    {.name = "color",
     .kind = OPT_CHOICE,
     .offset = AT(color),
     .metavar = "WHEN",
     .help = "auto, always or never",
     .values = color_values},
    {.name = "reason",
     .kind = OPT_TEXT,
     .offset = AT(reason),
     .metavar = "TEXT",
     .help = "why, for the history"                                                         },
    {.name = "lock-wait",
     .kind = OPT_DURATION,
     .offset = AT(lock_wait_ms),
     .metavar = "DUR",
     .help = "wait this long for another operation to end; default 0s",
     .max = 24 * HOUR_MS},
    {.name = "no-guardian",
     .kind = OPT_FLAG,
     .offset = AT(no_guardian),
     .help = "no second process that repairs when this one is killed"                                                 },
    {.name = "debug",
     .kind = OPT_FLAG,
     .offset = AT(debug),
     .help = "say where in the program errors come from"                                        },
    {.short_name = 'V',
     .name = "version",
     .kind = OPT_FLAG,
     .offset = AT(version),
     .help = "print the version; with -v the libraries, too"                                                      },
    {.short_name = 'h',
     .name = "help",
     .kind = OPT_FLAG,
     .offset = AT(help),
     .help = "print this help"                   },
};

const struct opt_table args_global = {rows, ARRAY_LEN(rows)};

bool args_want_json(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--json") == 0)
            return true;
    return false;
}

static int unknown_command(const char *word, struct ship_error *err)
{
    const char *names[32];

    for (size_t i = 0; i < n_commands; i++)
        names[i] = commands[i]->name;
    (void)opt_unknown("command", word, names, n_commands, err);
    return ship_error_hint(err, "shipctl --help lists the commands");
}

static int unknown_word(const struct command *cmd, const char *word, struct ship_error *err)
{
    size_t n = 0;

    while (cmd->word_values[n] != NULL)
        n++;
    return opt_unknown("word", word, cmd->word_values, n, err);
}

static bool is_word_value(const struct command *cmd, const char *word)
{
    for (size_t i = 0; cmd->word_values[i] != NULL; i++)
        if (strcmp(cmd->word_values[i], word) == 0)
            return true;
    return false;
}

static int take_word(const struct command *cmd, const char *word, struct args *args,
                     struct ship_error *err)
{
    char quoted[128];

    if (args->n_words == cmd->max_words)
        return ship_fail(err, SHIP_USAGE, "'%s' is one word too many for '%s'",
                         opt_quote(word, quoted), cmd->name);
    if (*word == '\0')
        return ship_fail(err, SHIP_USAGE, "an argument of '%s' is empty", cmd->name);
    if (cmd->word_values != NULL && !is_word_value(cmd, word))
        return unknown_word(cmd, word, err);
    args->words[args->n_words++] = word;
    return 0;
}

static int check_complete(const struct command *cmd, const struct args *args,
                          struct ship_error *err)
{
    if (args->help || args->version)
        return 0;
    if (args->n_words < cmd->min_words)
        return ship_fail(err, SHIP_USAGE, "'%s' needs %s", cmd->name, cmd->words);
    if (args->dry_run && (cmd->flags & COMMAND_CHANGES) != 0 && (cmd->flags & COMMAND_DRY_RUN) == 0)
        return ship_fail(err, SHIP_USAGE, "'%s' has no dry run", cmd->name);
    return cmd->check != NULL ? cmd->check(args, err) : 0;
}

/* Options and words of a known subcommand. */
static int parse_command(struct opt_walk *w, const struct command *cmd, struct args *args,
                         struct ship_error *err)
{
    const struct opt_table tables[] = {cmd->options, args_global};
    const char *word;
    int rc;

    w->tables = tables;
    w->n_tables = ARRAY_LEN(tables);
    while ((rc = opt_next(w, &word, err)) > 0)
        if (take_word(cmd, word, args, err) < 0)
            return -1;
    return rc < 0 ? -1 : check_complete(cmd, args, err);
}

int args_parse(int argc, char **argv, int64_t now_ms, struct args *ret,
               const struct command **ret_command, struct ship_error *err)
{
    struct opt_walk w = {.argv = argv,
                         .argc = argc,
                         .next = 1,
                         .tables = &args_global,
                         .n_tables = 1,
                         .target = ret,
                         .now_ms = now_ms};
    const char *word;
    int rc = opt_next(&w, &word, err);

    *ret_command = NULL;
    if (rc < 0)
        return ship_error_hint(err, "shipctl --help lists the options");
    if (rc == 0)
        return 0;
    *ret_command = command_find(word);
    if (*ret_command == NULL)
        return unknown_command(word, err);
    if (parse_command(&w, *ret_command, ret, err) < 0)
        return err->hint[0] != '\0'
                   ? -1
                   : ship_error_hint(err, "shipctl %s --help", (*ret_command)->name);
    return 0;
}
