/* shipctl recover */
#include "answer.h"
#include "command.h"

static const char *const examples[] = {
    "shipctl recover",
    "after a crash or a power cut; does nothing when nothing is open",
    NULL,
};

static int run(struct context *c)
{
    struct ship_result result = {0};

    (void)ship_recover(c->session, &result);
    return answer_result(c, &result);
}

const struct command command_recover = {
    .name = "recover",
    .summary = "finish or undo an interrupted operation",
    .words = "",
    .flags = COMMAND_SESSION | COMMAND_CHANGES | COMMAND_PROGRESS,
    .examples = examples,
    .notes = "Every command that changes something does this first by itself.",
    .run = run,
};
