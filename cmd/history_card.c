/* History for people; see history_card.h. */
#include "history_card.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "shipctl/text.h"

#include "card.h"
#include "columns.h"

static enum tone outcome_tone(enum ship_outcome o)
{
    switch (o) {
    case SHIP_OUTCOME_SUCCEEDED:
        return TONE_GOOD;
    case SHIP_OUTCOME_NOOP:
    case SHIP_OUTCOME_PAUSED:
        return TONE_PLAIN;
    case SHIP_OUTCOME_ROLLED_BACK:
    case SHIP_OUTCOME_INTERRUPTED:
    case SHIP_OUTCOME_REFUSED:
        return TONE_WARN;
    case SHIP_OUTCOME_FAILED:
        break;
    }
    return TONE_BAD;
}

static const char *note_of(const struct ship_history_entry *e)
{
    if (e->is_current)
        return "serves now";
    return e->is_target ? "rollback target" : "";
}

static void add_entry(struct columns *c, const struct ship_history_entry *e, bool with_app,
                      int64_t now_ms)
{
    const struct ship_result *r = &e->result;
    char text[SHIP_TEXT_MAX];
    char ago[48];

    columns_addf(c, "%" PRId64, r->deployment);
    if (with_app)
        columns_addf(c, "%s (%s)", r->app != NULL ? r->app : "-",
                     r->environment != NULL ? r->environment : "-");
    columns_add(c, r->action);
    columns_add(c, r->from.version);
    columns_add(c, r->to.version);
    columns_add_tone(c, outcome_tone(r->outcome), ship_outcome_text(r->outcome));
    columns_add(c, card_ago(r->started_at_ms, now_ms, ago));
    columns_add(c, r->finished_at_ms > 0 ? ship_text_duration(r->duration_ms, text) : NULL);
    columns_add(c, r->actor);
    columns_add(c, note_of(e));
}

void history_table(struct text *t, const struct style *s, const struct ship_history *h,
                   bool with_app, int64_t now_ms)
{
    static const struct column columns[] = {
        {"ID",      COLUMN_RIGHT},
        {"APP",     COLUMN_LEFT },
        {"ACTION",  COLUMN_LEFT },
        {"FROM",    COLUMN_LEFT },
        {"TO",      COLUMN_LEFT },
        {"OUTCOME", COLUMN_LEFT },
        {"WHEN",    COLUMN_LEFT },
        {"TOOK",    COLUMN_RIGHT},
        {"BY",      COLUMN_LEFT },
        {"NOTE",    COLUMN_LEFT }
    };
    struct column shown[ARRAY_LEN(columns)];
    size_t n = 0;
    struct columns c;

    if (h->n == 0) {
        text_add(t, "no deployment yet\n");
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(columns); i++)
        if (with_app || strcmp(columns[i].head, "APP") != 0)
            shown[n++] = columns[i];
    columns_init(&c, shown, n);
    for (size_t i = 0; i < h->n; i++)
        add_entry(&c, &h->entries[i], with_app, now_ms);
    columns_format(&c, s, 0, t);
    columns_done(&c);
}

static void add_services(struct text *t, const struct style *s, const struct ship_history_entry *e)
{
    static const struct column heads[] = {
        {"SERVICE", COLUMN_LEFT},
        {"IMAGE",   COLUMN_LEFT},
        {"VERSION", COLUMN_LEFT},
        {"DIGEST",  COLUMN_LEFT}
    };
    struct columns c;

    if (e->n_services == 0)
        return;
    text_add(t, "\nServices\n");
    columns_init(&c, heads, ARRAY_LEN(heads));
    for (size_t i = 0; i < e->n_services; i++) {
        columns_add(&c, e->services[i].service);
        columns_add(&c, e->services[i].image);
        columns_add(&c, e->services[i].version);
        columns_add(&c, e->services[i].digest);
    }
    columns_format(&c, s, 2, t);
    columns_done(&c);
}

static void add_diff(struct text *t, const struct style *s, const struct ship_history_entry *e)
{
    if (e->n_spec_diff == 0)
        return;
    text_add(t, "\nChanges of the specification\n");
    for (size_t i = 0; i < e->n_spec_diff; i++) {
        const char *line = e->spec_diff[i];
        enum tone tone = *line == '+' ? TONE_GOOD : *line == '-' ? TONE_BAD : TONE_WARN;
        struct text safe = {0};

        text_add_safe(&safe, line);
        text_add(t, "  ");
        style_add(t, s, tone, text_str(&safe));
        text_add(t, "\n");
        text_done(&safe);
    }
}

static void add_origin(struct text *t, const struct style *s, const struct ship_history_entry *e,
                       int64_t now_ms)
{
    char when[96];

    card_row(t, s, "action", e->result.action);
    card_row(t, s, "began", card_when(e->result.started_at_ms, now_ms, when));
    card_row(t, s, "state", e->state);
    card_row(t, s, "note", note_of(e));
    card_row(t, s, "strategy", e->strategy);
    card_row(t, s, "signature", e->signature);
    card_row(t, s, "commit", e->git_sha);
    card_row(t, s, "run", e->ci_run);
    if (e->target_id > 0)
        card_rowf(t, s, "restored", "deployment %" PRId64, e->target_id);
}

void history_card(struct text *t, const struct style *s, const struct ship_history_entry *e,
                  int64_t now_ms)
{
    struct ship_result head = e->result;

    /* the evidence is long: it comes last */
    head.evidence = NULL;
    card_result(t, s, &head);
    add_origin(t, s, e, now_ms);
    add_services(t, s, e);
    if (e->result.n_steps > 0)
        text_add(t, "\nSteps\n");
    card_steps(t, s, &e->result);
    if (e->result.n_checks > 0)
        text_add(t, "\nChecks\n");
    card_checks(t, s, &e->result);
    add_diff(t, s, e);
    if (e->result.evidence != NULL && e->result.evidence[0] != '\0') {
        text_add(t, "\nEvidence\n");
        text_add_safe_lines(t, "  | ", e->result.evidence);
    }
}
