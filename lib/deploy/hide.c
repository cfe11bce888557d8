/* What is handed out, without secrets: see hide.h. Nothing here can fail. */
#include "deploy/hide.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "yaml/node.h"

static void hide_all(struct redact *r, char **texts, size_t n)
{
    for (size_t i = 0; i < n; i++)
        redact_own(r, &texts[i]);
}

static void hide_in_preview(struct redact *r, struct ship_preview *p)
{
    for (size_t i = 0; p && i < p->n_actions; i++)
        redact_own(r, &p->actions[i].detail);
}

void hide_in_result(struct redact *r, struct ship_result *res)
{
    for (size_t i = 0; i < res->n_steps; i++)
        redact_own(r, &res->steps[i].message);
    for (size_t i = 0; i < res->n_checks; i++)
        redact_own(r, &res->checks[i].message);
    hide_all(r, res->warnings, res->n_warnings);
    redact_own(r, &res->reason);
    redact_own(r, &res->rollback);
    redact_own(r, &res->evidence);
    redact_error(r, &res->error);
    hide_in_preview(r, res->preview);
}

void hide_in_status(struct redact *r, struct ship_status *st)
{
    for (size_t i = 0; i < st->n_drift; i++) {
        redact_own(r, &st->drift[i].text);
        redact_own(r, &st->drift[i].hint);
    }
    redact_own(r, &st->reason);
    redact_own(r, &st->engine_error);
}

void hide_in_history(struct redact *r, struct ship_history *h)
{
    for (size_t i = 0; i < h->n; i++) {
        hide_in_result(r, &h->entries[i].result);
        hide_all(r, h->entries[i].spec_diff, h->entries[i].n_spec_diff);
    }
}

void hide_in_prune(struct redact *r, struct ship_prune_report *report)
{
    hide_all(r, report->warnings, report->n_warnings);
}

/*
 * "  12 | DB_PASSWORD: hunter2\n     | ^": nothing of a file that did not load need be known, so
 * the name in the line counts as well.
 */
static void hide_in_snippet(struct redact *r, char **snippet)
{
    redact_own(r, snippet);
    const char *bar = strchr(*snippet, '|'), *end = strchr(*snippet, '\n');
    if (!bar || !end)
        return;
    size_t len = (size_t)(end - bar), at = redact_assigned(bar, len);
    if (at == len)
        return;
    char *text =
        xasprintf("%.*s" REDACT_MARK "%s", (int)((size_t)(bar - *snippet) + at), *snippet, end);
    free(*snippet);
    *snippet = text;
}

void hide_in_problems(struct redact *r, struct yaml_problems *ps)
{
    for (size_t i = 0; i < ps->n; i++) {
        struct yaml_problem *p = &ps->list[i];
        if (p->text) /* long ones are cut */
            redact_field(r, p->text, strlen(p->text) + 1);
        if (p->snippet)
            hide_in_snippet(r, &p->snippet);
    }
}
