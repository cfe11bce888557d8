/*
 * The write-ahead runner of mutations and their way back: see mutation.h.
 *
 * What can go wrong: the journal can not be written (the mutation does not
 * start), the engine refuses (recorded as failed), the outcome stays unknown
 * (the row stays without outcome, recovery observes).
 */
#include "strategy/mutation.h"

#include <stdlib.h>
#include <string.h>

#include "shipctl/event.h"

#include "base/alloc.h"
#include "strategy/mutation_kind.h"

#define OBSERVE_POLL_MS   100
#define OBSERVE_MS        60000 /* an engine that restarts gets this long to come back */
#define REPEAT_MS         1000  /* no effect after this long: the request is sent once more */
#define STOP_SLACK_MS     2000  /* after the grace period a stop that was received is over */
#define UNDO_SETTLE_MS    1500
#define UNDO_AGAIN_MS     500
#define STOP_GRACE_MAX_MS (10 * 60000)

/* ---- the runner ---- */

/*
 * The reply was lost: look until the effect shows or settle_ms are over. The engine may be
 * restarting, so failures to look are retried for OBSERVE_MS. 1 done, 0 not done, -1 still unknown.
 */
static int observe_until(struct mutation_env *env, const struct mutation_kind *k,
                         const struct json *args, int64_t settle_ms, struct json *observed)
{
    struct ship_error ignored = {0};
    int64_t give_up = mutation_deadline(env, OBSERVE_MS + settle_ms), settled = CLOCK_NEVER;
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

static bool is_create(const struct mutation_kind *k)
{
    return str_eq(k->name, "create");
}

static bool is_stop(const struct mutation_kind *k)
{
    return str_eq(k->name, "stop");
}

/*
 * The reply to a request was lost. Every request is one that may be repeated: when nothing shows,
 * it got lost on its way (a stop is not repeated before its grace period is over, for a second
 * signal may cut short what the first one began). 1 done, 0 not done, -1 still unknown.
 */
static int observe_and_repeat(struct mutation_env *env, const struct mutation_kind *k,
                              const struct json *args, const struct mutation_payload *payload,
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
static int observe(struct mutation_env *env, const struct mutation_kind *k, const struct json *args,
                   const struct mutation_payload *payload, struct json *observed)
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
    const struct mutation_payload *payload; /* may be NULL */
};

static int run(struct mutation_env *env, const struct change *change, struct json *observed,
               struct ship_error *err)
{
    const struct mutation_kind *k = mutation_kind_find(change->kind);
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
                     const struct json *args, const struct mutation_payload *payload,
                     struct ship_error *err)
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
    struct mutation_payload payload = {.body = m->body};
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
    struct mutation_payload payload = {.body = body};
    return run_plain(env, "connect", service, args, &payload, err);
}

int mutate_secrets(struct mutation_env *env, const char *service, const char *id,
                   const struct buf *tar, struct ship_error *err)
{
    if (tar->len == 0)
        return 0;
    AUTO_PTR(json_free) struct json *args = args_for(id);
    struct mutation_payload payload = {.tar = tar};
    return run_plain(env, "secrets", service, args, &payload, err);
}

int mutate_policy(struct mutation_env *env, const struct mutation_policy *m, struct ship_error *err)
{
    AUTO_PTR(json_free) struct json *args = args_for(m->id);
    json_set_str(args, "from", m->from);
    json_set_i64(args, "from_max", m->from_max);
    json_set_str(args, "to", m->to);
    json_set_i64(args, "to_max", m->to_max);
    return run_plain(env, "policy", m->service, args, &(struct mutation_payload){0}, err);
}

int mutate_stop(struct mutation_env *env, const char *service, const char *id, int64_t grace_ms,
                bool was_running, struct ship_error *err)
{
    AUTO_PTR(json_free) struct json *args = args_for(id);
    json_set_i64(args, "grace_ms", grace_ms < STOP_GRACE_MAX_MS ? grace_ms : STOP_GRACE_MAX_MS);
    json_set_bool(args, "was_running", was_running);
    return run_plain(env, "stop", service, args, &(struct mutation_payload){0}, err);
}

int mutate_rename(struct mutation_env *env, const char *service, const char *id, const char *from,
                  const char *to, struct ship_error *err)
{
    AUTO_PTR(json_free) struct json *args = args_for(id);
    json_set_str(args, "from", from);
    json_set_str(args, "to", to);
    return run_plain(env, "rename", service, args, &(struct mutation_payload){0}, err);
}

int mutate_repair_name(struct mutation_env *env, const char *service, const char *id,
                       const char *from, const char *to, struct ship_error *err)
{
    AUTO_PTR(json_free) struct json *args = args_for(id);
    json_set_str(args, "from", from);
    json_set_str(args, "to", to);
    json_set_bool(args, "keep", true);
    return run_plain(env, "rename", service, args, &(struct mutation_payload){0}, err);
}

int mutate_dependent(struct mutation_env *env, const char *service, const char *id,
                     const char *started_at, int64_t grace_ms, struct ship_error *err)
{
    AUTO_PTR(json_free) struct json *args = args_for(id);
    json_set_str(args, "started_at", started_at);
    json_set_i64(args, "grace_ms", grace_ms < STOP_GRACE_MAX_MS ? grace_ms : STOP_GRACE_MAX_MS);
    return run_plain(env, "dependent", service, args, &(struct mutation_payload){0}, err);
}

int mutate_start(struct mutation_env *env, const char *service, const char *id, bool keep,
                 struct ship_error *err)
{
    AUTO_PTR(json_free) struct json *args = args_for(id);
    if (keep)
        json_set_bool(args, "keep", true);
    return run_plain(env, "start", service, args, &(struct mutation_payload){0}, err);
}

int mutate_remove(struct mutation_env *env, const char *service, const char *id, const char *name,
                  struct ship_error *err)
{
    AUTO_PTR(json_free) struct json *args = args_for(id);
    json_set_str(args, "name", name);
    return run_plain(env, "remove", service, args, &(struct mutation_payload){0}, err);
}

static int ensure(struct mutation_env *env, const char *kind, const char *name,
                  const struct json *body, struct ship_error *err)
{
    AUTO_PTR(json_free) struct json *args = args_for(NULL);
    json_set_str(args, "name", name);
    struct mutation_payload payload = {.body = body};
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
    struct mutation_payload payload = {.pin = pin};
    return run_plain(env, "pin", NULL, args, &payload, err);
}

/* ---- undo ---- */

/*
 * An intent without outcome: the request may be on its way in the engine although its sender died.
 * Give it time to show, so that what is undone stays undone. A stop that was received ends the
 * process at the end of its grace period at the latest: before that, "still running" means nothing.
 */
static void let_settle(struct mutation_env *env, const struct mutation_kind *k,
                       const struct json *args, int64_t intent_at_ms)
{
    int64_t limit = k->settle_ms < UNDO_SETTLE_MS ? k->settle_ms : UNDO_SETTLE_MS;
    if (is_stop(k)) {
        int64_t left = intent_at_ms + stop_takes_ms(args) - clock_epoch_ms(env->patient);
        left = left < stop_takes_ms(args) ? left : stop_takes_ms(args); /* a clock set back */
        limit = left > limit ? left : limit;
    }
    AUTO_PTR(json_free) struct json *observed = json_object();
    struct ship_error ignored = {0};
    int64_t end = mutation_deadline(env, limit);
    while (k->is_done && k->is_done(env, args, observed, &ignored) == 0 &&
           clock_left_ms(env->patient, end) > 0)
        if (clock_wait(env->patient, OBSERVE_POLL_MS, end, &ignored) < 0)
            return;
}

/*
 * The candidate is down and out of the way when it can not be removed: what serves is safe. So that
 * is tried twice, then left to whoever undoes or cleans up next. 0 removed, 1 left, -1 no engine.
 */
static int undo_create_again(struct mutation_env *env, const struct mutation_kind *k,
                             const struct json *args, const struct json *observed,
                             struct ship_error *err)
{
    struct ship_error ignored = {0};
    if (err->code == SHIP_UNREACHABLE || err->code == SHIP_TIMEOUT ||
        clock_wait(env->patient, UNDO_AGAIN_MS, env->deadline_ms, &ignored) < 0)
        return -1;
    if (k->undo(env, args, observed, err) == 0)
        return 0;
    ship_emit_message(env->events, SHIP_LEVEL_WARNING, "cannot remove container '%s': %s; ignoring",
                      json_str_or(args, "name", ""), err->msg);
    return 1;
}

static int undo_row(struct mutation_env *env, const struct ledger_journal *row,
                    struct ship_error *err)
{
    const struct mutation_kind *k = mutation_kind_find(row->kind);
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
    if (rc < 0 && is_create(k))
        rc = undo_create_again(env, k, args, observed, err);
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
