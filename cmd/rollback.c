/* shipctl rollback [VERSION] */
#include <inttypes.h>

#include "answer.h"
#include "command.h"

static const struct opt rows[] = {
    {.name = "to",
     .kind = OPT_NUMBER,
     .offset = offsetof(struct args,                      to),
     .metavar = "ID",
     .help = "the deployment to go back to, by its number",
     .min = 1,
     .max = INT64_MAX},
    {.name = "strict",
     .kind = OPT_FLAG,
     .offset = offsetof(struct args,                                  strict),
     .help = "exit 40 when it succeeded with warnings"},
    {.name = "exit-code",
     .kind = OPT_FLAG,
     .offset = offsetof(struct args, exit_code),
     .help = "with --dry-run: exit 100 when there are changes"},
};

static const char *const examples[] = {
    "shipctl rollback",
    "to the newest earlier version that succeeded",
    "shipctl rollback v1.0.0 --reason 'slow queries'",
    "to a version, with the reason",
    "shipctl rollback --to 41 -y",
    "to deployment 41, without being asked",
    NULL,
};

#define LOOK_BACK 50

static const char *version_of(const struct ship_history_entry *e)
{
    return e->result.to.version != NULL ? e->result.to.version : "its predecessor";
}

/* The newest target that does not serve now, by the ledger; NULL when it names none. */
static const struct ship_history_entry *find_target(const struct ship_history *h)
{
    for (size_t i = 0; i < h->n; i++)
        if (h->entries[i].is_target && !h->entries[i].is_current)
            return &h->entries[i];
    return NULL;
}

/* Only words: what really happens is decided under the lock. */
static void add_question(struct context *c, struct text *t)
{
    const struct ship_history_query query = {.limit = LOOK_BACK};
    struct ship_history h = {0};
    struct ship_error ignored = {0};
    const struct ship_history_entry *target = NULL;

    if (ship_history(c->session, &query, &h, &ignored) == 0)
        target = find_target(&h);
    text_add(t, "Roll back");
    if (h.n > 0 && h.entries[0].result.app != NULL)
        text_addf(t, " %s", h.entries[0].result.app);
    if (c->args->to > 0)
        text_addf(t, " to deployment %" PRId64, c->args->to);
    else if (c->args->n_words > 0)
        text_addf(t, " to %s", c->args->words[0]);
    else if (target != NULL)
        text_addf(t, " to %s", version_of(target));
    text_add(t, "?");
    ship_history_done(&h);
}

static bool is_confirmed(struct context *c)
{
    struct text question = {0};
    bool yes;

    if (c->args->dry_run || !answer_can_ask(c))
        return true;
    add_question(c, &question);
    yes = answer_confirm(c, text_str(&question));
    text_done(&question);
    return yes;
}

static int check(const struct args *args, struct ship_error *err)
{
    if (args->n_words > 0 && args->to > 0)
        return ship_fail(err, SHIP_USAGE, "give VERSION or --to, not both");
    return 0;
}

static int run(struct context *c)
{
    const struct ship_rollback_request request = {
        .version = c->args->n_words > 0 ? c->args->words[0] : NULL,
        .to = c->args->to,
        .dry_run = c->args->dry_run,
        .strict = c->args->strict,
        .exit_code = c->args->exit_code,
    };
    struct ship_result result = {0};

    if (!is_confirmed(c))
        return answer_unconfirmed(c);
    (void)ship_rollback(c->session, &request, &result);
    return answer_result(c, &result);
}

const struct command command_rollback = {
    .name = "rollback",
    .summary = "go back to an earlier version with its whole configuration",
    .words = "[VERSION]",
    .max_words = 1,
    .flags = COMMAND_SESSION | COMMAND_CHANGES | COMMAND_PROGRESS | COMMAND_DRY_RUN,
    .options = {rows, ARRAY_LEN(rows)},
    .examples = examples,
    .notes = "Without VERSION: the newest earlier version recorded as succeeded. On a terminal it\n"
             "asks first, unless --yes is given.",
    .check = check,
    .run = run,
};
