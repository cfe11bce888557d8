/*
 * The log scanner: windows, words and regular expressions.
 */
#include "check/scan.h"

#include <string.h>

#include "base/alloc.h"

#define WORD_MAX      1024
#define REGEX_OVERLAP 1024 /* bytes of a very long line that two windows share */

/* First hit in the text, or NULL. A regular expression sees text up to its NUL and says only yes:
 * the hit is where the text begins. */
static const char *pattern_find(const struct scan_pattern *p, const char *text, size_t len)
{
    if (p->regex.compiled)
        return check_regex_matches(&p->regex, text) ? text : NULL;
    return memmem(text, len, p->word, p->len);
}

static const char *patterns_find(const struct scan_patterns *ps, const char *text, size_t len)
{
    for (size_t i = 0; i < ps->n; i++) {
        const char *hit = pattern_find(&ps->items[i], text, len);

        if (hit)
            return hit;
    }
    return NULL;
}

/* Keep what is reported: the line from its beginning, or from shortly before the hit. */
static void keep_text(const struct scan *s, struct scan_stream *st, const char *hit)
{
    size_t at = (size_t)(hit - st->line), from = at > SCAN_TEXT_MAX / 2 ? at - 64 : 0;
    AUTO(buf_done) struct buf clean = BUF_INIT(2 * SCAN_LINE_MAX);
    AUTO(buf_done) struct buf before = BUF_INIT(2 * SCAN_LINE_MAX);
    const char *text = st->line;
    size_t len = st->len;

    /* Before it is cut: of a secret in pieces nothing would be found. */
    if (redact_text(s->redact, text, len, true, &clean)) {
        if (redact_text(s->redact, text, from, true, &before))
            from = before.len;
        text = clean.p;
        len = clean.len;
        from = from < len ? from : len;
    }
    size_t n = len - from < SCAN_TEXT_MAX - 1 ? len - from : SCAN_TEXT_MAX - 1;
    memcpy(st->text, text + from, n);
    st->text[n] = '\0';
}

/* NUL bytes would end the text for a regular expression and in messages. */
static void close_window(struct scan_stream *st)
{
    char *nul;

    while ((nul = memchr(st->line, '\0', st->len)))
        *nul = ' ';
    st->line[st->len] = '\0';
}

static void look_at_window(struct scan *s, struct scan_stream *st)
{
    const char *line = st->line, *hit;

    close_window(st);
    if (!st->denied && (hit = patterns_find(s->deny, line, st->len))) {
        st->denied = true;
        keep_text(s, st, hit);
    }
    if (!st->allowed && patterns_find(s->allow, line, st->len))
        st->allowed = true;
}

static size_t overlap_of(const struct scan *s)
{
    size_t n = s->deny->longest > s->allow->longest ? s->deny->longest : s->allow->longest;

    if ((s->deny->has_regex || s->allow->has_regex) && n < REGEX_OVERLAP)
        n = REGEX_OVERLAP;
    return n > 0 ? n - 1 : 0;
}

static void add_bytes(struct scan *s, struct scan_stream *st, const char *p, size_t len)
{
    if (len > 0 && !st->line)
        st->line = xmalloc(SCAN_LINE_MAX + 1);
    while (len > 0) {
        size_t room = SCAN_LINE_MAX - st->len, n = len < room ? len : room;

        memcpy(st->line + st->len, p, n);
        st->len += n;
        p += n;
        len -= n;
        if (st->len == SCAN_LINE_MAX && len > 0) {
            size_t keep = overlap_of(s);

            look_at_window(s, st);
            memmove(st->line, st->line + st->len - keep, keep);
            st->len = keep;
        }
    }
}

static void end_line(struct scan *s, struct scan_stream *st)
{
    if (st->len > 0 && st->line[st->len - 1] == '\r')
        st->len--;
    if (st->line)
        look_at_window(s, st);
    if (st->denied && !st->allowed)
        s->found(s->ctx, st->text);
    st->len = 0;
    st->denied = false;
    st->allowed = false;
}

/* One whole line that did not need a buffer so far. */
static void take_line(struct scan *s, struct scan_stream *st, const char *p, size_t len)
{
    add_bytes(s, st, p, len);
    end_line(s, st);
}

/*
 * The next hit of each word in a stretch of whole lines: found once and kept until passed, so that
 * a word that does not occur costs one look however often the others do.
 */
struct next_hits {
    const char *at[SCAN_PATTERNS_MAX]; /* end = none */
};

static const char *find_from(const struct scan_pattern *p, const char *from, const char *end)
{
    const char *hit = memmem(from, (size_t)(end - from), p->word, p->len);

    return hit ? hit : end;
}

static const char *next_hit(const struct scan_patterns *ps, struct next_hits *next,
                            const char *from, const char *end)
{
    const char *first = end;

    for (size_t i = 0; i < ps->n; i++) {
        if (!next->at[i] || next->at[i] < from)
            next->at[i] = find_from(&ps->items[i], from, end);
        if (next->at[i] < first)
            first = next->at[i];
    }
    return first;
}

static const char *line_begin(const char *from, const char *hit)
{
    const char *newline = hit > from ? memrchr(from, '\n', (size_t)(hit - from)) : NULL;

    return newline ? newline + 1 : from;
}

/* p up to end: lines that all end in a newline. */
static void scan_whole_lines(struct scan *s, struct scan_stream *st, const char *p, const char *end)
{
    struct next_hits next = {0};

    while (p < end) {
        const char *hit = s->deny->has_regex ? p : next_hit(s->deny, &next, p, end);
        const char *begin, *newline;

        if (hit == end)
            return;
        begin = line_begin(p, hit);
        newline = memchr(hit, '\n', (size_t)(end - hit));
        newline = newline ? newline : end - 1;
        take_line(s, st, begin, (size_t)(newline - begin));
        p = newline + 1;
    }
}

void scan_feed(struct scan *s, int stream, const char *p, size_t len)
{
    struct scan_stream *st = &s->streams[stream ? 1 : 0];
    const char *last = len > 0 ? memrchr(p, '\n', len) : NULL;

    if (!last) {
        add_bytes(s, st, p, len);
        return;
    }
    if (st->len > 0 || st->denied || st->allowed) {
        const char *first = memchr(p, '\n', len);

        take_line(s, st, p, (size_t)(first - p));
        len -= (size_t)(first + 1 - p);
        p = first + 1;
    }
    scan_whole_lines(s, st, p, last + 1);
    add_bytes(s, st, last + 1, (size_t)(p + len - (last + 1)));
}

void scan_finish(struct scan *s)
{
    for (size_t i = 0; i < 2; i++)
        if (s->streams[i].len > 0)
            end_line(s, &s->streams[i]);
}

void scan_done(struct scan *s)
{
    for (size_t i = 0; i < 2; i++) {
        free(s->streams[i].line);
        s->streams[i].line = NULL;
    }
}

static bool is_regex(const struct yaml_node *node)
{
    return node->len > 2 && node->text[0] == '/' && node->text[node->len - 1] == '/';
}

static void decode_one(const struct yaml_node *node, struct scan_patterns *ps,
                       struct field_ctx *ctx)
{
    struct scan_pattern *p = &ps->items[ps->n];

    if (node->kind != YAML_SCALAR || node->len == 0 || node->len > WORD_MAX) {
        yaml_problem_add(ctx->problems, YAML_ERROR, &node->mark,
                         "%s: a word of 1 to %d bytes or '/regular expression/' is wanted",
                         ctx->where, WORD_MAX);
        return;
    }
    if (is_regex(node)) {
        AUTO_FREE char *text = xstrndup(node->text + 1, node->len - 2);
        struct yaml_node inner = *node;

        inner.text = text;
        inner.len = node->len - 2;
        check_regex_decode(&inner, &p->regex, ctx);
        if (!p->regex.compiled)
            return;
        ps->has_regex = true;
    } else {
        p->word = xstrndup(node->text, node->len);
        p->len = node->len;
        ps->longest = p->len > ps->longest ? p->len : ps->longest;
    }
    ps->n++;
}

void scan_patterns_decode(const struct yaml_node *node, void *target, struct field_ctx *ctx)
{
    struct scan_patterns *ps = target;
    size_t n = node->kind == YAML_SEQUENCE ? node->n : 1;

    if (yaml_is_null(node) || n == 0)
        return;
    if (node->kind == YAML_MAPPING || n > SCAN_PATTERNS_MAX) {
        yaml_problem_add(ctx->problems, YAML_ERROR, &node->mark,
                         "%s: a list of up to %d words is wanted", ctx->where, SCAN_PATTERNS_MAX);
        return;
    }
    scan_patterns_done(ps);
    ps->items = xcalloc(n, sizeof *ps->items);
    for (size_t i = 0; i < n; i++)
        decode_one(node->kind == YAML_SEQUENCE ? node->items[i] : node, ps, ctx);
}

void scan_patterns_done(void *target)
{
    struct scan_patterns *ps = target;

    for (size_t i = 0; i < ps->n; i++) {
        free(ps->items[i].word);
        check_regex_done(&ps->items[i].regex);
    }
    free(ps->items);
    memset(ps, 0, sizeof *ps);
}
