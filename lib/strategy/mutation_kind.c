/*
 * The table of mutation kinds: see mutation_kind.h. What can go wrong: whatever the engine answers;
 * looking (is_done) tells "not there" from "could not look".
 */
#include "strategy/mutation_kind.h"

#include <stdlib.h>

#include "base/alloc.h"

#define UNDO_GRACE_MAX_MS 10000

/* 0 found, 1 no such container, -1 error. */
static int look(struct mutation_env *env, const char *id, struct container *ret,
                struct ship_error *err)
{
    struct ship_error e = {0};
    if (env->runtime->ops->inspect(env->runtime, id, ret, mutation_deadline(env, RUNTIME_READ_MS),
                                   &e) == 0)
        return 0;
    if (e.code == SHIP_NOT_FOUND)
        return 1;
    *err = e;
    return -1;
}

/* Two ledgers on one engine count alike. */
bool mutation_made(const struct mutation_env *env, const char *operation, const char *ledger)
{
    int64_t number;
    return operation && str_to_i64(operation, &number) == 0 && number == env->operation &&
           (!ledger || str_eq(ledger, ledger_uuid(env->ledger)));
}

static bool is_ours(const struct mutation_env *env, const struct container *c)
{
    return mutation_made(env, container_label(c, LABEL_OPERATION),
                         container_label(c, LABEL_LEDGER));
}

/* ---- create ---- */

static int create_apply(struct mutation_env *env, const struct json *args,
                        const struct mutation_payload *p, struct json *observed,
                        struct ship_error *err)
{
    AUTO_FREE char *id = NULL;
    AUTO(strv_done) struct strv warnings = {0};
    if (env->runtime->ops->create(env->runtime, json_str(args, "name"), json_str(args, "platform"),
                                  p->body, &id, &warnings,
                                  mutation_deadline(env, RUNTIME_CHANGE_MS), err) < 0)
        return -1;
    json_set_str(observed, "id", id);
    struct json *list = warnings.n ? json_set_array(observed, "warnings") : NULL;
    for (size_t i = 0; i < warnings.n; i++) {
        redact_own(env->runtime->redact, &warnings.v[i]);
        json_append_str(list, warnings.v[i]);
    }
    return 0;
}

static int create_is_done(struct mutation_env *env, const struct json *args, struct json *observed,
                          struct ship_error *err)
{
    AUTO(container_done) struct container c = {0};
    int rc = look(env, json_str_or(args, "name", ""), &c, err);
    if (rc != 0)
        return rc < 0 ? -1 : 0;
    if (!is_ours(env, &c))
        return 0;
    json_set_str(observed, "id", c.id);
    return 1;
}

static int create_undo(struct mutation_env *env, const struct json *args,
                       const struct json *observed, struct ship_error *err)
{
    AUTO(container_done) struct container c = {0};
    const char *key = json_str_or(observed, "id", json_str_or(args, "name", ""));
    int rc = look(env, key, &c, err);
    if (rc != 0)
        return rc < 0 ? -1 : 0;
    if (!is_ours(env, &c))
        return 0; /* the name belongs to somebody else: ours was never created */
    if (json_bool(args, "keep", false) && c.started_at_ms > 0)
        return 0;
    return env->runtime->ops->remove(env->runtime, c.id, true,
                                     mutation_deadline(env, RUNTIME_CHANGE_MS), err);
}

/* ---- connect, secrets: gone with the container ---- */

static int connect_apply(struct mutation_env *env, const struct json *args,
                         const struct mutation_payload *p, struct json *observed,
                         struct ship_error *err)
{
    (void)observed;
    return env->runtime->ops->network_connect(env->runtime, json_str(args, "network"), p->body,
                                              mutation_deadline(env, RUNTIME_CHANGE_MS), err);
}

static int connect_is_done(struct mutation_env *env, const struct json *args, struct json *observed,
                           struct ship_error *err)
{
    (void)observed;
    AUTO(container_done) struct container c = {0};
    int rc = look(env, json_str_or(args, "id", ""), &c, err);
    if (rc != 0)
        return rc < 0 ? -1 : 0;
    const struct json *nets = json_path(c.doc, "NetworkSettings.Networks");
    return json_get(nets, json_str_or(args, "network", "")) != NULL;
}

static int secrets_apply(struct mutation_env *env, const struct json *args,
                         const struct mutation_payload *p, struct json *observed,
                         struct ship_error *err)
{
    (void)observed;
    return env->runtime->ops->put_archive(env->runtime, json_str(args, "id"), "/", p->tar->p,
                                          p->tar->len, mutation_deadline(env, RUNTIME_CHANGE_MS),
                                          err);
}

/* ---- restart policy ---- */

static int policy_apply(struct mutation_env *env, const struct json *args,
                        const struct mutation_payload *p, struct json *observed,
                        struct ship_error *err)
{
    (void)p;
    (void)observed;
    return env->runtime->ops->set_restart(env->runtime, json_str(args, "id"), json_str(args, "to"),
                                          json_i64(args, "to_max", 0),
                                          mutation_deadline(env, RUNTIME_CHANGE_MS), err);
}

static int policy_is_done(struct mutation_env *env, const struct json *args, struct json *observed,
                          struct ship_error *err)
{
    (void)observed;
    AUTO(container_done) struct container c = {0};
    int rc = look(env, json_str_or(args, "id", ""), &c, err);
    if (rc != 0)
        return rc < 0 ? -1 : 0;
    return str_eq(c.restart_policy, json_str(args, "to"));
}

static int policy_undo(struct mutation_env *env, const struct json *args,
                       const struct json *observed, struct ship_error *err)
{
    (void)observed;
    struct ship_error e = {0};
    if (env->runtime->ops->set_restart(env->runtime, json_str(args, "id"), json_str(args, "from"),
                                       json_i64(args, "from_max", 0),
                                       mutation_deadline(env, RUNTIME_CHANGE_MS), &e) == 0 ||
        e.code == SHIP_NOT_FOUND)
        return 0;
    *err = e;
    return -1;
}

/* ---- stop, start ---- */

static int send_stop(struct mutation_env *env, const char *id, int64_t grace_ms,
                     struct ship_error *err)
{
    int64_t limit = grace_ms + RUNTIME_STOP_EXTRA_MS;
    return env->runtime->ops->stop(env->runtime, id, (grace_ms + 999) / 1000,
                                   mutation_deadline(env, limit), err);
}

static int stop_apply(struct mutation_env *env, const struct json *args,
                      const struct mutation_payload *p, struct json *observed,
                      struct ship_error *err)
{
    (void)p;
    (void)observed;
    return send_stop(env, json_str(args, "id"), json_i64(args, "grace_ms", 0), err);
}

static int running_is(struct mutation_env *env, const struct json *args, bool want,
                      struct ship_error *err)
{
    AUTO(container_done) struct container c = {0};
    int rc = look(env, json_str_or(args, "id", ""), &c, err);
    if (rc != 0)
        return rc < 0 ? -1 : !want;
    return c.running == want;
}

static int stop_is_done(struct mutation_env *env, const struct json *args, struct json *observed,
                        struct ship_error *err)
{
    (void)observed;
    return running_is(env, args, false, err);
}

static int send_start(struct mutation_env *env, const char *id, struct ship_error *err)
{
    return env->runtime->ops->start(env->runtime, id, mutation_deadline(env, RUNTIME_START_MS),
                                    err);
}

static int stop_undo(struct mutation_env *env, const struct json *args, const struct json *observed,
                     struct ship_error *err)
{
    (void)observed;
    if (!json_bool(args, "was_running", true))
        return 0;
    return send_start(env, json_str(args, "id"), err);
}

static int start_apply(struct mutation_env *env, const struct json *args,
                       const struct mutation_payload *p, struct json *observed,
                       struct ship_error *err)
{
    (void)p;
    (void)observed;
    return send_start(env, json_str(args, "id"), err);
}

static int start_is_done(struct mutation_env *env, const struct json *args, struct json *observed,
                         struct ship_error *err)
{
    (void)observed;
    return running_is(env, args, true, err);
}

static int start_undo(struct mutation_env *env, const struct json *args,
                      const struct json *observed, struct ship_error *err)
{
    (void)observed;
    if (json_bool(args, "keep", false))
        return 0;
    AUTO(container_done) struct container c = {0};
    int rc = look(env, json_str_or(args, "id", ""), &c, err);
    if (rc != 0)
        return rc < 0 ? -1 : 0;
    return c.running ? send_stop(env, c.id, UNDO_GRACE_MAX_MS, err) : 0;
}

/* ---- rename ---- */

static int rename_apply(struct mutation_env *env, const struct json *args,
                        const struct mutation_payload *p, struct json *observed,
                        struct ship_error *err)
{
    (void)p;
    (void)observed;
    return env->runtime->ops->rename(env->runtime, json_str(args, "id"), json_str(args, "to"),
                                     mutation_deadline(env, RUNTIME_CHANGE_MS), err);
}

static int rename_is_done(struct mutation_env *env, const struct json *args, struct json *observed,
                          struct ship_error *err)
{
    (void)observed;
    AUTO(container_done) struct container c = {0};
    int rc = look(env, json_str_or(args, "id", ""), &c, err);
    if (rc != 0)
        return rc < 0 ? -1 : 0;
    return str_eq(c.name, json_str(args, "to"));
}

static int rename_undo(struct mutation_env *env, const struct json *args,
                       const struct json *observed, struct ship_error *err)
{
    (void)observed;
    AUTO(container_done) struct container c = {0};
    if (json_bool(args, "keep", false))
        return 0;
    int rc = look(env, json_str_or(args, "id", ""), &c, err);
    if (rc != 0)
        return rc < 0 ? -1 : 0;
    if (!str_eq(c.name, json_str(args, "to")))
        return 0; /* never renamed, or renamed back already */
    return env->runtime->ops->rename(env->runtime, c.id, json_str(args, "from"),
                                     mutation_deadline(env, RUNTIME_CHANGE_MS), err);
}

/* ---- dependent: a note for the way back ---- */

static int dependent_apply(struct mutation_env *env, const struct json *args,
                           const struct mutation_payload *p, struct json *observed,
                           struct ship_error *err)
{
    (void)env;
    (void)args;
    (void)p;
    (void)observed;
    (void)err;
    return 0;
}

static int dependent_undo(struct mutation_env *env, const struct json *args,
                          const struct json *observed, struct ship_error *err)
{
    (void)observed;
    AUTO(container_done) struct container c = {0};
    int rc = look(env, json_str_or(args, "id", ""), &c, err);
    if (rc != 0)
        return rc < 0 ? -1 : 0;
    if (str_eq(c.started_at, json_str(args, "started_at")))
        return 0; /* never restarted, or ended by itself: not ours to revive */
    if (c.running && send_stop(env, c.id, json_i64(args, "grace_ms", 0), err) < 0)
        return -1;
    return send_start(env, c.id, err);
}

/* ---- remove, networks, volumes, pin ---- */

static int remove_apply(struct mutation_env *env, const struct json *args,
                        const struct mutation_payload *p, struct json *observed,
                        struct ship_error *err)
{
    (void)p;
    (void)observed;
    return env->runtime->ops->remove(env->runtime, json_str(args, "id"), true,
                                     mutation_deadline(env, RUNTIME_CHANGE_MS), err);
}

static int remove_is_done(struct mutation_env *env, const struct json *args, struct json *observed,
                          struct ship_error *err)
{
    (void)observed;
    AUTO(container_done) struct container c = {0};
    return look(env, json_str_or(args, "id", ""), &c, err);
}

static int network_apply(struct mutation_env *env, const struct json *args,
                         const struct mutation_payload *p, struct json *observed,
                         struct ship_error *err)
{
    (void)args;
    (void)observed;
    return env->runtime->ops->network_create(env->runtime, p->body,
                                             mutation_deadline(env, RUNTIME_CHANGE_MS), err);
}

static int network_is_done(struct mutation_env *env, const struct json *args, struct json *observed,
                           struct ship_error *err)
{
    (void)observed;
    AUTO_PTR(json_free) struct json *doc = NULL;
    if (env->runtime->ops->network_inspect(env->runtime, json_str(args, "name"), &doc,
                                           mutation_deadline(env, RUNTIME_READ_MS), err) < 0)
        return -1;
    return doc != NULL;
}

static int volume_apply(struct mutation_env *env, const struct json *args,
                        const struct mutation_payload *p, struct json *observed,
                        struct ship_error *err)
{
    (void)args;
    (void)observed;
    return env->runtime->ops->volume_create(env->runtime, p->body,
                                            mutation_deadline(env, RUNTIME_CHANGE_MS), err);
}

static int volume_is_done(struct mutation_env *env, const struct json *args, struct json *observed,
                          struct ship_error *err)
{
    (void)observed;
    AUTO_PTR(json_free) struct json *doc = NULL;
    if (env->runtime->ops->volume_inspect(env->runtime, json_str(args, "name"), &doc,
                                          mutation_deadline(env, RUNTIME_READ_MS), err) < 0)
        return -1;
    return doc != NULL;
}

static int pin_apply(struct mutation_env *env, const struct json *args,
                     const struct mutation_payload *p, struct json *observed,
                     struct ship_error *err)
{
    (void)env;
    (void)args;
    (void)observed;
    return compose_pin_apply(p->pin, err);
}

/* THE table of kinds. The names are stored in ledgers: never rename one. */
static const struct mutation_kind kinds[] = {
  /* name      apply           is_done          settle  undo         */
    {"create",    create_apply,    create_is_done,  5000,  create_undo   },
    {"connect",   connect_apply,   connect_is_done, 5000,  NULL          },
    {"secrets",   secrets_apply,   NULL,            0,     NULL          },
    {"policy",    policy_apply,    policy_is_done,  5000,  policy_undo   },
    {"stop",      stop_apply,      stop_is_done,    30000, stop_undo     },
    {"rename",    rename_apply,    rename_is_done,  5000,  rename_undo   },
    {"start",     start_apply,     start_is_done,   30000, start_undo    },
    {"remove",    remove_apply,    remove_is_done,  30000, NULL          },
    {"network",   network_apply,   network_is_done, 5000,  NULL          },
    {"volume",    volume_apply,    volume_is_done,  5000,  NULL          },
    {"pin",       pin_apply,       NULL,            0,     NULL          },
    {"dependent", dependent_apply, NULL,            0,     dependent_undo},
};

const struct mutation_kind *mutation_kind_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (str_eq(kinds[i].name, name))
            return &kinds[i];
    return NULL;
}
