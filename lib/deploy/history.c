/*
 * History: deployments from the ledger alone.
 *
 * Without a shipctl.yaml where the command was called (and without -f) every
 * app of the ledger is meant, so that `history` works from anywhere. What can
 * go wrong: plan invalid (10), ledger not readable (11), no such number (16).
 */
#include "shipctl/history.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "deploy/hide.h"
#include "deploy/history.h"

/* ---- rows to results ---- */

static enum ship_outcome outcome_of(const char *text)
{
    static const enum ship_outcome all[] = {
#define OUTCOME(name, text) name,
        SHIP_OUTCOMES(OUTCOME)
#undef OUTCOME
    };
    for (size_t i = 0; text && i < ARRAY_LEN(all); i++)
        if (str_eq(ship_outcome_text(all[i]), text))
            return all[i];
    return SHIP_OUTCOME_INTERRUPTED; /* open: nobody has ended it yet */
}

/* The ledger keeps the exit status, not the code: the first one with that status names it. */
static enum ship_code code_of(int exit_code)
{
    for (int i = 0; i < SHIP_CODE_COUNT; i++)
        if (ship_code_exit_status((enum ship_code)i) == exit_code)
            return (enum ship_code)i;
    return exit_code > 128 ? SHIP_INTERRUPTED : SHIP_INTERNAL;
}

static void take_warnings(struct ship_result *r, const char *text)
{
    struct ship_error ignored = {0};
    AUTO_PTR(json_free)
    struct json *list = text ? json_parse(text, strlen(text), "warnings", &ignored) : NULL;
    r->warnings = xcalloc(json_size(list) + 1, sizeof *r->warnings);
    for (const struct json *w = json_first(list); w; w = json_next(w))
        if (json_is_string(w))
            r->warnings[r->n_warnings++] = xstrdup(json_value_str(w));
}

static void take_result(struct ship_result *r, const struct ledger_deployment *d)
{
    *r = (struct ship_result){.deployment = d->id,
                              .app = xstrdup_or_null(d->app),
                              .environment = xstrdup_or_null(d->environment),
                              .action = xstrdup_or_null(d->action),
                              .outcome = outcome_of(d->outcome),
                              .exit_code = d->exit_code,
                              .started_at_ms = d->started_at_ms,
                              .finished_at_ms = d->finished_at_ms,
                              .downtime_ms = d->downtime_ms,
                              .actor = xstrdup_or_null(d->actor),
                              .reason = xstrdup_or_null(d->reason)};
    r->from.version = xstrdup_or_null(d->from_version);
    r->from.digest = xstrdup_or_null(d->from_digest);
    r->to.version = xstrdup_or_null(d->to_version);
    r->to.digest = xstrdup_or_null(d->to_digest);
    if (d->finished_at_ms > d->started_at_ms)
        r->duration_ms = d->finished_at_ms - d->started_at_ms;
    if (!str_empty(d->error))
        ship_fail(&r->error, code_of(d->exit_code), "%s", d->error);
    if (r->outcome == SHIP_OUTCOME_ROLLED_BACK && d->from_version)
        r->rollback = xasprintf("%s is serving again", d->from_version);
    take_warnings(r, d->warnings_json);
}

static void take_row(struct ship_history_entry *e, const struct ledger_deployment *d)
{
    *e = (struct ship_history_entry){.state = xstrdup(ledger_state_text(d->state)),
                                     .git_sha = xstrdup_or_null(d->git_sha),
                                     .ci_run = xstrdup_or_null(d->ci_run),
                                     .strategy = xstrdup_or_null(d->strategy),
                                     .signature = xstrdup_or_null(d->signature),
                                     .is_current = d->is_current,
                                     .is_target = str_eq(d->outcome, "succeeded") && !d->pruned &&
                                                  !d->is_current,
                                     .target_id = d->target_id};
    take_result(&e->result, d);
}

static void take_rows(struct ship_history *ret, const struct ledger_deployments *ds)
{
    ret->entries = xcalloc(ds->n + 1, sizeof *ret->entries);
    for (size_t i = 0; i < ds->n; i++)
        take_row(&ret->entries[ret->n++], &ds->rows[i]);
}

/* ---- opening ---- */

static bool has_plan(const struct ship_session *s)
{
    static const char *const names[] = {"shipctl.yaml", "shipctl.yml"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        AUTO_FREE char *path = file_path_join(s->dir, names[i]);
        if (file_exists(path))
            return true;
    }
    return s->plan || s->opt.plan_file;
}

/* 0, 1 (no ledger yet), -1. Fills app and environment, NULL = all. */
static int open_ledger(struct ship_session *s, bool all_apps, struct ledger_query *q,
                       struct ship_error *err)
{
    if (!all_apps && has_plan(s)) {
        if (session_need_plan(s, err) < 0)
            return -1;
        q->app = s->plan->app;
        q->environment = s->plan->environment;
    }
    return session_need_ledger(s, LEDGER_READ, err);
}

int ship_history(struct ship_session *s, const struct ship_history_query *query,
                 struct ship_history *ret, struct ship_error *err)
{
    struct ledger_query q = {.since_ms = query->since_ms,
                             .failed_only = query->failed,
                             .version = query->version,
                             .limit = query->limit > 0 ? query->limit : 1};
    AUTO(ledger_deployments_done) struct ledger_deployments ds = {0};
    *ret = (struct ship_history){0};
    int rc = open_ledger(s, query->all_apps, &q, err);
    if (rc == 0)
        rc = ledger_list(s->ledger, &q, &ds, err);
    if (rc < 0)
        return ship_code_exit_status(err->code);
    take_rows(ret, &ds);
    hide_in_history(s->redact, ret);
    return 0;
}

/* ---- one in full ---- */

static int take_steps(struct ship_session *s, struct ship_result *r, struct ship_error *err)
{
    AUTO(ledger_steps_done) struct ledger_steps steps = {0};
    if (ledger_steps_read(s->ledger, r->deployment, &steps, err) < 0)
        return -1;
    r->steps = xcalloc(steps.n + 1, sizeof *r->steps);
    for (size_t i = 0; i < steps.n; i++)
        r->steps[r->n_steps++] =
            (struct ship_result_step){.name = steal_ptr(&steps.rows[i].name),
                                      .status = history_step_status(steps.rows[i].status),
                                      .started_at_ms = steps.rows[i].started_at_ms,
                                      .duration_ms = steps.rows[i].duration_ms,
                                      .message = steal_ptr(&steps.rows[i].message)};
    return 0;
}

static int take_checks(struct ship_session *s, struct ship_result *r, struct ship_error *err)
{
    AUTO(ledger_checks_done) struct ledger_checks checks = {0};
    if (ledger_checks_read(s->ledger, r->deployment, &checks, err) < 0)
        return -1;
    r->checks = xcalloc(checks.n + 1, sizeof *r->checks);
    for (size_t i = 0; i < checks.n; i++) {
        struct ledger_check *c = &checks.rows[i];
        r->checks[r->n_checks++] = (struct ship_result_check){.id = steal_ptr(&c->check_id),
                                                              .type = steal_ptr(&c->type),
                                                              .phase = steal_ptr(&c->phase),
                                                              .required = c->required,
                                                              .status = steal_ptr(&c->status),
                                                              .tries = c->tries,
                                                              .duration_ms = c->duration_ms,
                                                              .message = steal_ptr(&c->message)};
    }
    return 0;
}

static int take_evidence(struct ship_session *s, struct ship_result *r, struct ship_error *err)
{
    AUTO(ledger_evidence_done) struct ledger_evidences es = {0};
    AUTO(buf_done) struct buf text = BUF_INIT(HISTORY_EVIDENCE_MAX);
    if (ledger_evidence_read(s->ledger, r->deployment, &es, err) < 0)
        return -1;
    for (size_t i = 0; i < es.n; i++) {
        const struct ledger_evidence *e = &es.rows[i];
        size_t len = strlen(e->text);
        buf_addf(&text, "[%s %s]\n%s%s", e->kind, e->service ? e->service : "-", e->text,
                 len && e->text[len - 1] == '\n' ? "" : "\n");
    }
    r->evidence = text.len ? buf_steal(&text) : NULL;
    return 0;
}

static int take_services(struct ship_session *s, struct ship_history_entry *e,
                         struct ledger_services *services, struct ship_error *err)
{
    if (ledger_services_read(s->ledger, e->result.deployment, services, err) < 0)
        return -1;
    e->services = xcalloc(services->n + 1, sizeof *e->services);
    for (size_t i = 0; i < services->n; i++) {
        const struct ledger_service *row = &services->rows[i];
        e->services[e->n_services++] =
            (struct ship_history_service){.service = xstrdup(row->service),
                                          .image = xstrdup_or_null(row->image),
                                          .version = xstrdup_or_null(row->version),
                                          .digest = xstrdup_or_null(row->digest),
                                          .image_id = xstrdup_or_null(row->image_id)};
    }
    return 0;
}

/* What the deployment ran with may be in what is recorded of its failure by older releases. */
static void learn_secrets(struct redact *r, const struct ledger_services *services)
{
    for (size_t i = 0; i < services->n; i++) {
        const char *text = services->rows[i].spec_json;
        struct ship_error ignored = {0};
        AUTO_PTR(json_free)
        struct json *spec = text ? json_parse(text, strlen(text), "spec", &ignored) : NULL;
        redact_add_json(r, spec);
    }
}

static int take_diff(struct ship_session *s, struct ship_history_entry *e, int64_t from_id,
                     const struct ledger_services *services, struct ship_error *err)
{
    AUTO(ledger_services_done) struct ledger_services before = {0};
    if (!from_id || !services->n)
        return 0;
    if (ledger_services_read(s->ledger, from_id, &before, err) < 0)
        return -1;
    AUTO(strv_done) struct strv lines = {0};
    history_diff(&before, services, &lines);
    e->n_spec_diff = lines.n;
    e->spec_diff = steal_ptr(&lines.v);
    lines.n = 0;
    return 0;
}

static int take_details(struct ship_session *s, struct ship_history_entry *e, int64_t from_id,
                        struct ship_error *err)
{
    AUTO(ledger_services_done) struct ledger_services services = {0};
    if (take_steps(s, &e->result, err) < 0 || take_checks(s, &e->result, err) < 0 ||
        take_evidence(s, &e->result, err) < 0 || take_services(s, e, &services, err) < 0)
        return -1;
    learn_secrets(s->redact, &services);
    return take_diff(s, e, from_id, &services, err);
}

/* Numbers are unique in the ledger: one of another app can be shown, too. */
int ship_history_show(struct ship_session *s, int64_t deployment, struct ship_history *ret,
                      struct ship_error *err)
{
    *ret = (struct ship_history){0};
    AUTO(ledger_deployment_done) struct ledger_deployment d = {0};
    int rc = session_need_ledger(s, LEDGER_READ, err);
    if (rc == 0)
        rc = ledger_find(s->ledger, NULL, NULL, deployment, &d, err);
    if (rc == 0) {
        struct ledger_deployments one = {.rows = &d, .n = 1};
        take_rows(ret, &one);
        rc = take_details(s, &ret->entries[0], d.from_id, err);
    }
    hide_in_history(s->redact, ret);
    if (rc == 0)
        return 0;
    if (rc > 0)
        ship_fail(err, SHIP_NOT_FOUND, "there is no deployment %lld: nothing was ever deployed",
                  (long long)deployment);
    if (err->code == SHIP_NOT_FOUND)
        ship_error_hint(err, "list them with: shipctl history");
    return ship_code_exit_status(err->code);
}

int ship_history_verify(struct ship_session *s, const char *head, int64_t *ret_rows,
                        struct ship_error *err)
{
    int rc = session_need_ledger(s, LEDGER_READ, err);
    if (rc > 0) {
        *ret_rows = 0;
        return 0;
    }
    if (rc == 0)
        rc = ledger_audit_verify(s->ledger, head, ret_rows, err);
    return rc < 0 ? ship_code_exit_status(err->code) : 0;
}
