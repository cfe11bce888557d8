/*
 * The two ways to transfer, behind transfer.h: over a plain socket by ourselves (wire.c: the
 * engine, checks of http:// addresses), and with libcurl (via_curl.c: TLS, proxies, host names).
 *
 * Why two: loading libcurl and the 30 libraries it brings costs more time than everything else a
 * short command does. The functions are those of transfer.h.
 */
#ifndef SHIP_NET_BACKEND_H
#define SHIP_NET_BACKEND_H

#include "net/transfer.h"

struct wire;
struct wire *wire_new(const struct clock *clock);
void wire_free(struct wire *w); /* NULL is fine */
/* Is this request one for wire.c? */
bool wire_can(const struct transfer_request *req);
void wire_use_clock(struct wire *w, const struct clock *clock);
void wire_begin(struct wire *w, const struct transfer_request *req);
bool wire_step(struct wire *w, int64_t until_ms, struct transfer_result *ret);
void wire_yield(struct wire *w);
void wire_cancel(struct wire *w);
int wire_status(const struct wire *w);

struct via_curl;
struct via_curl *via_curl_new(const struct clock *clock);
void via_curl_free(struct via_curl *t); /* NULL is fine */
void via_curl_use_clock(struct via_curl *t, const struct clock *clock);
void via_curl_begin(struct via_curl *t, const struct transfer_request *req);
bool via_curl_step(struct via_curl *t, int64_t until_ms, struct transfer_result *ret);
void via_curl_yield(struct via_curl *t);
void via_curl_cancel(struct via_curl *t);
int via_curl_status(const struct via_curl *t);
/* "libcurl 7.88.1 (OpenSSL/3.0.15)", or why there is none; static. */
const char *via_curl_describe(void);

#endif
