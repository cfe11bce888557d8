/*
 * The sink list: hands each event to every sink, in the order they were added, with what is secret
 * replaced.
 */
#include "shipctl/event.h"

#include <assert.h>
#include <stdarg.h>
#include <string.h>

#include "base/alloc.h"
#include "base/auto.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/redact.h"

/* Longest message text; more is cut. */
#define MESSAGE_MAX (64u * 1024)

void ship_events_add(struct ship_events *events, struct ship_sink *sink)
{
    assert(events->n_sinks < SHIP_SINKS_MAX);
    events->sinks[events->n_sinks++] = sink;
}

void ship_emit(const struct ship_events *events, const struct ship_event *event)
{
    struct ship_event copy = *event;

    if (events == NULL)
        return;
    assert(event->text != NULL);
    size_t len = strlen(event->text);
    AUTO(buf_done) struct buf text = BUF_INIT(len + MESSAGE_MAX);
    if (redact_text(events->redact, event->text, len, false, &text))
        copy.text = text.p;
    if (copy.at_ms == 0)
        copy.at_ms = clock_epoch_ms(&clock_real);
    for (size_t i = 0; i < events->n_sinks; i++)
        events->sinks[i]->emit(events->sinks[i], &copy);
}

void ship_emit_message(const struct ship_events *events, enum ship_level level, const char *fmt,
                       ...)
{
    AUTO(buf_done) struct buf text = BUF_INIT(MESSAGE_MAX);
    va_list ap;

    va_start(ap, fmt);
    (void)buf_vaddf(&text, fmt, ap); /* cut at MESSAGE_MAX */
    va_end(ap);
    ship_emit(events, &(struct ship_event){
                          .kind = SHIP_EVENT_MESSAGE,
                          .level = level,
                          .text = text.p,
                      });
}

const char *ship_step_status_text(enum ship_step_status status)
{
    static const char *const texts[] = {
        [SHIP_STEP_PENDING] = "pending", [SHIP_STEP_RUNNING] = "running",
        [SHIP_STEP_DONE] = "done",       [SHIP_STEP_SKIPPED] = "skipped",
        [SHIP_STEP_WARNED] = "warned",   [SHIP_STEP_FAILED] = "failed",
        [SHIP_STEP_UNDONE] = "undone",
    };

    assert((size_t)status < ARRAY_LEN(texts));
    return texts[status];
}
