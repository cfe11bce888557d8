/* shipctl check [lint|pre|health|post] */
#include <string.h>

#include "answer.h"
#include "command.h"

static const char *const phases[] = {"lint", "pre", "health", "post", NULL};

static const char *const examples[] = {
    "shipctl check",
    "lint plan and compose file, run the pre-checks",
    "shipctl check health",
    "the health checks, against what runs now",
    "shipctl check lint",
    "only the files, without an engine",
    NULL,
};

static enum ship_check_phase phase_of(const struct args *args)
{
    static const enum ship_check_phase values[] = {SHIP_CHECK_LINT, SHIP_CHECK_PRE,
                                                   SHIP_CHECK_HEALTH, SHIP_CHECK_POST};

    for (size_t i = 0; args->n_words > 0 && phases[i] != NULL; i++)
        if (strcmp(phases[i], args->words[0]) == 0)
            return values[i];
    return SHIP_CHECK_PRE;
}

static int run(struct context *c)
{
    struct ship_result result = {0};

    (void)ship_check(c->session, phase_of(c->args), &result);
    if (result.error.code != SHIP_INVALID)
        answer_problems(c);
    return answer_result(c, &result);
}

const struct command command_check = {
    .name = "check",
    .summary = "lint plan and compose file, run checks, change nothing",
    .words = "[lint|pre|health|post]",
    .max_words = 1,
    .flags = COMMAND_SESSION | COMMAND_PROGRESS,
    .word_values = phases,
    .examples = examples,
    .notes = "Without a phase: pre. Exit status 10 when a file is wrong, 15 when a required\n"
             "pre-check fails, 3 when a health or post check fails.",
    .run = run,
};
