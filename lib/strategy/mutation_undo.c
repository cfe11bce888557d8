/*
 * The way back, from the journal alone, on disk or remembered: see mutation.h.
 *
 * What can go wrong: a row cannot be taken back; the others are, and the first failure is told.
 */
#include <string.h>

#include "shipctl/event.h"

#include "base/alloc.h"
#include "strategy/mutation_kind.h"

#define OBSERVE_POLL_MS 100
#define UNDO_SETTLE_MS  1500
#define UNDO_AGAIN_MS   500

struct undo_row {
    const struct ledger_journal *row;
    int64_t began_ms; /* when undoing began: all requests of the sender were sent before */
};

/*
 * An intent without outcome: the request may be on its way in the engine although its sender died.
 * Give it time to show, so that what is undone stays undone. A stop that was received ends the
 * process at the end of its grace period at the latest: before that, "still running" means nothing.
 */
static void let_settle(struct mutation_env *env, const struct mutation_kind *k,
                       const struct json *args, const struct undo_row *row)
{
    int64_t limit = k->settle_ms < UNDO_SETTLE_MS ? k->settle_ms : UNDO_SETTLE_MS;
    int64_t end = clock_earlier(row->began_ms + limit, env->deadline_ms);
    if (mutation_is_stop(k)) {
        int64_t takes = mutation_stop_takes_ms(args);
        int64_t left = row->row->intent_at_ms + takes - clock_epoch_ms(env->patient);
        left = left < takes ? left : takes; /* a clock set back */
        end = mutation_deadline(env, left > limit ? left : limit);
    }
    AUTO_PTR(json_free) struct json *observed = json_object();
    struct ship_error ignored = {0};
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

static int undo_row(struct mutation_env *env, const struct undo_row *u, struct ship_error *err)
{
    const struct ledger_journal *row = u->row;
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
        let_settle(env, k, args, u);
    int rc = k->undo(env, args, observed, err);
    if (rc < 0 && str_eq(k->name, "create"))
        rc = undo_create_again(env, k, args, observed, err);
    if (rc < 0)
        return ship_error_wrap(err, "undo of '%s' for service '%s'", row->kind,
                               row->service ? row->service : "-");
    if (rc > 0)
        return 0;
    return mutation_record_outcome(env, row->seq, row->kind, "undone", observed, err);
}

/* js: the caller's, for what is read. NULL: nobody knows. */
static const struct ledger_journals *
find_journal(struct mutation_env *env, struct ledger_journals *js, struct ship_error *err)
{
    if (ledger_settle(env->ledger, err) < 0 && mutation_journal_failed(env, "undo", err) < 0)
        return NULL;
    if (ledger_journal_read(env->ledger, env->operation, js, err) == 0)
        return js;
    if (env->written.n == 0 || mutation_journal_failed(env, "undo", err) < 0)
        return NULL;
    return &env->written;
}

int mutation_undo_all(struct mutation_env *env, struct ship_error *err)
{
    AUTO(ledger_journals_done) struct ledger_journals own = {0};
    const struct ledger_journals *js = find_journal(env, &own, err);
    if (!js)
        return -1;
    int64_t began_ms = clock_now_ms(env->patient);
    int rc = 0;
    for (size_t i = js->n; i-- > 0;) {
        struct ship_error e = {0};
        struct undo_row u = {&js->rows[i], began_ms};
        if (undo_row(env, &u, &e) < 0 && rc == 0) {
            *err = e;
            rc = -1;
        }
    }
    return rc;
}
