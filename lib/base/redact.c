/*
 * The registry of secrets and the search; see redact.h.
 *
 * Search: a position of the text where a form can begin is looked up by its six bytes in a table of
 * all forms. What is found may overlap: what is hidden grows to the end of the last one, so no tail
 * of one secret is left because it began inside another.
 */
#include "base/redact.h"

#include <limits.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/redact_parts.h"
#include "base/str.h"

#define KEY_BYTES       REDACT_MIN
#define HEADS_MIN       256
#define FORMS_BYTES_MAX (32u * 1024 * 1024)
#define TEXT_MAX        (16u * 1024 * 1024)

/* A set of byte strings, found by their first KEY_BYTES. */
struct word {
    uint64_t key;
    uint32_t from, len, next; /* next: index + 1 */
};
struct words {
    struct buf bytes;
    struct word *list;
    size_t n, cap, longest;
    uint32_t *heads;            /* index + 1 of the first word of a chain */
    size_t n_heads;             /* a power of two */
    bool begins[UCHAR_MAX + 1]; /* the first bytes of the words */
};

struct redact {
    pthread_mutex_t lock; /* recursive: collect adds */
    void (*collect)(struct redact *r, void *ctx);
    void *ctx;
    bool is_stale;
    struct words values, forms;
    size_t n_formed; /* of the values */
    struct strv kept;
};

/* ---- sets of words ---- */

static void words_init(struct words *w, size_t max)
{
    *w = (struct words){0};
    buf_init(&w->bytes, max);
}

static void words_done(struct words *w)
{
    if (w->bytes.len > 0)
        explicit_bzero(w->bytes.p, w->bytes.len);
    buf_done(&w->bytes);
    free(w->list);
    free(w->heads);
    *w = (struct words){0};
}

static uint64_t key_of(const char *p)
{
    uint64_t key = 0;

    memcpy(&key, p, KEY_BYTES);
    return key;
}

static uint32_t *head_of(const struct words *w, uint64_t key)
{
    return &w->heads[(key * UINT64_C(0x9E3779B97F4A7C15)) >> 32 & (w->n_heads - 1)];
}

static void words_grow(struct words *w)
{
    w->n_heads = w->n_heads ? 4 * w->n_heads : HEADS_MIN;
    free(w->heads);
    w->heads = xcalloc(w->n_heads, sizeof *w->heads);
    for (size_t i = 0; i < w->n; i++) {
        uint32_t *head = head_of(w, w->list[i].key);
        w->list[i].next = *head;
        *head = (uint32_t)i + 1;
    }
}

static const char *word_text(const struct words *w, const struct word *word)
{
    return w->bytes.p + word->from;
}

static bool words_has(const struct words *w, const char *p, size_t len)
{
    for (uint32_t i = w->n ? *head_of(w, key_of(p)) : 0; i; i = w->list[i - 1].next)
        if (w->list[i - 1].len == len && memcmp(word_text(w, &w->list[i - 1]), p, len) == 0)
            return true;
    return false;
}

/* Of at least KEY_BYTES; a second time, or no room: nothing. */
static void words_add(struct words *w, const char *p, size_t len)
{
    if (words_has(w, p, len) || w->bytes.len + len > w->bytes.max)
        return;
    if (2 * w->n >= w->n_heads)
        words_grow(w);
    ARRAY_GROW(w->list, w->n, w->cap);
    uint64_t key = key_of(p);
    uint32_t *head = head_of(w, key);
    w->list[w->n] = (struct word){key, (uint32_t)w->bytes.len, (uint32_t)len, *head};
    *head = (uint32_t)++w->n;
    (void)buf_add(&w->bytes, p, len);
    w->begins[(unsigned char)*p] = true;
    w->longest = len > w->longest ? len : w->longest;
}

/* Length of the longest word that begins the text, 0 for none. */
static size_t words_match(const struct words *w, const char *text, size_t len)
{
    size_t best = 0;
    uint64_t key;

    if (len < KEY_BYTES || !w->n)
        return 0;
    key = key_of(text);
    for (uint32_t i = *head_of(w, key); i; i = w->list[i - 1].next) {
        const struct word *word = &w->list[i - 1];
        if (word->key == key && word->len > best && word->len <= len &&
            memcmp(word_text(w, word), text, word->len) == 0)
            best = word->len;
    }
    return best;
}

/* Is the whole text the beginning of a word? */
static bool words_begin(const struct words *w, const char *text, size_t len)
{
    uint64_t key = key_of(text);

    for (uint32_t i = w->n ? *head_of(w, key) : 0; i; i = w->list[i - 1].next) {
        const struct word *word = &w->list[i - 1];
        if (word->key == key && word->len > len && memcmp(word_text(w, word), text, len) == 0)
            return true;
    }
    return false;
}

/* ---- the registry ---- */

struct redact *redact_new(void (*collect)(struct redact *r, void *ctx), void *ctx)
{
    struct redact *r = xcalloc(1, sizeof *r);
    pthread_mutexattr_t attr;

    r->collect = collect;
    r->ctx = ctx;
    r->is_stale = collect != NULL;
    words_init(&r->values, REDACT_BYTES_MAX);
    words_init(&r->forms, FORMS_BYTES_MAX);
    (void)pthread_mutexattr_init(&attr);
    (void)pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
    (void)pthread_mutex_init(&r->lock, &attr);
    (void)pthread_mutexattr_destroy(&attr);
    return r;
}

void redact_free(struct redact *r)
{
    if (!r)
        return;
    words_done(&r->values);
    words_done(&r->forms);
    strv_done(&r->kept);
    (void)pthread_mutex_destroy(&r->lock);
    free(r);
}

static void lock(struct redact *r)
{
    (void)pthread_mutex_lock(&r->lock);
}

static void unlock(struct redact *r)
{
    (void)pthread_mutex_unlock(&r->lock);
}

void redact_stale(struct redact *r)
{
    if (!r)
        return;
    lock(r);
    r->is_stale = r->collect != NULL;
    unlock(r);
}

static void add_value(struct redact *r, const char *p, size_t len)
{
    if (len >= REDACT_MIN && r->values.n < REDACT_VALUES_MAX)
        words_add(&r->values, p, len);
}

static void add_line(struct redact *r, const char *p, size_t len)
{
    while (len > 0 && strchr(" \t\r", p[len - 1]))
        len--;
    for (; len > 0 && strchr(" \t", *p); p++)
        len--;
    for (; len > REDACT_PIECE_MAX; p += REDACT_PIECE_MAX / 2, len -= REDACT_PIECE_MAX / 2)
        add_value(r, p, REDACT_PIECE_MAX);
    add_value(r, p, len);
}

void redact_add(struct redact *r, const char *value, size_t len)
{
    if (!r || len < REDACT_MIN)
        return;
    lock(r);
    for (size_t n; len > 0; value += n, len -= n) {
        const char *nl = memchr(value, '\n', len);
        n = nl ? (size_t)(nl - value) + 1 : len;
        add_line(r, value, nl ? n - 1 : n);
    }
    unlock(r);
}

void redact_keep(struct redact *r, const char *text)
{
    if (!r || str_empty(text))
        return;
    lock(r);
    if (!strv_has(&r->kept, text)) {
        strv_add(&r->kept, text);
        words_done(&r->forms); /* to be made again, without it */
        words_init(&r->forms, FORMS_BYTES_MAX);
        r->n_formed = 0;
    }
    unlock(r);
}

static bool is_kept(const struct redact *r, const char *p, size_t len)
{
    for (size_t i = 0; i < r->kept.n; i++)
        if (memmem(r->kept.v[i], strlen(r->kept.v[i]), p, len))
            return true;
    return false;
}

static void take_form(void *ctx, const char *p, size_t len)
{
    struct redact *r = ctx;

    if (len >= REDACT_MIN)
        words_add(&r->forms, p, len);
}

/* Everything that is known is in the table. */
static void refresh(struct redact *r)
{
    if (r->is_stale) {
        r->is_stale = false;
        r->collect(r, r->ctx);
    }
    for (; r->n_formed < r->values.n; r->n_formed++) {
        const struct word *v = &r->values.list[r->n_formed];
        const char *text = word_text(&r->values, v);
        if (!is_kept(r, text, v->len))
            redact_forms(text, v->len, take_form, r);
    }
}

/* ---- the search ---- */

struct search {
    const struct words *forms;
    const char *text;
    size_t len;
    size_t until; /* nothing begins here or behind */
    struct redact_span url, authorization, assignment;
    size_t hidden; /* up to here, everything is part of a secret */
    bool may_wait; /* until moves to where a private key begins that has no end yet */
    struct buf *out;
    size_t copied;
    bool is_any;
};

static void hide(struct search *s, size_t from, size_t to)
{
    if (from > s->hidden || (s->hidden == 0 && !s->is_any)) {
        (void)buf_add(s->out, s->text + s->copied, from - s->copied);
        (void)buf_adds(s->out, REDACT_MARK);
    }
    s->hidden = to > s->hidden ? to : s->hidden;
    s->copied = s->hidden;
    s->is_any = true;
}

static void hide_span(struct search *s, size_t at, const struct redact_span *span)
{
    if (at == span->from && span->to > span->from)
        hide(s, span->from, span->to);
}

/* The first bytes of what look_for_places looks for. */
static const bool announces[UCHAR_MAX + 1] = {
    [':'] = true, ['A'] = true, ['a'] = true, ['='] = true, ['-'] = true};

/* What needs no registration and is announced here. */
static void look_for_places(struct search *s, size_t i)
{
    size_t left = s->len - i;
    const char *p = s->text + i;
    bool is_open;

    if (*p == ':' && left > 3 && p[1] == '/' && p[2] == '/')
        s->url = redact_url_password(s->text, s->len, i);
    else if ((*p == 'A' || *p == 'a') && s->authorization.to <= i && left > 13 &&
             strncasecmp(p, "authorization", 13) == 0)
        s->authorization = redact_authorization(s->text, s->len, i);
    else if (*p == '=' && s->authorization.to <= i && s->assignment.to <= i)
        s->assignment = redact_assignment(s->text, s->len, i);
    if (*p != '-' || left < 11 || memcmp(p, "-----BEGIN ", 11) != 0)
        return;
    struct redact_span key = redact_private_key(s->text, s->len, i, &is_open);
    if (is_open && s->may_wait)
        s->until = i;
    else
        hide_span(s, i, &key);
}

/* Where the next span begins that is known and not hidden yet. */
static size_t next_span(const struct search *s, size_t i)
{
    const struct redact_span *const spans[] = {&s->url, &s->authorization, &s->assignment};
    size_t next = SIZE_MAX;

    for (size_t k = 0; k < ARRAY_LEN(spans); k++)
        if (spans[k]->to > spans[k]->from && spans[k]->from > i && spans[k]->from < next)
            next = spans[k]->from;
    return next;
}

static void search_at(struct search *s, size_t i)
{
    size_t n = words_match(s->forms, s->text + i, s->len - i);

    if (n)
        hide(s, i, i + n);
    look_for_places(s, i);
    hide_span(s, i, &s->url);
    hide_span(s, i, &s->authorization);
    hide_span(s, i, &s->assignment);
}

static void search(struct search *s)
{
    size_t span = SIZE_MAX;

    for (size_t i = 0; i < s->until; i++) {
        unsigned char c = (unsigned char)s->text[i];
        if (i != span && !s->forms->begins[c] && !announces[c])
            continue;
        search_at(s, i);
        span = next_span(s, i);
    }
}

/* The text was cut: its end may be the beginning of a secret. */
static void hide_cut(struct search *s)
{
    size_t most = s->forms->longest < s->len ? s->forms->longest : s->len;

    for (size_t n = most; n >= REDACT_MIN; n--)
        if (words_begin(s->forms, s->text + s->len - n, n)) {
            hide(s, s->len - n, s->len);
            return;
        }
}

bool redact_text(struct redact *r, const char *text, size_t len, bool is_cut, struct buf *out)
{
    struct search s = {.text = text, .len = len, .until = len, .out = out};

    if (!r || len == 0)
        return false;
    lock(r);
    refresh(r);
    s.forms = &r->forms;
    search(&s);
    if (is_cut)
        hide_cut(&s);
    unlock(r);
    if (s.is_any)
        (void)buf_add(out, text + s.copied, len - s.copied);
    return s.is_any;
}

void redact_own(struct redact *r, char **text)
{
    AUTO(buf_done) struct buf out = BUF_INIT(TEXT_MAX);

    if (!*text || !redact_text(r, *text, strlen(*text), false, &out))
        return;
    free(*text);
    *text = buf_steal(&out);
}

void redact_field(struct redact *r, char *field, size_t size)
{
    size_t len = strlen(field);
    /* room for a character that was cut off as a whole */
    AUTO(buf_done) struct buf out = BUF_INIT(size - 1);

    if (redact_text(r, field, len, len + 5 > size, &out))
        memcpy(field, out.p, out.len + 1);
}

void redact_error(struct redact *r, struct ship_error *err)
{
    redact_field(r, err->msg, sizeof err->msg);
    redact_field(r, err->hint, sizeof err->hint);
}

/* ---- streams ---- */

void redact_stream_init(struct redact_stream *s, struct redact *r,
                        void (*out)(void *ctx, const char *p, size_t len), void *ctx)
{
    *s = (struct redact_stream){.redact = r, .out = out, .ctx = ctx};
    buf_init(&s->waiting, 2 * REDACT_WAIT_MAX);
}

/* Hand out what is certain: whole lines, or (is_last) everything. */
static void flush(struct redact_stream *s, bool is_last)
{
    struct redact *r = s->redact;
    AUTO(buf_done) struct buf out = BUF_INIT(4 * REDACT_WAIT_MAX);
    const char *nl = memrchr(s->waiting.p, '\n', s->waiting.len);
    size_t end = is_last ? s->waiting.len : nl ? (size_t)(nl - s->waiting.p) + 1 : 0;

    lock(r);
    refresh(r);
    /* A line without end: all but what may be the beginning of a secret. */
    if (!is_last && s->waiting.len - end >= REDACT_WAIT_MAX)
        end = s->waiting.len - r->forms.longest;
    struct search job = {.forms = &r->forms,
                         .text = s->waiting.p,
                         .len = s->waiting.len,
                         .until = end,
                         .hidden = s->hidden,
                         .may_wait = !is_last,
                         .copied = s->hidden,
                         .is_any = s->hidden > 0,
                         .out = &out};
    search(&job);
    unlock(r);
    if (job.copied < job.until)
        (void)buf_add(&out, s->waiting.p + job.copied, job.until - job.copied);
    s->hidden = job.hidden > job.until ? job.hidden - job.until : 0;
    s->out(s->ctx, out.p, out.len);
    buf_consume(&s->waiting, job.until);
}

void redact_stream_add(struct redact_stream *s, const char *p, size_t len)
{
    if (!s->redact) {
        s->out(s->ctx, p, len);
        return;
    }
    while (len > 0) {
        size_t room = 2 * REDACT_WAIT_MAX - s->waiting.len, n = len < room ? len : room;
        (void)buf_add(&s->waiting, p, n);
        p += n;
        len -= n;
        if (s->waiting.len >= REDACT_WAIT_MAX)
            flush(s, false);
    }
}

void redact_stream_finish(struct redact_stream *s)
{
    if (s->redact && s->waiting.len > 0)
        flush(s, true);
    buf_done(&s->waiting);
    s->redact = NULL;
}
