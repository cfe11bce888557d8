/* Life of an operation and what several steps share: see operation.h. */
#include "deploy/operation.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "deploy/names.h"

void operation_init(struct operation *op, struct ship_session *s, struct ship_result *res,
                    const char *action)
{
    *op = (struct operation){
        .s = s, .res = res, .action = action, .lock = LOCK_INIT, .guardian_fd = -1};
    *res = (struct ship_result){
        .action = xstrdup(action), .reason = xstrdup_or_null(s->opt.reason), .downtime_ms = -1};
    actor_find(s, &op->actor);
    res->actor = xstrdup(op->actor.name);
}

static void target_done(struct target *t)
{
    char *const owned[] = {t->service,  t->image,    t->repository, t->version,     t->digest,
                           t->image_id, t->platform, t->old_digest, t->old_version, t->spec_json};
    for (size_t i = 0; i < ARRAY_LEN(owned); i++)
        free(owned[i]);
}

void operation_equip(struct operation *op)
{
    struct ship_session *s = op->s;

    op->deadline_ms = clock_deadline(&s->clock, s->plan->timeouts.total_ms);
    s->runtime->limit_ms = op->deadline_ms;
    op->mutate = (struct mutation_env){.runtime = s->runtime,
                                       .ledger = s->ledger,
                                       .patient = &s->patient,
                                       .deadline_ms = op->deadline_ms,
                                       .events = s->opt.events};
}

void operation_done(struct operation *op)
{
    lock_release(&op->lock);
    actor_done(&op->actor);
    engine_info_done(&op->engine);
    ledger_deployment_done(&op->previous);
    mutation_env_done(&op->mutate);
    container_list_done(&op->containers);
    for (size_t i = 0; i < op->n_targets; i++)
        target_done(&op->targets[i]);
    for (size_t i = 0; i < op->n_reps; i++)
        replacement_done(&op->reps[i]);
    for (size_t i = 0; i < op->n_kept; i++)
        replacement_done(&op->kept[i]);
    free(op->targets);
    free(op->reps);
    free(op->kept);
    free(op->peers);
    free(op->check_targets);
    strv_done(&op->check_texts);
    strv_done(&op->overrides);
    strv_done(&op->image_refs);
    *op = (struct operation){.lock = LOCK_INIT, .guardian_fd = -1};
}

void operation_warn(struct operation *op, const char *fmt, ...)
{
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    struct ship_result *r = op->res;
    r->warnings = xreallocarray(r->warnings, r->n_warnings + 1, sizeof *r->warnings);
    r->warnings[r->n_warnings++] = xstrdup(text);
    ship_emit_message(op->s->opt.events, SHIP_LEVEL_WARNING, "%s", text);
}

/* Recovery goes on without readable compose files: the row remembers the project. */
static const char *project_name(const struct operation *op)
{
    return op->s->compose ? compose_name(op->s->compose) : op->row.project ? op->row.project : "";
}

int operation_observe(struct operation *op, struct ship_error *err)
{
    AUTO(strv_done) struct strv labels = {0};
    strv_take(&labels, xasprintf("com.docker.compose.project=%s", project_name(op)));
    struct container_list list = {0};
    struct runtime *rt = op->s->runtime;
    if (rt->ops->list(rt, &labels, true, &list, clock_deadline(rt->clock, RUNTIME_READ_MS), err) <
        0)
        return -1;
    container_list_done(&op->containers);
    op->containers = list;
    return 0;
}

int64_t operation_number(const struct container_row *c)
{
    const char *text = container_row_label(c, "com.docker.compose.container-number");
    int64_t n;
    return text && str_to_i64(text, &n) == 0 ? n : 0;
}

static bool has_name(const struct operation *op, const char *name)
{
    for (size_t i = 0; i < op->containers.n; i++)
        if (str_eq(op->containers.rows[i].name, name))
            return true;
    return false;
}

bool operation_is_stranded(const struct operation *op, const struct container_row *c)
{
    const char *final = name_behind_temporary(c->name);
    const char *service = container_row_label(c, "com.docker.compose.service");
    if (!final || !service || !op->s->compose || !compose_service_find(op->s->compose, service) ||
        has_name(op, final))
        return false;
    AUTO_FREE char *want =
        compose_container_name(op->s->compose, service, (int)operation_number(c));
    return str_eq(final, want);
}

bool operation_is_live_of(const struct operation *op, const struct container_row *c,
                          const char *service)
{
    return str_eq(container_row_label(c, "com.docker.compose.service"), service) &&
           !str_eq(container_row_label(c, "com.docker.compose.oneoff"), "True") &&
           (!name_is_aside(c->name) || operation_is_stranded(op, c));
}

const struct container_row *operation_container(const struct operation *op, const char *service,
                                                int number)
{
    const struct container_row *best = NULL;
    for (size_t i = 0; i < op->containers.n; i++) {
        const struct container_row *c = &op->containers.rows[i];
        if (!operation_is_live_of(op, c, service))
            continue;
        int64_t n = operation_number(c);
        if (number > 0 && n == number)
            return c;
        if (number == 0 && (!best || n < operation_number(best)))
            best = c;
    }
    return best;
}

const struct compose_service *operation_deployed(const struct operation *op,
                                                 const struct container_row *c)
{
    const char *service = container_row_label(c, "com.docker.compose.service");
    return service && operation_target(op, service) ? compose_service_find(op->s->compose, service)
                                                    : NULL;
}

bool operation_is_surplus(const struct operation *op, const struct container_row *c, int64_t count)
{
    const char *service = container_row_label(c, "com.docker.compose.service");
    return service && operation_is_live_of(op, c, service) && operation_number(c) > count;
}

static int64_t highest_number(const struct replacement *reps, size_t n, const char *service)
{
    int64_t highest = 0;
    for (size_t i = 0; i < n; i++)
        if (str_eq(reps[i].service, service) && reps[i].number > highest)
            highest = reps[i].number;
    return highest;
}

int64_t operation_replicas(const struct operation *op, const struct compose_service *svc)
{
    int64_t n = highest_number(op->reps, op->n_reps, svc->name);
    int64_t kept = highest_number(op->kept, op->n_kept, svc->name);
    n = kept > n ? kept : n;
    if (n == 0 && str_eq(op->row.action, "rollback"))
        return INT64_MAX;
    return n ? n : svc->replicas;
}

const struct target *operation_target(const struct operation *op, const char *service)
{
    for (size_t i = 0; i < op->n_targets; i++)
        if (str_eq(op->targets[i].service, service))
            return &op->targets[i];
    return NULL;
}
