/*
 * Faces: how progress and messages look on standard error.
 *
 * A face is an event sink of the library. face_open picks the renderer and is
 * the only place that knows what "auto" means; the program's own messages go
 * through the same sink, so that one face shows everything.
 */
#ifndef SHIPCTL_CMD_RENDER_H
#define SHIPCTL_CMD_RENDER_H

#include <stdbool.h>
#include <stdint.h>

#include "shipctl/deploy.h"
#include "shipctl/event.h"

#include "stream.h"
#include "style.h"
#include "text.h"

/* In the order of the values of --progress. */
enum face_kind { FACE_AUTO, FACE_TTY, FACE_PLAIN, FACE_GITHUB, FACE_JSON, FACE_NONE };

#define FACE_SHOWN_MAX (16u * 1024)

struct face {
    struct ship_sink sink; /* first: a sink is a face */
    enum face_kind kind;
    struct stream *err;
    struct style style;
    bool is_quiet, is_verbose;
    bool leaves_end;         /* tty: a card on the same terminal says how it ended */
    size_t width;            /* tty: cells of a line; 0 = ask the terminal each time */
    int64_t (*now_ms)(void); /* monotonic; tests bring their own */
    struct text shown;       /* errors that were shown, one a line */

    /* the step that runs */
    char step[64];
    bool is_live;          /* tty: its line is on the screen, unfinished */
    bool is_group_open;    /* github */
    int64_t step_began_ms; /* monotonic */
    int64_t drawn_ms;      /* monotonic, last progress shown; 0 = none */
    char rate_of[64];      /* service whose rate is measured */
    int64_t rate_began_ms;
    uint64_t rate_began_done;
};

struct face_options {
    enum face_kind kind;
    bool shows_progress; /* the subcommand has steps */
    bool is_quiet, is_verbose;
    bool leaves_end; /* the answer goes to the same terminal and says how it ended */
};

/* What "auto" means here, by GITHUB_ACTIONS, CI, TERM and whether fd is a terminal. */
enum face_kind face_detect(bool is_tty, const char *github_actions, const char *ci,
                           const char *term);
void face_open(struct face *f, const struct face_options *o, struct stream *err,
               struct style style);
/* End what is open (a live line, a group). The face still takes messages. */
void face_close(struct face *f);
void face_done(struct face *f);

/* Messages of the program; err: once, with its hint. */
void face_message(struct face *f, enum ship_level level, const char *text);
void face_error(struct face *f, const struct ship_error *err, bool with_where);

/* Shared by the renderers. */
bool face_wants(const struct face *f, const struct ship_event *e);
/* Remember that the text of an error was shown. */
void face_note_error(struct face *f, const struct ship_event *e);
/* Progress at most every interval_ms; true = show now. */
bool face_is_due(struct face *f, int64_t interval_ms);
void face_step_begin(struct face *f, const char *step);
/* "app: 12 MB / 18 MB, 5.3 MB/s" or "try 3/10: text"; foreign text not yet safe. */
void face_progress_text(struct face *f, const struct ship_event *e, struct text *out);
void face_write(struct face *f, const struct text *t);
const char *face_level_text(enum ship_level level);

void render_tty(struct ship_sink *sink, const struct ship_event *e);
void render_plain(struct ship_sink *sink, const struct ship_event *e);
void render_github(struct ship_sink *sink, const struct ship_event *e);
void render_json(struct ship_sink *sink, const struct ship_event *e);
/* --progress=none, and subcommands without steps: messages only. */
void render_none(struct ship_sink *sink, const struct ship_event *e);

void render_tty_close(struct face *f);
void render_github_close(struct face *f);

/*
 * Standard output under the GitHub runner, which parses it for commands: t becomes the same text
 * between stop-commands and a random token.
 */
void github_wrap(struct text *t);
/* Append the step summary and the outputs of a finished operation to the runner's files. */
void github_report(struct face *f, const struct ship_result *r);
void github_summary(const struct ship_result *r, struct text *out);
void github_outputs(const struct ship_result *r, const char *delimiter, struct text *out);
/* Escape for the message of a workflow command. */
void github_add_data(struct text *t, const char *foreign);

#endif
