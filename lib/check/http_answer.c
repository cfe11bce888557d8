/*
 * What an http check wants of an answer, and whether it got it. The judges run
 * in the order a reader would look: status, time, certificate, headers, body.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "check/http.h"

/* ---- status list ---- */

/* "204", "2xx", "200-299" */
static int parse_range(const char *text, struct http_range *ret)
{
    int64_t first, last;
    const char *dash = strchr(text, '-');
    AUTO_FREE char *left = xstrndup(text, dash ? (size_t)(dash - text) : strlen(text));

    if (strlen(text) == 3 && text[0] >= '1' && text[0] <= '5' && strcmp(text + 1, "xx") == 0) {
        *ret = (struct http_range){(text[0] - '0') * 100, (text[0] - '0') * 100 + 99};
        return 0;
    }
    if (str_to_i64(left, &first) < 0 || str_to_i64(dash ? dash + 1 : left, &last) < 0)
        return -1;
    if (first < 100 || last > 599 || first > last)
        return -1;
    *ret = (struct http_range){(int)first, (int)last};
    return 0;
}

static void add_status(const struct yaml_node *node, struct http_statuses *out,
                       struct field_ctx *ctx)
{
    size_t at = strlen(out->text);

    if (node->kind != YAML_SCALAR || out->n == HTTP_STATUSES_MAX ||
        parse_range(node->text, &out->list[out->n]) < 0) {
        yaml_problem_add(ctx->problems, YAML_ERROR, &node->mark,
                         "%s: wanted is a status like 200, 2xx or 200-299, at most %d of them",
                         ctx->where, HTTP_STATUSES_MAX);
        return;
    }
    out->n++;
    (void)snprintf(out->text + at, sizeof out->text - at, "%s%s", at ? ", " : "", node->text);
}

void http_statuses_decode(const struct yaml_node *node, void *target, struct field_ctx *ctx)
{
    struct http_statuses *out = target;

    if (node->kind == YAML_SCALAR || node->n == 0)
        add_status(node, out, ctx);
    for (size_t i = 0; i < node->n; i++)
        add_status(node->items[i], out, ctx);
}

static bool status_wanted(const struct http_statuses *s, int status)
{
    for (size_t i = 0; i < s->n; i++)
        if (status >= s->list[i].first && status <= s->list[i].last)
            return true;
    return false;
}

/* ---- judging the answer: each returns 1 as wanted, 0 verdict written ---- */

static int judge_status(const struct http_answer *a, struct check_result *ret)
{
    if (status_wanted(&a->cfg->status, a->response->status))
        return 1;
    return check_say(ret, CHECK_FAIL, "HTTP %d from '%s', want %s", a->response->status, a->url,
                     a->cfg->status.text);
}

static int judge_latency(const struct http_answer *a, struct check_result *ret)
{
    int64_t max = a->cfg->max_latency_ms;

    if (max == 0 || a->response->elapsed_ms <= max)
        return 1;
    return check_say(ret, CHECK_FAIL, "'%s' took %" PRId64 " ms, want at most %" PRId64 " ms",
                     a->url, a->response->elapsed_ms, max);
}

static int judge_tls(const struct http_answer *a, struct check_result *ret)
{
    int64_t days = a->response->cert_days, min = a->cfg->min_tls_days;

    if (min == HTTP_DAYS_NONE)
        return 1;
    if (days == HTTP_CERT_NONE)
        return check_say(ret, CHECK_UNKNOWN, "'%s' has no TLS certificate to look at", a->url);
    if (days >= min)
        return 1;
    return check_say(ret, CHECK_FAIL,
                     "certificate of '%s' ends in %" PRId64 " days, want at least %" PRId64, a->url,
                     days, min);
}

static int judge_headers(const struct http_answer *a, struct check_result *ret)
{
    for (size_t i = 0; i + 1 < a->cfg->header.n; i += 2) {
        const char *name = a->cfg->header.v[i], *have = http_header(a->response, name);
        AUTO_FREE char *want = check_expand(a->env, a->cfg->header.v[i + 1], ret);

        if (!want)
            return 0;
        if (!have)
            return check_say(ret, CHECK_FAIL, "answer of '%s' has no header '%s'", a->url, name);
        /* An empty wanted value asks only whether the header is there. */
        if (*want && !str_eq(have, want))
            return check_say(ret, CHECK_FAIL, "header '%s' of '%s' is '%.100s', want '%.100s'",
                             name, a->url, have, want);
    }
    return 1;
}

/* The text is not in what was read; more may have followed. */
static int body_verdict(const struct http_answer *a, const char *want, struct check_result *ret)
{
    if (a->response->body_cut)
        return check_say(ret, CHECK_UNKNOWN,
                         "body of '%s' is larger than 1 MiB; '%.100s' is not in that part", a->url,
                         want);
    return check_say(ret, CHECK_FAIL, "body of '%s' lacks '%.100s'", a->url, want);
}

static int judge_body(const struct http_answer *a, struct check_result *ret)
{
    const struct buf *body = &a->response->body;
    AUTO_FREE char *contains = NULL;

    if (a->cfg->contains) {
        contains = check_expand(a->env, a->cfg->contains, ret);
        if (!contains)
            return 0;
        if (!memmem(body->p, body->len, contains, strlen(contains)))
            return body_verdict(a, contains, ret);
    }
    if (a->cfg->matches.compiled && !check_regex_matches(&a->cfg->matches, body->p))
        return body_verdict(a, a->cfg->matches.text, ret);
    return 1;
}

/* Text as it is, everything else as JSON; numbers by value (1 equals 1.0). */
static bool json_equals(const struct json *value, const char *want)
{
    AUTO_FREE char *text =
        json_is_string(value) ? xstrdup(json_value_str(value)) : json_print(value);
    double number;

    if (str_eq(text, want))
        return true;
    return json_is_number(value) && str_to_double(want, &number) == 0 &&
           !(json_value_double(value) < number) && !(json_value_double(value) > number);
}

static int judge_value(const struct http_answer *a, const struct json *doc, const char *want,
                       struct check_result *ret)
{
    const char *pointer = a->cfg->json.pointer;
    const struct json *value = json_pointer(doc, pointer);
    AUTO_FREE char *have = value ? json_print(value) : NULL;

    if (!value)
        return check_say(ret, CHECK_FAIL, "JSON of '%s' has nothing at '%s'", a->url, pointer);
    if (want && !json_equals(value, want))
        return check_say(ret, CHECK_FAIL, "JSON of '%s' has %.100s at '%s', want '%.100s'", a->url,
                         have, pointer, want);
    return 1;
}

static int judge_json(const struct http_answer *a, struct check_result *ret)
{
    const struct buf *body = &a->response->body;
    AUTO_PTR(json_free) struct json *doc = NULL;
    AUTO_FREE char *want = NULL;
    struct ship_error err = {0};

    if (!a->cfg->json.pointer)
        return 1;
    if (a->response->body_cut)
        return check_say(ret, CHECK_UNKNOWN, "JSON of '%s' is larger than 1 MiB", a->url);
    if (a->cfg->json.equals) {
        want = check_expand(a->env, a->cfg->json.equals, ret);
        if (!want)
            return 0;
    }
    doc = json_parse(body->p, body->len, "answer", &err);
    if (!doc)
        return check_say(ret, CHECK_FAIL, "'%s' did not answer with JSON: %s", a->url, err.msg);
    return judge_value(a, doc, want, ret);
}

int http_judge(const struct http_answer *a, struct check_result *ret)
{
    static int (*const judges[])(const struct http_answer *, struct check_result *) = {
        judge_status, judge_latency, judge_tls, judge_headers, judge_body, judge_json};

    for (size_t i = 0; i < ARRAY_LEN(judges); i++)
        if (judges[i](a, ret) == 0)
            return 0;
    return check_say(ret, CHECK_PASS, "HTTP %d from '%s' in %" PRId64 " ms", a->response->status,
                     a->url, a->response->elapsed_ms);
}
