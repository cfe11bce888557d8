/* The card of an operation: deploy, rollback, recover, check, one deployment of the history. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "shipctl/text.h"

#include "card.h"
#include "columns.h"

static bool is_action(const struct ship_result *r, const char *action)
{
    return r->action != NULL && strcmp(r->action, action) == 0;
}

static const char *or_dash(const char *s)
{
    return s != NULL ? s : "-";
}

static const char *name_of(const struct ship_version *v)
{
    return v->version != NULL ? v->version : v->digest;
}

static void failed_headline(const struct ship_result *r, const char *subject, struct text *out)
{
    if (is_action(r, "check"))
        text_addf(out, "%s: checks failed", or_dash(r->app));
    else if (r->exit_code == ship_code_exit_status(SHIP_ROLLBACK_FAILED))
        text_addf(out, "%s failed, and so did the way back: look at it now", subject);
    else if (r->exit_code == ship_code_exit_status(SHIP_NOT_ROLLED_BACK))
        text_addf(out, "%s failed and was not rolled back", subject);
    else
        text_addf(out, "%s failed: what runs was not touched", subject);
}

static void interrupted_headline(const struct ship_result *r, const char *subject, struct text *out)
{
    if (r->exit_code == ship_code_exit_status(SHIP_INCOMPLETE))
        text_addf(out, "%s was interrupted with changes in flight", subject);
    else
        text_addf(out, "%s was interrupted: what runs was not touched", subject);
}

static void noop_headline(const struct ship_result *r, const char *version, struct text *out)
{
    if (is_action(r, "recover"))
        text_addf(out, "%s: nothing to recover", or_dash(r->app));
    else if (r->preview != NULL)
        text_addf(out, "%s%s: dry run, nothing was changed", or_dash(r->app), version);
    else
        text_addf(out, "%s%s already runs: nothing to do", or_dash(r->app), version);
}

static void succeeded_headline(const struct ship_result *r, const char *version, struct text *out)
{
    if (is_action(r, "check") && r->n_checks == 0)
        text_addf(out, "%s: plan and compose file are fine", or_dash(r->app));
    else if (is_action(r, "check"))
        text_addf(out, "%s: all required checks passed", or_dash(r->app));
    else
        text_addf(out, "%s%s serves", or_dash(r->app), version);
}

/* "shop v2", "rollback of shop to v1", "rollback of shop": what failed. */
static void add_subject(const struct ship_result *r, struct text *out)
{
    const char *version = name_of(&r->to);
    bool is_deploy = r->action == NULL || is_action(r, "deploy");

    if (is_deploy)
        text_addf(out, "%s%s%s", or_dash(r->app), version != NULL ? " " : "",
                  version != NULL ? version : "");
    else
        text_addf(out, "%s of %s%s%s", r->action, or_dash(r->app), version != NULL ? " to " : "",
                  version != NULL ? version : "");
}

void card_headline(const struct ship_result *r, struct text *out)
{
    char version[256] = "";
    struct text subject = {0};

    if (name_of(&r->to) != NULL)
        (void)snprintf(version, sizeof version, " %s", name_of(&r->to));
    add_subject(r, &subject);
    switch (r->outcome) {
    case SHIP_OUTCOME_NOOP:
        noop_headline(r, version, out);
        break;
    case SHIP_OUTCOME_SUCCEEDED:
        succeeded_headline(r, version, out);
        break;
    case SHIP_OUTCOME_ROLLED_BACK:
        text_addf(out, "%s%s %s: %s serves again", or_dash(r->app), version,
                  r->error.code == SHIP_INTERRUPTED ? "was interrupted" : "failed",
                  name_of(&r->from) != NULL ? name_of(&r->from) : "nothing");
        break;
    case SHIP_OUTCOME_FAILED:
    case SHIP_OUTCOME_REFUSED:
        failed_headline(r, text_str(&subject), out);
        break;
    case SHIP_OUTCOME_INTERRUPTED:
        interrupted_headline(r, text_str(&subject), out);
        break;
    case SHIP_OUTCOME_PAUSED:
        text_addf(out, "%s%s is paused", or_dash(r->app), version);
        break;
    }
    text_done(&subject);
}

static bool is_good(const struct ship_result *r)
{
    return r->outcome == SHIP_OUTCOME_SUCCEEDED || r->outcome == SHIP_OUTCOME_NOOP;
}

static void add_versions(struct text *t, const struct style *s, const struct ship_result *r)
{
    char from[256];
    char to[256];

    (void)card_version(r->from.version, r->from.digest, from);
    (void)card_version(r->to.version, r->to.digest, to);
    if (name_of(&r->from) != NULL && name_of(&r->to) != NULL && strcmp(from, to) != 0)
        card_rowf(t, s, "version", "%s %s %s", from, style_mark(s, MARK_ARROW), to);
    else if (name_of(&r->to) != NULL)
        card_row(t, s, "version", to);
}

static void add_times(struct text *t, const struct style *s, const struct ship_result *r)
{
    char took[SHIP_TEXT_MAX];
    char down[SHIP_TEXT_MAX];

    if (r->finished_at_ms == 0)
        return;
    (void)ship_text_duration(r->duration_ms, took);
    if (r->downtime_ms >= 0)
        card_rowf(t, s, "duration", "%s, downtime %s", took,
                  ship_text_duration(r->downtime_ms, down));
    else
        card_row(t, s, "duration", took);
}

static void add_record(struct text *t, const struct style *s, const struct ship_result *r)
{
    if (r->deployment <= 0)
        return;
    card_rowf(t, s, "deployment", "%" PRId64 "%s%s%s%s", r->deployment,
              r->actor != NULL ? " by " : "", r->actor != NULL ? r->actor : "",
              r->audit_head[0] != '\0' ? ", audit " : "", r->audit_head);
}

void card_result(struct text *t, const struct style *s, const struct ship_result *r)
{
    struct text headline = {0};

    card_headline(r, &headline);
    card_head(t, s, is_good(r) ? MARK_OK : MARK_FAIL, is_good(r) ? TONE_GOOD : TONE_BAD,
              text_str(&headline));
    text_done(&headline);
    if (r->error.code != SHIP_OK) {
        card_row(t, s, "error", r->error.msg);
        card_row(t, s, "next", r->error.hint);
    }
    card_row(t, s, "rollback", r->rollback);
    add_versions(t, s, r);
    add_times(t, s, r);
    add_record(t, s, r);
    card_row(t, s, "reason", r->reason);
    for (size_t i = 0; i < r->n_warnings; i++)
        card_row(t, s, "warning", r->warnings[i]);
    card_block(t, s, "evidence", r->evidence);
}

static enum tone check_tone(const struct ship_result_check *c)
{
    if (c->status != NULL && strcmp(c->status, "pass") == 0)
        return TONE_GOOD;
    return c->required ? TONE_BAD : TONE_WARN;
}

void card_checks(struct text *t, const struct style *s, const struct ship_result *r)
{
    static const struct column heads[] = {
        {"PHASE",   COLUMN_LEFT },
        {"CHECK",   COLUMN_LEFT },
        {"TYPE",    COLUMN_LEFT },
        {"RESULT",  COLUMN_LEFT },
        {"TRIES",   COLUMN_RIGHT},
        {"TOOK",    COLUMN_RIGHT},
        {"MESSAGE", COLUMN_LEFT }
    };
    struct columns c;
    char took[SHIP_TEXT_MAX];

    if (r->n_checks == 0)
        return;
    columns_init(&c, heads, ARRAY_LEN(heads));
    for (size_t i = 0; i < r->n_checks; i++) {
        const struct ship_result_check *check = &r->checks[i];

        columns_add(&c, check->phase);
        columns_add(&c, check->id);
        columns_add(&c, check->type);
        columns_add_tone(&c, check_tone(check), check->status);
        columns_addf(&c, "%" PRId64, check->tries);
        columns_add(&c, ship_text_duration(check->duration_ms, took));
        columns_add(&c, check->message);
    }
    columns_format(&c, s, 2, t);
    columns_done(&c);
}

static enum tone step_tone(enum ship_step_status status)
{
    switch (status) {
    case SHIP_STEP_DONE:
        return TONE_GOOD;
    case SHIP_STEP_FAILED:
        return TONE_BAD;
    case SHIP_STEP_WARNED:
    case SHIP_STEP_UNDONE:
        return TONE_WARN;
    case SHIP_STEP_PENDING:
    case SHIP_STEP_RUNNING:
    case SHIP_STEP_SKIPPED:
        break;
    }
    return TONE_DIM;
}

void card_steps(struct text *t, const struct style *s, const struct ship_result *r)
{
    static const struct column heads[] = {
        {"STEP",    COLUMN_LEFT },
        {"RESULT",  COLUMN_LEFT },
        {"TOOK",    COLUMN_RIGHT},
        {"MESSAGE", COLUMN_LEFT }
    };
    struct columns c;
    char took[SHIP_TEXT_MAX];

    if (r->n_steps == 0)
        return;
    columns_init(&c, heads, ARRAY_LEN(heads));
    for (size_t i = 0; i < r->n_steps; i++) {
        columns_add(&c, r->steps[i].name);
        columns_add_tone(&c, step_tone(r->steps[i].status),
                         ship_step_status_text(r->steps[i].status));
        columns_add(&c, ship_text_duration(r->steps[i].duration_ms, took));
        columns_add(&c, r->steps[i].message);
    }
    columns_format(&c, s, 2, t);
    columns_done(&c);
}
