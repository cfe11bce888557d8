/*
 * The table of mutation kinds and the write-ahead runner: see mutation.h.
 *
 * Inputs are the args object (also what the journal stores; it never holds
 * container bodies or secrets) and a payload that only the first run has.
 * What can go wrong: the journal can not be written (the mutation does not
 * start), the engine refuses (recorded as failed), the outcome stays unknown
 * (the row stays without outcome, recovery observes).
 */
#include "strategy/mutation.h"

#include <stdlib.h>
#include <string.h>

#include "shipctl/event.h"

#include "base/alloc.h"

#define OBSERVE_POLL_MS   100
#define OBSERVE_MS        60000 /* an engine that restarts gets this long to come back */
#define REPEAT_MS         1000  /* no effect after this long: the request is sent once more */
#define STOP_SLACK_MS     2000  /* after the grace period a stop that was received is over */
#define UNDO_SETTLE_MS    1500
#define UNDO_AGAIN_MS     500
#define UNDO_GRACE_MAX_MS 10000
#define STOP_GRACE_MAX_MS (10 * 60000)

struct payload {
    const struct json *body;
    const struct buf *tar;
    const struct compose_pin *pin;
};

struct kind {
    const char *name;
    /* Send the request. observed: object to fill with what undo needs (ids). */
    int (*apply)(struct mutation_env *env, const struct json *args, const struct payload *payload,
                 struct json *observed, struct ship_error *err);
    /* 1 the effect is there, 0 not, -1 could not look. NULL: can not be observed, treat as not
     * done. */
    int (*is_done)(struct mutation_env *env, const struct json *args, struct json *observed,
                   struct ship_error *err);
    int64_t settle_ms; /* how long an accepted request may take to show */
    /* NULL: nothing to take back. */
    int (*undo)(struct mutation_env *env, const struct json *args, const struct json *observed,
                struct ship_error *err);
};

static int64_t deadline(const struct mutation_env *env, int64_t ms)
{
    return clock_earlier(clock_deadline(env->patient, ms), env->deadline_ms);
}

/* 0 found, 1 no such container, -1 error. */
static int look(struct mutation_env *env, const char *id, struct container *ret,
                struct ship_error *err)
{
    struct ship_error e = {0};
    if (env->runtime->ops->inspect(env->runtime, id, ret, deadline(env, RUNTIME_READ_MS), &e) == 0)
        return 0;
    if (e.code == SHIP_NOT_FOUND)
        return 1;
    *err = e;
    return -1;
}

static bool is_ours(const struct mutation_env *env, const struct container *c)
{
    const char *label = container_label(c, LABEL_OPERATION);
    int64_t op;
    return label && str_to_i64(label, &op) == 0 && op == env->operation;
}

/* ---- create ---- */

static int create_apply(struct mutation_env *env, const struct json *args, const struct payload *p,
                        struct json *observed, struct ship_error *err)
{
    AUTO_FREE char *id = NULL;
    AUTO(strv_done) struct strv warnings = {0};
    if (env->runtime->ops->create(env->runtime, json_str(args, "name"), json_str(args, "platform"),
                                  p->body, &id, &warnings, deadline(env, RUNTIME_CHANGE_MS),
                                  err) < 0)
        return -1;
    json_set_str(observed, "id", id);
    for (size_t i = 0; i < warnings.n; i++)
        ship_emit_message(env->events, SHIP_LEVEL_WARNING, "engine on '%s': %s",
                          json_str_or(args, "name", ""), warnings.v[i]);
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
    return env->runtime->ops->remove(env->runtime, c.id, true, deadline(env, RUNTIME_CHANGE_MS),
                                     err);
}

/* ---- connect, secrets: gone with the container ---- */

static int connect_apply(struct mutation_env *env, const struct json *args, const struct payload *p,
                         struct json *observed, struct ship_error *err)
{
    (void)observed;
    return env->runtime->ops->network_connect(env->runtime, json_str(args, "network"), p->body,
                                              deadline(env, RUNTIME_CHANGE_MS), err);
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

static int secrets_apply(struct mutation_env *env, const struct json *args, const struct payload *p,
                         struct json *observed, struct ship_error *err)
{
    (void)observed;
    return env->runtime->ops->put_archive(env->runtime, json_str(args, "id"), "/", p->tar->p,
                                          p->tar->len, deadline(env, RUNTIME_CHANGE_MS), err);
}

/* ---- restart policy ---- */

static int policy_apply(struct mutation_env *env, const struct json *args, const struct payload *p,
                        struct json *observed, struct ship_error *err)
{
    (void)p;
    (void)observed;
    return env->runtime->ops->set_restart(env->runtime, json_str(args, "id"), json_str(args, "to"),
                                          json_i64(args, "to_max", 0),
                                          deadline(env, RUNTIME_CHANGE_MS), err);
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
                                       deadline(env, RUNTIME_CHANGE_MS), &e) == 0 ||
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
    return env->runtime->ops->stop(env->runtime, id, (grace_ms + 999) / 1000, deadline(env, limit),
                                   err);
}

static int stop_apply(struct mutation_env *env, const struct json *args, const struct payload *p,
                      struct json *observed, struct ship_error *err)
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
    return env->runtime->ops->start(env->runtime, id, deadline(env, RUNTIME_START_MS), err);
}

static int stop_undo(struct mutation_env *env, const struct json *args, const struct json *observed,
                     struct ship_error *err)
{
    (void)observed;
    if (!json_bool(args, "was_running", true))
        return 0;
    return send_start(env, json_str(args, "id"), err);
}

static int start_apply(struct mutation_env *env, const struct json *args, const struct payload *p,
                       struct json *observed, struct ship_error *err)
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

static int rename_apply(struct mutation_env *env, const struct json *args, const struct payload *p,
                        struct json *observed, struct ship_error *err)
{
    (void)p;
    (void)observed;
    return env->runtime->ops->rename(env->runtime, json_str(args, "id"), json_str(args, "to"),
                                     deadline(env, RUNTIME_CHANGE_MS), err);
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
                                     deadline(env, RUNTIME_CHANGE_MS), err);
}

/* ---- dependent: a note for the way back ---- */

static int dependent_apply(struct mutation_env *env, const struct json *args,
                           const struct payload *p, struct json *observed, struct ship_error *err)
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

static int remove_apply(struct mutation_env *env, const struct json *args, const struct payload *p,
                        struct json *observed, struct ship_error *err)
{
    (void)p;
    (void)observed;
    return env->runtime->ops->remove(env->runtime, json_str(args, "id"), true,
                                     deadline(env, RUNTIME_CHANGE_MS), err);
}

static int remove_is_done(struct mutation_env *env, const struct json *args, struct json *observed,
                          struct ship_error *err)
{
    (void)observed;
    AUTO(container_done) struct container c = {0};
    return look(env, json_str_or(args, "id", ""), &c, err);
}

static int network_apply(struct mutation_env *env, const struct json *args, const struct payload *p,
                         struct json *observed, struct ship_error *err)
{
    (void)args;
    (void)observed;
    return env->runtime->ops->network_create(env->runtime, p->body,
                                             deadline(env, RUNTIME_CHANGE_MS), err);
}

static int network_is_done(struct mutation_env *env, const struct json *args, struct json *observed,
                           struct ship_error *err)
{
    (void)observed;
    AUTO_PTR(json_free) struct json *doc = NULL;
    if (env->runtime->ops->network_inspect(env->runtime, json_str(args, "name"), &doc,
                                           deadline(env, RUNTIME_READ_MS), err) < 0)
        return -1;
    return doc != NULL;
}

static int volume_apply(struct mutation_env *env, const struct json *args, const struct payload *p,
                        struct json *observed, struct ship_error *err)
{
    (void)args;
    (void)observed;
    return env->runtime->ops->volume_create(env->runtime, p->body, deadline(env, RUNTIME_CHANGE_MS),
                                            err);
}

static int volume_is_done(struct mutation_env *env, const struct json *args, struct json *observed,
                          struct ship_error *err)
{
    (void)observed;
    AUTO_PTR(json_free) struct json *doc = NULL;
    if (env->runtime->ops->volume_inspect(env->runtime, json_str(args, "name"), &doc,
                                          deadline(env, RUNTIME_READ_MS), err) < 0)
        return -1;
    return doc != NULL;
}

static int pin_apply(struct mutation_env *env, const struct json *args, const struct payload *p,
                     struct json *observed, struct ship_error *err)
{
    (void)env;
    (void)args;
    (void)observed;
    return compose_pin_apply(p->pin, err);
}

/* THE table of kinds. The names are stored in ledgers: never rename one. */
static const struct kind kinds[] = {
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

static const struct kind *kind_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (str_eq(kinds[i].name, name))
            return &kinds[i];
    return NULL;
}

/* ---- the runner ---- */

/*
 * The reply was lost: look until the effect shows or settle_ms are over. The engine may be
 * restarting, so failures to look are retried for OBSERVE_MS. 1 done, 0 not done, -1 still unknown.
 */
static int observe_until(struct mutation_env *env, const struct kind *k, const struct json *args,
                         int64_t settle_ms, struct json *observed)
{
    struct ship_error ignored = {0};
    int64_t give_up = deadline(env, OBSERVE_MS + settle_ms), settled = CLOCK_NEVER;
    int rc = -1;
    while (k->is_done) {
        rc = k->is_done(env, args, observed, &ignored);
        if (rc == 1)
            return 1;
        if (rc == 0 && settled == CLOCK_NEVER)
            settled = clock_deadline(env->patient, settle_ms);
        int64_t end = clock_earlier(give_up, settled);
        if (clock_left_ms(env->patient, end) == 0)
            return rc;
        if (clock_wait(env->patient, OBSERVE_POLL_MS, end, &ignored) < 0)
            return -1;
    }
    return 0;
}

/* How long a stop that the engine has received can take. */
static int64_t stop_takes_ms(const struct json *args)
{
    return json_i64(args, "grace_ms", 0) + STOP_SLACK_MS;
}

static bool is_stop(const struct kind *k)
{
    return k->apply == stop_apply;
}

/*
 * The reply to a request was lost. Every request is one that may be repeated: when nothing shows,
 * it got lost on its way (a stop is not repeated before its grace period is over, for a second
 * signal may cut short what the first one began). 1 done, 0 not done, -1 still unknown.
 */
static int observe_and_repeat(struct mutation_env *env, const struct kind *k,
                              const struct json *args, const struct payload *payload,
                              struct json *observed)
{
    struct ship_error ignored = {0};
    int rc = observe_until(env, k, args, is_stop(k) ? stop_takes_ms(args) : REPEAT_MS, observed);
    if (rc != 0)
        return rc;
    env->runtime->unknown = false;
    if (k->apply(env, args, payload, observed, &ignored) == 0)
        return 1;
    /* Refused: perhaps because the first request did arrive. */
    int64_t settle_ms = env->runtime->unknown ? k->settle_ms : 0;
    if (is_stop(k))
        settle_ms = stop_takes_ms(args);
    return observe_until(env, k, args, settle_ms, observed);
}

/* Looking goes on after a stop signal: the outcome must be known before anything else happens. */
static int observe(struct mutation_env *env, const struct kind *k, const struct json *args,
                   const struct payload *payload, struct json *observed)
{
    const struct clock *clock = env->runtime->clock;
    env->runtime->clock = env->patient;
    int rc = observe_and_repeat(env, k, args, payload, observed);
    env->runtime->clock = clock;
    return rc;
}

static int journal_failed(struct mutation_env *env, const char *kind, struct ship_error *err)
{
    if (!env->journal_optional)
        return ship_error_wrap(err, "journal of '%s'", kind);
    /* Each try may wait for seconds while nothing serves: one is enough. */
    env->is_journal_lost = true;
    ship_emit_message(env->events, SHIP_LEVEL_WARNING,
                      "cannot record '%s' in the ledger: %s; going on without", kind, err->msg);
    *err = (struct ship_error){0};
    return 0;
}

static int record_outcome(struct mutation_env *env, int64_t seq, const char *kind,
                          const char *outcome, const struct json *observed, struct ship_error *err)
{
    AUTO_FREE char *text = json_print(observed);
    struct ship_error e = {0};
    if (seq == 0 || env->is_journal_lost ||
        ledger_done(env->ledger, env->operation, seq, outcome, text, clock_epoch_ms(env->patient),
                    &e) == 0)
        return 0;
    *err = e;
    return journal_failed(env, kind, err);
}

/* Recorded with the intent of the next mutation: see ledger_done_soon. */
static int record_done(struct mutation_env *env, int64_t seq, const char *kind,
                       const struct json *observed, struct ship_error *err)
{
    AUTO_FREE char *text = json_print(observed);
    struct ship_error e = {0};
    if (seq == 0 || ledger_done_soon(env->ledger, env->operation, seq, "done", text,
                                     clock_epoch_ms(env->patient), &e) == 0)
        return 0;
    *err = e;
    return journal_failed(env, kind, err);
}

static int64_t record_intent(struct mutation_env *env, const char *kind, const char *service,
                             const struct json *args, struct ship_error *err)
{
    AUTO_FREE char *text = json_print(args);
    struct ledger_journal row = {.kind = ledger_lend(kind),
                                 .service = ledger_lend(service),
                                 .args_json = text,
                                 .intent_at_ms = clock_epoch_ms(env->patient)};
    if (env->is_journal_lost)
        return 0;
    if (ledger_intent(env->ledger, env->operation, &row, err) < 0)
        return journal_failed(env, kind, err);
    return row.seq;
}

/* One change as the journal knows it, and what the engine needs beyond that. */
struct change {
    const char *kind, *service;
    const struct json *args;
    const struct payload *payload; /* may be NULL */
};

static int run(struct mutation_env *env, const struct change *change, struct json *observed,
               struct ship_error *err)
{
    const struct kind *k = kind_find(change->kind);
    int64_t seq = record_intent(env, change->kind, change->service, change->args, err);
    if (seq < 0)
        return -1;
    env->runtime->unknown = false;
    if (k->apply(env, change->args, change->payload, observed, err) == 0)
        return record_done(env, seq, change->kind, observed, err);
    int seen = env->runtime->unknown ? observe(env, k, change->args, change->payload, observed) : 0;
    if (seen == 1) {
        *err = (struct ship_error){0};
        return record_done(env, seq, change->kind, observed, err);
    }
    struct ship_error ignored = {0};
    if (seen == 0 && record_outcome(env, seq, change->kind, "failed", observed, &ignored) < 0)
        ship_emit_message(env->events, SHIP_LEVEL_WARNING, "%s; ignoring", ignored.msg);
    return -1;
}

/* ---- typed entrances ---- */

static struct json *args_for(const char *id)
{
    struct json *args = json_object();
    if (id)
        json_set_str(args, "id", id);
    return args;
}

static int run_plain(struct mutation_env *env, const char *kind, const char *service,
                     const struct json *args, const struct payload *payload, struct ship_error *err)
{
    AUTO_PTR(json_free) struct json *observed = json_object();
    return run(env, &(struct change){kind, service, args, payload}, observed, err);
}

int mutate_create(struct mutation_env *env, const struct mutation_create *m, char **ret_id,
                  struct ship_error *err)
{
    AUTO_PTR(json_free) struct json *args = args_for(NULL);
    AUTO_PTR(json_free) struct json *observed = json_object();
    json_set_str(args, "name", m->name);
    if (m->platform)
        json_set_str(args, "platform", m->platform);
    if (m->keep)
        json_set_bool(args, "keep", true);
    struct payload payload = {.body = m->body};
    if (run(env, &(struct change){"create", m->service, args, &payload}, observed, err) < 0)
        return -1;
    *ret_id = xstrdup(json_str_or(observed, "id", ""));
    return 0;
}

int mutate_connect(struct mutation_env *env, const char *service, const char *id,
                   const struct json *connect, struct ship_error *err)
{
    AUTO_PTR(json_free) struct json *args = args_for(id);
    AUTO_PTR(json_free) struct json *body = json_copy(json_get(connect, "Body"));
    json_set_str(args, "network", json_str(connect, "Network"));
    json_set_str(body, "Container", id);
    struct payload payload = {.body = body};
    return run_plain(env, "connect", service, args, &payload, err);
}

int mutate_secrets(struct mutation_env *env, const char *service, const char *id,
                   const struct buf *tar, struct ship_error *err)
{
    if (tar->len == 0)
        return 0;
    AUTO_PTR(json_free) struct json *args = args_for(id);
    struct payload payload = {.tar = tar};
    return run_plain(env, "secrets", service, args, &payload, err);
}

int mutate_policy(struct mutation_env *env, const struct mutation_policy *m, struct ship_error *err)
{
    AUTO_PTR(json_free) struct json *args = args_for(m->id);
    json_set_str(args, "from", m->from);
    json_set_i64(args, "from_max", m->from_max);
    json_set_str(args, "to", m->to);
    json_set_i64(args, "to_max", m->to_max);
    return run_plain(env, "policy", m->service, args, &(struct payload){0}, err);
}

int mutate_stop(struct mutation_env *env, const char *service, const char *id, int64_t grace_ms,
                bool was_running, struct ship_error *err)
{
    AUTO_PTR(json_free) struct json *args = args_for(id);
    json_set_i64(args, "grace_ms", grace_ms < STOP_GRACE_MAX_MS ? grace_ms : STOP_GRACE_MAX_MS);
    json_set_bool(args, "was_running", was_running);
    return run_plain(env, "stop", service, args, &(struct payload){0}, err);
}

int mutate_rename(struct mutation_env *env, const char *service, const char *id, const char *from,
                  const char *to, struct ship_error *err)
{
    AUTO_PTR(json_free) struct json *args = args_for(id);
    json_set_str(args, "from", from);
    json_set_str(args, "to", to);
    return run_plain(env, "rename", service, args, &(struct payload){0}, err);
}

int mutate_repair_name(struct mutation_env *env, const char *service, const char *id,
                       const char *from, const char *to, struct ship_error *err)
{
    AUTO_PTR(json_free) struct json *args = args_for(id);
    json_set_str(args, "from", from);
    json_set_str(args, "to", to);
    json_set_bool(args, "keep", true);
    return run_plain(env, "rename", service, args, &(struct payload){0}, err);
}

int mutate_dependent(struct mutation_env *env, const char *service, const char *id,
                     const char *started_at, int64_t grace_ms, struct ship_error *err)
{
    AUTO_PTR(json_free) struct json *args = args_for(id);
    json_set_str(args, "started_at", started_at);
    json_set_i64(args, "grace_ms", grace_ms < STOP_GRACE_MAX_MS ? grace_ms : STOP_GRACE_MAX_MS);
    return run_plain(env, "dependent", service, args, &(struct payload){0}, err);
}

int mutate_start(struct mutation_env *env, const char *service, const char *id, bool keep,
                 struct ship_error *err)
{
    AUTO_PTR(json_free) struct json *args = args_for(id);
    if (keep)
        json_set_bool(args, "keep", true);
    return run_plain(env, "start", service, args, &(struct payload){0}, err);
}

int mutate_remove(struct mutation_env *env, const char *service, const char *id, const char *name,
                  struct ship_error *err)
{
    AUTO_PTR(json_free) struct json *args = args_for(id);
    json_set_str(args, "name", name);
    return run_plain(env, "remove", service, args, &(struct payload){0}, err);
}

static int ensure(struct mutation_env *env, const char *kind, const char *name,
                  const struct json *body, struct ship_error *err)
{
    AUTO_PTR(json_free) struct json *args = args_for(NULL);
    json_set_str(args, "name", name);
    struct payload payload = {.body = body};
    return run_plain(env, kind, NULL, args, &payload, err);
}

int mutate_network(struct mutation_env *env, const char *name, const struct json *body,
                   struct ship_error *err)
{
    return ensure(env, "network", name, body, err);
}

int mutate_volume(struct mutation_env *env, const char *name, const struct json *body,
                  struct ship_error *err)
{
    return ensure(env, "volume", name, body, err);
}

int mutate_pin(struct mutation_env *env, const struct compose_pin *pin, struct ship_error *err)
{
    AUTO_PTR(json_free) struct json *args = args_for(NULL);
    json_set_str(args, "path", pin->path);
    json_set_str(args, "what", pin->what);
    struct payload payload = {.pin = pin};
    return run_plain(env, "pin", NULL, args, &payload, err);
}

/* ---- undo ---- */

/*
 * An intent without outcome: the request may be on its way in the engine although its sender died.
 * Give it time to show, so that what is undone stays undone. A stop that was received ends the
 * process at the end of its grace period at the latest: before that, "still running" means nothing.
 */
static void let_settle(struct mutation_env *env, const struct kind *k, const struct json *args,
                       int64_t intent_at_ms)
{
    int64_t limit = k->settle_ms < UNDO_SETTLE_MS ? k->settle_ms : UNDO_SETTLE_MS;
    if (is_stop(k)) {
        int64_t left = intent_at_ms + stop_takes_ms(args) - clock_epoch_ms(env->patient);
        left = left < stop_takes_ms(args) ? left : stop_takes_ms(args); /* a clock set back */
        limit = left > limit ? left : limit;
    }
    AUTO_PTR(json_free) struct json *observed = json_object();
    struct ship_error ignored = {0};
    int64_t end = deadline(env, limit);
    while (k->is_done && k->is_done(env, args, observed, &ignored) == 0 &&
           clock_left_ms(env->patient, end) > 0)
        if (clock_wait(env->patient, OBSERVE_POLL_MS, end, &ignored) < 0)
            return;
}

/*
 * The candidate is down and out of the way when it can not be removed: what serves is safe. So that
 * is tried twice, then left to whoever undoes or cleans up next. 0 removed, 1 left, -1 no engine.
 */
static int undo_create_again(struct mutation_env *env, const struct json *args,
                             const struct json *observed, struct ship_error *err)
{
    struct ship_error ignored = {0};
    if (err->code == SHIP_UNREACHABLE || err->code == SHIP_TIMEOUT ||
        clock_wait(env->patient, UNDO_AGAIN_MS, env->deadline_ms, &ignored) < 0)
        return -1;
    if (create_undo(env, args, observed, err) == 0)
        return 0;
    ship_emit_message(env->events, SHIP_LEVEL_WARNING, "cannot remove container '%s': %s; ignoring",
                      json_str_or(args, "name", ""), err->msg);
    return 1;
}

static int undo_row(struct mutation_env *env, const struct ledger_journal *row,
                    struct ship_error *err)
{
    const struct kind *k = kind_find(row->kind);
    if (!k)
        return ship_fail(err, SHIP_INTERNAL, "journal row %lld has unknown kind '%s'",
                         (long long)row->seq, row->kind);
    if (!k->undo || str_eq(row->outcome, "undone"))
        return 0;
    AUTO_PTR(json_free)
    struct json *args =
        json_parse(row->args_json, strlen(row->args_json), "journal arguments", err);
    if (!args)
        return -1;
    const char *seen = row->observed_json ? row->observed_json : "{}";
    AUTO_PTR(json_free)
    struct json *observed = json_parse(seen, strlen(seen), "journal outcome", err);
    if (!observed)
        return -1;
    if (!row->outcome)
        let_settle(env, k, args, row->intent_at_ms);
    int rc = k->undo(env, args, observed, err);
    if (rc < 0 && k->undo == create_undo)
        rc = undo_create_again(env, args, observed, err);
    if (rc < 0)
        return ship_error_wrap(err, "undo of '%s' for service '%s'", row->kind,
                               row->service ? row->service : "-");
    if (rc > 0)
        return 0;
    return record_outcome(env, row->seq, row->kind, "undone", observed, err);
}

int mutation_undo_all(struct mutation_env *env, struct ship_error *err)
{
    AUTO(ledger_journals_done) struct ledger_journals js = {0};
    if (ledger_settle(env->ledger, err) < 0 && journal_failed(env, "undo", err) < 0)
        return -1;
    if (ledger_journal_read(env->ledger, env->operation, &js, err) < 0)
        return -1;
    int rc = 0;
    for (size_t i = js.n; i-- > 0;) {
        struct ship_error e = {0};
        if (undo_row(env, &js.rows[i], &e) < 0 && rc == 0) {
            *err = e;
            rc = -1;
        }
    }
    return rc;
}
