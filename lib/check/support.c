/*
 * Helpers of the check types: verdicts, expansion, targets, exec, regex.
 */
#include "check/support.h"

#include <regex.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"

const char *check_status_text(enum check_status s)
{
    static const char *const words[] = {"pass", "fail", "unknown"};

    return words[s];
}

int check_say(struct check_result *ret, enum check_status status, const char *fmt, ...)
{
    va_list ap;

    ret->status = status;
    va_start(ap, fmt);
    (void)vsnprintf(ret->message, sizeof ret->message, fmt, ap);
    va_end(ap);
    return 0;
}

struct redact *check_redact(const struct check_env *env)
{
    return env->runtime ? env->runtime->redact : NULL;
}

int check_unknown(struct check_result *ret, const struct ship_error *err)
{
    if (err->code == SHIP_INTERRUPTED || err->code == SHIP_INTERNAL)
        return -1;
    return check_say(ret, CHECK_UNKNOWN, "%s", err->msg);
}

char *check_expand(const struct check_env *env, const char *text, struct check_result *ret)
{
    struct ship_error err = {0};
    char *out;

    if (!text)
        return NULL;
    out = tmpl_expand(text, env->vars, env->n_vars, check_redact(env), &err);
    if (!out)
        check_say(ret, CHECK_UNKNOWN, "%s", err.msg);
    return out;
}

int check_expand_all(const struct check_env *env, const struct strv *texts, struct strv *out,
                     struct check_result *ret)
{
    for (size_t i = 0; i < texts->n; i++) {
        char *text = check_expand(env, texts->v[i], ret);

        if (!text)
            return 0;
        strv_take(out, text);
    }
    return 1;
}

char *check_path(const struct check_env *env, const char *path, struct check_result *ret)
{
    AUTO_FREE char *text = NULL;

    if (!path)
        path = env->engine_root;
    if (!path) {
        check_say(ret, CHECK_UNKNOWN, "the engine did not say where its data root is");
        return NULL;
    }
    text = check_expand(env, path, ret);
    return text ? file_path_join(env->dir ? env->dir : "/", text) : NULL;
}

bool check_target_wanted(const struct check_target *target, const char *service)
{
    return service ? str_eq(target->service, service) : target->deployed;
}

const struct check_target *check_target_find(const struct check_env *env, const char *service)
{
    for (size_t i = 0; i < env->n_targets; i++)
        if (check_target_wanted(&env->targets[i], service) && env->targets[i].container_id)
            return &env->targets[i];
    return NULL;
}

int check_container_address(const struct check_env *env, const char *service, int64_t deadline_ms,
                            char **ret_address, struct check_result *ret, struct ship_error *err)
{
    const struct check_target *target = check_target_find(env, service);
    AUTO(container_done) struct container c = {0};

    if (!target)
        return check_say(ret, CHECK_UNKNOWN, "no container of service '%s'",
                         service ? service : "(deployed)");
    if (env->runtime->ops->inspect(env->runtime, target->container_id, &c, deadline_ms, err) < 0)
        return check_unknown(ret, err);
    if (str_empty(container_address(&c)))
        return check_say(ret, CHECK_FAIL, "container of service '%s' has no address (%s)",
                         target->service, container_state_text(c.state));
    *ret_address = xstrdup(container_address(&c));
    return 1;
}

const char *check_tail(const struct buf *output, char *out, size_t cap)
{
    const char *p = output->p;
    size_t len = output->len, n = 0;

    while (len > 0 && strchr(" \t\r\n", p[len - 1]))
        len--;
    if (len >= cap) {
        p += len - (cap - 1);
        len = cap - 1;
    }
    for (size_t i = 0; i < len; i++)
        out[n++] = (char)(p[i] == '\n' ? '|' : p[i] == '\0' ? ' ' : p[i]);
    out[n] = '\0';
    return out;
}

/* 126 and 127: the engine (or a shell) could not run it. That says nothing about the app. */
static bool exec_impossible(const struct exec_result *result)
{
    return result->exit_code == 126 || result->exit_code == 127;
}

int check_exec_in(const struct check_env *env, const struct check_exec_call *call,
                  struct exec_result *result, struct check_result *ret, struct ship_error *err)
{
    const char *program = call->request->argv[0], *service = call->target->service;
    struct runtime *rt = env->runtime;
    char tail[256];

    if (rt->ops->exec(rt, call->target->container_id, call->request, result, call->deadline_ms,
                      err) < 0)
        return check_unknown(ret, err);
    if (result->timed_out)
        return check_say(ret, CHECK_FAIL, "'%s' in container of service '%s' did not end in time",
                         program, service);
    if (exec_impossible(result))
        return check_say(ret, CHECK_UNKNOWN,
                         "'%s' can not be run in container of service '%s' (exit status %d): %s",
                         program, service, result->exit_code,
                         check_tail(&result->out, tail, sizeof tail));
    return 1;
}

void check_regex_decode(const struct yaml_node *node, void *target, struct field_ctx *ctx)
{
    struct check_regex *re = target;
    regex_t *compiled;
    int rc;

    if (yaml_is_null(node))
        return;
    if (node->kind != YAML_SCALAR || node->len == 0) {
        yaml_problem_add(ctx->problems, YAML_ERROR, &node->mark,
                         "'%s' must be a regular expression", node->key ? node->key : "pattern");
        return;
    }
    compiled = xcalloc(1, sizeof *compiled);
    rc = regcomp(compiled, node->text, REG_EXTENDED | REG_NOSUB | REG_NEWLINE);
    if (rc != 0) {
        char why[128];

        (void)regerror(rc, compiled, why, sizeof why);
        yaml_problem_add(ctx->problems, YAML_ERROR, &node->mark, "bad regular expression '%s': %s",
                         node->text, why);
        free(compiled);
        return;
    }
    check_regex_done(re);
    re->compiled = compiled;
    re->text = xstrdup(node->text);
}

void check_regex_done(void *target)
{
    struct check_regex *re = target;

    if (re->compiled)
        regfree(re->compiled);
    free(re->compiled);
    free(re->text);
    re->compiled = NULL;
    re->text = NULL;
}

bool check_regex_matches(const struct check_regex *re, const char *text)
{
    return regexec(re->compiled, text, 0, NULL, 0) == 0;
}
