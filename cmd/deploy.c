/* shipctl deploy VERSION */
#include "answer.h"
#include "command.h"

static const struct opt rows[] = {
    {.name = "force",
     .kind = OPT_FLAG,
     .offset = offsetof(struct args, force),
     .help = "replace the containers even when nothing changed"},
    {.name = "strict",
     .kind = OPT_FLAG,
     .offset = offsetof(struct args, strict),
     .help = "exit 40 when it succeeded with warnings"         },
    {.name = "exit-code",
     .kind = OPT_FLAG,
     .offset = offsetof(struct args, exit_code),
     .help = "with --dry-run: exit 100 when there are changes" },
};

static const char *const examples[] = {
    "shipctl deploy v1.0.1",
    "deploy a tag; roll back when it is not healthy",
    "shipctl deploy -n v1.0.1",
    "show what would be done",
    "shipctl deploy --json --reason 'fix login' v1.0.1",
    "for scripts",
    NULL,
};

static int run(struct context *c)
{
    const struct ship_deploy_request request = {
        .version = c->args->words[0],
        .dry_run = c->args->dry_run,
        .force = c->args->force,
        .strict = c->args->strict,
        .exit_code = c->args->exit_code,
    };
    struct ship_result result = {0};

    (void)ship_deploy(c->session, &request, &result);
    return answer_result(c, &result);
}

const struct command command_deploy = {
    .name = "deploy",
    .summary = "deploy a version, or leave the old one serving",
    .words = "VERSION",
    .min_words = 1,
    .max_words = 1,
    .flags = COMMAND_SESSION | COMMAND_CHANGES | COMMAND_PROGRESS | COMMAND_DRY_RUN,
    .options = {rows, ARRAY_LEN(rows)},
    .examples = examples,
    .notes = "VERSION is a tag or a sha256: digest. The exit status says what serves: 0 the new\n"
             "version, 1x nothing was touched, 20 rolled back, 3x look at it now.",
    .run = run,
};
