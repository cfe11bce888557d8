/*
 * shipctl completion bash|zsh|fish: a script made of the tables of commands
 * and options. It never runs shipctl, so a slow engine cannot hang a prompt.
 *
 * Bash and zsh get the same skeleton: find the subcommand, complete the value
 * of the option before the cursor, else an option, else a word.
 */
#include "completion.h"

#include <string.h>

#include "command.h"

/* One line of a case: "PATTERN) ACTION ;;". */
struct dialect {
    const char *words_begin, *words_end; /* around a list of words to offer */
    const char *files, *dirs;
};

static void add_words(struct text *t, const char *const *words)
{
    for (size_t i = 0; words[i] != NULL; i++)
        text_addf(t, "%s%s", i > 0 ? " " : "", words[i]);
}

static void add_command_names(struct text *t, const char *separator)
{
    for (size_t i = 0; i < n_commands; i++)
        text_addf(t, "%s%s", i > 0 ? separator : "", commands[i]->name);
}

/* What may follow "COMMAND --option" at the cursor. "*" stands for any command. */
static void add_value_case(struct text *t, const struct dialect *d, const char *command,
                           const struct opt *o)
{
    if (o->kind == OPT_FLAG)
        return;
    text_addf(t, "    ");
    if (o->short_name != '\0')
        text_addf(t, "%s' -%c' | ", command, o->short_name);
    text_addf(t, "%s' --%s') ", command, o->name);
    if (o->values != NULL) {
        text_add(t, d->words_begin);
        add_words(t, o->values);
        text_add(t, d->words_end);
        text_add(t, "; ");
    } else if (o->complete != OPT_COMPLETE_NONE) {
        text_addf(t, "%s; ", o->complete == OPT_COMPLETE_FILE ? d->files : d->dirs);
    }
    /* an optional value is given with "=": what follows the bare name is a word of its own */
    text_add(t, o->optional != NULL ? ";;\n" : "return ;;\n");
}

static void add_value_cases(struct text *t, const struct dialect *d)
{
    /* the subcommand's own meaning of a letter comes first */
    for (size_t i = 0; i < n_commands; i++)
        for (size_t k = 0; k < commands[i]->options.n; k++)
            add_value_case(t, d, commands[i]->name, &commands[i]->options.rows[k]);
    for (size_t k = 0; k < args_global.n; k++)
        add_value_case(t, d, "*", &args_global.rows[k]);
}

static void add_option_names(struct text *t, const struct opt_table *table)
{
    for (size_t i = 0; i < table->n; i++)
        text_addf(t, "%s--%s", i > 0 ? " " : "", table->rows[i].name);
}

static void add_option_cases(struct text *t)
{
    for (size_t i = 0; i < n_commands; i++) {
        if (commands[i]->options.n == 0)
            continue;
        text_addf(t, "        %s) options+=' ", commands[i]->name);
        add_option_names(t, &commands[i]->options);
        text_add(t, "' ;;\n");
    }
}

static void add_word_cases(struct text *t, const struct dialect *d)
{
    for (size_t i = 0; i < n_commands; i++) {
        if (commands[i]->word_values == NULL)
            continue;
        text_addf(t, "    %s) %s", commands[i]->name, d->words_begin);
        add_words(t, commands[i]->word_values);
        text_addf(t, "%s ;;\n", d->words_end);
    }
}

void completion_bash(struct text *t)
{
    static const struct dialect d = {"COMPREPLY=($(compgen -W '", "' -- \"$cur\"))",
                                     "compopt -o filenames; COMPREPLY=($(compgen -f -- \"$cur\"))",
                                     "compopt -o filenames; COMPREPLY=($(compgen -d -- \"$cur\"))"};

    text_add(t, "# bash completion of shipctl(1): source <(shipctl completion bash)\n"
                "# shellcheck shell=bash disable=SC2207\n"
                "_shipctl() {\n"
                "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
                "    local command='' options i\n"
                "    COMPREPLY=()\n"
                "    [ \"$cur\" != '=' ] || cur=''\n"
                "    [ \"$prev\" != '=' ] || prev=${COMP_WORDS[COMP_CWORD - 2]}\n"
                "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
                "        case ${COMP_WORDS[i]} in\n        ");
    add_command_names(t, " | ");
    text_add(t, ") command=${COMP_WORDS[i]} && break ;;\n"
                "        esac\n    done\n"
                "    case \"$command $prev\" in\n");
    add_value_cases(t, &d);
    text_add(t, "    esac\n"
                "    if [[ $cur == -* ]]; then\n        options='");
    add_option_names(t, &args_global);
    text_add(t, "'\n        case $command in\n");
    add_option_cases(t);
    text_add(t, "        esac\n"
                "        COMPREPLY=($(compgen -W \"$options\" -- \"$cur\"))\n"
                "        return\n    fi\n"
                "    case $command in\n    '') COMPREPLY=($(compgen -W '");
    add_command_names(t, " ");
    text_add(t, "' -- \"$cur\")) ;;\n");
    add_word_cases(t, &d);
    text_add(t, "    esac\n}\ncomplete -F _shipctl shipctl\n");
}

/* Inside single quotes. */
static void add_quoted(struct text *t, const char *s, const char *quote)
{
    for (; *s != '\0'; s++) {
        if (*s == '\'')
            text_add(t, quote);
        else
            text_addn(t, s, 1);
    }
}

static void add_zsh_commands(struct text *t)
{
    text_add(t, "    if [[ -z $command ]]; then\n        names=(\n");
    for (size_t i = 0; i < n_commands; i++) {
        text_addf(t, "            '%s:", commands[i]->name);
        add_quoted(t, commands[i]->summary, "'\\''");
        text_add(t, "'\n");
    }
    text_add(t, "        )\n        _describe command names\n        return\n    fi\n");
}

void completion_zsh(struct text *t)
{
    static const struct dialect d = {"compadd -- ", "", "_files", "_files -/"};

    text_add(t, "#compdef shipctl\n"
                "# zsh completion of shipctl(1): source <(shipctl completion zsh)\n"
                "_shipctl() {\n"
                "    local cur=${words[CURRENT]} prev=${words[CURRENT - 1]} command='' options i\n"
                "    local -a names\n"
                "    if [[ $cur == --*=* ]]; then\n"
                "        prev=${cur%%=*}\n"
                "        compset -P '*='\n"
                "    fi\n"
                "    for ((i = 2; i < CURRENT; i++)); do\n"
                "        case ${words[i]} in\n        ");
    add_command_names(t, " | ");
    text_add(t, ") command=${words[i]} && break ;;\n"
                "        esac\n    done\n"
                "    case \"$command $prev\" in\n");
    add_value_cases(t, &d);
    text_add(t, "    esac\n"
                "    if [[ $cur == -* ]]; then\n        options='");
    add_option_names(t, &args_global);
    text_add(t, "'\n        case $command in\n");
    add_option_cases(t);
    text_add(t, "        esac\n        compadd -- ${=options}\n        return\n    fi\n");
    add_zsh_commands(t);
    text_add(t, "    case $command in\n");
    add_word_cases(t, &d);
    text_add(t, "    esac\n}\n"
                "if [ \"${funcstack[1]}\" = _shipctl ]; then\n"
                "    _shipctl \"$@\"\nelse\n    compdef _shipctl shipctl\nfi\n");
}

static void add_fish_option(struct text *t, const char *command, const struct opt *o)
{
    text_add(t, "complete -c shipctl");
    if (command != NULL)
        text_addf(t, " -n '__fish_seen_subcommand_from %s'", command);
    if (o->short_name != '\0')
        text_addf(t, " -s %c", o->short_name);
    text_addf(t, " -l %s", o->name);
    if (o->values != NULL) {
        text_add(t, " -x -a '");
        add_words(t, o->values);
        text_add(t, "'");
    } else if (o->complete == OPT_COMPLETE_FILE) {
        text_add(t, " -r -F");
    } else if (o->complete == OPT_COMPLETE_DIR) {
        text_add(t, " -x -a '(__fish_complete_directories)'");
    } else if (o->kind != OPT_FLAG && o->optional == NULL) {
        text_add(t, " -x");
    }
    text_add(t, " -d '");
    add_quoted(t, o->help, "\\'");
    text_add(t, "'\n");
}

void completion_fish(struct text *t)
{
    text_add(t, "# fish completion of shipctl(1): shipctl completion fish | source\n"
                "complete -c shipctl -f\n");
    for (size_t i = 0; i < n_commands; i++) {
        text_addf(t, "complete -c shipctl -n __fish_use_subcommand -a %s -d '", commands[i]->name);
        add_quoted(t, commands[i]->summary, "\\'");
        text_add(t, "'\n");
        for (size_t k = 0; k < commands[i]->options.n; k++)
            add_fish_option(t, commands[i]->name, &commands[i]->options.rows[k]);
        if (commands[i]->word_values != NULL) {
            text_addf(t, "complete -c shipctl -n '__fish_seen_subcommand_from %s' -a '",
                      commands[i]->name);
            add_words(t, commands[i]->word_values);
            text_add(t, "'\n");
        }
    }
    for (size_t k = 0; k < args_global.n; k++)
        add_fish_option(t, NULL, &args_global.rows[k]);
}

static const char *const shells[] = {"bash", "zsh", "fish", NULL};

static const char *const examples[] = {
    "source <(shipctl completion bash)",
    "for this shell",
    "shipctl completion bash > /etc/bash_completion.d/shipctl",
    "for everybody",
    "shipctl completion fish | source",
    "for fish",
    NULL,
};

static int run(struct context *c)
{
    static void (*const writers[])(struct text *) = {completion_bash, completion_zsh,
                                                     completion_fish};

    for (size_t i = 0; shells[i] != NULL; i++)
        if (strcmp(shells[i], c->args->words[0]) == 0)
            writers[i](&c->answer);
    return 0;
}

const struct command command_completion = {
    .name = "completion",
    .summary = "print a completion script for a shell",
    .words = "bash|zsh|fish",
    .min_words = 1,
    .max_words = 1,
    .word_values = shells,
    .examples = examples,
    .run = run,
};
