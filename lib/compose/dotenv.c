/*
 * The .env grammar: KEY=value, KEY: value, export KEY=value, KEY (inherit);
 * unquoted values end at " #", double quotes know escapes and variables, single
 * quotes are literal, quoted values may span lines.
 *
 * Bounded by the caller's file limit; each interpolated value by
 * INTERPOLATE_BYTES_MAX, all of them together by VALUES_BYTES_MAX.
 */
#include "compose/dotenv.h"

#include <string.h>

#include "base/alloc.h"
#include "base/auto.h"
#include "compose/interpolate.h"

#define KEY_BYTES_MAX    1024
#define VALUES_BYTES_MAX (8u * 1024 * 1024)

struct parser {
    const struct dotenv_source *source;
    const struct dotenv_lookup *lookup;
    struct vars *vars;
    struct diag *diag;
    const char *p, *end;
    const char *line_start;
    unsigned line;
    size_t total; /* bytes of values so far */
};

static struct yaml_mark mark_at(const struct parser *ps, const char *at)
{
    return (struct yaml_mark){.file = ps->source->name,
                              .line = ps->line,
                              .column =
                                  at >= ps->line_start ? (unsigned)(at - ps->line_start) + 1 : 1};
}

static int fail(struct parser *ps, enum compose_class c, const char *at, const char *what)
{
    struct yaml_mark mark = mark_at(ps, at);

    diag_error(ps->diag, c, &mark, "%s", what);
    return -1;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

static bool is_key_char(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           (c && strchr("_.-[]", c)) || (unsigned char)c >= 0x80;
}

static void skip_blanks(struct parser *ps)
{
    while (ps->p < ps->end && is_blank(*ps->p))
        ps->p++;
}

/* Step over the newline under the cursor, if there is one. */
static void next_line(struct parser *ps)
{
    if (ps->p < ps->end && *ps->p == '\n') {
        ps->p++;
        ps->line++;
        ps->line_start = ps->p;
    }
}

/* Where the line under the cursor ends: at its newline or at the end of the text. */
static const char *line_end(const struct parser *ps)
{
    const char *end = ps->p;

    while (end < ps->end && *end != '\n')
        end++;
    return end;
}

static void skip_line(struct parser *ps)
{
    ps->p = line_end(ps);
    next_line(ps);
}

static const char *lookup_value(void *ctx, const char *name)
{
    struct parser *ps = ctx;
    const char *value = ps->lookup->lookup(ps->lookup->ctx, name);

    return value ? value : vars_get(ps->vars, name);
}

static void report_unset(void *ctx, const char *name)
{
    struct parser *ps = ctx;

    if (ps->lookup->unset)
        ps->lookup->unset(ps->lookup->ctx, name);
}

static int store(struct parser *ps, const char *key, const char *value, const char *at)
{
    ps->total += strlen(value);
    if (ps->total > VALUES_BYTES_MAX)
        return fail(ps, COMPOSE_CLASS_too_large, at, "values of this file exceed 8 MiB");
    if (ps->vars->n >= DOTENV_VARS_MAX)
        return fail(ps, COMPOSE_CLASS_too_large, at, "more than 10000 variables");
    vars_set(ps->vars, key, value);
    return 0;
}

static int store_interpolated(struct parser *ps, const char *key, const char *text, const char *at)
{
    AUTO(buf_done) struct buf out = BUF_INIT(INTERPOLATE_BYTES_MAX);
    char message[512];
    struct interpolation in = {.lookup = lookup_value, .unset = report_unset, .ctx = ps};

    enum interpolate_fault fault = interpolate(text, &in, &out, message, sizeof message);
    if (fault == INTERPOLATE_REQUIRED)
        return fail(ps, COMPOSE_CLASS_required_variable, at, message);
    if (fault != INTERPOLATE_OK)
        return fail(ps, COMPOSE_CLASS_bad_interpolation, at, message);
    return store(ps, key, out.p, at);
}

/* `\0ddd`: up to three octal digits; *s stands on the 0. */
static char octal_escape(const char **s, const char *end)
{
    unsigned value = 0;

    for (int i = 0; i < 3 && *s + 1 < end && (*s)[1] >= '0' && (*s)[1] <= '7'; i++) {
        (*s)++;
        value = value * 8 + (unsigned)(**s - '0');
    }
    return (char)(value & 0xff);
}

/* Undo the escapes of a double-quoted value; `\$` becomes `$$` for the interpolation. */
static void unescape(const char *s, const char *end, struct buf *out)
{
    static const char from[] = "\"\\abfnrtv", to[] = "\"\\\a\b\f\n\r\t\v";

    for (; s < end; s++) {
        if (*s != '\\' || s + 1 == end) {
            buf_addc(out, *s);
            continue;
        }
        s++;
        const char *known = *s ? strchr(from, *s) : NULL;
        if (known)
            buf_addc(out, to[known - from]);
        else if (*s == '$')
            buf_adds(out, "$$");
        else if (*s == '0') {
            char c = octal_escape(&s, end);
            if (c) /* a NUL would cut the value */
                buf_addc(out, c);
        } else {
            buf_addc(out, '\\');
            buf_addc(out, *s);
        }
    }
}

/* Undo `\'` of a single-quoted value. */
static void unescape_single(const char *s, const char *end, struct buf *out)
{
    for (; s < end; s++) {
        if (*s == '\\' && s + 1 < end && s[1] == '\'')
            s++;
        buf_addc(out, *s);
    }
}

/* The quote that closes the value; NULL when there is none. A backslash guards the next byte. */
static const char *closing_quote(const struct parser *ps, const char *s, char quote)
{
    for (; s < ps->end; s++) {
        if (*s == '\\' && s + 1 < ps->end && (quote == '"' || s[1] == '\''))
            s++;
        else if (*s == quote)
            return s;
    }
    return NULL;
}

/* Behind a closing quote: a comment is fine, anything else is junk that Compose drops. */
static void after_quote(struct parser *ps)
{
    skip_blanks(ps);
    if (ps->p < ps->end && *ps->p != '\n' && *ps->p != '#') {
        struct yaml_mark mark = mark_at(ps, ps->p);
        diag_warn(ps->diag, &mark, "text after the closing quote: ignoring");
    }
    skip_line(ps);
}

static int quoted_value(struct parser *ps, const char *key)
{
    const char *open = ps->p;
    char quote = *open;
    const char *close = closing_quote(ps, open + 1, quote);
    int rc;

    if (!close)
        return fail(ps, COMPOSE_CLASS_dotenv_unterminated_quote, open, "quote is never closed");
    AUTO(buf_done) struct buf value = BUF_INIT(2 * DOTENV_BYTES_MAX);
    if (quote == '\'') {
        unescape_single(open + 1, close, &value);
        rc = store(ps, key, value.p, open);
    } else {
        unescape(open + 1, close, &value);
        rc = store_interpolated(ps, key, value.p, open);
    }
    for (const char *c = open; c < close; c++) {
        if (*c == '\n') {
            ps->line++;
            ps->line_start = c + 1;
        }
    }
    ps->p = close + 1;
    after_quote(ps);
    return rc;
}

static int unquoted_value(struct parser *ps, const char *key)
{
    const char *start = ps->p;
    const char *stop = line_end(ps);

    for (const char *c = start; c < stop; c++) {
        if (*c == '#' && (c == start || is_blank(c[-1]))) {
            stop = c;
            break;
        }
    }
    while (stop > start && is_blank(stop[-1]))
        stop--;
    AUTO_FREE char *text = xstrndup(start, (size_t)(stop - start));
    if (store_interpolated(ps, key, text, start) < 0)
        return -1;
    skip_line(ps);
    return 0;
}

/* `KEY` alone: inherit. */
static void inherit(struct parser *ps, const char *key)
{
    const char *value = ps->lookup->lookup(ps->lookup->ctx, key);

    if (value)
        vars_set(ps->vars, key, value);
}

/* Read the key under the cursor and what separates it from the value. */
static int entry(struct parser *ps)
{
    char key[KEY_BYTES_MAX];
    const char *start = ps->p;

    while (ps->p < ps->end && is_key_char(*ps->p))
        ps->p++;
    size_t n = (size_t)(ps->p - start);
    if (n >= sizeof key)
        return fail(ps, COMPOSE_CLASS_dotenv_syntax, start, "variable name is too long");
    memcpy(key, start, n);
    key[n] = '\0';
    const char *behind = ps->p;
    skip_blanks(ps);
    if (ps->p == ps->end || *ps->p == '\n' || (*ps->p == '#' && ps->p > behind)) {
        if (n > 0)
            inherit(ps, key);
        skip_line(ps);
        return 0;
    }
    if (*ps->p != '=' && *ps->p != ':') {
        bool space = ps->p > behind;
        return fail(
            ps, space ? COMPOSE_CLASS_dotenv_space_in_key : COMPOSE_CLASS_dotenv_syntax, ps->p,
            space ? "variable name contains a blank" : "unexpected character in a variable name");
    }
    if (n == 0)
        return fail(ps, COMPOSE_CLASS_dotenv_syntax, ps->p, "variable name is missing");
    ps->p++;
    skip_blanks(ps);
    if (ps->p < ps->end && (*ps->p == '"' || *ps->p == '\''))
        return quoted_value(ps, key);
    return unquoted_value(ps, key);
}

static void skip_export(struct parser *ps)
{
    static const char word[] = "export";
    size_t n = sizeof word - 1;

    if ((size_t)(ps->end - ps->p) > n && memcmp(ps->p, word, n) == 0 && is_blank(ps->p[n])) {
        ps->p += n;
        skip_blanks(ps);
    }
}

/* format: raw: KEY=VALUE verbatim, KEY inherits. */
static int raw_entry(struct parser *ps)
{
    const char *stop = line_end(ps);
    const char *eq = memchr(ps->p, '=', (size_t)(stop - ps->p));
    const char *key_end = eq ? eq : stop;

    if (stop > ps->p && stop[-1] == '\r')
        stop--;
    if (key_end > stop)
        key_end = stop;
    for (const char *c = ps->p; c < key_end; c++) {
        if (is_blank(*c))
            return fail(ps, COMPOSE_CLASS_dotenv_space_in_key, c, "variable name contains a blank");
    }
    AUTO_FREE char *key = xstrndup(ps->p, (size_t)(key_end - ps->p));
    AUTO_FREE char *value = eq ? xstrndup(eq + 1, (size_t)(stop - eq - 1)) : NULL;
    if (*key && value && store(ps, key, value, ps->p) < 0)
        return -1;
    if (*key && !value)
        inherit(ps, key);
    skip_line(ps);
    return 0;
}

int dotenv_parse(const struct dotenv_source *source, const struct dotenv_lookup *lookup,
                 struct vars *vars, struct diag *diag)
{
    struct parser ps = {.source = source, .lookup = lookup, .vars = vars, .diag = diag, .line = 1};

    ps.p = ps.line_start = source->text;
    ps.end = source->text + source->len;
    if (source->len >= 3 && memcmp(ps.p, "\xef\xbb\xbf", 3) == 0)
        ps.p = ps.line_start = ps.p + 3;
    if (memchr(source->text, '\0', source->len))
        return fail(&ps, COMPOSE_CLASS_dotenv_syntax, ps.p, "file holds a NUL byte");
    while (ps.p < ps.end) {
        skip_blanks(&ps);
        if (ps.p == ps.end)
            break;
        if (*ps.p == '\n' || *ps.p == '#') {
            skip_line(&ps);
            continue;
        }
        if (!source->raw)
            skip_export(&ps);
        if ((source->raw ? raw_entry(&ps) : entry(&ps)) < 0)
            return -1;
    }
    return 0;
}
