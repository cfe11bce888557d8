/* The recreate strategy: see recreate.h. What can go wrong: any mutation; the caller walks back. */
#include "strategy/recreate.h"

#include <stdlib.h>

#include "base/alloc.h"

#define PARKED_POLICY "unless-stopped"

void replacement_done(struct replacement *r)
{
    char *const owned[] = {r->service,        r->old_name, r->name,           r->candidate,
                           r->parked,         r->platform, r->old_id,         r->old_policy,
                           r->old_started_at, r->new_id,   r->new_started_at, r->old_image_id};
    for (size_t i = 0; i < ARRAY_LEN(owned); i++)
        free(owned[i]);
    json_free(r->body);
    json_free(r->connects);
    buf_done(&r->secrets);
    *r = (struct replacement){0};
}

int recreate_prepare(struct mutation_env *env, struct replacement *r, struct ship_error *err)
{
    struct mutation_create m = {
        .service = r->service, .name = r->candidate, .platform = r->platform, .body = r->body};
    if (mutate_create(env, &m, &r->new_id, err) < 0)
        return ship_error_wrap(err, "cannot create container '%s'", r->candidate);
    for (const struct json *c = json_first(r->connects); c; c = json_next(c))
        if (mutate_connect(env, r->service, r->new_id, c, err) < 0)
            return ship_error_wrap(err, "cannot connect '%s' to network '%s'", r->candidate,
                                   json_str_or(c, "Network", ""));
    return 0;
}

/* Somebody else (Compose, Portainer, a person) may have acted since we looked. */
static int still_the_same(struct mutation_env *env, const struct replacement *r,
                          struct ship_error *err)
{
    AUTO(container_done) struct container c = {0};
    int64_t end = clock_deadline(env->patient, RUNTIME_READ_MS);
    if (env->runtime->ops->inspect(env->runtime, r->old_id, &c, end, err) < 0)
        return ship_error_wrap(err, "container '%s' of service '%s'", r->old_name, r->service);
    if (str_eq(c.started_at, r->old_started_at) && str_eq(c.name, r->old_name))
        return 0;
    ship_fail(err, SHIP_CONFLICT,
              "container '%s' was changed by somebody else while the deployment ran", r->old_name);
    return ship_error_hint(err, "see who: docker events --since 10m; then deploy again");
}

int recreate_park(struct mutation_env *env, struct replacement *r, struct ship_error *err)
{
    if (!r->old_id)
        return 0;
    struct mutation_policy policy = {.service = r->service,
                                     .id = r->old_id,
                                     .from = r->old_policy,
                                     .from_max = r->old_policy_max,
                                     .to = PARKED_POLICY};
    if (still_the_same(env, r, err) < 0)
        return -1;
    if (!str_eq(r->old_policy, PARKED_POLICY) && mutate_policy(env, &policy, err) < 0)
        return ship_error_wrap(err, "cannot change the restart policy of '%s'", r->old_name);
    r->stopped_at_ms = clock_now_ms(env->patient);
    if (mutate_stop(env, r->service, r->old_id, r->grace_ms, r->old_running, err) < 0)
        return ship_error_wrap(err, "cannot stop '%s'", r->old_name);
    if (mutate_rename(env, r->service, r->old_id, r->old_name, r->parked, err) < 0)
        return ship_error_wrap(err, "cannot park '%s'", r->old_name);
    return 0;
}

int recreate_promote(struct mutation_env *env, struct replacement *r, struct ship_error *err)
{
    if (r->old_id && mutate_rename(env, r->service, r->new_id, r->candidate, r->name, err) < 0)
        return ship_error_wrap(err, "cannot name the new container '%s'", r->name);
    if (mutate_secrets(env, r->service, r->new_id, &r->secrets, err) < 0)
        return ship_error_wrap(err, "cannot write secrets into '%s'", r->name);
    if (mutate_start(env, r->service, r->new_id, false, err) < 0)
        return ship_error_wrap(err, "cannot start '%s'", r->name);
    return 0;
}

int recreate_swap(struct mutation_env *env, struct replacement *r, struct ship_error *err)
{
    if (recreate_park(env, r, err) < 0)
        return -1;
    return recreate_promote(env, r, err);
}

int recreate_finish(struct mutation_env *env, struct replacement *r, struct ship_error *err)
{
    if (!r->old_id)
        return 0;
    if (mutate_remove(env, r->service, r->old_id, r->parked, err) < 0)
        return ship_error_wrap(err, "cannot remove the parked container '%s'", r->parked);
    return 0;
}
