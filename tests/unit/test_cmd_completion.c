/* Completion scripts and help texts: complete with respect to the tables, and valid shell. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command.h"
#include "completion.h"
#include "help.h"
#include "unit/assert.h"

/* Feed text to `bash ARGUMENT -s`; the exit status, what it printed in out. */
static int run_bash(const char *script, bool only_parse, char *out, size_t cap)
{
    int in[2];
    int from[2];
    int status = -1;
    ssize_t n;
    pid_t pid;

    assert_int_equal(pipe2(in, O_CLOEXEC), 0);
    assert_int_equal(pipe2(from, O_CLOEXEC), 0);
    pid = fork();
    if (pid == 0) {
        (void)dup2(in[0], STDIN_FILENO);
        (void)dup2(from[1], STDOUT_FILENO);
        (void)dup2(from[1], STDERR_FILENO);
        execlp("bash", "bash", "--norc", only_parse ? "-n" : "-u", "-s", (char *)NULL);
        _exit(127);
    }
    close(in[0]);
    close(from[1]);
    (void)signal(SIGPIPE, SIG_IGN);
    assert_int_equal(stream_write_all(in[1], script, strlen(script), 10000, NULL), 0);
    close(in[1]);
    n = read(from[0], out, cap - 1);
    out[n > 0 ? n : 0] = '\0';
    close(from[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_completion_bash_is_valid(void **state)
{
    struct text t = {0};
    char out[1024];

    (void)state;
    completion_bash(&t);
    if (run_bash(text_str(&t), true, out, sizeof out) != 0)
        fail_msg("bash -n: %s", out);
    text_done(&t);
}

static void test_completion_zsh_is_valid_for_bash_too(void **state)
{
    struct text t = {0};
    char out[1024];

    (void)state;
    completion_zsh(&t);
    /* only zsh reads ${=name}; everything else is common to both */
    *strstr(t.p, "${=options}") = ' ';
    if (run_bash(text_str(&t), true, out, sizeof out) != 0)
        fail_msg("bash -n: %s", out);
    text_done(&t);
}

/* The words bash offers for a command line whose last word is being typed. */
static void test_completion_bash_offers_what_fits(void **state)
{
    static const struct {
        const char *words, *offers, *why;
    } rows[] = {
        {"shipctl dep",                   "deploy",                          "a subcommand"            },
        {"shipctl -C /srv sta",           "status",                          "behind an option"        },
        {"shipctl check h",               "health",                          "a word of a subcommand"  },
        {"shipctl completion ''",         "bash zsh fish",                   "all words"               },
        {"shipctl deploy --ex",           "--exit-code",                     "its own option"          },
        {"shipctl status --js",           "--json",                          "a global option"         },
        {"shipctl deploy --progress g",   "github",                          "a value"                 },
        {"shipctl --color = a",           "auto always",                     "a value behind ="        },
        {"shipctl --progress = ''",       "auto tty plain github json none", "all values"              },
        {"shipctl deploy --lock-wait ''", "",                                "a value nobody can guess"},
        {"shipctl history -n ''",         "",                                "a letter with a value"   },
        {"shipctl status --watch --js",   "--json",                          "optional value left out" },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct text t = {0};
        char out[1024];

        completion_bash(&t);
        text_addf(&t,
                  "COMP_WORDS=(%s)\nCOMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n"
                  "_shipctl\necho \"${COMPREPLY[*]-}\"\n",
                  rows[i].words);
        row_check(run_bash(text_str(&t), false, out, sizeof out) == 0, rows[i].why);
        out[strcspn(out, "\n")] = '\0';
        if (strcmp(out, rows[i].offers) != 0)
            fail_msg("row '%s': got '%s'", rows[i].why, out);
        text_done(&t);
    }
}

static void assert_names(const char *script, const struct opt_table *table)
{
    for (size_t i = 0; i < table->n; i++)
        assert_contains(script, table->rows[i].name);
}

static void assert_commands(const char *script)
{
    for (size_t i = 0; i < n_commands; i++) {
        assert_contains(script, commands[i]->name);
        assert_names(script, &commands[i]->options);
    }
}

static void test_completion_scripts_know_every_row(void **state)
{
    static void (*const writers[])(struct text *) = {completion_bash, completion_zsh,
                                                     completion_fish};

    (void)state;
    for (size_t w = 0; w < ROWS(writers); w++) {
        struct text t = {0};

        writers[w](&t);
        assert_commands(text_str(&t));
        assert_names(text_str(&t), &args_global);
        text_done(&t);
    }
}

static void test_completion_fish_closes_its_quotes(void **state)
{
    struct text t = {0};

    (void)state;
    completion_fish(&t);
    for (const char *line = text_str(&t); *line != '\0';) {
        size_t len = strcspn(line, "\n");
        size_t quotes = 0;

        for (size_t i = 0; i < len && line[0] != '#'; i++)
            if (line[i] == '\'' && (i == 0 || line[i - 1] != '\\'))
                quotes++;
        if (quotes % 2 != 0)
            fail_msg("open quote: %.*s", (int)len, line);
        line += len + 1;
    }
    text_done(&t);
}

static void test_help_command_lists_its_options_and_examples(void **state)
{
    (void)state;
    for (size_t i = 0; i < n_commands; i++) {
        struct text t = {0};

        help_command(&t, commands[i]);
        assert_contains(text_str(&t), "Usage: shipctl ");
        assert_contains(text_str(&t), "\nExamples:\n  ");
        for (size_t k = 0; k < commands[i]->options.n; k++)
            assert_contains(text_str(&t), commands[i]->options.rows[k].help);
        for (const char *line = text_str(&t); *line != '\0'; line += strcspn(line, "\n") + 1)
            row_check(strcspn(line, "\n") <= 100, commands[i]->name);
        text_done(&t);
    }
}

static void test_help_command_hides_a_letter_taken_by_the_command(void **state)
{
    struct text t = {0};

    (void)state;
    help_command(&t, &command_history);
    assert_contains(text_str(&t), "  -n, --limit=N ");
    assert_contains(text_str(&t), "      --dry-run ");
    assert_null(strstr(text_str(&t), "--version  "));
    text_done(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_completion_bash_is_valid),
        cmocka_unit_test(test_completion_zsh_is_valid_for_bash_too),
        cmocka_unit_test(test_completion_bash_offers_what_fits),
        cmocka_unit_test(test_completion_scripts_know_every_row),
        cmocka_unit_test(test_completion_fish_closes_its_quotes),
        cmocka_unit_test(test_help_command_lists_its_options_and_examples),
        cmocka_unit_test(test_help_command_hides_a_letter_taken_by_the_command),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
