/* shipctl init */
#include "answer.h"
#include "command.h"

static const struct opt rows[] = {
    {.name = "force",
     .kind = OPT_FLAG,
     .offset = offsetof(struct args, force),
     .help = "overwrite an existing plan"},
};

static const char *const examples[] = {
    "shipctl init",
    "write shipctl.yaml next to the compose file",
    "shipctl -C /srv/shop init",
    "for another directory",
    NULL,
};

static void add_answer(struct context *c, const char *path)
{
    if (c->args->json) {
        AUTO_FREE char *literal = ship_text_json_string(path);

        text_addf(&c->answer,
                  "{\"schema\":1,\"action\":\"init\",\"outcome\":\"succeeded\","
                  "\"exit_code\":0,\"path\":%s}\n",
                  literal);
        return;
    }
    if (c->args->quiet)
        return;
    text_add(&c->answer, "wrote ");
    text_add_safe(&c->answer, path);
    text_add(&c->answer, "\nnext: shipctl check\n");
}

static int run(struct context *c)
{
    struct ship_error err = {0};
    AUTO_FREE char *path = NULL;
    int rc = ship_init(c->session, c->args->force, &path, &err);

    if (rc != 0)
        return answer_error(c, &err, rc);
    add_answer(c, path);
    return 0;
}

const struct command command_init = {
    .name = "init",
    .summary = "write a starter shipctl.yaml from the compose file",
    .words = "",
    .flags = COMMAND_SESSION | COMMAND_CHANGES,
    .options = {rows, ARRAY_LEN(rows)},
    .examples = examples,
    .run = run,
};
