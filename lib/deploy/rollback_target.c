/* The default target of a rollback: see rollback_target.h. Reads at most TARGETS_MAX rows. */
#include "deploy/rollback_target.h"

#include "base/alloc.h"
#include "deploy/names.h"

#define TARGETS_PAGE 100
#define TARGETS_MAX  1000

static bool is_other(const struct ledger_deployment *d, const struct ledger_deployment *current)
{
    return !str_eq(d->to_version, current->to_version) || !str_eq(d->to_digest, current->to_digest);
}

static int64_t newest_id(const struct ledger_deployment *current, bool current_serves)
{
    if (!current_serves)
        return current->id + 1;
    return current->target_id ? current->target_id : current->id;
}

int rollback_target_find(struct ledger *l, const struct ledger_deployment *current,
                         bool current_serves, struct ledger_deployment *ret, struct ship_error *err)
{
    struct ledger_query q = {.app = current->app,
                             .environment = current->environment,
                             .before_id = newest_id(current, current_serves),
                             .targets_only = true,
                             .limit = TARGETS_PAGE};
    for (size_t seen = 0; seen < TARGETS_MAX; seen += TARGETS_PAGE) {
        AUTO(ledger_deployments_done) struct ledger_deployments ds = {0};
        if (ledger_list(l, &q, &ds, err) < 0)
            return -1;
        for (size_t i = 0; i < ds.n; i++) {
            if (current_serves && !is_other(&ds.rows[i], current))
                continue;
            *ret = ds.rows[i];
            ds.rows[i] = (struct ledger_deployment){0};
            return 0;
        }
        if (ds.n < TARGETS_PAGE)
            return 1;
        q.before_id = ds.rows[ds.n - 1].id;
    }
    return 1;
}

bool rollback_target_serves(const struct container_list *containers,
                            const struct ledger_deployment *current)
{
    for (size_t i = 0; i < containers->n; i++) {
        const struct container_row *c = &containers->rows[i];
        const char *version = container_row_label(c, LABEL_VERSION);
        if (version && !name_is_aside(c->name) &&
            str_eq(container_row_label(c, LABEL_APP), current->app) &&
            str_eq(container_row_label(c, LABEL_ENVIRONMENT), current->environment) &&
            !str_eq(version, current->to_version))
            return false;
    }
    return true;
}

bool rollback_target_is_current(const struct operation *op)
{
    const struct ledger_deployment *now = &op->previous;
    if (op->rollback_to != now->id && !(now->target_id && op->rollback_to == now->target_id))
        return false;
    for (size_t i = 0; i < op->n_targets; i++) {
        const struct container_row *c = operation_container(op, op->targets[i].service, 0);
        if (!c || c->state != CONTAINER_RUNNING || !str_eq(c->image_id, op->targets[i].image_id))
            return false;
    }
    return true;
}
