/*
 * Prune: see prune.h, and prune_rule.h for what may go.
 *
 * The ledger is told first: a row must never claim to be a rollback target
 * whose image is gone. A crash in between leaves images that belong to pruned
 * rows; the next prune knows them from the history and removes them. What can
 * go wrong: engine or ledger not reachable (11); an image that can not be
 * removed only warns.
 */
#include "deploy/prune.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "deploy/hide.h"
#include "deploy/prune_rule.h"
#include "deploy/record.h"
#include "deploy/recover.h"
#include "deploy/steps.h"

/* The newest explain nearly everything: pages begin small. */
#define HISTORY_PAGE     16
#define HISTORY_PAGE_MAX 256
#define MARK_BATCH       100

/* ---- facts ---- */

static void add_repository(struct strv *list, const char *text)
{
    AUTO_FREE char *repository = text ? prune_repository(text) : NULL;
    if (repository && !strv_has(list, repository))
        strv_add(list, repository);
}

static void list_repositories(const struct plan *p, const struct ledger_images *recorded,
                              struct strv *ret)
{
    add_repository(ret, p->image);
    for (size_t i = 0; i < p->n_services; i++)
        add_repository(ret, p->services[i].image);
    for (size_t i = 0; i < recorded->n; i++)
        if (str_eq(recorded->rows[i].app, p->app) &&
            str_eq(recorded->rows[i].environment, p->environment))
            add_repository(ret, recorded->rows[i].repository);
}

/* From the newest deployment backwards, until every image is explained. */
static int learn_from_history(const struct prune_job *job, const struct prune_rule *rule,
                              struct prune_facts *f, struct ship_error *err)
{
    struct ledger_query q = {
        .app = rule->app, .environment = rule->environment, .limit = HISTORY_PAGE};
    size_t left = prune_rule_unexplained(f);
    while (job->s->ledger && left > 0) {
        AUTO(ledger_deployments_done) struct ledger_deployments page = {0};
        if (ledger_list(job->s->ledger, &q, &page, err) < 0)
            return -1;
        for (size_t i = 0; i < page.n; i++)
            left = prune_rule_learn(rule, &page.rows[i], f);
        if ((int64_t)page.n < q.limit)
            return 0;
        q.before_id = page.rows[page.n - 1].id;
        q.limit = HISTORY_PAGE_MAX;
    }
    return 0;
}

/* ---- doing ---- */

struct marking {
    struct ledger *ledger;
    const struct prune_facts *facts;
    size_t first, end; /* rows of this transaction */
};

static int mark_batch(void *ctx, struct ship_error *err)
{
    const struct marking *m = ctx;
    for (size_t i = m->first; i < m->end; i++) {
        const struct prune_row *row = &m->facts->rows[i];
        if (!m->facts->versions[row->version].is_kept &&
            ledger_mark_pruned(m->ledger, row->deployment, err) < 0)
            return -1;
    }
    return 0;
}

static bool has_marks(const struct prune_facts *f, size_t first, size_t end)
{
    for (size_t i = first; i < end; i++)
        if (!f->versions[f->rows[i].version].is_kept)
            return true;
    return false;
}

/* A transaction per hundred rows: each is complete in itself, so it does not matter where we die.
 */
static int mark_rows(struct ledger *l, const struct prune_facts *f, struct ship_error *err)
{
    for (size_t i = 0; i < f->n_rows; i += MARK_BATCH) {
        size_t end = i + MARK_BATCH < f->n_rows ? i + MARK_BATCH : f->n_rows;
        if (!has_marks(f, i, end))
            continue;
        struct marking m = {.ledger = l, .facts = f, .first = i, .end = end};
        if (ledger_batch(l, mark_batch, &m, err) < 0)
            return -1;
    }
    return 0;
}

static void warn(struct ship_session *s, struct ship_prune_report *r, const char *text)
{
    r->warnings = xreallocarray(r->warnings, r->n_warnings + 1, sizeof *r->warnings);
    r->warnings[r->n_warnings++] = xstrdup(text);
    ship_emit_message(s->opt.events, SHIP_LEVEL_WARNING, "%s", text);
}

/* Reference by reference, never forced: the engine itself refuses what is in use. */
static int remove_refs(struct ship_session *s, const struct prune_item *item,
                       struct ship_error *err)
{
    struct runtime *rt = s->runtime;
    for (size_t i = 0; i < item->refs.n; i++)
        if (rt->ops->image_remove(rt, item->refs.v[i], clock_deadline(rt->clock, RUNTIME_CHANGE_MS),
                                  err) < 0)
            return -1;
    return 0;
}

static int remove_item(const struct prune_job *job, const struct prune_item *item,
                       struct ship_prune_report *r, struct ship_prune_image *image,
                       struct ship_error *err)
{
    struct ship_error e = {0};
    if (clock_stop_signal(&job->s->clock))
        return ship_fail(err, SHIP_INTERRUPTED, "stopped by signal %d",
                         clock_stop_signal(&job->s->clock));
    if (remove_refs(job->s, item, &e) == 0)
        return 0;
    if (e.code == SHIP_UNREACHABLE || e.code == SHIP_INTERRUPTED) {
        *err = e;
        return -1;
    }
    AUTO_FREE char *text =
        xasprintf("cannot remove image '%s': %s; the next prune tries again", image->image, e.msg);
    warn(job->s, r, text);
    image->removed = false;
    free(image->why);
    image->why = xstrdup("could not be removed");
    return 0;
}

static int finish_item(const struct prune_job *job, struct prune_item *item,
                       struct ship_prune_report *r, struct ship_error *err)
{
    struct ship_prune_image *image = &r->images[r->n_images++];
    *image = (struct ship_prune_image){.image = xstrdup(item->refs.v[0]),
                                       .version = steal_ptr(&item->version),
                                       .image_id = xstrdup(item->image->id),
                                       .size_bytes = item->image->size_bytes,
                                       .removed = item->remove,
                                       .why = steal_ptr(&item->why)};
    if (item->remove && !job->dry_run && remove_item(job, item, r, image, err) < 0) {
        image->removed = false;
        return -1;
    }
    if (image->removed && !item->is_shared && image->size_bytes > 0)
        r->freed_bytes += image->size_bytes;
    return 0;
}

static int finish_items(const struct prune_job *job, struct prune_facts *f,
                        struct ship_prune_report *r, struct ship_error *err)
{
    r->images = xcalloc(f->n_items + 1, sizeof *r->images);
    for (size_t i = 0; i < f->n_items; i++)
        if (finish_item(job, &f->items[i], r, err) < 0)
            return -1;
    return 0;
}

int prune_run(const struct prune_job *job, struct ship_prune_report *ret, struct ship_error *err)
{
    struct ship_session *s = job->s;
    struct runtime *rt = s->runtime;
    const struct prune_rule rule = {.app = s->plan->app,
                                    .environment = s->plan->environment,
                                    .keep = job->keep ? job->keep : s->plan->prune.keep,
                                    .pins = &s->plan->prune.pin};
    AUTO(ledger_images_done) struct ledger_images recorded = {0};
    AUTO(container_list_done) struct container_list containers = {0};
    AUTO(image_list_done) struct image_list images = {0};
    AUTO(strv_done) struct strv repositories = {0};
    AUTO(prune_facts_done) struct prune_facts f = {0};
    struct strv all = {0};
    ret->keep = rule.keep;
    ret->dry_run = job->dry_run;
    if ((s->ledger && ledger_images_read(s->ledger, &recorded, err) < 0) ||
        rt->ops->image_list(rt, &images, clock_deadline(rt->clock, RUNTIME_READ_MS), err) < 0 ||
        rt->ops->list(rt, &all, true, &containers, clock_deadline(rt->clock, RUNTIME_READ_MS),
                      err) < 0)
        return -1;
    list_repositories(s->plan, &recorded, &repositories);
    prune_rule_versions(&rule, &recorded, &f);
    prune_rule_items(&images, &repositories, &f);
    prune_rule_judge(&rule, &recorded, &containers, &f);
    if (learn_from_history(job, &rule, &f, err) < 0)
        return -1;
    prune_rule_finish(&f);
    if (!job->dry_run && mark_rows(s->ledger, &f, err) < 0)
        return ship_error_wrap(err, "ledger");
    return finish_items(job, &f, ret, err);
}

/* ---- the command ---- */

static int open_for_change(struct operation *op, struct ship_error *err)
{
    struct ship_session *s = op->s;
    if (record_lock(op, err) < 0 || session_need_ledger(s, LEDGER_WRITE, err) < 0 ||
        session_need_runtime(s, err) < 0)
        return -1;
    operation_equip(op);
    return recover_open(op, err);
}

static int open_for_look(struct ship_session *s, struct ship_error *err)
{
    return session_need_ledger(s, LEDGER_READ, err) < 0 ? -1 : session_need_runtime(s, err);
}

static int prune_locked(struct ship_session *s, const struct ship_prune_request *request,
                        struct ship_prune_report *ret, struct ship_error *err)
{
    AUTO(ship_result_done) struct ship_result res = {0};
    AUTO(operation_done) struct operation op;
    operation_init(&op, s, &res, "prune");
    if ((request->dry_run ? open_for_look(s, err) : open_for_change(&op, err)) < 0)
        return -1;
    lock_describe(&op.lock, NULL, "prune");
    struct prune_job job = {.s = s, .keep = request->keep, .dry_run = request->dry_run};
    if (prune_run(&job, ret, err) == 0)
        return 0;
    if (err->code == SHIP_IO)
        err->code = SHIP_UNREACHABLE; /* the ledger: asked before an image goes */
    return str_empty(err->hint) ? ship_error_hint(err, OPERATION_HINT) : -1;
}

static int exit_status(const struct ship_session *s, struct ship_error *err)
{
    int sig = clock_stop_signal(&s->clock);
    if (err->code == SHIP_INTERRUPTED)
        ship_error_hint(err, "to remove the rest: shipctl prune");
    return err->code == SHIP_INTERRUPTED && sig ? 128 + sig : ship_code_exit_status(err->code);
}

int ship_prune(struct ship_session *s, const struct ship_prune_request *request,
               struct ship_prune_report *ret, struct ship_error *err)
{
    *ret = (struct ship_prune_report){0};
    if (session_need_plan(s, err) < 0)
        return exit_status(s, err);
    ret->app = xstrdup(s->plan->app);
    ret->environment = xstrdup(s->plan->environment);
    int rc = prune_locked(s, request, ret, err);
    hide_in_prune(s->redact, ret);
    redact_error(s->redact, err);
    return rc < 0 ? exit_status(s, err) : 0;
}
