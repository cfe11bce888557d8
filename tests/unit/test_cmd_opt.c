/* The command line: options by table, subcommands, suggestions, bad input. */
#include <stdio.h>
#include <stdlib.h>

#include "args.h"
#include "command.h"
#include "unit/assert.h"

#define NOW_MS INT64_C(1795224054000)
#define ARGV   16

struct parsed {
    struct args args;
    const struct command *command;
    struct ship_error err;
    int rc;
};

/* words: a command line in one string, split at spaces; "~" stands for an empty word. */
static void parse(struct parsed *p, const char *line)
{
    static char copy[16384];
    char *argv[ARGV] = {copy};
    char *rest = NULL;
    int argc = 1;

    (void)snprintf(copy, sizeof copy, "%s", line);
    for (char *word = strtok_r(copy, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
        if (strcmp(word, "~") == 0)
            word[0] = '\0';
        argv[argc++] = word;
        assert_true(argc < ARGV);
    }
    *p = (struct parsed){0};
    p->rc = args_parse(argc, argv, NOW_MS, &p->args, &p->command, &p->err);
}

static void test_args_parse_accepts_every_spelling(void **state)
{
    static const struct {
        const char *line;
        int64_t limit;
        const char *why;
    } rows[] = {
        {"history -n 5",       5, "value in the next word"      },
        {"history -n5",        5, "value in the same word"      },
        {"history -qn5",       5, "bundled behind a flag"       },
        {"history --limit 5",  5, "long, value in the next word"},
        {"history --limit=5",  5, "long with ="                 },
        {"-q history -n 5",    5, "global option before"        },
        {"history -n 9 -n 5",  5, "the last one wins"           },
        {"--json history -n5", 5, "long global option before"   },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct parsed p;

        parse(&p, rows[i].line);
        row_check(p.rc == 0, rows[i].why);
        row_check(p.command == &command_history, rows[i].why);
        row_check(p.args.limit == rows[i].limit, rows[i].why);
    }
}

static void test_args_parse_global_options_work_before_and_after(void **state)
{
    static const char *const lines[] = {
        "-C /srv -e staging -n --json --progress=plain --lock-wait 90s deploy v1",
        "deploy -C /srv -e staging -n --json --progress=plain --lock-wait 90s v1",
        "deploy v1 -C/srv -estaging --dry-run --json --progress plain --lock-wait=1m30s",
        "-C /srv deploy -e staging v1 -n --lock-wait 90s --json --progress=plain",
    };

    (void)state;
    for (size_t i = 0; i < ROWS(lines); i++) {
        struct parsed p;

        parse(&p, lines[i]);
        row_check(p.rc == 0, lines[i]);
        row_check(p.command == &command_deploy, lines[i]);
        row_check(strcmp(p.args.dir, "/srv") == 0, lines[i]);
        row_check(strcmp(p.args.environment, "staging") == 0, lines[i]);
        row_check(p.args.dry_run && p.args.json, lines[i]);
        row_check(p.args.progress == FACE_PLAIN, lines[i]);
        row_check(p.args.lock_wait_ms == 90000, lines[i]);
        row_check(p.args.n_words == 1 && strcmp(p.args.words[0], "v1") == 0, lines[i]);
    }
}

static void test_args_parse_same_letter_means_what_the_command_says(void **state)
{
    struct parsed p;

    (void)state;
    parse(&p, "prune -n");
    assert_int_equal(p.rc, 0);
    assert_true(p.args.dry_run);
    parse(&p, "history --version v1.0.1 -n 3");
    assert_int_equal(p.rc, 0);
    assert_string_equal(p.args.only_version, "v1.0.1");
    assert_false(p.args.version);
    assert_false(p.args.dry_run);
    parse(&p, "history -V");
    assert_true(p.args.version);
}

static void test_args_parse_optional_values_need_an_equals_sign(void **state)
{
    struct parsed p;

    (void)state;
    parse(&p, "status --watch");
    assert_int_equal(p.args.watch_ms, 2000);
    parse(&p, "status --watch=5s");
    assert_int_equal(p.args.watch_ms, 5000);
    parse(&p, "status --wait");
    assert_int_equal(p.args.wait_ms, 60000);
    parse(&p, "status --wait 5s");
    assert_fails(p.rc, &p.err, SHIP_USAGE);
    assert_contains(p.err.msg, "'5s' is one word too many for 'status'");
}

static void test_args_parse_since_takes_durations_and_dates(void **state)
{
    struct parsed p;

    (void)state;
    parse(&p, "history --since 7d");
    assert_int_equal(p.args.since_ms, NOW_MS - INT64_C(7) * 86400000);
    parse(&p, "history --since=2026-11-21");
    assert_int_equal(p.args.since_ms, INT64_C(1795219200000));
    parse(&p, "history --since 2026-11-21T01:20:54Z");
    assert_int_equal(p.args.since_ms, NOW_MS);
}

static void test_args_parse_double_dash_ends_options(void **state)
{
    struct parsed p;

    (void)state;
    parse(&p, "deploy -- --json");
    assert_int_equal(p.rc, 0);
    assert_false(p.args.json);
    assert_string_equal(p.args.words[0], "--json");
}

static void test_args_parse_bad_lines_name_the_problem(void **state)
{
    static const struct {
        const char *line, *message;
    } rows[] = {
        {"dploy v1",                        "unknown command 'dploy': did you mean 'deploy'?"       },
        {"statuss",                         "unknown command 'statuss': did you mean 'status'?"     },
        {"frobnicate",                      "unknown command 'frobnicate'"                          },
        {"deploy --forc v1",                "unknown option '--forc': did you mean '--force'?"      },
        {"deploy --dry v1",                 "unknown option '--dry'"                                },
        {"--jso status",                    "unknown option '--jso': did you mean '--json'?"        },
        {"deploy -Z v1",                    "unknown option '-Z' in '-Z'"                           },
        {"deploy -qZ v1",                   "unknown option '-Z' in '-qZ'"                          },
        {"deploy",                          "'deploy' needs VERSION"                                },
        {"deploy ~",                        "an argument of 'deploy' is empty"                      },
        {"deploy v1 v2",                    "'v2' is one word too many for 'deploy'"                },
        {"deploy --json=yes v1",            "--json takes no value"                                 },
        {"deploy v1 --reason",              "--reason needs a value: --reason TEXT"                 },
        {"deploy v1 --reason=",             "--reason: the value is empty"                          },
        {"deploy v1 -e",                    "--env needs a value"                                   },
        {"deploy v1 --lock-wait 5",         "--lock-wait: '5' is not a duration"                    },
        {"deploy v1 --lock-wait 2d",        "--lock-wait: '2d' is not between 0 ms and 1 d"         },
        {"deploy v1 --progress=tyt",        "unknown value of --progress 'tyt': did you mean 'tty'?"},
        {"deploy v1 --color=pink",          "unknown value of --color 'pink'"                       },
        {"history -n 0",                    "--limit: '0' is not between 1 and 1000000"             },
        {"history -n -1",                   "--limit: '-1' is not a number"                         },
        {"history -n 5x",                   "--limit: '5x' is not a number"                         },
        {"history -n 99999999999999999999", "is not between 1 and 1000000"                          },
        {"history --since tomorrow",        "--since: 'tomorrow' is not a duration such as 7d"      },
        {"history --since 9999999d",        "is not a duration"                                     },
        {"rollback v1 --to 3",              "give VERSION or --to, not both"                        },
        {"status --watch --wait",           "--watch and --wait exclude each other"                 },
        {"history nine",                    "'nine' is not the number of a deployment"              },
        {"history 3 --failed",              "give ID or filters, not both"                          },
        {"history --head abc",              "--head goes with --verify"                             },
        {"history --verify 3",              "--verify goes with --head only"                        },
        {"recover -n",                      "'recover' has no dry run"                              },
        {"init --dry-run",                  "'init' has no dry run"                                 },
        {"check pree",                      "unknown word 'pree': did you mean 'pre'?"              },
        {"completion tcsh",                 "unknown word 'tcsh'"                                   },
        {"rollback --to 0",                 "--to: '0' is not between 1 and"                        },
        {"status --watch=1ms",              "--watch: '1ms' is not between 500 ms and 1 d"          },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct parsed p;

        parse(&p, rows[i].line);
        assert_fails(p.rc == 0 ? 0 : -1, &p.err, SHIP_USAGE);
        if (strstr(p.err.msg, rows[i].message) == NULL)
            fail_msg("'%s': got '%s', expected '%s'", rows[i].line, p.err.msg, rows[i].message);
        row_check(p.err.hint[0] != '\0', rows[i].line);
    }
}

static void test_args_parse_help_needs_no_arguments(void **state)
{
    struct parsed p;

    (void)state;
    parse(&p, "deploy --help");
    assert_int_equal(p.rc, 0);
    assert_true(p.args.help);
    parse(&p, "recover -nh");
    assert_int_equal(p.rc, 0);
    parse(&p, "");
    assert_int_equal(p.rc, 0);
    assert_null(p.command);
}

static void test_args_parse_hostile_words_are_shortened_and_safe(void **state)
{
    static char line[12000] = "deploy v1 ";
    struct parsed p;

    (void)state;
    memset(line + 10, 'x', 10000);
    parse(&p, line);
    assert_fails(p.rc, &p.err, SHIP_USAGE);
    assert_true(strlen(p.err.msg) < 200);
    assert_contains(p.err.msg, "xxx...'");
    parse(&p, "dep\033[31mloy\nv");
    assert_fails(p.rc, &p.err, SHIP_USAGE);
    assert_null(strchr(p.err.msg, '\033'));
    assert_null(strchr(p.err.msg, '\n'));
}

static void test_args_want_json_stops_at_double_dash(void **state)
{
    char *with[] = {(char[]){"shipctl"}, (char[]){"dploy"}, (char[]){"--json"}};
    char *without[] = {(char[]){"shipctl"}, (char[]){"--"}, (char[]){"--json"}};

    (void)state;
    assert_true(args_want_json(3, with));
    assert_false(args_want_json(3, without));
    assert_false(args_want_json(1, with));
}

static void test_commands_table_is_complete(void **state)
{
    (void)state;
    for (size_t i = 0; i < n_commands; i++) {
        const struct command *cmd = commands[i];

        row_check(command_find(cmd->name) == cmd, cmd->name);
        row_check(cmd->run != NULL && cmd->summary != NULL && cmd->words != NULL, cmd->name);
        row_check(cmd->max_words <= ARGS_WORDS_MAX && cmd->min_words <= cmd->max_words, cmd->name);
        row_check(cmd->examples != NULL, cmd->name);
        for (size_t k = 0; k < cmd->options.n; k++)
            row_check((cmd->options.rows[k].kind == OPT_FLAG) ==
                          (cmd->options.rows[k].metavar == NULL),
                      cmd->options.rows[k].name);
    }
    assert_null(command_find("dep"));
    for (size_t i = 0; command_help.word_values[i] != NULL; i++)
        row_check(command_find(command_help.word_values[i]) == commands[i],
                  command_help.word_values[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_args_parse_accepts_every_spelling),
        cmocka_unit_test(test_args_parse_global_options_work_before_and_after),
        cmocka_unit_test(test_args_parse_same_letter_means_what_the_command_says),
        cmocka_unit_test(test_args_parse_optional_values_need_an_equals_sign),
        cmocka_unit_test(test_args_parse_since_takes_durations_and_dates),
        cmocka_unit_test(test_args_parse_double_dash_ends_options),
        cmocka_unit_test(test_args_parse_bad_lines_name_the_problem),
        cmocka_unit_test(test_args_parse_help_needs_no_arguments),
        cmocka_unit_test(test_args_parse_hostile_words_are_shortened_and_safe),
        cmocka_unit_test(test_args_want_json_stops_at_double_dash),
        cmocka_unit_test(test_commands_table_is_complete),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
