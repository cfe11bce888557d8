/* Rows, times and problems; see card.h. */
#include "card.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "shipctl/text.h"

#define LABEL_CELLS  12
#define DIGEST_SHOWN (sizeof "sha256:" - 1 + 12)
#define MS_PER_S     1000
#define NS_PER_MS    1000000

static void add_label(struct text *t, const struct style *s, const char *label)
{
    size_t cells = strlen(label);

    text_pad(t, cells < LABEL_CELLS ? LABEL_CELLS - cells : 0);
    style_add(t, s, TONE_DIM, label);
}

void card_row(struct text *t, const struct style *s, const char *label, const char *value)
{
    if (value == NULL || *value == '\0')
        return;
    add_label(t, s, label);
    text_add(t, "  ");
    text_add_safe(t, value);
    text_add(t, "\n");
}

void card_rowf(struct text *t, const struct style *s, const char *label, const char *fmt, ...)
{
    char value[1024];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(value, sizeof value, fmt, ap);
    va_end(ap);
    card_row(t, s, label, value);
}

void card_head(struct text *t, const struct style *s, enum mark mark, enum tone tone,
               const char *headline)
{
    struct text safe = {0};

    text_add_safe(&safe, headline);
    style_add(t, s, tone, style_mark(s, mark));
    text_add(t, " ");
    style_add(t, s, TONE_BOLD, text_str(&safe));
    text_add(t, "\n");
    text_done(&safe);
}

void card_block(struct text *t, const struct style *s, const char *label, const char *lines)
{
    if (lines == NULL || *lines == '\0')
        return;
    add_label(t, s, label);
    text_add(t, "\n");
    text_add_safe_lines(t, "              | ", lines);
}

int64_t card_now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * MS_PER_S + now.tv_nsec / NS_PER_MS;
}

const char *card_span(int64_t ms, char out[32])
{
    static const struct {
        int64_t ms;
        const char *name;
    } units[] = {
        {86400000, "d"  },
        {3600000,  "h"  },
        {60000,    "min"},
        {MS_PER_S, "s"  }
    };
    size_t i = 0;

    while (i + 1 < ARRAY_LEN(units) && ms < units[i].ms)
        i++;
    (void)snprintf(out, 32, "%" PRId64 " %s", ms / units[i].ms, units[i].name);
    return out;
}

const char *card_ago(int64_t at_ms, int64_t now_ms, char out[48])
{
    char span[32];

    (void)card_span(now_ms >= at_ms ? now_ms - at_ms : at_ms - now_ms, span);
    if (at_ms <= 0)
        (void)snprintf(out, 48, "never");
    else if (now_ms >= at_ms)
        (void)snprintf(out, 48, "%s ago", span);
    else
        (void)snprintf(out, 48, "in %s", span);
    return out;
}

const char *card_when(int64_t at_ms, int64_t now_ms, char out[96])
{
    char stamp[SHIP_TEXT_MAX];
    char ago[48];

    if (at_ms <= 0)
        (void)snprintf(out, 96, "never");
    else
        (void)snprintf(out, 96, "%s (%s)", ship_text_time(at_ms, stamp),
                       card_ago(at_ms, now_ms, ago));
    return out;
}

const char *card_version(const char *version, const char *digest, char out[256])
{
    if (version == NULL)
        version = digest;
    if (version == NULL)
        (void)snprintf(out, 256, "-");
    else if (digest == NULL || strcmp(version, digest) == 0)
        (void)snprintf(out, 256, "%s", version);
    else
        (void)snprintf(out, 256, "%s (%.*s)", version, (int)DIGEST_SHOWN, digest);
    return out;
}

static bool was_shown(const struct ship_problem *p, const char *shown)
{
    struct text whole = {0};
    bool was;

    text_addf(&whole, "%s: %s", p->where, p->text);
    was = strstr(shown, text_str(&whole)) != NULL;
    text_done(&whole);
    return was;
}

static void add_problem_head(struct text *t, const struct style *s, const struct ship_problem *p)
{
    struct text where = {0};

    text_add_safe(&where, p->where);
    style_add(t, s, TONE_BOLD, text_str(&where));
    text_add(t, ": ");
    style_add(t, s, p->is_error ? TONE_BAD : TONE_WARN, p->is_error ? "error" : "warning");
    text_add(t, ": ");
    text_add_safe(t, p->text);
    text_add(t, "\n");
    text_done(&where);
}

static void add_problem(struct text *t, const struct style *s, const struct ship_problem *p,
                        const char *shown)
{
    if (!was_shown(p, shown))
        add_problem_head(t, s, p);
    if (p->snippet != NULL)
        text_add_safe_lines(t, "  ", p->snippet);
}

void card_problems(struct text *t, const struct style *s, const struct ship_problem *problems,
                   size_t n, const char *shown)
{
    for (size_t i = 0; i < n; i++)
        if (problems[i].is_error)
            add_problem(t, s, &problems[i], shown);
    for (size_t i = 0; i < n; i++)
        if (!problems[i].is_error)
            add_problem(t, s, &problems[i], shown);
}
