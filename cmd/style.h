/*
 * How text for people looks on one descriptor: colours and marks.
 *
 * Decided once from the option, the environment and the terminal; renderers
 * and cards ask for a tone or a mark and get "" or ASCII where the other end
 * cannot show more.
 */
#ifndef SHIPCTL_CMD_STYLE_H
#define SHIPCTL_CMD_STYLE_H

#include <stdbool.h>

#include "text.h"

enum color_mode { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };

enum tone { TONE_PLAIN, TONE_GOOD, TONE_WARN, TONE_BAD, TONE_DIM, TONE_BOLD };

enum mark { MARK_OK, MARK_FAIL, MARK_WARN, MARK_SKIP, MARK_DOT, MARK_ARROW, MARK_BUSY, MARK_CUT };

struct style {
    bool color;
    bool unicode;
};

/*
 * The style for fd. NO_COLOR wins over CLICOLOR_FORCE, both lose to --color; without any of them
 * colours need a terminal, TERM other than "dumb", and CLICOLOR not 0. Marks are Unicode when the
 * character set of LC_CTYPE is UTF-8 (setlocale was called).
 */
struct style style_for(int fd, enum color_mode mode);

/* The pure part: what the environment says, getenv in tests. */
struct style_input {
    enum color_mode mode;
    bool is_tty, is_utf8;
    const char *no_color, *clicolor, *clicolor_force, *term; /* NULL = unset */
};
struct style style_decide(const struct style_input *in);

const char *style_mark(const struct style *s, enum mark m);
/* s in a tone; s is trusted or already safe. */
void style_add(struct text *t, const struct style *s, enum tone tone, const char *text);
const char *style_begin(const struct style *s, enum tone tone);
const char *style_end(const struct style *s, enum tone tone);

#endif
