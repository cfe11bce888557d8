/*
 * HTTP transfers (contract: transfer.h): each request goes to the way that can carry it. Neither
 * way is opened before its first request.
 */
#include "net/transfer.h"

#include <string.h>

#include "base/alloc.h"
#include "net/backend.h"

struct transfer {
    const struct clock *clock;
    struct wire *wire;
    struct via_curl *curl;
    bool on_curl; /* which one has the transfer under way, or had the last one */
};

struct transfer *transfer_new(const struct clock *clock)
{
    struct transfer *t = xcalloc(1, sizeof *t);

    t->clock = clock;
    return t;
}

void transfer_use_clock(struct transfer *t, const struct clock *clock)
{
    t->clock = clock;
    if (t->wire)
        wire_use_clock(t->wire, clock);
    if (t->curl)
        via_curl_use_clock(t->curl, clock);
}

void transfer_free(struct transfer *t)
{
    if (t == NULL)
        return;
    wire_free(t->wire);
    via_curl_free(t->curl);
    free(t);
}

void transfer_cancel(struct transfer *t)
{
    if (t->wire)
        wire_cancel(t->wire);
    if (t->curl)
        via_curl_cancel(t->curl);
}

void transfer_begin(struct transfer *t, const struct transfer_request *req)
{
    transfer_cancel(t);
    t->on_curl = !wire_can(req);
    if (t->on_curl) {
        t->curl = t->curl ? t->curl : via_curl_new(t->clock);
        via_curl_begin(t->curl, req);
    } else {
        t->wire = t->wire ? t->wire : wire_new(t->clock);
        wire_begin(t->wire, req);
    }
}

bool transfer_step(struct transfer *t, int64_t until_ms, struct transfer_result *ret)
{
    if (t->on_curl)
        return via_curl_step(t->curl, until_ms, ret);
    if (t->wire)
        return wire_step(t->wire, until_ms, ret);
    *ret = (struct transfer_result){.fault = TRANSFER_LOST};
    return true;
}

void transfer_run(struct transfer *t, const struct transfer_request *req,
                  struct transfer_result *ret)
{
    transfer_begin(t, req);
    while (!transfer_step(t, req->deadline_ms, ret))
        ;
}

void transfer_yield(struct transfer *t)
{
    if (t->on_curl)
        via_curl_yield(t->curl);
    else if (t->wire)
        wire_yield(t->wire);
}

int transfer_status(const struct transfer *t)
{
    if (t->on_curl)
        return via_curl_status(t->curl);
    return t->wire ? wire_status(t->wire) : 0;
}

void transfer_escape(struct buf *out, const char *s, const char *keep)
{
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     strchr("-._~", c) || strchr(keep, c);
        if (plain)
            (void)buf_addc(out, (char)c);
        else
            (void)buf_addf(out, "%%%02X", c);
    }
}
