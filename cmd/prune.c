/* shipctl prune */
#include <inttypes.h>

#include "answer.h"
#include "columns.h"
#include "command.h"

#define KEEP_MAX 1000

static const struct opt rows[] = {
    {.name = "keep",
     .kind = OPT_NUMBER,
     .offset = offsetof(struct args, keep),
     .metavar = "N",
     .help = "keep the last N versions that succeeded; default: the plan's",
     .min = 1,
     .max = KEEP_MAX},
};

static const char *const examples[] = {
    "shipctl prune -n",
    "what would be removed and kept, and why",
    "shipctl prune --keep 5 -y",
    "keep five versions, do not ask",
    NULL,
};

static void add_table(struct text *t, const struct style *s, const struct ship_prune_report *r)
{
    static const struct column heads[] = {
        {"IMAGE",   COLUMN_LEFT },
        {"VERSION", COLUMN_LEFT },
        {"SIZE",    COLUMN_RIGHT},
        {"RESULT",  COLUMN_LEFT },
        {"WHY",     COLUMN_LEFT }
    };
    struct columns c;
    char size[SHIP_TEXT_MAX];

    columns_init(&c, heads, ARRAY_LEN(heads));
    for (size_t i = 0; i < r->n_images; i++) {
        const struct ship_prune_image *image = &r->images[i];

        columns_add(&c, image->image);
        columns_add(&c, image->version);
        columns_add(&c, image->size_bytes >= 0 ? ship_text_bytes((uint64_t)image->size_bytes, size)
                                               : NULL);
        columns_add_tone(&c, image->removed ? TONE_WARN : TONE_GOOD,
                         !image->removed ? "keep"
                         : r->dry_run    ? "would remove"
                                         : "removed");
        columns_add(&c, image->why);
    }
    columns_format(&c, s, 0, t);
    columns_done(&c);
}

static size_t count_removed(const struct ship_prune_report *r)
{
    size_t n = 0;

    for (size_t i = 0; i < r->n_images; i++)
        n += r->images[i].removed ? 1 : 0;
    return n;
}

static void add_report(struct context *c, const struct ship_prune_report *r)
{
    char freed[SHIP_TEXT_MAX];
    size_t n = count_removed(r);

    if (c->args->json) {
        answer_json(c, ship_prune_json(r));
        return;
    }
    if (c->args->quiet)
        return;
    if (r->n_images > 0)
        add_table(&c->answer, &c->style, r);
    text_addf(&c->answer, "%s%zu image%s, %s\n", r->dry_run ? "would remove " : "removed ", n,
              n == 1 ? "" : "s",
              ship_text_bytes(r->freed_bytes > 0 ? (uint64_t)r->freed_bytes : 0, freed));
}

/* Look first; ask only when there is something to remove. 1 = go on, 0 = no, -1 with err. */
static int ask(struct context *c, int *ret_rc, struct ship_error *err)
{
    const struct ship_prune_request request = {.keep = c->args->keep, .dry_run = true};
    struct ship_prune_report report = {0};
    struct text question = {0};
    char size[SHIP_TEXT_MAX];
    size_t n;
    bool yes;

    *ret_rc = ship_prune(c->session, &request, &report, err);
    if (*ret_rc != 0) {
        ship_prune_done(&report);
        return -1;
    }
    n = count_removed(&report);
    text_addf(&question, "Remove %zu image%s (%s) of %s?", n, n == 1 ? "" : "s",
              ship_text_bytes(report.freed_bytes > 0 ? (uint64_t)report.freed_bytes : 0, size),
              report.app != NULL ? report.app : "this app");
    yes = n == 0 || answer_confirm(c, text_str(&question));
    text_done(&question);
    ship_prune_done(&report);
    return yes ? 1 : 0;
}

static int run(struct context *c)
{
    const struct ship_prune_request request = {.keep = c->args->keep, .dry_run = c->args->dry_run};
    struct ship_prune_report report = {0};
    struct ship_error err = {0};
    int rc = 0;
    int go = 1;

    if (!request.dry_run && answer_can_ask(c))
        go = ask(c, &rc, &err);
    if (go == 0)
        return answer_unconfirmed(c);
    if (go > 0)
        rc = ship_prune(c->session, &request, &report, &err);
    if (rc != 0) {
        ship_prune_done(&report);
        return answer_error(c, &err, rc);
    }
    for (size_t i = 0; i < report.n_warnings; i++)
        face_message(c->face, SHIP_LEVEL_WARNING, report.warnings[i]);
    add_report(c, &report);
    ship_prune_done(&report);
    return 0;
}

const struct command command_prune = {
    .name = "prune",
    .summary = "remove images beyond the retention rule",
    .words = "",
    .flags = COMMAND_SESSION | COMMAND_CHANGES | COMMAND_DRY_RUN,
    .options = {rows, ARRAY_LEN(rows)},
    .examples = examples,
    .notes = "Never removes a running image, a rollback target, a pinned version or an image of\n"
             "another app or environment. On a terminal it asks first, unless --yes is given.",
    .run = run,
};
