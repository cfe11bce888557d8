/* Colours and marks, see style.h. */
#include "style.h"

#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

static const char *const codes[] = {
    [TONE_PLAIN] = "",       [TONE_GOOD] = "\033[32m", [TONE_WARN] = "\033[33m",
    [TONE_BAD] = "\033[31m", [TONE_DIM] = "\033[2m",   [TONE_BOLD] = "\033[1m",
};

static const struct {
    const char *unicode, *ascii;
} marks[] = {
    [MARK_OK] = {"✓", "ok" },
      [MARK_FAIL] = {"✗", "!!" },
      [MARK_WARN] = {"!",   "!"  },
    [MARK_SKIP] = {"-",   "-"  },
      [MARK_DOT] = {"●", "*"  },
      [MARK_ARROW] = {"→", "->" },
    [MARK_BUSY] = {"…", ".." },
      [MARK_CUT] = {"…", "..."},
};

static bool is_set(const char *value)
{
    return value != NULL && *value != '\0';
}

static bool wants_color(const struct style_input *in)
{
    if (in->mode != COLOR_AUTO)
        return in->mode == COLOR_ALWAYS;
    if (is_set(in->no_color))
        return false;
    if (is_set(in->clicolor_force) && strcmp(in->clicolor_force, "0") != 0)
        return true;
    if (is_set(in->clicolor) && strcmp(in->clicolor, "0") == 0)
        return false;
    return in->is_tty && is_set(in->term) && strcmp(in->term, "dumb") != 0;
}

struct style style_decide(const struct style_input *in)
{
    return (struct style){.color = wants_color(in), .unicode = in->is_utf8};
}

struct style style_for(int fd, enum color_mode mode)
{
    struct style_input in = {
        .mode = mode,
        .is_tty = isatty(fd) == 1,
        .is_utf8 = strcasecmp(nl_langinfo(CODESET), "UTF-8") == 0,
        .no_color = getenv("NO_COLOR"),
        .clicolor = getenv("CLICOLOR"),
        .clicolor_force = getenv("CLICOLOR_FORCE"),
        .term = getenv("TERM"),
    };

    return style_decide(&in);
}

const char *style_mark(const struct style *s, enum mark m)
{
    return s->unicode ? marks[m].unicode : marks[m].ascii;
}

const char *style_begin(const struct style *s, enum tone tone)
{
    return s->color ? codes[tone] : "";
}

const char *style_end(const struct style *s, enum tone tone)
{
    return s->color && tone != TONE_PLAIN ? "\033[0m" : "";
}

void style_add(struct text *t, const struct style *s, enum tone tone, const char *text)
{
    text_add(t, style_begin(s, tone));
    text_add(t, text);
    text_add(t, style_end(s, tone));
}
