/*
 * Interpolation of one text.
 *
 *   "$$" -> "$";  "$" NAME;  "${" NAME "}";  "${" NAME OP text "}" with OP one of :- - :? ? :+ +
 *
 * The text after OP is interpolated itself, braces nest. Any other "$" is kept,
 * any other "${" is an error. The result is not looked at again. Recursion is
 * bounded by INTERPOLATE_DEPTH_MAX, the result by the buffer's limit.
 */
#include "compose/interpolate.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct run {
    const struct interpolation *in;
    struct buf *out;
    char *message;
    size_t message_size;
    unsigned depth;
};

/* Of `NAME OP text`. */
struct expression {
    char name[INTERPOLATE_NAME_MAX + 1];
    bool colon; /* an empty value counts as unset */
    char op;    /* '-', '?', '+' or 0 */
    const char *text;
    size_t text_len;
};

static enum interpolate_fault expand(struct run *run, const char *s, size_t len);

static bool is_name_start(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
}

static size_t name_length(const char *s, size_t len)
{
    size_t n = 0;

    if (!len || !is_name_start(s[0]))
        return 0;
    while (n < len && (is_name_start(s[n]) || (s[n] >= '0' && s[n] <= '9')))
        n++;
    return n;
}

static enum interpolate_fault bad(struct run *run, const char *s, size_t len)
{
    (void)snprintf(run->message, run->message_size,
                   "invalid variable expression '%.*s'; write '$$' for a plain dollar sign",
                   (int)(len > 60 ? 60 : len), s);
    return INTERPOLATE_BAD;
}

/* Index of the brace that closes the one at s[0], or len. */
static size_t closing_brace(const char *s, size_t len)
{
    unsigned open = 0;

    for (size_t i = 0; i < len; i++) {
        if (s[i] == '{')
            open++;
        else if (s[i] == '}' && --open == 0)
            return i;
    }
    return len;
}

/* Take the inside of the braces apart; false when it is no valid expression. */
static bool parse_expression(const char *s, size_t len, struct expression *ret)
{
    size_t n = name_length(s, len);

    if (n == 0 || n > INTERPOLATE_NAME_MAX || memchr(s, '\n', len))
        return false;
    *ret = (struct expression){0};
    memcpy(ret->name, s, n);
    if (n == len)
        return true;
    if (s[n] == ':') {
        ret->colon = true;
        n++;
    }
    if (n == len || !strchr("-?+", s[n]))
        return false;
    ret->op = s[n];
    ret->text = s + n + 1;
    ret->text_len = len - n - 1;
    return true;
}

static enum interpolate_fault add(struct run *run, const char *s, size_t len)
{
    if (buf_add(run->out, s, len) == 0)
        return INTERPOLATE_OK;
    (void)snprintf(run->message, run->message_size, "result is longer than %zu bytes",
                   run->out->max);
    return INTERPOLATE_TOO_LARGE;
}

static enum interpolate_fault required(struct run *run, const struct expression *e)
{
    struct buf why = BUF_INIT(512);
    struct run inner = *run;

    inner.out = &why;
    enum interpolate_fault fault = expand(&inner, e->text, e->text_len);
    if (fault == INTERPOLATE_OK || fault == INTERPOLATE_TOO_LARGE) {
        (void)snprintf(run->message, run->message_size,
                       "required variable '%s' is missing a value%s%s", e->name,
                       why.len ? ": " : "", why.p);
        fault = INTERPOLATE_REQUIRED;
    }
    buf_done(&why);
    return fault;
}

static enum interpolate_fault variable(struct run *run, const char *name)
{
    const char *value = run->in->lookup(run->in->ctx, name);

    if (value)
        return add(run, value, strlen(value));
    if (run->in->unset)
        run->in->unset(run->in->ctx, name);
    return INTERPOLATE_OK;
}

static enum interpolate_fault evaluate(struct run *run, const struct expression *e)
{
    if (!e->op)
        return variable(run, e->name);
    const char *value = run->in->lookup(run->in->ctx, e->name);
    bool present = value && !(e->colon && !*value);
    if (e->op == '+')
        return present ? expand(run, e->text, e->text_len) : INTERPOLATE_OK;
    if (present)
        return add(run, value, strlen(value));
    return e->op == '?' ? required(run, e) : expand(run, e->text, e->text_len);
}

/* "${...": s[0] is the dollar sign. Sets *ret_used. */
static enum interpolate_fault braced(struct run *run, const char *s, size_t len, size_t *ret_used)
{
    struct expression e;
    size_t close = closing_brace(s + 1, len - 1) + 1;

    if (close >= len || !parse_expression(s + 2, close - 2, &e))
        return bad(run, s, close < len ? close + 1 : len);
    *ret_used = close + 1;
    return evaluate(run, &e);
}

/* One "$...": s[0] is the dollar sign. Sets *ret_used. */
static enum interpolate_fault dollar(struct run *run, const char *s, size_t len, size_t *ret_used)
{
    char name[INTERPOLATE_NAME_MAX + 1];

    if (len > 1 && s[1] == '{')
        return braced(run, s, len, ret_used);
    if (len > 1 && s[1] == '$') {
        *ret_used = 2;
        return add(run, "$", 1);
    }
    size_t n = name_length(s + 1, len - 1);
    if (n > INTERPOLATE_NAME_MAX)
        return bad(run, s, len);
    *ret_used = n + 1;
    if (n == 0)
        return add(run, "$", 1);
    memcpy(name, s + 1, n);
    name[n] = '\0';
    return variable(run, name);
}

static enum interpolate_fault expand(struct run *run, const char *s, size_t len)
{
    if (run->depth == INTERPOLATE_DEPTH_MAX) {
        (void)snprintf(run->message, run->message_size,
                       "variable expression nests deeper than %d levels", INTERPOLATE_DEPTH_MAX);
        return INTERPOLATE_BAD;
    }
    run->depth++;
    enum interpolate_fault fault = INTERPOLATE_OK;
    for (size_t i = 0; i < len && fault == INTERPOLATE_OK;) {
        const char *next = memchr(s + i, '$', len - i);
        size_t plain = next ? (size_t)(next - s) - i : len - i, used = 0;
        fault = add(run, s + i, plain);
        i += plain;
        if (fault == INTERPOLATE_OK && i < len)
            fault = dollar(run, s + i, len - i, &used);
        i += used;
    }
    run->depth--;
    return fault;
}

enum interpolate_fault interpolate(const char *text, const struct interpolation *in,
                                   struct buf *out, char *message, size_t message_size)
{
    struct run run = {.in = in, .out = out, .message_size = message_size};

    run.message = message;
    return expand(&run, text, strlen(text));
}
