/*
 * `shipctl init`: a starter plan from the compose files found.
 *
 * The guess of the service: one whose tag is a variable of its own, that is
 * built, or that publishes a port, and that is no well-known database, proxy
 * or the like. What can go wrong: no compose file, or none of its services has
 * an image (10); the plan exists (2).
 */
#include "shipctl/init.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "deploy/session.h"
#include "plan/starter.h"

#define APP_MAX   63
#define PORTS_MAX 32
#define FILE_MODE 0644

/* Last part of the repository, so "bitnami/redis" counts, too. */
static const char *const infrastructure[] = {
    "postgres", "postgresql", "mysql",    "mariadb",  "mongo",         "redis",
    "valkey",   "memcached",  "rabbitmq", "nats",     "kafka",         "zookeeper",
    "nginx",    "traefik",    "caddy",    "haproxy",  "elasticsearch", "minio",
    "grafana",  "prometheus", "adminer",  "pgadmin4", "busybox",       "alpine"};

static bool is_infrastructure(const char *repository)
{
    const char *slash = strrchr(repository, '/');
    const char *last = slash ? slash + 1 : repository;
    for (size_t i = 0; i < ARRAY_LEN(infrastructure); i++)
        if (str_eq(last, infrastructure[i]))
            return true;
    return false;
}

/* ---- app ---- */

/* Lower case; everything that is no letter or digit becomes a dash. */
static char app_char(char c)
{
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
        return c;
    static const char upper[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
                      lower[] = "abcdefghijklmnopqrstuvwxyz";
    const char *at = c ? strchr(upper, c) : NULL;
    if (at)
        return lower[at - upper];
    return '-';
}

/* ^[a-z0-9][a-z0-9-]{0,62}$ out of any project name. */
static char *app_name(const char *project)
{
    struct buf out = BUF_INIT(APP_MAX);
    for (const char *p = project; *p; p++)
        if (out.len || app_char(*p) != '-')
            buf_addc(&out, app_char(*p));
    while (out.len && out.p[out.len - 1] == '-')
        buf_truncate(&out, out.len - 1);
    if (!out.len)
        buf_adds(&out, "app");
    return buf_steal(&out);
}

/* ---- service ---- */

static int score(const struct compose_project *p, const struct compose_service *svc,
                 struct compose_version *ret)
{
    struct ship_error ignored = {0};
    struct compose_port port;
    if (!svc->image || compose_service_version(p, svc->name, ret, &ignored) < 0)
        return -1;
    return (ret->kind == COMPOSE_VERSION_VARIABLE ? 8 : 0) +
           (is_infrastructure(ret->repository) ? 0 : 5) + (svc->has_build ? 4 : 0) +
           (compose_service_ports(p, svc->name, &port, 1) > 0 ? 2 : 0);
}

static const struct compose_service *guess_service(const struct compose_project *p,
                                                   struct compose_version *ret)
{
    const struct compose_service *best = NULL;
    int best_score = -1;
    for (size_t i = 0; i < compose_services(p); i++) {
        struct compose_version v;
        int n = score(p, compose_service_at(p, i), &v);
        if (n <= best_score)
            continue;
        best = compose_service_at(p, i);
        best_score = n;
        *ret = v;
    }
    return best;
}

/* ---- health check ---- */

/* Port and path of the first http URL in the service's own health check. */
static bool find_probe(const struct json *test, int64_t *ret_port, char **ret_path)
{
    for (const struct json *t = json_first(test); t; t = json_next(t)) {
        const char *text = json_value_str(t);
        const char *url = text ? strstr(text, "http://") : NULL;
        if (!url)
            continue;
        const char *host = url + strlen("http://");
        size_t len = strcspn(host, "/ \"'|;&");
        const char *colon = memchr(host, ':', len);
        AUTO_FREE char *port =
            colon ? xstrndup(colon + 1, len - (size_t)(colon + 1 - host)) : xstrdup("80");
        const char *path = host + len;
        if (str_to_i64(port, ret_port) < 0)
            continue;
        *ret_path = *path == '/' ? xstrndup(path, strcspn(path, " \"'|;&")) : xstrdup("/");
        return true;
    }
    return false;
}

static char *url_of(const struct compose_port *port, const char *path)
{
    int64_t published;
    if (!str_eq(port->protocol, "tcp") || str_to_i64(port->published, &published) < 0)
        return NULL;
    bool any =
        str_empty(port->host_ip) || str_eq(port->host_ip, "0.0.0.0") || str_eq(port->host_ip, "::");
    bool v6 = !any && strchr(port->host_ip, ':');
    return xasprintf("http://%s%s%s:%lld%s", v6 ? "[" : "", any ? "127.0.0.1" : port->host_ip,
                     v6 ? "]" : "", (long long)published, path);
}

/*
 * The published port behind the container's own http probe, with its path; without any probe the
 * first published port. A probe of another kind is left to the container.
 */
static char *guess_health(const struct compose_project *p, const struct compose_service *svc)
{
    struct compose_port ports[PORTS_MAX];
    size_t n = compose_service_ports(p, svc->name, ports, PORTS_MAX);
    AUTO_PTR(json_free) struct json *model = compose_model(p);
    const struct json *service = json_get(json_get(model, "services"), svc->name);
    AUTO_FREE char *path = NULL;
    int64_t target = 0;
    bool probed = find_probe(json_path(service, "healthcheck.test"), &target, &path);
    if (svc->has_healthcheck && !probed)
        return NULL;
    for (size_t i = 0; i < n && i < PORTS_MAX; i++) {
        char *url =
            !probed || ports[i].target == target ? url_of(&ports[i], probed ? path : "/") : NULL;
        if (url)
            return url;
    }
    return NULL;
}

/* ---- the file ---- */

static int find_path(const struct ship_session *s, bool force, char **ret, struct ship_error *err)
{
    static const char *const names[] = {"shipctl.yaml", "shipctl.yml"};
    AUTO_FREE char *path = s->opt.plan_file ? xstrdup(s->opt.plan_file) : NULL;
    for (size_t i = 0; i < ARRAY_LEN(names) && !path; i++) {
        AUTO_FREE char *candidate = file_path_join(s->dir, names[i]);
        if (file_exists(candidate))
            path = steal_ptr(&candidate);
    }
    if (!path)
        path = file_path_join(s->dir, names[0]);
    if (file_exists(path) && !force) {
        ship_fail(err, SHIP_USAGE, "'%s' exists already", path);
        return ship_error_hint(err, "edit it, or write a new one with: shipctl init --force");
    }
    *ret = steal_ptr(&path);
    return 0;
}

static struct compose_project *load(struct ship_session *s, struct ship_error *err)
{
    struct compose_options o = {.dir = s->dir, .environ = s->opt.environ, .redact = s->redact};
    struct compose_project *p = compose_load(&o, &s->problems, err);
    if (!p)
        (void)session_load_failed(s, err);
    if (!p && err->code == SHIP_NOT_FOUND) {
        err->code = SHIP_INVALID;
        ship_error_hint(err, "go to the folder of your docker-compose.yml, or use: shipctl -C DIR");
    }
    return p;
}

static int write_plan(const struct compose_project *p, const char *path, struct ship_error *err)
{
    struct compose_version v;
    const struct compose_service *svc = guess_service(p, &v);
    if (!svc) {
        ship_fail(err, SHIP_INVALID, "no active service of the compose file has an image");
        return ship_error_hint(err,
                               "give the service you deploy an `image:`, also beside `build:`");
    }
    AUTO_FREE char *app = app_name(compose_name(p));
    AUTO_FREE char *url = guess_health(p, svc);
    AUTO_FREE char *text = plan_starter(app, v.repository, url);
    return file_replace(path, text, strlen(text), FILE_MODE, err);
}

int ship_init(struct ship_session *s, bool force, char **ret_path, struct ship_error *err)
{
    AUTO_FREE char *path = NULL;
    if (find_path(s, force, &path, err) < 0)
        return ship_code_exit_status(err->code);
    AUTO_PTR(compose_free) struct compose_project *p = load(s, err);
    if (!p || write_plan(p, path, err) < 0)
        return ship_code_exit_status(err->code);
    *ret_path = steal_ptr(&path);
    return 0;
}
