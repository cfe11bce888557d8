/*
 * Progress as NDJSON: one event, one line, one object. Progress events come at
 * most ten times a second; all others always.
 */
#include <inttypes.h>
#include <stdio.h>

#include "shipctl/text.h"

#include "render.h"

#define PROGRESS_MS 100

static const char *const kinds[] = {
    [SHIP_EVENT_OPERATION_BEGIN] = "operation_begin",
    [SHIP_EVENT_STEP_BEGIN] = "step_begin",
    [SHIP_EVENT_STEP_PROGRESS] = "step_progress",
    [SHIP_EVENT_STEP_END] = "step_end",
    [SHIP_EVENT_MESSAGE] = "message",
    [SHIP_EVENT_OUTPUT] = "output",
    [SHIP_EVENT_OPERATION_END] = "operation_end",
};

static const char *const units[] = {
    [SHIP_UNIT_NONE] = "none", [SHIP_UNIT_BYTES] = "bytes", [SHIP_UNIT_TRIES] = "tries"};

static void add_string(struct text *out, const char *key, const char *value)
{
    if (value != NULL) {
        AUTO_FREE char *literal = ship_text_json_string(value);

        text_addf(out, ",\"%s\":%s", key, literal);
    }
}

static void add_numbers(const struct ship_event *e, struct text *out)
{
    if (e->kind == SHIP_EVENT_STEP_PROGRESS) {
        add_string(out, "unit", units[e->unit]);
        text_addf(out, ",\"done\":%" PRIu64 ",\"total\":%" PRIu64, e->done, e->total);
    }
    if (e->kind == SHIP_EVENT_STEP_END || e->kind == SHIP_EVENT_OPERATION_END) {
        add_string(out, "status", ship_step_status_text(e->status));
        text_addf(out, ",\"duration_ms\":%" PRId64, e->duration_ms);
    }
    if (e->kind == SHIP_EVENT_MESSAGE)
        add_string(out, "level", face_level_text(e->level));
}

static bool is_wanted(struct face *f, const struct ship_event *e)
{
    if (e->kind == SHIP_EVENT_STEP_BEGIN)
        face_step_begin(f, e->step);
    if (e->kind == SHIP_EVENT_STEP_PROGRESS)
        return !f->is_quiet && face_is_due(f, PROGRESS_MS);
    /* a machine reads this: skipped steps and output are facts like others */
    if (e->kind == SHIP_EVENT_STEP_END || e->kind == SHIP_EVENT_OUTPUT)
        return !f->is_quiet;
    return face_wants(f, e);
}

void render_json(struct ship_sink *sink, const struct ship_event *e)
{
    struct face *f = (struct face *)sink;
    struct text out = {0};
    char stamp[SHIP_TEXT_MAX];

    if (!is_wanted(f, e))
        return;
    if (e->kind == SHIP_EVENT_MESSAGE)
        face_note_error(f, e);
    text_addf(&out, "{\"event\":\"%s\",\"at\":\"%s\"", kinds[e->kind],
              ship_text_time(e->at_ms, stamp));
    add_string(&out, "step", e->step);
    add_string(&out, "service", e->service);
    add_string(&out, "origin", e->origin);
    add_numbers(e, &out);
    add_string(&out, "text", e->text);
    text_add(&out, "}\n");
    face_write(f, &out);
    text_done(&out);
}
