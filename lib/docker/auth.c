/*
 * Registry credentials (contract: auth.h).
 *
 * Inputs: the environment variable DOCKER_AUTH_CONFIG, <config_dir>/config.json, and programs
 * docker-credential-NAME (argv `get`, the registry on stdin, JSON on stdout). A broken document is
 * a hard error: going anonymous silently would end in "image not found". Everything that held a
 * secret is overwritten before it is freed, as far as it is ours.
 */
#include "docker/auth.h"

#include <string.h>

#include "base/alloc.h"
#include "base/encode.h"
#include "base/file.h"
#include "base/image_ref.h"
#include "base/proc.h"
#include "base/str.h"

#define HUB_KEY  "https://index.docker.io/v1/"
#define VARIABLE "variable 'DOCKER_AUTH_CONFIG'" /* in messages */

struct cached {
    char *registry, *header, *source;
};

struct docker_auth {
    char *config_dir;
    const struct clock *clock;
    struct redact *redact;
    struct cached *known;
    size_t n, cap;
};

/* ---- wiping ---- */

static void wipe_free(char *s)
{
    if (s)
        explicit_bzero(s, strlen(s));
    free(s);
}

static void wipe_buf(struct buf *b)
{
    if (b->cap > 0)
        explicit_bzero(b->p, b->len);
    buf_done(b);
}

static void wipe_result(struct proc_result *r)
{
    wipe_buf(&r->out);
    proc_result_done(r);
}

/* Overwrite each string of a document we are about to free. */
static void wipe_values(const struct json *j)
{
    const char *s = json_value_str(j);

    if (s)
        explicit_bzero((void *)(uintptr_t)s, strlen(s));
    for (const struct json *c = json_first(j); c; c = json_next(c))
        wipe_values(c);
}

static void wipe_json(struct json **j)
{
    wipe_values(*j);
    json_free(*j);
}

void registry_credential_done(struct registry_credential *c)
{
    wipe_free(c->username);
    wipe_free(c->password);
    wipe_free(c->identity_token);
    wipe_free(c->registry_token);
    free(c->source);
    *c = (struct registry_credential){0};
}

/* ---- config.json ---- */

const char *registry_key(const char *registry)
{
    return str_eq(registry, DOCKER_HUB) ? HUB_KEY : registry;
}

const char *docker_config_helper(const struct json *config, const char *key)
{
    const char *name = json_value_str(json_get(json_get(config, "credHelpers"), key));

    if (str_empty(name))
        name = json_value_str(json_get(config, "credsStore"));
    return str_empty(name) ? NULL : name;
}

/* host[:port] of "https://host:port/path", not terminated: length in *ret_len. */
static const char *host_part(const char *address, size_t *ret_len)
{
    const char *scheme = strstr(address, "://");
    const char *host = scheme ? scheme + 3 : address;

    *ret_len = strcspn(host, "/");
    return host;
}

static bool same_host(const char *a, const char *b)
{
    size_t a_len, b_len;
    const char *a_host = host_part(a, &a_len);
    const char *b_host = host_part(b, &b_len);

    return a_len == b_len && memcmp(a_host, b_host, a_len) == 0;
}

static const struct json *find_entry(const struct json *auths, const char *key)
{
    const struct json *exact = json_get(auths, key);

    if (exact)
        return exact;
    for (const struct json *e = json_first(auths); e; e = json_next(e))
        if (json_key(e) && same_host(json_key(e), key))
            return e;
    return NULL;
}

/* "user:password" in base64; the first colon separates. */
static int decode_pair(const char *auth, const char *origin, struct registry_credential *c,
                       struct ship_error *err)
{
    AUTO(wipe_buf) struct buf plain = BUF_INIT(AUTH_HEADER_MAX);

    if (base64_decode(auth, strlen(auth), &plain) != 0)
        return ship_fail(err, SHIP_INVALID, "%s: 'auth' of a registry is not base64", origin);
    char *colon = memchr(plain.p, ':', plain.len);
    if (colon == NULL || colon == plain.p)
        return ship_fail(err, SHIP_INVALID, "%s: 'auth' of a registry is not user:password",
                         origin);
    c->username = xstrndup(plain.p, (size_t)(colon - plain.p));
    c->password = xstrdup(colon + 1); /* ends at the first NUL: padding of old clients */
    return 0;
}

static char *copy_member(const struct json *entry, const char *key)
{
    const char *s = json_value_str(json_get(entry, key));

    return str_empty(s) ? NULL : xstrdup(s);
}

int docker_config_entry(const struct json *config, const char *key, const char *origin,
                        struct registry_credential *ret, struct ship_error *err)
{
    const struct json *entry = find_entry(json_get(config, "auths"), key);
    AUTO(registry_credential_done) struct registry_credential c = {0};
    const char *auth = json_value_str(json_get(entry, "auth"));

    if (entry && !json_is_object(entry) && !json_is_null(entry))
        return ship_fail(err, SHIP_INVALID, "%s: entry of registry '%s' is no object", origin, key);
    if (!str_empty(auth)) {
        if (decode_pair(auth, origin, &c, err) != 0)
            return -1;
    } else {
        c.username = copy_member(entry, "username");
        c.password = copy_member(entry, "password");
    }
    c.identity_token = copy_member(entry, "identitytoken");
    c.registry_token = copy_member(entry, "registrytoken");
    if (c.username || c.identity_token || c.registry_token)
        c.source = xstrdup(origin);
    *ret = c;
    c = (struct registry_credential){0};
    return 0;
}

/* ---- helpers ---- */

static bool is_helper_name(const char *s)
{
    static const char ok[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

    return s[0] && strspn(s, ok) == strlen(s) && strlen(s) <= 64;
}

int docker_helper_answer(const char *out, size_t len, const char *helper,
                         struct registry_credential *ret, struct ship_error *err)
{
    struct ship_error why = {0};
    AUTO(wipe_json) struct json *doc = json_parse(out, len, "answer", &why);
    const char *user = json_value_str(json_get(doc, "Username"));
    const char *secret = json_value_str(json_get(doc, "Secret"));
    bool is_token = str_eq(user, "<token>");

    /* Nothing of the answer goes into the message: it holds the secret. */
    if (user == NULL || secret == NULL)
        return ship_fail(err, SHIP_INVALID,
                         "credential helper '%s' answered something without Username and Secret",
                         helper);
    *ret = (struct registry_credential){
        .username = is_token ? NULL : xstrdup(user),
        .password = is_token ? NULL : xstrdup(secret),
        .identity_token = is_token ? xstrdup(secret) : NULL,
        .source = xasprintf("helper '%s'", helper),
    };
    return 0;
}

static int fail_helper(const char *helper, const struct proc_result *r, struct ship_error *err)
{
    if (r->timed_out)
        return ship_fail(err, SHIP_DENIED, "credential helper '%s' did not answer in %d s", helper,
                         AUTH_HELPER_MS / 1000);
    ship_fail(err, SHIP_DENIED, "credential helper '%s' failed with exit code %d", helper,
              r->exit_code);
    return ship_error_hint(err, "try: echo REGISTRY | %s get", helper);
}

static int ask_helper(const struct docker_auth *a, const char *name, const char *key,
                      int64_t deadline_ms, struct registry_credential *ret, struct ship_error *err)
{
    if (!is_helper_name(name))
        return ship_fail(err, SHIP_INVALID, "'%s' is no name of a credential helper", name);
    AUTO_FREE char *helper = xasprintf("docker-credential-%s", name);
    const char *argv[] = {helper, "get", NULL};
    struct proc_spec spec = {
        .argv = argv,
        .input = key,
        .deadline_ms = clock_earlier(deadline_ms, clock_deadline(a->clock, AUTH_HELPER_MS)),
        .clock = a->clock,
        .separate_stderr = true,
    };
    AUTO(wipe_result) struct proc_result r = {0};
    if (proc_run(&spec, &r, err) != 0) {
        if (err->code == SHIP_NOT_FOUND) {
            ship_fail(err, SHIP_DENIED, "credential helper '%s' is not installed", helper);
            ship_error_hint(err, "install it, or remove it from docker's config.json");
        }
        return -1;
    }
    if (r.exit_code == 0 && !r.timed_out && r.out.len <= AUTH_HELPER_OUT_MAX)
        return docker_helper_answer(r.out.p, r.out.len, helper, ret, err);
    if (r.exit_code == 1 && strstr(r.out.p, "credentials not found"))
        return 0;
    return fail_helper(helper, &r, err);
}

/* ---- sources in order ---- */

static int from_environment(const char *key, struct registry_credential *ret,
                            struct ship_error *err)
{
    const char *text = getenv("DOCKER_AUTH_CONFIG");

    if (!text || !*text)
        return 0;
    struct ship_error why = {0};
    AUTO(wipe_json) struct json *doc = json_parse(text, strlen(text), "DOCKER_AUTH_CONFIG", &why);
    if (!json_is_object(json_get(doc, "auths")))
        return ship_fail(err, SHIP_INVALID, VARIABLE " is not {\"auths\": {...}}");
    return docker_config_entry(doc, key, VARIABLE, ret, err);
}

static int load_config(const char *path, struct json **ret, struct ship_error *err)
{
    AUTO(wipe_buf) struct buf text = BUF_INIT(DOCKER_CONFIG_MAX);
    AUTO(wipe_json) struct json *doc = NULL;

    if (file_read(path, &text, err) != 0) {
        if (err->code != SHIP_NOT_FOUND)
            return -1;
        *err = (struct ship_error){0};
        return 0; /* no file, no credentials */
    }
    doc = json_parse(text.p, text.len, path, err);
    if (doc == NULL)
        return -1;
    if (!json_is_object(doc))
        return ship_fail(err, SHIP_INVALID, "'%s' is no JSON object", path);
    *ret = steal_ptr(&doc);
    return 0;
}

static int from_config(const struct docker_auth *a, const char *key, int64_t deadline_ms,
                       struct registry_credential *ret, struct ship_error *err)
{
    AUTO_FREE char *path = file_path_join(a->config_dir, "config.json");
    AUTO_FREE char *origin = xasprintf("file '%s'", path);
    AUTO(wipe_json) struct json *config = NULL;

    if (load_config(path, &config, err) != 0)
        return -1;
    const char *helper = docker_config_helper(config, key);
    if (helper)
        return ask_helper(a, helper, key, deadline_ms, ret, err);
    return docker_config_entry(config, key, origin, ret, err);
}

/* ---- X-Registry-Auth ---- */

static void add_text(struct buf *out, const char *key, const char *value)
{
    if (value == NULL)
        return;
    (void)buf_addf(out, "%c\"%s\":\"", out->len ? ',' : '{', key);
    for (const char *p = value; *p; p++) {
        if (*p == '"' || *p == '\\')
            (void)buf_addf(out, "\\%c", *p);
        else if ((unsigned char)*p < 0x20)
            (void)buf_addf(out, "\\u%04x", (unsigned)*p);
        else
            (void)buf_addc(out, *p);
    }
    (void)buf_addc(out, '"');
}

static int encode_header(const struct registry_credential *c, const char *key, char **ret,
                         struct ship_error *err)
{
    AUTO(wipe_buf) struct buf text = BUF_INIT(AUTH_HEADER_MAX * 3 / 4);

    if (c->registry_token) {
        add_text(&text, "registrytoken", c->registry_token);
    } else {
        add_text(&text, "username", c->username);
        add_text(&text, c->identity_token ? "identitytoken" : "password",
                 c->identity_token ? c->identity_token
                 : c->password     ? c->password
                                   : "");
    }
    add_text(&text, "serveraddress", key);
    if (buf_addc(&text, '}') != 0)
        return ship_fail(err, SHIP_INVALID, "credentials of registry '%s' are longer than %u bytes",
                         key, AUTH_HEADER_MAX);
    *ret = base64url_encode(text.p, text.len);
    return 0;
}

/* ---- public ---- */

struct docker_auth *docker_auth_new(const char *config_dir, const struct clock *clock)
{
    struct docker_auth *a = xcalloc(1, sizeof *a);

    a->config_dir = xstrdup_or_null(config_dir);
    a->clock = clock;
    return a;
}

void docker_auth_use_redact(struct docker_auth *a, struct redact *redact)
{
    a->redact = redact;
}

void docker_auth_free(struct docker_auth *a)
{
    if (a == NULL)
        return;
    for (size_t i = 0; i < a->n; i++) {
        wipe_free(a->known[i].header);
        free(a->known[i].registry);
        free(a->known[i].source);
    }
    free(a->known);
    free(a->config_dir);
    free(a);
}

static void hide(const struct docker_auth *a, const struct registry_credential *c,
                 const char *header)
{
    const char *const secrets[] = {c->password, c->identity_token, c->registry_token, header};

    for (size_t i = 0; i < ARRAY_LEN(secrets); i++)
        if (secrets[i])
            redact_add(a->redact, secrets[i], strlen(secrets[i]));
}

static int look_up(const struct docker_auth *a, const char *registry, int64_t deadline_ms,
                   struct cached *ret, struct ship_error *err)
{
    const char *key = registry_key(registry);
    AUTO(registry_credential_done) struct registry_credential c = {0};
    char *header = NULL;

    if (a->config_dir && from_environment(key, &c, err) != 0)
        return -1;
    if (a->config_dir && c.source == NULL && from_config(a, key, deadline_ms, &c, err) != 0)
        return -1;
    if (c.source && encode_header(&c, key, &header, err) != 0)
        return -1;
    hide(a, &c, header);
    *ret = (struct cached){
        .registry = xstrdup(registry),
        .header = header,
        .source = xstrdup(c.source ? c.source : "none"),
    };
    return 0;
}

int docker_auth_find(struct docker_auth *a, const char *registry, int64_t deadline_ms,
                     struct registry_auth *ret, struct ship_error *err)
{
    size_t i = 0;

    while (i < a->n && !str_eq(a->known[i].registry, registry))
        i++;
    if (i == a->n) {
        struct cached found;
        if (look_up(a, registry, deadline_ms, &found, err) != 0)
            return -1;
        ARRAY_GROW(a->known, a->n, a->cap);
        a->known[a->n++] = found;
    }
    *ret = (struct registry_auth){.header = a->known[i].header, .source = a->known[i].source};
    return 0;
}
