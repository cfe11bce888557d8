/*
 * What the journal is told of a change, before and after: see mutation_kind.h.
 *
 * What can go wrong: the ledger cannot be written. Then the change does not start, unless we are
 * walking back: that goes on without a journal.
 */
#include <stdlib.h>

#include "shipctl/event.h"

#include "base/alloc.h"
#include "strategy/mutation_kind.h"

int mutation_journal_failed(struct mutation_env *env, const char *kind, struct ship_error *err)
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

/* ---- what this process wrote ---- */

static void remember(struct mutation_env *env, const struct ledger_journal *row)
{
    struct ledger_journals *w = &env->written;
    w->rows = xreallocarray(w->rows, w->n + 1, sizeof *w->rows);
    w->rows[w->n++] = (struct ledger_journal){.seq = row->seq,
                                              .kind = xstrdup(row->kind),
                                              .service = xstrdup_or_null(row->service),
                                              .args_json = xstrdup(row->args_json),
                                              .intent_at_ms = row->intent_at_ms};
}

/* From the end: a transaction that failed gives its numbers to the next. */
static void remember_outcome(struct mutation_env *env, int64_t seq, const char *outcome,
                             const char *observed)
{
    for (size_t i = env->written.n; i-- > 0;) {
        struct ledger_journal *row = &env->written.rows[i];
        if (row->seq != seq)
            continue;
        free(row->outcome);
        free(row->observed_json);
        row->outcome = xstrdup(outcome);
        row->observed_json = xstrdup(observed);
        return;
    }
}

void mutation_env_done(struct mutation_env *env)
{
    ledger_journals_done(&env->written);
}

/* ---- the journal ---- */

int mutation_record_outcome(struct mutation_env *env, int64_t seq, const char *kind,
                            const char *outcome, const struct json *observed,
                            struct ship_error *err)
{
    AUTO_FREE char *text = json_print(observed);
    struct ship_error e = {0};
    remember_outcome(env, seq, outcome, text);
    if (seq == 0 || env->is_journal_lost ||
        ledger_done(env->ledger, env->operation, seq, outcome, text, clock_epoch_ms(env->patient),
                    &e) == 0)
        return 0;
    *err = e;
    return mutation_journal_failed(env, kind, err);
}

/* Recorded with the intent of the next mutation: see ledger_done_soon. */
static int record_done_soon(struct mutation_env *env, const struct mutation_change *c,
                            struct ship_error *err)
{
    AUTO_FREE char *text = json_print(c->observed);
    struct ship_error e = {0};
    remember_outcome(env, c->seq, "done", text);
    if (c->seq == 0 || ledger_done_soon(env->ledger, env->operation, c->seq, "done", text,
                                        clock_epoch_ms(env->patient), &e) == 0)
        return 0;
    *err = e;
    return mutation_journal_failed(env, c->kind, err);
}

int mutation_intend(struct mutation_env *env, struct mutation_change *c, struct ship_error *err)
{
    AUTO_FREE char *text = json_print(c->args);
    struct ledger_journal row = {.kind = ledger_lend(c->kind),
                                 .service = ledger_lend(c->service),
                                 .args_json = text,
                                 .intent_at_ms = clock_epoch_ms(env->patient)};
    c->seq = 0;
    if (env->is_journal_lost)
        return 0;
    if (ledger_intent(env->ledger, env->operation, &row, err) < 0)
        return mutation_journal_failed(env, c->kind, err);
    c->seq = row.seq;
    remember(env, &row);
    return 0;
}

static void tell_warnings(struct mutation_env *env, const struct mutation_change *c)
{
    for (const struct json *w = json_first(json_get(c->observed, "warnings")); w; w = json_next(w))
        ship_emit_message(env->events, SHIP_LEVEL_WARNING, "engine on '%s': %s",
                          json_str_or(c->args, "name", ""), json_value_str(w));
}

int mutation_conclude(struct mutation_env *env, const struct mutation_change *c, bool now,
                      struct ship_error *err)
{
    struct ship_error ignored = {0};
    tell_warnings(env, c);
    if (c->seen == 1)
        return now ? mutation_record_outcome(env, c->seq, c->kind, "done", c->observed, err)
                   : record_done_soon(env, c, err);
    if (c->seen == 0 &&
        mutation_record_outcome(env, c->seq, c->kind, "failed", c->observed, &ignored) < 0)
        ship_emit_message(env->events, SHIP_LEVEL_WARNING, "%s; ignoring", ignored.msg);
    *err = c->err;
    return -1;
}
