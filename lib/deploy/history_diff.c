/*
 * What changed between two recorded specifications: image, environment names,
 * mounts, ports, command, limits. A value is printed only where it can not be
 * a secret. What can go wrong: a pruned deployment has no specification; then
 * only the images are compared.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "deploy/history.h"
#include "deploy/spec.h"

struct diff {
    struct strv *lines;
    const char *service;
};

static void line(const struct diff *d, char change, const char *what, const char *name)
{
    strv_take(d->lines,
              xasprintf("%c %s: %s%s%s", change, d->service, what, name[0] ? " " : "", name));
}

/* ---- sets of texts: mounts, ports ---- */

static void diff_sets(const struct diff *d, const char *what, const struct strv *before,
                      const struct strv *after)
{
    for (size_t i = 0; i < after->n; i++)
        if (!strv_has(before, after->v[i]))
            line(d, '+', what, after->v[i]);
    for (size_t i = 0; i < before->n; i++)
        if (!strv_has(after, before->v[i]))
            line(d, '-', what, before->v[i]);
}

static void list_mounts(const struct json *body, struct strv *ret)
{
    const struct json *binds = json_path(body, "HostConfig.Binds");
    const struct json *mounts = json_path(body, "HostConfig.Mounts");
    for (const struct json *b = json_first(binds); b; b = json_next(b))
        if (json_value_str(b))
            strv_add(ret, json_value_str(b));
    for (const struct json *m = json_first(mounts); m; m = json_next(m))
        strv_take(ret, xasprintf("%s:%s%s", json_str_or(m, "Source", json_str_or(m, "Type", "")),
                                 json_str_or(m, "Target", ""),
                                 json_bool(m, "ReadOnly", false) ? ":ro" : ""));
}

static void list_ports(const struct json *body, struct strv *ret)
{
    const struct json *ports = json_path(body, "HostConfig.PortBindings");
    for (const struct json *p = json_first(ports); p; p = json_next(p))
        for (const struct json *b = json_first(p); b; b = json_next(b)) {
            const char *ip = json_str_or(b, "HostIp", "");
            strv_take(ret, xasprintf("%s%s%s->%s", ip, ip[0] ? ":" : "",
                                     json_str_or(b, "HostPort", ""), json_key(p)));
        }
}

static void diff_lists(const struct diff *d, const char *what,
                       void (*list)(const struct json *, struct strv *), const struct json *before,
                       const struct json *after)
{
    AUTO(strv_done) struct strv a = {0};
    AUTO(strv_done) struct strv b = {0};
    list(before, &a);
    list(after, &b);
    diff_sets(d, what, &a, &b);
}

/* ---- values ---- */

static const struct {
    const char *path, *what;
} masked[] = {
    {"Cmd",                       "command"    },
    {"Entrypoint",                "entrypoint" },
    {"User",                      "user"       },
    {"WorkingDir",                "working_dir"},
    {"Healthcheck",               "healthcheck"},
    {"HostConfig.NetworkMode",    "network"    },
    {"HostConfig.RestartPolicy",  "restart"    },
    {"HostConfig.LogConfig",      "logging"    },
    {"HostConfig.CapAdd",         "cap_add"    },
    {"HostConfig.CapDrop",        "cap_drop"   },
    {"HostConfig.Privileged",     "privileged" },
    {"HostConfig.ReadonlyRootfs", "read_only"  },
    {"StopSignal",                "stop_signal"},
};
static const struct {
    const char *path, *what;
} limits[] = {
    {"HostConfig.Memory",     "memory limit"},
    {"HostConfig.MemorySwap", "swap limit"  },
    {"HostConfig.NanoCpus",   "cpu limit"   },
    {"HostConfig.CpuShares",  "cpu shares"  },
    {"HostConfig.PidsLimit",  "pids limit"  },
};

static bool is_empty(const struct json *j)
{
    return json_is_null(j) || ((json_is_array(j) || json_is_object(j)) && json_size(j) == 0) ||
           str_eq(json_value_str(j), "") || (json_is_bool(j) && !json_value_bool(j));
}

static void diff_masked(const struct diff *d, const struct json *before, const struct json *after)
{
    for (size_t i = 0; i < ARRAY_LEN(masked); i++) {
        const struct json *a = json_path(before, masked[i].path),
                          *b = json_path(after, masked[i].path);
        if (is_empty(a) && is_empty(b))
            continue;
        char change = '~';
        if (is_empty(a))
            change = '+';
        else if (is_empty(b))
            change = '-';
        if (!json_equal(a, b))
            line(d, change, masked[i].what, "");
    }
}

static void diff_limits(const struct diff *d, const struct json *before, const struct json *after)
{
    for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
        int64_t a = json_i64(before, limits[i].path, 0), b = json_i64(after, limits[i].path, 0);
        if (a == b)
            continue;
        AUTO_FREE char *text = xasprintf("%lld -> %lld", (long long)a, (long long)b);
        line(d, '~', limits[i].what, text);
    }
}

static void each_env(void *ctx, const char *name, char change)
{
    line(ctx, change, "environment", name);
}

/* ---- services ---- */

/* Replicas share their specification: the first one speaks for all. */
static const struct json *first_body(const struct json *spec)
{
    return json_get(json_first(json_get(spec, "replicas")), "body");
}

static struct json *parse_spec(const struct ledger_service *s)
{
    struct ship_error ignored = {0};
    return s->spec_json ? json_parse(s->spec_json, strlen(s->spec_json), "specification", &ignored)
                        : NULL;
}

static void diff_specs(struct diff *d, const struct ledger_service *before,
                       const struct ledger_service *after)
{
    AUTO_PTR(json_free) struct json *a = parse_spec(before);
    AUTO_PTR(json_free) struct json *b = parse_spec(after);
    const struct json *old_body = first_body(a), *new_body = first_body(b);
    if (!old_body || !new_body)
        return;
    spec_env_diff(old_body, new_body, each_env, d);
    diff_lists(d, "mount", list_mounts, old_body, new_body);
    diff_lists(d, "port", list_ports, old_body, new_body);
    diff_masked(d, old_body, new_body);
    diff_limits(d, old_body, new_body);
}

static const struct ledger_service *find(const struct ledger_services *list, const char *service)
{
    for (size_t i = 0; i < list->n; i++)
        if (str_eq(list->rows[i].service, service))
            return &list->rows[i];
    return NULL;
}

static const char *or_none(const char *s)
{
    return s ? s : "?";
}

void history_diff(const struct ledger_services *before, const struct ledger_services *after,
                  struct strv *ret_lines)
{
    for (size_t i = 0; i < after->n; i++) {
        const struct ledger_service *b = &after->rows[i], *a = find(before, b->service);
        struct diff d = {.lines = ret_lines, .service = b->service};
        if (!a) {
            line(&d, '+', "service", "");
            continue;
        }
        AUTO_FREE char *images = xasprintf("%s -> %s", or_none(a->image), or_none(b->image));
        if (!str_eq(a->image, b->image))
            line(&d, '~', "image", images);
        else if (!str_eq(a->image_id, b->image_id))
            line(&d, '~', "image", "(same tag, other content)");
        diff_specs(&d, a, b);
    }
    for (size_t i = 0; i < before->n; i++) {
        struct diff d = {.lines = ret_lines, .service = before->rows[i].service};
        if (!find(after, before->rows[i].service))
            line(&d, '-', "service", "");
    }
}

enum ship_step_status history_step_status(const char *word)
{
    static const enum ship_step_status all[] = {
        SHIP_STEP_PENDING, SHIP_STEP_RUNNING, SHIP_STEP_DONE,  SHIP_STEP_SKIPPED,
        SHIP_STEP_WARNED,  SHIP_STEP_FAILED,  SHIP_STEP_UNDONE};
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        if (str_eq(ship_step_status_text(all[i]), word))
            return all[i];
    return SHIP_STEP_FAILED;
}
