/* shipctl history [ID]: the questions; history_card.c draws the answers. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "card.h"
#include "command.h"
#include "history_card.h"

#define LIMIT_USUAL 20
#define LIMIT_MAX   1000000

static const struct opt rows[] = {
    {.short_name = 'n',
     .name = "limit",
     .kind = OPT_NUMBER,
     .offset = offsetof(struct args,                                                     limit),
     .metavar = "N",
     .help = "at most N deployments; default 20",
     .min = 1,
     .max = LIMIT_MAX},
    {.name = "since",
     .kind = OPT_SINCE,
     .offset = offsetof(struct args,                                                since_ms),
     .metavar = "WHEN",
     .help = "not older than a duration (7d) or a date (2026-01-31)"                         },
    {.name = "failed",
     .kind = OPT_FLAG,
     .offset = offsetof(struct args, failed),
     .help = "only what did not succeed"                                                                          },
    {.name = "version",
     .kind = OPT_TEXT,
     .offset = offsetof(struct args,           only_version),
     .metavar = "VERSION",
     .help = "only this version"                         },
    {.name = "all",
     .kind = OPT_FLAG,
     .offset = offsetof(struct args,                       all),
     .help = "every app and environment of this ledger"                                                            },
    {.name = "verify",
     .kind = OPT_FLAG,
     .offset = offsetof(struct args,                                                  verify),
     .help = "verify the audit chain instead"  },
    {.name = "head",
     .kind = OPT_TEXT,
     .offset = offsetof(struct args,                                    head),
     .metavar = "HASH",
     .help = "with --verify: the audit head noted earlier must be in the chain"},
};

static const char *const examples[] = {
    "shipctl history",
    "the last 20 deployments, newest first",
    "shipctl history 42",
    "one of them in full",
    "shipctl history --failed --since 7d",
    "what went wrong this week",
    "shipctl history --verify --head 9fa0c1d2e3f4",
    "nobody rewrote the past",
    NULL,
};

static int list(struct context *c, struct ship_error *err)
{
    const struct ship_history_query query = {
        .limit = c->args->limit > 0 ? c->args->limit : LIMIT_USUAL,
        .since_ms = c->args->since_ms,
        .failed = c->args->failed,
        .version = c->args->only_version,
        .all_apps = c->args->all,
    };
    struct ship_history h = {0};
    int rc = ship_history(c->session, &query, &h, err);

    if (rc == 0 && c->args->json)
        answer_json(c, ship_history_json(&h, false));
    else if (rc == 0)
        history_table(&c->answer, &c->style, &h, c->args->all, card_now_ms());
    ship_history_done(&h);
    return rc;
}

static int show(struct context *c, int64_t id, struct ship_error *err)
{
    struct ship_history h = {0};
    int rc = ship_history_show(c->session, id, &h, err);

    if (rc == 0 && c->args->json)
        answer_json(c, ship_history_json(&h, true));
    else if (rc == 0 && h.n > 0)
        history_card(&c->answer, &c->style, &h.entries[0], card_now_ms());
    ship_history_done(&h);
    return rc;
}

static int verify(struct context *c, struct ship_error *err)
{
    int64_t n_rows = 0;
    int rc = ship_history_verify(c->session, c->args->head, &n_rows, err);

    if (rc != 0)
        return rc;
    if (c->args->json)
        text_addf(&c->answer,
                  "{\"schema\":1,\"action\":\"verify\",\"outcome\":\"succeeded\","
                  "\"exit_code\":0,\"rows\":%" PRId64 "}\n",
                  n_rows);
    else if (!c->args->quiet)
        text_addf(&c->answer, "%s audit chain intact: %" PRId64 " rows%s\n",
                  style_mark(&c->style, MARK_OK), n_rows,
                  c->args->head != NULL ? ", the given head is among them" : "");
    return 0;
}

/* 0 with *ret_id, or -1: not a number. */
static int parse_id(const char *word, int64_t *ret_id, struct ship_error *err)
{
    char quoted[128];
    char *end;
    long long n = strtoll(word, &end, 10);

    if (end == word || *end != '\0' || n < 1 || word[strspn(word, "0123456789")] != '\0' ||
        strlen(word) > 18)
        return ship_fail(err, SHIP_USAGE, "'%s' is not the number of a deployment",
                         opt_quote(word, quoted));
    *ret_id = n;
    return 0;
}

static bool has_filter(const struct args *a)
{
    return a->limit > 0 || a->since_ms > 0 || a->failed || a->only_version != NULL || a->all;
}

static int check(const struct args *a, struct ship_error *err)
{
    int64_t id;

    if (a->head != NULL && !a->verify)
        return ship_fail(err, SHIP_USAGE, "--head goes with --verify");
    if (a->verify && (a->n_words > 0 || has_filter(a)))
        return ship_fail(err, SHIP_USAGE, "--verify goes with --head only");
    if (a->n_words > 0 && has_filter(a))
        return ship_fail(err, SHIP_USAGE, "give ID or filters, not both");
    return a->n_words > 0 ? parse_id(a->words[0], &id, err) : 0;
}

static int run(struct context *c)
{
    struct ship_error err = {0};
    int64_t id = 0;
    int rc;

    if (c->args->n_words > 0)
        (void)parse_id(c->args->words[0], &id, &err); /* check() saw that it is a number */
    if (c->args->verify)
        rc = verify(c, &err);
    else
        rc = id > 0 ? show(c, id, &err) : list(c, &err);
    return rc == 0 ? 0 : answer_error(c, &err, rc);
}

const struct command command_history = {
    .name = "history",
    .summary = "what was deployed, newest first, or one deployment in full",
    .words = "[ID]",
    .max_words = 1,
    .flags = COMMAND_SESSION,
    .options = {rows, ARRAY_LEN(rows)},
    .examples = examples,
    .check = check,
    .run = run,
};
