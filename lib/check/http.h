/*
 * The http check in two halves: http.c makes the request, http_answer.c reads
 * what is wanted and judges the answer.
 */
#ifndef SHIP_CHECK_HTTP_H
#define SHIP_CHECK_HTTP_H

#include "check/support.h"
#include "net/http.h"

enum { HTTP_VIA_HOST, HTTP_VIA_CONTAINER };

#define HTTP_STATUSES_MAX 32
#define HTTP_DAYS_NONE    (-1)

struct http_range {
    int first, last;
};
struct http_statuses {
    struct http_range list[HTTP_STATUSES_MAX];
    size_t n;
    char text[64]; /* as in the plan, for messages */
};

struct http_config {
    char *url, *method, *body, *contains, *resolve, *service, *ca_file;
    struct strv headers, header; /* k, v, k, v ... */
    struct http_statuses status;
    struct check_regex matches;
    struct {
        char *pointer, *equals;
    } json;
    int64_t max_latency_ms, min_tls_days;
    int via;
    bool insecure, follow_redirects;
};

/* FIELD_CUSTOM: a status or a list of them; target is a `struct http_statuses`. */
void http_statuses_decode(const struct yaml_node *node, void *target, struct field_ctx *ctx);

struct http_answer {
    const struct check_env *env;
    const struct http_config *cfg;
    const struct http_response *response;
    const char *url; /* as shown */
};

/* Is it as wanted? Always writes the verdict; returns 0. */
int http_judge(const struct http_answer *a, struct check_result *ret);

#endif
