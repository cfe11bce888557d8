/* Help and version texts, and the subcommands that print them. */
#include "help.h"

#include <stdio.h>
#include <string.h>

#define COLUMN 26

static void add_option(struct text *t, const struct opt *o)
{
    char left[64];
    char value[32] = "";

    if (o->kind != OPT_FLAG)
        (void)snprintf(value, sizeof value, "%s=%s%s", o->optional != NULL ? "[" : "", o->metavar,
                       o->optional != NULL ? "]" : "");
    if (o->short_name != '\0')
        (void)snprintf(left, sizeof left, "-%c, --%s%s", o->short_name, o->name, value);
    else
        (void)snprintf(left, sizeof left, "    --%s%s", o->name, value);
    text_addf(t, "  %-*s %s%s\n", COLUMN - 2, left,
              strlen(left) > COLUMN - 2 ? "\n                            " : "", o->help);
}

static void add_options(struct text *t, const char *title, const struct opt_table *table,
                        const struct opt_table *hidden_by)
{
    if (table->n == 0)
        return;
    text_addf(t, "\n%s:\n", title);
    for (size_t i = 0; i < table->n; i++) {
        struct opt row = table->rows[i];

        /* a letter or a word the subcommand uses for something else */
        for (size_t k = 0; hidden_by != NULL && k < hidden_by->n; k++) {
            if (hidden_by->rows[k].short_name == row.short_name)
                row.short_name = '\0';
            if (strcmp(hidden_by->rows[k].name, row.name) == 0)
                row.name = NULL;
            if (row.name == NULL)
                break;
        }
        if (row.name != NULL)
            add_option(t, &row);
    }
}

static void add_examples(struct text *t, const char *const *examples)
{
    text_add(t, "\nExamples:\n");
    for (; *examples != NULL; examples += 2)
        text_addf(t, "  %s\n      %s\n", examples[0], examples[1]);
}

void help_overview(struct text *t)
{
    static const char *const examples[] = {
        "shipctl init && shipctl check",
        "write a plan, look whether it works",
        "shipctl deploy v1.0.1",
        "deploy; on failure the old version serves again",
        "shipctl rollback",
        "go back",
        NULL,
    };

    text_add(t, "shipctl deploys a version of Docker Compose services as a transaction: it ends\n"
                "on the new version proven healthy, or on the old one proven healthy.\n\n"
                "Usage: shipctl [OPTION...] COMMAND [ARGUMENT...]\n\nCommands:\n");
    for (size_t i = 0; i < n_commands; i++)
        text_addf(t, "  %-11s %s\n", commands[i]->name, commands[i]->summary);
    add_options(t, "Options, before or after the command", &args_global, NULL);
    add_examples(t, examples);
    text_add(t, "\nMore: shipctl COMMAND --help, man shipctl, man shipctl.yaml\n");
}

void help_command(struct text *t, const struct command *cmd)
{
    text_addf(t, "Usage: shipctl %s [OPTION...]%s%s\n\n%c%s.\n", cmd->name,
              *cmd->words != '\0' ? " " : "", cmd->words, cmd->summary[0] & ~0x20,
              cmd->summary + 1);
    if (cmd->notes != NULL)
        text_addf(t, "%s\n", cmd->notes);
    add_options(t, "Options", &cmd->options, NULL);
    add_options(t, "Options of every command", &args_global, &cmd->options);
    if (cmd->examples != NULL)
        add_examples(t, cmd->examples);
    if (cmd == &command_help || cmd == &command_version)
        text_add(t, "\nMore: man shipctl\n");
    else
        text_addf(t, "\nMore: man shipctl-%s\n", cmd->name);
}

void help_version(struct text *t, bool with_libraries)
{
    text_addf(t, "shipctl %s\n", ship_version());
    if (with_libraries)
        text_addf(t, "%s\n", ship_libraries());
}

static int run_help(struct context *c)
{
    const struct command *cmd = c->args->n_words > 0 ? command_find(c->args->words[0]) : NULL;

    if (cmd != NULL)
        help_command(&c->answer, cmd);
    else
        help_overview(&c->answer);
    return 0;
}

static int run_version(struct context *c)
{
    help_version(&c->answer, c->args->verbose);
    return 0;
}

static const char *const topics[] = {"deploy",     "rollback", "status",  "history",
                                     "prune",      "check",    "recover", "init",
                                     "completion", "help",     "version", NULL};

static const char *const help_examples[] = {"shipctl help deploy", "what deploy takes", NULL};

const struct command command_help = {
    .name = "help",
    .summary = "explain a command",
    .words = "[COMMAND]",
    .max_words = 1,
    .word_values = topics,
    .examples = help_examples,
    .run = run_help,
};

static const char *const version_examples[] = {"shipctl version -v",
                                               "the version and the libraries it runs with", NULL};

const struct command command_version = {
    .name = "version",
    .summary = "print the version; with -v the libraries, too",
    .words = "",
    .examples = version_examples,
    .run = run_version,
};
