/* The status card; see status_card.h. */
#include "status_card.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "shipctl/text.h"

#include "card.h"
#include "columns.h"

static const char *or_dash(const char *s)
{
    return s != NULL && *s != '\0' ? s : "-";
}

static bool has_text(const char *s)
{
    return s != NULL && *s != '\0';
}

static void add_head(struct text *t, const struct style *s, const struct ship_status *st)
{
    struct text head = {0};
    const char *word = st->engine_error != NULL ? "unknown: the engine does not answer"
                       : st->deployment == 0    ? "never deployed"
                       : st->healthy            ? "healthy"
                                                : "not healthy";
    enum tone tone = st->healthy && st->engine_error == NULL ? TONE_GOOD
                     : st->deployment == 0                   ? TONE_DIM
                                                             : TONE_BAD;

    text_add(&head, or_dash(st->app));
    if (has_text(st->environment))
        text_addf(&head, " (%s)", st->environment);
    if (has_text(st->version))
        text_addf(&head, " %s", st->version);
    text_addf(&head, ": %s", word);
    card_head(t, s, MARK_DOT, tone, text_str(&head));
    text_done(&head);
}

static void add_deployment(struct text *t, const struct style *s, const struct ship_status *st,
                           int64_t now_ms)
{
    char when[96];
    char version[256];

    if (has_text(st->version) || has_text(st->digest))
        card_row(t, s, "version", card_version(st->version, st->digest, version));
    if (st->deployed_at_ms > 0)
        card_row(t, s, "since", card_when(st->deployed_at_ms, now_ms, when));
    if (st->deployment > 0)
        card_rowf(t, s, "deployment", "%" PRId64 "%s%s", st->deployment,
                  has_text(st->actor) ? " by " : "", st->actor != NULL ? st->actor : "");
    card_row(t, s, "reason", st->reason);
    card_row(t, s, "engine", st->engine_error);
    if (has_text(st->previous.version))
        card_rowf(t, s, "previous", "%s (deployment %" PRId64 "), %s", st->previous.version,
                  st->previous.deployment,
                  st->previous.image_is_local ? "ready: shipctl rollback"
                                              : "its image must be pulled first");
    else if (st->deployment > 0)
        card_row(t, s, "previous", "none: there is nothing to roll back to");
}

static void add_operation(struct text *t, const struct style *s, const struct ship_status *st,
                          int64_t now_ms)
{
    char ago[48];

    if (st->operation.action == NULL)
        return;
    card_rowf(t, s, st->operation.pid > 0 ? "running" : "interrupted",
              "%s %s%s%s by %s, began %s%s%s", st->operation.action,
              st->operation.version != NULL ? st->operation.version : "",
              has_text(st->operation.step) ? ", step " : "",
              st->operation.step != NULL ? st->operation.step : "", or_dash(st->operation.actor),
              card_ago(st->operation.since_ms, now_ms, ago),
              st->operation.pid == 0 && has_text(st->operation.state) ? ", state " : "",
              st->operation.pid == 0 && st->operation.state != NULL ? st->operation.state : "");
    if (st->operation.pid > 0)
        card_rowf(t, s, "process", "%" PRId64, st->operation.pid);
    else
        card_row(t, s, "next", "shipctl recover");
}

static void add_usage(struct columns *c, const struct ship_status_service *v)
{
    char used[SHIP_TEXT_MAX];
    char limit[SHIP_TEXT_MAX];

    if (v->cpu_pct >= 0)
        columns_addf(c, "%.1f %%", v->cpu_pct);
    else
        columns_add(c, NULL);
    if (v->memory_bytes < 0)
        columns_add(c, NULL);
    else if (v->memory_limit_bytes > 0)
        columns_addf(c, "%s / %s", ship_text_bytes((uint64_t)v->memory_bytes, used),
                     ship_text_bytes((uint64_t)v->memory_limit_bytes, limit));
    else
        columns_add(c, ship_text_bytes((uint64_t)v->memory_bytes, used));
}

static enum tone state_tone(const char *state)
{
    return state != NULL && strcmp(state, "running") == 0 ? TONE_GOOD : TONE_BAD;
}

static enum tone health_tone(const char *health)
{
    if (health == NULL || strcmp(health, "none") == 0)
        return TONE_DIM;
    if (strcmp(health, "healthy") == 0)
        return TONE_GOOD;
    return strcmp(health, "starting") == 0 ? TONE_WARN : TONE_BAD;
}

/* "exited (137, out of memory)" */
static void add_state(struct columns *c, const struct ship_status_service *v)
{
    char state[128];

    (void)snprintf(state, sizeof state, "%s", or_dash(v->state));
    if (v->state != NULL && strcmp(v->state, "exited") == 0)
        (void)snprintf(state, sizeof state, "exited (%" PRId64 "%s)", v->exit_code,
                       v->oom_killed ? ", out of memory" : "");
    columns_add_tone(c, state_tone(v->state), state);
}

static void add_service(struct columns *c, const struct style *s,
                        const struct ship_status_service *v, int64_t now_ms)
{
    char service[160];
    char up[32];

    (void)snprintf(service, sizeof service, "%s%s", or_dash(v->service),
                   v->deployed ? (s->unicode ? " ●" : " *") : "");
    columns_add(c, service);
    columns_add(c, v->container);
    columns_add(c, v->version);
    add_state(c, v);
    columns_add_tone(c, health_tone(v->health), v->health);
    add_usage(c, v);
    columns_addf(c, "%" PRId64, v->restarts);
    columns_add(c, v->started_at_ms > 0 ? card_span(now_ms - v->started_at_ms, up) : NULL);
}

static void add_services(struct text *t, const struct style *s, const struct ship_status *st,
                         int64_t now_ms)
{
    static const struct column heads[] = {
        {"SERVICE",   COLUMN_LEFT },
        {"CONTAINER", COLUMN_LEFT },
        {"VERSION",   COLUMN_LEFT },
        {"STATE",     COLUMN_LEFT },
        {"HEALTH",    COLUMN_LEFT },
        {"CPU",       COLUMN_RIGHT},
        {"MEMORY",    COLUMN_RIGHT},
        {"RESTARTS",  COLUMN_RIGHT},
        {"UP",        COLUMN_LEFT }
    };
    struct columns c;

    if (st->n_services == 0)
        return;
    text_add(t, "\n");
    columns_init(&c, heads, ARRAY_LEN(heads));
    for (size_t i = 0; i < st->n_services; i++)
        add_service(&c, s, &st->services[i], now_ms);
    columns_format(&c, s, 2, t);
    columns_done(&c);
}

static void add_drift(struct text *t, const struct style *s, const struct ship_status *st)
{
    if (st->n_drift == 0)
        return;
    text_add(t, "\n  ");
    style_add(t, s, TONE_WARN, "Drift");
    text_add(t, "\n");
    for (size_t i = 0; i < st->n_drift; i++) {
        const struct ship_drift *d = &st->drift[i];

        text_addf(t, "  %s ", style_mark(s, MARK_WARN));
        if (has_text(d->service)) {
            text_add_safe(t, d->service);
            text_add(t, ": ");
        }
        text_add_safe(t, or_dash(d->text));
        if (has_text(d->hint)) {
            text_add(t, "; next: ");
            text_add_safe(t, d->hint);
        }
        text_add(t, "\n");
    }
}

void status_card(struct text *t, const struct style *s, const struct ship_status *st,
                 int64_t now_ms)
{
    add_head(t, s, st);
    add_operation(t, s, st, now_ms);
    add_deployment(t, s, st, now_ms);
    add_services(t, s, st, now_ms);
    add_drift(t, s, st);
    if (st->deployment == 0 && st->engine_error == NULL && st->operation.action == NULL)
        card_row(t, s, "next", "shipctl deploy VERSION");
}
