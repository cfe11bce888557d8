/* When a transfer under way has to end although nothing went wrong: for both ways to transfer. */
#ifndef SHIP_NET_WATCH_H
#define SHIP_NET_WATCH_H

#include <strings.h>

#include "net/transfer.h"

#define WATCH_SLICE_MS     100  /* how late a stop signal may be seen */
#define WATCH_SLICE_MAX_MS 1000 /* the same for transfers nothing interrupts */

struct watch {
    const struct clock *clock;
    const struct transfer_request *req; /* NULL = nothing under way */
    int64_t begun_ms, active_ms;        /* start; last byte received */
};

/* The reason to end the transfer now, or TRANSFER_OK. */
static inline enum transfer_fault watch_overdue(const struct watch *w)
{
    const struct transfer_request *req = w->req;
    int64_t now = clock_now_ms(w->clock);

    if ((req->flags & TRANSFER_INTERRUPTIBLE) && clock_stop_signal(w->clock))
        return TRANSFER_STOPPED;
    if (now >= req->deadline_ms)
        return TRANSFER_TIMEOUT;
    if (req->idle_ms > 0 && now - w->active_ms >= req->idle_ms)
        return TRANSFER_IDLE;
    return TRANSFER_OK;
}

/* How long to sleep at most before looking again. */
static inline int watch_slice_ms(const struct watch *w, int64_t until_ms)
{
    const struct transfer_request *req = w->req;
    int64_t slice = req->flags & TRANSFER_INTERRUPTIBLE ? WATCH_SLICE_MS : WATCH_SLICE_MAX_MS;
    int64_t left = clock_left_ms(w->clock, clock_earlier(until_ms, req->deadline_ms));

    if (req->idle_ms > 0)
        slice = clock_earlier(slice, req->idle_ms);
    return (int)clock_earlier(slice, left);
}

/* Where clouds keep their credentials. */
static inline bool watch_is_link_local(const char *address)
{
    return str_starts(address, "169.254.") || strncasecmp(address, "fe80:", 5) == 0 ||
           strcasecmp(address, "fd00:ec2::254") == 0;
}

#endif
