/*
 * http: a request is answered as wanted.
 *
 * One request on a connection of its own; at most 1 MiB of the body is read.
 * Wanted are: status (codes, "2xx", "200-299"; default 2xx), and when given
 * contains, matches (POSIX extended), json {pointer, equals}, header {name:
 * value}, max_latency, min_tls_days. `via: container` connects to the address
 * of the service's container, `resolve` to another host or address; the URL's
 * host stays in the Host header and in TLS. url, headers, body and texts are
 * templates; `matches` is not.
 * PASS: all as wanted. FAIL: no connection, no answer in time, TLS failure, or
 * an answer that is not as wanted. UNKNOWN: the request can not be made (bad
 * URL, no container, variable without a value), or the answer can not be
 * judged (body beyond 1 MiB, no TLS to look at).
 */
#include "check/http.h"

#include <string.h>
#include <strings.h>

#include "shipctl/shipctl.h"

#include "base/alloc.h"
#include "check/types.h"

static const char *const via_words[] = {"host", "container", NULL};

static const struct field json_fields[] = {
    {.key = "pointer",
     .kind = FIELD_STRING,
     .offset = offsetof(struct http_config, json.pointer) - offsetof(struct http_config, json),
     .max = 1024,
     .fallback = ""},
    {.key = "equals",
     .kind = FIELD_STRING,
     .offset = offsetof(struct http_config, json.equals) - offsetof(struct http_config, json),
     .max = 4096,
     .fallback = ""},
    {0                               },
};

#define TEXT(name, longest)                                                                        \
    {                                                                                              \
        .key = #name, .kind = FIELD_STRING, .offset = offsetof(struct http_config, name),          \
        .min = 1, .max = (longest), .fallback = ""                                                 \
    }

static const struct field http_fields[] = {
    {.key = "url",
     .kind = FIELD_STRING,
     .offset = offsetof(struct http_config, url),
     .min = 1,
     .max = 4096,
     .fallback = NULL},
    TEXT(method, 32),
    TEXT(body, 65536),
    TEXT(contains, 4096),
    TEXT(resolve, 255),
    TEXT(service, 255),
    TEXT(ca_file, 4096),
    {.key = "headers",
     .kind = FIELD_MAP,
     .offset = offsetof(struct http_config, headers),
     .max = 64,
     .fallback = ""},
    {.key = "header",
     .kind = FIELD_MAP,
     .offset = offsetof(struct http_config, header),
     .max = 64,
     .fallback = ""},
    {.key = "status",
     .kind = FIELD_CUSTOM,
     .offset = offsetof(struct http_config, status),
     .fallback = "2xx",
     .custom = http_statuses_decode},
    {.key = "matches",
     .kind = FIELD_CUSTOM,
     .offset = offsetof(struct http_config, matches),
     .fallback = "",
     .custom = check_regex_decode,
     .custom_done = check_regex_done},
    {.key = "json",
     .kind = FIELD_STRUCT,
     .offset = offsetof(struct http_config, json),
     .fallback = "",
     .sub = json_fields},
    {.key = "max_latency",
     .kind = FIELD_MS,
     .offset = offsetof(struct http_config, max_latency_ms),
     .min = 1,
     .max = 3600000,
     .fallback = ""},
    {.key = "min_tls_days",
     .kind = FIELD_INT,
     .offset = offsetof(struct http_config, min_tls_days),
     .min = HTTP_DAYS_NONE,
     .max = 3650,
     .fallback = "-1"},
    {.key = "via",
     .kind = FIELD_ENUM,
     .offset = offsetof(struct http_config, via),
     .fallback = "host",
     .words = via_words},
    {.key = "insecure",
     .kind = FIELD_BOOL,
     .offset = offsetof(struct http_config, insecure),
     .fallback = "false"},
    {.key = "follow_redirects",
     .kind = FIELD_BOOL,
     .offset = offsetof(struct http_config, follow_redirects),
     .fallback = "false"},
    {0                      },
};

/* ---- the request ---- */

/* Expanded texts of one request. */
struct request_texts {
    char *url, *method, *body, *connect_to, *ca_file;
    struct strv headers; /* "Name: value" */
};

static void texts_done(struct request_texts *t)
{
    free(t->url);
    free(t->method);
    free(t->body);
    free(t->connect_to);
    free(t->ca_file);
    strv_done(&t->headers);
}

static int expand_optional(const struct check_env *env, const char *text, char **out,
                           struct check_result *ret)
{
    if (!text)
        return 1;
    *out = check_expand(env, text, ret);
    return *out ? 1 : 0;
}

/* Secret by its name, or by where it comes from. */
static void hide_header(const struct check_env *env, const char *name, const char *text,
                        const char *value)
{
    redact_add_named(check_redact(env), name, value);
    if (strstr(text, "${env:"))
        redact_add_credentials(check_redact(env), value);
}

static int expand_headers(const struct check_env *env, const struct http_config *cfg,
                          struct strv *out, struct check_result *ret)
{
    bool has_agent = false;

    for (size_t i = 0; i + 1 < cfg->headers.n; i += 2) {
        AUTO_FREE char *value = check_expand(env, cfg->headers.v[i + 1], ret);

        if (!value)
            return 0;
        hide_header(env, cfg->headers.v[i], cfg->headers.v[i + 1], value);
        has_agent = has_agent || strcasecmp(cfg->headers.v[i], "User-Agent") == 0;
        strv_take(out, xasprintf("%s: %s", cfg->headers.v[i], value));
    }
    if (!has_agent)
        strv_add(out, "User-Agent: shipctl/" SHIPCTL_VERSION);
    return 1;
}

static int expand_texts(const struct check_env *env, const struct http_config *cfg,
                        struct request_texts *t, struct check_result *ret)
{
    if (expand_optional(env, cfg->url, &t->url, ret) == 0 ||
        expand_optional(env, cfg->method, &t->method, ret) == 0 ||
        expand_optional(env, cfg->body, &t->body, ret) == 0 ||
        expand_optional(env, cfg->resolve, &t->connect_to, ret) == 0)
        return 0;
    if (cfg->ca_file) {
        t->ca_file = check_path(env, cfg->ca_file, ret);
        if (!t->ca_file)
            return 0;
    }
    return expand_headers(env, cfg, &t->headers, ret);
}

/* A URL with secrets in it (a token from the environment or a file) is shown as in the plan. */
static const char *shown_url(const struct http_config *cfg, const char *url)
{
    return strstr(cfg->url, "${env:") || strstr(cfg->url, "${file:") ? cfg->url : url;
}

static int no_answer(const struct http_config *cfg, const char *url, bool refused,
                     struct check_result *ret, const struct ship_error *err)
{
    bool impossible = err->code == SHIP_INVALID;

    if (err->code == SHIP_INTERRUPTED || err->code == SHIP_INTERNAL)
        return -1;
    ret->refused = refused;
    if (shown_url(cfg, url) != url)
        return check_say(ret, impossible ? CHECK_UNKNOWN : CHECK_FAIL, "no answer from '%s': %s",
                         cfg->url, ship_code_text(err->code));
    return check_say(ret, impossible ? CHECK_UNKNOWN : CHECK_FAIL, "%s", err->msg);
}

static int fetch(const struct check_env *env, const struct http_config *cfg,
                 const struct request_texts *t, int64_t deadline_ms, struct check_result *ret,
                 struct ship_error *err)
{
    AUTO(http_response_done) struct http_response response = {0};
    struct http_answer a = {env, cfg, &response, shown_url(cfg, t->url)};
    bool refused = false;
    struct http_request req = {
        .url = t->url,
        .method = t->method,
        .headers = &t->headers,
        .body = t->body,
        .body_len = t->body ? strlen(t->body) : 0,
        .ca_file = t->ca_file,
        .connect_to = t->connect_to,
        .deadline_ms = deadline_ms,
        .clock = env->clock,
        .flags = HTTP_UNTIL_STOP | HTTP_CUT_BODY | (cfg->insecure ? HTTP_INSECURE : 0u) |
                 (cfg->follow_redirects ? HTTP_FOLLOW : 0u),
    };

    if (http_fetch(&req, &response, &refused, err) < 0)
        return no_answer(cfg, t->url, refused, ret, err);
    return http_judge(&a, ret);
}

static int http_run(const struct check_env *env, const void *config, int64_t deadline_ms,
                    struct check_result *ret, struct ship_error *err)
{
    const struct http_config *cfg = config;
    AUTO(texts_done) struct request_texts t = {0};

    if (expand_texts(env, cfg, &t, ret) == 0)
        return 0;
    if (cfg->via == HTTP_VIA_CONTAINER) {
        int rc = check_container_address(env, cfg->service, deadline_ms, &t.connect_to, ret, err);

        if (rc <= 0)
            return rc;
    }
    return fetch(env, cfg, &t, deadline_ms, ret, err);
}

static void http_validate(const void *config, const struct yaml_node *node, struct field_ctx *ctx)
{
    const struct http_config *cfg = config;
    const char *what = NULL;

    if (cfg->via == HTTP_VIA_CONTAINER && cfg->resolve)
        what = "give 'via: container' or 'resolve', not both";
    else if (cfg->service && cfg->via != HTTP_VIA_CONTAINER)
        what = "'service' needs 'via: container'";
    else if (cfg->json.equals && !cfg->json.pointer)
        what = "'json.equals' needs 'json.pointer'";
    else if (cfg->json.pointer && cfg->json.pointer[0] && cfg->json.pointer[0] != '/')
        what = "'json.pointer' must start with '/'";
    if (what)
        yaml_problem_add(ctx->problems, YAML_ERROR, &node->mark, "%s: %s", ctx->where, what);
}

const struct check_type check_http = {
    .name = "http",
    .phases = CHECK_PRE | CHECK_HEALTH | CHECK_POST,
    .summary = "An HTTP request is answered with the wanted status, body, headers and speed.",
    .fields = http_fields,
    .config_size = sizeof(struct http_config),
    .validate = http_validate,
    .run = http_run,
};
