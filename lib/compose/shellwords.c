/*
 * Splitting of command strings (the rules of go-shellwords, which Compose uses).
 *
 * No variables, globs or comments. `$(...)` and backtick regions are kept as
 * text, blanks included. What Compose drops silently is dropped here too and
 * reported through ret_dropped.
 */
#include "compose/shellwords.h"

#include <string.h>

#include "base/buf.h"

/* A word is never longer than its line; the line comes from a bounded file. */
#define WORD_BYTES_MAX (8u * 1024 * 1024)

struct splitter {
    struct buf word;
    struct strv *out;
    bool in_word; /* word holds an argument, maybe an empty quoted one */
    bool single, dbl, back, paren;
};

static void end_word(struct splitter *s)
{
    if (s->in_word)
        strv_add(s->out, s->word.p);
    buf_reset(&s->word);
    s->in_word = false;
}

static void add_char(struct splitter *s, char c)
{
    buf_addc(&s->word, c);
    s->in_word = true;
}

static void add_escaped(struct splitter *s, char c)
{
    add_char(s, (char)(c == 't' ? '\t' : c == 'n' ? '\n' : c));
}

/* Inside quotes or a substitution region nothing but its end is special. */
static bool in_region(const struct splitter *s)
{
    return s->single || s->dbl || s->back || s->paren;
}

/* Quotes, backticks and $( ) at c; true when c was consumed as one of them. */
static bool toggle(struct splitter *s, char c)
{
    if (c == '`' && !s->single && !s->dbl && !s->paren) {
        s->back = !s->back;
        add_char(s, c);
        return true;
    }
    if (c == ')' && s->paren && !s->single && !s->dbl && !s->back) {
        s->paren = false;
        add_char(s, c);
        return true;
    }
    if (c == '"' && !s->single && !s->paren) {
        s->dbl = !s->dbl;
        s->in_word = true;
        return true;
    }
    if (c == '\'' && !s->dbl && !s->paren) {
        s->single = !s->single;
        s->in_word = true;
        return true;
    }
    return false;
}

/* An unquoted operator: "2>file" also drops the digit-led word in front of `>`. */
static void end_command(struct splitter *s, char c)
{
    if (c == '>' && s->word.len && s->word.p[0] >= '0' && s->word.p[0] <= '9') {
        buf_reset(&s->word);
        s->in_word = false;
    }
    end_word(s);
}

static bool ends_with_dollar(const struct splitter *s)
{
    return s->word.len && s->word.p[s->word.len - 1] == '$';
}

enum step { STEP_GO, STEP_STOP, STEP_PAREN };

static enum step plain(struct splitter *s, char c)
{
    if (strchr(" \t\r\n", c)) {
        end_word(s);
        return STEP_GO;
    }
    if (strchr(";&|<>", c)) {
        end_command(s, c);
        return STEP_STOP;
    }
    if (c == '(' && ends_with_dollar(s)) {
        s->paren = true;
        add_char(s, c);
        return STEP_GO;
    }
    if (c == '(' || c == ')')
        return STEP_PAREN;
    add_char(s, c);
    return STEP_GO;
}

static int split(struct splitter *s, const char *line, bool *ret_dropped, struct ship_error *err)
{
    const char *p = line;

    for (; *p; p++) {
        if (*p == '\\' && !s->single) {
            if (!*++p)
                return ship_fail(err, SHIP_INVALID, "ends in a backslash");
            add_escaped(s, *p);
            continue;
        }
        if (toggle(s, *p))
            continue;
        if (in_region(s) && !(*p == '(' && s->paren)) {
            add_char(s, *p);
            continue;
        }
        enum step step = plain(s, *p);
        if (step == STEP_PAREN)
            return ship_fail(err, SHIP_INVALID, "unquoted '%c'", *p);
        if (step == STEP_STOP)
            break;
    }
    if (s->single || s->dbl)
        return ship_fail(err, SHIP_INVALID, "unbalanced %s quote", s->single ? "single" : "double");
    if (s->back || s->paren)
        return ship_fail(err, SHIP_INVALID, "unbalanced %s", s->back ? "backtick" : "'$('");
    end_word(s);
    *ret_dropped = *p != '\0';
    return 0;
}

int shellwords_split(const char *line, struct strv *ret, bool *ret_dropped, struct ship_error *err)
{
    struct splitter s = {.word = BUF_INIT(WORD_BYTES_MAX), .out = ret};
    int rc = split(&s, line, ret_dropped, err);

    buf_done(&s.word);
    if (rc < 0)
        ship_error_hint(err, "use the list form: command: [\"sh\", \"-c\", \"...\"]");
    return rc;
}
