/*
 * The write-ahead runner of mutations: see mutation.h.
 *
 * What can go wrong: the journal can not be written (the mutation does not
 * start), the engine refuses (recorded as failed), the outcome stays unknown
 * (the row stays without outcome, recovery observes).
 */
#include "strategy/mutation.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "strategy/mutation_kind.h"

#define STOP_GRACE_MAX_MS (10 * 60000)

static struct json *args_for(const char *id)
{
    struct json *args = json_object();
    if (id)
        json_set_str(args, "id", id);
    return args;
}

static struct mutation_change change_of(const char *kind, const char *service, struct json *args)
{
    return (struct mutation_change){
        .kind = kind, .service = service, .args = args, .observed = json_object()};
}

void mutation_change_done(struct mutation_change *c)
{
    json_free(c->args);
    json_free(c->body);
    json_free(c->observed);
    free(c->after);
    *c = (struct mutation_change){0};
}

static int run(struct mutation_env *env, struct mutation_change *c, struct ship_error *err)
{
    if (mutation_intend(env, c, err) < 0)
        return -1;
    mutation_send(env, c);
    return mutation_conclude(env, c, false, err);
}

/* Takes args. */
static int run_plain(struct mutation_env *env, const char *kind, const char *service,
                     struct json *args, struct ship_error *err)
{
    AUTO(mutation_change_done) struct mutation_change c = change_of(kind, service, args);
    return run(env, &c, err);
}

struct mutation_change change_create(const struct mutation_create *m)
{
    struct mutation_change c = change_of("create", m->service, args_for(NULL));
    json_set_str(c.args, "name", m->name);
    if (m->platform)
        json_set_str(c.args, "platform", m->platform);
    if (m->keep)
        json_set_bool(c.args, "keep", true);
    c.payload.body = m->body;
    return c;
}

int mutate_create(struct mutation_env *env, const struct mutation_create *m, char **ret_id,
                  struct ship_error *err)
{
    AUTO(mutation_change_done) struct mutation_change c = change_create(m);
    if (run(env, &c, err) < 0)
        return -1;
    *ret_id = xstrdup(json_str_or(c.observed, "id", ""));
    return 0;
}

struct mutation_change change_connect(const char *service, const char *id,
                                      const struct json *connect)
{
    struct mutation_change c = change_of("connect", service, args_for(id));
    json_set_str(c.args, "network", json_str(connect, "Network"));
    c.body = json_copy(json_get(connect, "Body"));
    json_set_str(c.body, "Container", id);
    c.payload.body = c.body;
    return c;
}

int mutate_connect(struct mutation_env *env, const char *service, const char *id,
                   const struct json *connect, struct ship_error *err)
{
    AUTO(mutation_change_done) struct mutation_change c = change_connect(service, id, connect);
    return run(env, &c, err);
}

struct mutation_change change_secrets(const char *service, const char *id, const struct buf *tar)
{
    struct mutation_change c = change_of("secrets", service, args_for(id));
    c.payload.tar = tar;
    return c;
}

int mutate_secrets(struct mutation_env *env, const char *service, const char *id,
                   const struct buf *tar, struct ship_error *err)
{
    if (tar->len == 0)
        return 0;
    AUTO(mutation_change_done) struct mutation_change c = change_secrets(service, id, tar);
    return run(env, &c, err);
}

int mutate_policy(struct mutation_env *env, const struct mutation_policy *m, struct ship_error *err)
{
    struct json *args = args_for(m->id);
    json_set_str(args, "from", m->from);
    json_set_i64(args, "from_max", m->from_max);
    json_set_str(args, "to", m->to);
    json_set_i64(args, "to_max", m->to_max);
    return run_plain(env, "policy", m->service, args, err);
}

int mutate_stop(struct mutation_env *env, const char *service, const char *id, int64_t grace_ms,
                bool was_running, struct ship_error *err)
{
    struct json *args = args_for(id);
    json_set_i64(args, "grace_ms", grace_ms < STOP_GRACE_MAX_MS ? grace_ms : STOP_GRACE_MAX_MS);
    json_set_bool(args, "was_running", was_running);
    return run_plain(env, "stop", service, args, err);
}

int mutate_rename(struct mutation_env *env, const char *service, const char *id, const char *from,
                  const char *to, struct ship_error *err)
{
    struct json *args = args_for(id);
    json_set_str(args, "from", from);
    json_set_str(args, "to", to);
    return run_plain(env, "rename", service, args, err);
}

int mutate_repair_name(struct mutation_env *env, const char *service, const char *id,
                       const char *from, const char *to, struct ship_error *err)
{
    struct json *args = args_for(id);
    json_set_str(args, "from", from);
    json_set_str(args, "to", to);
    json_set_bool(args, "keep", true);
    return run_plain(env, "rename", service, args, err);
}

int mutate_dependent(struct mutation_env *env, const char *service, const char *id,
                     const char *started_at, int64_t grace_ms, struct ship_error *err)
{
    struct json *args = args_for(id);
    json_set_str(args, "started_at", started_at);
    json_set_i64(args, "grace_ms", grace_ms < STOP_GRACE_MAX_MS ? grace_ms : STOP_GRACE_MAX_MS);
    return run_plain(env, "dependent", service, args, err);
}

struct mutation_change change_start(const char *service, const char *id, bool keep)
{
    struct mutation_change c = change_of("start", service, args_for(id));
    if (keep)
        json_set_bool(c.args, "keep", true);
    return c;
}

int mutate_start(struct mutation_env *env, const char *service, const char *id, bool keep,
                 struct ship_error *err)
{
    AUTO(mutation_change_done) struct mutation_change c = change_start(service, id, keep);
    return run(env, &c, err);
}

int mutate_remove(struct mutation_env *env, const char *service, const char *id, const char *name,
                  struct ship_error *err)
{
    struct json *args = args_for(id);
    json_set_str(args, "name", name);
    return run_plain(env, "remove", service, args, err);
}

struct mutation_change change_resource(const char *kind, const char *name, const struct json *body)
{
    struct mutation_change c = change_of(kind, NULL, args_for(NULL));
    json_set_str(c.args, "name", name);
    c.payload.body = body;
    return c;
}

int mutate_pin(struct mutation_env *env, const struct compose_pin *pin, struct ship_error *err)
{
    AUTO(mutation_change_done) struct mutation_change c = change_of("pin", NULL, args_for(NULL));
    json_set_str(c.args, "path", pin->path);
    json_set_str(c.args, "what", pin->what);
    c.payload.pin = pin;
    return run(env, &c, err);
}
