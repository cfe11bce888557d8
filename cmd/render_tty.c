/*
 * Progress on a terminal: one line per step, the running one redrawn in place.
 *
 * A line never wraps (it is clipped in cells), because a wrapped line cannot
 * be taken back with a carriage return. At most ten redraws a second.
 */
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "shipctl/text.h"

#include "render.h"

#define REDRAW_MS    100
#define NAME_CELLS   13
#define WIDTH_USUAL  80
#define WIDTH_LEAST  20
#define SHOW_TOOK_MS 50 /* shorter steps show no duration */
#define LIVE_TOOK_MS 1000
#define CLEAR_LINE   "\r\033[K"

static size_t width(const struct face *f)
{
    struct winsize w;

    if (f->width > 0)
        return f->width;
    if (ioctl(f->err->fd, TIOCGWINSZ, &w) == 0 && w.ws_col >= WIDTH_LEAST)
        return w.ws_col;
    return WIDTH_USUAL;
}

static void clear_live(struct face *f, struct text *out)
{
    if (f->is_live)
        text_add(out, CLEAR_LINE);
    f->is_live = false;
}

struct line {
    enum mark mark;
    enum tone tone;
    const char *name, *body; /* foreign */
    int64_t took_ms;         /* -1 = not shown */
};

/* " ✓ pull          18 MB                 2.1 s", not wider than the terminal. */
static void add_line(struct face *f, const struct line *l, struct text *out)
{
    char took[SHIP_TEXT_MAX] = "";
    struct text left = {0};
    size_t cells;
    size_t room;

    if (l->took_ms >= 0)
        (void)ship_text_duration(l->took_ms, took);
    text_add_safe(&left, l->name);
    cells = ship_text_cells(text_str(&left));
    text_pad(&left, cells < NAME_CELLS ? NAME_CELLS - cells : 1);
    text_add_safe(&left, l->body);
    cells = ship_text_cells(style_mark(&f->style, l->mark)) + ship_text_cells(took) + 5;
    room = width(f) > cells ? width(f) - cells : 0;
    style_add(out, &f->style, l->tone, style_mark(&f->style, l->mark));
    text_add(out, " ");
    text_add_clipped(out, text_str(&left), room, style_mark(&f->style, MARK_CUT));
    if (took[0] != '\0') {
        text_add(out, "  ");
        style_add(out, &f->style, TONE_DIM, took);
    }
    text_done(&left);
}

static void draw_live(struct face *f, const char *body, struct text *out)
{
    struct line l = {MARK_BUSY, TONE_DIM, f->step, body, f->now_ms() - f->step_began_ms};

    if (l.took_ms < LIVE_TOOK_MS)
        l.took_ms = -1;
    clear_live(f, out);
    add_line(f, &l, out);
    f->is_live = true;
}

static void on_operation_begin(struct face *f, const struct ship_event *e, struct text *out)
{
    struct text title = {0};

    text_add_safe(&title, e->text);
    clear_live(f, out);
    style_add(out, &f->style, TONE_BOLD, text_str(&title));
    text_add(out, "\n");
    text_done(&title);
}

static void on_step_begin(struct face *f, const struct ship_event *e, struct text *out)
{
    face_step_begin(f, e->step);
    draw_live(f, "", out);
}

static void on_step_progress(struct face *f, const struct ship_event *e, struct text *out)
{
    struct text body = {0};

    if (!face_is_due(f, REDRAW_MS))
        return;
    face_progress_text(f, e, &body);
    draw_live(f, text_str(&body), out);
    text_done(&body);
}

static void on_step_end(struct face *f, const struct ship_event *e, struct text *out)
{
    static const struct {
        enum mark mark;
        enum tone tone;
    } looks[] = {
        [SHIP_STEP_PENDING] = {MARK_BUSY, TONE_DIM },
          [SHIP_STEP_RUNNING] = {MARK_BUSY, TONE_DIM },
        [SHIP_STEP_DONE] = {MARK_OK,   TONE_GOOD},
          [SHIP_STEP_SKIPPED] = {MARK_SKIP, TONE_DIM },
        [SHIP_STEP_WARNED] = {MARK_WARN, TONE_WARN},
          [SHIP_STEP_FAILED] = {MARK_FAIL, TONE_BAD },
        [SHIP_STEP_UNDONE] = {MARK_SKIP, TONE_WARN},
    };
    struct line l = {looks[e->status].mark, looks[e->status].tone, e->step != NULL ? e->step : "",
                     e->text, e->duration_ms >= SHOW_TOOK_MS ? e->duration_ms : -1};

    clear_live(f, out);
    if (!face_wants(f, e))
        return;
    add_line(f, &l, out);
    text_add(out, "\n");
}

static void on_message(struct face *f, const struct ship_event *e, struct text *out)
{
    enum tone tone = e->level == SHIP_LEVEL_ERROR     ? TONE_BAD
                     : e->level == SHIP_LEVEL_WARNING ? TONE_WARN
                                                      : TONE_DIM;
    bool was_live = f->is_live;

    clear_live(f, out);
    if (e->level == SHIP_LEVEL_INFO) {
        text_add_safe_lines(out, "  ", e->text);
    } else {
        text_addf(out, "%s%s:%s ", style_begin(&f->style, tone), face_level_text(e->level),
                  style_end(&f->style, tone));
        text_add_safe(out, e->text);
        text_add(out, "\n");
    }
    if (was_live)
        draw_live(f, "", out);
}

static void on_output(struct face *f, const struct ship_event *e, struct text *out)
{
    struct text prefix = {0};
    bool was_live = f->is_live;

    clear_live(f, out);
    text_add(&prefix, "  ");
    text_add_safe(&prefix, e->origin != NULL ? e->origin : "output");
    text_add(&prefix, " | ");
    text_add_safe_lines(out, text_str(&prefix), e->text);
    text_done(&prefix);
    if (was_live)
        draw_live(f, "", out);
}

static void on_operation_end(struct face *f, const struct ship_event *e, struct text *out)
{
    bool is_good = e->status == SHIP_STEP_DONE;

    clear_live(f, out);
    if (f->leaves_end)
        return;
    style_add(out, &f->style, is_good ? TONE_GOOD : TONE_BAD,
              style_mark(&f->style, is_good ? MARK_OK : MARK_FAIL));
    text_add(out, " ");
    text_add_safe(out, e->text);
    text_add(out, "\n");
}

void render_tty(struct ship_sink *sink, const struct ship_event *e)
{
    static void (*const handlers[])(struct face *, const struct ship_event *, struct text *) = {
        [SHIP_EVENT_OPERATION_BEGIN] = on_operation_begin,
        [SHIP_EVENT_STEP_BEGIN] = on_step_begin,
        [SHIP_EVENT_STEP_PROGRESS] = on_step_progress,
        [SHIP_EVENT_STEP_END] = on_step_end,
        [SHIP_EVENT_MESSAGE] = on_message,
        [SHIP_EVENT_OUTPUT] = on_output,
        [SHIP_EVENT_OPERATION_END] = on_operation_end,
    };
    struct face *f = (struct face *)sink;
    struct text out = {0};

    /* the end of a skipped step still has to clear its line */
    if (!face_wants(f, e) && e->kind != SHIP_EVENT_STEP_END)
        return;
    if (e->kind != SHIP_EVENT_OPERATION_END || !f->leaves_end)
        face_note_error(f, e);
    handlers[e->kind](f, e, &out);
    if (out.len > 0)
        face_write(f, &out);
    text_done(&out);
}

void render_tty_close(struct face *f)
{
    struct text out = {0};

    clear_live(f, &out);
    if (out.len > 0)
        face_write(f, &out);
    text_done(&out);
}
