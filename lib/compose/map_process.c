/*
 * What runs in the container: image, command, environment, terminal, stop signal and
 * time, restart policy, logging, health check.
 */
#include <string.h>

#include "base/alloc.h"
#include "compose/map.h"

#define NS_PER_S 1000000000LL

static const struct map_row config_rows[] = {
    {"working_dir", MAP_STR, "WorkingDir"},
    {"user",        MAP_STR, "User"      },
    {"hostname",    MAP_STR, "Hostname"  },
    {"domainname",  MAP_STR, "Domainname"},
    {"stop_signal", MAP_STR, "StopSignal"},
};

static const struct map_row terminal_rows[] = {
    {"tty",        MAP_BOOL, "Tty"      },
    {"stdin_open", MAP_BOOL, "OpenStdin"},
};

static const struct map_row host_rows[] = {
    {"group_add",   MAP_STRINGS, "GroupAdd"   },
    {"runtime",     MAP_STR,     "Runtime"    },
    {"annotations", MAP_PAIRS,   "Annotations"},
};

static const struct map_row log_rows[] = {
    {"driver",  MAP_STR,   "Type"  },
    {"options", MAP_PAIRS, "Config"},
};

/* Absent and null: the image's; an empty list is sent, it clears an entrypoint. */
static void set_argv(struct json *body, const char *member, const struct json *list)
{
    if (!json_is_null(list))
        json_set(body, member, json_copy(list));
}

static void set_command(const struct map_ctx *m)
{
    const struct strv *command = m->create->command;

    set_argv(m->body, "Entrypoint", json_get(m->service, "entrypoint"));
    if (!m->create->one_off_slug || !command) {
        set_argv(m->body, "Cmd", json_get(m->service, "command"));
        return;
    }
    struct json *cmd = json_set_array(m->body, "Cmd");
    for (size_t i = 0; i < command->n; i++)
        json_append_str(cmd, command->v[i]);
}

/* A key without value is sent bare: the engine then removes the image's variable. */
static void set_environment(const struct map_ctx *m)
{
    const struct json *environment = json_get(m->service, "environment");

    if (json_size(environment) == 0)
        return;
    struct json *env = json_set_array(m->body, "Env");
    for (const struct json *c = json_first(environment); c; c = json_next(c)) {
        const char *value = json_value_str(c);
        AUTO_FREE char *entry =
            value ? xasprintf("%s=%s", json_key(c), value) : xstrdup(json_key(c));
        json_append_str(env, entry);
    }
}

static void set_image(const struct map_ctx *m)
{
    const char *image = json_str(m->service, "image");
    AUTO_FREE char *built = model_built_image(m->p, m->name);

    json_set_str(m->body, "Image", str_empty(image) ? built : image);
}

/* The engine counts whole seconds: 500 ms becomes 0, as with Compose. */
static int set_stop_timeout(const struct map_ctx *m, struct ship_error *err)
{
    const struct json *grace = json_get(m->service, "stop_grace_period");
    int64_t ns = 0;

    if (json_is_null(grace))
        return 0;
    if (map_duration(grace, "stop_grace_period", &ns, err) != 0)
        return -1;
    json_set_i64(m->body, "StopTimeout", ns / NS_PER_S);
    return 0;
}

static const char *restart_condition_name(const char *condition)
{
    if (str_eq(condition, "none"))
        return "no";
    if (str_eq(condition, "any"))
        return "always";
    return condition ? condition : "";
}

static void add_restart_policy(const struct map_ctx *m, const char *name, size_t len,
                               int64_t retries)
{
    AUTO_FREE char *copy = xstrndup(name, len);
    struct json *policy = json_set_object(m->host, "RestartPolicy");

    json_set_str(policy, "Name", copy);
    json_set_i64(policy, "MaximumRetryCount", retries);
}

/* deploy.restart_policy wins over restart; its delay and window have no engine member. */
static int set_restart(const struct map_ctx *m, struct ship_error *err)
{
    const struct json *deploy = json_get(json_get(m->service, "deploy"), "restart_policy");
    const char *restart = json_str(m->service, "restart");
    int64_t retries = 0;

    if (m->create->one_off_slug) {
        add_restart_policy(m, "no", strlen("no"), 0);
        return 0;
    }
    if (json_is_object(deploy)) {
        const char *name = restart_condition_name(json_str(deploy, "condition"));
        add_restart_policy(m, name, strlen(name), json_i64(deploy, "max_attempts", 0));
        return 0;
    }
    if (str_empty(restart))
        return 0;
    const char *colon = strchr(restart, ':');
    if (colon && str_to_i64(colon + 1, &retries) != 0)
        return ship_fail(err, SHIP_INVALID, "service '%s': bad restart policy '%s'", m->name,
                         restart);
    add_restart_policy(m, restart, colon ? (size_t)(colon - restart) : strlen(restart), retries);
    return 0;
}

static int set_logging(const struct map_ctx *m, struct ship_error *err)
{
    const struct json *logging = json_get(m->service, "logging");

    if (json_size(logging) == 0)
        return 0;
    return map_rows(log_rows, ARRAY_LEN(log_rows), logging, json_set_object(m->host, "LogConfig"),
                    err);
}

/* Members Compose always sends. A one-off container is never interactive. */
static int set_terminal(const struct map_ctx *m, struct ship_error *err)
{
    json_set_bool(m->body, "AttachStdin", false);
    json_set_bool(m->body, "AttachStdout", true);
    json_set_bool(m->body, "AttachStderr", true);
    json_set_bool(m->body, "StdinOnce", false);
    json_set_bool(m->host, "AutoRemove", false);
    if (m->create->one_off_slug)
        return 0;
    return map_rows(terminal_rows, ARRAY_LEN(terminal_rows), m->service, m->body, err);
}

int map_process(const struct map_ctx *m, struct ship_error *err)
{
    const struct json *init = json_get(m->service, "init");

    set_image(m);
    set_command(m);
    set_environment(m);
    if (json_is_bool(init))
        json_set_bool(m->host, "Init", json_value_bool(init));
    if (set_terminal(m, err) != 0 || set_stop_timeout(m, err) != 0 || set_restart(m, err) != 0 ||
        set_logging(m, err) != 0)
        return -1;
    if (map_rows(config_rows, ARRAY_LEN(config_rows), m->service, m->body, err) != 0)
        return -1;
    return map_rows(host_rows, ARRAY_LEN(host_rows), m->service, m->host, err);
}

static void disable_healthcheck(struct json *body)
{
    struct json *hc = json_set_object(body, "Healthcheck");

    json_append_str(json_set_array(hc, "Test"), "NONE");
}

/* Absent members stay out: the engine takes them from the image one by one. */
int map_healthcheck(const struct map_ctx *m, struct ship_error *err)
{
    static const struct {
        const char *key, *member;
        int min_api;
    } times[] = {
        {"interval",       "Interval",      0            },
        {"timeout",        "Timeout",       0            },
        {"start_period",   "StartPeriod",   0            },
        {"start_interval", "StartInterval", API_ENDPOINTS},
    };
    const struct json *check = json_get(m->service, "healthcheck");

    if (m->create->one_off_slug || json_bool(check, "disable", false)) {
        disable_healthcheck(m->body);
        return 0;
    }
    if (!json_is_object(check))
        return 0;
    struct json *hc = json_set_object(m->body, "Healthcheck");
    set_argv(hc, "Test", json_get(check, "test"));
    for (size_t i = 0; i < ARRAY_LEN(times); i++) {
        const struct json *value = json_get(check, times[i].key);
        int64_t ns = 0;
        if (json_is_null(value) || m->create->api_minor < times[i].min_api)
            continue;
        if (map_duration(value, times[i].key, &ns, err) != 0)
            return -1;
        json_set_i64(hc, times[i].member, ns);
    }
    if (!json_is_null(json_get(check, "retries")))
        json_set_i64(hc, "Retries", json_i64(check, "retries", 0));
    return 0;
}

void compose_warn_old_engine(const struct compose_project *p, int api_minor,
                             struct yaml_problems *problems)
{
    static const struct {
        const char *path;
        int min_api;
    } rows[] = {
        {"healthcheck.start_interval", API_ENDPOINTS  },
        {"annotations",                API_ANNOTATIONS},
    };

    for (size_t i = 0; i < p->n_services; i++)
        for (size_t k = 0; k < ARRAY_LEN(rows); k++)
            if (api_minor < rows[k].min_api &&
                json_path(model_service(p, p->services[i].name), rows[k].path))
                yaml_problem_add(problems, YAML_WARNING, &p->services[i].mark,
                                 "service '%s': %s has no effect: it needs engine API 1.%d, this "
                                 "engine has 1.%d",
                                 p->services[i].name, rows[k].path, rows[k].min_api, api_minor);
}
