/*
 * database: the database in a container answers a query.
 *
 * Runs the client that the database's own image brings, inside the container:
 *   postgres  pg_isready, then psql -c QUERY
 *   mysql     mysqladmin ping, then mysql -e QUERY (mariadb names as well)
 *   redis     redis-cli ping (valkey-cli as well)
 * The password is read from the container's environment (`password_env`,
 * default the one the image documents) and handed over in the environment of
 * the exec, so it is in no argv and in no file of ours.
 * PASS: the query works. FAIL: not ready, refused, or the query fails.
 * UNKNOWN: no container, no client in it, the engine does not answer.
 */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/childenv.h"
#include "check/support.h"
#include "check/types.h"

enum { ENGINE_POSTGRES, ENGINE_MYSQL, ENGINE_REDIS };
static const char *const engine_words[] = {"postgres", "mysql", "redis", NULL};

struct database_config {
    int engine;
    char *service, *user, *database, *password_env, *query;
};

static const struct field database_fields[] = {
    {.key = "engine",
     .kind = FIELD_ENUM,
     .offset = offsetof(struct database_config, engine),
     .fallback = NULL,
     .words = engine_words},
    {.key = "service",
     .kind = FIELD_STRING,
     .offset = offsetof(struct database_config, service),
     .min = 1,
     .max = 255,
     .fallback = NULL},
    {.key = "user",
     .kind = FIELD_STRING,
     .offset = offsetof(struct database_config, user),
     .min = 1,
     .max = 255,
     .fallback = ""},
    {.key = "database",
     .kind = FIELD_STRING,
     .offset = offsetof(struct database_config, database),
     .min = 1,
     .max = 255,
     .fallback = ""},
    {.key = "password_env",
     .kind = FIELD_STRING,
     .offset = offsetof(struct database_config, password_env),
     .min = 1,
     .max = 255,
     .fallback = ""},
    {.key = "query",
     .kind = FIELD_STRING,
     .offset = offsetof(struct database_config, query),
     .min = 1,
     .max = 4096,
     .fallback = ""},
    {0                               },
};

/* What each engine's image calls things; the first variable that is set counts. */
struct engine_rule {
    const char *user_env, *user;     /* name of the variable, or else this user */
    const char *database_env;        /* NULL = none */
    const char *password_envs[3];    /* in the container */
    const char *hand_over;           /* variable the client reads the password from */
    const char *ping[2], *client[2]; /* program and its other name; NULL = none */
};
static const struct engine_rule rules[] = {
    {"POSTGRES_USER",
     "postgres", "POSTGRES_DB",
     {"POSTGRES_PASSWORD", NULL, NULL},
     "PGPASSWORD",    {"pg_isready", NULL},
     {"psql", NULL}      },
    {NULL,
     "root",     NULL,
     {"MYSQL_ROOT_PASSWORD", "MARIADB_ROOT_PASSWORD", NULL},
     "MYSQL_PWD",     {"mysqladmin", "mariadb-admin"},
     {"mysql", "mariadb"}},
    {NULL,
     NULL,       NULL,
     {"REDIS_PASSWORD", NULL, NULL},
     "REDISCLI_AUTH", {"redis-cli", "valkey-cli"},
     {NULL, NULL}        },
};

/* A client call being prepared. */
struct session {
    const struct check_target *target;
    const struct engine_rule *rule;
    char *user, *database, *query; /* owned; NULL = not given */
    struct strv env;
    int64_t deadline_ms;
};

static void session_done(struct session *s)
{
    free(s->user);
    free(s->database);
    free(s->query);
    /* Holds the password. */
    for (size_t i = 0; i < s->env.n; i++)
        explicit_bzero(s->env.v[i], strlen(s->env.v[i]));
    strv_done(&s->env);
}

/* Value of a variable of the container, or NULL. */
static const char *container_env(const struct container *c, const char *name)
{
    const struct json *list = json_path(c->doc, "Config.Env");
    size_t len = name ? strlen(name) : 0;

    if (!name)
        return NULL;
    for (const struct json *e = json_first(list); e; e = json_next(e)) {
        const char *text = json_value_str(e);

        if (text && strncmp(text, name, len) == 0 && text[len] == '=')
            return text + len + 1;
    }
    return NULL;
}

static const char *find_password(const struct database_config *cfg, const struct engine_rule *rule,
                                 const struct container *c)
{
    if (cfg->password_env)
        return container_env(c, cfg->password_env);
    for (size_t i = 0; i < ARRAY_LEN(rule->password_envs); i++) {
        const char *value = container_env(c, rule->password_envs[i]);

        if (!str_empty(value))
            return value;
    }
    return NULL;
}

static int expand_or(const struct check_env *env, const char *text, const char *fallback,
                     char **out, struct check_result *ret)
{
    if (!text) {
        *out = xstrdup_or_null(fallback);
        return 1;
    }
    *out = check_expand(env, text, ret);
    return *out ? 1 : 0;
}

static int session_fill(const struct check_env *env, const struct database_config *cfg,
                        const struct container *c, struct session *s, struct check_result *ret)
{
    const struct engine_rule *rule = s->rule;
    const char *user = container_env(c, rule->user_env), *password = find_password(cfg, rule, c);

    if (cfg->password_env && !password)
        return check_say(ret, CHECK_UNKNOWN, "container of service '%s' has no variable '%s'",
                         cfg->service, cfg->password_env);
    if (password)
        childenv_add(&s->env, rule->hand_over, password);
    strv_add(&s->env, "PGCONNECT_TIMEOUT=5");
    if (expand_or(env, cfg->user, str_empty(user) ? rule->user : user, &s->user, ret) == 0 ||
        expand_or(env, cfg->query, "select 1", &s->query, ret) == 0)
        return 0;
    return expand_or(env, cfg->database, container_env(c, rule->database_env), &s->database, ret);
}

/* A program with its other name (NULL = none) and its arguments; argv[0] is set to what ran. */
struct client {
    const char *const *names;
    const char **argv;
};

/* Run the client by each of its names in turn while the program is missing. 1, 0, -1. */
static int run_client(const struct check_env *env, const struct session *s,
                      const struct client *client, struct exec_result *result,
                      struct check_result *ret, struct ship_error *err)
{
    struct exec_request req = {.argv = client->argv, .envp = (const char *const *)s->env.v};
    struct check_exec_call call = {s->target, &req, s->deadline_ms};
    int rc = 0;

    for (size_t i = 0; i < 2 && client->names[i]; i++) {
        exec_result_done(result);
        memset(result, 0, sizeof *result);
        client->argv[0] = client->names[i];
        rc = check_exec_in(env, &call, result, ret, err);
        if (rc != 0 || (result->exit_code != 126 && result->exit_code != 127))
            break;
    }
    return rc;
}

#define ARGV_MAX 16

static void add_option(const char **argv, const char *option, const char *value)
{
    size_t n = 0;

    if (!value)
        return;
    while (argv[n])
        n++;
    argv[n] = option;
    argv[n + 1] = value;
}

static int ping(const struct check_env *env, const struct database_config *cfg,
                const struct session *s, struct check_result *ret, struct ship_error *err)
{
    const char *argv[ARGV_MAX] = {"", cfg->engine == ENGINE_POSTGRES ? NULL : "ping", NULL};
    AUTO(exec_result_done) struct exec_result result = {0};
    char tail[256];
    int rc;

    if (cfg->engine == ENGINE_POSTGRES)
        add_option(argv, "-U", s->user);
    if (cfg->engine == ENGINE_MYSQL)
        add_option(argv, "-u", s->user);
    rc = run_client(env, s, &(struct client){s->rule->ping, argv}, &result, ret, err);
    if (rc <= 0)
        return rc;
    check_tail(&result.out, tail, sizeof tail);
    /* redis-cli ends with status 0 when the server says LOADING or NOAUTH. */
    if (result.exit_code != 0 || (cfg->engine == ENGINE_REDIS && !str_ends(tail, "PONG")))
        return check_say(ret, CHECK_FAIL,
                         "%s in service '%s' is not ready (%s: exit status %d): %s",
                         engine_words[cfg->engine], cfg->service, argv[0], result.exit_code, tail);
    return 1;
}

static int query(const struct check_env *env, const struct database_config *cfg,
                 const struct session *s, struct check_result *ret, struct ship_error *err)
{
    const char *psql[ARGV_MAX] = {"", "-X", "-A", "-t", "-w", NULL};
    const char *mysql[ARGV_MAX] = {"", "-B", "-N", NULL};
    bool postgres = cfg->engine == ENGINE_POSTGRES;
    const char **argv = postgres ? psql : mysql;
    AUTO(exec_result_done) struct exec_result result = {0};
    char tail[256];
    int rc;

    add_option(argv, postgres ? "-U" : "-u", s->user);
    add_option(argv, postgres ? "-d" : "-D", s->database);
    add_option(argv, postgres ? "-c" : "-e", s->query);
    rc = run_client(env, s, &(struct client){s->rule->client, argv}, &result, ret, err);
    if (rc <= 0)
        return rc;
    if (result.exit_code != 0)
        return check_say(ret, CHECK_FAIL, "query in service '%s' failed (%s: exit status %d): %s",
                         cfg->service, argv[0], result.exit_code,
                         check_tail(&result.out, tail, sizeof tail));
    return 1;
}

static int judge_database(const struct check_env *env, const struct database_config *cfg,
                          struct session *s, struct check_result *ret, struct ship_error *err)
{
    AUTO(container_done) struct container c = {0};
    struct runtime *rt = env->runtime;
    int rc;

    if (rt->ops->inspect(rt, s->target->container_id, &c, s->deadline_ms, err) < 0)
        return check_unknown(ret, err);
    if (c.state != CONTAINER_RUNNING)
        return check_say(ret, CHECK_FAIL, "container of service '%s' is %s, not running",
                         cfg->service, container_state_text(c.state));
    if (session_fill(env, cfg, &c, s, ret) == 0)
        return 0;
    rc = ping(env, cfg, s, ret, err);
    if (rc == 1 && s->rule->client[0])
        rc = query(env, cfg, s, ret, err);
    return rc == 1 ? check_say(ret, CHECK_PASS, "%s in service '%s' answers",
                               engine_words[cfg->engine], cfg->service)
                   : rc;
}

static int database_run(const struct check_env *env, const void *config, int64_t deadline_ms,
                        struct check_result *ret, struct ship_error *err)
{
    const struct database_config *cfg = config;
    AUTO(session_done)
    struct session s = {
        .target = check_target_find(env, cfg->service),
        .rule = &rules[cfg->engine],
        .deadline_ms = deadline_ms,
    };

    if (!s.target)
        return check_say(ret, CHECK_UNKNOWN, "no container of service '%s'", cfg->service);
    return judge_database(env, cfg, &s, ret, err);
}

static void database_validate(const void *config, const struct yaml_node *node,
                              struct field_ctx *ctx)
{
    const struct database_config *cfg = config;

    if (cfg->engine == ENGINE_REDIS && (cfg->user || cfg->database || cfg->query))
        yaml_problem_add(ctx->problems, YAML_ERROR, &node->mark,
                         "%s: redis knows no 'user', 'database' or 'query' here", ctx->where);
}

const struct check_type check_database = {
    .name = "database",
    .phases = CHECK_PRE | CHECK_HEALTH | CHECK_POST,
    .summary = "The database in a service's container answers a query.",
    .fields = database_fields,
    .config_size = sizeof(struct database_config),
    .validate = database_validate,
    .run = database_run,
};
