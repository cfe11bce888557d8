/* What all faces share, and the face without progress. */
#include "render.h"

#include <stdio.h>
#include <string.h>

#include "shipctl/text.h"

#define RATE_MIN_MS 250 /* a rate over less is noise */

typedef void (*render_fn)(struct ship_sink *sink, const struct ship_event *e);

enum face_kind face_detect(bool is_tty, const char *github_actions, const char *ci,
                           const char *term)
{
    if (github_actions != NULL && strcmp(github_actions, "true") == 0)
        return FACE_GITHUB;
    if (is_tty && (ci == NULL || *ci == '\0') && term != NULL && *term != '\0' &&
        strcmp(term, "dumb") != 0)
        return FACE_TTY;
    return FACE_PLAIN;
}

void face_open(struct face *f, const struct face_options *o, struct stream *err, struct style style)
{
    static const render_fn renderers[] = {
        [FACE_AUTO] = render_none,     [FACE_TTY] = render_tty,   [FACE_PLAIN] = render_plain,
        [FACE_GITHUB] = render_github, [FACE_JSON] = render_json, [FACE_NONE] = render_none,
    };
    enum face_kind kind = o->kind;

    /* a table needs no time stamps in front of its error */
    if (!o->shows_progress && (kind == FACE_TTY || kind == FACE_PLAIN))
        kind = FACE_NONE;
    *f = (struct face){.sink = {renderers[kind]},
                       .kind = kind,
                       .err = err,
                       .style = style,
                       .is_quiet = o->is_quiet,
                       .leaves_end = o->leaves_end,
                       .is_verbose = o->is_verbose,
                       .now_ms = stream_now_ms};
}

void face_close(struct face *f)
{
    if (f->kind == FACE_TTY)
        render_tty_close(f);
    if (f->kind == FACE_GITHUB)
        render_github_close(f);
}

void face_message(struct face *f, enum ship_level level, const char *text)
{
    struct ship_events events = {.sinks = {&f->sink}, .n_sinks = 1};

    ship_emit_message(&events, level, "%s", text);
}

void face_done(struct face *f)
{
    face_close(f);
    text_done(&f->shown);
}

void face_error(struct face *f, const struct ship_error *err, bool with_where)
{
    struct text t = {0};

    if (strstr(text_str(&f->shown), err->msg) == NULL) {
        text_add(&t, err->msg);
        if (with_where && err->where != NULL)
            text_addf(&t, " [%s, %s]", ship_code_name(err->code), err->where);
        face_message(f, SHIP_LEVEL_ERROR, text_str(&t));
    }
    if (err->hint[0] != '\0') {
        text_clear(&t);
        text_addf(&t, "next: %s", err->hint);
        f->is_quiet = false; /* the remedy belongs to the error */
        face_message(f, SHIP_LEVEL_INFO, text_str(&t));
    }
    text_done(&t);
}

bool face_wants(const struct face *f, const struct ship_event *e)
{
    if (e->kind == SHIP_EVENT_MESSAGE && e->level == SHIP_LEVEL_DEBUG)
        return f->is_verbose;
    if (e->kind == SHIP_EVENT_MESSAGE)
        return e->level >= SHIP_LEVEL_WARNING || !f->is_quiet;
    if (f->is_quiet)
        return false;
    if (e->kind == SHIP_EVENT_OUTPUT)
        return f->is_verbose;
    if (e->kind == SHIP_EVENT_STEP_END && e->status == SHIP_STEP_SKIPPED)
        return f->is_verbose;
    return true;
}

void face_note_error(struct face *f, const struct ship_event *e)
{
    bool is_error = (e->kind == SHIP_EVENT_MESSAGE && e->level == SHIP_LEVEL_ERROR) ||
                    (e->kind == SHIP_EVENT_OPERATION_END && e->status == SHIP_STEP_FAILED);

    if (!is_error || f->shown.len > FACE_SHOWN_MAX)
        return;
    text_add(&f->shown, e->text);
    text_add(&f->shown, "\n");
}

bool face_is_due(struct face *f, int64_t interval_ms)
{
    int64_t now = f->now_ms();

    if (f->drawn_ms != 0 && now - f->drawn_ms < interval_ms)
        return false;
    f->drawn_ms = now;
    return true;
}

void face_step_begin(struct face *f, const char *step)
{
    (void)snprintf(f->step, sizeof f->step, "%s", step != NULL ? step : "");
    f->step_began_ms = f->now_ms();
    f->drawn_ms = 0;
    f->rate_of[0] = '\0';
    f->rate_began_ms = 0;
}

static void add_rate(struct face *f, const struct ship_event *e, struct text *out)
{
    const char *service = e->service != NULL ? e->service : "";
    int64_t now = f->now_ms();
    int64_t took = now - f->rate_began_ms;
    char bytes[SHIP_TEXT_MAX];

    if (f->rate_began_ms == 0 || strcmp(f->rate_of, service) != 0 || e->done < f->rate_began_done) {
        (void)snprintf(f->rate_of, sizeof f->rate_of, "%s", service);
        f->rate_began_ms = now;
        f->rate_began_done = e->done;
    } else if (took >= RATE_MIN_MS && e->done > f->rate_began_done) {
        text_addf(out, ", %s/s",
                  ship_text_bytes((e->done - f->rate_began_done) * 1000 / (uint64_t)took, bytes));
    }
}

static void add_bytes(struct face *f, const struct ship_event *e, struct text *out)
{
    char bytes[SHIP_TEXT_MAX];

    text_add(out, ship_text_bytes(e->done, bytes));
    if (e->total > 0)
        text_addf(out, " / %s", ship_text_bytes(e->total, bytes));
    add_rate(f, e, out);
}

static void add_tries(const struct ship_event *e, struct text *out)
{
    text_addf(out, "try %llu", (unsigned long long)e->done);
    if (e->total > 0)
        text_addf(out, "/%llu", (unsigned long long)e->total);
}

void face_progress_text(struct face *f, const struct ship_event *e, struct text *out)
{
    bool has_bytes = e->unit == SHIP_UNIT_BYTES && (e->done > 0 || e->total > 0);

    if (e->service != NULL)
        text_addf(out, "%s: ", e->service);
    if (has_bytes)
        add_bytes(f, e, out);
    else if (e->unit == SHIP_UNIT_TRIES)
        add_tries(e, out);
    /* while bytes move, the engine's words for single layers say nothing more */
    if (e->text[0] != '\0' && !has_bytes)
        text_addf(out, "%s%s", e->unit == SHIP_UNIT_TRIES ? ": " : "", e->text);
}

void face_write(struct face *f, const struct text *t)
{
    stream_write(f->err, text_str(t), t->len);
}

const char *face_level_text(enum ship_level level)
{
    static const char *const texts[] = {
        [SHIP_LEVEL_DEBUG] = "debug",
        [SHIP_LEVEL_INFO] = "info",
        [SHIP_LEVEL_WARNING] = "warning",
        [SHIP_LEVEL_ERROR] = "error",
    };

    return texts[level];
}

void render_none(struct ship_sink *sink, const struct ship_event *e)
{
    struct face *f = (struct face *)sink;
    struct text t = {0};

    if (e->kind != SHIP_EVENT_MESSAGE || !face_wants(f, e))
        return;
    face_note_error(f, e);
    if (e->level == SHIP_LEVEL_INFO) {
        text_add_safe_lines(&t, "  ", e->text);
    } else {
        text_addf(&t, "shipctl: %s%s:%s ",
                  style_begin(&f->style, e->level == SHIP_LEVEL_ERROR ? TONE_BAD : TONE_WARN),
                  face_level_text(e->level),
                  style_end(&f->style, e->level == SHIP_LEVEL_ERROR ? TONE_BAD : TONE_WARN));
        text_add_safe(&t, e->text);
        text_add(&t, "\n");
    }
    face_write(f, &t);
    text_done(&t);
}
