/*
 * Progress in a log: one line per fact behind an RFC 3339 UTC time stamp, for
 * cron, pipes and `ssh host shipctl`. No control characters, no redrawing.
 */
#include <stdio.h>
#include <string.h>

#include "shipctl/text.h"

#include "render.h"

#define PROGRESS_MS 5000

static void add_foreign(struct text *out, const char *label, const char *foreign)
{
    if (foreign != NULL && *foreign != '\0') {
        text_add(out, label);
        text_add_safe(out, foreign);
    }
}

static void on_step_end(const struct ship_event *e, struct text *out)
{
    char took[SHIP_TEXT_MAX];

    text_addf(out, "%s: %s", e->step != NULL ? e->step : "step", ship_step_status_text(e->status));
    add_foreign(out, ", ", e->text);
    if (e->status != SHIP_STEP_SKIPPED)
        text_addf(out, " (%s)", ship_text_duration(e->duration_ms, took));
}

/* What is said about an event; nothing added = nothing to say. */
static void add_fact(struct face *f, const struct ship_event *e, struct text *out)
{
    struct text progress = {0};

    switch (e->kind) {
    case SHIP_EVENT_OPERATION_BEGIN:
        add_foreign(out, "", e->text);
        break;
    case SHIP_EVENT_OPERATION_END:
        add_foreign(out, e->status == SHIP_STEP_FAILED ? "error: " : "", e->text);
        break;
    case SHIP_EVENT_STEP_BEGIN:
        face_step_begin(f, e->step);
        face_is_due(f, 0); /* the first progress line comes after the interval */
        break;
    case SHIP_EVENT_STEP_PROGRESS:
        if (face_is_due(f, PROGRESS_MS)) {
            face_progress_text(f, e, &progress);
            text_addf(out, "%s: ", f->step);
            text_add_safe(out, text_str(&progress));
        }
        break;
    case SHIP_EVENT_STEP_END:
        on_step_end(e, out);
        break;
    case SHIP_EVENT_MESSAGE:
        if (e->level != SHIP_LEVEL_INFO)
            text_addf(out, "%s: ", face_level_text(e->level));
        text_add_safe(out, e->text);
        break;
    case SHIP_EVENT_OUTPUT:
        break;
    }
    text_done(&progress);
}

static void add_output(const struct ship_event *e, const char *stamp, struct text *out)
{
    struct text prefix = {0};

    text_addf(&prefix, "%s ", stamp);
    text_add_safe(&prefix, e->origin != NULL ? e->origin : "output");
    text_add(&prefix, " | ");
    text_add_safe_lines(out, text_str(&prefix), e->text);
    text_done(&prefix);
}

void render_plain(struct ship_sink *sink, const struct ship_event *e)
{
    struct face *f = (struct face *)sink;
    struct text fact = {0};
    struct text out = {0};
    char stamp[SHIP_TEXT_MAX];

    if (!face_wants(f, e))
        return;
    face_note_error(f, e);
    (void)ship_text_time(e->at_ms, stamp);
    add_fact(f, e, &fact);
    if (e->kind == SHIP_EVENT_OUTPUT)
        add_output(e, stamp, &out);
    else if (fact.len > 0)
        text_addf(&out, "%s %s\n", stamp, text_str(&fact));
    if (out.len > 0)
        face_write(f, &out);
    text_done(&fact);
    text_done(&out);
}
